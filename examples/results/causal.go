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

// Other settings.
const (
	weakShortcut   = "seven in ten"
	strongShortcut = "99 in a hundred"
)

var causalExperiment = experiment{
	name: "causal",
	about: "a perceptron that tells digits below 5 from others on striped backgrounds, which go with the label in nine " +
		"training images of ten.",
	settings: []setting{{weakShortcut, "the stripes go with the label in so many training images."},
		{strongShortcut, "the stripes go with the label in so many training images."},
		{thirdOfRate, "a rate of 0.00067 instead of 0.002, Adam's."}, {thriceRate, "a rate of 0.006."}},
	run: shortcut,
}

// shortcut is Makar et al. 2022: digits on stripes that go with the label in nine training images of ten.
func shortcut(ctx context.Context, t trial) ([]Claim, error) {
	how := stripesTraining{agreement: stripes.Agreement, rate: stripes.Rate, epochs: 60}
	switch t.setting {
	case "":
	case weakShortcut:
		how.agreement = 0.7
	case strongShortcut:
		how.agreement = 0.99
	case thirdOfRate:
		how.rate /= 3
	case thriceRate:
		how.rate *= 3
	default:
		return nil, t.unknown()
	}
	if t.quick {
		how.epochs = 2
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
			errs[i] = shortcutSeed(ctx, methods, t.seeds[i], how, func(k int, name string, o stripes.Outcome) {
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
	plain, ideal := auc(0, stripes.Plain, against), auc(0, stripes.NoShortcut, against)
	middle := make([]float64, len(plain))
	for i := range middle {
		middle[i] = (plain[i] + ideal[i]) / 2
	}
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
		{Text: "weights and penalty undo more than half of what the shortcut costs",
			Quantity: "AUC, stripes against the label, less the middle of plain training and training without the shortcut",
			Bar:      above(0), Values: minus(auc(0, stripes.Ours, against), middle), Control: shuffled,
			ControlValues: minus(auc(1, stripes.Ours, against), middle)},
		{Text: "without weights the penalty over-corrects", Quantity: "AUC against less along the stripes", Bar: above(0),
			Values: inverted(stripes.PenaltyOnly), Control: "with the weights", ControlValues: inverted(stripes.Ours)},
	}, nil
}

// stripesTraining is how often the stripes go with the label in training images, and how models are trained.
type stripesTraining struct {
	agreement, rate float64
	epochs          int
}

// shortcutSeed trains the methods of a seed; k is 1 for shuffled labels of the stripes.
func shortcutSeed(ctx context.Context, methods []stripes.Method, seed uint64, how stripesTraining,
	tell func(k int, name string, o stripes.Outcome)) error {
	train, test, err := stripes.Draw(how.agreement, seed)
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
			o, err := stripes.Study(ctx, m, set, train, test, how.epochs, how.rate, seed)
			if err != nil {
				return err
			}
			tell(k, m.Name, o)
		}
	}
	return nil
}
