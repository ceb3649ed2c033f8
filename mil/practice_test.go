package mil_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

func pool(t *testing.T, r mil.Rule, opts ...mil.PoolOption) *mil.Pool[float64] {
	t.Helper()
	p, err := mil.NewPool[float64](r, opts...)
	require.NoError(t, err)
	return p
}

// column is a bag of one column.
func column(x ...float64) tensor.Matrix[float64] { return tensor.Of(len(x), 1, x) }

func random(seed uint64, rows, cols int) tensor.Matrix[float64] {
	m, rng := tensor.NewMatrix[float64](rows, cols), tensor.Stream(seed, 11)
	for i := range m.Data {
		m.Data[i] = rng.NormFloat64()
	}
	return m
}

// without is the results for a bag without each instance in turn, the slow way.
func without(t *testing.T, p mil.Pooler[float64], bag tensor.Matrix[float64]) tensor.Matrix[float64] {
	t.Helper()
	out, err := p.OutDim(bag.Cols)
	require.NoError(t, err)
	all := tensor.NewMatrix[float64](bag.Rows, out)
	for n := range bag.Rows {
		rest := tensor.NewMatrix[float64](bag.Rows-1, bag.Cols)
		for i := range rest.Rows {
			from := i
			if i >= n {
				from++
			}
			copy(rest.Row(i), bag.Row(from))
		}
		y := tensor.NewMatrix[float64](1, out)
		require.NoError(t, p.Forward(y, mil.Bags[float64]{X: rest, Offsets: []int{0, rest.Rows}}, new(mil.Tape[float64])))
		copy(all.Row(n), y.Data)
	}
	return all
}

func TestLeavingOutWhatOutweighsAllOthers(t *testing.T) {
	// A pooler of a single hidden unit that is linear near 0: logits go with the second column.
	attention := func(scale float64) *mil.Attention[float64] {
		a, err := mil.NewAttention[float64](2, 1)
		require.NoError(t, err)
		clear(a.BV.Data)
		a.V.Data[0], a.V.Data[1], a.W.Data[0] = 0, 1e-6, scale*1e6
		return a
	}
	for name, c := range map[string]struct{ logits, x, want []float64 }{
		"two":        {[]float64{40, 0}, []float64{5, -3}, []float64{-3, 5}},
		"far apart":  {[]float64{800, 0}, []float64{5, -3}, []float64{-3, 5}},
		"three":      {[]float64{30, 0, 1}, []float64{5, -3, 2}, []float64{0.655293, 5, 5}},
		"the last":   {[]float64{0, 1, 30}, []float64{-3, 2, 5}, []float64{5, 5, 0.655293}},
		"many equal": {[]float64{0, 0, 0, 900}, []float64{1, 2, 3, 9}, []float64{9, 9, 9, 2}},
	} {
		bag := tensor.NewMatrix[float64](len(c.x), 2)
		for i, v := range c.x {
			bag.Set(i, 0, v)
			bag.Set(i, 1, c.logits[i])
		}
		y := tensor.NewMatrix[float64](bag.Rows, 2)
		require.NoError(t, mil.LeaveOneOut(y, attention(1), bag))
		for i, want := range c.want {
			golden.Same(t, want, y.At(i, 0), 1e-5, "%s without %d", name, i)
		}
	}
	y := tensor.NewMatrix[float64](3, 1)
	require.NoError(t, mil.LeaveOneOut(y, pool(t, mil.LogSumExpSum(1)), column(50, 1, 2)))
	golden.Same(t, math.Log(math.E+math.E*math.E), y.Data[0], 1e-14, "log-sum-exp without 50")
	require.NoError(t, mil.LeaveOneOut(y, pool(t, mil.LogSumExp(1)), column(50, 1, 2)))
	golden.Same(t, 1.620115, y.Data[0], 1e-6, "log-mean-exp without 50")
	err := mil.LeaveOneOut(tensor.NewMatrix[float64](1, 1), pool(t, mil.Mean(), mil.WithEmpty(0)), column(5))
	require.ErrorIs(t, err, mil.ErrEmptyBag)
	e, err := mil.Explain(pool(t, mil.Mean()), column(5), nil, 0)
	require.NoError(t, err)
	assert.Nil(t, e.Without, "there is no output without the only instance")
}

func TestLeavingOutIsPoolingTheOthers(t *testing.T) {
	probabilities := func(n, d int) tensor.Matrix[float64] {
		x := random(1, n, d)
		tensor.Sigmoid(x.Data, x.Data)
		x.Set(n/2, 0, 1)
		x.Set(0, d-1, 0)
		return x
	}
	for _, n := range []int{2, 3, 64, 65, 130} {
		for _, r := range []mil.Rule{mil.Max(), mil.Min(), mil.Mean(), mil.Sum(), mil.TopK(1), mil.TopK(3),
			mil.TopFraction(0.2), mil.TopFraction(1), mil.PercentileMean(80), mil.PercentileSum(50), mil.Quantile(0.3),
			mil.LogSumExp(2), mil.LogSumExp(-0.01), mil.LogSumExpSum(1), mil.AutoPool(1), mil.GeneralizedMean(3),
			mil.PNorm(2, 0.1), mil.NoisyOrLogit(), mil.NoisyOr(), mil.ISR(), mil.NoisyAnd(7.5, 0.3), mil.LinearSoftmax()} {
			x := random(uint64(n), n, 2)
			switch r {
			case mil.NoisyOr(), mil.ISR(), mil.NoisyAnd(7.5, 0.3), mil.LinearSoftmax():
				x = probabilities(n, 2)
			}
			x.Set(n-1, 0, x.At(0, 0)) // a tie
			p := pool(t, r)
			y := tensor.NewMatrix[float64](n, 2)
			require.NoError(t, mil.LeaveOneOut(y, p, x))
			golden.Close(t, r.String(), y.Data, without(t, p, x).Data, 1e-12, 1e-12)
		}
		x := random(uint64(n), n, 3)
		attention, err := mil.NewAttention[float64](3, 4, mil.WithGate(), mil.WithHeads(2))
		require.NoError(t, err)
		pma, err := mil.NewPMA[float64](3, 2, 2, 2)
		require.NoError(t, err)
		dsmil, err := mil.NewDSMIL[float64](3, 4)
		require.NoError(t, err)
		stack, err := mil.NewStack[float64](attention, pool(t, mil.TopFraction(0.2)))
		require.NoError(t, err)
		for _, p := range []mil.Pooler[float64]{attention, pma, dsmil, stack} {
			out, err := p.OutDim(3)
			require.NoError(t, err)
			y := tensor.NewMatrix[float64](n, out)
			require.NoError(t, mil.LeaveOneOut(y, p, x))
			golden.Close(t, "learned", y.Data, without(t, p, x).Data, 1e-11, 1e-12)
		}
	}
}

func TestContributionsAddUp(t *testing.T) {
	x := random(3, 40, 3)
	attention, err := mil.NewAttention[float64](3, 4, mil.WithGate(), mil.WithHeads(2))
	require.NoError(t, err)
	pma, err := mil.NewPMA[float64](3, 2, 2, 2)
	require.NoError(t, err)
	dsmil, err := mil.NewDSMIL[float64](3, 4, mil.WithNonlinearQuery())
	require.NoError(t, err)
	stack, err := mil.NewStack[float64](attention, pool(t, mil.Max()), dsmil)
	require.NoError(t, err)
	all := []mil.Pooler[float64]{attention, pma, dsmil, stack}
	for _, r := range []mil.Rule{mil.Max(), mil.Min(), mil.Mean(), mil.Sum(), mil.TopK(3), mil.TopFraction(0.2),
		mil.PercentileMean(80), mil.PercentileSum(50), mil.Quantile(0.3), mil.AutoPool(2)} {
		all = append(all, pool(t, r))
	}
	for _, p := range all {
		out, err := p.OutDim(3)
		require.NoError(t, err)
		head := random(uint64(out), 1, out).Data
		e, err := mil.Explain(p, x, head, 0.7)
		require.NoError(t, err)
		require.NotNil(t, e.Contributions)
		golden.Same(t, e.Output-e.Bias, tensor.Sum(e.Contributions), 1e-12, "%T", p)
		require.Len(t, e.Alone, 40)
		require.Len(t, e.Without, 40)
		b, err := json.Marshal(e)
		require.NoError(t, err)
		var back mil.Explanation
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, e, back)
	}
	e, err := mil.Explain(pool(t, mil.LogSumExp(1)), x, []float64{1, 1, 1}, 0)
	require.NoError(t, err)
	require.Nil(t, e.Contributions, "the result is no sum over instances")
	// Weights are no evidence: an instance that is looked at may speak against.
	e, err = mil.Explain(pool(t, mil.Mean()), column(-2, 1), nil, 0)
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 0.5}, e.Weights)
	require.Equal(t, []float64{-1, 0.5}, e.Contributions)
	require.Equal(t, []float64{1, -2}, e.Without)
}

func TestLimitsOfRules(t *testing.T) {
	run := func(r mil.Rule, x ...float64) (float64, []float64) {
		t.Helper()
		p, y, dx := pool(t, r), tensor.NewMatrix[float64](1, 1), tensor.NewMatrix[float64](len(x), 1)
		var tape mil.Tape[float64]
		require.NoError(t, p.Forward(y, mil.Bags[float64]{X: column(x...), Offsets: []int{0, len(x)}}, &tape))
		require.NoError(t, p.Backward(dx, column(1), &tape))
		return y.Data[0], dx.Data
	}
	y, dx := run(mil.PNorm(2, 0.5), 0.5, 0.5, 0.5)
	require.Zero(t, y)
	require.Equal(t, []float64{0, 0, 0}, dx)
	for _, p := range []float64{1, 1.5, 7} {
		_, dx = run(mil.PNorm(p, 0.5), 0.5, 3)
		require.Zero(t, dx[0], "at c")
	}
	y, dx = run(mil.ISR(), 0.3, 1, 0.2)
	require.Equal(t, 1.0, y)
	require.Equal(t, []float64{0, 0, 0}, dx)
	y, dx = run(mil.NoisyOr(), 0.5, 1, 0.2)
	require.Equal(t, 1.0, y)
	golden.Close(t, "the certain one", dx, []float64{0, 0.4, 0}, 1e-15, 0)
	_, dx = run(mil.NoisyOr(), 1, 1, 0.2)
	require.Equal(t, []float64{0, 0, 0}, dx)
	y, dx = run(mil.LinearSoftmax(), 0, 0)
	require.Zero(t, y)
	require.Equal(t, []float64{0, 0}, dx)
	for _, r := range []float64{1e-10, -1e-10, 1e-7, 1e-4, 0.01, 0.0499} {
		y, _ = run(mil.LogSumExp(r), 1, 2, 4)
		mean, third := 7.0/3, (1+4+16.)/3
		variance := third - mean*mean
		skew := (math.Pow(1-mean, 3) + math.Pow(2-mean, 3) + math.Pow(4-mean, 3)) / 3
		want := mean + r*variance/2 + r*r*skew/6
		golden.Same(t, want, y, 1e-10+math.Abs(r*r*r), "r %v", r)
	}
	y, _ = run(mil.LogSumExp(1e-10), 1, 2, 4)
	golden.Same(t, 2.33333333341, y, 1e-11, "r 1e-10")
	for _, z := range []float64{-1e4, -800, -40, -36.5, -35.5, -1, 0, 30, 1e4} {
		y, dx = run(mil.NoisyOrLogit(), z)
		golden.Same(t, z, y, 1e-14, "one logit")
		golden.Same(t, 1, dx[0], 1e-14, "its gradient")
	}
	y, _ = run(mil.NoisyOrLogit(), -50, -50)
	golden.Same(t, -50+math.Ln2, y, 1e-15, "two rare events")
}

func TestNoisyOrOfLogitsAtAnyScale(t *testing.T) {
	for _, n := range []int{1, 3, 600, 5000} {
		for _, centre := range []float64{-400, -60, -36, -20, -9.2, -1, 3} {
			x, none, product := random(uint64(n), n, 1).Data, 0.0, 0.0
			for i := range x {
				x[i] = centre + 3*x[i]
				none += math.Max(x[i], 0) + math.Log1p(math.Exp(-math.Abs(x[i])))
			}
			if product = tensor.LogSumExp(x); none > 1e-14 {
				product = math.Log(math.Expm1(none))
			}
			if none > 700 {
				product = none
			}
			y, err := mil.Score(mil.NoisyOrLogit(), x)
			require.NoError(t, err)
			golden.Same(t, product, y, 2e-13, "%d logits around %v", n, centre)
		}
	}
}

func TestLogitsThatStandForNothing(t *testing.T) {
	for _, nothing := range []float64{-1e9, -1e20, -1e30} { // as masks have it
		x := make([]float64, 200)
		for i := range x {
			x[i] = nothing
		}
		x[3], x[77], x[199] = 2, 3, 2.5
		want := math.Log(math.Exp(2) + math.Exp(3) + math.Exp(2.5))
		y, err := mil.Score(mil.LogSumExpSum(1), x)
		require.NoError(t, err)
		golden.Same(t, want, y, 1e-14, "log-sum-exp beside %v", nothing)
		y, err = mil.Score(mil.NoisyOrLogit(), x)
		require.NoError(t, err)
		none := math.Log1p(math.Exp(2)) + math.Log1p(math.Exp(3)) + math.Log1p(math.Exp(2.5))
		golden.Same(t, math.Log(math.Expm1(none)), y, 1e-13, "noisy-or beside %v", nothing)
		single, err := mil.NewPool[float32](mil.LogSumExpSum(1))
		require.NoError(t, err)
		z := tensor.NewMatrix[float32](1, 2)
		wide := tensor.NewMatrix[float32](200, 2)
		for i, v := range x {
			wide.Set(i, 0, float32(v))
			wide.Set(i, 1, float32(-v))
		}
		require.NoError(t, single.Forward(z, mil.Bags[float32]{X: wide, Offsets: []int{0, 200}}, new(mil.Tape[float32])))
		golden.Same(t, want, float64(z.Data[0]), 1e-6, "float32 beside %v", nothing)
		golden.Same(t, -nothing, float64(z.Data[1]), 1e-6, "and the other way round")
	}
}

func TestMoreElementsThanThereAre(t *testing.T) {
	for _, r := range []mil.Rule{mil.TopK(3), mil.TopK(math.MaxInt32), mil.TopFraction(1)} {
		y, err := mil.Score(r, []float64{1, 4})
		require.NoError(t, err)
		require.Equal(t, 2.5, y)
	}
}

func TestShareOfTheLargestIsThePercentile(t *testing.T) {
	for _, q := range []float64{50, 75, 80, 90, 95} {
		for n := 1; n < 1500; n += 1 + n/40 {
			x := random(uint64(n), n, 1).Data
			a, err := mil.Score(mil.TopFraction(1-q/100), x)
			require.NoError(t, err)
			b, err := mil.Score(mil.PercentileMean(q), x)
			require.NoError(t, err)
			golden.Same(t, a, b, 1e-12, "%d elements, percentile %v", n, q)
		}
	}
	y, err := mil.Score(mil.PercentileMean(80), []float64{1, 1, 1, 1, 1, 0}) // ties count all
	require.NoError(t, err)
	require.Equal(t, 1.0, y)
	y, err = mil.Score(mil.PercentileSum(80), []float64{0.5})
	require.NoError(t, err)
	require.InDelta(t, 2.5, y, 1e-12, "no probability, as the paper has it")
	y, err = mil.Score(mil.Quantile(0.8), []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	require.NoError(t, err)
	require.InDelta(t, 8.2, y, 1e-12, "type 7 and not 4")
}

func TestFirstOfEquals(t *testing.T) {
	x := column(1, 3, 3, 2, 3)
	for r, want := range map[mil.Rule][]float64{mil.Max(): {0, 1, 0, 0, 0}, mil.Min(): {1, 0, 0, 0, 0},
		mil.TopK(2): {0, 0.5, 0.5, 0, 0}, mil.TopK(4): {0, 0.25, 0.25, 0.25, 0.25}, mil.Quantile(0.5): {0, 1, 0, 0, 0},
		mil.Quantile(1): {0, 0, 0, 0, 1}} {
		p, dx := pool(t, r), tensor.NewMatrix[float64](5, 1)
		var tape mil.Tape[float64]
		require.NoError(t, p.Forward(tensor.NewMatrix[float64](1, 1), mil.Bags[float64]{X: x, Offsets: []int{0, 5}}, &tape))
		require.NoError(t, p.Backward(dx, column(1), &tape))
		assert.Equal(t, want, dx.Data, r)
	}
}

func TestBadRules(t *testing.T) {
	for _, r := range []mil.Rule{{}, mil.TopK(0), mil.TopFraction(0), mil.TopFraction(1.1), mil.TopFraction(math.NaN()),
		mil.PercentileMean(100), mil.PercentileSum(0), mil.Quantile(-0.1), mil.LogSumExp(0), mil.LogSumExp(math.Inf(1)),
		mil.GeneralizedMean(0), mil.PNorm(0.5, 0), mil.PNorm(2, math.NaN()), mil.NoisyAnd(0, 0.5), mil.NoisyAnd(1, 2),
		mil.AutoPool(math.NaN())} {
		_, err := mil.NewPool[float64](r)
		assert.ErrorIs(t, err, tensor.ErrRange, r)
		_, err = mil.Score(r, []float64{1})
		assert.ErrorIs(t, err, tensor.ErrRange, r)
	}
	_, err := mil.NewPool[float64](mil.Mean(), mil.WithLearnable())
	require.ErrorIs(t, err, tensor.ErrConflict)
	_, err = mil.NewPool[float64](mil.TopFraction(1.5))
	require.EqualError(t, err, "mil: NewPool: top fraction(1.5): want a share in (0, 1]: out of range")
	_, err = mil.Score(mil.NoisyOr(), []float64{0.5, 1.5})
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.Score(mil.Mean(), nil)
	require.ErrorIs(t, err, mil.ErrEmptyBag)
	p := pool(t, mil.GeneralizedMean(3), mil.WithLearnable())
	p.Params()[0].Data[0] = 0 // where a step may lead
	err = p.Forward(tensor.NewMatrix[float64](1, 1), mil.Bags[float64]{X: column(1), Offsets: []int{0, 1}},
		new(mil.Tape[float64]))
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestBagsAreMadeAndTakenApart(t *testing.T) {
	x := random(1, 6, 2)
	b, keys, rows, err := mil.GroupBy(x, []string{"b", "a", "b", "c", "a", "b"})
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a", "c"}, keys)
	require.Equal(t, []int{0, 2, 5, 1, 4, 3}, rows)
	require.Equal(t, []int{0, 3, 5, 6}, b.Offsets)
	require.Equal(t, x.Row(5), b.Bag(0).Row(2))
	view, _, _, err := mil.GroupBy(x, []int{7, 7, 1, 1, 1, 3})
	require.NoError(t, err)
	require.True(t, tensor.Overlap(view.X.Data, x.Data), "rows that lie together are not copied")
	padded, mask, err := b.Padded(-9)
	require.NoError(t, err)
	require.Equal(t, []int{3, 3, 2}, padded.Shape)
	require.Equal(t, []bool{true, true, true, true, true, false, true, false, false}, mask)
	require.Equal(t, -9.0, padded.Data[5*2])
	again, err := mil.FromPadded(padded, mask)
	require.NoError(t, err)
	require.Equal(t, b, again)
	sub, err := b.Sub(2, 0, 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 4, 5}, sub.Offsets)
	require.Equal(t, b.Bag(0).Row(1), sub.Bag(1).Row(1))
	back, err := mil.Concat(sub, b)
	require.NoError(t, err)
	require.Equal(t, 6, back.Len())
	joined, err := mil.Join(b.Bag(0), b.Bag(1), b.Bag(2))
	require.NoError(t, err)
	require.Equal(t, b, joined)
	// Padding does not matter: a mask may have holes, and bags may be empty.
	holes, err := mil.FromPadded(padded, []bool{false, true, false, false, false, false, true, false, false})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 1, 2}, holes.Offsets)
	for name, err := range map[string]error{
		"offsets": second(mil.New(x, []int{0, 4, 3, 6})), "end": second(mil.New(x, []int{0, 4})),
		"start": second(mil.New(x, []int{1, 6})), "sub": second(b.Sub(3)), "negative": second(b.Sub(-1)),
	} {
		assert.ErrorIs(t, err, tensor.ErrRange, name)
	}
	for name, err := range map[string]error{
		"mask": second(mil.FromPadded(padded, mask[1:])), "axes": second(mil.FromPadded(tensor.DenseOf(x.Data, 6, 2), mask)),
		"columns":    second(mil.Join(x, random(1, 2, 3))),
		"no columns": second(mil.New(tensor.Matrix[float64]{Rows: 0}, []int{0})),
	} {
		assert.ErrorIs(t, err, tensor.ErrShape, name)
	}
	_, _, _, err = mil.GroupBy(x, []int{1})
	require.ErrorIs(t, err, tensor.ErrShape)
	_, _, _, err = mil.GroupBy(x, []float64{1, 1, math.NaN(), 1, 1, 1})
	require.ErrorIs(t, err, tensor.ErrNotFinite, "a NaN is no id: it equals nothing")
	require.ErrorIs(t, second(mil.Join[float64]()), tensor.ErrEmpty)
	require.ErrorIs(t, second(mil.Concat[float64]()), tensor.ErrEmpty)
}

func second[A any](_ A, err error) error { return err }

func TestMistakesAreErrors(t *testing.T) {
	x := random(1, 6, 2)
	b := mil.Bags[float64]{X: x, Offsets: []int{0, 2, 6}}
	p := pool(t, mil.Mean())
	var tape mil.Tape[float64]
	require.ErrorIs(t, p.Forward(tensor.NewMatrix[float64](2, 3), b, &tape), tensor.ErrShape)
	require.ErrorIs(t, p.Forward(tensor.Of(2, 2, x.Data[:4]), b, &tape), tensor.ErrOverlap)
	require.ErrorIs(t, p.Backward(x, x, &tape), tensor.ErrConflict, "before any Forward")
	y := tensor.NewMatrix[float64](2, 2)
	require.NoError(t, p.Forward(y, b, &tape))
	require.ErrorIs(t, p.Backward(x, y, &tape), tensor.ErrOverlap)
	require.ErrorIs(t, p.Backward(tensor.NewMatrix[float64](5, 2), y, &tape), tensor.ErrShape)
	require.ErrorIs(t, p.Weights(tensor.NewMatrix[float64](5, 2), &tape), tensor.ErrShape)
	a, err := mil.NewAttention[float64](3, 4)
	require.NoError(t, err)
	require.ErrorIs(t, a.Forward(y, b, &tape), tensor.ErrShape, "instances of other columns")
	_, err = a.NewAccumulator(2)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = mil.NewAttention[float64](0, 4)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.NewAttention[float64](3, 4, mil.WithHeads(0), mil.WithTemperature(-1), nil, mil.WithEmpty(math.NaN()))
	for _, part := range []string{"WithHeads(0)", "WithTemperature(-1)", "option 2 is nil", "WithEmpty(NaN)"} {
		require.ErrorContains(t, err, part)
	}
	_, err = mil.NewDSMIL[float64](3, 0)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.NewPMA[float64](3, 1, 0, 2)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.NewStack[float64](p, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = mil.FromFunc[float64](nil, nil, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	f, err := mil.FromFunc(func(in int) int { return in - 2 }, func([]float64, tensor.Matrix[float64]) {}, nil)
	require.NoError(t, err)
	require.ErrorIs(t, f.Forward(y, b, &tape), tensor.ErrShape)
	_, err = mil.Explain(p, x, []float64{1}, 0)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = mil.Explain(p, x, []float64{1, math.NaN()}, 0)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	_, err = mil.Explain(p, tensor.Matrix[float64]{Cols: 2, Stride: 2}, []float64{1, 1}, 0)
	require.ErrorIs(t, err, mil.ErrEmptyBag)
}

func TestSecondPassOfABagInParts(t *testing.T) {
	d, err := mil.NewDSMIL[float64](2, 3)
	require.NoError(t, err)
	x := random(1, 10, 2)
	a, err := d.NewAccumulator(2)
	require.NoError(t, err)
	b, err := d.NewAccumulator(2)
	require.NoError(t, err)
	y := make([]float64, 2)
	require.ErrorIs(t, a.Value(y), mil.ErrEmptyBag)
	require.False(t, a.Next(), "of no instances there is nothing to pass over again")
	require.NoError(t, a.Add(x))
	require.ErrorIs(t, a.Value(y), tensor.ErrConflict, "one pass is not enough")
	require.ErrorIs(t, a.Backward(tensor.Matrix[float64]{}, x, y), tensor.ErrConflict)
	require.True(t, a.Next())
	require.NoError(t, a.Add(x.Slice(0, 9, 0, 2)))
	require.ErrorIs(t, a.Value(y), tensor.ErrConflict, "an instance is missing")
	require.NoError(t, b.Add(x))
	require.ErrorIs(t, a.Merge(b), tensor.ErrConflict, "which is in its first pass")
	require.NoError(t, a.Add(x.Slice(9, 10, 0, 2)))
	require.NoError(t, a.Value(y))
	require.False(t, a.Next())
	a.Reset()
	require.NoError(t, a.Add(x))
	require.True(t, a.Next())
}

func TestLogSumExpOfTilesOfAnyScale(t *testing.T) {
	const cols, tile = 64, 64 // of which the rows of a tile are looked at together
	for _, scales := range [][]float64{{0, -500, 500}, {500, 0, -500}, {-500, 0, 0}, {-500, -450, -500}, {39, 41, -41},
		{0, 0, 0}, {-39, -41, -39}} {
		x := random(7, tile*len(scales), cols)
		for i := range x.Rows {
			for j := range cols {
				x.Set(i, j, x.At(i, j)+scales[i/tile])
			}
		}
		b := mil.Bags[float64]{X: x, Offsets: []int{0, x.Rows}}
		y, auto := tensor.NewMatrix[float64](1, cols), tensor.NewMatrix[float64](1, cols)
		require.NoError(t, pool(t, mil.LogSumExpSum(1)).Forward(y, b, new(mil.Tape[float64])))
		require.NoError(t, pool(t, mil.AutoPool(1)).Forward(auto, b, new(mil.Tape[float64])))
		columns := x.Transposed()
		for j := range cols {
			golden.Same(t, tensor.LogSumExp(columns.Row(j)), y.Data[j], 1e-14, "%v, column %d", scales, j)
			share := make([]float64, x.Rows)
			tensor.Softmax(share, columns.Row(j))
			golden.Same(t, tensor.Dot(share, columns.Row(j)), auto.Data[j], 1e-13, "%v, column %d", scales, j)
		}
	}
}
