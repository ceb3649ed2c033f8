// Command tta trains a small network on handwritten digits, asks it about 18 views of each test image, and compares
// ways to make one answer of them, with what each corrects and corrupts (Shanmugam et al. 2021, arXiv 2011.11156).
//
//	go run ./examples/tta
//
// A model that was trained elsewhere is judged by its outputs, an array [examples, views, classes] of float32 or
// float64 and one of int64 labels as numpy.save writes them:
//
//	go run ./examples/tta -outputs logits.npy -labels labels.npy
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/tta/views"
	"github.com/espalier-ml/espalier/tta"
)

type settings struct {
	seed            uint64
	outputs, labels string
	identity        int
	probabilities   bool
	out             string
	splits          int
}

func main() {
	log.SetFlags(0)
	var s settings
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the splits, the weights and the order of the images")
	flag.StringVar(&s.outputs, "outputs", "", "NPY file of outputs [examples, views, classes] in place of the digits")
	flag.StringVar(&s.labels, "labels", "", "NPY file of their labels, int64")
	flag.IntVar(&s.identity, "identity", 0, "index of the untransformed view in them")
	flag.BoolVar(&s.probabilities, "probabilities", false, "the outputs are probabilities and no logits")
	flag.StringVar(&s.out, "out", "", "directory for report.svg and weights.png")
	flag.IntVar(&s.splits, "splits", 0, "re-split the outputs this many times with 50, 200 and 1000 labels instead")
	cli.Usage("tta compares ways to aggregate what a model says of several views of an input. It takes seconds.")
	flag.Parse()
	if err := run(context.Background(), s); err != nil {
		log.Fatal("tta: ", err)
	}
}

func run(ctx context.Context, s settings) error {
	if (s.outputs == "") != (s.labels == "") {
		return fmt.Errorf("-outputs and -labels go together")
	}
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	all, err := load(ctx, s)
	if err != nil {
		return err
	}
	fmt.Println(all)
	if s.splits > 0 {
		return study(ctx, all, s)
	}
	fit, test, err := all.Split(0.5, s.seed)
	if err != nil {
		return err
	}
	analysis, err := tta.AnalyzeViews(fit)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d examples to fit on, %d to test on\n\n%v\n", fit.Len(), test.Len(), analysis)
	return compare(ctx, fit, test, s)
}

func load(ctx context.Context, s settings) (*tta.Outputs, error) {
	if s.outputs != "" {
		return readOutputs(s)
	}
	return views.Collect(ctx, s.seed, false)
}
