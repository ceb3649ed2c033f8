package amm_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// shifted is the exact product plus a constant, times a factor.
type shifted struct {
	b             matrix
	factor, shift float32
	err           error
}

func (s shifted) Mul(dst, a matrix) error {
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, s.factor, a, s.b, 0, dst)
	for i := range dst.Data {
		dst.Data[i] += s.shift
	}
	return s.err
}

func TestEvaluate(t *testing.T) {
	// Outputs (1, 0), (0, 1), (3, 0), (0, 3): mean 1, variance (4*1 + 2*0 + 2*4)/8.
	a, b := tensor.Of(4, 2, []float32{1, 0, 0, 1, 3, 0, 0, 3}), identity(2)
	task := amm.Task{A: a, B: b, Labels: []int{0, 1, 0, 0}}
	r, err := amm.Evaluate(shifted{b: b, factor: 1, shift: 0.5}, task)
	require.NoError(t, err)
	require.InDelta(t, 0.25/1.5, r.NMSE, 1e-9)
	require.InDelta(t, 1-0.25/1.5, r.R2, 1e-9)
	require.InDelta(t, 1, r.Corr, 1e-9)
	require.Equal(t, []float64{1, 0.75, 0.75}, []float64{r.Agreement, r.Accuracy, r.ExactAccuracy})
	require.Equal(t, 4, r.Rows)
	require.Zero(t, r.Cost)
	require.Zero(t, r.NsPerRow)

	// A bias plays its part in decisions: with 2 for class 1 only the third row stays in class 0.
	task.Bias = []float32{0, 2}
	r, err = amm.Evaluate(shifted{b: b, factor: -1}, task)
	require.NoError(t, err)
	require.InDelta(t, -1, r.Corr, 1e-9)
	require.InDelta(t, 4*20/8./1.5, r.NMSE, 1e-9, "errors are twice the outputs")
	require.InDelta(t, 0.5, r.ExactAccuracy, 1e-9)
	require.InDelta(t, 0.5, r.Agreement, 1e-9) // -1+0 < 2, 0 < 1, -3 < 2, 0 > -1

	r, err = amm.Evaluate(shifted{b: b}, task)
	require.NoError(t, err)
	require.True(t, math.IsNaN(r.Corr), "a constant has none")
	require.Contains(t, r.String(), "no correlation")
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"corr":null`)
	var back amm.Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, math.IsNaN(back.Corr))
	r.Corr, back.Corr = 0, 0
	require.Equal(t, r, back)

	exact, err := amm.NewExact(b)
	require.NoError(t, err)
	r, err = amm.Evaluate(exact, amm.Task{A: a, B: b, Runs: 2})
	require.NoError(t, err)
	require.Zero(t, r.NMSE)
	require.False(t, r.Labelled)
	require.Positive(t, r.NsPerRow)
	require.Positive(t, r.NsPerRowT)
	require.Equal(t, amm.Cost{Multiplies: 4}, r.Cost)
	require.Contains(t, r.String(), "NMSE 0, R2 1.0000, correlation 1.0000 on 4 rows; 100.00% of the decisions agree; "+
		"per row 4 multiplies")
	text, err = json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, r, back)
}

func TestEvaluateRefuses(t *testing.T) {
	a, b := normal(1, 5, 3), normal(2, 3, 2)
	exact, err := amm.NewExact(b)
	require.NoError(t, err)
	nan := normal(1, 5, 3)
	nan.Set(4, 2, float32(math.NaN()))
	failed := errors.New("no luck")
	for name, c := range map[string]struct {
		ap   amm.Approximator
		task amm.Task
		want error
		text string
	}{
		"nothing": {exact, amm.Task{}, tensor.ErrEmpty, "a is 0x0"},
		"shapes":  {exact, amm.Task{A: a, B: normal(1, 4, 2)}, tensor.ErrShape, "a has 3 columns, b 4 rows"},
		"NaN":     {exact, amm.Task{A: nan, B: b}, tensor.ErrNotFinite, "a[4,2] is NaN"},
		"labels":  {exact, amm.Task{A: a, B: b, Labels: []int{0}}, tensor.ErrShape, "1 labels for 5 rows"},
		"label": {exact, amm.Task{A: a, B: b, Labels: []int{0, 1, 2, 0, 0}}, tensor.ErrRange,
			"label 2 is 2, want 0 to 1"},
		"bias": {exact, amm.Task{A: a, B: b, Bias: make([]float32, 3)}, tensor.ErrShape,
			"bias of 3 elements for 2 outputs"},
		"infinite bias": {exact, amm.Task{A: a, B: b, Bias: []float32{0, float32(math.Inf(1))}}, tensor.ErrNotFinite,
			"bias[1]"},
		"runs": {exact, amm.Task{A: a, B: b, Runs: -1}, tensor.ErrRange, "Runs is -1"},
		"constant outputs": {exact, amm.Task{A: tensor.NewMatrix[float32](5, 3), B: b}, tensor.ErrRange,
			"all exact outputs are 0"},
		"failure": {shifted{b: b, err: failed}, amm.Task{A: a, B: b}, failed, "no luck"},
		"NaN out": {shifted{b: b, shift: float32(math.NaN())}, amm.Task{A: a, B: b}, tensor.ErrNotFinite,
			"result[0,0] is NaN"},
	} {
		_, err := amm.Evaluate(c.ap, c.task)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.text, name)
	}
}

func TestRefusals(t *testing.T) {
	b := normal(2, 3, 2)
	_, err := amm.NewSketch(amm.FastJL+1, b, 2)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "amm: NewSketch: sketch(5) is none")
	_, err = amm.NewSketch(amm.Gauss, b, 0, nil, amm.WithSeed(1))
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorIs(t, err, tensor.ErrRange, "everything that is wrong is told")
	require.ErrorContains(t, err, "amm: NewSketch: option 0 is nil")
	for _, m := range amm.Methods() {
		if m.Size != amm.Fixed {
			for _, size := range []int{0, -1} {
				ap, err := m.Fit(context.Background(), normal(1, 5, 3), b, size, 0)
				require.ErrorIs(t, err, tensor.ErrRange, m.Name)
				require.Nil(t, ap, m.Name)
			}
		}
	}
	require.Equal(t, []string{"fixed", "dims", "codebooks",
		"size(3)"}, []string{amm.Fixed.String(), amm.Dims.String(), amm.Codebooks.String(), amm.Size(3).String()})
}

func TestCosts(t *testing.T) {
	a, b := normal(1, 300, 20), normal(2, 20, 3)
	want := map[string]amm.Cost{
		"exact":           {Multiplies: 60},
		"int8":            {Multiplies: 83, Compares: 40},
		"SVD of b":        {Multiplies: 2*20 + 2*3},
		"PCA":             {Multiplies: 2*20 + 2*3},
		"SVD of the rows": {Multiplies: 400 + 2*23},
		"directions":      {Multiplies: 240 + 6},
		"columns":         {Multiplies: 6},
		"Gauss":           {Multiplies: 46},
		"Rademacher":      {Multiplies: 8, Adds: 40},
		"CountSketch":     {Multiplies: 6, Adds: 20},
		"OSNAP":           {Multiplies: 6, Adds: 40},
		"FastJL":          {Multiplies: 8, Adds: 32 * 5},
		"PQ":              {Multiplies: 256 * 20, Compares: 512, Lookups: 6},
		"Bolt":            {Multiplies: 16*20 + 3, Compares: 32, Lookups: 6},
		"MaddnessPQ":      {Multiplies: 3, Compares: 8, Lookups: 6},
		"Maddness, paper": {Multiplies: 3, Compares: 8, Lookups: 6},
		"Maddness":        {Multiplies: 3, Compares: 8, Lookups: 6},
	}
	for _, m := range amm.Methods() {
		ap, err := m.Fit(context.Background(), a, b, 2, 0)
		require.NoError(t, err, m.Name)
		require.Equal(t, want[m.Name], ap.(amm.Costed).Cost(), m.Name)
	}
}
