package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/plot"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// scored is the flags of score.
type scored struct {
	targets, references, without, goals, out, format string
	algoPerf, byTime, workloads, json                bool
	ratio                                            float64
	replicates, trim                                 int
	seed                                             uint64
}

func (s *scored) register(f *flag.FlagSet) {
	f.StringVar(&s.targets, "targets", "",
		"AlgoPerf's JSON file of targets; files are then AlgoPerf tables or directories of logs")
	f.StringVar(&s.references, "references", "",
		"MLPerf's JSON file of reference convergence points; files are then the result files of one submission")
	f.IntVar(&s.trim, "trim", 1, "runs that -references leaves out at each end")
	f.StringVar(&s.without, "without", "", "workloads to leave out, with commas between")
	f.StringVar(&s.goals, "target", "",
		"quality to reach on each task of other logs, as digits=0.95,text=0.8 (default the records' targets)")
	f.BoolVar(&s.algoPerf, "algoperf", false, "score as the benchmark's own code does, to the last digit")
	f.BoolVar(&s.byTime, "bytime", false,
		"of the trials of a study take the fastest and not the one with the fewest evaluations")
	f.Float64Var(&s.ratio, "max-ratio", 4, "largest ratio to the fastest that counts")
	f.BoolVar(&s.workloads, "workloads", false, "draw workloads too, for intervals")
	f.IntVar(&s.replicates, "replicates", 10_000, "of the bootstrap")
	f.Uint64Var(&s.seed, "seed", 0, "of the bootstrap")
	f.StringVar(&s.out, "o", "", "file for the performance profiles: .svg, .png or .pdf")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVar(&s.format, "format", "text", "text, markdown, latex, csv or json (as -json)")
}

func scoring(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	var k scored
	k.register(c.flags)
	files, err := c.parse(args)
	switch {
	case err != nil:
		return err
	case k.replicates < 1 || !(k.ratio > 1):
		return c.misuse("-replicates must be 1 or more and -max-ratio above 1")
	case !slices.Contains(formats, k.format):
		return c.misuse("-format is %q, want one of %q", k.format, formats)
	case k.references != "" && (k.targets != "" || k.without != "" || k.goals != "" || k.out != ""):
		return c.misuse("-references goes with none of -targets, -target, -without and -o")
	}
	if k.json {
		k.format = "json"
	}
	if k.references != "" {
		return c.references(k.references, k.trim, files, k.format)
	}
	var table score.TimeTable
	if k.targets != "" {
		table, err = c.algoPerf(k.targets, strings.Split(k.without, ","), k.byTime, files)
	} else {
		table, err = c.times(&s, k.goals, files)
	}
	if err != nil {
		return err
	}
	return k.write(c, table)
}

func (k *scored) write(c *call, table score.TimeTable) error {
	profile := []score.ProfileOption{score.WithMaxRatio(k.ratio)}
	if k.algoPerf {
		profile = append(profile, score.AlgoPerf())
	}
	opts := []score.Option{score.WithInterval(stats.WithReplicates(k.replicates), stats.WithSeed(k.seed), c.resampling())}
	for _, o := range profile {
		opts = append(opts, o)
	}
	if k.workloads {
		opts = append(opts, score.WithTasks())
	}
	scores, err := table.BenchmarkScores(opts...)
	if err != nil {
		return err
	}
	slices.SortStableFunc(scores, func(a, b score.BenchmarkScore) int {
		return cmp.Or(-cmp.Compare(a.Score.Value, b.Score.Value), strings.Compare(a.Submission, b.Submission))
	})
	if k.out != "" {
		p, err := table.Profile(profile...)
		if err != nil {
			return err
		}
		figure, err := plot.PerformanceProfile(p)
		if err != nil {
			return err
		}
		if err := plot.Save(figure, k.out); err != nil {
			return err
		}
	}
	for _, name := range nobodyRan(table) {
		fmt.Fprintf(c.stderr, "tradeoff: nobody ran %s, which counts against all; leave it out with -without\n", name)
	}
	if k.format == "json" {
		return json.NewEncoder(c.stdout).Encode(scores)
	}
	return k.print(c, scores)
}

// print prints a row for each submission, with all digits in csv, and in text the warnings below.
func (k *scored) print(c *call, scores []score.BenchmarkScore) error {
	t := &table{header: []string{"submission", "score", "95% interval", "first in"}}
	if k.format == "csv" {
		t.header = []string{"submission", "score", "lo", "hi", "first"}
	}
	var notes []string
	for _, one := range scores {
		e := one.Score
		if k.format == "csv" {
			t.add(one.Submission, fmt.Sprint(e.Value), fmt.Sprint(e.Lo), fmt.Sprint(e.Hi), fmt.Sprint(one.First))
		} else {
			t.add(one.Submission, fmt.Sprintf("%.4f", e.Value), fmt.Sprintf("%.3f to %.3f", e.Lo, e.Hi),
				fmt.Sprintf("%.0f%%", 100*one.First))
		}
		for _, warning := range e.Warnings {
			if text := plain(warning); !slices.Contains(notes, text) {
				notes = append(notes, text)
			}
		}
	}
	if err := t.write(c, k.format); err != nil || k.format != "text" {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(c.stdout, "*", n)
	}
	return nil
}

// algoPerf reads AlgoPerf's tables and trees of logs.
func (c *call) algoPerf(file string, without []string, byTime bool, files []string) (score.TimeTable, error) {
	var targets importers.AlgoPerfTargets
	err := c.open(file, func(r *bufio.Reader) (err error) {
		targets, err = importers.ReadAlgoPerfTargets(r)
		return err
	})
	if err != nil {
		return score.TimeTable{}, err
	}
	for _, name := range without {
		if _, ok := targets.Metric[name]; name != "" && !ok {
			return score.TimeTable{}, fmt.Errorf("-without: no workload %q; there are %q", name,
				slices.Sorted(maps.Keys(targets.Metric)))
		}
	}
	targets = targets.Without(without...)
	var trials []score.Trial
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			more, err := importers.AlgoPerfLogs(os.DirFS(name), targets)
			if err != nil {
				return score.TimeTable{}, fmt.Errorf("%s: %w", name, err)
			}
			trials = append(trials, more...)
			continue
		}
		err := c.open(name, func(r *bufio.Reader) error {
			more, err := importers.ReadAlgoPerf(r, targets)
			trials = append(trials, more...)
			return err
		})
		if err != nil {
			return score.TimeTable{}, err
		}
	}
	var opts []score.TrialOption
	if byTime {
		opts = append(opts, score.ByTime())
	}
	return score.NewTrialTable(trials, targets.Workloads, opts...)
}

// times makes a table of ordinary logs: methods are submissions, tasks and models workloads, and runs studies.
func (c *call) times(s *selection, goals string, files []string) (score.TimeTable, error) {
	log, err := c.thinLog(files, s)
	if err != nil {
		return score.TimeTable{}, err
	}
	settings, err := c.arms(log, s)
	if err != nil {
		return score.TimeTable{}, err
	}
	given, err := pairs(goals)
	if err != nil {
		return score.TimeTable{}, c.misuse("-target: %v", err)
	}
	var names []string
	var loads []score.Workload
	for _, arms := range settings {
		load := score.Workload{Name: setting(arms[0]), Direction: arms[0].Runs.Direction()}
		var ok bool
		if load.Target, ok = target(arms[0], given); !ok {
			return score.TimeTable{}, fmt.Errorf("no target for %s: give it with -target %s=QUALITY", load.Name, arms[0].Task)
		}
		loads = append(loads, load)
		for _, a := range arms {
			if !slices.Contains(names, a.Runs.Name) {
				names = append(names, a.Runs.Name)
			}
		}
	}
	studies := make([][][]float64, len(names))
	for i := range studies {
		studies[i] = make([][]float64, len(settings))
	}
	for w, arms := range settings {
		for _, a := range arms {
			i := slices.Index(names, a.Runs.Name)
			for _, t := range a.Runs.Times(loads[w].Target, tradeoff.FirstHit) {
				if !t.Event {
					t.Time = math.Inf(1)
				}
				studies[i][w] = append(studies[i][w], t.Time)
			}
		}
	}
	return score.NewTimeTable(names, loads, studies)
}

// target is the quality that a task is to reach, by the flag or by its records.
func target(a runlog.Arm, given map[string]string) (float64, bool) {
	for _, name := range []string{setting(a), a.Task} {
		var q float64
		if text, ok := given[name]; ok {
			if _, err := fmt.Sscan(text, &q); err == nil {
				return q, true
			}
		}
	}
	if q, ok := a.Target[a.Quality]; ok {
		return q, true
	}
	return 0, false
}

// nobodyRan is the workloads that no submission has a time of.
func nobodyRan(t score.TimeTable) []string {
	times := t.Times()
	var names []string
	for w, load := range t.Workloads() {
		if !slices.ContainsFunc(times, func(row []float64) bool { return row[w] == row[w] }) {
			names = append(names, load.Name)
		}
	}
	return names
}
