package tensor

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
)

// goldenGemm is one product computed by a reference implementation in float64.
type goldenGemm struct {
	M, N, K        int
	TransA, TransB int
	Alpha, Beta    float64
	A, B, C, Out   golden.Tensor
}

func matrixOf[T Float](g golden.Tensor) Matrix[T] {
	m := NewMatrix[T](g.Shape[0], g.Shape[1])
	for i, v := range g.Data {
		m.Data[i] = T(v)
	}
	return m
}

func TestGemmGolden(t *testing.T) {
	var cases []goldenGemm
	golden.JSON(t, "testdata/gemm.json.gz", &cases)
	require.NotEmpty(t, cases)
	for _, g := range cases {
		name := fmt.Sprintf("%dx%dx%d/%d%d", g.M, g.N, g.K, g.TransA, g.TransB)
		t.Run(name, func(t *testing.T) {
			c := matrixOf[float64](g.C)
			Gemm(g.TransA == 1, g.TransB == 1, g.Alpha, matrixOf[float64](g.A), matrixOf[float64](g.B), g.Beta, c)
			golden.Close(t, "float64", c.Data, g.Out.Data, 1e-10, 1e-12)
			c32 := matrixOf[float32](g.C)
			Gemm(g.TransA == 1, g.TransB == 1, float32(g.Alpha), matrixOf[float32](g.A), matrixOf[float32](g.B), float32(g.Beta),
				c32)
			golden.Close(t, "float32", c32.Data, g.Out.Data, 2e-5, 2e-5)
		})
	}
}

// random returns a matrix inside a larger allocation whose other elements are sentinels.
func random[T Float](seed uint64, rows, cols, gap int) Matrix[T] {
	r := Stream(seed)
	m := Matrix[T]{Rows: rows, Cols: cols, Stride: cols + gap, Data: make([]T, rows*(cols+gap))}
	for i := range m.Data {
		m.Data[i] = sentinel
	}
	for i := range rows {
		for j := range cols {
			m.Data[i*m.Stride+j] = T(r.NormFloat64())
		}
	}
	return m
}

const sentinel = 12345

// reference is the product by definition, in float64.
func reference[T Float](ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T], bias []T,
	act Activation) []float64 {
	at := func(m Matrix[T], tr Transpose, i, j int) float64 {
		if tr {
			i, j = j, i
		}
		return float64(m.At(i, j))
	}
	k := a.Cols
	if ta {
		k = a.Rows
	}
	var out []float64
	for i := range c.Rows {
		for j := range c.Cols {
			var s float64
			for p := range k {
				s += at(a, ta, i, p) * at(b, tb, p, j)
			}
			s *= float64(alpha)
			if beta != 0 {
				s += float64(beta) * float64(c.At(i, j))
			}
			if bias != nil {
				s += float64(bias[j])
			}
			switch act {
			case ReLUActivation:
				s = max(s, 0)
			case TanhActivation:
				s = math.Tanh(s)
			case SigmoidActivation:
				s = 1 / (1 + math.Exp(-s))
			}
			out = append(out, s)
		}
	}
	return out
}

func elementsOf[T Float](m Matrix[T]) []T {
	var out []T
	for i := range m.Rows {
		out = append(out, m.Row(i)...)
	}
	return out
}

func checkProduct[T Float](t *testing.T, m, n, k, gap int, ta, tb Transpose, alpha, beta T, withBias bool,
	act Activation, tol float64) {
	t.Helper()
	ar, ac, br, bc := m, k, k, n
	if ta {
		ar, ac = k, m
	}
	if tb {
		br, bc = n, k
	}
	a, b, c := random[T](1, ar, ac, gap), random[T](2, br, bc, gap), random[T](3, m, n, gap)
	var bias []T
	if withBias {
		bias = random[T](4, 1, n, 0).Data
	}
	want := reference(ta, tb, alpha, a, b, beta, c, bias, act)
	if beta == 0 { // must not be read
		for i := range m {
			for j := range n {
				c.Set(i, j, T(math.NaN()))
			}
		}
	}
	GemmBias(ta, tb, alpha, a, b, beta, c, bias, act)
	name := fmt.Sprintf("%dx%dx%d gap %d trans %v %v alpha %v beta %v bias %v %v",
		m, n, k, gap, ta, tb, alpha, beta, withBias, act)
	golden.Close(t, name, elementsOf(c), want, tol, tol*math.Sqrt(float64(k)+1))
	for i := range m {
		for _, v := range c.Data[i*c.Stride+n : (i+1)*c.Stride] {
			require.Equal(t, T(sentinel), v, "%s: wrote beyond the row", name)
		}
	}
}

func TestGemmEverySmallShape(t *testing.T) {
	sizes := []int{1, 2, 3, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 33}
	i := 0
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range []int{1, 2, 3, 4, 5, 8, 11, 17, 40} {
				ta, tb := Transpose(i&1 == 1), Transpose(i&2 == 2)
				alpha, beta := []float64{1, -0.5, 2}[i%3], []float64{0, 1, 0.25}[i/3%3]
				act := Activation(i / 5 % 4)
				checkProduct(t, m, n, k, i%4, ta, tb, alpha, beta, i%2 == 0, act, 1e-13)
				checkProduct(t, m, n, k, i%4, ta, tb, float32(alpha), float32(beta), i%2 == 0, act, 2e-6)
				i++
			}
		}
	}
}

func TestGemmEdgesZeroTo130(t *testing.T) {
	for s := 0; s <= 130; s++ {
		tr := Transpose(s%2 == 1)
		checkProduct[float32](t, s, 19, 21, 1, tr, !tr, 1, 0, true, ReLUActivation, 2e-6)
		checkProduct[float32](t, 13, s, 21, 0, !tr, tr, 1, 1, true, Identity, 2e-6)
		checkProduct[float32](t, 13, 19, s, 3, tr, tr, 2, 0.5, false, Identity, 2e-6)
		checkProduct[float64](t, s, s, s, 1, tr, !tr, 1, 0, true, TanhActivation, 1e-13)
	}
}

func TestGemmBlocks(t *testing.T) {
	for _, d := range [][3]int{{97, 2100, 20}, {130, 40, 1100}, {200, 64, 513}, {64, 256, 784}, {1, 300, 700},
		{300, 1, 700}, {3, 90, 900}, {12, 1024, 256}, {700, 10, 128}} {
		for q := range 4 {
			checkProduct[float32](t, d[0], d[1], d[2], q%2*3, q&1 == 1, q&2 == 2, 1, 0, true, ReLUActivation, 2e-6)
			checkProduct(t, d[0], d[1], d[2], q%2*3, q&1 == 1, q&2 == 2, 0.5, 1.0, false, SigmoidActivation, 1e-13)
		}
	}
}

func TestGemmSameBitsForAnyNumberOfProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	shapes := [][3]int{{200, 300, 200}, {64, 256, 784}, {1000, 33, 600}, {5000, 16, 40}, {200, 2500, 30}, {20, 1500, 520},
		{1, 2051, 601}, {3, 1501, 902}, {1, 3, 300000}, {512, 512, 512}, {20, 4000, 520}}
	if testing.Short() {
		shapes = shapes[:len(shapes)-2]
	}
	for _, d := range shapes {
		for _, transB := range []Transpose{NoTrans, Trans} {
			a, b := random[float32](1, d[0], d[2], 0), random[float32](2, d[2], d[1], 0)
			if transB {
				b = random[float32](2, d[1], d[2], 0)
			}
			var first []float32
			for _, procs := range []int{1, 2, 3, 8} {
				runtime.GOMAXPROCS(procs)
				c := NewMatrix[float32](d[0], d[1])
				Gemm(NoTrans, transB, 1, a, b, 0, c)
				if first == nil {
					first = c.Data
				}
				require.Equal(t, first, c.Data, "%v with %d processors, B %v", d, procs, transB)
			}
		}
	}
}

func TestGemmSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, n := range []int{1, 3, 20} {
		a, b, c := NewMatrix[float32](n, n), NewMatrix[float32](n, n), NewMatrix[float32](n, n)
		for i := range n {
			a.Set(i, i, 1)
			b.Set(i, i, 1)
		}
		a.Set(0, 0, nan)
		GemmBias(NoTrans, NoTrans, 1, a, b, 0, c, nil, ReLUActivation)
		require.True(t, math.IsNaN(float64(c.At(0, 0))), "NaN spreads through the rectifier")
		a.Set(0, 0, inf)
		Gemm(NoTrans, NoTrans, 1, a, b, 0, c)
		require.Equal(t, inf, c.At(0, 0))
		Gemm(NoTrans, NoTrans, 0, a, b, 0, c)
		require.Zero(t, c.At(0, 0), "alpha 0 reads neither A nor B")
	}
}

type celsius float32

func TestGemmDerivedType(t *testing.T) {
	a, b, c := Of(1, 2, []celsius{1, 2}), Of(2, 1, []celsius{3, 4}), NewMatrix[celsius](1, 1)
	Gemm(NoTrans, NoTrans, 1, a, b, 0, c)
	require.Equal(t, celsius(11), c.At(0, 0))
	checkProduct[celsius](t, 40, 40, 40, 1, false, true, 1, 0, true, ReLUActivation, 2e-6)
}

func TestGemmEmpty(t *testing.T) {
	c := Of(2, 2, []float64{1, 2, 3, 4})
	Gemm(NoTrans, NoTrans, 1, Matrix[float64]{Rows: 2}, Matrix[float64]{Cols: 2, Stride: 2}, 2, c)
	require.Equal(t, []float64{2, 4, 6, 8}, c.Data, "k = 0 leaves beta*C")
	GemmBias(NoTrans, NoTrans, 1, Matrix[float64]{Rows: 2}, Matrix[float64]{Cols: 2, Stride: 2}, 0, c, []float64{-1, 1},
		ReLUActivation)
	require.Equal(t, []float64{0, 1, 0, 1}, c.Data)
	Gemm(NoTrans, NoTrans, 1, Matrix[float64]{}, Matrix[float64]{}, 0, Matrix[float64]{})
}

// panics returns the error that f panics with.
func panics(t *testing.T, f func()) (err error) {
	t.Helper()
	defer func() {
		t.Helper()
		r := recover()
		require.NotNil(t, r, "no panic")
		err = r.(error)
	}()
	f()
	return nil
}

func TestGemmRefuses(t *testing.T) {
	m := NewMatrix[float64]
	c := m(2, 2)
	shared := m(4, 4)
	for _, x := range []struct {
		f    func()
		want error
		says string
	}{
		{func() { Gemm(NoTrans, NoTrans, 1, m(2, 3), m(4, 2), 0, c) }, ErrShape, "op(a) is 2x3, op(b) is 4x2, c is 2x2"},
		{func() { Gemm(Trans, NoTrans, 1, m(2, 3), m(2, 2), 0, c) }, ErrShape, "op(a) is 3x2"},
		{func() { Gemm(NoTrans, NoTrans, 1, m(2, 3), m(3, 2), 0, m(2, 3)) }, ErrShape, "c is 2x3"},
		{func() { Gemm(NoTrans, NoTrans, 1, Matrix[float64]{2, 2, 1, make([]float64, 4)}, m(2, 2), 0, c) }, ErrShape,
			"a: tensor: matrix is 2x2 with stride 1"},
		{func() { Gemm(NoTrans, NoTrans, 1, m(2, 2), Matrix[float64]{2, 2, 2, make([]float64, 3)}, 0, c) }, ErrShape,
			"only 3 elements"},
		{func() { Gemm(NoTrans, NoTrans, 1, m(2, 2), Matrix[float64]{-1, 2, 2, nil}, 0, c) }, ErrShape, "negative dimension"},
		{func() { Gemm(NoTrans, NoTrans, 1, c, m(2, 2), 0, c) }, ErrOverlap, "c shares memory"},
		{func() { Gemm(NoTrans, NoTrans, 1, shared.Slice(0, 2, 0, 2), m(2, 2), 0, shared.Slice(1, 3, 1, 3)) }, ErrOverlap,
			"c shares memory"},
		{func() { GemmBias(NoTrans, NoTrans, 1, m(2, 2), m(2, 2), 0, c, make([]float64, 3), Identity) }, ErrShape,
			"bias has 3 elements"},
		{func() { GemmBias(NoTrans, NoTrans, 1, m(2, 2), m(2, 2), 0, c, nil, 9) }, ErrRange, "activation 9"},
		{func() { Gemv(NoTrans, 1, m(2, 3), make([]float64, 2), 0, make([]float64, 2)) }, ErrShape, "op(a) is 2x3, x has 2"},
		{func() { Gemv(NoTrans, 1, c, c.Row(0), 0, c.Row(1)) }, ErrOverlap, "y shares memory"},
	} {
		before := append([]float64(nil), c.Data...)
		err := panics(t, x.f)
		require.ErrorIs(t, err, x.want)
		require.ErrorContains(t, err, x.says)
		require.Equal(t, before, c.Data, "modified by a refused call")
	}
	// Column ranges of one parent that share no element are fine.
	Gemm(NoTrans, NoTrans, 1, shared.Slice(0, 4, 0, 2), m(2, 2), 0, shared.Slice(0, 4, 2, 4))
	require.False(t, errors.Is(nil, ErrOverlap))
}

func TestGemv(t *testing.T) {
	for _, d := range [][2]int{{0, 3}, {3, 0}, {1, 1}, {4, 16}, {5, 17}, {9, 40}, {64, 130}, {130, 3}} {
		for q := range 8 {
			trans, beta := Transpose(q&1 == 1), []float64{0, 1, 0.5, 0}[q/2]
			a := random[float64](1, d[0], d[1], q%3)
			r, c := d[0], d[1]
			if trans {
				r, c = c, r
			}
			x, y := random[float64](2, 1, c, 0), random[float64](3, 1, r, 0)
			want := reference(trans, Trans, 1.5, a, x, beta, Of(r, 1, y.Data), nil, Identity)
			x32, y32, a32 := make([]float32, c), make([]float32, r),
				Matrix[float32]{a.Rows, a.Cols, a.Stride, make([]float32, len(a.Data))}
			for i, v := range x.Data {
				x32[i] = float32(v)
			}
			for i, v := range y.Data {
				y32[i] = float32(v)
			}
			for i, v := range a.Data {
				a32.Data[i] = float32(v)
			}
			Gemv(trans, 1.5, a, x.Data, beta, y.Data)
			golden.Close(t, fmt.Sprint("float64 ", d, trans, beta), y.Data, want, 1e-13, 1e-13)
			Gemv(trans, 1.5, a32, x32, float32(beta), y32)
			golden.Close(t, fmt.Sprint("float32 ", d, trans, beta), y32, want, 1e-5, 2e-5)
		}
	}
}

func TestSquaredDistances(t *testing.T) {
	x, y := random[float64](1, 300, 7, 2), random[float64](2, 290, 7, 0)
	dst := NewMatrix[float64](300, 290)
	SquaredDistances(dst, x, y)
	for i := range 300 {
		for j := range 290 {
			var s float64
			for p := range 7 {
				s += (x.At(i, p) - y.At(j, p)) * (x.At(i, p) - y.At(j, p))
			}
			require.InDelta(t, s, dst.At(i, j), 1e-12)
		}
	}
	self := NewMatrix[float64](300, 300)
	SquaredDistances(self, x, x)
	for i := range 300 {
		require.Zero(t, self.At(i, i))
		for j := range 300 {
			require.GreaterOrEqual(t, self.At(i, j), 0.0)
		}
	}
}

func TestGemmDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop objects under the race detector")
	}
	for _, d := range [][3]int{{1, 1, 1}, {8, 8, 8}, {64, 256, 300}, {400, 200, 110}, {1, 200, 300}, {1, 1200, 900}} {
		a, b, c := random[float32](1, d[0], d[2], 0), random[float32](2, d[1], d[2], 0), NewMatrix[float32](d[0], d[1])
		bias := make([]float32, d[1])
		f := func() { GemmBias(NoTrans, Trans, 1, a, b, 0, c, bias, ReLUActivation) }
		f()
		require.Zero(t, testing.AllocsPerRun(20, f), "%v", d)
		require.Zero(t, allocs.PerCall(f), "%v on all processors", d)
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint8(7), uint8(17), uint8(9), uint8(1), uint8(3))
	f.Add(uint8(64), uint8(130), uint8(255), uint8(0), uint8(255))
	f.Fuzz(func(t *testing.T, m, n, k, gap, how uint8) {
		beta := float32(how>>4&1) * 0.5
		checkProduct(t, int(m), int(n), int(k), int(gap), how&1 == 1, how&2 == 2, 1, beta, how&4 == 4, Activation(how>>5&3),
			4e-6)
	})
}

// Few rows read B where it lies, in chunks if it is large, many pack it first, and rows that are pages apart are in
// between. What is done to sums when they are there must not depend on it either.
func TestGemmRowsDoNotDependOnOthers(t *testing.T) {
	t.Run("float32", testGemmRows[float32])
	t.Run("float64", testGemmRows[float64])
}

func testGemmRows[T Float](t *testing.T) {
	const most = 120
	shapes := [][2]int{{70, 33}, {520, 700}, {130, 2100}, {400, 400}, {512, 512}, {300, 1024}, {600, 1100}, {1100, 520}}
	if testing.Short() {
		shapes = shapes[:3]
	}
	for _, s := range shapes {
		k, n := s[0], s[1]
		a, b := random[T](1, most, k, 0), random[T](2, k, n, 3)
		for q, act := range []Activation{Identity, ReLUActivation, TanhActivation} {
			transA, alpha, beta := Transpose(q == 1), T(1-0.25*T(q)), T(q)/2
			var bias []T
			if q > 0 {
				bias = random[T](3, 1, n, 0).Data
			}
			product := func(rows int) []T {
				c := random[T](4, rows, n, 0)
				x := a.Slice(0, rows, 0, k)
				if transA {
					x = transposed(x)
				}
				GemmBias(transA, NoTrans, alpha, x, b, beta, c, bias, act)
				return c.Data
			}
			all := product(most)
			for _, rows := range []int{4, 10, 20, 48, 60} {
				require.Equal(t, all[:rows*n], product(rows), "%d rows of %dx%d, %v", rows, k, n, act)
			}
		}
	}
}

func transposed[T Float](a Matrix[T]) Matrix[T] {
	c := NewMatrix[T](a.Cols, a.Rows)
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			c.Row(j)[i] = v
		}
	}
	return c
}
