// Command results measures again what the papers say, with seeds that nobody chose: each statement is a number that
// every seed gives, with its interval, how many seeds agree, a control in which it must fail, and the smallest
// difference that could have been seen. It writes RESULTS.md and results.json.
//
//	go run ./examples/results -seed N
//	go run ./examples/results -seed N -only cyclic,pruning    # the others stay as they were
//	go run ./examples/results -quick                          # seconds: whether it runs, not what is true
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/tensor"
)

// experiment is the replication of a paper.
type experiment struct {
	name, setting string
	// run trains for every seed, fewer and shorter if it is to be quick.
	run func(ctx context.Context, seeds []uint64, quick bool, progress func(done, total int)) ([]Claim, error)
}

// experiments in the order of their cost to the reader who waits. A package that replicates a paper adds its own here,
// and marks to RESULTS.md where its table is to stand.
var experiments = []experiment{
	{"masking", fmt.Sprintf("a small window model on the source of Go's standard library, %d steps, loss at a masking "+
		"rate of 15 %%, differences of runs of one seed.", maskingSteps), masking},
	{"cyclic", "a perceptron on 600 handwritten digits, six recipes, lengths of 2 to 64 epochs, each seed with a split " +
		"of its own.", cyclic},
	{"pruning", "a convolutional network and a perceptron on handwritten digits, 30 epochs before pruning and 8 or 20 " +
		"after it, differences of runs of one seed.", pruning},
	{"tta", "a perceptron trained on 500 handwritten digits and asked about 18 views of the others; each seed with a " +
		"split and a model of its own.", augmentation},
	{"causal", "a perceptron that tells digits below 5 from others on striped backgrounds, which go with the label in " +
		"nine training images of ten.", shortcut},
	{"mil", fmt.Sprintf("bags of 10 to 100 instances, of which 10 %% are positive in negative bags and 20 to 60 %% in "+
		"positive ones; logistic regression of the instances of %d bags, judged on %d others.", 2*trainPairs,
		2*testPairs), witness},
	{"ecg", fmt.Sprintf("%d synthetic patients to train on for three epochs and %d to test, 32 to 48 heartbeats each, "+
		"area under the ROC curve for the event within 90 days, which one in fifty has; each seed with patients "+
		"and models of its own.", patients, patients), heartbeats},
	{"maddness", fmt.Sprintf("the last layer of a 64-256-256-10 perceptron on handwritten digits replaced by %d lookups, "+
		"or %d dimensions; the error is the mean square over the variance, on 500 test images.", codebooks, codebooks),
		lookup},
}

// usualSeeds is how many seeds there are unless -seeds says otherwise.
const usualSeeds = 30

// settings are the flags.
type settings struct {
	seed  uint64
	only  string
	seeds int
	quick bool
	page  bool
	out   string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("results: ")
	var s settings
	flag.Uint64Var(&s.seed, "seed", 1, "what the seeds of all experiments are drawn from: take one that nobody used")
	flag.StringVar(&s.only, "only", "", "experiments to run, with commas; default: "+strings.Join(names(), ","))
	flag.IntVar(&s.seeds, "seeds", usualSeeds, "seeds of each experiment, at least 2")
	flag.BoolVar(&s.quick, "quick", false, "2 seeds and few steps, in seconds: shows that it runs, and nothing is true")
	flag.BoolVar(&s.page, "page", false, "run nothing: write RESULTS.md from results.json again")
	flag.StringVar(&s.out, "out", "", "directory of RESULTS.md and results.json; default: here, and none with -quick")
	cli.Usage("results measures again what the papers say, with controls that must fail and seeds drawn from -seed, and " +
		"writes RESULTS.md and results.json. It takes about twenty minutes.")
	flag.Parse()
	if s.out == "" && !s.quick {
		s.out = "."
	}
	if s.quick {
		s.seeds = 2
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

func run(ctx context.Context, s settings) error {
	if s.seeds < 2 {
		return fmt.Errorf("-seeds is %d: an interval needs at least 2", s.seeds)
	}
	list, err := wanted(s.only)
	if err != nil {
		return err
	}
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	if s.page {
		all, err := readResults(s.out)
		if err != nil {
			return err
		}
		return all.save(s.out)
	}
	for _, e := range list {
		r, err := e.record(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		fmt.Printf("%s, %d s\n%s\n", e.name, r.Seconds, text(r))
		if s.out == "" {
			continue
		}
		all, err := readResults(s.out) // anew, so that nothing is lost if a later experiment fails
		if err != nil {
			return err
		}
		all.put(r)
		if err := all.save(s.out); err != nil {
			return err
		}
	}
	return nil
}

// record runs an experiment and judges its claims.
func (e experiment) record(ctx context.Context, s settings) (Record, error) {
	start := time.Now()
	r := Record{Experiment: e.name, Setting: e.setting, Seed: s.seed, Seeds: drawn(s.seed, s.seeds), Quick: s.quick}
	var err error
	r.Claims, err = e.run(ctx, r.Seeds, s.quick, func(done, total int) {
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d, %.0f s ", e.name, done, total, time.Since(start).Seconds())
	})
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	if err != nil {
		return r, err
	}
	r.Seconds = int(time.Since(start).Seconds() + 0.5)
	for i := range r.Claims {
		if err := r.Claims[i].judge(); err != nil {
			return r, err
		}
	}
	return r, nil
}

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
