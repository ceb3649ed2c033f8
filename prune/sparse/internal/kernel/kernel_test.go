package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/cpu"
)

// paths runs f with every kind of kernel that this processor has.
func paths(f func(name string)) {
	defer func(avx2, avx512 bool) { cpu.AVX2, cpu.AVX512 = avx2, avx512 }(cpu.AVX2, cpu.AVX512)
	avx2, avx512 := cpu.AVX2, cpu.AVX512
	if avx512 {
		f("AVX-512")
	}
	if cpu.AVX512 = false; avx2 {
		f("AVX2")
	}
	cpu.AVX2 = false
	f("Go")
}

// odd is a number that is sometimes huge, tiny, zero or not finite.
func odd[T float](rng *rand.Rand) T {
	switch rng.IntN(24) {
	case 0:
		return T(math.Ldexp(rng.NormFloat64(), -140))
	case 1:
		return T(math.Ldexp(rng.NormFloat64(), 120))
	case 2:
		return 0
	case 3:
		return T(math.Float64frombits(rng.Uint64()))
	case 4:
		return T(rng.IntN(9) - 4)
	}
	return T(rng.NormFloat64())
}

func bitsOf[T float](x []T) []uint64 {
	b := make([]uint64, len(x))
	for i, v := range x {
		if b[i] = math.Float64bits(float64(v)); v != v {
			b[i] = 1 // which of several NaN goes on is not defined
		}
	}
	return b
}

func checkPanel[T float](t testing.TB, seed uint64, bytes, rows, columns, most int, number func(*rand.Rand) T) {
	rng := rand.New(rand.NewPCG(seed, 7))
	lanes := bytes / int(unsafe.Sizeof(T(0)))
	var heads, offsets []uint16
	var values []T
	for _, i := range rng.Perm(rows) {
		count := rng.IntN(most + 1)
		heads = append(heads, uint16(i), uint16(count))
		for range count {
			offsets = append(offsets, uint16(rng.IntN(columns)*OffsetUnit))
			values = append(values, number(rng))
		}
	}
	x, y := make([]T, columns*lanes), make([]T, (rows+2)*lanes)
	for i := range x {
		x[i] = number(rng)
	}
	for i := range y {
		y[i] = number(rng)
	}
	for _, first := range []bool{false, true} {
		want := append([]T(nil), y...)
		at := 0
		for k := 0; k < len(heads); k += 2 {
			for l := range lanes {
				i := int(heads[k])*lanes + l
				if first {
					want[lanes+i] = 0
				}
				for e := range int(heads[k+1]) {
					want[lanes+i] = T(exact(values[at+e], x[int(offsets[at+e])/OffsetUnit*lanes+l], want[lanes+i]))
				}
			}
			at += int(heads[k+1])
		}
		paths(func(name string) {
			got := append([]T(nil), y...)
			Panel(lanes, heads, offsets, values, x, got[lanes:len(got)-lanes], first)
			require.Equal(t, bitsOf(want), bitsOf(got), "%s, %d lanes, %d rows, %d columns, first %v", name, lanes, rows,
				columns, first)
		})
	}
}

// exact is a fused multiply-add by another way than the kernel's.
func exact[T float](x, y, z T) T {
	if unsafe.Sizeof(x) == 8 {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	p := float64(x) * float64(y)
	if s := p + float64(z); s-s != 0 || p == 0 || z == 0 {
		return T(s) // exact, or not finite
	}
	wide := new(big.Float).SetPrec(600).SetFloat64(p)
	sum, _ := wide.Add(wide, big.NewFloat(float64(z))).Float32()
	if sum == 0 && p == -float64(z) {
		return 0 // and not -0, which big.Float does not tell apart
	}
	return T(sum)
}

func TestPanel(t *testing.T) {
	for _, bytes := range []int{32, 64, 128, 256} {
		for _, rows := range []int{0, 1, 2, 3, 5, 8, 13} {
			seed := uint64(bytes*100 + rows)
			checkPanel(t, seed, bytes, rows, 1+rows*7, rows, odd[float32])
			checkPanel(t, seed, bytes, rows, 1+rows*7, rows, odd[float64])
		}
		checkPanel(t, 1, bytes, 3, MostColumns, 130, odd[float32])
		checkPanel(t, 1, bytes, 3, MostColumns, 130, odd[float64])
	}
}

func FuzzPanel(f *testing.F) {
	f.Add(uint64(1), uint8(2), uint8(9), uint16(130), uint8(20))
	f.Fuzz(func(t *testing.T, seed uint64, width, rows uint8, columns uint16, most uint8) {
		bytes, c := 32<<(width%4), 1+int(columns)%MostColumns
		checkPanel(t, seed, bytes, int(rows)%32, c, int(most)%64, odd[float32])
		checkPanel(t, seed, bytes, int(rows)%32, c, int(most)%64, odd[float64])
	})
}

func TestAddScaled(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	check := func(x, y, z float32) {
		got, want := []float32{z}, exact(x, y, z)
		addScaled(got, x, []float32{y})
		require.Equal(t, bitsOf([]float32{want}), bitsOf(got), "%v*%v + %v", x, y, z)
	}
	for range 30000 {
		x := odd[float32](rng)
		check(x, odd[float32](rng), odd[float32](rng))
		// products of half a unit in the last place, or nearly, which are what two roundings get wrong
		z := float32(math.Ldexp(1+float64(rng.IntN(1<<23))/(1<<23), rng.IntN(40)-20))
		half := float32(math.Ldexp(float64(z), -24) / float64(z) * math.Exp2(math.Floor(math.Log2(float64(z)))))
		check(half, 1+float32(rng.IntN(3)-1)/(1<<23), z)
		check(half, -1-float32(rng.IntN(3)-1)/(1<<23), z)
		small := math.Float32frombits(rng.Uint32N(1 << 24))
		check(float32(math.Ldexp(1+rng.Float64(), -75)), float32(math.Ldexp(1+rng.Float64(), -75)), small)
	}
	// 2^-127 + 2^-150 + 2^-198: the first rounding drops the last term and leaves a tie
	check(math.Float32frombits(0x3f800001)*0x1p-75, math.Float32frombits(0x3f800001)*0x1p-75, 0x1p-127)
}

func checkTranspose[T float](t testing.TB, rows, columns, gap int) {
	paths(func(name string) {
		size := int(unsafe.Sizeof(T(0)))
		for _, bytes := range []int{32, 64, 128, 256} {
			lanes := bytes / size
			live := min(rows, lanes)
			x := make([]T, live*(columns+gap)+1)
			for i := range x {
				x[i] = T(i + 1)
			}
			tile := make([]T, columns*lanes+1)
			for i := range tile {
				tile[i] = -1
			}
			Pack(lanes, live, columns, tile[:columns*lanes], x, columns+gap)
			for j := range columns {
				for l := range lanes {
					want := T(0)
					if l < live {
						want = x[l*(columns+gap)+j]
					}
					require.Equal(t, want, tile[j*lanes+l], "%s: Pack of %dx%d into %d lanes", name, live, columns, lanes)
				}
			}
			require.Equal(t, T(-1), tile[columns*lanes])
			back := make([]T, len(x))
			Unpack(columns, lanes, live, back, columns+gap, tile[:columns*lanes])
			for i := range back {
				want := x[i]
				if i%(columns+gap) >= columns || i/(columns+gap) >= live {
					want = 0 // untouched
				}
				require.Equal(t, want, back[i], "%s: Unpack of %dx%d from %d lanes", name, columns, live, lanes)
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	for _, rows := range []int{1, 3, 4, 7, 8, 9, 17, 64} {
		for _, columns := range []int{1, 3, 4, 8, 15} {
			for gap := range 2 {
				checkTranspose[float32](t, rows, columns, gap)
				checkTranspose[float64](t, rows, columns, gap)
			}
		}
	}
}
