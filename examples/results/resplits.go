package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/examples/tta/views"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

var resplitsExperiment = experiment{
	name: "resplits",
	about: "the outputs of one model of digits for all views (tta/testdata), split " +
		"anew by each seed into 50, 200 or 1000 examples to fit to and the rest to test on. Of other models this says " +
		"nothing.",
	run: func(ctx context.Context, t trial) ([]Claim, error) {
		return resplits(ctx, t, filepath.Join("tta", "testdata"), "digits_mlp", ".npy.gz")
	},
}

var lettersExperiment = experiment{
	name: "letters",
	about: "the outputs of one model of letters (notMNIST), which are not in this repository, split anew by each seed " +
		"as those of digits are. Of other models this says nothing.",
	needs: []string{"tta/notmnist_cnn_expanded.train.npy", "tta/notmnist_cnn_expanded.val.npy",
		"tta/notmnist_cnn_expanded.test.npy"},
	run: func(ctx context.Context, t trial) ([]Claim, error) {
		return resplits(ctx, t, filepath.Join(t.data, "tta"), "notmnist_cnn_expanded", ".npy")
	},
}

// resplits fits with few labels and tests on all that are left.
func resplits(ctx context.Context, t trial, dir, name, ending string) ([]Claim, error) {
	all, err := readLogits(dir, name, ending)
	if err != nil {
		return nil, err
	}
	sizes := []int{50, 200, 1000}
	if t.quick {
		sizes = sizes[:1]
	}
	gains := make([][2][]float64, len(sizes)*len(t.seeds)) // as they are, and fitted to shuffled labels
	errs := make([]error, len(gains))
	done, end := progress.Start(len(gains), t.report)
	tensor.Parallel(len(gains), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			gains[k], errs[k] = resplit(ctx, all, sizes[k%len(sizes)], t.seeds[k/len(sizes)])
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var claims []Claim
	at := slices.Index(views.Names, "FitBest")
	for i, size := range sizes {
		c := Claim{Text: fmt.Sprintf("FitBest with %d labels loses less than a point on average", size),
			Quantity: "points over the original view", Bar: above(-1), Control: "the labels fitted to shuffled"}
		for k := range t.seeds {
			g := gains[k*len(sizes)+i]
			add(&c, g[0][at], g[1][at])
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// resplit is the gains of one split, with labels as they are and shuffled.
func resplit(ctx context.Context, all *tta.Outputs, labels int, seed uint64) (g [2][]float64, err error) {
	fit, test, err := all.Split(float64(labels)/float64(all.Len()), seed)
	if err != nil {
		return g, err
	}
	shuffled, err := relabelled(fit, seed)
	if err != nil {
		return g, err
	}
	for k, o := range []*tta.Outputs{fit, shuffled} {
		if g[k], _, err = views.Trial(ctx, o, test, seed); err != nil {
			return g, err
		}
	}
	return g, nil
}

// readLogits is the outputs of a model, all parts of them together. Logits stand there as multiples of 1/1024.
func readLogits(dir, name, ending string) (*tta.Outputs, error) {
	var g struct {
		Views    int      `json:"n_augs"`
		Classes  int      `json:"n_classes"`
		Identity int      `json:"orig_idx"`
		Names    []string `json:"aug_names"`
		Labels   map[string][]int
	}
	if err := golden.ReadJSON(filepath.Join("tta", "testdata", name+".json.gz"), &g); err != nil {
		return nil, fmt.Errorf("run it at the root of the repository: %w", err)
	}
	var data []float32
	var labels []int
	for _, part := range []string{"train", "val", "test"} {
		a, err := golden.ReadNPY(filepath.Join(dir, name+"."+part+ending))
		if err != nil {
			return nil, err
		}
		for _, v := range a.Data {
			data = append(data, float32(v/1024))
		}
		labels = append(labels, g.Labels[part]...)
	}
	return tta.NewOutputs(g.Views, g.Classes, data, tta.WithLabels(labels), tta.WithIdentity(g.Identity),
		tta.WithNames(g.Names...))
}
