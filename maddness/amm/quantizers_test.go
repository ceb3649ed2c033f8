package amm_test

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// Rounding to bytes is computed again in integers.
func TestInt8(t *testing.T) {
	a, b := normal(1, 40, 300), normal(2, 300, 7)
	for m := range 300 {
		b.Set(m, 3, 0) // a column without a scale
	}
	for j := range 300 {
		a.Set(5, j, 2.5) // a row without a range
	}
	q, err := amm.NewInt8(b)
	got := mul(t, q, err, a, 7)
	for i := range a.Rows {
		low, high := slices.Min(a.Row(i)), slices.Max(a.Row(i))
		unit := float64(high)/255 - float64(low)/255
		for m := range b.Cols {
			largest := 0.0
			for j := range b.Rows {
				largest = max(largest, math.Abs(float64(b.At(j, m))))
			}
			sum, total := 0, 0
			for j, v := range a.Row(i) {
				if largest > 0 {
					r := int(math.RoundToEven(127 * float64(b.At(j, m)) / largest))
					total += r
					if unit > 0 {
						sum += int(math.RoundToEven(float64(v-low)/unit)) * r
					}
				}
			}
			// An element of a just between two integers may go either way.
			require.InDelta(t, largest/127*(unit*float64(sum)+float64(low)*float64(total)), got.At(i, m), 1e-4+2*unit*largest,
				"%d,%d", i, m)
		}
	}
	// Rounding errors are even within a unit, of variance unit²/12; the range of 300 normal numbers is about 6.
	exact := product(a, b)
	require.Less(t, math.Pow(frobenius(got, exact)/norm(exact), 2), 1.5*(math.Pow(6./255, 2)+math.Pow(3./127, 2))/12)
}

// More codebooks, each with fewer columns, are better; with a column for each codebook and few different values
// nothing is lost.
func TestPQ(t *testing.T) {
	a, b, test := rectified(1, 900, 32), normal(2, 32, 6), rectified(3, 300, 32)
	exact := product(test, b)
	last := math.Inf(1)
	for _, c := range []int{1, 2, 4, 8, 16, 32} {
		q, err := amm.FitPQ(context.Background(), a, b, c)
		e := frobenius(mul(t, q, err, test, 6), exact) / norm(exact)
		require.Less(t, e, last, "%d codebooks", c)
		last = e
	}
	require.Less(t, last, 0.03)

	few := tensor.NewMatrix[float32](500, 3)
	rng := tensor.Stream(1)
	for i := range few.Data {
		few.Data[i] = float32(rng.IntN(256))
	}
	b = normal(2, 3, 4)
	q, err := amm.FitPQ(context.Background(), few, b, 3)
	exact = product(few, b)
	require.InDelta(t, 0, frobenius(mul(t, q, err, few, 4), exact), 1e-5*norm(exact))
	require.Equal(t, "codebooks is 4, want 1 to 3", func() string {
		_, err := amm.FitPQ(context.Background(), few, b, 4)
		require.ErrorIs(t, err, tensor.ErrRange)
		return err.Error()[len("amm: FitPQ: "):][:len("codebooks is 4, want 1 to 3")]
	}())
}

// As many codebooks as PQ, a sixteenth of the centroids, and tables of 8 bits: worse than PQ, and no worse than
// rounding makes it.
func TestBolt(t *testing.T) {
	a, b, test := rectified(1, 900, 40), normal(2, 40, 6), rectified(3, 300, 40)
	exact := product(test, b)
	last := math.Inf(1)
	for _, c := range []int{1, 4, 10, 20} {
		bolt, err := amm.FitBolt(context.Background(), a, b, c)
		e := frobenius(mul(t, bolt, err, test, 6), exact) / norm(exact)
		require.Less(t, e, last, "%d codebooks", c)
		last = e
		pq, err := amm.FitPQ(context.Background(), a, b, c)
		require.Less(t, frobenius(mul(t, pq, err, test, 6), exact)/norm(exact), e)
	}
	// With 16 different values in each column nothing but the rounding of tables is lost: half a unit for each entry,
	// and nothing is clipped, since that would cost more.
	few := tensor.NewMatrix[float32](600, 4)
	rng := tensor.Stream(1)
	for i := range few.Data {
		few.Data[i] = float32(rng.IntN(16))
	}
	b = normal(2, 4, 3)
	bolt, err := amm.FitBolt(context.Background(), few, b, 4)
	got, exact := mul(t, bolt, err, few, 3), product(few, b)
	widest := 0.0
	for m := range b.Cols {
		reach := 0.0
		for j := range b.Rows {
			reach += 15 * math.Abs(float64(b.At(j, m)))
		}
		widest = max(widest, reach)
	}
	for i, v := range got.Data {
		require.InDelta(t, exact.Data[i], v, 4*0.5*widest/255*1.01+1e-4)
	}
	// No entry, no unit.
	bolt, err = amm.FitBolt(context.Background(), few, tensor.NewMatrix[float32](4, 3), 4)
	require.Zero(t, norm(mul(t, bolt, err, few, 3)))
}

// Prototypes of the ablation are the means of buckets: with a bucket for each value nothing but the averaging of
// tables is lost.
func TestMaddnessPQ(t *testing.T) {
	few := tensor.NewMatrix[float32](600, 2)
	rng := tensor.Stream(1)
	for i := range few.Data {
		few.Data[i] = float32(rng.IntN(9))
	}
	b := normal(2, 2, 3)
	op, err := amm.FitMaddnessPQ(context.Background(), few, b, 2)
	exact := product(few, b)
	require.Less(t, frobenius(mul(t, op, err, few, 3), exact), 0.02*norm(exact))

	// Optimised prototypes are better where columns depend on each other.
	a, test := rectified(1, 900, 32), rectified(3, 300, 32)
	b = normal(2, 32, 6)
	exact = product(test, b)
	plain, err := amm.FitMaddnessPQ(context.Background(), a, b, 8)
	worse := frobenius(mul(t, plain, err, test, 6), exact)
	for _, m := range amm.Methods() {
		if m.Name == "Maddness, paper" {
			ap, err := m.Fit(context.Background(), a, b, 8, 0)
			require.Less(t, frobenius(mul(t, ap, err, test, 6), exact), worse)
		}
	}
}

// Fits of quantizers end with their context and tell their progress until then.
func TestContext(t *testing.T) {
	a, b := normal(1, 400, 8), normal(2, 8, 3)
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := amm.FitPQ(ctx, a, b, 4, amm.WithProgress(func(done, total int) {
		calls++
		require.Equal(t, []int{calls, 4}, []int{done, total})
	}))
	require.NoError(t, err)
	require.Equal(t, 4, calls)
	_, err = amm.FitBolt(ctx, a, b, 4, amm.WithProgress(func(int, int) { cancel() }))
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "amm: FitBolt: context canceled")
	for _, m := range amm.Methods() {
		if m.Size == amm.Codebooks {
			ap, err := m.Fit(ctx, a, b, 2, 0)
			require.ErrorIs(t, err, context.Canceled, m.Name)
			require.Nil(t, ap)
		}
	}
}

// What is added to columns or what they are multiplied with does not matter to the quantisers: distances are measured
// from the mean, in units of the spread.
func TestQuantizersIgnoreOffsetAndScale(t *testing.T) {
	r := tensor.Stream(11)
	a, b := tensor.NewMatrix[float32](1000, 8), tensor.NewMatrix[float32](8, 4)
	for i := range a.Data {
		a.Data[i] = float32(r.NormFloat64())
	}
	for i := range b.Data {
		b.Data[i] = float32(r.NormFloat64())
	}
	for name, fit := range map[string]func(x tensor.Matrix[float32]) (amm.Approximator, error){
		"PQ": func(x tensor.Matrix[float32]) (amm.Approximator, error) {
			return amm.FitPQ(context.Background(), x, b, 4)
		},
		"Bolt": func(x tensor.Matrix[float32]) (amm.Approximator, error) {
			return amm.FitBolt(context.Background(), x, b, 4)
		},
	} {
		var plain float64
		for i, c := range []struct{ scale, offset float32 }{{1, 0}, {1, 4096}, {1, -300}, {1e-20, 0}, {1e18, 0}} {
			x := a.Clone()
			for k, v := range x.Data {
				x.Data[k] = float32(c.scale*v) + c.offset
			}
			q, err := fit(x)
			require.NoError(t, err)
			report, err := amm.Evaluate(q, amm.Task{A: x, B: b})
			require.NoError(t, err)
			e := tensor.Sum(report.OutputNMSE) / 4 // an offset is part of the pooled variance
			if i == 0 {
				plain = e
			}
			require.InEpsilon(t, plain, e, 0.15, "%s: times %v plus %v", name, c.scale, c.offset)
		}
	}
}

// The pooled error hides an output of little variance that is wrong; by output it shows.
func TestErrorByOutput(t *testing.T) {
	a, b := tensor.Of(3, 2, []float32{1, 1, 2, 3, 3, 2}), tensor.Of(2, 3, []float32{100, 0, 0, 0, 1, 0})
	r, err := amm.Evaluate(constant{tensor.Of(3, 3, []float32{100, 2, 0, 200, 2, 0, 300, 2, 0})}, amm.Task{A: a, B: b})
	require.NoError(t, err)
	require.Less(t, r.NMSE, 1e-3)
	require.Equal(t, []float64{0, 1}, r.OutputNMSE[:2])
	require.True(t, math.IsNaN(r.OutputNMSE[2]), "a constant has no variance")
	require.Contains(t, r.String(), "(1 of output 1)")
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"output_nmse":[0,1,null]`)
	var back amm.Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, r.OutputNMSE[:2], back.OutputNMSE[:2])
	require.True(t, math.IsNaN(back.OutputNMSE[2]))
}

// constant gives the same result whatever it is asked.
type constant struct{ y tensor.Matrix[float32] }

func (c constant) Mul(dst, _ tensor.Matrix[float32]) error {
	for i := range dst.Rows {
		copy(dst.Row(i), c.y.Row(i))
	}
	return nil
}
