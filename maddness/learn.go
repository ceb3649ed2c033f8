package maddness

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// learner fits trees and tables to targets.
type learner struct {
	*config
	a    tensor.Matrix[float32] // N x D: the training rows, those that were added last
	rows int                    // those that were not added
	x    tensor.Matrix[float32] // D x N: the same, feature-major
	// D x M: what the columns contribute to the targets; no elements if the targets are the columns
	b     tensor.Matrix[float32]
	y     tensor.Matrix[float64] // N x M: targets, centred
	mean  []float64              // M: what was taken off them
	order [][]int32              // by column: rows by increasing value
	bins  []bins                 // by column, if the splitter wants them
	means []float64              // of the columns
	vars  []float64              // their variances

	meter  *meter
	groups [][]int
	trees  Trees
	codes  [][]uint8 // by codebook: N
}

// newLearner lays the rows out for fitting; targets are added by the caller. Each row of p.a is finite.
func newLearner(o *config, p problem) *learner {
	a := p.a
	n, d, c := a.Rows, a.Cols, o.codebooks
	l := &learner{config: o, meter: p.meter, a: a, rows: n, b: p.b, x: tensor.NewMatrix[float32](d, n),
		order: make([][]int32, d), means: make([]float64, d), vars: make([]float64, d),
		codes: make([][]uint8, c)}
	binned, wanted := o.splits().(Binned)
	if wanted {
		l.bins = make([]bins, d)
	}
	tensor.ParallelWorkers(o.workers, d, 8, func(lo, hi int) {
		for i := range n {
			for j, v := range a.Row(i)[lo:hi] {
				l.x.Data[(lo+j)*n+i] = v
			}
		}
		for j := lo; j < hi; j++ {
			l.order[j] = sortedRows(l.x.Row(j))
			l.means[j], l.vars[j] = moments(l.x.Row(j))
			if wanted {
				l.bins[j] = binned.binned(l.x.Row(j), l.order[j])
			}
		}
	})
	l.trees = Trees{make([][4]int, c), make([][16]float32, c)}
	return l
}

// splits is the search for splits.
func (o *config) splits() Splitter {
	if o.splitter == nil {
		return Binned{}
	}
	return o.splitter
}

// setTargets centres y, which it keeps.
func (l *learner) setTargets(y tensor.Matrix[float64]) {
	l.y, l.mean = y, centre(y)
}

// centre takes the mean off each column and returns the means.
func centre(z tensor.Matrix[float64]) []float64 {
	mean := make([]float64, z.Cols)
	tensor.AddColumnSums(mean, z)
	tensor.Scale(mean, 1/float64(z.Rows), mean)
	for i := range z.Rows {
		row := z.Row(i)
		tensor.Sub(row, row, mean)
	}
	return mean
}

// learn fits all trees: each to what its columns contribute, then in passes to what the others leave.
func (l *learner) learn() error {
	if err := l.group(); err != nil {
		return err
	}
	for c, columns := range l.groups {
		if err := l.fit(c, l.contribution(columns), columns); err != nil {
			return err
		}
		if err := l.meter.step(); err != nil {
			return err
		}
	}
	for pass := range l.refine {
		if err := l.pass(pass); err != nil {
			return err
		}
	}
	return nil
}

// contribution is what the first fit of a codebook keeps together: its columns, or what they add to the product.
func (l *learner) contribution(columns []int) tensor.Matrix[float64] {
	n := l.x.Cols
	own := tensor.NewMatrix[float64](n, len(columns))
	for k, j := range columns {
		for i, v := range l.x.Row(j) {
			own.Data[i*len(columns)+k] = float64(v)
		}
	}
	centre(own)
	if l.metric == InputSSE || l.b.Rows == 0 {
		return own
	}
	b := tensor.NewMatrix[float64](len(columns), l.b.Cols)
	for k, j := range columns {
		for m, v := range l.b.Row(j) {
			b.Set(k, m, float64(v))
		}
	}
	z := tensor.NewMatrix[float64](n, l.b.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, own, b, 0, z)
	return l.reduce(z)
}

// fit grows the tree of codebook c over the given columns, in increasing order, and encodes the training rows with it.
func (l *learner) fit(c int, metric tensor.Matrix[float64], columns []int) error {
	splitter := l.splits()
	level := &Level{Columns: l.x, Metric: metric, Candidates: columns, Bucket: make([]uint8, l.x.Cols), Buckets: 1,
		order: l.order, bins: l.bins, workers: l.workers}
	for depth := range 4 {
		level.Candidates = l.candidatesOf(level, columns)
		split := splitter.Split(level)
		if err := split.validate(level); err != nil {
			return fmt.Errorf("maddness: codebook %d, level %d: splitter: %w", c, depth, err)
		}
		l.trees.Dims[c][depth] = split.Column
		copy(l.trees.Thresholds[c][level.Buckets:], split.Thresholds)
		for i, v := range l.x.Row(split.Column) {
			b := 2 * level.Bucket[i]
			if v > split.Thresholds[level.Bucket[i]] {
				b++
			}
			level.Bucket[i] = b
		}
		level.Buckets *= 2
	}
	l.codes[c] = level.Bucket
	return nil
}

func (s Split) validate(l *Level) error {
	if _, ok := slices.BinarySearch(l.Candidates, s.Column); !ok {
		return fmt.Errorf("column %d is none of the %d candidates: %w", s.Column, len(l.Candidates), tensor.ErrRange)
	}
	if len(s.Thresholds) != l.Buckets {
		return fmt.Errorf("%d thresholds for %d buckets: %w", len(s.Thresholds), l.Buckets, tensor.ErrShape)
	}
	for b, t := range s.Thresholds {
		if t != t {
			return fmt.Errorf("threshold %d is %v: %w", b, t, tensor.ErrNotFinite)
		}
	}
	return nil
}

// candidatesOf returns those of the columns with the largest squared error within buckets, as many as the options say.
func (l *learner) candidatesOf(level *Level, columns []int) []int {
	if l.candidates == 0 || l.candidates >= len(columns) {
		return columns
	}
	loss := make(map[int]float64, len(columns))
	for _, j := range columns {
		loss[j] = within(level, l.x.Row(j))
	}
	best := slices.Clone(columns)
	slices.SortStableFunc(best, func(i, j int) int { return cmp.Compare(loss[j], loss[i]) })
	best = best[:l.candidates]
	slices.Sort(best)
	return best
}

// within is the squared error of x within buckets.
func within(level *Level, x []float32) float64 {
	var rows, sum [8]float64
	for i, v := range x {
		rows[level.Bucket[i]]++
		sum[level.Bucket[i]] += float64(v)
	}
	for b := range sum {
		sum[b] /= max(rows[b], 1)
	}
	loss := 0.0
	for i, v := range x {
		d := float64(v) - sum[level.Bucket[i]]
		loss += d * d
	}
	return loss
}

func moments(x []float32) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		variance += d * d
	}
	return mean, variance / float64(len(x))
}

func copyRows(dst, src tensor.Matrix[float64]) {
	for i := range src.Rows {
		copy(dst.Row(i), src.Row(i))
	}
}

// What random streams are for, their first key.
const (
	streamRows = iota
	streamHoldout
	streamPass
	streamDirections
	streamAdded
	streamJudged
)

// finite refuses targets that no float32 table can produce.
func finite(what string, y tensor.Matrix[float64]) error {
	for i := range y.Rows {
		for j, v := range y.Row(i) {
			if !(math.Abs(v) <= math.MaxFloat32) {
				return fmt.Errorf("maddness: %s[%d,%d] is %v: %w", what, i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	return nil
}
