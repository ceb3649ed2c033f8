package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/internal/cpu"
	"github.com/stretchr/testify/require"
)

func TestClear(t *testing.T) {
	defer func(was bool) { cpu.AVX2 = was }(cpu.AVX2)
	for _, avx2 := range []bool{false, cpu.AVX2} {
		cpu.AVX2 = avx2
		for n := range 300 {
			for _, density := range []float64{0, 0.02, 0.5, 0.98, 1} {
				check[uint32](t, n, uint64(n), density)
				check[uint64](t, n, uint64(n), density)
			}
		}
	}
}

// check clears n elements between two that must stay, which need not be aligned.
func check[U uint32 | uint64](t testing.TB, n int, seed uint64, density float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	words := make([]uint64, (n+63)/64+1)
	x, want := make([]U, n+2), make([]U, n+2)
	for i := range x {
		x[i] = U(rng.Uint64() | 1)
		want[i] = x[i]
	}
	for i := range n {
		if rng.Float64() < density {
			words[i/64] |= 1 << (i % 64)
		} else {
			want[1+i] = 0
		}
	}
	Clear(words, x[1:1+n])
	require.Equal(t, want, x, "%d elements, density %v", n, density)
}

func FuzzClear(f *testing.F) {
	f.Add(uint16(130), uint64(1), 0.5)
	f.Fuzz(func(t *testing.T, n uint16, seed uint64, density float64) {
		check[uint32](t, int(n)%2000, seed, density)
		check[uint64](t, int(n)%2000, seed, density)
	})
}
