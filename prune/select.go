package prune

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// keepTop writes masks that prune the `prune` lowest of all scores together. Among equal scores at the threshold
// those of a lower position are kept, the order being that of the chunks. A score of +Inf means keep: to prune one is
// an error wrapping tensor.ErrNotFinite.
func keepTop[T tensor.Float](masks []*Mask, scores [][]T, prune, workers int) error {
	n := 0
	for _, s := range scores {
		n += len(s)
	}
	if prune <= 0 {
		for _, m := range masks {
			m.keepAll()
		}
		return nil
	}
	if prune >= n {
		for _, m := range masks {
			clear(m.words)
		}
		return nil
	}
	t, _, _, err := kth(scores, prune-1, workers) // the largest score of the pruned
	if err != nil {
		return err
	}
	if math.IsInf(float64(t), 1) {
		return fmt.Errorf("prune: more scores are +Inf than the %d elements that stay, and cannot be ranked: %w",
			n-prune, tensor.ErrNotFinite)
	}
	kept := 0
	for i, m := range masks {
		kept += keepAbove(m, scores[i], t, workers)
	}
	ties := n - prune - kept // elements equal to t that stay
	for i := 0; ties > 0; i++ {
		for j, s := range scores[i] {
			if s == t && ties > 0 {
				masks[i].Set(j, true)
				ties--
			}
		}
	}
	return nil
}

// selectGrain is the number of scores that one goroutine compares at a time, a multiple of 64.
const selectGrain = 1 << 16

// keepAbove keeps the scores above t and returns how many.
func keepAbove[T tensor.Float](m *Mask, x []T, t T, workers int) int {
	return keepIf(m, x, t, workers, aboveBits[T])
}

// aboveBits has a one for each of up to 64 elements that are larger than t.
func aboveBits[T tensor.Float](x []T, t T) (w uint64) {
	for j, v := range x {
		var bit uint64
		if v > t {
			bit = 1
		}
		w |= bit << (j & 63)
	}
	return w
}

// keepIf keeps what keep says of 64 elements at a time, and returns how many.
func keepIf[T tensor.Float](m *Mask, x []T, t T, workers int, keep func(x []T, t T) uint64) int {
	tensor.ParallelWorkers(workers, len(x), selectGrain, func(lo, hi int) {
		for ; lo < hi; lo += 64 {
			m.words[lo>>6] = keep(x[lo:min(lo+64, hi)], t)
		}
	})
	return m.Count()
}

// order sorts positions by score, the lowest first and among equals the higher position first: a prefix is what to
// prune. pruned positions, if any are known, come before all others.
func order(scores []float64, pruned func(i int) bool) []int {
	at := make([]int, len(scores))
	for i := range at {
		at[i] = i
	}
	gone := make([]bool, len(scores))
	for i := range gone {
		gone[i] = pruned != nil && pruned(i)
	}
	slices.SortFunc(at, func(a, b int) int {
		if gone[a] != gone[b] {
			if gone[a] {
				return -1
			}
			return 1
		}
		if c := cmp.Compare(scores[a], scores[b]); c != 0 && scores[a] != scores[b] {
			return c
		}
		return b - a
	})
	return at
}

// roundHalfEven is the number of n elements that a fraction of them means: the nearest, and the even one of two.
func roundHalfEven(fraction float64, n int) int {
	return max(0, min(n, int(math.RoundToEven(fraction*float64(n)))))
}

// negInf marks what is already pruned: it ranks below every other score.
func negInf[T tensor.Float](scores []T, prior *Mask) {
	low := T(math.Inf(-1))
	for i, w := range prior.words {
		for z := ^w; z != 0; z &= z - 1 {
			j := i<<6 + bits.TrailingZeros64(z)
			if j >= len(scores) {
				break
			}
			scores[j] = low
		}
	}
}
