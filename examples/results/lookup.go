package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/maddness/network"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// codebooks is how many lookups stand for the product, and the number of dimensions of projections.
const codebooks = 8

// Other settings.
const (
	fewLookups  = "4 lookups"
	manyLookups = "16 lookups"
)

var maddnessExperiment = experiment{
	name: "maddness",
	about: fmt.Sprintf("the last layer of a 64-256-256-10 perceptron on handwritten digits replaced by %d lookups, or %d "+
		"dimensions; the error is the mean square over the variance, on 500 test images.", codebooks, codebooks),
	settings: []setting{{fewLookups, "instead of 8, or dimensions."}, {manyLookups, "instead of 8, or dimensions."}},
	run:      lookup,
}

// lookup is Blalock and Guttag 2021: the last layer of a perceptron on handwritten digits replaced.
func lookup(ctx context.Context, t trial) ([]Claim, error) {
	hidden, epochs := 256, 12
	lookups := codebooks
	switch t.setting {
	case "":
	case fewLookups:
		lookups = 4
	case manyLookups:
		lookups = 16
	default:
		return nil, t.unknown()
	}
	if t.quick {
		hidden, epochs = 32, 1
	}
	// The error of each method on test rows, fitted to training rows and to rows whose columns were shuffled apart.
	reports := make([][2]map[string]amm.Report, len(t.seeds))
	errs := make([]error, len(t.seeds))
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			reports[i], errs[i] = lookupSeed(ctx, t.seeds[i], hidden, epochs, lookups)
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	nmse := func(k int, name string) []float64 {
		var v []float64
		for _, r := range reports {
			v = append(v, r[k][name].NMSE)
		}
		return v
	}
	lost := func(k int, name string) []float64 {
		var v []float64
		for _, r := range reports {
			v = append(v, 100*(r[k][name].ExactAccuracy-r[k][name].Accuracy))
		}
		return v
	}
	const ours, paper, pq, bolt, gauss, pca = "Maddness", "Maddness, paper", "MaddnessPQ", "Bolt", "Gauss", "PCA"
	const difference, apart = "difference of NMSE", "fitted to rows whose columns were shuffled apart"
	less := func(text, a, b, control string, values []float64) Claim {
		return Claim{Text: text, Quantity: difference, Bar: below(0), Values: minus(nmse(0, a), nmse(0, b)), Control: control,
			ControlValues: values}
	}
	components := less("as many principal components have less error than ours", pca, ours, apart+", against ours that "+
		"was not", minus(nmse(1, pca), nmse(0, ours)))
	components.Note = "more codebooks cost bytes where components cost multiplications."
	return []Claim{
		less("the paper's setting has less error than without optimised prototypes", paper, pq, apart+", against those "+
			"that were not", minus(nmse(1, paper), nmse(0, pq))),
		less("the paper's setting has less error than a random projection to as many dimensions", paper, gauss,
			"two draws of the projection", minus(nmse(1, gauss), nmse(0, gauss))),
		less("the paper's setting has less error than Bolt", paper, bolt, apart+", against Bolt that was not",
			minus(nmse(1, paper), nmse(0, bolt))),
		less("ours has less error than the paper's setting", ours, paper, apart+", against the paper's that was not",
			minus(nmse(1, ours), nmse(0, paper))),
		components,
		{Text: "the network loses less than four points of accuracy", Quantity: "points lost", Bar: below(4),
			Values: lost(0, ours), Control: apart, ControlValues: lost(1, ours)},
	}, nil
}

func lookupSeed(ctx context.Context, seed uint64, hidden, epochs, lookups int) ([2]map[string]amm.Report, error) {
	reports := [2]map[string]amm.Report{{}, {}}
	train, test, err := network.Load(seed, "")
	if err != nil {
		return reports, err
	}
	net, err := network.Fit(train, hidden, epochs, seed)
	if err != nil {
		return reports, err
	}
	l := net.Layers(train, test)[2]
	task := amm.Task{A: l.Test, B: l.B, Bias: l.Bias, Labels: l.TestLabels}
	for k, rows := range []network.Matrix{l.Train, apartColumns(l.Train, seed)} {
		for _, m := range amm.Methods() {
			if !slices.Contains([]string{"Maddness", "Maddness, paper", "MaddnessPQ", "Bolt", "Gauss", "PCA"}, m.Name) {
				continue
			}
			ap, err := m.Fit(ctx, rows, l.B, lookups, seed+uint64(k)<<40)
			if err != nil {
				return reports, fmt.Errorf("%s: %w", m.Name, err)
			}
			if reports[k][m.Name], err = amm.Evaluate(ap, task); err != nil {
				return reports, fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	return reports, nil
}

// apartColumns is the rows with each column in an order of its own: what columns have to do with each other is gone.
func apartColumns(x network.Matrix, seed uint64) network.Matrix {
	y := tensor.NewMatrix[float32](x.Rows, x.Cols)
	for j := range x.Cols {
		for i, from := range tensor.Stream(seed, 1<<20, uint64(j)).Perm(x.Rows) {
			y.Set(i, j, x.At(from, j))
		}
	}
	return y
}
