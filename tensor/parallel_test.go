package tensor

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
)

func TestParallelBlocks(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7} {
		for _, n := range []int{-3, 0, 1, 9, 10, 11, 100} {
			var mu sync.Mutex
			var blocks [][2]int
			ParallelWorkers(workers, n, 10, func(lo, hi int) {
				mu.Lock()
				defer mu.Unlock()
				blocks = append(blocks, [2]int{lo, hi})
			})
			slices.SortFunc(blocks, func(a, b [2]int) int { return a[0] - b[0] })
			var want [][2]int
			for lo := 0; lo < n; lo += 10 {
				want = append(want, [2]int{lo, min(lo+10, n)})
			}
			require.Equal(t, want, blocks, "%d elements on %d workers", n, workers)
		}
	}
	require.ErrorIs(t, panics(t, func() { Parallel(1, 0, func(lo, hi int) {}) }), ErrRange)
}

func TestParallelNests(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var count atomic.Int64
	Parallel(16, 1, func(lo, hi int) {
		Parallel(16, 1, func(lo, hi int) {
			Parallel(4, 1, func(lo, hi int) { count.Add(1) })
		})
	})
	require.EqualValues(t, 16*16*4, count.Load())
	require.Zero(t, busy.Load(), "helpers are given back")
}

func TestParallelPassesPanicsOn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for range 20 {
		require.PanicsWithValue(t, "block 3", func() {
			Parallel(8, 1, func(lo, hi int) {
				if lo == 3 {
					panic("block 3")
				}
			})
		})
	}
	require.Zero(t, busy.Load())
	ran := false
	Parallel(1, 1, func(lo, hi int) { ran = true })
	require.True(t, ran, "works after a panic")
}

func TestParallelLeavesNoGoroutine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	before := runtime.NumGoroutine()
	for range 100 {
		Parallel(64, 1, func(lo, hi int) { runtime.Gosched() })
	}
	for wait := 0; runtime.NumGoroutine() > before && wait < 1000; wait++ { // a goroutine that is done may not be gone yet
		time.Sleep(time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestParallelDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop objects under the race detector")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	f := func(lo, hi int) {}
	Parallel(10, 1, f)
	require.Zero(t, allocs.PerCall(func() { Parallel(10, 1, f) }))
}

func TestStream(t *testing.T) {
	first := func(seed uint64, ids ...uint64) uint64 { return Stream(seed, ids...).Uint64() }
	require.Equal(t, first(1, 2, 3), first(1, 2, 3))
	// Keys are told apart by seed, by value, by order and by number.
	seen := map[uint64]bool{}
	keys := [][]uint64{{0}, {1}, {0, 0}, {0, 1}, {1, 0}, {0, 0, 0}, {1, 1}, {1 << 63}, {^uint64(0)}, {^uint64(0), 0}}
	for _, k := range keys {
		seen[first(k[0], k[1:]...)] = true
	}
	require.Len(t, seen, len(keys))
	// The draws belong to the format: they are the same on every architecture and in every version.
	require.Equal(t, []uint64{first(0), first(1, 2, 3)}, []uint64{streamOfZero, streamOfOneTwoThree})
	// Neighbouring streams are not correlated.
	var sum float64
	const n = 20000
	for i := range uint64(n) {
		sum += (Stream(5, i).Float64() - 0.5) * (Stream(5, i+1).Float64() - 0.5)
	}
	require.InDelta(t, 0, sum*12/n, 4/141.0) // four standard errors
}

const (
	streamOfZero        = 0x5c89e91ccca866da
	streamOfOneTwoThree = 0x5d4275c2bb303040
)

// In a bubble of package synctest clocks stand still.
func TestParallelInABubble(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	work := func() {
		var n atomic.Int64
		for range 20 {
			Parallel(64, 1, func(lo, hi int) { n.Add(int64(hi - lo)) })
		}
		require.EqualValues(t, 20*64, n.Load())
		a, c := NewMatrix[float32](300, 600), NewMatrix[float32](300, 300)
		Gemm(NoTrans, Trans, 1, a, a, 0, c)
	}
	work()
	synctest.Test(t, func(*testing.T) { work() })
	work()
}
