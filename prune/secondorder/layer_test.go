package secondorder_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/tensor"
)

var ctx = context.Background()

func normal[T tensor.Float](seed uint64, rows, cols int) tensor.Matrix[T] {
	m, rng := tensor.NewMatrix[T](rows, cols), tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = T(rng.NormFloat64())
	}
	return m
}

func TestGramOfUnequalBatches(t *testing.T) {
	g, err := secondorder.NewGram[float32](2)
	require.NoError(t, err)
	require.NoError(t, g.Add(tensor.Of(3, 2, []float32{1, 0, 0, 2, 1, 1})))
	require.NoError(t, g.Add(tensor.Of(1, 2, []float32{3, 1})))
	require.NoError(t, g.Add(tensor.NewMatrix[float32](0, 2)))
	h, err := g.H()
	require.NoError(t, err)
	require.Equal(t, []float64{5.5, 2, 2, 3}, h.Data)
	require.Equal(t, 4, g.Samples())
}

func TestGramHasTheSameBitsHoweverBatched(t *testing.T) {
	x := normal[float32](1, 1100, 37)
	want, err := gramOf(t, x).H()
	require.NoError(t, err)
	for _, size := range []int{1, 100, 256, 300} {
		g, err := secondorder.NewGram[float32](37)
		require.NoError(t, err)
		for lo := 0; lo < x.Rows; lo += size {
			require.NoError(t, g.Add(x.Slice(lo, min(lo+size, x.Rows), 0, 37)))
			if lo == 300 { // a pause
				b, err := g.MarshalBinary()
				require.NoError(t, err)
				g = new(secondorder.Gram[float32])
				require.NoError(t, g.UnmarshalBinary(b))
				_, err = g.H()
				require.NoError(t, err)
			}
		}
		got, err := g.H()
		require.NoError(t, err)
		require.Equal(t, want, got, "batches of %d", size)
	}
}

func TestGramRefuses(t *testing.T) {
	for _, in := range []int{0, -1, 1 << 20} {
		_, err := secondorder.NewGram[float32](in)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	g, err := secondorder.NewGram[float64](2)
	require.NoError(t, err)
	_, err = g.H()
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorIs(t, g.Add(tensor.NewMatrix[float64](1, 3)), tensor.ErrShape)
	require.ErrorIs(t, g.Add(tensor.Matrix[float64]{Rows: 2, Cols: 2, Stride: 2}), tensor.ErrShape)
	err = g.Add(tensor.Of(2, 2, []float64{1, 2, 3, math.Inf(1)}))
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "x[1, 1] = +Inf")
	require.Zero(t, g.Samples())
	require.NoError(t, g.Add(tensor.Of(1, 2, []float64{1e200, 1})))
	_, err = g.H()
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorIs(t, new(secondorder.Gram[float32]).Add(tensor.NewMatrix[float32](1, 0)), tensor.ErrEmpty)
}

func FuzzGramUnmarshal(f *testing.F) {
	b, err := gramOf(f, normal[float32](1, 5, 3)).MarshalBinary()
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var g secondorder.Gram[float32]
		if g.UnmarshalBinary(b) != nil {
			return
		}
		out, err := g.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, out)
	})
}

func TestScaleChangesNothing(t *testing.T) {
	x := tensor.Of(5, 4, []float64{1, 0, -2, 1, -1, 0, 2, 1, -1, 0, 1, -2, -1, 0, 1, 2, 1, 0, -1, -1})
	for _, scale := range []float64{1, 1e-3, 1e4} {
		scaled := x.Clone()
		tensor.Scale(scaled.Data, scale, scaled.Data)
		w := tensor.Of(1, 4, []float64{-3, 4, -4, -1})
		_, r, err := secondorder.SparseGPT(ctx, w, gramOf(t, scaled), secondorder.Sparsity(0.5))
		require.NoError(t, err)
		golden.Close(t, "w", w.Data, []float64{0, 0, -2.11547, -0.89942}, 0, 5e-6)
		require.Equal(t, []int{1}, r.Dead)
	}
}

func TestAllDead(t *testing.T) {
	w := tensor.Of(1, 2, []float64{3, 4})
	g := gramOf(t, tensor.NewMatrix[float64](10, 2))
	_, _, err := secondorder.SparseGPT(ctx, w, g, secondorder.Sparsity(0.5))
	require.ErrorIs(t, err, secondorder.ErrDead)
	_, _, err = secondorder.OBS(ctx, w, g, 0.5)
	require.ErrorIs(t, err, secondorder.ErrDead)
	require.Equal(t, []float64{3, 4}, w.Data)
}

func TestSecondPass(t *testing.T) {
	x := tensor.Of(5, 4, []float64{1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 2, 1, 1, 0})
	g := gramOf(t, x)
	prior, err := prune.ParseMask("1101")
	require.NoError(t, err)
	w := tensor.Of(1, 4, []float64{1, 2, 0, 3})
	mask, _, err := secondorder.OBS(ctx, w, g, 0.5, secondorder.WithPrior(prior))
	require.NoError(t, err)
	require.Equal(t, "0101", mask.String())
	golden.Close(t, "w", w.Data, []float64{0, 2.98525, 0, 3.00485}, 0, 5e-6)

	// SparseGPT adjusts only what is to the right, so its numbers differ; what was pruned stays so.
	w = tensor.Of(1, 4, []float64{1, 2, 7, 3}) // what is pruned is not looked at
	mask, _, err = secondorder.SparseGPT(ctx, w, g, secondorder.Sparsity(0.5), secondorder.WithPrior(prior))
	require.NoError(t, err)
	require.Equal(t, 2, mask.Count())
	require.False(t, mask.Keep(2))
	require.Zero(t, w.Data[2])
	again := tensor.Of(1, 4, []float64{1, 2, 0, 3})
	_, _, err = secondorder.SparseGPT(ctx, again, g, secondorder.Sparsity(0.5), secondorder.WithPrior(prior))
	require.NoError(t, err)
	require.Equal(t, again.Data, w.Data)
}

func TestBlocksOfGroups(t *testing.T) {
	data := load(t, "second_order")
	g := gramOf(t, matrixOf(data.X))
	var first *prune.Mask
	for _, block := range []int{4, 8, 16} {
		mask, r, err := secondorder.SparseGPT(ctx, matrixOf(data.W).Clone(), g, secondorder.NM(2, 4),
			secondorder.WithBlock(block))
		require.NoError(t, err)
		require.Equal(t, 48, r.Pruned)
		if first == nil {
			first = mask
		}
		require.True(t, first.Equal(mask))
	}
	_, _, err := secondorder.SparseGPT(ctx, matrixOf(data.W).Clone(), g, secondorder.NM(2, 4), secondorder.WithBlock(6))
	require.ErrorIs(t, err, prune.ErrDivisible)
	require.ErrorContains(t, err, "WithBlock(6) cuts groups of 4")
	_, _, err = secondorder.SparseGPT(ctx, matrixOf(data.W).Clone(), g, secondorder.NM(2, 5))
	require.ErrorIs(t, err, prune.ErrDivisible)
}

func TestSingular(t *testing.T) {
	x := tensor.Of(2, 3, []float64{1, 1, 2, 2, 2, 4}) // of rank one
	w := tensor.Of(1, 3, []float64{1, 2, 3})
	_, _, err := secondorder.SparseGPT(ctx, w, gramOf(t, x), secondorder.Sparsity(0.5), secondorder.WithDamping(0))
	require.ErrorIs(t, err, secondorder.ErrSingular)
	require.Equal(t, []float64{1, 2, 3}, w.Data)
	// Between damping too small to help and enough lies some of which a tenfold is enough, which is reported.
	tenfold := false
	for d := 1e-19; d < 1e-9; d *= 2 {
		_, r, err := secondorder.SparseGPT(ctx, w.Clone(), gramOf(t, x), secondorder.Sparsity(0.5),
			secondorder.WithDamping(d))
		if err != nil {
			require.ErrorIs(t, err, secondorder.ErrSingular)
			continue
		}
		mean := 10. // 2/N times the mean of 5, 5 and 20
		tenfold = tenfold || r.Damping > 5*mean*d
	}
	require.True(t, tenfold)
	_, _, err = secondorder.SparseGPT(ctx, w, gramOf(t, x), secondorder.Sparsity(0.5))
	require.NoError(t, err)
}

// Pruned is exactly the fraction of all, for any block and whatever was pruned before.
func TestExactCount(t *testing.T) {
	x := normal[float32](1, 64, 30)
	g := gramOf(t, x)
	for _, block := range []int{1, 7, 16, 30, 128} {
		for _, s := range []float64{0, 0.01, 0.335, 0.5, 0.99, 1} {
			for _, before := range []float64{0, 0.3, s} {
				w := normal[float32](2, 11, 30)
				prior, rng := prune.NewMask(330), tensor.Stream(3)
				for k := range 330 { // the last columns before others
					prior.Set(k, rng.Float64()*float64(k%30)/15 < 1-before || k%30 < 12)
				}
				all := int(math.RoundToEven(s * 330))
				mask, r, err := secondorder.SparseGPT(ctx, w, g, secondorder.Sparsity(s), secondorder.WithBlock(block),
					secondorder.WithPrior(prior))
				if 330-prior.Count() > all {
					require.ErrorIs(t, err, tensor.ErrConflict)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, all, r.Pruned)
				require.Equal(t, s == 1, mask.Count() == 0)
				require.True(t, mask.And(prior).Equal(mask), "nothing is revived")
				for k, v := range w.Data {
					require.True(t, mask.Keep(k) || v == 0)
				}
			}
		}
	}
}

// A row that OBS has pruned is the least squares solution on what it keeps, and what its steps cost adds up.
func TestOBSIsLeastSquares(t *testing.T) {
	const in = 20
	x, w := normal[float64](5, 60, in), normal[float64](6, 4, in)
	for i := range x.Rows { // correlated
		for j := 1; j < in; j++ {
			x.Row(i)[j] += 0.7 * x.Row(i)[j-1]
		}
	}
	g := gramOf(t, x)
	after := w.Clone()
	mask, r, err := secondorder.OBS(ctx, after, g, 0.6)
	require.NoError(t, err)
	h, err := g.H()
	require.NoError(t, err)
	for j := range in {
		h.Row(j)[j] += r.Damping
	}
	for i := range w.Rows {
		var kept []int
		for j := range in {
			if mask.Keep(i*in + j) {
				kept = append(kept, j)
			}
		}
		require.Len(t, kept, 8)
		// min (v-w)ᵀH(v-w) over v on kept: H_kk v_k = (H w)_k
		a, b := mat.NewDense(8, 8, nil), mat.NewVecDense(8, nil)
		for p, j := range kept {
			b.SetVec(p, tensor.Dot(h.Row(j), w.Row(i)))
			for q, k := range kept {
				a.Set(p, q, h.At(j, k))
			}
		}
		var v mat.VecDense
		require.NoError(t, v.SolveVec(a, b))
		d := make([]float64, in)
		for j := range in {
			d[j] = after.At(i, j) - w.At(i, j)
		}
		for p, j := range kept {
			require.InDelta(t, v.AtVec(p), after.At(i, j), 1e-8)
		}
		cost, total := 0.0, 0.0
		for j := range in {
			cost += 0.5 * d[j] * tensor.Dot(h.Row(j), d)
		}
		for _, removal := range r.Removals[i] {
			total += removal.Saliency
		}
		require.InDelta(t, cost, total, 1e-8)
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	g := gramOf(t, normal[float32](1, 200, 64))
	var w [3]tensor.Matrix[float32]
	var rows [3]tensor.Matrix[float32]
	for k, workers := range []int{1, 2, 7} {
		w[k], rows[k] = normal[float32](2, 70, 64), normal[float32](3, 20, 64)
		_, _, err := secondorder.SparseGPT(ctx, w[k], g, secondorder.Sparsity(0.5), secondorder.WithBlock(16),
			secondorder.WithWorkers(workers))
		require.NoError(t, err)
		_, _, err = secondorder.OBS(ctx, rows[k], g, 0.3, secondorder.WithWorkers(workers))
		require.NoError(t, err)
		require.Equal(t, w[0], w[k])
		require.Equal(t, rows[0], rows[k])
	}
}

func TestStridesAndUnchangedOnError(t *testing.T) {
	g := gramOf(t, normal[float32](1, 50, 6))
	whole := normal[float32](2, 5, 9)
	before := slices.Clone(whole.Data)
	view := whole.Slice(0, 5, 2, 8)
	contiguous := view.Clone()
	cancelled, cancel := context.WithCancel(ctx)
	_, _, err := secondorder.SparseGPT(cancelled, view, g, secondorder.Sparsity(0.5), secondorder.WithBlock(2),
		secondorder.WithProgress(func(done, total int) {
			require.Equal(t, 6, total)
			if done == 4 {
				cancel()
			}
		}))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, whole.Data)
	_, _, err = secondorder.SparseGPT(ctx, view, g, secondorder.Sparsity(0.5))
	require.NoError(t, err)
	_, _, err = secondorder.SparseGPT(ctx, contiguous, g, secondorder.Sparsity(0.5))
	require.NoError(t, err)
	require.Equal(t, contiguous, view.Clone())
	for i := range 5 {
		for _, j := range []int{0, 1, 8} {
			require.Equal(t, before[i*9+j], whole.At(i, j))
		}
	}
}

func TestRefusals(t *testing.T) {
	g := gramOf(t, normal[float64](1, 50, 3))
	w := tensor.Of(2, 3, []float64{1, 2, 3, 4, 5, 6})
	gpt := func(w tensor.Matrix[float64], g *secondorder.Gram[float64], target secondorder.Target,
		opts ...secondorder.Option) error {
		_, _, err := secondorder.SparseGPT(ctx, w, g, target, opts...)
		return err
	}
	half := secondorder.Sparsity(0.5)
	for name, c := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"options": {gpt(w, g, half, secondorder.WithDamping(2), secondorder.WithWorkers(-1), secondorder.WithBlock(0),
			secondorder.WithPrior(nil), secondorder.WithProgress(nil), nil), tensor.ErrRange,
			"secondorder: SparseGPT: WithDamping(2): want 0 to 1: out of range\n" +
				"secondorder: SparseGPT: WithWorkers(-1): want 0 or more: out of range\n" +
				"secondorder: SparseGPT: WithBlock(0): want 1 or more: out of range\n" +
				"secondorder: SparseGPT: WithPrior(nil): empty input\n" +
				"secondorder: SparseGPT: WithProgress(nil): empty input\n" +
				"secondorder: SparseGPT: option 5 is nil: empty input"},
		"sparsity":   {gpt(w, g, secondorder.Sparsity(1.5)), tensor.ErrRange, "sparsity(1.5): want 0 to 1"},
		"NM":         {gpt(w, g, secondorder.NM(0, 3)), tensor.ErrRange, "NM(0, 3): want 1 <= n <= m"},
		"no Gram":    {gpt(w, nil, half), tensor.ErrEmpty, "the Gram is nil"},
		"other Gram": {gpt(w, gramOf(t, normal[float64](1, 5, 4)), half), tensor.ErrShape, "3 inputs and a Gram of 4"},
		"empty":      {gpt(tensor.NewMatrix[float64](0, 3), g, half), tensor.ErrEmpty, "w is 0x3"},
		"view": {gpt(tensor.Matrix[float64]{Rows: 2, Cols: 3, Stride: 1}, g, half), tensor.ErrShape,
			"stride is less"},
		"weights": {gpt(tensor.Of(1, 3, []float64{1, math.NaN(), 3}), g, half), tensor.ErrNotFinite, "w[0, 1] = NaN"},
		"prior":   {gpt(w, g, half, secondorder.WithPrior(prune.NewMask(5))), tensor.ErrShape, "5 elements"},
		"conflict": {gpt(w, g, half, secondorder.WithPrior(prune.NewMask(6).Not())), tensor.ErrConflict,
			"prunes 6 of 6 weights, the target 3"},
		"OBS": {func() error {
			_, _, err := secondorder.OBS(ctx, w, g, 0.4, secondorder.WithPrior(prune.NewMask(6).Not()))
			return err
		}(), tensor.ErrConflict, "secondorder: OBS: the prior mask prunes 3 of 3 weights of row 0, the target 1"},
		"OBS's sparsity": {func() error {
			_, _, err := secondorder.OBS(ctx, w, g, math.NaN())
			return err
		}(), tensor.ErrRange, "secondorder: OBS: sparsity(NaN)"},
	} {
		require.ErrorIs(t, c.err, c.is, name)
		require.ErrorContains(t, c.err, c.text, name)
	}
	require.Equal(t, []float64{1, 2, 3, 4, 5, 6}, w.Data)
	require.False(t, errors.Is(gpt(w, g, half), tensor.ErrRange))
}

func TestReport(t *testing.T) {
	g := gramOf(t, normal[float64](1, 50, 4))
	w := normal[float64](2, 3, 4)
	_, r, err := secondorder.OBS(ctx, w, g, 0.5)
	require.NoError(t, err)
	require.Equal(t, 0.5, r.Sparsity())
	require.Contains(t, r.String(), "3x4: 6 weights pruned (50.0 %)")
	zero := tensor.NewMatrix[float64](1, 4)
	_, none, err := secondorder.SparseGPT(ctx, zero, g, secondorder.NM(1, 2))
	require.NoError(t, err)
	require.True(t, math.IsNaN(none.NMSE))
	for _, r := range []secondorder.Report{r, none} {
		b, err := json.Marshal(r)
		require.NoError(t, err)
		var again secondorder.Report
		require.NoError(t, json.Unmarshal(b, &again))
		require.Equal(t, math.IsNaN(r.NMSE), math.IsNaN(again.NMSE))
		if math.IsNaN(r.NMSE) {
			require.Contains(t, string(b), `"nmse":null`)
			r.NMSE, again.NMSE = 0, 0
		}
		require.Equal(t, r, again)
	}
	require.Equal(t, "2:4 0.5", secondorder.NM(2, 4).String()+" "+secondorder.Sparsity(0.5).String())
}

func BenchmarkSparseGPT(b *testing.B) {
	x := normal[float32](1, 1024, 1024)
	w := normal[float32](2, 1024, 1024)
	for _, target := range []secondorder.Target{secondorder.Sparsity(0.5), secondorder.NM(2, 4)} {
		b.Run(target.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g := gramOf(b, x)
				_, _, err := secondorder.SparseGPT(ctx, w.Clone(), g, target)
				require.NoError(b, err)
			}
		})
	}
}
