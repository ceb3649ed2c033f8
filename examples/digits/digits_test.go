package digits

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoad(t *testing.T) {
	s, err := Load()
	require.NoError(t, err)
	require.Equal(t, 1797, s.Len())
	require.Len(t, s.X, 1797*64)
	var count [Classes]int
	for _, y := range s.Y {
		count[y]++
	}
	require.Equal(t, [Classes]int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}, count)
	require.Zero(t, slices.Min(s.X))
	require.Equal(t, float32(1), slices.Max(s.X))
	require.Equal(t, []float32{0, 0, 5. / 16, 13. / 16, 9. / 16, 1. / 16, 0, 0}, s.X[:8],
		"the first row of the first image, a zero")
}

func TestSplit(t *testing.T) {
	s, err := Load()
	require.NoError(t, err)
	a, b := s.Split(1, 600)
	require.Equal(t, [2]int{600, 1197}, [2]int{a.Len(), b.Len()})
	again, _ := s.Split(1, 600)
	require.Equal(t, a, again, "the same seed gives the same split")
	other, _ := s.Split(2, 600)
	require.NotEqual(t, a.Y, other.Y)

	// Together they are the whole set: every image is in one of them.
	key := func(s Set, i int) string {
		b := make([]byte, 0, 65)
		for _, v := range s.X[i*64 : (i+1)*64] {
			b = append(b, byte(v*16))
		}
		return string(append(b, byte(s.Y[i])))
	}
	left := map[string]int{}
	for i := range s.Len() {
		left[key(s, i)]++
	}
	for _, part := range []Set{a, b} {
		for i := range part.Len() {
			left[key(part, i)]--
		}
	}
	for _, n := range left {
		require.Zero(t, n)
	}
}
