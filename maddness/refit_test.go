package maddness

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Tables in float32 give the operator's outputs up to rounding, and gradients agree with differences.
func TestLUT(t *testing.T) {
	op := randomOperator(t, 1, 6, 5, 7, WithBias([]float32{1, 2, 3, 4, 5}))
	a := randomRows(2, 600, 6)
	var codes Codes
	require.NoError(t, op.Encode(&codes, a))
	lut := op.LUT()
	rounded, exact := tensor.NewMatrix[float32](600, 5), strided(tensor.NewMatrix[float32](600, 5), 2)
	require.NoError(t, op.Mul(rounded, a))
	require.NoError(t, lut.Lookup(exact, &codes))
	for i, v := range packedRows(exact) {
		require.InDelta(t, v, rounded.Data[i], 0.15, "an entry is off by half of 1/127 of the widest")
	}

	dy := tensor.NewMatrix[float32](600, 5)
	r := tensor.Stream(3)
	for i := range dy.Data {
		dy.Data[i] = float32(r.NormFloat64())
	}
	loss := func() float64 { // linear, so that differences are exact up to rounding
		require.NoError(t, lut.Lookup(exact, &codes))
		sum := 0.0
		for i, v := range packedRows(exact) {
			sum += float64(v) * float64(dy.Data[i])
		}
		return sum
	}
	require.NoError(t, lut.Grad(&codes, dy))
	require.NoError(t, lut.Grad(&codes, dy)) // adds
	for _, p := range lut.Params() {
		for i := 0; i < len(p.Data); i += 1 + i/3 {
			old := p.Data[i]
			p.Data[i] = old + 1
			up := loss()
			p.Data[i] = old - 1
			require.InDelta(t, up-loss(), float64(p.Grad[i]), 1e-2, "%s[%d]", p.Name, i)
			p.Data[i] = old
		}
	}

	lut.Table.Data[0] += 50
	before := op.LUT()
	other, err := op.WithLUT(lut)
	require.NoError(t, err)
	require.Equal(t, before.Table.Data, op.LUT().Table.Data, "the operator itself is immutable")
	require.Equal(t, lut.Table.Data, other.LUT().Table.Data)
	lut.Table.Data[0] = 0
	require.NotEqual(t, lut.Table.Data[0], other.LUT().Table.Data[0], "copied")
	require.Equal(t, op.Trees(), other.Trees())
	require.NoError(t, other.Mul(rounded, a))
	require.Equal(t, brute(other, a).Data, rounded.Data)
}

func TestLUTRefuses(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	var codes Codes
	require.NoError(t, op.Encode(&codes, tensor.NewMatrix[float32](4, 3)))
	m := tensor.NewMatrix[float32]
	bad := func(change func(*LUT)) *LUT {
		l := op.LUT()
		change(l)
		return l
	}
	noGrad := bad(func(l *LUT) { l.Table.Grad = nil })
	with := func(l *LUT) error { _, err := op.WithLUT(l); return err }
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"rows":    {op.LUT().Lookup(m(3, 2), &codes), tensor.ErrShape, "dst is 3x2, want 4 rows of codes by 2 outputs"},
		"outputs": {op.LUT().Grad(&codes, m(4, 3)), tensor.ErrShape, "dy is 4x3"},
		"malformed": {op.LUT().Lookup(tensor.Matrix[float32]{Rows: 4, Cols: 2, Stride: 1}, &codes), tensor.ErrShape,
			"dst: tensor"},
		"nil codes":   {op.LUT().Lookup(m(4, 2), nil), tensor.ErrEmpty, "codes are nil"},
		"codebooks":   {NewLUT(2, 5).Lookup(m(4, 2), &codes), tensor.ErrShape, "codes of 2 codebooks for tables of 5"},
		"no gradient": {noGrad.Grad(&codes, m(4, 2)), tensor.ErrShape, "LUT without Grad"},
		"nil":         {with(nil), tensor.ErrEmpty, "LUT is nil"},
		"more":        {with(NewLUT(3, 2)), tensor.ErrShape, "tables of 3 outputs, the operator has 2"},
		"codes":       {with(NewLUT(2, 3)), tensor.ErrShape, "tables of 3 codebooks for 2 trees"},
		"NaN": {with(bad(func(l *LUT) { l.Table.Data[5] = float32(math.NaN()) })), tensor.ErrNotFinite,
			"LUT.Table[5] = NaN"},
		"Inf": {with(bad(func(l *LUT) { l.Offset.Data[1] = float32(math.Inf(1)) })), tensor.ErrNotFinite,
			"LUT.Offset[1] = +Inf"},
		"too large": {with(bad(func(l *LUT) { l.Table.Data[0], l.Offset.Data[0] = 3e38, 3e38 })), tensor.ErrRange,
			"output 0: tables too large"},
		"shape":    {with(bad(func(l *LUT) { l.Table.Shape = []int{4, 15} })), tensor.ErrShape, `param "table"`},
		"short":    {with(bad(func(l *LUT) { l.Offset.Data = nil })), tensor.ErrShape, `param "offset"`},
		"two axes": {with(bad(func(l *LUT) { l.Table.Shape = []int{2, 32} })), tensor.ErrShape, "want [M, C, 16] and [M]"},
	} {
		require.ErrorIs(t, c.err, c.want, name)
		require.ErrorContains(t, c.err, c.text, name)
	}
}

// Refitting to the same rows and outputs finds the tables of the fit.
func TestRefitLUT(t *testing.T) {
	a, b := layer(700, 16, 6)
	y := tensor.NewMatrix[float32](700, 6)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y)
	op, err := Fit(background, a, b, WithCodebooks(4), WithAddedRows(0))
	require.NoError(t, err)
	same, err := op.RefitLUT(background, a, y)
	require.NoError(t, err)
	require.Equal(t, op.LUT(), same.LUT())
	require.Equal(t, op.Stats().TrainNMSE, same.Stats().TrainNMSE)

	for i := range y.Data {
		y.Data[i] = -2*y.Data[i] + 3
	}
	other, err := op.RefitLUT(background, a, y, WithRidge(1))
	require.NoError(t, err)
	for i, v := range op.LUT().Table.Data {
		require.InDelta(t, -2*v, other.LUT().Table.Data[i], 1e-3)
	}
	require.Equal(t, op.Trees(), other.Trees())
	shrunk, err := op.RefitLUT(background, a, y, WithRidge(1e9))
	require.NoError(t, err)
	require.Less(t, tensor.Norm2(shrunk.LUT().Table.Data), 1e-3*tensor.Norm2(other.LUT().Table.Data))
}

// The objective of the refit has the gradient it says, and falls to a point where that is about zero.
func TestCrossEntropyGradient(t *testing.T) {
	op := randomOperator(t, 1, 5, 4, 3)
	a := randomRows(2, 700, 5)
	targets := tensor.NewMatrix[float64](700, 4)
	r := tensor.Stream(4)
	for i := range 700 {
		p := r.Float64()
		targets.Set(i, r.IntN(4), p)
		targets.Data[i*4+r.IntN(4)] += 1 - p
	}
	codes, err := op.trainingCodes(a)
	require.NoError(t, err)
	ce := newCrossEntropy(op, codes, targets, 3)
	x := append([]float64(nil), ce.start...)
	for i := range x {
		x[i] += r.NormFloat64()
	}
	gradient, scratch := make([]float64, len(x)), make([]float64, len(x))
	ce.eval(gradient, x)
	for i := range x {
		const h = 1e-5
		old := x[i]
		x[i] = old + h
		up := ce.eval(scratch, x)
		x[i] = old - h
		down := ce.eval(scratch, x)
		x[i] = old
		require.InDelta(t, (up-down)/(2*h), gradient[i], 1e-8, "parameter %d", i)
	}
	before := ce.eval(gradient, x)
	require.NoError(t, minimise(x, ce.eval, onwards))
	require.Less(t, ce.eval(gradient, x), before)
	require.Less(t, tensor.Norm2(gradient), 1e-3)
}

func onwards() error { return nil }

// A quadratic whose minimum is known, badly scaled.
func TestMinimise(t *testing.T) {
	x := make([]float64, 30)
	calls := 0
	require.NoError(t, minimise(x, func(g, x []float64) float64 {
		calls++
		sum := 1.0
		for i, v := range x {
			w := math.Exp2(float64(i % 10))
			d := v - float64(i)
			sum += w * d * d / 2
			g[i] = w * d
		}
		return sum
	}, onwards))
	for i, v := range x {
		require.InDelta(t, i, v, 0.02)
	}
	require.Less(t, calls, 100)
	y := []float64{2}
	require.NoError(t, minimise(y, func(g, x []float64) float64 { g[0] = 0; return 1 }, onwards)) // flat
	require.Equal(t, []float64{2}, y)
}

// On real digits, tables for the largest output keep more labels than tables for the squared error.
func TestRefitForLabels(t *testing.T) {
	k := digitsTask(t)
	op, err := Fit(background, k.train, k.b, WithCodebooks(4), WithBias(k.bias))
	require.NoError(t, err)
	labels, err := op.RefitLabels(background, k.train, k.trainLabels)
	require.NoError(t, err)
	logits := tensor.NewMatrix[float32](k.train.Rows, 10)
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, k.train, k.b, 0, logits, k.bias, tensor.Identity)
	tensor.SoftmaxRows(logits, logits)
	soft, err := op.RefitSoft(background, k.train, logits)
	require.NoError(t, err)
	exact, right := tensor.NewMatrix[float32](k.test.Rows, 10), 0.0
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, k.test, k.b, 0, exact, k.bias, tensor.Identity)
	for i, label := range k.testLabels {
		if tensor.ArgMax(exact.Row(i)) == label {
			right++
		}
	}
	t.Logf("accuracy: squared error %.4f, labels %.4f, distilled %.4f, exact layer %.4f",
		k.accuracy(t, op), k.accuracy(t, labels), k.accuracy(t, soft),
		right/float64(k.test.Rows))
	require.Greater(t, k.accuracy(t, labels), 0.02+k.accuracy(t, op))
	require.Greater(t, k.accuracy(t, soft), 0.02+k.accuracy(t, op))
	require.Equal(t, op.Trees(), labels.Trees())
	one, err := op.RefitLabels(background, k.train, k.trainLabels, WithRidge(1))
	require.NoError(t, err)
	require.Equal(t, labels.LUT(), one.LUT())
	stiff, err := op.RefitLabels(background, k.train, k.trainLabels, WithRidge(1e12))
	require.NoError(t, err)
	golden := op.LUT().Table.Data
	for i, v := range stiff.LUT().Table.Data {
		require.InDelta(t, golden[i], v, 1e-3)
	}
}

func TestRefitRefuses(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	m := tensor.NewMatrix[float32]
	nan := m(4, 3)
	nan.Set(2, 1, float32(math.NaN()))
	lut := func(a, y tensor.Matrix[float32], opts ...RefitOption) error {
		_, err := op.RefitLUT(background, a, y, opts...)
		return err
	}
	labels := func(a tensor.Matrix[float32], l []int, opts ...RefitOption) error {
		_, err := op.RefitLabels(background, a, l, opts...)
		return err
	}
	soft := func(a, p tensor.Matrix[float32]) error { _, err := op.RefitSoft(background, a, p); return err }
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"rows":         {lut(m(4, 3), m(3, 2)), tensor.ErrShape, "y is 3x2, want 4 rows of 2 outputs"},
		"columns":      {lut(m(4, 2), m(4, 2)), tensor.ErrShape, "rows of 2 columns"},
		"empty":        {lut(m(0, 3), m(0, 2)), tensor.ErrEmpty, "a is 0x3"},
		"NaN":          {lut(nan, m(4, 2)), tensor.ErrNotFinite, "a[2,1] is NaN"},
		"ridge":        {lut(m(4, 3), m(4, 2), WithRidge(0)), tensor.ErrRange, "WithRidge(0)"},
		"labels":       {labels(m(4, 3), []int{0, 1}), tensor.ErrShape, "2 labels for 4 rows"},
		"label":        {labels(m(2, 3), []int{0, 2}), tensor.ErrRange, "labels[1] is 2 of 2 classes"},
		"negative":     {labels(m(2, 3), []int{0, -1}), tensor.ErrRange, "labels[1] is -1"},
		"label rows":   {labels(nan, make([]int, 4)), tensor.ErrNotFinite, "a[2,1]"},
		"label column": {labels(m(2, 4), make([]int, 2)), tensor.ErrShape, "rows of 4 columns"},
		"soft shape":   {soft(m(2, 3), m(2, 3)), tensor.ErrShape, "p is 2x3"},
		"soft sum":     {soft(m(1, 3), tensor.Of(1, 2, []float32{0.5, 0.6})), tensor.ErrRange, "p[0] adds up to"},
		"probability":  {soft(m(1, 3), tensor.Of(1, 2, []float32{-0.5, 1.5})), tensor.ErrRange, "p[0,0] is -0.5"},
		"soft NaN":     {soft(m(4, 3), m(4, 2)), tensor.ErrRange, "adds up to 0"},
	} {
		require.ErrorIs(t, c.err, c.want, name)
		require.ErrorContains(t, c.err, c.text, name)
	}
}
