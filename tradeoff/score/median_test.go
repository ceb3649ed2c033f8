package score

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor/stats"
)

func TestMedianTime(t *testing.T) {
	inf := math.Inf(1)
	for _, k := range []struct {
		times []stats.Lifetime
		want  float64
	}{
		{reachedAt(3), 3},
		{reachedAt(3, 1), 2},
		{[]stats.Lifetime{{Time: 3, Event: true}, {Time: 9}}, inf},
		{[]stats.Lifetime{{Time: 3, Event: true}, {Time: 9}, {Time: 1, Event: true}}, 3},
		{[]stats.Lifetime{{Time: 3}, {Time: 9}}, inf},
	} {
		got, err := MedianTime(k.times)
		require.NoError(t, err)
		require.Equal(t, k.want, got, "%v", k.times)
	}
}

func reachedAt(costs ...float64) []stats.Lifetime {
	times := make([]stats.Lifetime, len(costs))
	for i, c := range costs {
		times[i] = stats.Lifetime{Time: c, Event: true}
	}
	return times
}
