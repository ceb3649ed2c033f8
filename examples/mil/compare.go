package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/examples/mil/crossval"
)

// result is how a method did in the cross-validations.
type result struct {
	name          string
	accuracy, auc []float64 // of each repeat, over all of its folds together
	seconds       float64   // of all folds, on one processor
}

var titles = map[string]string{
	"gated":     "gated attention",
	"attention": "attention",
	"max":       "largest embedding (MI-Net)",
	"mean":      "mean embedding",
	"lse":       "log-mean-exp embedding",
	"ridge":     "ridge on set kernels",
}

func compare(d dataset, s settings) ([]result, error) {
	var results []result
	for name := range strings.SplitSeq(s.methods, ",") {
		if titles[name] == "" {
			_, err := crossval.NewPool(name, 0)
			return nil, err
		}
		r := result{name: titles[name]}
		for repeat := range d.folds {
			scores, seconds, err := crossval.Validate(d.Set, d.folds[repeat], s.Settings, name, s.seed+uint64(100*repeat))
			if err != nil {
				return nil, err
			}
			accuracy, area, err := crossval.Judge(d.Positive, scores)
			if err != nil {
				return nil, err
			}
			r.accuracy, r.auc = append(r.accuracy, accuracy), append(r.auc, area)
			r.seconds += seconds
		}
		results = append(results, r)
	}
	return results, nil
}

func print(results []result) {
	fmt.Printf("%-28s %10s %8s %8s\n", "", "accuracy", "AUC", "seconds")
	for _, r := range results {
		fmt.Printf("%-28s %10s %8s %8.1f\n", r.name, spread(r.accuracy), spread(r.auc), r.seconds)
	}
	if n := len(results[0].accuracy); n > 1 {
		fmt.Printf("Means over %d cross-validations ± their standard deviation.\n", n)
	}
	best := slices.MaxFunc(results, func(a, b result) int { return cmp.Compare(a.auc[0], b.auc[0]) })
	fmt.Printf("\nIlse, Tomczak and Welling 2018 find learned pooling ahead of fixed. Here the largest "+
		"AUC is that of: %s.\n\n", best.name)
}

// spread is the mean and, of several, the standard deviation.
func spread(x []float64) string {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	if len(x) == 1 {
		return fmt.Sprintf("%.3f", mean)
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return fmt.Sprintf("%.3f±%.3f", mean, math.Sqrt(square))
}
