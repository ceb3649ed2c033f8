package together_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/together"
)

func TestRun(t *testing.T) {
	for range 100 {
		var here atomic.Int64
		got := make([]int, 5)
		together.Run(len(got), func(i int) {
			for here.Add(1); here.Load() < 5; { // would hang if one were waited for before the next begins
				time.Sleep(time.Microsecond)
			}
			got[i] = i + 1
		})
		require.Equal(t, []int{1, 2, 3, 4, 5}, got)
	}
	together.Run(0, func(int) { t.Error("called") })
}

func TestClash(t *testing.T) {
	var c together.Clash
	require.False(t, c.Enter(0))
	require.False(t, c.Enter(time.Millisecond))
	got := make([]bool, 2)
	together.Run(2, func(i int) { got[i] = c.Enter(time.Minute) })
	require.Equal(t, []bool{true, true}, got)
	require.False(t, c.Enter(time.Millisecond))
}
