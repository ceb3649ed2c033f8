package crossval

import (
	"fmt"
	"slices"
	"time"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Settings is how models are trained.
type Settings struct {
	Epochs      int
	Rate, Decay float64
}

// Validate is the score of each bag by a fit to the folds that it is not in, and how long all fits took on one
// processor. Fold k is fitted with the seed plus k. Folds are side by side.
func Validate(d Set, folds [][]int, s Settings, name string, seed uint64) (scores []float64, seconds float64,
	err error) {
	scores = make([]float64, d.Bags.Len())
	errs, took := make([]error, len(folds)), make([]float64, len(folds))
	tensor.Parallel(len(folds), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			begin := time.Now()
			errs[k] = fold(d, s, name, seed+uint64(k), folds[k], scores)
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

// Judge is the share of bags whose score has the sign of their class, and the area under the ROC curve.
func Judge(positive []bool, scores []float64) (accuracy, area float64, err error) {
	for i, v := range scores {
		if (v > 0) == positive[i] {
			accuracy += 1 / float64(len(scores))
		}
	}
	e, err := stats.AUC(positive, scores, nil)
	return accuracy, e.Value, err
}

// Part is training and test bags, standardized by the training ones.
type Part struct {
	Train, Test mil.Bags[float32]
	Positive    []bool // of the training bags
}

// Split is a fold with its test bags, and all others to train on.
func Split(d Set, test []int) (p Part, err error) {
	var train []int
	for i, positive := range d.Positive {
		if !slices.Contains(test, i) {
			train, p.Positive = append(train, i), append(p.Positive, positive)
		}
	}
	if p.Train, err = d.Bags.Sub(train...); err != nil {
		return p, err
	}
	if p.Test, err = d.Bags.Sub(test...); err != nil {
		return p, err
	}
	z, err := mil.FitStandardizer(p.Train)
	if err != nil {
		return p, err
	}
	if err := mil.Standardize(z, p.Train.X, p.Train.X); err != nil {
		return p, err
	}
	return p, mil.Standardize(z, p.Test.X, p.Test.X)
}

// fold writes the scores of the test bags of a fold.
func fold(d Set, s Settings, name string, seed uint64, test []int, scores []float64) error {
	p, err := Split(d, test)
	if err != nil {
		return err
	}
	if name == "ridge" {
		targets := make([]float64, len(p.Positive))
		for i, yes := range p.Positive {
			targets[i] = -1
			if yes {
				targets[i] = 1
			}
		}
		r, err := mil.FitKernelRidge(mil.AverageKernel(mil.NSK(0), mil.MinMax(0)), p.Train, targets)
		if err != nil {
			return err
		}
		predictions, err := r.Predict(p.Test)
		for k, v := range predictions {
			scores[test[k]] = v
		}
		return err
	}
	m, err := Train(p, s, name, seed)
	if err != nil {
		return err
	}
	for k, i := range test {
		logit, err := m.Forward(p.Test.Bag(k), false)
		if err != nil {
			return err
		}
		scores[i] = float64(logit)
	}
	return nil
}

// Train fits a model with the pooling of a name.
func Train(p Part, s Settings, name string, seed uint64) (*Model, error) {
	pool, err := NewPool(name, seed)
	if err != nil {
		return nil, err
	}
	m, err := newModel(p.Train.X.Cols, pool, s, seed)
	if err != nil {
		return nil, err
	}
	return m, m.fit(p.Train, p.Positive, s, seed)
}
