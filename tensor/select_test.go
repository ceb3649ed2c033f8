package tensor

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// orders are inputs that have made quickselects quadratic.
var orders = map[string]func(i, n int) float64{
	"random":     func(i, n int) float64 { return Stream(7, uint64(i)).NormFloat64() },
	"increasing": func(i, n int) float64 { return float64(i) },
	"decreasing": func(i, n int) float64 { return float64(n - i) },
	"equal":      func(i, n int) float64 { return 1 },
	"few values": func(i, n int) float64 { return float64(i * 7919 % 3) },
	"organ pipe": func(i, n int) float64 { return float64(min(i, n-i)) },
	"sawtooth":   func(i, n int) float64 { return float64(i % 17) },
	"with NaN":   func(i, n int) float64 { return math.Sqrt(float64(i%11 - 3)) },
}

func TestSelect(t *testing.T) {
	for name, order := range orders {
		for _, n := range []int{1, 2, 16, 17, 100, 1001} {
			x := make([]float64, n)
			for i := range x {
				x[i] = order(i, n)
			}
			sorted := slices.Sorted(slices.Values(x))
			for _, k := range []int{0, n / 3, n / 2, n - 1} {
				y := slices.Clone(x)
				got := Select(y, k)
				require.True(t, got == sorted[k] || got != got && sorted[k] != sorted[k], "%s %d: k %d: %v, want %v",
					name, n, k, got, sorted[k])
				for i, v := range y {
					if i < k {
						require.False(t, v > got, "%s: larger before k", name)
					} else {
						require.False(t, v < got || v != v && got == got, "%s: smaller after k", name)
					}
				}
				slices.Sort(y)
				if name != "with NaN" {
					require.Equal(t, sorted, y, "%s: elements were lost", name)
				}
			}
		}
	}
	for _, k := range []int{-1, 3} {
		require.ErrorIs(t, panics(t, func() { Select(make([]float32, 3), k) }), ErrRange)
	}
}

func FuzzSelect(f *testing.F) {
	f.Add([]byte{3, 1, 2, 200, 7, 7, 7}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, k uint8) {
		if int(k) >= len(b) {
			t.Skip()
		}
		x := make([]float32, len(b))
		for i, v := range b {
			x[i] = float32(int8(v))
		}
		sorted := slices.Sorted(slices.Values(x))
		require.Equal(t, sorted[k], Select(x, int(k)))
		slices.Sort(x)
		require.Equal(t, sorted, x)
	})
}

func BenchmarkSelect(b *testing.B) {
	const n = 1 << 20
	x, y := make([]float32, n), make([]float32, n)
	r := Stream(1)
	for i := range x {
		x[i] = r.Float32()
	}
	b.ReportAllocs()
	for b.Loop() {
		copy(y, x)
		Select(y, n*9/10)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
}
