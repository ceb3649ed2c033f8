package option_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tta"
)

// constructor is a function that takes options, as this test sees it: with options that all mean something to it.
type constructor struct {
	call string
	none func() error // a nil option
	// later is what the function makes if an option is given with one value, then another, and with either alone.
	later func() (both, first, last any, err error)
	// beyond is an option whose value is out of range.
	beyond func() error
}

// pair makes things with options of the values 1 and 2, of which show tells what they are.
func pair[T any](make func(values ...int) (T, error), show func(T) any) func() (both, first, last any, err error) {
	return func() (both, first, last any, err error) {
		made := [3]any{}
		for i, values := range [][]int{{1, 2}, {1}, {2}} {
			one, err := make(values...)
			if err != nil {
				return nil, nil, nil, err
			}
			made[i] = show(one)
		}
		return made[0], made[1], made[2], nil
	}
}

// each makes an option of every value.
func each[O any](values []int, option func(v int) O) []O {
	var opts []O
	for _, v := range values {
		opts = append(opts, option(v))
	}
	return opts
}

func matrix(rows, cols int) tensor.Matrix[float32] {
	m, rng := tensor.NewMatrix[float32](rows, cols), tensor.Stream(uint64(rows))
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

func constructors() []constructor {
	ctx := context.Background()
	all := []constructor{pruneNew(), pruneComputeMasks(), maskingNew(), plateau()}
	all = append(all, maddnessFits(ctx)...)
	all = append(all, maddnessRest(ctx)...)
	all = append(all, statistics()...)
	all = append(all, heart()...)
	all = append(all, sparsified(ctx)...)
	all = append(all, bags()...)
	return append(all, amms(ctx)...)
}

// statistics are constructors of tensor/stats, causal and tta.
func statistics() []constructor {
	x := []float64{1, 2, 4, 8}
	level := func(v int) stats.Option { return stats.WithLevel(float64(v) / 4) }
	width := func(v int) causal.Option { return causal.WithKernel(causal.RBF(float64(v))) }
	identity := func(v int) tta.OutputsOption { return tta.WithIdentity(v - 1) }
	top := func(v int) tta.EvaluatorOption { return tta.WithTop(v) }
	outputs := func(opts ...tta.OutputsOption) (*tta.Outputs, error) {
		return tta.NewOutputs(2, 3, []float32{3, 2, 1, 0, 5, 1, 1, 2, 3, 3, 1, 2}, opts...)
	}
	return []constructor{
		{
			call: "stats: Mean",
			none: func() error { _, err := stats.Mean(x, nil); return err },
			later: pair(func(v ...int) (stats.Estimate, error) { return stats.Mean(x, each(v, level)...) },
				func(e stats.Estimate) any { return e }),
			beyond: func() error { _, err := stats.Mean(x, stats.WithLevel(2)); return err },
		},
		{
			call: "causal: NewMMD",
			none: func() error { _, err := causal.NewMMD[float32](nil); return err },
			later: pair(func(v ...int) (*causal.MMD[float32], error) { return causal.NewMMD[float32](each(v, width)...) },
				func(m *causal.MMD[float32]) any {
					g := tensor.NewMatrix[float32](8, 2)
					r, err := m.Eval(matrix(8, 2), causal.Batch{Y: make([]int, 8), V: []int{0, 1, 0, 1, 0, 1, 0, 1}}, g)
					return []any{r.Value, g.Data, err}
				}),
			beyond: func() error { _, err := causal.NewMMD[float32](causal.WithWorkers(-1)); return err },
		},
		{
			call: "tta: NewOutputs",
			none: func() error { _, err := outputs(nil); return err },
			later: pair(func(v ...int) (*tta.Outputs, error) { return outputs(each(v, identity)...) },
				func(o *tta.Outputs) any {
					view, _ := o.Identity()
					return view
				}),
			beyond: func() error { _, err := outputs(tta.WithIdentity(2)); return err },
		},
		{
			call: "tta: NewEvaluator",
			none: func() error { _, err := tta.NewEvaluator(3, nil); return err },
			later: pair(func(v ...int) (*tta.Evaluator, error) { return tta.NewEvaluator(3, each(v, top)...) },
				func(e *tta.Evaluator) any { return *e }),
			beyond: func() error { _, err := tta.NewEvaluator(3, tta.WithTop(0)); return err },
		},
	}
}

func weights() []*tensor.Param[float32] {
	return []*tensor.Param[float32]{{Name: "w", Shape: []int{4, 8}, Data: matrix(4, 8).Data}}
}

func pruneNew() constructor {
	half := prune.WithSparsity(0.5)
	kept := func(p *prune.Pruner[float32]) any { return p.Stats().Kept }
	return constructor{
		call: "prune: New",
		none: func() error { _, err := prune.New(weights(), half, nil); return err },
		later: pair(func(v ...int) (*prune.Pruner[float32], error) {
			opts := each(v, func(v int) prune.Option { return prune.WithSparsity(float64(v) / 4) })
			p, err := prune.New(weights(), opts...)
			if err == nil {
				_, err = p.Step(0)
			}
			return p, err
		}, kept),
		beyond: func() error { _, err := prune.New(weights(), half, prune.WithMinKeep(-1)); return err },
	}
}

func pruneComputeMasks() constructor {
	half := prune.WithSparsity(0.5)
	return constructor{
		call: "prune: ComputeMasks",
		none: func() error { _, err := prune.ComputeMasks(weights(), half, nil); return err },
		later: pair(func(v ...int) (*prune.Masks, error) {
			opts := each(v, func(v int) prune.MaskOption { return prune.WithSparsity(float64(v) / 4) })
			return prune.ComputeMasks(weights(), opts...)
		}, func(m *prune.Masks) any { return m.Sparsity() }),
		beyond: func() error { _, err := prune.ComputeMasks(weights(), prune.WithSparsity(2)); return err },
	}
}

func maskingNew() constructor {
	rate := schedule.Linear{From: 0.5, To: 0.5, Over: 10}
	return constructor{
		call: "masking: New",
		none: func() error { _, err := masking.New(10, 0, rate, nil); return err },
		later: pair(func(v ...int) (*masking.Masker, error) {
			return masking.New(100, 0, rate, each(v, func(v int) masking.Option { return masking.WithSeed(uint64(v)) })...)
		}, func(m *masking.Masker) any {
			ids, labels := make([]int32, 64), make([]int32, 64)
			for i := range ids {
				ids[i] = int32(i + 1)
			}
			n, err := m.Mask(ids, labels, ids, masking.Key{Samples: []int{0}}, 0)
			return []any{ids, labels, n, err}
		}),
		beyond: func() error { _, err := masking.New(10, 0, rate, masking.WithMinTargets(-1)); return err },
	}
}

func plateau() constructor {
	return constructor{
		call: "schedule: NewPlateau",
		none: func() error { _, err := schedule.NewPlateau(1, nil); return err },
		later: pair(func(v ...int) (*schedule.Plateau, error) {
			return schedule.NewPlateau(1, each(v, schedule.WithPatience)...)
		}, func(p *schedule.Plateau) any { return *p }),
		beyond: func() error { _, err := schedule.NewPlateau(1, schedule.WithFactor(2)); return err },
	}
}

// binary is the bytes of an operator.
func binary(m interface{ MarshalBinary() ([]byte, error) }) any {
	b, err := m.MarshalBinary()
	return []any{b, err}
}

func operator(op *maddness.Operator) any { return binary(op) }

func maddnessFits(ctx context.Context) []constructor {
	a, b := matrix(40, 6), matrix(6, 3)
	y := matrix(40, 3)
	ints := func(v []int) []maddness.LearnOption { return each(v, maddness.WithCodebooks) }
	return []constructor{{
		call: "maddness: Fit",
		none: func() error { _, err := maddness.Fit(ctx, a, b, maddness.WithCodebooks(2), nil); return err },
		later: pair(func(v ...int) (*maddness.Operator, error) {
			return maddness.Fit(ctx, a, b, each(v, func(v int) maddness.Option { return maddness.WithCodebooks(v) })...)
		}, operator),
		beyond: func() error { _, err := maddness.Fit(ctx, a, b, maddness.WithCodebooks(0)); return err },
	}, {
		call: "maddness: FitTargets",
		none: func() error { _, err := maddness.FitTargets(ctx, a, y, maddness.WithCodebooks(2), nil); return err },
		later: pair(func(v ...int) (*maddness.Operator, error) {
			var opts []maddness.TargetsOption
			for _, o := range ints(v) {
				opts = append(opts, o)
			}
			return maddness.FitTargets(ctx, a, y, opts...)
		}, operator),
		beyond: func() error { _, err := maddness.FitTargets(ctx, a, y, maddness.WithWide(-1)); return err },
	}, {
		call: "maddness: FitEncoder",
		none: func() error { _, err := maddness.FitEncoder(ctx, a, maddness.WithCodebooks(2), nil); return err },
		later: pair(func(v ...int) (*maddness.Encoder, error) {
			var opts []maddness.EncoderOption
			for _, o := range ints(v) {
				opts = append(opts, o)
			}
			return maddness.FitEncoder(ctx, a, opts...)
		}, func(e *maddness.Encoder) any { return binary(e) }),
		beyond: func() error { _, err := maddness.FitEncoder(ctx, a, maddness.WithRefine(-1)); return err },
	}}
}

func maddnessRest(ctx context.Context) []constructor {
	a, y := matrix(40, 6), matrix(40, 3)
	op, err := maddness.Fit(ctx, a, matrix(6, 3), maddness.WithCodebooks(2))
	if err != nil {
		panic(err)
	}
	e, err := maddness.FitEncoder(ctx, a, maddness.WithCodebooks(2))
	if err != nil {
		panic(err)
	}
	bits := func(v int) maddness.TableOption { return maddness.WithLUTBits(v + 3) }
	ridge := func(v int) maddness.RefitOption { return maddness.WithRidge(float64(v)) }
	labels, soft := make([]int, 40), tensor.NewMatrix[float32](40, 3)
	for i := range labels {
		labels[i] = i % 3
		soft.Set(i, i%3, 1)
	}
	fresh := func(opts ...maddness.TableOption) (*maddness.Operator, error) {
		return maddness.New(6, op.Trees(), op.LUT(), opts...)
	}
	bind := func(opts ...maddness.TableOption) (*maddness.Operator, error) { return e.Bind(matrix(6, 3), opts...) }
	all := []constructor{}
	for call, make := range map[string]func(...maddness.TableOption) (*maddness.Operator, error){
		"maddness: New": fresh, "maddness: Bind": bind} {
		all = append(all, constructor{
			call:   call,
			none:   func() error { _, err := make(nil); return err },
			later:  pair(func(v ...int) (*maddness.Operator, error) { return make(each(v, bits)...) }, operator),
			beyond: func() error { _, err := make(maddness.WithLUTBits(9)); return err },
		})
	}
	type refit = func(...maddness.RefitOption) (*maddness.Operator, error)
	for call, make := range map[string]refit{
		"maddness: RefitLUT": func(o ...maddness.RefitOption) (*maddness.Operator,
			error) {
			return op.RefitLUT(ctx, a, y, o...)
		},
		"maddness: RefitLabels": func(o ...maddness.RefitOption) (*maddness.Operator, error) {
			return op.RefitLabels(ctx, a, labels, o...)
		},
		"maddness: RefitSoft": func(o ...maddness.RefitOption) (*maddness.Operator, error) {
			return op.RefitSoft(ctx, a, soft, o...)
		},
	} {
		all = append(all, constructor{
			call:   call,
			none:   func() error { _, err := make(nil); return err },
			later:  pair(func(v ...int) (*maddness.Operator, error) { return make(each(v, ridge)...) }, operator),
			beyond: func() error { _, err := make(maddness.WithRidge(math.Inf(1))); return err },
		})
	}
	return all
}

func amms(ctx context.Context) []constructor {
	a, b := matrix(600, 6), matrix(6, 3) // more rows than PQ has centroids
	product := func(ap amm.Approximator) any {
		dst := tensor.NewMatrix[float32](600, 3)
		err := ap.Mul(dst, a)
		return []any{dst, err}
	}
	seed := func(v int) amm.SeedOption { return amm.WithSeed(uint64(v)) }
	wide := func(v int) amm.Option { return amm.WithSeed(uint64(v)) }
	nothing := amm.WithProgress(nil)
	return []constructor{
		{
			call: "amm: NewSketch",
			none: func() error { _, err := amm.NewSketch(amm.Gauss, b, 2, nil); return err },
			later: pair(func(v ...int) (*amm.Factors, error) { return amm.NewSketch(amm.Gauss, b, 2, each(v, seed)...) },
				func(f *amm.Factors) any { return product(f) }),
		},
		{
			call: "amm: FitColumns",
			none: func() error { _, err := amm.FitColumns(a, b, 2, nil); return err },
			later: pair(func(v ...int) (*amm.Columns, error) { return amm.FitColumns(a, b, 2, each(v, seed)...) },
				func(f *amm.Columns) any { return product(f) }),
		},
		{
			call: "amm: FitPQ",
			none: func() error { _, err := amm.FitPQ(ctx, a, b, 2, nothing); return err },
			later: pair(func(v ...int) (*amm.PQ, error) { return amm.FitPQ(ctx, a, b, 2, each(v, wide)...) },
				func(f *amm.PQ) any { return product(f) }),
		},
		{
			call: "amm: FitBolt",
			none: func() error { _, err := amm.FitBolt(ctx, a, b, 2, nil); return err },
			later: pair(func(v ...int) (*amm.Bolt, error) { return amm.FitBolt(ctx, a, b, 2, each(v, wide)...) },
				func(f *amm.Bolt) any { return product(f) }),
		},
	}
}

// Every function with options treats them alike: the later of two wins, a nil one is an error, as is a value out of
// range, and errors say who speaks.
func TestConstructors(t *testing.T) {
	for _, c := range constructors() {
		err := c.none()
		require.ErrorIs(t, err, tensor.ErrEmpty, c.call)
		beginsWith(t, err, c.call)
		both, first, last, err := c.later()
		require.NoError(t, err, c.call)
		require.Equal(t, last, both, "%s: the later option wins", c.call)
		require.NotEqual(t, last, first, "%s: the options say different things", c.call)
		if c.beyond != nil {
			err = c.beyond()
			require.ErrorIs(t, err, tensor.ErrRange, c.call)
			beginsWith(t, err, c.call)
		}
	}
	_, err := conv.Fit(context.Background(), tensor.NewDense[float32](1, 4, 4, 1), tensor.NewDense[float32](3, 3, 1, 2),
		tensor.Window{}, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

func beginsWith(t *testing.T, err error, call string) {
	t.Helper()
	for line := range strings.Lines(err.Error()) {
		require.True(t, strings.HasPrefix(line, call+": "), line)
	}
}
