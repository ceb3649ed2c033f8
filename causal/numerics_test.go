package causal

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// normal is random rows whose two groups differ by shift in the first column.
func normal[T tensor.Float](seed uint64, n, d int, shift float64) (tensor.Matrix[T], Batch) {
	rng := tensor.Stream(seed)
	z := tensor.NewMatrix[T](n, d)
	b := Batch{Y: make([]int, n), V: make([]int, n), W: make([]float64, n)}
	for i := range n {
		b.Y[i], b.V[i], b.W[i] = i/2%2, i%2, 0.2+rng.Float64()
		for j := range d {
			x := rng.NormFloat64()
			if j == 0 {
				x += shift * float64(b.V[i])
			}
			z.Set(i, j, T(x))
		}
	}
	return z, b
}

func TestFloat32IsAccurateAtEveryBandwidth(t *testing.T) {
	for _, d := range []int{10, 64, 2048} {
		for _, sigma := range []float64{0.1, 1, 10, 100, 1000, 1e5} {
			z, b := normal[float32](uint64(d), 64, d, 0.3)
			grad := tensor.NewMatrix[float32](64, d)
			narrow, err := NewMMD[float32](WithKernel(RBF(sigma)))
			require.NoError(t, err)
			got, err := narrow.Eval(z, b, grad)
			require.NoError(t, err)
			wide := tensor.Convert[float64](z)
			want := tensor.NewMatrix[float64](64, d)
			exact, err := mmd(t, WithKernel(RBF(sigma))).Eval(wide, b, want)
			require.NoError(t, err)
			assert.InEpsilon(t, exact.Value, got.Value, 1e-6, "%d columns, sigma %v", d, sigma)
			golden.Close(t, fmt.Sprintf("gradient, %d columns, sigma %v",
				d, sigma), tensor.Convert[float64](grad).Data, want.Data, 0, 5e-6*largest(want.Data)+1e-12)
		}
	}
}

func TestNearlyEqualRowsFarFromTheOthers(t *testing.T) {
	// Two tight clusters a long way apart, and from the origin: distances within one would drown in the norms.
	z, b := normal[float32](3, 40, 8, 0)
	for i := range z.Rows {
		row := z.Row(i)
		for j := range row {
			row[j] = row[j]*1e-3 + 100
			if i%4 < 2 {
				row[j] -= 200
			}
		}
	}
	for _, k := range []Kernel{RBF(2e-3), Laplace(1e-3)} {
		m, err := NewMMD[float32](WithKernel(k))
		require.NoError(t, err)
		got, err := m.Eval(z, b, tensor.Matrix[float32]{})
		require.NoError(t, err)
		want, err := mmd(t, WithKernel(k)).Eval(tensor.Convert[float64](z), b, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InEpsilon(t, want.Value, got.Value, 1e-5, "%v", k)
	}
}

func TestBitsDoNotDependOnWorkers(t *testing.T) {
	z, b := normal[float32](1, 700, 9, 0.5)
	aux := tensor.NewMatrix[float64](700, 2)
	for i := range aux.Data {
		aux.Data[i] = float64(i % 17)
	}
	eval := func(workers int) (Result, Result, []float32) {
		grad := tensor.NewMatrix[float32](700, 9)
		m, err := NewMMD[float32](WithKernel(RBF(1, 3)), WithWorkers(workers))
		require.NoError(t, err)
		r, err := m.Eval(z, b, grad)
		require.NoError(t, err)
		h, err := NewHSIC[float32](RBF(2), WithKernel(RBF(1)), WithWorkers(workers))
		require.NoError(t, err)
		s, err := h.Eval(z, Batch{Aux: aux, W: b.W}, grad)
		require.NoError(t, err)
		return r, s, grad.Data
	}
	r, s, grad := eval(1)
	for workers := range 5 {
		a, b, g := eval(workers)
		assert.Equal(t, r, a)
		assert.Equal(t, s, b)
		assert.Equal(t, grad, g)
	}
}

func TestScalarsEqualTiles(t *testing.T) {
	for seed := range uint64(20) {
		rng := tensor.Stream(seed)
		n := 4 + rng.IntN(300)
		z, b := normal[float64](seed, n, 1, 1)
		for i := range z.Data {
			if rng.IntN(3) == 0 {
				z.Data[i] = math.Round(z.Data[i]) // ties, and zeros of both signs
			}
		}
		for _, k := range []Kernel{Laplace(0.7), Energy()} {
			m := mmd(t, WithKernel(k))
			grad, want := tensor.NewMatrix[float64](n, 1), tensor.NewMatrix[float64](n, 1)
			got, err := m.Eval(z, b, grad)
			require.NoError(t, err)
			m.form.scale = 1
			e := m.q.eval(&m.form, z, want)
			assert.InDelta(t, e.value, got.Value, 1e-12)
			assert.InDelta(t, e.expected, got.Expected, 1e-12)
			assert.InDelta(t, e.off+k.zero(), got.MeanKernel, 1e-10)
			golden.Close(t, k.String(), grad.Data, want.Data, 1e-9, 1e-13)
		}
	}
}

func TestFourierFeaturesApproachTheKernel(t *testing.T) {
	z, b := normal[float64](4, 200, 4, 1)
	want, err := mmd(t, WithKernel(RBF(2))).Eval(z, b, tensor.Matrix[float64]{})
	require.NoError(t, err)
	mean := 0.0
	for seed := range uint64(40) {
		f, err := NewFourier[float64](4, 512, 2, seed)
		require.NoError(t, err)
		got, err := f.Eval(z, b, tensor.Matrix[float64]{})
		require.NoError(t, err)
		mean += got.Value / 40
	}
	assert.InEpsilon(t, want.Value, mean, 0.03)
}

func TestFourierSumsAddUp(t *testing.T) {
	z, b := normal[float64](5, 60, 3, 1)
	b.V[7], b.V[8] = Unknown, 2
	f, err := NewFourier[float64](3, 32, 1, 0)
	require.NoError(t, err)
	var all, merged FourierSums
	require.NoError(t, f.Add(&all, z, b))
	for lo := 0; lo < 60; lo += 13 {
		hi := min(lo+13, 60)
		var part FourierSums
		require.NoError(t, f.Add(&part, z.Slice(lo, hi, 0, 3), b.slice(lo, hi)))
		require.NoError(t, merged.Merge(part))
	}
	assert.Equal(t, []int{0, 1, 2}, merged.Groups)
	golden.Close(t, "weights", merged.Weight, all.Weight, 1e-12, 0)
	for g := range all.Sum {
		golden.Close(t, "sums", merged.Sum[g], all.Sum[g], 1e-12, 1e-12)
	}
	whole, pieces := tensor.NewMatrix[float64](60, 3), tensor.NewMatrix[float64](60, 3)
	require.NoError(t, f.Grad(all, z, b, whole))
	for lo := 0; lo < 60; lo += 13 {
		hi := min(lo+13, 60)
		require.NoError(t, f.Grad(merged, z.Slice(lo, hi, 0, 3), b.slice(lo, hi), pieces.Slice(lo, hi, 0, 3)))
	}
	golden.Close(t, "gradient", pieces.Data, whole.Data, 1e-9, 1e-13)
	assert.ErrorIs(t, merged.Merge(FourierSums{Groups: []int{0}, Weight: []float64{1}, Sum: [][]float64{{1}}}),
		tensor.ErrShape)
	assert.ErrorIs(t, f.Grad(FourierSums{Groups: []int{0, 1}, Weight: []float64{1, 1}, Sum: all.Sum[:2]}, z, b, whole),
		ErrLabelRange)
}

func TestEvaluationsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	z, b := normal[float32](1, 150, 5, 1)
	y, v := cells(40, 5, 5, 40)
	w := fit(t, y, v)
	grad := tensor.NewMatrix[float32](150, 5)
	m, err := NewMMD[float32](WithKernel(RBF(1)), WithWeights(w), WithConditional(Prior))
	require.NoError(t, err)
	h, err := NewHSIC[float32](RBF(1), WithKernel(Laplace(1)))
	require.NoError(t, err)
	aux := b
	aux.Aux = tensor.NewMatrix[float64](150, 2)
	for i := range aux.Aux.Data {
		aux.Aux.Data[i] = float64(i)
	}
	s, err := NewMMD[float32](WithKernel(Energy()))
	require.NoError(t, err)
	one, oneGrad := z.Slice(0, 150, 0, 1), grad.Slice(0, 150, 0, 1)
	for name, f := range map[string]func() error{
		"MMD":     func() error { _, err := m.Eval(z, b, grad); return err },
		"HSIC":    func() error { _, err := h.Eval(z, aux, grad); return err },
		"scalars": func() error { _, err := s.Eval(one, b, oneGrad); return err },
	} {
		require.NoError(t, f())
		assert.Zero(t, allocs.PerCall(func() { f() }), name)
	}
}

func TestPermutationTestKeepsItsLevel(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	const rounds = 1000
	rejected := 0
	for seed := range uint64(rounds) {
		rng := tensor.Stream(seed, 9)
		n := 60
		z, y, v := tensor.NewMatrix[float64](n, 2), make([]int, n), make([]int, n)
		for i := range n { // z depends on y, and v on y, so that z and v depend on each other
			y[i] = rng.IntN(2)
			v[i] = y[i]
			if rng.Float64() < .2 {
				v[i] = 1 - v[i]
			}
			z.Set(i, 0, rng.NormFloat64()+float64(y[i]))
			z.Set(i, 1, rng.NormFloat64())
		}
		p, err := IndependenceTest(context.Background(), z, y, v, RBF(1.5), stats.WithReplicates(99), stats.WithSeed(seed))
		require.NoError(t, err)
		if p.P <= .05 {
			rejected++
		}
	}
	// Two standard deviations of a share of 5 % are 1.4 points.
	assert.InDelta(t, .05, float64(rejected)/rounds, .014)
}

func TestGoldenConvex(t *testing.T) {
	var file struct {
		X         goldenMatrix
		Y, V      []int
		U         []float64
		Solutions []struct {
			Name      string
			Alpha, L2 float64
			W         []float64
			B         float64
			PredLoss  float64 `json:"pred_loss"`
			MMD       float64 `json:"linear_mmd2_of_logits"`
			Objective float64
		}
	}
	golden.JSON(t, "testdata/convex_logreg.json.gz", &file)
	x := file.X.matrix()
	require.Len(t, file.Solutions, 4)
	for _, s := range file.Solutions {
		b := Batch{Y: file.Y, V: file.V}
		if s.Name == "weighted" || s.Name == "wmmd" {
			b.W = file.U
		}
		o, err := NewObjective(Weighted{}, []Term[float64]{{Penalty: mmd(t, WithKernel(Linear())), Alpha: s.Alpha,
			OnLogits: true}})
		require.NoError(t, err)
		// The objective is strictly convex with a curvature of at least 2*l2, so a point is as far from the optimum as its
		// gradient over that at most.
		logits, dlogits := tensor.NewMatrix[float64](x.Rows, 1), tensor.NewMatrix[float64](x.Rows, 1)
		tensor.Gemv(tensor.NoTrans, 1, x, s.W, 0, logits.Data)
		for i := range logits.Data {
			logits.Data[i] += s.B
		}
		got, err := o.Step(0, logits, tensor.Matrix[float64]{}, b, dlogits, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InDelta(t, s.PredLoss, got.Risk, 1e-10, s.Name)
		assert.InDelta(t, s.MMD, got.Terms[0].Value, 1e-8*max(1, s.MMD), s.Name)
		assert.InDelta(t, s.Objective, got.Loss+s.L2*tensor.Dot(s.W, s.W), 1e-10, s.Name)
		grad := make([]float64, x.Cols)
		tensor.Gemv(tensor.Trans, 1, x, dlogits.Data, 0, grad)
		tensor.Axpy(grad, 2*s.L2, s.W)
		assert.Less(t, largest(append(grad, tensor.Sum(dlogits.Data))), 1e-8*2*s.L2, s.Name)
	}
}

func TestFrequenciesAreACopy(t *testing.T) {
	f, err := NewFourier[float64](3, 8, 2, 7)
	require.NoError(t, err)
	omega, phase := f.Frequencies()
	again, err := NewFourierOf(omega, phase)
	require.NoError(t, err)
	z := tensor.Of(2, 3, []float64{1, 2, 3, -4, 5, .5})
	want, got := tensor.NewMatrix[float64](2, 8), tensor.NewMatrix[float64](2, 8)
	f.Features(want, z)
	again.Features(got, z)
	assert.Equal(t, want, got)
	omega.Data[0], phase[0] = 99, 99
	f.Features(got, z)
	assert.Equal(t, want, got)
}
