package tensor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Parameters are cut out of one array at random: as long as two that meet are the same, each is tied to the first over
// its memory, and otherwise there is an error.
func TestTied(t *testing.T) {
	ties, errors := 0, 0
	for seed := range uint64(2000) {
		r := Stream(seed)
		memory := make([]float32, 40)
		var params []*Param[float32]
		at := make([][2]int, 2+r.IntN(5))
		for i := range at {
			lo := r.IntN(len(memory))
			n := r.IntN(min(12, len(memory)-lo) + 1)
			if i > 0 && r.IntN(2) == 0 {
				lo, n = at[r.IntN(i)][0], at[r.IntN(i)][1]
				n = min(n, len(memory)-lo)
			}
			at[i] = [2]int{lo, n}
			params = append(params, &Param[float32]{Name: fmt.Sprint(i), Shape: []int{n}, Data: memory[lo : lo+n]})
		}
		want, partial := make([]int, len(at)), false
		for i, a := range at {
			want[i] = i
			for j := i - 1; j >= 0; j-- {
				b := at[j]
				switch meet := a[0] < b[0]+b[1] && b[0] < a[0]+a[1] && a[1] > 0 && b[1] > 0; {
				case meet && a == b:
					want[i] = j
				case meet:
					partial = true
				}
			}
		}
		first, err := Tied(params)
		if partial {
			errors++
			require.ErrorIs(t, err, ErrOverlap)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, first)
		for i := range first {
			if first[i] != i {
				ties++
				break
			}
		}
	}
	require.Greater(t, ties, 100)
	require.Greater(t, errors, 100)
}
