package views

import (
	"context"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// Names is what [Trial] compares: the mean over views, and three ways to learn weights.
var Names = []string{"mean", "ClassTTA as trained there", "the paper's choice", "FitBest"}

// Trial fits with the labels of one set and tests on another: points of accuracy and cross-entropy over the original
// view, in the order of Names.
func Trial(ctx context.Context, fit, test *tta.Outputs, seed uint64) (gains, excess []float64, err error) {
	view, _ := fit.Identity()
	single, err := tta.NewFixed(tta.Single(view), fit.Views(), fit.Classes())
	if err != nil {
		return nil, nil, err
	}
	base, err := tta.Evaluate(test, single)
	if err != nil {
		return nil, nil, err
	}
	mean, err := tta.NewFixed(tta.Mean(), fit.Views(), fit.Classes())
	if err != nil {
		return nil, nil, err
	}
	train, val, err := fit.Split(0.8, seed)
	if err != nil {
		return nil, nil, err
	}
	class, _, err := tta.FitClassTTA(train, tta.WithPaper())
	if err != nil {
		return nil, nil, err
	}
	paper, _, err := tta.FitPaper(train, val)
	if err != nil {
		return nil, nil, err
	}
	best, _, err := tta.FitBest(ctx, fit, tta.WithSeed(seed))
	if err != nil {
		return nil, nil, err
	}
	for _, a := range []tta.Aggregator{mean, class, paper, best} {
		r, err := tta.Evaluate(test, a)
		if err != nil {
			return nil, nil, err
		}
		gains = append(gains, 100*r.Net.Value)
		excess = append(excess, r.Aggregated.Loss-base.Aggregated.Loss)
	}
	return gains, excess, tensor.ValidateFinite("loss", excess)
}
