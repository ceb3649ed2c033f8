package tensor

import (
	"cmp"
	"slices"
)

// Select rearranges x so that x[k] is the element that sorting in increasing order would put there, no element before
// it is larger and no element after it smaller, and returns it. It runs in linear time on average and never worse than
// O(n log n) comparisons by more than a constant, whatever the order of the input. NaN sorts before everything else,
// as in package slices. It panics unless 0 <= k < len(x).
func Select[T Float](x []T, k int) T {
	if k < 0 || k >= len(x) {
		shapePanic(ErrRange, "Select: k is %d of %d elements", k, len(x))
	}
	budget := 4
	for n := len(x); n > 1; n >>= 1 {
		budget += 2
	}
	lo, hi := 0, len(x) // the answer lies in x[lo:hi]
	for hi-lo > 16 {
		if budget == 0 {
			slices.Sort(x[lo:hi])
			return x[k]
		}
		budget--
		lt, gt := partition(x, lo, hi, pivot(x[lo:hi]))
		switch {
		case k < lt:
			hi = lt
		case k >= gt:
			lo = gt
		default:
			return x[k]
		}
	}
	slices.Sort(x[lo:hi])
	return x[k]
}

// pivot is the median of nine elements spread over x.
func pivot[T Float](x []T) T {
	step := len(x) / 9
	at := func(i int) T { return middle(x[i*step], x[(i+1)*step], x[(i+2)*step]) }
	return middle(at(0), at(3), at(6))
}

func middle[T Float](a, b, c T) T {
	if cmp.Less(b, a) {
		a, b = b, a
	}
	if cmp.Less(c, b) {
		b = c
		if cmp.Less(b, a) {
			b = a
		}
	}
	return b
}

// partition orders x[lo:hi] into less than p, equal to p from lt, greater than p from gt.
func partition[T Float](x []T, lo, hi int, p T) (lt, gt int) {
	lt, gt = lo, hi
	for i := lo; i < gt; {
		switch v := x[i]; {
		case cmp.Less(v, p):
			x[lt], x[i] = v, x[lt]
			lt++
			i++
		case cmp.Less(p, v):
			gt--
			x[gt], x[i] = v, x[gt]
		default:
			i++
		}
	}
	return lt, gt
}
