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
	bucket   []uint16
	near     []T
	ones     []T
	over     []T
	above    int     // elements in higher intervals
	aboveSum float64 // their sum
}

const buckets = 1 << 12

// few is up to how many elements are sorted instead.
const few = 48

// bucketOf is the interval of a number: sign, exponent and three bits of the mantissa of the nearest float32, in the
// order of the numbers. -0 is 0.
func bucketOf[T tensor.Float](v T) uint16 {
	u := math.Float32bits(float32(v) + 0)
	return uint16((u ^ (uint32(int32(u)>>31) | 1<<31)) >> 20)
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
	bucket := grow(&s.bucket, len(x))[:len(x)]
	for i, v := range x {
		b := bucketOf(v) & (buckets - 1)
		bucket[i] = b
		s.count[b]++
	}
	at, left := bucketOf(tensor.Max(x)), int32(k)
	for left > s.count[at&(buckets-1)] {
		left -= s.count[at&(buckets-1)]
		at--
	}
	s.above = k - int(left)
	s.collect(x, bucket, at)
	if s.above > 0 {
		s.aboveSum = s.sumAbove(x, bucket, at)
	}
}

// collect keeps the elements of an interval.
func (s *sorter[T]) collect(x []T, bucket []uint16, at uint16) {
	near := s.near
	for len(x) >= 4 && len(bucket) >= 4 {
		if b := (*[4]uint16)(bucket); b[0] == at || b[1] == at || b[2] == at || b[3] == at {
			for k, c := range b {
				if c == at {
					near = append(near, x[k])
				}
			}
		}
		x, bucket = x[4:], bucket[4:]
	}
	for i, b := range bucket {
		if b == at {
			near = append(near, x[i])
		}
	}
	s.near = near
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
	for i, b := range bucket {
		if b > at {
			sum += float64(x[i])
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
	if len(s.near) <= few {
		slices.Sort(s.near)
		return s.near[rank]
	}
	return tensor.Select(s.near, rank)
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
		for _, v := range x {
			if v > lo {
				above = min(above, v)
			}
		}
	}
	return lo, below, above, below + equal
}
