package main

import (
	"context"
	"path/filepath"

	"github.com/espalier-ml/espalier/examples/mil/crossval"
	"github.com/espalier-ml/espalier/tensor"
)

const muskFile = "mil/musk1.csv.gz"

var muskExperiment = experiment{
	name: "musk1",
	about: "ten folds of the 92 bags of MUSK1 (UCI Machine Learning Repository), which is not in this repository: a " +
		"header, and lines of bag, label and 166 features. A network 166-256-128-64 for each fold, 100 epochs, rate 5e-4, " +
		"weight decay 5e-3; each seed with folds and models of its own. Kernel ridge has no seed but the folds.",
	needs: []string{muskFile},
	seeds: 12,
	run:   musk,
}

// muskScores is the accuracy in points and the AUC of a cross-validation.
type muskScores struct{ accuracy, auc float64 }

// musk is Ilse, Tomczak and Welling 2018 on one of their benchmarks.
func musk(ctx context.Context, t trial) ([]Claim, error) {
	set, err := crossval.ReadCSV(filepath.Join(t.data, filepath.FromSlash(muskFile)))
	if err != nil {
		return nil, err
	}
	s, folds := crossval.Settings{Epochs: 100, Rate: 5e-4, Decay: 5e-3}, 10
	if t.quick {
		s.Epochs, folds = 1, 2
	}
	const gated, mean, ridge = "gated", "mean", "ridge"
	const shuffled = "labels of the bags shuffled"
	accuracy := Claim{Text: "gated attention has an accuracy above 82 %", Quantity: "%", Bar: above(82), Control: shuffled}
	area := Claim{Text: "gated attention has an area under the ROC curve above 0.92", Quantity: "AUC", Bar: above(0.92),
		Control: shuffled}
	embedding := Claim{Text: "gated attention and the mean embedding are within three points",
		Quantity: "points of accuracy, gated less mean", Bar: within(3), Control: "gated attention with " + shuffled}
	kernels := Claim{Text: "ridge on set kernels is no more than two points worse than gated attention",
		Quantity: "points of accuracy, ridge less gated", Bar: above(-2), Control: "ridge with " + shuffled}
	for k, seed := range t.seeds {
		other := set
		other.Positive = make([]bool, len(set.Positive))
		for i, j := range tensor.Stream(seed, 1<<20).Perm(len(set.Positive)) {
			other.Positive[i] = set.Positive[j]
		}
		var scores [2]map[string]muskScores
		for i, d := range []crossval.Set{set, other} {
			scores[i] = map[string]muskScores{}
			for _, name := range []string{gated, mean, ridge} {
				if i == 1 && name == mean {
					continue
				}
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if scores[i][name], err = muskScore(d, folds, s, name, seed); err != nil {
					return nil, err
				}
			}
		}
		as, none := scores[0], scores[1]
		add(&accuracy, as[gated].accuracy, none[gated].accuracy)
		add(&area, as[gated].auc, none[gated].auc)
		add(&embedding, as[gated].accuracy-as[mean].accuracy, none[gated].accuracy-as[mean].accuracy)
		add(&kernels, as[ridge].accuracy-as[gated].accuracy, none[ridge].accuracy-as[gated].accuracy)
		t.report(k+1, len(t.seeds))
	}
	return []Claim{accuracy, area, embedding, kernels}, nil
}

func muskScore(d crossval.Set, folds int, s crossval.Settings, name string, seed uint64) (m muskScores, err error) {
	scores, _, err := crossval.Validate(d, crossval.Draw(d.Positive, folds, seed, 0), s, name, seed)
	if err != nil {
		return m, err
	}
	accuracy, area, err := crossval.Judge(d.Positive, scores)
	return muskScores{100 * accuracy, area}, err
}
