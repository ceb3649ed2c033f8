package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/cpu"
)

const sentinel = 12345

// tileCase is one call of Tiles.
type tileCase struct {
	mr, width, cols, tiles, kc int
	rows                       bool // as one call of Rows
	trans                      bool // A is read down its columns
	gapA, gapB, gapC           int
	flags                      int
	bias                       bool
	integers                   bool // small enough for every sum to be exact
	seed                       uint64
}

func (c tileCase) String() string { return fmt.Sprintf("%+v", struct{ tileCase }{c}) }

func (c tileCase) fill(n int) []float64 {
	r := rand.New(rand.NewPCG(c.seed, uint64(n)))
	v := make([]float64, n)
	for i := range v {
		if c.integers {
			v[i] = float64(r.IntN(17) - 8)
		} else {
			v[i] = 2*r.Float64() - 1
		}
	}
	return v
}

func convert[T float](v []float64) []T {
	out := make([]T, len(v))
	for i := range v {
		out[i] = T(v[i])
	}
	return out
}

// run compares Tiles with its twin, elements outside the tiles included.
func run[T float](t *testing.T, c tileCase) {
	rows := c.mr * c.tiles
	ars, acs := max(c.kc, 1)+c.gapA, 1
	sizeA := rows * ars
	if c.trans {
		ars, acs = 1, rows+c.gapA
		sizeA = max(c.kc, 1) * acs
	}
	brs, ldc := c.width+c.gapB, c.cols+c.gapC
	a, b := convert[T](c.fill(sizeA)), convert[T](c.fill(max(c.kc, 1)*brs))
	for i := range b { // columns that do not exist hold anything
		if i%brs >= c.cols {
			b[i] = T(math.NaN())
		}
	}
	const margin = 32
	got := convert[T](c.fill(rows*ldc + 2*margin))
	for i := range got {
		if j := i - margin; j < 0 || j >= rows*ldc || j%ldc >= c.cols {
			got[i] = sentinel
		}
	}
	want := append([]T(nil), got...)
	alpha := T(1)
	if c.flags&Scale != 0 {
		alpha = -0.5
	}
	var bias *T
	if c.bias {
		v := convert[T](c.fill(2 * c.cols))
		for i := c.cols; i < len(v); i++ {
			v[i] = T(math.NaN())
		}
		bias = &v[0]
	}
	if c.rows {
		Rows(rows, c.width, c.cols, c.kc, &a[0], ars, acs, &b[0], brs, &got[margin], ldc, alpha, c.flags, bias, &b[0])
	} else {
		Tiles(c.mr, c.width, c.cols, c.tiles, c.kc, &a[0], ars, acs, &b[0], brs, &got[margin], ldc, alpha, c.flags, bias,
			&b[0])
	}
	tilesGo(c.mr, c.cols, c.tiles, c.kc, &a[0], ars, acs, &b[0], brs, &want[margin], ldc, alpha, c.flags, bias)
	tolerance := 0.0
	if !c.integers { // inputs are at most one
		tolerance = epsilon[T]() * float64(c.kc+4) * float64(c.kc+2)
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			t.Fatalf("%T %v: c[%d] of a tile with stride %d is %v, the twin has %v", alpha, c, i-margin, ldc, got[i], want[i])
		}
	}
}

func epsilon[T float]() float64 {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return 1.0 / (1 << 23)
	}
	return 1.0 / (1 << 52)
}

// vary chooses at random what a table does not enumerate.
func vary(r *rand.Rand, c tileCase) tileCase {
	c.rows = r.IntN(2) == 1
	c.tiles = 1 + r.IntN(3)
	c.trans = r.IntN(2) == 1
	c.gapA, c.gapB, c.gapC = r.IntN(4), r.IntN(4), r.IntN(4)
	c.flags = r.IntN(16)
	c.bias = r.IntN(2) == 1
	c.integers = r.IntN(2) == 1
	c.seed = r.Uint64()
	return c
}

func testTiles[T float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	nr := NR[T]()
	for mr := 1; mr <= MR; mr++ {
		for _, width := range []int{nr / 2, nr} {
			for cols := 1; cols <= width; cols++ {
				for kc := 0; kc <= 40; kc++ {
					run[T](t, vary(r, tileCase{mr: mr, width: width, cols: cols, kc: kc}))
				}
			}
			for flags := range 16 {
				for bias := range 2 {
					for _, cols := range []int{width - 1, width} {
						c := vary(r, tileCase{mr: mr, width: width, cols: cols, kc: 9})
						c.flags, c.bias = flags, bias == 1
						run[T](t, c)
					}
				}
			}
		}
	}
}

func TestTiles(t *testing.T) {
	t.Run("float32", testTiles[float32])
	t.Run("float64", testTiles[float64])
}

func TestRows(t *testing.T) {
	t.Run("float32", testRows[float32])
	t.Run("float64", testRows[float64])
}

// testRows checks every number of rows up to two of the highest tiles, with every instruction set there is.
func testRows[T float](t *testing.T) {
	defer func(has bool) { cpu.AVX512 = has }(cpu.AVX512)
	nr := NR[T]()
	for _, most := range []bool{cpu.AVX512, false} {
		cpu.AVX512 = most
		r := rand.New(rand.NewPCG(3, 4))
		for rows := 1; rows <= 25; rows++ {
			for _, width := range []int{nr / 2, nr} {
				for cols := 1; cols <= width; cols++ {
					c := vary(r, tileCase{mr: 1, width: width, cols: cols, kc: r.IntN(20)})
					c.rows, c.tiles = true, rows
					run[T](t, c)
				}
			}
		}
	}
}

// TestTilesRectify checks that NaN is not taken for a negative number, and infinities.
func TestTilesRectify(t *testing.T) {
	t.Run("float32", testTilesRectify[float32])
	t.Run("float64", testTilesRectify[float64])
}

func testTilesRectify[T float](t *testing.T) {
	nr := NR[T]()
	nan, inf := T(math.NaN()), T(math.Inf(1))
	for _, cols := range []int{nr, nr - 1, nr / 2, nr/2 - 1} {
		width := nr
		if cols <= nr/2 {
			width = nr / 2
		}
		a := []T{1, nan, inf, -inf, 0, -1}
		b, c := make([]T, width), make([]T, MR*cols)
		for j := range b {
			b[j] = T(j + 1)
		}
		Tiles(MR, width, cols, 1, 1, &a[0], 1, 1, &b[0], width, &c[0], cols, 1, Rectify, nil, &b[0])
		for j := range cols {
			require.Equal(t, T(j+1), c[j])
			require.True(t, c[cols+j] != c[cols+j], "NaN became %v", c[cols+j])
			require.Equal(t, inf, c[2*cols+j])
			require.Equal(t, []T{0, 0, 0}, []T{c[3*cols+j], c[4*cols+j], c[5*cols+j]})
		}
	}
}

func FuzzTiles(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(15), uint8(9), uint8(7))
	f.Add(uint64(2), uint8(0), uint8(0), uint8(0), uint8(0))
	f.Add(uint64(3), uint8(3), uint8(6), uint8(255), uint8(4))
	f.Fuzz(func(t *testing.T, seed uint64, mr, cols, kc, flags uint8) {
		r := rand.New(rand.NewPCG(seed, 3))
		fuzzTiles[float32](t, r, mr, cols, kc, flags)
		fuzzTiles[float64](t, r, mr, cols, kc, flags)
	})
}

func fuzzTiles[T float](t *testing.T, r *rand.Rand, mr, cols, kc, flags uint8) {
	nr := NR[T]()
	c := vary(r, tileCase{mr: 1 + int(mr)%MR, cols: 1 + int(cols)%nr, kc: int(kc), width: nr})
	if c.cols <= nr/2 && r.IntN(2) == 0 {
		c.width = nr / 2
	}
	c.flags = int(flags) % 16
	run[T](t, c)
}

func TestPackTransposed(t *testing.T) {
	t.Run("float32", testPackTransposed[float32])
	t.Run("float64", testPackTransposed[float64])
}

func testPackTransposed[T float](t *testing.T) {
	for _, width := range []int{NR[T]() / 2, NR[T]()} {
		for cols := 1; cols <= width; cols++ {
			for kc := 0; kc <= 130; kc++ {
				ldb := kc + cols%4
				b := convert[T](tileCase{seed: 4}.fill(cols*ldb + 1))
				got := make([]T, kc*width+32)
				for i := range got {
					got[i] = sentinel
				}
				want := append([]T(nil), got...)
				PackTransposed(kc, width, cols, b, ldb, got)
				packTransposed(kc, width, cols, b, ldb, want)
				if !equal(got, want) {
					t.Fatalf("kc %d, width %d, cols %d: got %v, want %v", kc, width, cols, got, want)
				}
				if kc == 0 {
					continue
				}
				ldb = cols + cols%4
				rows := convert[T](tileCase{seed: 5}.fill(kc * ldb))
				Pack(kc, width, cols, rows, ldb, got)
				pack(kc, width, cols, rows, ldb, want)
				if !equal(got, want) {
					t.Fatalf("Pack: kc %d, width %d, cols %d: got %v, want %v", kc, width, cols, got, want)
				}
			}
		}
	}
}

func equal[T float](x, y []T) bool {
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return len(x) == len(y)
}

func TestGemv(t *testing.T) {
	t.Run("float32", testGemv[float32])
	t.Run("float64", testGemv[float64])
}

func testGemv[T float](t *testing.T) {
	for cols := 1; cols <= 130; cols++ {
		for _, rows := range []int{0, 4, 12} {
			for q := range 8 {
				integers, beta, gap := q&1 == 1, []T{0, 1, -2, 3}[q/2], q%4
				c := tileCase{seed: uint64(cols), integers: integers}
				lda := cols + gap
				a, x := convert[T](c.fill(rows*lda+cols)), convert[T](c.fill(cols+rows))
				frame := func(n int) []T { // sentinels behind what may be written
					y := convert[T](c.fill(n + 16))
					for i := n; i < len(y); i++ {
						y[i] = sentinel
					}
					return y
				}
				got := frame(rows)
				want := append([]T(nil), got...)
				if beta == 0 && rows > 0 {
					got[0], want[0] = T(math.NaN()), T(math.NaN()) // must not be read
				}
				Gemv(rows, cols, 2, a, lda, x, beta, got)
				gemvGo(rows, cols, 2, a, lda, x, beta, want)
				near(t, got, want, 3*cols, integers)

				got = frame(cols)
				want = append([]T(nil), got...)
				GemvTrans(rows, cols, 2, a, lda, x, got)
				gemvTransGo(rows, cols, 2, a, lda, x, want[:cols])
				near(t, got, want, 3*rows+1, integers)
			}
		}
	}
}

// near compares sums of n products of numbers that are at most one, or of small integers.
func near[T float](t *testing.T, got, want []T, n int, integers bool) {
	t.Helper()
	tolerance := 0.0
	if !integers {
		tolerance = epsilon[T]() * float64(n) * float64(n+1)
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			t.Fatalf("%T: element %d of %d is %v, the twin has %v", want[i], i, len(want), got[i], want[i])
		}
	}
}
