package option_test

import (
	"slices"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// bags is constructors of mil.
func bags() []constructor {
	b := mil.Bags[float32]{X: matrix(6, 2), Offsets: []int{0, 2, 3, 6}}
	positive, y := []bool{true, false, true}, []float64{1, -1, 2}
	empty := func(v int) mil.PoolOption { return mil.WithEmpty(float64(v)) }
	heads := func(v int) mil.AttentionOption { return mil.WithHeads(v) }
	first := func(v int) mil.DSMILOption { return mil.WithSeed(uint64(v)) }
	seed := func(v int) mil.PMAOption { return mil.WithSeed(uint64(v)) }
	batch := func(v int) mil.SamplerOption { return mil.WithBagsPerBatch(v) }
	clip := func(v int) mil.StandardizerOption { return mil.WithClip(float64(v) / 4) }
	lambda := func(v int) mil.RidgeOption { return mil.WithLambda(float64(v)) }
	return []constructor{
		{
			call: "mil: NewPool",
			none: func() error { _, err := mil.NewPool[float32](mil.Mean(), nil); return err },
			later: pair(func(v ...int) (*mil.Pool[float32], error) {
				return mil.NewPool[float32](mil.Mean(), each(v, empty)...)
			}, func(q *mil.Pool[float32]) any {
				y := tensor.NewMatrix[float32](1, 2)
				err := q.Forward(y, mil.Bags[float32]{X: tensor.NewMatrix[float32](0, 2), Offsets: []int{0, 0}},
					new(mil.Tape[float32]))
				return []any{y.Data, err}
			}),
		},
		{
			call: "mil: NewAttention",
			none: func() error { _, err := mil.NewAttention[float32](2, 3, nil); return err },
			later: pair(func(v ...int) (*mil.Attention[float32], error) {
				return mil.NewAttention[float32](2, 3, each(v, heads)...)
			}, func(a *mil.Attention[float32]) any { return a.W.Data }),
			beyond: func() error { _, err := mil.NewAttention[float32](2, 3, mil.WithHeads(0)); return err },
		},
		{
			call: "mil: NewDSMIL",
			none: func() error { _, err := mil.NewDSMIL[float32](2, 3, nil); return err },
			later: pair(func(v ...int) (*mil.DSMIL[float32], error) { return mil.NewDSMIL[float32](2, 3, each(v, first)...) },
				func(d *mil.DSMIL[float32]) any { return d.Q1.Data }),
		},
		{
			call: "mil: NewPMA",
			none: func() error { _, err := mil.NewPMA[float32](2, 1, 1, 2, nil); return err },
			later: pair(func(v ...int) (*mil.PMA[float32], error) { return mil.NewPMA[float32](2, 1, 1, 2, each(v, seed)...) },
				func(p *mil.PMA[float32]) any { return p.S.Data }),
		},
		{
			call: "mil: NewSampler",
			none: func() error { _, err := mil.NewSampler(positive, b.Offsets, nil); return err },
			later: pair(func(v ...int) (*mil.Sampler, error) {
				return mil.NewSampler(positive, b.Offsets, each(v, batch)...)
			}, func(s *mil.Sampler) any { return slices.Collect(s.Epoch(0)) }),
			beyond: func() error {
				_, err := mil.NewSampler(positive, b.Offsets, mil.WithBagsPerBatch(0))
				return err
			},
		},
		{
			call: "mil: FitStandardizer",
			none: func() error { _, err := mil.FitStandardizer(b, nil); return err },
			later: pair(func(v ...int) (*mil.Standardizer, error) { return mil.FitStandardizer(b, each(v, clip)...) },
				func(s *mil.Standardizer) any {
					z := tensor.NewMatrix[float32](6, 2)
					err := mil.Standardize(s, z, b.X)
					return []any{z.Data, err}
				}),
			beyond: func() error { _, err := mil.FitStandardizer(b, mil.WithClip(0)); return err },
		},
		{
			call: "mil: FitKernelRidge",
			none: func() error { _, err := mil.FitKernelRidge(mil.NSK(0), b, y, nil); return err },
			later: pair(func(v ...int) (*mil.KernelRidge[float32], error) {
				return mil.FitKernelRidge(mil.NSK(0), b, y, each(v, lambda)...)
			}, func(r *mil.KernelRidge[float32]) any { return r.LeaveOneOut() }),
			beyond: func() error {
				_, err := mil.FitKernelRidge(mil.NSK(0), b, y, mil.WithWorkers(-1))
				return err
			},
		},
	}
}
