package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// once is x*y + z of the exact numbers, rounded once.
func once(x, y, z float32) float32 {
	sum := float64(x)*float64(y) + float64(z)
	if math.IsNaN(sum) || math.IsInf(sum, 0) || sum == 0 { // zero: the sign is that of the sum of the terms
		return float32(sum)
	}
	p := new(big.Float).SetPrec(1000).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
	v, _ := p.Add(p, big.NewFloat(float64(z))).Float32()
	return v
}

func TestFusedRoundsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tiny, up := math.Float32frombits(1), math.Nextafter32(1, 2)
	cases := [][3]float32{
		{1, 1 + 0x1p-23, 0x1p-24}, {4097, 4097, 0x1p-30}, {4097, 4097, -0x1p-30}, // halfway, then not quite
		{0x1p-80, 0x1p-70, tiny}, {0x1.8p-75, 0x1p-75, tiny}, {-0x1.8p-75, 0x1p-75, tiny},
		{tiny, 0.5, 0}, {tiny, 0.5, tiny}, {tiny, up / 2, 0}, {math.MaxFloat32, 2, -math.MaxFloat32},
		{math.MaxFloat32, up, 0},
	}
	for range 40_000 {
		x := float32(rng.IntN(1<<20) - 1<<19)
		y := math.Float32frombits(uint32(rng.IntN(40)+90)<<23 | rng.Uint32()>>9)
		z := float32(rng.NormFloat64()) * float32(math.Ldexp(1, rng.IntN(60)-40))
		if rng.IntN(2) == 0 { // make halfway likely: few bits
			y, z = math.Float32frombits(math.Float32bits(y)&^(1<<12-1)), math.Float32frombits(math.Float32bits(z)&^(1<<12-1))
		}
		cases = append(cases, [3]float32{x, y, z})
	}
	twice := 0
	for _, c := range cases {
		want := once(c[0], c[1], c[2])
		require.Equal(t, math.Float32bits(want), math.Float32bits(fused(c[0], c[1], c[2])), "%v", c)
		if float32(float64(c[0])*float64(c[1])+float64(c[2])) != want {
			twice++
		}
	}
	require.Positive(t, twice, "no case tells one rounding from two")
}
