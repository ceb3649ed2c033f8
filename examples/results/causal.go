package main

import (
	"context"
	"errors"
	"slices"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/examples/shortcut/stripes"
	"github.com/espalier-ml/espalier/tensor"
)

// against and along are how often the stripes of test images go with the label.
const against, along = 0.1, 0.9

var causalExperiment = experiment{
	name: "causal",
	about: "a perceptron that tells digits below 5 from others on striped backgrounds, which go with the label in nine " +
		"training images of ten.",
	run: shortcut,
}

// shortcut is Makar et al. 2022: digits on stripes that go with the label in nine training images of ten.
func shortcut(ctx context.Context, t trial) ([]Claim, error) {
	epochs := 60
	if t.quick {
		epochs = 2
	}
	wanted := []string{stripes.Plain, stripes.WeightsOnly, stripes.Ours, stripes.PenaltyOnly, stripes.NoShortcut}
	var methods []stripes.Method
	for _, m := range stripes.Methods {
		if slices.Contains(wanted, m.Name) {
			methods = append(methods, m)
		}
	}
	// Each method as it is, and with the stripes' labels shuffled among the training images.
	outcomes := [2]map[string][]stripes.Outcome{{}, {}}
	for _, m := range methods {
		for k := range outcomes {
			outcomes[k][m.Name] = make([]stripes.Outcome, len(t.seeds))
		}
	}
	errs := make([]error, len(t.seeds))
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			errs[i] = shortcutSeed(ctx, methods, t.seeds[i], epochs, func(k int, name string, o stripes.Outcome) {
				outcomes[k][name][i] = o
			})
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	auc := func(k int, name string, agreement float64) []float64 {
		var v []float64
		for _, o := range outcomes[k][name] {
			v = append(v, o.At(agreement))
		}
		return v
	}
	gain := func(k int, a, b string) []float64 { return minus(auc(k, a, against), auc(k, b, against)) }
	const difference, shuffled = "difference of AUC, stripes against the label", "labels of the stripes shuffled"
	inverted := func(name string) []float64 { return minus(auc(0, name, against), auc(0, name, along)) }
	return []Claim{
		{Text: "weights and penalty beat plain training where the stripes go against the label", Quantity: difference,
			Bar: above(0), Values: gain(0, stripes.Ours, stripes.Plain), Control: shuffled,
			ControlValues: gain(1, stripes.Ours, stripes.Plain)},
		{Text: "the weights alone beat plain training there", Quantity: difference, Bar: above(0),
			Values: gain(0, stripes.WeightsOnly, stripes.Plain), Control: shuffled,
			ControlValues: gain(1, stripes.WeightsOnly, stripes.Plain)},
		{Text: "the penalty adds to the weights", Quantity: difference, Bar: above(0),
			Values: gain(0, stripes.Ours, stripes.WeightsOnly), Control: shuffled,
			ControlValues: gain(1, stripes.Ours, stripes.WeightsOnly)},
		{Text: "weights and penalty come within 0.05 of training without the shortcut", Quantity: difference,
			Bar: above(-0.05), Values: gain(0, stripes.Ours, stripes.NoShortcut), Control: "plain training for them",
			ControlValues: gain(0, stripes.Plain, stripes.NoShortcut)},
		{Text: "without weights the penalty over-corrects", Quantity: "AUC against less along the stripes", Bar: above(0),
			Values: inverted(stripes.PenaltyOnly), Control: "with the weights", ControlValues: inverted(stripes.Ours)},
	}, nil
}

// shortcutSeed trains the methods of a seed; k is 1 for shuffled labels of the stripes.
func shortcutSeed(ctx context.Context, methods []stripes.Method, seed uint64, epochs int,
	tell func(k int, name string, o stripes.Outcome)) error {
	train, test, err := stripes.Draw(seed)
	if err != nil {
		return err
	}
	without, err := stripes.Unconfounded(seed)
	if err != nil {
		return err
	}
	shuffled := train
	shuffled.V = make([]int, len(train.V))
	for i, j := range tensor.Stream(seed, 1<<20).Perm(len(train.V)) {
		shuffled.V[i] = train.V[j]
	}
	for _, m := range methods {
		for k, set := range []stripes.Set{train, shuffled} {
			if m.Unconfounded {
				set = without
			}
			o, err := stripes.Study(ctx, m, set, train, test, epochs, seed)
			if err != nil {
				return err
			}
			tell(k, m.Name, o)
		}
	}
	return nil
}
