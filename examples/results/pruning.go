package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/prune/study"
	"github.com/espalier-ml/espalier/prune"
)

// Strategies that are here for controls only.
const (
	globalRandom  = "random, global"
	randomAgain   = "random, drawn again"
	matchedAgain  = "random, matched, drawn again"
	convNet       = "CNN"
	perceptron    = "MLP"
	low, moderate = 4, 16 // compressions
)

// Other settings.
const (
	batch128     = "batches of 128"
	batch256     = "batches of 256"
	halfLength   = "half as long"
	doubleLength = "twice as long"
)

var pruningExperiment = experiment{
	name: "pruning",
	about: "a convolutional network and a perceptron on handwritten digits, 30 epochs before pruning and 8 or 20 after " +
		"it, differences of runs of one seed.",
	settings: []setting{{batch128, "of the convolutional network, instead of 64; of the perceptron 256 instead of 128."},
		{batch256, "of the convolutional network; of the perceptron 512."},
		{halfLength, "15 epochs before pruning and 4 or 10 after it."},
		{doubleLength, "60 epochs before pruning and 16 or 40 after it."}},
	run: pruning,
}

// pruning is Blalock et al. 2020: strategies on the digits, compared seed by seed after fine-tuning.
func pruning(_ context.Context, t trial) ([]Claim, error) {
	train, test, err := study.LoadDigits()
	if err != nil {
		return nil, err
	}
	cnn, mlp := study.CNN(), study.MLP(perceptron, 64, 256, 128, 30, 20, 128)
	scale := func(batch, num, den int) {
		for _, r := range []*study.Recipe{&cnn, &mlp} {
			r.Batch, r.Base, r.Tune = r.Batch*batch, r.Base*num/den, r.Tune*num/den
		}
	}
	switch t.setting {
	case "":
	case batch128:
		scale(2, 1, 1)
	case batch256:
		scale(4, 1, 1)
	case halfLength:
		scale(1, 1, 2)
	case doubleLength:
		scale(1, 2, 1)
	default:
		return nil, t.unknown()
	}
	if t.quick {
		cnn.Base, cnn.Tune, mlp.Base, mlp.Tune = 1, 1, 1, 1
	}
	random := prune.WithScorer(prune.Random[float32]())
	p := study.Plan{Dataset: "digits", Train: train, Test: test, Recipes: []study.Recipe{cnn, mlp}, Seeds: t.seeds,
		Compressions: []float64{low, moderate}, Wanted: func(r study.Recipe, s study.Strategy) bool {
			names := []string{study.Dense, study.GlobalMagnitude, study.LayerMagnitude, study.Random, globalRandom}
			if r.Name == convNet {
				names = append(names, study.DenseB, study.GlobalB, study.GlobalGradient, study.Matched, randomAgain, matchedAgain)
			}
			return slices.Contains(names, s.Name)
		}}
	p.Strategies = append(slices.Clone(study.Strategies),
		study.Strategy{Name: globalRandom, Options: study.Under(prune.Global, random)},
		study.Strategy{Name: randomAgain, Options: study.Under(prune.PerTensor, random), Draw: 1 << 40},
		study.Strategy{Name: matchedAgain, Options: study.Under(prune.Global), Matched: true, Draw: 1 << 40})
	results, err := p.Run(t.report)
	if err != nil {
		return nil, err
	}
	points := func(model, method string, c float64) []float64 {
		var v []float64
		for _, seed := range t.seeds {
			v = append(v, 100*study.Finder{Results: results, Model: model, Seed: seed}.Accuracy(method, c))
		}
		return v
	}
	ratio := func(method, to string, c float64) []float64 {
		var v []float64
		for _, seed := range t.seeds {
			f := study.Finder{Results: results, Model: convNet, Seed: seed}
			v = append(v, f.Get(method, c).Speedup/f.Get(to, c).Speedup)
		}
		return v
	}
	return pruningClaims(points, ratio), nil
}

func pruningClaims(points func(model, method string, c float64) []float64,
	ratio func(method, to string, c float64) []float64) []Claim {
	better := func(text, model string, c float64, a, b, control, x, y string) Claim {
		return Claim{Text: text, Quantity: "points of accuracy", Bar: above(0),
			Values:  minus(points(model, a, c), points(model, b, c)),
			Control: control, ControlValues: minus(points(model, x, c), points(model, y, c))}
	}
	var claims []Claim
	for _, c := range []float64{low, moderate} {
		at := fmt.Sprint(" at compression ", c)
		gradient := better("magnitude is no more than a point worse than gradient"+at, convNet, c, study.GlobalMagnitude,
			study.GlobalGradient, "random scores for magnitude", study.Random, study.GlobalGradient)
		gradient.Bar = above(-1)
		claims = append(claims,
			better("global magnitude beats layerwise"+at, convNet, c, study.GlobalMagnitude, study.LayerMagnitude,
				"random scores for both", globalRandom, study.Random),
			gradient,
			better("layerwise magnitude beats random"+at, convNet, c, study.LayerMagnitude, study.Random,
				"two draws of random", randomAgain, study.Random),
			better("global magnitude beats random with its proportions"+at, convNet, c, study.GlobalMagnitude, study.Matched,
				"its masks shuffled in each layer", matchedAgain, study.Matched),
			better("random with its proportions beats uniform random"+at, convNet, c, study.Matched, study.Random,
				"two draws of random", randomAgain, study.Random))
	}
	return append(claims,
		Claim{Text: "layerwise has 1.4 times the speedup of global at compression 16", Quantity: "times", Bar: above(1.4),
			Values: ratio(study.LayerMagnitude, study.GlobalMagnitude, moderate), Control: "random scores for both",
			ControlValues: ratio(study.Random, globalRandom, moderate)},
		better("layerwise on weights A beats global on weights B, at compression 4", convNet, low, study.LayerMagnitude,
			study.GlobalB, "weights A for both", study.LayerMagnitude, study.GlobalMagnitude),
		better("on a perceptron layerwise beats global magnitude, at compression 16", perceptron, moderate,
			study.LayerMagnitude, study.GlobalMagnitude, "random scores for both", study.Random, globalRandom))
}
