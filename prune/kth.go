package prune

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// Kth returns the k-th smallest element, counted from 0, of all chunks together: the threshold of a global selection
// over the scores of many tensors. It does not move them: a pass counts those below an interval that a sample suggests
// and copies the few that are in it, among which the answer is found by counting how many are in each of 2048 parts of
// the interval. Where they are not few, such as with many equal scores, further passes over all of them count likewise.
// Negative zero sorts before zero; there must be no NaN. The error wraps tensor.ErrEmpty if there are no elements and
// tensor.ErrRange unless 0 <= k < n.
func Kth[T tensor.Float](chunks [][]T, k int) (T, error) {
	v, _, _, err := kth(chunks, k, 0)
	return v, err
}

// kth also returns how many elements are not larger, and some elements around it or none.
func kth[T tensor.Float](chunks [][]T, k, workers int) (v T, upTo int, near []T, err error) {
	n := count(chunks)
	switch {
	case n == 0:
		return 0, 0, nil, fmt.Errorf("prune: Kth: no scores: %w", tensor.ErrEmpty)
	case k < 0 || k >= n:
		return 0, 0, nil, fmt.Errorf("prune: Kth: k is %d of %d scores: %w", k, n, tensor.ErrRange)
	}
	if unsafe.Sizeof(T(0)) == 4 {
		key, upTo, words := kthKey(wordsOf[uint32](chunks), k, n, workers)
		return T(math.Float32frombits(wordOf(key))), upTo, floatsOf[T](words), nil
	}
	key, upTo, words := kthKey(wordsOf[uint64](chunks), k, n, workers)
	return T(math.Float64frombits(wordOf(key))), upTo, floatsOf[T](words), nil
}

// floatsOf is the inverse of wordsOf for one piece.
func floatsOf[T tensor.Float, U uint32 | uint64](words []U) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(words))), len(words))
}

func count[T any](chunks [][]T) int {
	n := 0
	for _, c := range chunks {
		n += len(c)
	}
	return n
}

// wordsOf views floating-point numbers as bit patterns, in pieces that are worth a goroutine.
func wordsOf[U uint32 | uint64, T tensor.Float](chunks [][]T) [][]U {
	const most = 1 << 17
	var pieces [][]U
	for _, c := range chunks {
		for len(c) > 0 {
			n := min(len(c), most)
			pieces = append(pieces, unsafe.Slice((*U)(unsafe.Pointer(&c[0])), n))
			c = c[n:]
		}
	}
	return pieces
}

// keyOf orders bit patterns like the floats they stand for: the sign is flipped, and all other bits too if it is
// negative.
func keyOf[U uint32 | uint64](v U) U {
	top := ^(^U(0) >> 1)
	return v ^ (-(v >> (unsafe.Sizeof(v)*8 - 1)) | top)
}

// wordOf is the inverse of keyOf.
func wordOf[U uint32 | uint64](key U) U {
	top := ^(^U(0) >> 1)
	return key ^ ((key >> (unsafe.Sizeof(key)*8 - 1)) - 1 | top)
}

// parts is the number of parts an interval is divided into, at most.
const parts = 1 << 11

// kthKey returns the k-th smallest key, the number of keys that are not larger, and some words around it or none.
func kthKey[U uint32 | uint64](pieces [][]U, k, n, workers int) (key U, upTo int, near []U) {
	lo, span, few := bracket(pieces, k, n)
	if few {
		below, near := gather(pieces, lo, span, n/16, workers)
		if at := k - below; at >= 0 && at < len(near) {
			key, upTo := narrow([][]U{near}, lo, span, at, 1)
			return key, below + upTo, near
		}
	}
	key, upTo = narrow(pieces, lo, span, k, workers)
	return key, upTo, nil
}

// gather counts the words with keys below lo and copies those with keys in [lo, lo+span], in any order: all of them, or
// none if they are more than most.
func gather[U uint32 | uint64](pieces [][]U, lo, span U, most, workers int) (below int, near []U) {
	near = make([]U, most)
	var belowAll, end atomic.Int64
	tensor.ParallelWorkers(workers, len(pieces), 1, func(from, to int) {
		for _, x := range pieces[from:to] {
			var own [1 << 11]U
			below, n := uint64(0), 0
			flush := func() {
				if at := end.Add(int64(n)); at <= int64(most) {
					copy(near[at-int64(n):], own[:n])
				}
				n = 0
			}
			for _, v := range x {
				d, borrow := bits.Sub64(uint64(keyOf(v)), uint64(lo), 0)
				below += borrow
				if d <= uint64(span) {
					own[n&(len(own)-1)] = v
					if n++; n == len(own) {
						flush()
					}
				}
			}
			flush()
			belowAll.Add(int64(below))
		}
	})
	if end.Load() > int64(most) {
		return 0, nil
	}
	return int(belowAll.Load()), near[:end.Load()]
}

// narrow divides an interval of keys [lo, lo+span] that holds the k-th smallest until it is one key. It returns the key
// and the number of keys that are not larger.
func narrow[U uint32 | uint64](pieces [][]U, lo, span U, k, workers int) (key U, upTo int) {
	for {
		shift := max(0, bits.Len64(uint64(span))-bits.Len(parts-1))
		before, counts := countParts(pieces, lo, span, shift, workers)
		i, rest := 0, k-before
		for ; rest >= 0 && i < parts && rest >= counts[i]; i++ {
			rest -= counts[i]
			before += counts[i]
		}
		switch {
		case rest < 0 || i == parts: // the sample misled
			lo, span = 0, ^U(0)
			continue
		case shift == 0:
			return lo + U(i), before + counts[i]
		}
		lo += U(i) << shift
		span = min(1<<shift-1, span-U(i)<<shift)
	}
}

// bracket guesses an interval around the k-th smallest of n keys from evenly spaced ones, wide enough to be right but
// for one time in thousands. Of few keys it is the interval of all. few reports whether no more than one key in twenty
// seems to be in it.
func bracket[U uint32 | uint64](pieces [][]U, k, n int) (lo, span U, few bool) {
	const size = 1 << 13
	if n < 8*size {
		return 0, ^U(0), false
	}
	sample := make([]U, 0, size)
	at, next := 0, 0 // position of the piece, and of the key to take
	for _, p := range pieces {
		for ; next < at+len(p); next += n / size {
			sample = append(sample, keyOf(p[next-at]))
		}
		at += len(p)
	}
	slices.Sort(sample)
	p := float64(k) / float64(n)
	m := float64(len(sample))
	margin := 4*math.Sqrt(m*p*(1-p)) + 4
	if i := int(p*m - margin); i >= 0 {
		lo = sample[i]
	}
	hi := ^U(0)
	if i := int(p*m + margin); i < len(sample) {
		hi = sample[i]
	}
	from, _ := slices.BinarySearch(sample, lo)
	to, _ := slices.BinarySearch(sample, hi+1) // 0 if that is no key
	return lo, hi - lo, to > 0 && to-from <= len(sample)/20
}

// countParts counts the keys below lo and those in each part of [lo, lo+span], 1<<shift keys wide.
func countParts[U uint32 | uint64](pieces [][]U, lo, span U, shift, workers int) (below int, counts [parts]int) {
	var belowAll atomic.Int64
	var all [parts]atomic.Int64
	tensor.ParallelWorkers(workers, len(pieces), 1, func(from, to int) {
		for _, x := range pieces[from:to] {
			var h [parts]uint32
			below := uint64(0)
			for _, v := range x {
				d, borrow := bits.Sub64(uint64(keyOf(v)), uint64(lo), 0)
				below += borrow
				if d <= uint64(span) {
					h[d>>(shift&63)&(parts-1)]++
				}
			}
			belowAll.Add(int64(below))
			for i, c := range h {
				if c > 0 {
					all[i].Add(int64(c))
				}
			}
		}
	})
	for i := range all {
		counts[i] = int(all[i].Load())
	}
	return int(belowAll.Load()), counts
}

// Quantile is numpy's quantile with linear interpolation, q in [0, 1], over all chunks together, computed as numpy
// does it: the two neighbouring order statistics are subtracted in T and the rest is float64. Errors are those of
// [Kth]; q out of range wraps tensor.ErrRange.
func Quantile[T tensor.Float](chunks [][]T, q float64) (float64, error) {
	return quantile(chunks, q, 0)
}

func quantile[T tensor.Float](chunks [][]T, q float64, workers int) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("prune: Quantile: q is %v, want 0 to 1: %w", q, tensor.ErrRange)
	}
	n := count(chunks)
	// The conversions of products, here and below, keep the compiler from fusing them with the sum, which numpy does not
	// do.
	h := float64(float64(n-1) * q)
	lo := int(h)
	gamma := h - float64(lo)
	a, upTo, near, err := kth(chunks, lo, workers)
	if err != nil {
		return 0, err
	}
	if a == 0 { // zeros of both signs are equal here, and not to Kth
		upTo = 0
		for _, c := range chunks {
			for _, v := range c {
				if v <= 0 {
					upTo++
				}
			}
		}
	}
	b := a
	if upTo == lo+1 && upTo < n {
		if b = above([][]T{near}, a, 1); math.IsInf(float64(b), 1) {
			b = above(chunks, a, workers)
		}
	}
	d := float64(b - a)
	if gamma < 0.5 {
		return float64(a) + float64(d*gamma), nil
	}
	return float64(b) - float64(d*(1-gamma)), nil
}

// above is the smallest element larger than a.
func above[T tensor.Float](chunks [][]T, a T, workers int) T {
	least := make([]T, len(chunks))
	tensor.ParallelWorkers(workers, len(chunks), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			m := T(math.Inf(1))
			for _, v := range chunks[k] {
				if v > a && v < m {
					m = v
				}
			}
			least[k] = m
		}
	})
	return slices.Min(least)
}
