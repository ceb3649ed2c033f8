package mil

import (
	"math"
	"slices"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// sorter finds elements of a column by their rank. A first pass counts how many fall between round numbers, an eighth
// of a power of two apart, and only the few that are in one interval with the element looked for are compared with each
// other: that is linear in time, and the branches of both passes are predictable, which those of a partition are not.
type sorter[T tensor.Float] struct {
	count    [buckets]int32
	packed   []uint64 // the intervals of the elements, four of them in a word
	near     []T
	ones     []T
	over     []T
	at       uint16  // the interval that was found
	above    int     // elements in higher ones
	aboveSum float64 // their sum
}

const buckets = 1 << 12

// few is up to how many elements are sorted instead.
const few = 32

// bucketOf is the interval of a number: sign, exponent and three bits of the mantissa of the nearest float32, in the
// order of the numbers. -0 is 0.
func bucketOf[T tensor.Float](v T) uint32 {
	u := math.Float32bits(float32(v) + 0)
	return (u ^ (uint32(int32(u)>>31) | 1<<31)) >> 20
}

// locate leaves the elements that are in one interval with the k-th largest in s.near, and how many are in higher ones
// with their sum. k counts from 1.
func (s *sorter[T]) locate(x []T, k int) {
	s.near, s.above, s.aboveSum = s.near[:0], 0, 0
	if len(x) <= few || len(x) > math.MaxInt32 {
		s.near = append(s.near, x...)
		return
	}
	clear(s.count[:])
	packed := grow(&s.packed, (len(x)+3)/4)
	packed[len(packed)-1] = math.MaxUint64 // places behind the last element are in no interval
	bucket := unsafe.Slice((*uint16)(unsafe.Pointer(&packed[0])), len(x))
	for i, v := range x {
		b := bucketOf(v)
		bucket[i] = uint16(b)
		s.count[b]++
	}
	at, left := bucketOf(tensor.Max(x)), int32(k)
	for left > s.count[at&(buckets-1)] {
		left -= s.count[at&(buckets-1)]
		at--
	}
	s.at, s.above = uint16(at), k-int(left)
	s.collect(x, bucket, packed, s.at)
	if s.above > 0 {
		s.aboveSum = s.sumAbove(x, bucket, s.at)
	}
}

// collect keeps the elements of an interval. Of four at a time it asks whether one is there: whether a part of the word
// is 0 once the interval is taken off each.
func (s *sorter[T]) collect(x []T, bucket []uint16, packed []uint64, at uint16) {
	const ones, tops = 0x0001_0001_0001_0001, 0x8000_8000_8000_8000
	near, n, all := grow(&s.near, len(x)+1), 0, uint64(at)*ones
	bucket = bucket[:len(x)]
	for k, word := range packed {
		if word ^= all; (word-ones)&^word&tops == 0 {
			continue
		}
		for i := 4 * k; i < min(4*k+4, len(x)); i++ {
			near[n] = x[i] // stays if it is one
			if bucket[i] == at {
				n++
			}
		}
	}
	s.near = near[:n]
}

// sumAbove adds up the elements above an interval. In float32 it adds up by how much they exceed its end, and that as
// often as there are any, which vector instructions can; in float64, whose intervals are those of the nearest float32,
// and where that overflows, one after the other.
func (s *sorter[T]) sumAbove(x []T, bucket []uint16, at uint16) float64 {
	if unsafe.Sizeof(x[0]) == 4 {
		if len(s.ones) < len(x) {
			fill(grow(&s.ones, len(x)), 1)
		}
		end, over := startOf(at+1), grow(&s.over, len(x))
		copy(over, x)
		tensor.Axpy(over, -T(end), s.ones[:len(x)])
		tensor.ReLU(over, over)
		if sum := tensor.Sum(over) + float64(s.above)*float64(end); sum-sum == 0 {
			return sum
		}
	}
	sum := 0.0
	for i, v := range x {
		if bucket[i] > at {
			sum += float64(v)
		}
	}
	return sum
}

// startOf is the least number of an interval.
func startOf(bucket uint16) float32 {
	u := uint32(bucket) << 20
	return math.Float32frombits(u ^ (^uint32(int32(u)>>31) | 1<<31))
}

// top is the sum of the k largest elements of x, the smallest of them, and how many of its equals belong to them.
func (s *sorter[T]) top(x []T, k int) (sum float64, least T, ties int) {
	s.locate(x, k)
	sum, ties = s.aboveSum, k-s.above
	from := len(s.near) - ties
	least = s.kth(from)
	for _, v := range s.near[from:] {
		if v > least {
			sum += float64(v)
			ties--
		}
	}
	return sum + float64(ties)*float64(least), least, ties
}

// kth orders the elements around the one of that rank among s.near, as [tensor.Select] does.
func (s *sorter[T]) kth(rank int) T {
	if len(s.near) > few {
		return tensor.Select(s.near, rank)
	}
	near := s.near
	for i := 1; i < len(near); i++ { // of so few the fastest way
		v, j := near[i], i
		for ; j > 0 && near[j-1] > v; j-- {
			near[j] = near[j-1]
		}
		near[j] = v
	}
	return near[rank]
}

// around is the elements of the ranks at and at+1, which count from 0 up, with how many elements are less than each;
// next is not looked for, and equal to at, if it is not wanted.
func (s *sorter[T]) around(x []T, at int, next bool) (lo T, below int, hi T, belowHi int) {
	s.locate(x, len(x)-at)
	rank := at - (len(x) - s.above - len(s.near))
	lo = s.kth(rank)
	less, equal, above := 0, 0, T(math.Inf(1))
	for _, v := range s.near {
		switch {
		case v < lo:
			less++
		case v == lo:
			equal++
		default:
			above = min(above, v)
		}
	}
	below = at - rank + less
	if !next || rank+1 < less+equal {
		return lo, below, lo, below
	}
	if less+equal == len(s.near) { // the next one is in a higher interval
		above = s.leastAbove(x)
	}
	return lo, below, above, below + equal
}

// leastAbove is the least element in a higher interval than those of s.near, which it overwrites.
func (s *sorter[T]) leastAbove(x []T) T {
	at := s.at + 1
	for s.count[at] == 0 {
		at++
	}
	s.near = s.near[:0]
	s.collect(x, unsafe.Slice((*uint16)(unsafe.Pointer(&s.packed[0])), len(x)), s.packed, at)
	return slices.Min(s.near)
}
