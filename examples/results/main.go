// Command results measures again what the papers say, with seeds that nobody chose: each statement is a number that
// every seed gives, with its interval, how many seeds agree, a control in which it must fail, and the smallest
// difference that could have been seen. It writes RESULTS.md and results.json.
//
//	go run ./examples/results -seed N
//	go run ./examples/results -seed N -only cyclic,pruning    # the others stay as they were
//	go run ./examples/results -seed N -settings               # the same claims in other settings, below the tables
//	go run ./examples/results -seed N -check                  # writes nothing: are the verdicts those of results.json?
//	go run ./examples/results -quick                          # seconds: whether it runs, not what is true
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/tensor"
)

// experiment is the replication of a paper.
type experiment struct {
	name, about string    // about: data, model, what is compared
	needs       []string  // files in the directory of -data, which are not in the repository
	settings    []setting // others than that of the table, in which it can run
	seeds, few  int       // of the table and of another setting, where a seed is dear; 0: usualSeeds and fewSeeds
	unit        string    // what there is a number of for each claim, if it is not seeds
	run         func(ctx context.Context, t trial) ([]Claim, error)
	compare     func(t trial) ([]Exact, error) // statements without chance; either may be nil
}

// setting is a change to an experiment that a sceptic would ask for.
type setting struct{ name, text string }

// trial is what a run of an experiment is given.
type trial struct {
	seeds   []uint64
	quick   bool   // fewer and shorter
	setting string // the name of one of the experiment's settings, or empty for that of the table
	data    string // directory of the files that it needs
	report  func(done, total int)
}

// experiments in the order of the page. A package that replicates a paper adds its own here, and marks to RESULTS.md
// where its table is to stand.
var experiments = []experiment{maskingExperiment, cyclicExperiment, pruningExperiment, ttaExperiment, causalExperiment,
	milExperiment, ecgExperiment, maddnessExperiment, productsExperiment, rivalsExperiment, muskExperiment,
	resplitsExperiment, lettersExperiment, schedulesExperiment, imagenetExperiment, algoperfExperiment}

// usualSeeds and fewSeeds are how many seeds a table and another setting have unless -seeds says otherwise.
const usualSeeds, fewSeeds = 30, 10

// flags are those of the command line.
type flags struct {
	seed     uint64
	only     string
	data     string
	seeds    int
	settings bool
	check    bool
	quick    bool
	page     bool
	out      string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("results: ")
	var s flags
	flag.Uint64Var(&s.seed, "seed", 1, "what the seeds of all experiments are drawn from: take one that nobody used")
	flag.StringVar(&s.only, "only", "", "experiments to run, with commas; default: "+strings.Join(names(), ","))
	flag.StringVar(&s.data, "data", "", "directory of files that the repository has not, for experiments that need them")
	flag.IntVar(&s.seeds, "seeds", 0, fmt.Sprintf("seeds of each experiment, at least 2; default: %d, with -settings %d, "+
		"and fewer where a seed is dear", usualSeeds, fewSeeds))
	flag.BoolVar(&s.settings, "settings", false, "run in the other settings of each experiment instead of its own")
	flag.BoolVar(&s.check, "check", false, "write nothing: fail unless every verdict is that of results.json")
	flag.BoolVar(&s.quick, "quick", false, "2 seeds and few steps, in seconds: shows that it runs, and nothing is true")
	flag.BoolVar(&s.page, "page", false, "run nothing: judge the numbers of results.json again, and write RESULTS.md")
	flag.StringVar(&s.out, "out", "", "directory of RESULTS.md and results.json; default: here, and none with -quick")
	cli.Usage("results measures again what the papers say, with controls that must fail and seeds drawn from -seed, and " +
		"writes RESULTS.md and results.json. It takes forty minutes on two processors, and as long again with -settings.")
	flag.Parse()
	if s.out == "" && !s.quick {
		s.out = "."
	}
	if err := run(context.Background(), s); err != nil {
		log.Fatal(err)
	}
}

func names() []string {
	var all []string
	for _, e := range experiments {
		all = append(all, e.name)
	}
	return all
}

// wanted is the experiments of a list of names, all for an empty one.
func wanted(only string) ([]experiment, error) {
	if only == "" {
		return experiments, nil
	}
	var list []experiment
	for name := range strings.SplitSeq(only, ",") {
		i := slices.Index(names(), name)
		if i < 0 {
			return nil, fmt.Errorf("-only: %q is none of %s", name, strings.Join(names(), ", "))
		}
		list = append(list, experiments[i])
	}
	return list, nil
}

func run(ctx context.Context, s flags) error {
	if s.seeds < 0 || s.seeds == 1 {
		return fmt.Errorf("-seeds is %d: an interval needs at least 2", s.seeds)
	}
	if s.page && (s.check || s.settings || s.quick) {
		return errors.New("-page runs nothing: it goes with none of -check, -settings and -quick")
	}
	list, err := wanted(s.only)
	if err != nil {
		return err
	}
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	if s.page {
		return rewrite(s.out)
	}
	var verdicts tally
	for _, e := range list {
		if missing := e.missing(s.data); missing != "" {
			fmt.Printf("%s: left as it is: needs %s in the directory of -data\n\n", e.name, missing)
			continue
		}
		if err := e.ready(s); err != nil {
			return err
		}
		runs, err := e.runs(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if s.out == "" {
			continue
		}
		all, err := readResults(s.out) // anew, so that nothing is lost if a later experiment fails
		if err != nil {
			return err
		}
		if s.check {
			if err := verdicts.add(all, e.name, runs); err != nil {
				return err
			}
			continue
		}
		if s.settings {
			err = all.putElsewhere(e.name, runs)
		} else {
			all.put(Record{Experiment: e.name, About: e.about, Run: runs[0].Run})
		}
		if err == nil {
			err = all.save(s.out)
		}
		if err != nil {
			return err
		}
	}
	if s.check {
		return verdicts.judge()
	}
	return nil
}

// rewrite judges the numbers of results.json again, for rules that have changed.
func rewrite(dir string) error {
	all, err := readResults(dir)
	if err == nil {
		err = all.judge()
	}
	if err != nil {
		return err
	}
	return all.save(dir)
}

// missing is the first file that an experiment needs and that is not there, or empty.
func (e experiment) missing(dir string) string {
	for _, name := range e.needs {
		if _, err := os.Stat(filepath.Join(dir, name)); dir == "" || err != nil {
			return name
		}
	}
	return ""
}

// ready is an error if what is to be run has no place in results.json, or nothing to compare with there.
func (e experiment) ready(s flags) error {
	if s.out == "" || !s.settings && !s.check {
		return nil
	}
	all, err := readResults(s.out)
	if err == nil && all.of(e.name) == nil {
		err = fmt.Errorf("%s has no %s; run it without -settings and -check first", resultsFile, e.name)
	}
	return err
}

// runs is an experiment in its own setting, or in all others.
func (e experiment) runs(ctx context.Context, s flags) ([]Elsewhere, error) {
	list := []setting{{}}
	if s.settings {
		list = e.settings
	}
	var runs []Elsewhere
	for _, in := range list {
		r, err := e.measure(ctx, in.name, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		fmt.Printf("%s, %d s\n%s\n", strings.TrimSuffix(e.name+", "+in.name, ", "), r.Seconds, text(r))
		runs = append(runs, Elsewhere{Setting: in.name, Text: in.text, Run: r})
	}
	return runs, nil
}

// measure runs an experiment in a setting and judges its claims.
func (e experiment) measure(ctx context.Context, in string, s flags) (Run, error) {
	n := s.seeds
	switch {
	case s.quick:
		n = 2
	case n == 0:
		n = e.usual(in != "")
	}
	start := time.Now()
	r := Run{Seed: s.seed, Seeds: drawn(s.seed, n), Unit: e.unit, Quick: s.quick}
	report := func(done, total int) {
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d, %.0f s ", e.name, done, total, time.Since(start).Seconds())
	}
	t := trial{seeds: r.Seeds, quick: s.quick, setting: in, data: s.data, report: report}
	var err1, err2 error
	if e.compare != nil {
		r.Exact, err1 = e.compare(t)
	}
	if e.run != nil {
		r.Claims, err2 = e.run(ctx, t)
	}
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	if err := errors.Join(err1, err2); err != nil {
		return r, err
	}
	r.Seconds = int(time.Since(start).Seconds() + 0.5)
	return r, r.judge()
}

// usual is how many seeds an experiment has, in its own setting or elsewhere.
func (e experiment) usual(elsewhere bool) int {
	if elsewhere {
		return cmp.Or(e.few, fewSeeds)
	}
	return cmp.Or(e.seeds, usualSeeds)
}

// unknown is the error of an experiment that does not know a setting.
func (t trial) unknown() error { return fmt.Errorf("no setting is called %q", t.setting) }

// drawn is n different seeds, which the seed of the command line decides.
func drawn(seed uint64, n int) []uint64 {
	rng := tensor.Stream(seed, 23)
	var seeds []uint64
	for len(seeds) < n {
		if s := rng.Uint64N(1 << 31); !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
	}
	return seeds
}
