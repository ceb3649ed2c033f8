package maddness

import (
	"math"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Binned is the default [Splitter]. It sorts the values of a column into at most 256 bins of about equally many rows,
// equal values in the same one, and tries the thresholds between bins: those of [Exhaustive] if a column has no more
// than 256 different values. Of equally good columns it takes the first, and of thresholds the lowest.
type Binned struct {
	most int // bins of a column, 0 for mostBins
}

const mostBins = 256

// Split searches the candidates side by side.
func (s Binned) Split(l *Level) Split {
	b := newBinSearch(l, s)
	splits := make([]Split, len(l.Candidates))
	tensor.ParallelWorkers(l.workers, len(splits), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			splits[k] = b.column(l.Candidates[k])
		}
	})
	best := splits[0]
	for _, split := range splits[1:] {
		if split.Loss < best.Loss-b.tie {
			best = split
		}
	}
	return best
}

// bins is a column in bins.
type bins struct {
	of    []uint8   // by row
	edges []float32 // by bin: the threshold above it, +Inf above the last
}

// binned puts values into bins. Bins are filled in increasing order, each with its share of the rows that are left.
func (s Binned) binned(x []float32, order []int32) bins {
	most := s.most
	if most == 0 {
		most = mostBins
	}
	n, distinct := len(x), 1
	for p := 1; p < n; p++ {
		if x[order[p]] > x[order[p-1]] {
			distinct++
		}
	}
	share := func(rows, bins int) float64 {
		if distinct <= most {
			return 0
		}
		return float64(rows) / float64(bins)
	}
	b := bins{of: make([]uint8, n)}
	bin, start, enough := 0, 0, share(n, most)
	for p, i := range order {
		if p > 0 && x[i] > x[order[p-1]] && float64(p-start) >= enough && bin < most-1 {
			b.edges = append(b.edges, between(x[order[p-1]], x[i]))
			bin, start = bin+1, p
			enough = share(n-p, most-bin)
		}
		b.of[i] = uint8(bin)
	}
	b.edges = append(b.edges, float32(math.Inf(1)))
	return b
}

// binSearch is what the columns of a level have in common. The gain of a threshold is that of [search].
type binSearch struct {
	l       *Level
	s       Binned
	rows    [8]float64 // per bucket
	total   []float64  // per bucket, q sums of the metric
	loss    float64    // sum of |z|^2
	tie     float64    // differences of loss below this are rounding
	scratch sync.Pool  // of *binSums
}

// binSums are rows and sums of the metric by bucket and bin.
type binSums struct{ rows, sums, left []float64 }

func newBinSearch(l *Level, s Binned) *binSearch {
	q := l.Metric.Cols
	b := &binSearch{l: l, s: s, total: make([]float64, 8*q)}
	for i, k := range l.Bucket {
		z := l.Metric.Row(i)
		b.rows[k]++
		b.loss += addTo(b.total[int(k)*q:], z)
	}
	b.tie = 1e-12 * b.loss
	b.scratch.New = func() any {
		return &binSums{make([]float64, 8*mostBins), make([]float64, 8*mostBins*q), make([]float64, q)}
	}
	return b
}

// addTo adds z to sum and returns |z|^2.
func addTo(sum, z []float64) (square float64) {
	sum = sum[:len(z)]
	for k, v := range z {
		sum[k] += v
		square += v * v
	}
	return square
}

func (b *binSearch) column(j int) Split {
	l := b.l
	column := l.binnedColumn(j, b.s)
	count, q := len(column.edges), l.Metric.Cols
	own := b.scratch.Get().(*binSums)
	defer b.scratch.Put(own)
	rows, sums := own.rows[:l.Buckets*count], own.sums[:l.Buckets*count*q]
	clear(rows)
	clear(sums)
	b.add(rows, sums, column.of, count)
	split := Split{Column: j, Thresholds: make([]float32, l.Buckets), Loss: b.loss}
	for k := range split.Thresholds {
		gain, bin := b.best(k, rows[k*count:(k+1)*count], sums[k*count*q:(k+1)*count*q], own.left)
		split.Thresholds[k] = column.edges[bin]
		split.Loss -= gain
	}
	return split
}

// add adds the rows up by bucket and bin; one and two outputs are common, and loops over them slow.
func (b *binSearch) add(rows, sums []float64, of []uint8, count int) {
	l, q := b.l, b.l.Metric.Cols
	metric, stride := l.Metric.Data, l.Metric.Stride
	for i, v := range of {
		at := int(l.Bucket[i])*count + int(v)
		rows[at]++
		z := metric[i*stride : i*stride+q]
		if q == 2 {
			s := (*[2]float64)(sums[2*at:])
			s[0] += z[0]
			s[1] += z[1]
			continue
		}
		s := sums[at*q : at*q+q]
		for k, v := range z {
			s[k] += v
		}
	}
}

// best is the bin to split bucket k above, and what that gains.
func (b *binSearch) best(k int, rows, sums, left []float64) (gain float64, bin int) {
	q := len(left)
	whole, n := b.total[k*q:(k+1)*q], 0.0
	bin = len(rows) - 1
	if b.rows[k] == 0 {
		return 0, bin
	}
	gain = tensor.Dot(whole, whole) / b.rows[k]
	clear(left)
	for v, count := range rows {
		if count == 0 {
			continue
		}
		if n += count; n == b.rows[k] {
			break
		}
		below, above := 0.0, 0.0
		for i, s := range sums[v*q : v*q+q] {
			left[i] += s
			rest := whole[i] - left[i]
			below += left[i] * left[i]
			above += rest * rest
		}
		if g := below/n + above/(b.rows[k]-n); g > gain+b.tie {
			gain, bin = g, v
		}
	}
	return gain, bin
}

// binnedColumn is a column in bins, those of the fit if it made them.
func (l *Level) binnedColumn(column int, s Binned) bins {
	if l.bins != nil {
		return l.bins[column]
	}
	return s.binned(l.Columns.Row(column), l.Sorted(column))
}
