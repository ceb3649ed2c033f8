package maddnesstest

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Brute sets row n of dst, N x M, to the sum of the table entries of row n of a, N x D, by the definition: one
// comparison after the other, in float64, without rounding tables. It is the oracle for kernels of one's own. It
// panics with an error wrapping tensor.ErrShape if shapes do not fit.
func Brute(dst tensor.Matrix[float64], trees maddness.Trees, lut *maddness.LUT, a tensor.Matrix[float32]) {
	shape := lut.Table.Shape
	if len(shape) != 3 || shape[1] != len(trees.Dims) || dst.Rows != a.Rows || dst.Cols != shape[0] {
		panic(fmt.Errorf("maddnesstest: Brute: dst is %dx%d, a %dx%d, for %d trees and tables of shape %v: %w",
			dst.Rows, dst.Cols, a.Rows, a.Cols, len(trees.Dims), shape, tensor.ErrShape))
	}
	for n := range a.Rows {
		for m := range dst.Cols {
			dst.Set(n, m, float64(lut.Offset.Data[m]))
		}
		for c := range trees.Dims {
			code := trees.Code(c, a.Row(n))
			for m := range dst.Cols {
				dst.Row(n)[m] += float64(lut.Table.Data[(m*shape[1]+c)*16+code])
			}
		}
	}
}

// SplitLoss is the loss of a split by its definition: the sum over all buckets it makes, and all columns of the
// metric, of the squared differences from the mean.
func SplitLoss(l *maddness.Level, s maddness.Split) float64 {
	parts := make([][]int, 2*l.Buckets)
	for i, v := range l.Columns.Row(s.Column) {
		b := 2 * int(l.Bucket[i])
		if v > s.Thresholds[l.Bucket[i]] {
			b++
		}
		parts[b] = append(parts[b], i)
	}
	loss := 0.0
	for _, rows := range parts {
		for k := range l.Metric.Cols {
			mean := 0.0
			for _, i := range rows {
				mean += l.Metric.At(i, k) / float64(len(rows))
			}
			for _, i := range rows {
				e := l.Metric.At(i, k) - mean
				loss += e * e
			}
		}
	}
	return loss
}

// BestSplit tries every candidate and, in each bucket, every place between two different values, and returns a split
// of the least loss. It takes time proportional to the square of the number of rows.
func BestSplit(l *maddness.Level) maddness.Split {
	best := maddness.Split{Loss: math.Inf(1)}
	for _, j := range l.Candidates {
		s := maddness.Split{Column: j, Thresholds: slices.Repeat([]float32{float32(math.Inf(1))}, l.Buckets)}
		s.Loss = SplitLoss(l, s)
		for b := range l.Buckets {
			values := valuesOf(l, j, b)
			for _, v := range values[:max(len(values)-1, 0)] { // x > v has the largest value on its right side
				try := maddness.Split{Column: j, Thresholds: slices.Clone(s.Thresholds)}
				try.Thresholds[b] = v
				if try.Loss = SplitLoss(l, try); try.Loss < s.Loss {
					s = try
				}
			}
		}
		if s.Loss < best.Loss {
			best = s
		}
	}
	return best
}

// valuesOf are the different values of column j in bucket b, increasing.
func valuesOf(l *maddness.Level, j, b int) []float32 {
	var values []float32
	for i, v := range l.Columns.Row(j) {
		if int(l.Bucket[i]) == b {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}
