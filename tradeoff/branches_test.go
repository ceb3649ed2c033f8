package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Runs of 2 to 64 epochs that decay over their last fifth: the trunk ends where the longest leaves it.
func TestBranchesCosts(t *testing.T) {
	var b Branches
	for epochs := 2.0; epochs <= 64; epochs *= 2 {
		b = append(b, Branch{Fork: 0.8 * epochs, Decay: 0.2 * epochs, Quality: epochs / 100})
	}
	require.InDelta(t, 76.4, b.Cost(), 1e-12)
	require.InDelta(t, 126, b.SeparateCost(), 1e-12)
	c, err := b.Curve(HigherBetter)
	require.NoError(t, err)
	require.Equal(t, 6, c.Len())
	for i, p := range c.Points() {
		require.InDelta(t, math.Pow(2, float64(i+1)), p.Cost, 1e-12)
		require.Equal(t, b[i].Quality, p.Quality)
	}
	require.Zero(t, Branches(nil).Cost())
	require.Zero(t, Branches(nil).SeparateCost())
}

func TestBranchesRefuse(t *testing.T) {
	for _, k := range []struct {
		b    Branches
		want error
	}{
		{nil, tensor.ErrEmpty},
		{Branches{{0, 0, 1}}, tensor.ErrRange},
		{Branches{{-1, 2, 1}}, tensor.ErrRange},
		{Branches{{1, 2, 1}, {math.NaN(), 2, 1}}, tensor.ErrRange},
		{Branches{{math.Inf(1), 2, 1}}, tensor.ErrRange},
		{Branches{{1, math.Inf(1), 1}}, tensor.ErrRange},
		{Branches{{1, 1, math.Inf(1)}}, tensor.ErrNotFinite},
		{Branches{{1, 1, math.NaN()}}, tensor.ErrNotFinite},
	} {
		_, err := k.b.Curve(HigherBetter)
		require.ErrorIs(t, err, k.want, "%v", k.b)
	}
}
