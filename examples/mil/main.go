// Command mil learns from bags of which only the bags have labels, and compares ways to do so by cross-validation:
// attention and fixed pooling of what a small network makes of the instances, and ridge regression on set kernels,
// which has no seed. Then it shows which instances the attention found, which nobody had told it.
//
//	go run ./examples/mil
//
// The bags are of handwritten digits, and positive if a 9 is among them. Other bags come from a CSV file with a header
// and a line for each instance: the name of its bag, the bag's label, 0 or 1, and its features.
//
//	go run ./examples/mil -data musk1.csv -epochs 100 -rate 5e-4 -folds 10 -repeats 5
//
// trains on MUSK1 (UCI Machine Learning Repository) for some minutes with the settings of the field. Which bags are in
// which fold moves its accuracies by two or three points; -test takes folds from a file.
package main

import (
	"flag"
	"fmt"
	"log"
	"slices"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/mil/crossval"
)

type settings struct {
	crossval.Settings
	seed          uint64
	data, test    string
	folds, repeat int
	digits        int
	methods       string
}

func main() {
	log.SetFlags(0)
	var s settings
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the bags of digits, the folds, the weights and the order of the bags")
	flag.StringVar(&s.data, "data", "", "CSV file of bags in place of the digits, gzipped if it ends in .gz")
	flag.StringVar(&s.test, "test", "", `JSON file of folds, {"test_bags": [repeat][fold][bag]}`)
	flag.IntVar(&s.digits, "digits", 1797, "how many digits there are in the bags")
	flag.IntVar(&s.Epochs, "epochs", 40, "passes over the training bags")
	flag.IntVar(&s.folds, "folds", 5, "folds of a cross-validation")
	flag.IntVar(&s.repeat, "repeats", 1, "cross-validations, each with folds of its own")
	flag.Float64Var(&s.Rate, "rate", 1e-3, "learning rate")
	flag.Float64Var(&s.Decay, "decay", 5e-3, "weight decay")
	flag.StringVar(&s.methods, "methods", "gated,max,mean,ridge", "what to compare")
	cli.Usage("mil compares ways to learn from labelled bags of unlabelled instances. It takes seconds.")
	flag.Parse()
	if err := run(s); err != nil {
		log.Fatal("mil: ", err)
	}
}

func run(s settings) error {
	d, err := load(s)
	if err != nil {
		return err
	}
	positive := 0
	for _, p := range d.Positive {
		if p {
			positive++
		}
	}
	sizes := make([]int, d.Bags.Len())
	for i := range sizes {
		sizes[i] = d.Bags.Size(i)
	}
	fmt.Printf("%s: %d bags, %d of them positive, of %d to %d instances with %d features\n\n", d.Name, d.Bags.Len(),
		positive, slices.Min(sizes), slices.Max(sizes), d.Bags.X.Cols)
	results, err := compare(d, s)
	if err != nil {
		return err
	}
	print(results)
	if d.instance == nil {
		return nil
	}
	return find(d, s)
}
