package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/maddness/network"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

var rivalsExperiment = experiment{
	name: "rivals",
	about: "layers of a 64-256-256-10 perceptron on handwritten digits replaced by 2, 4, 8, 16 or 32 lookups, or as " +
		"many dimensions; each seed with a split and a model of its own, 500 test images.",
	run: rivals,
}

// rivalSizes is the numbers of codebooks and dimensions.
var rivalSizes = []int{2, 4, 8, 16, 32}

var randomMethods = []string{"Gauss", "Rademacher", "CountSketch", "OSNAP", "FastJL", "columns"}

// rivalNumbers is what one seed measured.
type rivalNumbers struct {
	// the greatest of the paper's error over that of others, of the same fitted to rows whose columns were shuffled, and
	// of another draw of a projection
	pq, random, bolt                float64
	pqApart, randomAgain, boltApart float64
	decides, decidesApart           float64 // points of Bolt over ours, with the fewest codebooks
	lost, lostLast, lostMost        float64 // points: both layers, the last one, both with the most codebooks
}

// rivals is Blalock and Guttag 2021: other ways to approximate a product, at every size.
func rivals(ctx context.Context, t trial) ([]Claim, error) {
	hidden, rows, epochs, sizes := 256, 1297, 12, rivalSizes
	if t.quick {
		hidden, rows, epochs, sizes = 16, 200, 1, sizes[1:2]
	}
	all := make([]rivalNumbers, len(t.seeds))
	errs := make([]error, len(t.seeds))
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			all[i], errs[i] = rivalsSeed(ctx, t.seeds[i], hidden, rows, epochs, sizes)
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	fewest := rivalSizes[0]
	const ratio, apart = "times its error, greatest over sizes", "fitted to rows whose columns were shuffled apart"
	claim := func(text, quantity string, bar Bar, control string, of func(rivalNumbers) (value, control float64)) Claim {
		c := Claim{Text: text, Quantity: quantity, Bar: bar, Control: control}
		for _, n := range all {
			value, none := of(n)
			add(&c, value, none)
		}
		return c
	}
	return []Claim{
		claim("the paper's setting has less error than without optimised prototypes at every size", ratio, below(1), apart,
			func(n rivalNumbers) (float64, float64) { return n.pq, n.pqApart }),
		claim("the paper's setting has less error than five random projections and sampled columns at every size", ratio,
			below(1), "another draw of a random projection for it",
			func(n rivalNumbers) (float64, float64) { return n.random, n.randomAgain }),
		claim("the paper's setting has less error than Bolt from 4 codebooks on", ratio, below(1), apart,
			func(n rivalNumbers) (float64, float64) { return n.bolt, n.boltApart }),
		claim(fmt.Sprintf("with %d codebooks Bolt decides better than ours", fewest), "points of accuracy", above(0),
			"Bolt "+apart, func(n rivalNumbers) (float64, float64) { return n.decides, n.decidesApart }),
		claim(fmt.Sprintf("two layers at once lose more than four points with %d codebooks each", codebooks), "points lost",
			above(4), "the last layer alone", func(n rivalNumbers) (float64, float64) { return n.lost, n.lostLast }),
		claim(fmt.Sprintf("they lose less than two points with %d codebooks each", rivalSizes[len(rivalSizes)-1]),
			"points lost", below(2), fmt.Sprintf("with %d", codebooks),
			func(n rivalNumbers) (float64, float64) { return n.lostMost, n.lost }),
	}, nil
}

func rivalsSeed(ctx context.Context, seed uint64, hidden, rows, epochs int, sizes []int) (n rivalNumbers, err error) {
	train, test, err := network.Load(seed, "")
	if err != nil {
		return n, err
	}
	train = network.Images{X: train.X.Slice(0, rows, 0, train.Width()), Y: train.Y[:rows]}
	net, err := network.Fit(train, hidden, epochs, seed)
	if err != nil {
		return n, err
	}
	layers := net.Layers(train, test)
	last := layers[2]
	task := amm.Task{A: last.Test, B: last.B, Bias: last.Bias, Labels: last.TestLabels}
	apart := apartColumns(last.Train, seed)
	for _, size := range sizes {
		reports := map[string]amm.Report{}
		for _, m := range amm.Methods() {
			own := slices.Contains([]string{"Maddness, paper", "Maddness", "Bolt"}, m.Name)
			if !own && m.Name != "MaddnessPQ" && !slices.Contains(randomMethods, m.Name) {
				continue
			}
			for k, rows := range []network.Matrix{last.Train, apart} {
				if k == 1 && !own {
					break
				}
				ap, err := m.Fit(ctx, rows, last.B, size, seed)
				if err != nil {
					return n, fmt.Errorf("%s, size %d: %w", m.Name, size, err)
				}
				if reports[m.Name+[]string{"", " apart"}[k]], err = amm.Evaluate(ap, task); err != nil {
					return n, fmt.Errorf("%s, size %d: %w", m.Name, size, err)
				}
			}
		}
		again, err := amm.NewSketch(amm.Gauss, last.B, size, amm.WithSeed(seed+1<<40))
		if err != nil {
			return n, err
		}
		if reports["again"], err = amm.Evaluate(again, task); err != nil {
			return n, err
		}
		n.errors(reports, size)
		if size == sizes[0] {
			ours := reports["Maddness"].Accuracy
			n.decides = 100 * (reports["Bolt"].Accuracy - ours)
			n.decidesApart = 100 * (reports["Bolt apart"].Accuracy - ours)
		}
	}
	exact := net.Accuracy(test)
	var err1, err2 error
	n.lost, n.lostLast, err1 = lostPoints(ctx, layers[1], last, exact, min(codebooks, hidden), seed)
	n.lostMost, _, err2 = lostPoints(ctx, layers[1], last, exact, sizes[len(sizes)-1], seed)
	return n, errors.Join(err1, err2)
}

// errors takes the errors of a size into the greatest ratios.
func (n *rivalNumbers) errors(reports map[string]amm.Report, size int) {
	const paper = "Maddness, paper"
	for _, c := range []struct {
		to     *float64
		method string
		others []string
	}{{&n.pq, paper, []string{"MaddnessPQ"}}, {&n.pqApart, paper + " apart", []string{"MaddnessPQ"}},
		{&n.random, paper, randomMethods}, {&n.randomAgain, "again", randomMethods}, {&n.bolt, paper, []string{"Bolt"}},
		{&n.boltApart, paper + " apart", []string{"Bolt"}}} {
		for _, other := range c.others {
			if other == "Bolt" && size < 4 {
				continue
			}
			*c.to = max(*c.to, reports[c.method].NMSE/reports[other].NMSE)
		}
	}
}

// lostPoints is the accuracy that replacing the last two layers costs, and the last alone. They are fitted to what
// flows into them in the exact network.
func lostPoints(ctx context.Context, hidden, last network.Layer, exact float64, size int, seed uint64) (both,
	alone float64, err error) {
	opts := func(bias []float32) []maddness.Option {
		return []maddness.Option{maddness.WithCodebooks(size), maddness.WithSeed(seed), maddness.WithBias(bias)}
	}
	first, err1 := maddness.Fit(ctx, hidden.Train, hidden.B, append(opts(hidden.Bias), maddness.WithReLU())...)
	second, err2 := maddness.Fit(ctx, last.Train, last.B, opts(last.Bias)...)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	middle := tensor.NewMatrix[float32](hidden.Test.Rows, hidden.B.Cols)
	if err := first.Mul(middle, hidden.Test); err != nil {
		return 0, 0, err
	}
	lost := func(x network.Matrix) float64 {
		classes, right := make([]int32, x.Rows), 0
		err = errors.Join(err, second.ArgMax(classes, x))
		for i, y := range last.TestLabels {
			if int(classes[i]) == y {
				right++
			}
		}
		return 100 * (exact - float64(right)/float64(len(classes)))
	}
	both, alone = lost(middle), lost(last.Test)
	return both, alone, err
}
