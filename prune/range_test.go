package prune_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// A weight that is dropped and grown again in one move was not away: neither it nor its velocity changes.
func TestRewireKeepsWhatItGrowsAgain(t *testing.T) {
	w := &tensor.Param[float32]{Name: "w", Shape: []int{1, 6}, Data: []float32{5, 4, 3, .5, 0, 0},
		Grad: []float32{0, 0, 0, 9, 1e-3, 1e-4}}
	velocity := []float32{1, 2, 3, 4, 5, 6}
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithNonzeros(4),
		prune.WithRewire(prune.Rewire{Every: 1, Until: 1 << 30, Fraction: .25, ByGradient: true}))
	require.NoError(t, err)
	p.Track(func(_ *tensor.Param[float32], visit func([]float32)) { visit(velocity) })
	_, err = p.Step(0)
	require.NoError(t, err)
	info, err := p.Step(1)
	require.NoError(t, err)
	require.True(t, info.Updated)
	require.Equal(t, []float32{5, 4, 3, .5, 0, 0}, w.Data)
	require.Equal(t, []float32{1, 2, 3, 4, 0, 0}, velocity)
}

// With ERK a small tensor can come out dense: no move changes anything in it.
func TestRewireLeavesDenseTensorsAlone(t *testing.T) {
	small := param("small", []int{2, 2}, []float64{.1, -.2, .3, .4})
	large := param("large", []int{40, 40}, tensorRamp(1600))
	small.Grad, large.Grad = []float32{4, 3, 2, 1}, slices.Repeat([]float32{1}, 1600)
	before := slices.Clone(small.Data)
	p, err := prune.New([]*tensor.Param[float32]{small, large}, prune.WithCompression(8),
		prune.WithDistribution(prune.ERK{}), prune.WithRewire(prune.Rewire{Every: 1, Until: 100, Fraction: .5,
			ByGradient: true}))
	require.NoError(t, err)
	for step := range 20 {
		_, err = p.Step(step)
		require.NoError(t, err)
		require.Equal(t, before, small.Data)
	}
	require.Equal(t, 4, p.Masks().Get("small").Count())
}

// Two names of one weight are one weight.
func TestTiedParameters(t *testing.T) {
	table := param("embedding", []int{4, 3}, tensorRamp(12))
	head := param("head", []int{4, 3}, nil)
	head.Data, head.Grad = table.Data, table.Grad
	params := []*tensor.Param[float32]{table, head, param("other", []int{2, 6}, tensorRamp(12))}
	macs := map[string]int64{"embedding": 0, "head": 12, "other": 12}
	p, err := prune.New(params, prune.WithNonzeros(12), prune.WithMACs(macs))
	require.NoError(t, err)
	_, err = p.Step(0)
	require.NoError(t, err)
	s := p.Stats()
	require.Equal(t, []int{24, 12, 24, 12}, []int{s.Size, s.Kept, s.Prunable, s.NonzeroValues})
	require.Equal(t, int64(24), s.MACs)
	require.Equal(t, "embedding", s.Layers[1].TiedTo)
	require.Contains(t, s.String(), "is embedding")
	require.Equal(t, []string{"embedding", "other"}, p.Masks().Names())

	_, err = prune.ComputeMasks(params, prune.WithSparsity(.5), prune.WithFixed("head"))
	require.NoError(t, err)
	masks, err := prune.ComputeMasks(params, prune.WithSparsity(.5), prune.WithFixed("head"))
	require.NoError(t, err)
	require.Equal(t, []string{"other"}, masks.Names(), "what is fixed under one name is fixed")

	head.Data, head.Shape = table.Data[1:], []int{11}
	_, err = prune.New(params, prune.WithNonzeros(12))
	require.ErrorIs(t, err, tensor.ErrOverlap)
	require.ErrorContains(t, err, `"embedding"`)
	require.ErrorContains(t, err, `"head"`)
}

// Products of any two float32 rank weights, whatever range the products lie in.
func TestScoresOverTheRangeOfFloat32(t *testing.T) {
	one := prune.ScorerFunc[float32](func(dst []float32, _ *prune.Context[float32]) error {
		clear(dst)
		return nil
	})
	scorers := map[string]prune.Scorer[float32]{"taylor": prune.Taylor[float32](),
		"squared": prune.TaylorSquared[float32](),
		"mean":    prune.MeanOf(prune.Taylor[float32](), prune.Taylor[float32]()),
		"max":     prune.MaxOf(prune.TaylorSquared[float32](), one)}
	for name, scorer := range scorers {
		for seed := range uint64(200) {
			rng := tensor.Stream(seed)
			var params []*tensor.Param[float32]
			var exact []float64
			center, spread := rng.Float64()*160-80, rng.Float64()*40
			for k := range 3 {
				p := &tensor.Param[float32]{Name: fmt.Sprint(k), Shape: []int{5, 8}, Data: make([]float32, 40),
					Grad: make([]float32, 40)}
				for i := range p.Data {
					e := center + spread*rng.NormFloat64()
					p.Data[i] = float32(math.Exp2(max(-140, min(e, 120))) * (1 + rng.Float64()))
					p.Grad[i] = -float32(math.Exp2(max(-140, min(center+spread*rng.NormFloat64(), 120))))
					exact = append(exact, math.Abs(float64(p.Data[i])*float64(p.Grad[i])))
				}
				params = append(params, p)
			}
			masks, err := prune.ComputeMasks(params, prune.WithScorer(scorer), prune.WithScope(prune.Global),
				prune.WithSparsity(.5), prune.WithCollapse())
			require.NoError(t, err, "%s %d", name, seed)
			sorted := slices.Sorted(slices.Values(exact))
			for i, v := range exact {
				if math.Abs(v/sorted[60]-1) > 1e-5 && math.Abs(v/sorted[59]-1) > 1e-5 {
					require.Equal(t, v > sorted[59], masks.Get(fmt.Sprint(i/40)).Keep(i%40), "%s %d: %v", name, seed, v)
				}
			}
		}
	}
}

// A combination ranks as its parts do, wherever their scores lie, and a tensor's norm does not leave the range either.
func TestCombinedScoresOverTheRangeOfFloat32(t *testing.T) {
	for exp := -70; exp <= 60; exp++ {
		w := &tensor.Param[float32]{Name: "w", Shape: []int{1, 8}, Data: make([]float32, 8), Grad: make([]float32, 8)}
		for i := range w.Data {
			w.Data[i] = float32(math.Ldexp(float64(1+i*5%8), exp))
			w.Grad[i] = float32(math.Ldexp(1, exp))
		}
		var seen prune.Activations[float32]
		x := slices.Repeat([]float32{float32(math.Ldexp(1, exp))}, 8)
		require.NoError(t, seen.Add(tensor.DenseOf(x, 1, 8), "w"))
		for name, scorer := range map[string]prune.Scorer[float32]{
			"normalized": prune.Normalized(prune.Taylor[float32]()),
			"squared":    prune.Normalized(prune.TaylorSquared[float32]()),
			"mean":       prune.MeanOf(prune.Normalized(prune.TaylorSquared[float32]()), prune.Taylor[float32]()),
			"max":        prune.MaxOf(prune.Taylor[float32](), prune.TaylorSquared[float32]()),
			"inputs":     seen.Magnitude(), "Wanda": seen.Wanda()} {
			masks, err := prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithScorer(scorer), prune.WithSparsity(.5))
			require.NoError(t, err, "%s %d", name, exp)
			for i, v := range w.Data {
				require.Equal(t, v > float32(math.Ldexp(4, exp)), masks.Get("w").Keep(i), "%s %d", name, exp)
			}
		}
	}
}

func TestScoresThatCannotRank(t *testing.T) {
	w := param("w", []int{1, 4}, tensorRamp(4))
	params := []*tensor.Param[float32]{w}
	infinite := prune.ScorerFunc[float32](func(dst []float32, _ *prune.Context[float32]) error {
		for i := range dst {
			dst[i] = float32(math.Inf(1))
		}
		return nil
	})
	_, err := prune.ComputeMasks(params, prune.WithScorer[float32](infinite), prune.WithSparsity(.5),
		prune.WithScope(prune.Global), prune.WithMinKeep(1))
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "more scores are +Inf than the 2 elements that stay")

	w.Grad = make([]float32, 4) // an optimizer has cleared it
	for _, scorer := range []prune.Scorer[float32]{prune.Taylor[float32](), prune.TaylorSquared[float32]()} {
		_, err = prune.ComputeMasks(params, prune.WithScorer(scorer), prune.WithSparsity(.5))
		require.ErrorIs(t, err, prune.ErrMissingGrad)
		require.ErrorContains(t, err, "all 4 scores of gradients are 0")
		_, err = prune.ComputeMasks(params, prune.WithScorer(prune.Normalized(scorer)), prune.WithSparsity(.5))
		require.ErrorIs(t, err, prune.ErrMissingGrad)
		mixed := prune.MeanOf(scorer, prune.Magnitude[float32]())
		_, err = prune.ComputeMasks(params, prune.WithScorer(mixed), prune.WithSparsity(.5))
		require.ErrorIs(t, err, prune.ErrMissingGrad)
		require.ErrorContains(t, err, "fill Grad before Step")
	}
}

// A flow through a model that leaves the range of its numbers is named; a smaller input mends it.
func TestSynFlowOfDeepModel(t *testing.T) {
	const layers, width = 70, 8
	var params []*tensor.Param[float32]
	rng := tensor.Stream(2)
	for k := range layers {
		p := &tensor.Param[float32]{Name: fmt.Sprintf("%d.weight", k), Shape: []int{width, width},
			Data: make([]float32, width*width), Grad: make([]float32, width*width)}
		for i := range p.Data {
			p.Data[i] = float32(rng.NormFloat64())
		}
		params = append(params, p)
	}
	run := func(input float32) (*prune.Masks, error) {
		s, err := prune.NewSynFlow(params, func() error { return chain(params, width, input) })
		require.NoError(t, err)
		return prune.ComputeMasks(params, prune.WithScorer[float32](s), prune.WithScope(prune.Global),
			prune.WithSparsity(.5), prune.WithSchedule(prune.Iterative(0, 1, 20)))
	}
	_, err := run(1)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "a smaller input")
	masks, err := run(1e-25)
	require.NoError(t, err)
	require.InDelta(t, .5, masks.Sparsity(), 1e-3)
}

// chain multiplies an input through square layers, and a gradient as large back.
func chain(params []*tensor.Param[float32], width int, input float32) error {
	x := [][]float32{slices.Repeat([]float32{input}, width)}
	for k, p := range params {
		y := make([]float32, width)
		tensor.Gemv(tensor.NoTrans, 1, tensor.Of(width, width, p.Data), x[k], 0, y)
		x = append(x, y)
	}
	dy := slices.Repeat([]float32{input}, width)
	for k := len(params) - 1; k >= 0; k-- {
		for i, g := range dy {
			tensor.Axpy(params[k].Grad[i*width:(i+1)*width], g, x[k])
		}
		dx := make([]float32, width)
		tensor.Gemv(tensor.Trans, 1, tensor.Of(width, width, params[k].Data), dy, 0, dx)
		dy = dx
	}
	return nil
}

func TestFinishFindsPrunedWeightsThatMoved(t *testing.T) {
	w := param("w", []int{1, 4}, tensorRamp(4))
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(.5))
	require.NoError(t, err)
	_, err = p.Step(-1)
	require.EqualError(t, err, "prune: step -1: steps count from 0: steps out of order")
	_, err = p.Step(0)
	require.NoError(t, err)
	require.NoError(t, p.Finish())
	w.Data[1] = 1e-9
	require.ErrorContains(t, p.Finish(), "element 1 is pruned and yet 1e-09")
}

func TestPrunerStateOfOtherOptions(t *testing.T) {
	text, err := json.Marshal(halfWay(t))
	require.NoError(t, err)
	same := halfWay(t)
	require.NoError(t, json.Unmarshal(text, same))
	params := []*tensor.Param[float32]{param("w", []int{10, 10}, tensorRamp(100))}
	other, err := prune.New(params, prune.WithSparsity(.8), prune.WithSchedule(prune.Linear(0, 11)))
	require.NoError(t, err)
	require.ErrorIs(t, json.Unmarshal(text, other), tensor.ErrConflict)
	require.ErrorIs(t, other.UnmarshalText([]byte("?")), tensor.ErrRange)
}

func TestDueCountsMissedUpdates(t *testing.T) {
	params := []*tensor.Param[float32]{param("w", []int{10, 10}, tensorRamp(100))}
	s := prune.Linear(10, 30)
	s.Every = 10
	p, err := prune.New(params, prune.WithSparsity(.8), prune.WithSchedule(s))
	require.NoError(t, err)
	for _, step := range []int{0, 5, 12, 13, 25, 29, 41, 42} {
		due := p.Due(step)
		info, err := p.Step(step)
		require.NoError(t, err)
		require.Equal(t, info.Updated, due, "%d", step)
	}
	require.False(t, p.Due(3))
}

func TestLayoutsByName(t *testing.T) {
	a, b := param("block/a/weight", []int{2, 3}, tensorRamp(6)), param("block/b/weight", []int{2, 3}, tensorRamp(6))
	bias := param("block/a/bias", []int{2}, tensorRamp(2))
	params := []*tensor.Param[float32]{a, b, bias}
	var seen []prune.Info
	_, err := prune.ComputeMasks(params, prune.WithSparsity(.5), prune.WithLayout(prune.OutputFirst),
		prune.WithLayouts(map[string]prune.Layout{"block/b/weight": prune.OutputLast}),
		prune.WithFilter(func(i prune.Info) bool { seen = append(seen, i); return i.Role == prune.Weight }))
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 0}, []int{seen[0].Out, seen[1].Out, seen[2].Out})
	require.Equal(t, prune.Bias, seen[2].Role, "names split at a slash too")
	_, err = prune.ComputeMasks(params, prune.WithSparsity(.5), prune.WithLayouts(map[string]prune.Layout{"c": 0}))
	require.ErrorContains(t, err, `no parameter is named "c"`)
}

func FuzzParseMask(f *testing.F) {
	f.Add("0110")
	f.Add("01x")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := prune.ParseMask(s)
		if err != nil {
			require.ErrorIs(t, err, tensor.ErrRange)
			return
		}
		require.Equal(t, s, m.String())
	})
}
