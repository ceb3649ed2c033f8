package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/examples/tta/views"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// fewLabels and manyLabels are how many labels weights are fitted to; all other images are the test.
const fewLabels, manyLabels = 50, 1000

// gains is points of accuracy over the original view, by views.Names, of one seed.
type gains struct{ few, many, manyShuffled, fewShuffled, still []float64 }

var ttaExperiment = experiment{
	name: "tta",
	about: "a perceptron trained on 500 handwritten digits and asked about 18 views of the others; each seed with a " +
		"split and a model of its own.",
	run: augmentation,
}

// augmentation is Shanmugam et al. 2021: 18 views of handwritten digits.
func augmentation(ctx context.Context, t trial) ([]Claim, error) {
	all := make([]gains, len(t.seeds))
	errs := make([]error, len(t.seeds))
	few, many := fewLabels, manyLabels
	if t.quick {
		many = 4 * fewLabels
	}
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			all[i], errs[i] = augmentationSeed(ctx, t.seeds[i], few, many)
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	points := func(name string, from func(gains) []float64) []float64 {
		k := slices.Index(views.Names, name)
		var v []float64
		for _, g := range all {
			v = append(v, from(g)[k])
		}
		return v
	}
	const best, paper, mean = "FitBest", "the paper's choice", "mean"
	const unit, shuffled = "points over the original view", "the labels fitted to shuffled"
	fromFew, fromMany := func(g gains) []float64 { return g.few }, func(g gains) []float64 { return g.many }
	fewShuffled := func(g gains) []float64 { return g.fewShuffled }
	manyShuffled := func(g gains) []float64 { return g.manyShuffled }
	still := func(g gains) []float64 { return g.still }
	const labels = "with 200 labels it lost 0.23 points in the mean over 20 splits of one seed."
	return []Claim{
		{Text: "a mean over all views loses accuracy", Quantity: unit, Bar: below(0), Values: points(mean, fromMany),
			Control: "over the views that move nothing", ControlValues: points(mean, still),
			Turns: "it depends on the views: those that move or mirror an image of 8x8 pixels cost, as the control says."},
		{Text: fmt.Sprintf("the better of AugTTA and ClassTTA gains with %d labels", manyLabels), Quantity: unit,
			Bar: above(0), Values: points(paper, fromMany), Control: shuffled, ControlValues: points(paper, manyShuffled),
			Turns: labels},
		{Text: fmt.Sprintf("the better of AugTTA and ClassTTA gains with %d labels", fewLabels), Quantity: unit,
			Bar: above(0), Values: points(paper, fromFew), Control: shuffled, ControlValues: points(paper, fewShuffled),
			Turns: labels},
		{Text: fmt.Sprintf("FitBest gains with %d labels", manyLabels), Quantity: unit, Bar: above(0),
			Values: points(best, fromMany), Control: shuffled, ControlValues: points(best, manyShuffled),
			Turns: "20 re-splits of the outputs of one model had 0.62 points in the mean, which says nothing of other " +
				"models."},
		{Text: fmt.Sprintf("FitBest costs less than a quarter of a point with %d labels", fewLabels), Quantity: unit,
			Bar: above(-0.25), Values: points(best, fromFew), Control: "the better of AugTTA and ClassTTA for it",
			ControlValues: points(paper, fromFew)},
	}, nil
}

func augmentationSeed(ctx context.Context, seed uint64, few, many int) (g gains, err error) {
	all, err := views.Collect(ctx, seed)
	if err != nil {
		return g, err
	}
	still, err := all.Select(0, 11, 12, 13, 14) // the original, blur and intensities: views that move nothing
	if err != nil {
		return g, err
	}
	for _, c := range []struct {
		to      *[]float64
		of      *tta.Outputs
		labels  int
		shuffle bool
	}{{&g.few, all, few, false}, {&g.fewShuffled, all, few, true}, {&g.many, all, many, false},
		{&g.manyShuffled, all, many, true}, {&g.still, still, many, false}} {
		fit, test, err := c.of.Split(float64(c.labels)/float64(c.of.Len()), seed)
		if err == nil && c.shuffle {
			fit, err = relabelled(fit, seed)
		}
		if err != nil {
			return g, err
		}
		if *c.to, _, err = views.Trial(ctx, fit, test, seed); err != nil {
			return g, err
		}
	}
	return g, nil
}

// relabelled is the same outputs with their labels shuffled.
func relabelled(o *tta.Outputs, seed uint64) (*tta.Outputs, error) {
	var data []float32
	labels := make([]int, o.Len())
	for i, j := range tensor.Stream(seed, 1<<20).Perm(o.Len()) {
		data = append(data, o.Example(i)...)
		labels[i] = o.Labels()[j]
	}
	view, _ := o.Identity()
	return tta.NewOutputs(o.Views(), o.Classes(), data, tta.WithLabels(labels), tta.WithIdentity(view))
}
