package stats

import (
	"cmp"
	"math"
	"slices"
)

// KendallTau is Kendall's rank correlation tau-b of x and y, which allows for ties, in O(n log n) (Knight 1966). The
// error wraps [tensor.ErrShape] if the lengths differ, [tensor.ErrEmpty] or [tensor.ErrNotFinite], [ErrTooFew] for a
// single value, and [ErrDegenerate] if x or y is constant.
func KendallTau(x, y []float64) (float64, error) {
	c := config{call: "stats: KendallTau"}
	if err := c.checkPairs("x", x, "y", y); err != nil {
		return 0, err
	}
	n := len(x)
	if n < 2 {
		return 0, c.errorf("%d value has no pairs: %w", n, ErrTooFew)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(x[i], x[j]), cmp.Compare(y[i], y[j])) })
	var tiedX, tiedBoth int64
	sorted := make([]float64, n)
	for i, at := range order {
		sorted[i] = y[at]
	}
	runs(n, func(i int) bool { return x[order[i]] == x[order[i-1]] }, &tiedX)
	runs(n, func(i int) bool { return x[order[i]] == x[order[i-1]] && sorted[i] == sorted[i-1] }, &tiedBoth)
	swaps := sortCounting(sorted, make([]float64, n))
	var tiedY int64
	runs(n, func(i int) bool { return sorted[i] == sorted[i-1] }, &tiedY)
	pairs := int64(n) * int64(n-1) / 2
	if tiedX == pairs || tiedY == pairs {
		return 0, c.errorf("all values are equal: %w", ErrDegenerate)
	}
	concordant := pairs - tiedX - tiedY + tiedBoth - 2*swaps
	return float64(concordant) / math.Sqrt(float64(pairs-tiedX)*float64(pairs-tiedY)), nil
}

// runs adds the pairs within runs of equal neighbours.
func runs(n int, same func(i int) bool, pairs *int64) {
	length := int64(1)
	for i := 1; i <= n; i++ {
		if i < n && same(i) {
			length++
			continue
		}
		*pairs += length * (length - 1) / 2
		length = 1
	}
}

// sortCounting sorts x and counts the pairs that were in the wrong order.
func sortCounting(x, scratch []float64) int64 {
	if len(x) < 2 {
		return 0
	}
	half := len(x) / 2
	swaps := sortCounting(x[:half], scratch[:half]) + sortCounting(x[half:], scratch[half:])
	a, b := x[:half], x[half:]
	merged := scratch[:0]
	for len(a) > 0 && len(b) > 0 {
		if b[0] < a[0] {
			swaps += int64(len(a))
			merged, b = append(merged, b[0]), b[1:]
		} else {
			merged, a = append(merged, a[0]), a[1:]
		}
	}
	merged = append(append(merged, a...), b...)
	copy(x, merged)
	return swaps
}
