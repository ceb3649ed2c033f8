package main

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/examples/tta/views"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tta"
)

// study fits with few labels again and again, and tests on all examples that are left.
func study(ctx context.Context, all *tta.Outputs, s settings) error {
	fmt.Printf("%d splits anew; points of accuracy and loss against the original view, same test examples\n\n",
		s.splits)
	fmt.Printf("%7s %-26s %25s %7s %7s %24s\n", "labels", "", "points", "worst", "lost", "loss")
	for _, labels := range []int{50, 200, 1000} {
		if labels > all.Len()*9/10 {
			fmt.Printf("%7d: there are only %d examples\n", labels, all.Len())
			continue
		}
		points, losses := make([][]float64, len(views.Names)), make([][]float64, len(views.Names))
		for split := range s.splits {
			fit, test, err := all.Split(float64(labels)/float64(all.Len()), s.seed+uint64(split))
			if err != nil {
				return err
			}
			gains, excess, err := views.Trial(ctx, fit, test, uint64(split))
			if err != nil {
				return err
			}
			for k := range views.Names {
				points[k], losses[k] = append(points[k], gains[k]), append(losses[k], excess[k])
			}
		}
		for k, name := range views.Names {
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
