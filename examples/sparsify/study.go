package main

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

// study trains, prunes and compiles. The first three models are the dense one, the masked one and the sparse one.
func study(s settings) ([]model, error) {
	all, err := digits.Load()
	if err != nil {
		return nil, err
	}
	train, test := all.Split(s.seed, 1297)
	if n := s.images; n > 0 {
		train = digits.Set{X: train.X[:n*widths[0]], Y: train.Y[:n]}
		test = digits.Set{X: test.X[:n*widths[0]], Y: test.Y[:n]}
	}
	n, err := newNetwork(widths, s.seed)
	if err != nil {
		return nil, err
	}
	if err := n.train(train, s.epochs, s.seed, nil); err != nil {
		return nil, err
	}
	pruned, masks, err := pruneWeights(s, n, train)
	if err != nil {
		return nil, err
	}
	narrow, plan, err := pruneNeurons(s, n, train)
	if err != nil {
		return nil, err
	}
	compact, err := graphOf(pruned).Compact(masks)
	if err != nil {
		return nil, err
	}
	oneShot, half, err := pruneOnce(n, train)
	if err != nil {
		return nil, err
	}
	var models []model
	for _, c := range []struct {
		name, remark string
		params       []*tensor.Param[float32]
		masks        *prune.Masks
		format       sparse.Format
	}{
		{"dense", "", n.model.Params(), nil, sparse.Dense},
		{fmt.Sprintf("%.4g%% pruned, masks only", 100*s.sparsity), "the same products, of zeros", pruned.model.Params(), nil,
			sparse.Dense},
		{"  sparse", "", pruned.model.Params(), masks, sparse.Panels},
		{"  sparse, least memory", "", pruned.model.Params(), masks, sparse.Compressed},
		{"  without dead neurons, dense", hidden(compact.Report), compact.Params, nil, sparse.Dense},
		{"  without dead neurons, sparse", hidden(compact.Report), compact.Params, compact.Masks, sparse.Panels},
		{"neurons pruned, dense", hidden(plan.Report()), narrow.model.Params(), nil, sparse.Dense},
		{"50% by SparseGPT, no training", "", oneShot.model.Params(), half, sparse.Panels},
	} {
		m, err := compile(c.params, c.masks, c.format)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		m.name, m.remark = c.name, c.remark
		if err := m.measure(s, test); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		models = append(models, m)
	}
	return models, nil
}

// hidden says how many neurons are left.
func hidden(r structured.Report) string {
	return fmt.Sprintf("hidden neurons %d and %d", r.Groups[0].Kept, r.Groups[1].Kept)
}

// pruneWeights prunes single weights of a copy while it is trained on, those of least magnitude in the whole network.
func pruneWeights(s settings, n network, train digits.Set) (network, *prune.Masks, error) {
	c, err := n.clone()
	if err != nil {
		return c, nil, err
	}
	pruner, err := prune.New(c.model.Params(), prune.WithScope(prune.Global), prune.WithSparsity(s.sparsity),
		prune.WithSchedule(prune.Cubic(0, steps(train, s.epochs)*2/3)))
	if err != nil {
		return c, nil, err
	}
	if err := c.train(train, s.epochs, s.seed+1, pruner); err != nil {
		return c, nil, err
	}
	return c, pruner.Masks(), nil
}

// graphOf says how the layers of a perceptron hang together.
func graphOf(n network) *structured.Graph[float32] {
	g := structured.NewGraph[float32](prune.LayoutNN)
	x, params := g.Input("pixels", widths[0]), n.model.Params()
	for k := range n.layers {
		x = g.Linear(fmt.Sprint(k), x, params[2*k], params[2*k+1])
		if k < len(n.layers)-1 {
			x = g.Activation(x, func(v float32) float32 { return max(v, 0) })
		}
	}
	g.Output(x)
	return g
}

// pruneNeurons cuts out so many hidden neurons of a copy that about as many weights are left, and trains it on.
func pruneNeurons(s settings, n network, train digits.Set) (network, *structured.Plan[float32], error) {
	var plan *structured.Plan[float32]
	target := 0
	for _, l := range n.layers {
		target += len(l.Weight.Data)
	}
	for ratio := 0.0; ratio < 1; ratio += 1. / 64 {
		p, err := graphOf(n).Plan(ratio)
		if err != nil {
			return network{}, nil, err
		}
		if plan = p; float64(p.Report().Left) <= math.Ceil((1-s.sparsity)*float64(target)) {
			break
		}
	}
	small, w := plan.Shrink(), []int{widths[0]}
	for _, l := range plan.Report().Layers {
		w = append(w, l.NewOutputs)
	}
	c, err := newNetwork(w, 0)
	if err != nil {
		return c, nil, err
	}
	for _, p := range c.model.Params() {
		copy(p.Data, small.Get(p.Name).Data)
	}
	return c, plan, c.train(train, s.epochs, s.seed+1, nil)
}

// pruneOnce prunes half of a copy by what its inputs say, layer after layer, without training.
func pruneOnce(n network, train digits.Set) (network, *prune.Masks, error) {
	c, err := n.clone()
	if err != nil {
		return c, nil, err
	}
	masks := new(prune.Masks)
	x := tensor.DenseOf(train.X, train.Len(), widths[0])
	for k, l := range c.layers {
		gram, err := secondorder.NewGram[float32](l.Weight.Shape[1])
		if err != nil {
			return c, nil, err
		}
		if err := gram.Add(x.Matrix(1)); err != nil {
			return c, nil, err
		}
		w := tensor.Of(l.Weight.Shape[0], l.Weight.Shape[1], l.Weight.Data)
		mask, _, err := secondorder.SparseGPT(context.Background(), w, gram, secondorder.Sparsity(0.5))
		if err != nil {
			return c, nil, err
		}
		if err := masks.Add(fmt.Sprintf("%d.weight", k), mask); err != nil {
			return c, nil, err
		}
		x = l.Forward(x, false) // what the next layer is given by those that are pruned
	}
	return c, masks, nil
}
