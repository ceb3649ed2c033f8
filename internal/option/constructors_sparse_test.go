package option_test

import (
	"context"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

// sparsified is constructors of the packages below prune.
func sparsified(ctx context.Context) []constructor {
	w := matrix(4, 8)
	groups := func(v int) sparse.Option { return sparse.WithNM(2*v, 4) }
	round := func(v int) structured.Option { return structured.WithRoundTo(3 * v) }
	damping := func(v int) secondorder.RowOption { return secondorder.WithDamping(float64(v) / 10) }
	mask := prune.NewMask(32)
	for i := range 32 {
		mask.Set(i, i%2 == 0)
	}
	plan := func(opts ...structured.Option) (*structured.Plan[float32], error) {
		first := &tensor.Param[float32]{Name: "a.weight", Shape: []int{8, 4}, Data: matrix(8, 4).Data}
		second := &tensor.Param[float32]{Name: "b.weight", Shape: []int{2, 8}, Data: matrix(2, 8).Data}
		g := structured.NewGraph[float32](prune.OutputFirst)
		g.Output(g.Linear("b", g.Linear("a", g.Input("x", 4), first, nil), second, nil))
		return g.Plan(0.5, opts...)
	}
	surgery := func(opts ...secondorder.RowOption) (tensor.Matrix[float32], error) {
		g, err := secondorder.NewGram[float32](8)
		if err == nil {
			err = g.Add(matrix(40, 8))
		}
		if err != nil {
			return tensor.Matrix[float32]{}, err
		}
		var all []secondorder.Option
		for _, o := range opts {
			all = append(all, o)
		}
		pruned := w.Clone()
		_, _, err = secondorder.SparseGPT(ctx, pruned, g, secondorder.Sparsity(0.5), all...)
		return pruned, err
	}
	return []constructor{
		{
			call: "sparse: New",
			none: func() error { _, err := sparse.New(w, mask, nil); return err },
			later: pair(func(v ...int) (*sparse.Matrix[float32], error) { return sparse.New(w, mask, each(v, groups)...) },
				func(m *sparse.Matrix[float32]) any { return m.Bytes() }),
			beyond: func() error { _, err := sparse.New(w, mask, sparse.WithNM(3, 2)); return err },
		},
		{
			call: "structured: Plan",
			none: func() error { _, err := plan(nil); return err },
			later: pair(func(v ...int) (*structured.Plan[float32], error) { return plan(each(v, round)...) },
				func(p *structured.Plan[float32]) any { return p.Report().String() }),
			beyond: func() error { _, err := plan(structured.WithRoundTo(0)); return err },
		},
		{
			call: "secondorder: SparseGPT",
			none: func() error {
				_, _, err := secondorder.SparseGPT(ctx, w.Clone(), nil, secondorder.Sparsity(0.5), nil)
				return err
			},
			later: pair(func(v ...int) (tensor.Matrix[float32], error) { return surgery(each(v, damping)...) },
				func(m tensor.Matrix[float32]) any { return m.Data }),
			beyond: func() error { _, err := surgery(secondorder.WithDamping(-1)); return err },
		},
	}
}
