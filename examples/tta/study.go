package main

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tta"
)

// study fits with few labels again and again, and tests on all examples that are left.
func study(ctx context.Context, all *tta.Outputs, s settings) error {
	names := []string{"mean", "ClassTTA as trained there", "the paper's choice", "FitBest"}
	fmt.Printf("%d splits anew; points of accuracy and loss against the original view, same test examples\n\n",
		s.splits)
	fmt.Printf("%7s %-26s %25s %7s %7s %24s\n", "labels", "", "points", "worst", "lost", "loss")
	for _, labels := range []int{50, 200, 1000} {
		if labels > all.Len()*9/10 {
			fmt.Printf("%7d: there are only %d examples\n", labels, all.Len())
			continue
		}
		points, losses := make([][]float64, len(names)), make([][]float64, len(names))
		for split := range s.splits {
			fit, test, err := all.Split(float64(labels)/float64(all.Len()), s.seed+uint64(split))
			if err != nil {
				return err
			}
			gains, excess, err := trial(ctx, fit, test, uint64(split))
			if err != nil {
				return err
			}
			for k := range names {
				points[k], losses[k] = append(points[k], gains[k]), append(losses[k], excess[k])
			}
		}
		for k, name := range names {
			if err := line(labels, name, points[k], losses[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func line(labels int, name string, points, losses []float64) error {
	p, err := stats.Mean(points)
	if err != nil {
		return err
	}
	l, err := stats.Mean(losses)
	if err != nil {
		return err
	}
	worst, lost := 0.0, 0
	for _, v := range points {
		worst = min(worst, v)
		if v < 0 {
			lost++
		}
	}
	fmt.Printf("%7d %-26s %+7.2f [%+6.2f, %+6.2f] %+7.2f %3d/%-3d %+7.4f [%+.4f, %+.4f]\n", labels, name, p.Value,
		p.Lo, p.Hi,
		worst, lost, len(points), l.Value, l.Lo, l.Hi)
	return nil
}

// trial is points of accuracy and cross-entropy over the original view.
func trial(ctx context.Context, fit, test *tta.Outputs, seed uint64) (gains, excess []float64, err error) {
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
