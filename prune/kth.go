package prune

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// Kth returns the k-th smallest element, counted from 0, of all chunks together: the threshold of a global selection over the
// scores of many tensors. It neither copies nor moves them; it counts leading bits in three passes (six for 64-bit
// elements) with a table of 16 kB per goroutine. Negative zero sorts before zero; there must be no NaN. The error wraps
// tensor.ErrEmpty if there are no elements and tensor.ErrRange unless 0 <= k < n.
func Kth[T tensor.Float](chunks [][]T, k int) (T, error) {
	return kth(chunks, k, 0)
}

func kth[T tensor.Float](chunks [][]T, k, workers int) (T, error) {
	n := 0
	for _, c := range chunks {
		n += len(c)
	}
	switch {
	case n == 0:
		return 0, fmt.Errorf("prune: Kth: no scores: %w", tensor.ErrEmpty)
	case k < 0 || k >= n:
		return 0, fmt.Errorf("prune: Kth: k is %d of %d scores: %w", k, n, tensor.ErrRange)
	}
	if unsafe.Sizeof(T(0)) == 4 {
		key := kthKey(wordsOf[uint32](chunks), k, 32, workers)
		return T(math.Float32frombits(key ^ (^uint32(int32(key)>>31) | 1<<31))), nil
	}
	key := kthKey(wordsOf[uint64](chunks), k, 64, workers)
	return T(math.Float64frombits(key ^ (^uint64(int64(key)>>63) | 1<<63))), nil
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

const digit = 11 // bits that are counted in one pass

type histogram [1 << digit]uint32

// kthKey finds the k-th smallest key, digit by digit from the top. The key of a float is its bit pattern with the
// sign flipped, and all other bits too if it is negative: keys sort like the floats.
func kthKey[U uint32 | uint64](pieces [][]U, k int, size, workers int) U {
	var prefix U
	total := new([1 << digit]atomic.Int64)
	for shift := max(size-digit, 0); ; shift = max(shift-digit, 0) {
		done := size - shift // bits known after this pass
		width := digit
		if r := size % digit; shift == 0 && r != 0 {
			width = r
		}
		clear(total[:])
		tensor.ParallelWorkers(workers, len(pieces), 1, func(lo, hi int) {
			for _, x := range pieces[lo:hi] {
				// Two tables, so that equal neighbours do not wait for each other's counts.
				var even, odd histogram
				if done == width {
					countTop(&even, &odd, x, shift)
				} else {
					countWithin(&even, x, shift, width, prefix)
				}
				for i := range even {
					if c := even[i] + odd[i]; c > 0 {
						total[i].Add(int64(c))
					}
				}
			}
		})
		for i := range total {
			c := int(total[i].Load())
			if k < c {
				prefix = prefix<<width | U(i)
				break
			}
			k -= c
		}
		if shift == 0 {
			return prefix
		}
	}
}

func keyOf[U uint32 | uint64](v U) U {
	top := ^(^U(0) >> 1)
	return v ^ (-(v >> (unsafe.Sizeof(v)*8 - 1)) | top)
}

func countTop[U uint32 | uint64](even, odd *histogram, x []U, shift int) {
	for ; len(x) >= 2; x = x[2:] {
		even[keyOf(x[0])>>shift&(1<<digit-1)]++
		odd[keyOf(x[1])>>shift&(1<<digit-1)]++
	}
	for _, v := range x {
		even[keyOf(v)>>shift&(1<<digit-1)]++
	}
}

func countWithin[U uint32 | uint64](h *histogram, x []U, shift, width int, prefix U) {
	mask := U(1)<<width - 1
	for _, v := range x {
		if key := keyOf(v) >> shift; key>>width == prefix {
			h[key&mask&(1<<digit-1)]++
		}
	}
}

// Quantile is numpy's quantile with linear interpolation, q in [0, 1], over all chunks together, computed as numpy does it:
// the two neighbouring order statistics are subtracted in T and the rest is float64. Errors are those of [Kth];
// q out of range wraps tensor.ErrRange.
func Quantile[T tensor.Float](chunks [][]T, q float64) (float64, error) {
	return quantile(chunks, q, 0)
}

func quantile[T tensor.Float](chunks [][]T, q float64, workers int) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("prune: Quantile: q is %v, want 0 to 1: %w", q, tensor.ErrRange)
	}
	n := 0
	for _, c := range chunks {
		n += len(c)
	}
	// The conversions of products, here and below, keep the compiler from fusing them with the sum, which numpy does not do.
	h := float64(float64(n-1) * q)
	lo := int(h)
	gamma := h - float64(lo)
	a, err := kth(chunks, lo, workers)
	if err != nil {
		return 0, err
	}
	b, err := kth(chunks, min(lo+1, n-1), workers)
	if err != nil {
		return 0, err
	}
	d := float64(b - a)
	if gamma < 0.5 {
		return float64(a) + float64(d*gamma), nil
	}
	return float64(b) - float64(d*(1-gamma)), nil
}
