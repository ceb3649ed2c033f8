// Command cyclic reads whole tradeoff curves off single runs, as Portes et al. 2022 (arXiv 2206.00832) propose, and
// asks whether they can be trusted: six recipes for a classifier of handwritten digits are trained once with a
// multiplicative cyclic learning rate and once for each of six lengths, on clean and on noisy labels, with several
// seeds. It prints both curves, by how much they differ, whether they put the recipes in the same order, and what
// each costs.
//
//	go run ./examples/cyclic
//	go run ./examples/cyclic -out DIR    # and draws the curves
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/cyclic/curves"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/plot"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("cyclic: ")
	seeds := flag.Int("seeds", 10, "number of seeds, at least 1")
	first := flag.Uint64("seed", 1, "first seed")
	out := flag.String("out", "", "directory for clean.svg, noisy.svg and runs.jsonl")
	cli.Usage("cyclic reads tradeoff curves between training time and accuracy off single runs with a cyclic learning " +
		"rate, and off " +
		"separate runs of every length, and says how far they agree. It takes about a minute.")
	flag.Parse()
	if *seeds < 1 {
		log.Fatalf("-seeds is %d, want at least 1", *seeds)
	}
	if err := run(*first, *seeds, *out); err != nil {
		log.Fatal(err)
	}
}

// settings are the two sets of labels.
var settings = []labels{{"clean", 0}, {"noisy", 0.2}}

type labels struct {
	name  string
	noise float64 // share of wrong ones
}

func (s labels) training() curves.Training {
	how := curves.Usual
	how.Noise = s.noise
	return how
}

func run(first uint64, count int, out string) error {
	var seeds []uint64
	for i := range count {
		seeds = append(seeds, first+uint64(i))
	}
	if err := cli.Directory(out); err != nil {
		return err
	}
	start := time.Now()
	for _, s := range settings {
		results, err := curves.Study(s.training(), seeds, curves.Recipes, func(done, total int) {
			fmt.Fprintf(os.Stderr, "\r%s labels: %d of %d runs, %.0f s ", s.name, done, total, time.Since(start).Seconds())
		})
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s labels (%.0f%% wrong), %d training images, %d seeds\n", s.name, 100*s.noise, curves.Trained, count)
		if err := report(results); err != nil {
			return err
		}
		if out != "" {
			if err := errors.Join(write(filepath.Join(out, s.name+".svg"), s.name, results),
				record(filepath.Join(out, "runs.jsonl"), s.name, results)); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%.0f s\n", time.Since(start).Seconds())
	return nil
}

// write draws the accuracy of the first and the last recipe, of both kinds of runs.
func write(path, name string, results []curves.Result) error {
	var runs []tradeoff.Runs
	for _, r := range []curves.Recipe{curves.Recipes[0], curves.Recipes[len(curves.Recipes)-1]} {
		for _, kind := range curves.Kinds {
			one := tradeoff.Runs{Name: r.Name + ", " + kind}
			for _, x := range results {
				if x.Recipe == r.Name {
					one.Curves = append(one.Curves, x.Accuracy[kind])
				}
			}
			if len(one.Curves) > 0 {
				runs = append(runs, one)
			}
		}
	}
	p, err := plot.TradeoffCurves(runs, plot.WithTitle(name+" labels: six separate runs, or one cyclic run"),
		plot.WithLabels("steps", "accuracy, %"))
	if err != nil {
		return err
	}
	return plot.Save(p, path)
}

// record appends the runs to a log that "go run ./cmd/tradeoff compare" reads.
func record(path, name string, results []curves.Result) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	w, err := runlog.NewWriter(f, runlog.WithEnv(runlog.CaptureEnv()))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	for _, x := range results {
		for _, kind := range curves.Kinds {
			run := runlog.Record{Kind: "run", RunID: fmt.Sprint(name, "/", x.Recipe, "/", kind, "/",
				x.Seed), Task: "digits, " + name + " labels, " + kind, Model: "mlp",
				Dataset: "digits", Seed: x.Seed, Schedule: "cyclic", TuningTrials: 1, TunedOn: "nothing"}
			if x.Recipe != curves.Recipes[0].Name {
				run.Method = []string{x.Recipe}
			}
			if kind == curves.OneRun {
				err = errors.Join(err, w.Write(run))
			}
			loss := x.Loss[kind].Points()
			for i, p := range x.Accuracy[kind].Points() {
				one := run
				if kind == curves.Separate { // each point is a run
					one.RunID += fmt.Sprint("/", p.Cost)
					one.Schedule, one.Budget = "decayed", &runlog.Budget{Unit: "steps", Value: p.Cost}
					err = errors.Join(err, w.Write(one))
				}
				err = errors.Join(err, w.Write(runlog.Record{Kind: "eval", RunID: one.RunID, Step: int(p.Cost),
					Quality: map[string]float64{"accuracy": p.Quality, "loss": loss[i].Quality}}))
			}
		}
	}
	return errors.Join(err, f.Close())
}
