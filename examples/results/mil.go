package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/miltest"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// rates are shares of positive instances in the bags of either class, and how many instances there are.
var rates = []miltest.Witness{{Positive: 0.2, Negative: 0.1, Size: 100}, {Positive: 0.3, Negative: 0.1, Size: 10},
	{Positive: 0.3, Negative: 0.1, Size: 50}, {Positive: 0.4, Negative: 0.1, Size: 20},
	{Positive: 0.6, Negative: 0.1, Size: 10}}

// otherRates are with more positive instances in either class.
var otherRates = []miltest.Witness{{Positive: 0.4, Negative: 0.3, Size: 100}, {Positive: 0.5, Negative: 0.3, Size: 10},
	{Positive: 0.5, Negative: 0.3, Size: 50}, {Positive: 0.6, Negative: 0.3, Size: 20},
	{Positive: 0.8, Negative: 0.3, Size: 10}}

// Other settings.
const (
	fewBags     = "100 bags"
	moreWitness = "higher rates"
)

// trainPairs and testPairs are how many bags there are of each class.
const trainPairs, testPairs = 200, 2000

// bagAreas is areas under the ROC curve of one seed and one pair of rates.
type bagAreas struct {
	instances, mean, highest float64
	equalMean, equalHighest  float64 // of bags of which both classes have the mean of the rates
}

var milExperiment = experiment{
	name: "mil",
	about: fmt.Sprintf("bags of 10 to 100 instances, of which 10 %% are positive in negative bags and 20 to 60 %% in "+
		"positive ones; logistic regression of the instances of %d bags, judged on %d others.", 2*trainPairs, 2*testPairs),
	settings: []setting{{fewBags, "to train on, instead of 400."},
		{moreWitness, "30 % of the instances of negative bags are positive, and 40 to 80 % of those of positive ones."}},
	run: witness,
}

// witness is the simulation of Shanmugam, Blalock and Guttag 2019 that has a closed form: the classes of bags differ by
// how many of their instances are positive, and by nothing else.
func witness(ctx context.Context, t trial) ([]Claim, error) {
	train, test, rates := trainPairs, testPairs, rates
	switch t.setting {
	case "":
	case fewBags:
		train = 50
	case moreWitness:
		rates = otherRates
	default:
		return nil, t.unknown()
	}
	if t.quick {
		train, test = 20, 40
	}
	areas := make([][]bagAreas, len(t.seeds)) // by seed and rates
	errs := make([]error, len(t.seeds))
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for _, w := range rates {
				a, err := witnessSeed(ctx, w, train, test, t.seeds[i])
				areas[i], errs[i] = append(areas[i], a), errors.Join(errs[i], err)
			}
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	instances := func(a bagAreas) float64 { return a.instances }
	mean := func(a bagAreas) float64 { return a.mean }
	gain := func(a bagAreas) float64 { return a.mean - a.highest }
	equal := func(a bagAreas) float64 { return a.equalMean - a.equalHighest }
	const greatest = "greatest difference of AUC over five pairs of rates"
	const exchanged = "theory with the rates of the classes exchanged"
	return []Claim{
		{Text: "instances that inherit the labels of their bags teach what the closed form says of instances",
			Quantity: greatest, Bar: below(0.01),
			Values:  apart(areas, rates, instances, miltest.Witness.InstanceAUC, false),
			Control: exchanged, ControlValues: apart(areas, rates, instances, miltest.Witness.InstanceAUC, true)},
		{Text: "the mean over the instances of a bag has the AUC of the closed form", Quantity: greatest,
			Bar: below(0.02), Values: apart(areas, rates, mean, miltest.Witness.AUC, false), Control: exchanged,
			ControlValues: apart(areas, rates, mean, miltest.Witness.AUC, true)},
		{Text: "the mean over the instances of a bag beats the highest by 0.05",
			Quantity: "difference of AUC, mean over five pairs of rates", Bar: above(0.05), Values: average(areas, gain),
			Control: "equal rates in both classes", ControlValues: average(areas, equal)},
	}, nil
}

// apart is the greatest distance of what was measured from a theory, of rates as they are or exchanged, by seed.
func apart(areas [][]bagAreas, rates []miltest.Witness, measured func(bagAreas) float64,
	theory func(miltest.Witness) float64, exchanged bool) []float64 {
	greatest := make([]float64, len(areas))
	for i, list := range areas {
		for k, a := range list {
			w := rates[k]
			if exchanged {
				w.Positive, w.Negative = w.Negative, w.Positive
			}
			greatest[i] = max(greatest[i], math.Abs(measured(a)-theory(w)))
		}
	}
	return greatest
}

// average is the mean over rates, by seed.
func average(areas [][]bagAreas, of func(bagAreas) float64) []float64 {
	means := make([]float64, len(areas))
	for i, list := range areas {
		for _, a := range list {
			means[i] += of(a) / float64(len(list))
		}
	}
	return means
}

// witnessSeed trains on the instances of some bags and judges on others.
func witnessSeed(ctx context.Context, w miltest.Witness, train, test int, seed uint64) (a bagAreas, err error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	bags, labels := w.Bags(train, seed)
	model, err := fitInstances(bags.X, inherited(bags, labels), seed)
	if err != nil {
		return a, err
	}
	area := func(positive []bool, scores []float64) float64 {
		e, err1 := stats.AUC(positive, scores, nil)
		err = errors.Join(err, err1)
		return e.Value
	}
	pooled := func(w miltest.Witness, seed uint64) (instances, mean, highest float64) {
		bags, labels := w.Bags(test, seed)
		scores := model.Forward(tensor.Dense[float64]{Shape: []int{bags.X.Rows, 2}, Data: bags.X.Data}, false).Data
		score := bags.With(tensor.Of(len(scores), 1, scores))
		same := func(p []float64, x tensor.Matrix[float64]) error { copy(p, x.Data); return nil }
		means, err1 := mil.Risk(score, same, mil.Mean())
		largest, err2 := mil.Risk(score, same, mil.Max())
		if err = errors.Join(err, err1, err2); err != nil {
			return 0, 0, 0
		}
		return area(inherited(bags, labels), scores), area(labels, means), area(labels, largest)
	}
	a.instances, a.mean, a.highest = pooled(w, seed+1<<40)
	w.Positive = (w.Positive + w.Negative) / 2
	w.Negative = w.Positive
	_, a.equalMean, a.equalHighest = pooled(w, seed+2<<40)
	return a, err
}

// inherited is the labels of instances: those of their bags.
func inherited(bags mil.Bags[float64], labels []bool) []bool {
	var all []bool
	for i, positive := range labels {
		for range bags.Size(i) {
			all = append(all, positive)
		}
	}
	return all
}

// fitInstances is the logistic regression of instances.
func fitInstances(x tensor.Matrix[float64], positive []bool, seed uint64) (*nn.Linear[float64], error) {
	const steps = 200
	model, err := nn.NewLinear[float64](x.Cols, 1, tensor.Stream(seed, 1<<20))
	if err != nil {
		return nil, err
	}
	model.SkipInputGrad = true
	opt, d := nn.NewAdam[float64](0.05), tensor.NewDense[float64](x.Rows, 1)
	for range steps {
		logits := model.Forward(tensor.Dense[float64]{Shape: []int{x.Rows, x.Cols}, Data: x.Data}, true)
		if _, err := (mil.BCE[float64]{}).Eval(d.Data, logits.Data, positive, nil); err != nil {
			return nil, err
		}
		nn.ZeroGrad(model.Params())
		model.Backward(d)
		if err := opt.Step(model.Params()); err != nil {
			return nil, err
		}
	}
	return model, nil
}
