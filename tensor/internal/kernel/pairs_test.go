package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// runPairs compares Pairs with the twin of tiles on each panel, elements outside included. c.cols is of the second.
func runPairs[T float](t *testing.T, c tileCase) {
	nr, rows := NR[T](), c.mr
	ars, acs := max(c.kc, 1)+c.gapA, 1
	sizeA := rows * ars
	if c.trans {
		ars, acs = 1, rows+c.gapA
		sizeA = max(c.kc, 1) * acs
	}
	brs, ldc := nr+c.gapB, nr+c.cols+c.gapC
	a := convert[T](c.fill(sizeA))
	var b [2][]T
	for k := range b {
		c.seed++
		b[k] = convert[T](c.fill(max(c.kc, 1) * brs))
		for i := range b[k] { // columns that do not exist hold anything
			if i%brs >= []int{nr, c.cols}[k] {
				b[k][i] = T(math.NaN())
			}
		}
	}
	const margin = 64
	got := convert[T](c.fill(rows*ldc + 2*margin))
	for i := range got {
		if j := i - margin; j < 0 || j >= rows*ldc || j%ldc >= nr+c.cols {
			got[i] = sentinel
		}
	}
	want := slices.Clone(got)
	alpha := T(1)
	if c.flags&Scale != 0 {
		alpha = -0.5
	}
	var bias, bias1 *T
	if c.bias {
		v := convert[T](c.fill(4 * nr))
		for i := nr + c.cols; i < len(v); i++ {
			v[i] = T(math.NaN())
		}
		bias, bias1 = &v[0], &v[nr]
	}
	Pairs(rows, c.cols, c.kc, &a[0], ars, acs, &b[0][0], &b[1][0], brs, &got[margin], ldc, alpha, c.flags, bias, &b[0][0])
	for i := range rows { // the twin holds no more than six rows
		at, to := offset(&a[0], i*ars), margin+i*ldc
		tilesGo(1, nr, 1, c.kc, at, ars, acs, &b[0][0], brs, &want[to], ldc, alpha, c.flags, bias)
		tilesGo(1, c.cols, 1, c.kc, at, ars, acs, &b[1][0], brs, &want[to+nr], ldc, alpha, c.flags, bias1)
	}
	tolerance := 0.0
	if !c.integers {
		tolerance = epsilon[T]() * float64(c.kc+4) * float64(c.kc+2)
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			t.Fatalf("%T %v: c[%d] with stride %d is %v, the twin has %v", alpha, c, i-margin, ldc, got[i], want[i])
		}
	}
}

func testPairs[T float](t *testing.T) {
	if !Paired() {
		t.Skip("no AVX-512")
	}
	r := rand.New(rand.NewPCG(7, 8))
	for rows := 1; rows <= 44; rows++ { // up to more than three of the highest tiles
		for cols := 1; cols <= NR[T](); cols++ {
			c := vary(r, tileCase{kc: r.IntN(24), cols: cols})
			c.mr = rows
			runPairs[T](t, c)
		}
		for flags := range 16 {
			c := vary(r, tileCase{kc: 9, cols: 1 + r.IntN(NR[T]())})
			c.mr, c.flags, c.bias = rows, flags, flags%3 == 0
			runPairs[T](t, c)
		}
	}
}

func TestPairs(t *testing.T) {
	t.Run("float32", testPairs[float32])
	t.Run("float64", testPairs[float64])
}

// NaN is not taken for a negative number, in either panel.
func TestPairsRectify(t *testing.T) {
	if !Paired() {
		t.Skip("no AVX-512")
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	a, b, c := []float32{1, nan, inf, -inf, 0, -1}, make([]float32, 16), make([]float32, 6*32)
	for j := range b {
		b[j] = float32(j + 1)
	}
	Pairs(6, 16, 1, &a[0], 1, 1, &b[0], &b[0], 16, &c[0], 32, 1, Rectify, nil, &b[0])
	for j := range 32 {
		require.Equal(t, float32(j%16+1), c[j])
		require.True(t, c[32+j] != c[32+j], "NaN became %v", c[32+j])
		require.Equal(t, inf, c[64+j])
		require.Equal(t, []float32{0, 0, 0}, []float32{c[96+j], c[128+j], c[160+j]})
	}
}

func TestPackFour(t *testing.T) {
	for _, kc := range []int{0, 1, 2, 7, 64} {
		for _, ldb := range []int{64, 67, 1024} {
			b, dst := make([]float32, max(kc, 1)*ldb+64), make([]float32, 64*kc+32)
			for i := range b {
				b[i] = float32(i)
			}
			for i := range dst {
				dst[i] = sentinel
			}
			if !PackFour(kc, b, ldb, dst) {
				require.NotContains(t, dst, float32(0), "touched")
				continue
			}
			for q := range 4 {
				for p := range kc {
					require.Equal(t, b[p*ldb+q*16:][:16], dst[(q*kc+p)*16:][:16])
				}
			}
			require.Equal(t, slices.Repeat([]float32{sentinel}, 32), dst[64*kc:])
		}
	}
}

func FuzzPairs(f *testing.F) {
	f.Add(uint64(1), uint8(13), uint8(15), uint8(9), uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, rows, cols, kc, flags uint8) {
		if !Paired() {
			t.Skip("no AVX-512")
		}
		c := vary(rand.New(rand.NewPCG(seed, 1)), tileCase{kc: int(kc) % 80, cols: 1 + int(cols)%16})
		c.mr, c.flags = 1+int(rows)%60, int(flags)%8
		runPairs[float32](t, c)
		c.cols = 1 + c.cols%8
		runPairs[float64](t, c)
	})
}

// Tiles below each other whose panels and rows stay near: what the kernel does at most.
func BenchmarkPairs(b *testing.B) {
	if !Paired() {
		b.Skip("no AVX-512")
	}
	const rows, kc, stride = 7 * HighestPair, 512, 528
	x, w, c := make([]float32, rows*stride), make([]float32, 32*kc), make([]float32, rows*32)
	b.ReportAllocs()
	for b.Loop() {
		Pairs(rows, 16, kc, &x[0], stride, 1, &w[0], &w[16*kc], 16, &c[0], 32, 1, 0, nil, &w[0])
	}
	b.ReportMetric(2*32*rows*kc*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
