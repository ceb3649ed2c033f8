// Command mlm trains a small masked language model with the masking rate schedules of Ankner et al. 2024 (Dynamic
// masking rate schedules for MLM pretraining, arXiv 2305.15096) and says which of the paper's statements the result
// confirms.
//
//	go run ./examples/mlm              source code of the standard library, 3 seeds
//	go run ./examples/mlm -full        more seeds and steps
//	go run ./examples/mlm -text FILE   any text of some hundred kilobytes
//
// Text is cut into the tokens of a small byte-pair encoding that is learned from it. The model is a multi-layer
// perceptron on a window of nine tokens of the corrupted text, which computes only the positions to predict. All runs
// of one seed start from the same weights and see the same batches, and the masks of a lower rate are part of those
// of a higher one; so differences between runs are those of the schedules.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/mlm/window"
)

func main() {
	log.SetFlags(0)
	full := flag.Bool("full", false, "8 seeds of 1500 steps instead of 3 of 500")
	seeds := flag.Int("seeds", 0, "number of seeds, at least 2; 0 leaves it to -full")
	steps := flag.Int("steps", 0, "steps of a run, at least 100; 0 leaves it to -full")
	name := flag.String("text", "", "file to learn from instead of the standard library")
	out := flag.String("out", "", "directory for curves.csv and curves.svg, the losses during training")
	cli.Usage("mlm trains small masked language models on source code under different schedules of the masking rate " +
		"and says which " +
		"of the paper's statements the losses confirm. It takes about a minute.")
	flag.Parse()
	p := plan{seeds: 3, steps: 500, text: *name, out: *out}
	if *full {
		p.seeds, p.steps = 8, 1500
	}
	if *seeds != 0 {
		p.seeds = *seeds
	}
	if *steps != 0 {
		p.steps = *steps
	}
	if err := run(p); err != nil {
		log.Fatal("mlm: ", err)
	}
}

// plan is what the flags say.
type plan struct {
	seeds, steps int
	text, out    string
}

func run(p plan) error {
	if p.seeds < 2 {
		return fmt.Errorf("-seeds is %d: differences need at least 2 to have an error", p.seeds)
	}
	if p.steps < 100 {
		return fmt.Errorf("-steps is %d, want at least 100", p.steps)
	}
	if err := cli.Directory(p.out); err != nil {
		return err
	}
	var t window.Text
	var err error
	if p.text != "" {
		t, err = window.File(p.text)
	} else {
		t, err = window.StandardLibrary()
	}
	if err != nil {
		return err
	}
	data, err := window.NewCorpus(t)
	if err != nil {
		return err
	}
	fmt.Printf("text: %s\n", t.Source)
	fmt.Printf("%d tokens to train on, %d to test on, byte-pair encoding of %d ids, %.2f bytes a token\n",
		len(data.Train), len(data.Test), data.Vocab, float64(len(t.Train))/float64(len(data.Train)))
	runs, err := trainAll(data, p, os.Stderr)
	if err != nil {
		return err
	}
	if p.out != "" {
		if err := writeCurves(p.out, runs); err != nil {
			return err
		}
	}
	return report(os.Stdout, p, runs)
}
