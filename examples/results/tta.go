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

// Other settings.
const (
	stillViews    = "views that move nothing"
	shiftedImages = "trained on shifted images"
)

// fewLabels and manyLabels are how many labels weights are fitted to; all other images are the test. A seed's number is
// the mean over splits: with many labels the test is 297 images, and a point three of them.
const fewLabels, manyLabels, splits = 50, 1000, 2

// gains is points of accuracy over the original view, by views.Names, of one seed.
type gains struct{ few, many, manyShuffled, still []float64 }

var ttaExperiment = experiment{
	name: "tta",
	about: fmt.Sprintf("a perceptron trained on 500 handwritten digits and asked about 18 views of the others; each seed "+
		"with images and a model of its own, and the mean over %d splits of what it was asked into labels and test.", splits),
	seeds: 90, few: 20,
	settings: []setting{{stillViews, "the image, a blur, and three changes of intensity."},
		{shiftedImages, "by a pixel or none, in every epoch, three times as long and at a fifth of the " +
			"rate: many of the views are then those of training."}},
	run: augmentation,
}

// augmentation is Shanmugam et al. 2021: 18 views of handwritten digits.
func augmentation(ctx context.Context, t trial) ([]Claim, error) {
	all := make([]gains, len(t.seeds))
	errs := make([]error, len(t.seeds))
	switch t.setting {
	case "", stillViews, shiftedImages:
	default:
		return nil, t.unknown()
	}
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			all[i], errs[i] = augmentationSeed(ctx, t, t.seeds[i])
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
	manyShuffled := func(g gains) []float64 { return g.manyShuffled }
	still := func(g gains) []float64 { return g.still }
	return []Claim{
		{Text: "a mean over all views loses two points of accuracy", Quantity: unit, Bar: below(-2),
			Values: points(mean, fromMany), Control: "over the views that move nothing", ControlValues: points(mean, still)},
		{Text: fmt.Sprintf("the better of AugTTA and ClassTTA changes accuracy by less than a point with %d labels (in the "+
			"paper it gains)", manyLabels), Quantity: unit, Bar: within(1), Values: points(paper, fromMany),
			Control: shuffled, ControlValues: points(paper, manyShuffled)},
		{Text: fmt.Sprintf("the better of AugTTA and ClassTTA loses accuracy with %d labels (in the paper it gains)",
			fewLabels), Quantity: unit, Bar: below(0), Values: points(paper, fromFew), Control: "FitBest for it",
			ControlValues: points(best, fromFew)},
		{Text: fmt.Sprintf("FitBest gains with %d labels", manyLabels), Quantity: unit, Bar: above(0),
			Values: points(best, fromMany), Control: shuffled, ControlValues: points(best, manyShuffled)},
		{Text: fmt.Sprintf("FitBest costs less than a quarter of a point with %d labels", fewLabels), Quantity: unit,
			Bar: above(-0.25), Values: points(best, fromFew), Control: "the better of AugTTA and ClassTTA for it",
			ControlValues: points(paper, fromFew)},
	}, nil
}

func augmentationSeed(ctx context.Context, t trial, seed uint64) (g gains, err error) {
	all, err := views.Collect(ctx, seed, t.setting == shiftedImages)
	if err != nil {
		return g, err
	}
	still, err := all.Select(0, 11, 12, 13, 14) // the original, blur and intensities: views that move nothing
	if err != nil {
		return g, err
	}
	if t.setting == stillViews {
		all = still
	}
	many, times := manyLabels, splits
	if t.quick {
		many, times = 4*fewLabels, 1
	}
	for _, c := range []struct {
		to            *[]float64
		of            *tta.Outputs
		labels, times int
		shuffle       bool
	}{{&g.few, all, fewLabels, times, false}, {&g.many, all, many, times, false}, {&g.manyShuffled, all, many, 1, true},
		{&g.still, still, many, 1, false}} {
		*c.to = make([]float64, len(views.Names))
		for k := range uint64(c.times) {
			fit, test, err := c.of.Split(float64(c.labels)/float64(c.of.Len()), seed+k<<40)
			if err == nil && c.shuffle {
				fit, err = relabelled(fit, seed)
			}
			if err != nil {
				return g, err
			}
			one, _, err := views.Trial(ctx, fit, test, seed+k<<40)
			if err != nil {
				return g, err
			}
			tensor.Axpy(*c.to, 1/float64(c.times), one)
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
