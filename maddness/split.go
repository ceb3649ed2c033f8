package maddness

import (
	"math"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Splitter chooses a level of a tree: the column that all buckets are split by and a threshold for each.
// Implementations are safe for concurrent use.
type Splitter interface {
	Split(l *Level) Split
}

// Split is a choice. Rows whose column is greater than the threshold of their bucket go right.
type Split struct {
	Column     int       // one of the candidates
	Thresholds []float32 // one per bucket, never NaN; +Inf leaves a bucket whole
	Loss       float64   // sum over the new buckets of the squared distances from their mean, in the metric
}

// Level is what a [Splitter] looks at.
type Level struct {
	Columns    tensor.Matrix[float32] // feature-major: row j holds column j of the N training rows
	Metric     tensor.Matrix[float64] // N x q: rows of one bucket should be alike in it; each column has mean zero
	Candidates []int                  // the columns that may be chosen, in increasing order
	Bucket     []uint8                // N: the bucket of each row
	Buckets    int                    // how many there are: 1, 2, 4 or 8; some may be empty

	order   [][]int32 // by column: what Sorted returns; nil means that it sorts
	bins    []bins    // by column, those of the splitter; nil means that it makes them
	workers int
}

// Sorted returns the rows by increasing value of a column, rows of equal value in order. It must not be modified.
func (l *Level) Sorted(column int) []int32 {
	if l.order != nil {
		return l.order[column]
	}
	return sortedRows(l.Columns.Row(column))
}

// Exhaustive is a [Splitter], slower than [Binned]. It tries every candidate and every threshold halfway between two
// different neighbouring values, and never separates equal ones. Of equally good columns it takes the first, and of
// thresholds the lowest.
type Exhaustive struct{}

// Split searches the candidates side by side.
func (Exhaustive) Split(l *Level) Split {
	s := newSearch(l)
	splits := make([]Split, len(l.Candidates))
	tensor.ParallelWorkers(l.workers, len(splits), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			splits[k] = s.column(l.Candidates[k])
		}
	})
	best := splits[0]
	for _, split := range splits[1:] {
		if split.Loss < best.Loss-s.tie {
			best = split
		}
	}
	return best
}

// search is what the columns of a level have in common. With T the sum of a bucket's metric and S that of its first n
// rows by a column, splitting there lowers the bucket's loss to sum|z|^2 - |S|^2/n - |T-S|^2/(N-n); |S|^2 and S*T are
// kept up to date row by row, which takes |z|^2 and z*T.
type search struct {
	l       *Level
	rows    [8]int       // per bucket
	total   [8][]float64 // T
	square  [8]float64   // |T|^2
	inverse []float64    // 1/n
	row     []rowSums
	loss    float64   // sum of |z|^2
	tie     float64   // differences of loss below this are rounding
	scratch sync.Pool // of *[8]running
}

// rowSums are what a row adds to the sums of its bucket.
type rowSums struct{ norm, along float64 } // |z|^2, z*T

// running is one bucket while rows pass in the order of a column.
type running struct {
	sum            []float64 // S
	square, across float64   // |S|^2, S*T
	rows           int
	last           float32
	gain           float64
	lo, hi         float32 // the values to split between
}

func newSearch(l *Level) *search {
	n, q := l.Metric.Rows, l.Metric.Cols
	s := &search{l: l, inverse: make([]float64, n+1), row: make([]rowSums, n)}
	for b := range s.total {
		s.total[b] = make([]float64, q)
	}
	for i := range n {
		b, z := l.Bucket[i], l.Metric.Row(i)
		s.rows[b]++
		s.inverse[i+1] = 1 / float64(i+1)
		t := s.total[b]
		for k, v := range z {
			t[k] += v
			s.row[i].norm += v * v
		}
		s.loss += s.row[i].norm
	}
	s.tie = 1e-12 * s.loss
	for b, t := range s.total {
		s.square[b] = tensor.Dot(t, t)
	}
	for i := range n {
		s.row[i].along = tensor.Dot(s.total[l.Bucket[i]], l.Metric.Row(i))
	}
	s.scratch.New = func() any {
		r := new([8]running)
		for b := range r {
			r[b].sum = make([]float64, q)
		}
		return r
	}
	return s
}

func (s *search) column(j int) Split {
	inf := float32(math.Inf(1))
	l := s.l
	buckets := s.scratch.Get().(*[8]running)
	defer s.scratch.Put(buckets)
	for b := range buckets {
		r := &buckets[b]
		clear(r.sum)
		*r = running{sum: r.sum, gain: s.square[b] * s.inverse[s.rows[b]], lo: inf, hi: inf}
	}
	column, metric, stride := l.Columns.Row(j), l.Metric.Data, l.Metric.Stride
	for _, i := range l.Sorted(j) {
		x, b := column[i], l.Bucket[i]&7
		r := &buckets[b]
		if r.rows > 0 && x > r.last {
			rest := s.square[b] - 2*r.across + r.square
			if g := r.square*s.inverse[r.rows] + rest*s.inverse[s.rows[b]-r.rows]; g > r.gain+s.tie {
				r.gain, r.lo, r.hi = g, r.last, x
			}
		}
		r.square += 2*addDot(r.sum, metric[int(i)*stride:]) + s.row[i].norm
		r.across += s.row[i].along
		r.rows++
		r.last = x
	}
	split := Split{Column: j, Thresholds: make([]float32, l.Buckets), Loss: s.loss}
	for b := range split.Thresholds {
		split.Thresholds[b] = between(buckets[b].lo, buckets[b].hi)
		split.Loss -= buckets[b].gain
	}
	return split
}

// addDot returns sum*z and adds z to sum.
func addDot(sum, z []float64) float64 {
	z = z[:len(sum)]
	var d0, d1, d2, d3 float64
	for len(sum) >= 4 {
		s, v := (*[4]float64)(sum), (*[4]float64)(z)
		d0 += s[0] * v[0]
		d1 += s[1] * v[1]
		d2 += s[2] * v[2]
		d3 += s[3] * v[3]
		s[0] += v[0]
		s[1] += v[1]
		s[2] += v[2]
		s[3] += v[3]
		sum, z = sum[4:], z[4:]
	}
	for k, v := range z {
		d0 += sum[k] * v
		sum[k] += v
	}
	return d0 + d1 + d2 + d3
}

// between is the number halfway between lo and hi and less than hi if they are different; it is +Inf if both are.
func between(lo, hi float32) float32 {
	t := float32((float64(lo) + float64(hi)) / 2)
	if t >= hi {
		return lo
	}
	return t
}

// sortedRows returns the indices of x by increasing value, those of equal values in order.
func sortedRows(x []float32) []int32 {
	keys := make([]uint64, len(x))
	for i, v := range x {
		b := math.Float32bits(v + 0) // -0 becomes 0, which it equals
		if b>>31 == 1 {
			b = ^b
		} else {
			b |= 1 << 31
		}
		keys[i] = uint64(b)<<32 | uint64(i)
	}
	radixSort(keys)
	order := make([]int32, len(x))
	for i, k := range keys {
		order[i] = int32(uint32(k))
	}
	return order
}

// radixSort sorts keys whose low halves are in order already by their high halves, in three passes of 11 bits.
func radixSort(keys []uint64) {
	if len(keys) < 256 {
		slices.Sort(keys)
		return
	}
	from, to := keys, make([]uint64, len(keys))
	for shift := 32; shift < 64; shift += 11 {
		var start [1 << 11]int
		for _, k := range from {
			start[k>>shift&(1<<11-1)]++
		}
		n := 0
		for d, count := range start {
			start[d] = n
			n += count
		}
		for _, k := range from {
			d := k >> shift & (1<<11 - 1)
			to[start[d]] = k
			start[d]++
		}
		from, to = to, from
	}
	copy(keys, from) // three passes end in the other one
}
