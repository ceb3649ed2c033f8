package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
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
			_, err := newPool(name, 0)
			return nil, err
		}
		r := result{name: titles[name]}
		for repeat := range d.folds {
			scores, seconds, err := validate(d, s, name, repeat)
			if err != nil {
				return nil, err
			}
			right := 0
			for i, v := range scores {
				if (v > 0) == d.positive[i] {
					right++
				}
			}
			area, err := stats.AUC(d.positive, scores, nil)
			if err != nil {
				return nil, err
			}
			r.accuracy = append(r.accuracy, float64(right)/float64(len(scores)))
			r.auc = append(r.auc, area.Value)
			r.seconds += seconds
		}
		results = append(results, r)
	}
	return results, nil
}

// validate is the score of each bag by a fit of the folds that it is not in. Folds are side by side.
func validate(d dataset, s settings, name string, repeat int) (scores []float64, seconds float64, err error) {
	folds := d.folds[repeat]
	scores = make([]float64, d.bags.Len())
	errs, took := make([]error, len(folds)), make([]float64, len(folds))
	tensor.Parallel(len(folds), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			begin := time.Now()
			errs[k] = fold(d, s, name, s.seed+uint64(100*repeat+k), folds[k], scores)
			took[k] = time.Since(begin).Seconds()
		}
	})
	for k, err := range errs {
		if err != nil {
			return nil, 0, fmt.Errorf("%s, fold %d: %w", name, k, err)
		}
		seconds += took[k]
	}
	return scores, seconds, nil
}

// part is training and test bags, standardized by the training ones.
type part struct {
	train, test mil.Bags[float32]
	positive    []bool // of the training bags
}

func split(d dataset, test []int) (p part, err error) {
	var train []int
	for i, positive := range d.positive {
		if !slices.Contains(test, i) {
			train, p.positive = append(train, i), append(p.positive, positive)
		}
	}
	if p.train, err = d.bags.Sub(train...); err != nil {
		return p, err
	}
	if p.test, err = d.bags.Sub(test...); err != nil {
		return p, err
	}
	z, err := mil.FitStandardizer(p.train)
	if err != nil {
		return p, err
	}
	if err := mil.Standardize(z, p.train.X, p.train.X); err != nil {
		return p, err
	}
	return p, mil.Standardize(z, p.test.X, p.test.X)
}

// fold writes the scores of the test bags of a fold.
func fold(d dataset, s settings, name string, seed uint64, test []int, scores []float64) error {
	p, err := split(d, test)
	if err != nil {
		return err
	}
	if name == "ridge" {
		targets := make([]float64, len(p.positive))
		for i, yes := range p.positive {
			targets[i] = -1
			if yes {
				targets[i] = 1
			}
		}
		r, err := mil.FitKernelRidge(mil.AverageKernel(mil.NSK(0), mil.MinMax(0)), p.train, targets)
		if err != nil {
			return err
		}
		predictions, err := r.Predict(p.test)
		for k, v := range predictions {
			scores[test[k]] = v
		}
		return err
	}
	m, err := train(p, s, name, seed)
	if err != nil {
		return err
	}
	for k, i := range test {
		logit, err := m.forward(p.test.Bag(k), false)
		if err != nil {
			return err
		}
		scores[i] = float64(logit)
	}
	return nil
}

func train(p part, s settings, name string, seed uint64) (*model, error) {
	pool, err := newPool(name, seed)
	if err != nil {
		return nil, err
	}
	m, err := newModel(p.train.X.Cols, pool, s, seed)
	if err != nil {
		return nil, err
	}
	return m, m.fit(p.train, p.positive, s, seed)
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
