package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
)

// framed returns n random numbers inside a larger slice of sentinels, and a function that fails if one of those
// changed.
func framed[T Float](t *testing.T, seed uint64, n int) (x []T, intact func()) {
	t.Helper()
	const margin = 9
	all := make([]T, n+2*margin)
	for i := range all {
		all[i] = sentinel
	}
	x = all[margin : margin+n : margin+n]
	r := Stream(seed)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x, func() {
		t.Helper()
		for i, v := range all {
			if (i < margin || i >= margin+n) && v != sentinel {
				require.Fail(t, "wrote outside the slice", "%d of %d", i-margin, n)
			}
		}
	}
}

func TestVectorFunctions(t *testing.T) {
	t.Run("float32", func(t *testing.T) { vectorFunctions[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { vectorFunctions[float64](t, 1e-15) })
	t.Run("derived", func(t *testing.T) { vectorFunctions[celsius](t, 1e-6) })
}

func vectorFunctions[T Float](t *testing.T, tol float64) {
	for n := range 131 {
		x, xIntact := framed[T](t, 1, n)
		y, yIntact := framed[T](t, 2, n)
		elements := []struct {
			name string
			run  func(dst []T)
			want func(d, x, y T) T
		}{
			{"Add", func(d []T) { Add(d, x, y) }, func(_, x, y T) T { return x + y }},
			{"Sub", func(d []T) { Sub(d, x, y) }, func(_, x, y T) T { return x - y }},
			{"Mul", func(d []T) { Mul(d, x, y) }, func(_, x, y T) T { return x * y }},
			{"Scale", func(d []T) { Scale(d, 3, x) }, func(_, x, _ T) T { return 3 * x }},
			{"Axpy", func(d []T) { Axpy(d, 3, x) }, func(d, x, _ T) T { return d + 3*x }},
			{"ReLU", func(d []T) { ReLU(d, x) }, func(_, x, _ T) T { return max(x, 0) }},
			{"ReLUGrad", func(d []T) { ReLUGrad(d, x, y) }, func(_, x, y T) T {
				if y > 0 {
					return x
				}
				return 0
			}},
		}
		for _, e := range elements {
			d, dIntact := framed[T](t, 3, n)
			want := make([]T, n)
			for i := range want {
				want[i] = e.want(d[i], x[i], y[i])
			}
			e.run(d)
			golden.Close(t, fmt.Sprint(e.name, " of ", n), d, want, tol, 4*tol)
			dIntact()
		}
		var dot, sum, norm float64
		for i, v := range x {
			dot += float64(v) * float64(y[i])
			sum += float64(v)
			norm += float64(v) * float64(v)
		}
		require.InDelta(t, dot, float64(Dot(x, y)), 40*tol, "Dot of %d", n)
		require.InDelta(t, sum, Sum(x), 1e-13, "Sum of %d", n)
		require.InDelta(t, math.Sqrt(norm), Norm2(x), 1e-13, "Norm2 of %d", n)
		if n > 0 {
			at := n / 2
			x[at] = 50
			require.Equal(t, T(50), Max(x), "Max of %d", n)
			require.Equal(t, at, ArgMax(x))
			for i := range x {
				x[i] = -1 - T(i)
			}
			require.Equal(t, T(-1), Max(x), "all negative")
			x[n-1] = T(math.NaN())
			require.True(t, math.IsNaN(float64(Max(x))), "NaN in Max of %d", n)
		}
		xIntact()
		yIntact()
	}
}

func TestVectorFunctionsInPlace(t *testing.T) {
	x := []float64{-2, -1, 0, 1, 2, 3, 4}
	Add(x, x, x)
	Mul(x, x, []float64{1, 1, 1, 1, 1, 1, 2})
	ReLUGrad(x, x, x)
	require.Equal(t, []float64{0, 0, 0, 2, 4, 6, 16}, x)
}

func TestSpecialValuesOfVectorFunctions(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := []float32{nan, inf, -inf, -0.5, 0}
	d := make([]float32, 5)
	ReLU(d, x)
	require.True(t, math.IsNaN(float64(d[0])))
	require.Equal(t, []float32{inf, 0, 0, 0}, d[1:])
	ReLUGrad(d, []float32{1, 1, 1, 1, 1}, x)
	require.Equal(t, []float32{0, 1, 0, 0, 0}, d)
	require.Equal(t, 1, ArgMax(x), "NaN is not larger")
	require.Equal(t, 0, ArgMax([]float32{nan, nan}))
	require.Equal(t, -inf, Max([]float32{-inf, -inf, -inf}))
	require.Panics(t, func() { Max([]float32{}) })
	require.Panics(t, func() { ArgMax([]float64{}) })
	require.Zero(t, Dot[float32](nil, nil))
	require.Zero(t, Sum[float64](nil))
	// More ones than float32 can count lose nothing: sums are taken in float64.
	ones := make([]float32, 1<<25)
	for i := range ones {
		ones[i] = 1
	}
	require.Equal(t, float64(1<<25), Sum(ones))
}

func TestRowFunctions(t *testing.T) {
	t.Run("float32", func(t *testing.T) { rowFunctions[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { rowFunctions[float64](t, 1e-15) })
}

func rowFunctions[T Float](t *testing.T, tol float64) {
	for cols := range 80 {
		for _, rows := range []int{0, 1, 2, 7} {
			m := random[T](1, rows, cols, cols%3)
			v, intact := framed[T](t, 2, cols)
			want := append([]T(nil), v...)
			for i := range rows {
				for j, x := range m.Row(i) {
					want[j] += x
				}
			}
			before := append([]T(nil), v...)
			AddColumnSums(v, m)
			golden.Close(t, fmt.Sprint("AddColumnSums ", rows, "x", cols), v, want, 8*tol, 8*tol)
			intact()
			if rows > 0 && cols > 0 {
				old := m.At(rows-1, cols-1)
				AddRow(m, before)
				require.Equal(t, old+before[cols-1], m.At(rows-1, cols-1))
			}
		}
	}
}

func TestVectorFunctionsRefuse(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	for _, c := range []struct {
		f    func()
		want error
		says string
	}{
		{func() { Dot(x, x[:3]) }, ErrShape, "Dot: lengths 4 and 3"},
		{func() { Axpy(x[:3], 1, x) }, ErrShape, "Axpy: lengths 3 and 4"},
		{func() { Axpy(x[1:], 1, x[:3]) }, ErrOverlap, "Axpy"},
		{func() { Add(x, x, x[:1]) }, ErrShape, "Add"},
		{func() { Mul(x[:3], x[1:], x[:3]) }, ErrOverlap, "Mul"},
		{func() { ReLU(x[:3], x[1:]) }, ErrOverlap, "ReLU"},
		{func() { Exp(x[:3], x[1:]) }, ErrOverlap, "Exp"},
		{func() { Exp(x[:2], x) }, ErrShape, "Exp: lengths 2 and 4"},
		{func() { AddColumnSums(x, NewMatrix[float64](2, 3)) }, ErrShape, "AddColumnSums: lengths 4 and 3"},
		{func() { AddRow(Matrix[float64]{2, 2, 2, x[:3]}, x[:2]) }, ErrShape, "AddRow: m: tensor: matrix is 2x2"},
	} {
		err := panics(t, c.f)
		require.ErrorIs(t, err, c.want)
		require.ErrorContains(t, err, c.says)
		require.Equal(t, []float64{1, 2, 3, 4}, x, "modified by a refused call")
	}
}

func TestVectorFunctionsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	x, y, m := make([]float32, 100), make([]float32, 100), Of(10, 10, make([]float32, 100))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		Add(y, x, x)
		Exp(y, x)
		Softmax(y, x)
		AddColumnSums(y[:10], m)
		SoftmaxRows(m, m)
		_ = LogSumExp(x) + Sum(x) + float64(Dot(x, y)+Max(x))
	}))
}

func FuzzVectorFunctions(f *testing.F) {
	f.Add(uint16(17), uint64(3), 2.5)
	f.Fuzz(func(t *testing.T, n uint16, seed uint64, alpha float64) {
		a := float32(alpha)
		if a-a != 0 || math.Abs(alpha) > 1e18 {
			t.Skip()
		}
		x, xIntact := framed[float32](t, seed, int(n%2000))
		d, dIntact := framed[float32](t, seed+1, len(x))
		want := make([]float64, len(x))
		var dot, size float64
		for i, v := range x {
			dot += float64(v) * float64(d[i])
			size += math.Abs(float64(v) * float64(d[i]))
			want[i] = float64(d[i]) + float64(a)*float64(v)
		}
		require.InDelta(t, dot, float64(Dot(x, d)), 1e-6*size)
		Axpy(d, a, x)
		golden.Close(t, "Axpy", d, want, 1e-6, 1e-6*math.Abs(alpha)+1e-6)
		xIntact()
		dIntact()
	})
}
