package maddnesstest_test

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/maddnesstest"
	"github.com/espalier-ml/espalier/tensor"
)

type split func(l *maddness.Level) maddness.Split

func (s split) Split(l *maddness.Level) maddness.Split { return s(l) }

// broken is the exhaustive search with something spoiled in its result.
func broken(spoil func(l *maddness.Level, s *maddness.Split)) maddness.Splitter {
	return split(func(l *maddness.Level) maddness.Split {
		s := maddness.Exhaustive{}.Split(l)
		spoil(l, &s)
		return s
	})
}

// tied splits the chosen column into halves by rank, whatever ties there are, and reports the loss as if they could
// be told apart: the reference's mistake.
func tied(l *maddness.Level) maddness.Split {
	s := maddness.Exhaustive{}.Split(l)
	apart := &maddness.Level{Columns: l.Columns, Metric: l.Metric, Candidates: []int{s.Column}, Bucket: l.Bucket,
		Buckets: l.Buckets}
	apart.Columns.Data = append([]float32(nil), l.Columns.Data...)
	row := apart.Columns.Row(s.Column)
	for i := range row {
		row[i] += float32(i) * 1e-6
	}
	s.Loss = maddness.Exhaustive{}.Split(apart).Loss
	return s
}

func TestCheckSplitter(t *testing.T) {
	maddnesstest.CheckSplitter(t, maddness.Binned{})
	maddnesstest.CheckSplitter(t, maddness.Exhaustive{})
	maddnesstest.CheckBestSplitter(t, maddness.Exhaustive{})
	maddnesstest.CheckBestSplitter(t, split(maddnesstest.BestSplit))
	// Not the best, but sound: no split at all.
	lazy := split(func(l *maddness.Level) maddness.Split {
		s := maddness.Split{Column: l.Candidates[0]}
		for range l.Buckets {
			s.Thresholds = append(s.Thresholds, float32(math.Inf(1)))
		}
		s.Loss = maddnesstest.SplitLoss(l, s)
		return s
	})
	maddnesstest.CheckSplitter(t, lazy)
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { maddnesstest.CheckBestSplitter(tb, lazy) }), "exists")

	var calls atomic.Int64
	inf := float32(math.Inf(1))
	for want, s := range map[string]maddness.Splitter{
		"column -1 is chosen": broken(func(_ *maddness.Level, s *maddness.Split) { s.Column = -1 }),
		"0 thresholds":        broken(func(_ *maddness.Level, s *maddness.Split) { s.Thresholds = nil }),
		"is NaN":              broken(func(_ *maddness.Level, s *maddness.Split) { s.Thresholds[0] = float32(math.NaN()) }),
		"or is +Inf": broken(func(_ *maddness.Level, s *maddness.Split) {
			for b, v := range s.Thresholds {
				if v == inf {
					s.Thresholds[b] = math.MaxFloat32
				}
			}
		}),
		"go to the same side":       split(tied),
		"changed what it was given": broken(func(l *maddness.Level, s *maddness.Split) { l.Bucket[0]++ }),
		"must be repeatable": broken(func(_ *maddness.Level, s *maddness.Split) {
			s.Loss *= 1 + 1e-12*float64(calls.Add(1)%3)
		}),
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { maddnesstest.CheckSplitter(tb, s) }), want)
	}
}

func TestBestSplit(t *testing.T) {
	// Two buckets; rows of the first are told apart by column 2 at a value that ties with no other, those of the
	// second by nothing.
	l := &maddness.Level{
		Columns: tensor.Of(3, 5, []float32{
			1, 1, 1, 1, 1,
			0, 0, 0, 9, 9, // not a candidate
			3, 3, 5, 7, 7,
		}),
		Metric:     tensor.Of(5, 2, []float64{-1, 0, -1, 2, 2, -2, 0, 1, 0, -1}),
		Candidates: []int{0, 2},
		Bucket:     []uint8{0, 0, 0, 1, 1},
		Buckets:    2,
	}
	inf := float32(math.Inf(1))
	got := maddnesstest.BestSplit(l)
	require.Equal(t, 2, got.Column)
	require.Equal(t, []float32{3, inf}, got.Thresholds)
	require.InDelta(t, 2+2, got.Loss, 1e-12) // 0 and 2 around 1; 1 and -1 around 0
	require.InDelta(t, 2+2, maddnesstest.SplitLoss(l, maddness.Split{Column: 2, Thresholds: []float32{4, 6}}), 1e-12)
	require.InDelta(t, 6+8+2, maddnesstest.SplitLoss(l, maddness.Split{Column: 0, Thresholds: []float32{inf, inf}}), 1e-12)
}

// Operators are what Brute says, but for the rounding of tables, at most half a unit for each entry.
func TestBrute(t *testing.T) {
	rng := tensor.Stream(1)
	for _, c := range []struct{ codebooks, columns, outputs, rows int }{{1, 1, 1, 5}, {3, 7, 4, 70}, {16, 40, 11, 130}} {
		a := tensor.NewMatrix[float32](c.rows, c.columns)
		for i := range a.Data {
			a.Data[i] = float32(rng.IntN(9) - 4)
		}
		trees := maddness.Trees{Dims: make([][4]int, c.codebooks), Thresholds: make([][16]float32, c.codebooks)}
		lut := maddness.NewLUT(c.outputs, c.codebooks)
		for k := range c.codebooks {
			for l := range 4 {
				trees.Dims[k][l] = rng.IntN(c.columns)
			}
			for i := range 16 {
				trees.Thresholds[k][i] = float32(rng.IntN(9) - 4)
			}
		}
		for _, p := range lut.Params() {
			for i := range p.Data {
				p.Data[i] = float32(rng.NormFloat64())
			}
		}
		op, err := maddness.New(c.columns, trees, lut)
		require.NoError(t, err)
		got, want := tensor.NewMatrix[float32](c.rows, c.outputs), tensor.NewMatrix[float64](c.rows, c.outputs)
		require.NoError(t, op.Mul(got, a))
		maddnesstest.Brute(want, trees, lut, a)
		for m := range c.outputs {
			unit := 0.0
			for k := range c.codebooks {
				table := lut.Table.Data[(m*c.codebooks+k)*16:][:16]
				unit = max(unit, float64(slices.Max(table)-slices.Min(table))/2/127)
			}
			for n := range c.rows {
				require.InDelta(t, want.At(n, m), got.At(n, m), unit/2*float64(c.codebooks)+1e-5)
			}
		}
		require.PanicsWithError(t, fmt.Sprintf("maddnesstest: Brute: dst is %dx%d, a %dx%d, for %d trees and tables of "+
			"shape [%d %d 16]: shape mismatch",
			c.rows+1, c.outputs, c.rows, c.columns, c.codebooks, c.outputs, c.codebooks), func() {
			maddnesstest.Brute(tensor.NewMatrix[float64](c.rows+1, c.outputs), trees, lut, a)
		})
	}
}
