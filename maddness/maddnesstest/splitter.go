package maddnesstest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckSplitter gives s levels of all kinds, with ties, constant columns, single rows and empty buckets, and fails
// the test for every property that its splits lack:
//
//   - the column is one of the candidates, and there is a threshold for each bucket, never NaN;
//   - a threshold leaves rows on both sides or is +Inf, as it must be where all values of the bucket are equal;
//   - the loss is that of the rows as the thresholds divide them, so that equal values, which no threshold separates,
//     are not counted apart;
//   - the same level gives the same split again, and from several goroutines, and is not changed.
func CheckSplitter(t testing.TB, s maddness.Splitter) {
	t.Helper()
	for _, l := range levels() {
		if !checkSplit(t, s, l) {
			return
		}
	}
}

// CheckBestSplitter is [CheckSplitter] for a search that finds the least loss there is, as [BestSplit] does.
func CheckBestSplitter(t testing.TB, s maddness.Splitter) {
	t.Helper()
	for _, l := range levels() {
		if !checkSplit(t, s, l) {
			return
		}
		got, best := s.Split(copied(l)).Loss, BestSplit(l).Loss
		if got > best+tolerance(l) {
			t.Errorf("%s: the loss is %v, but a split with %v exists", describe(l), got, best)
			return
		}
	}
}

// levels are what splits are asked for.
func levels() []*maddness.Level {
	var all []*maddness.Level
	for k, shape := range []struct {
		rows, columns, metric, buckets int
		values                         int // number of different ones, 0 for any
	}{
		{1, 1, 1, 1, 0}, {2, 1, 1, 1, 0}, {2, 1, 1, 1, 1}, {3, 2, 1, 2, 0}, {40, 3, 2, 1, 0}, {40, 3, 2, 1, 3},
		{40, 3, 1, 1, 1},
		{70, 5, 4, 2, 0}, {70, 5, 4, 4, 2}, {120, 4, 3, 8, 0}, {120, 4, 3, 8, 4}, {9, 3, 2, 8, 2}, {300, 2, 1, 4, 12},
	} {
		rng := tensor.Stream(17, uint64(k))
		l := &maddness.Level{Columns: tensor.NewMatrix[float32](shape.columns, shape.rows),
			Metric: tensor.NewMatrix[float64](shape.rows, shape.metric),
			Bucket: make([]uint8, shape.rows), Buckets: shape.buckets}
		for i := range l.Columns.Data {
			if l.Columns.Data[i] = float32(rng.NormFloat64()); shape.values > 0 {
				l.Columns.Data[i] = float32(rng.IntN(shape.values))
			}
		}
		// The metric goes with the columns, as it does in a fit.
		for i := range shape.rows {
			for q := range shape.metric {
				l.Metric.Set(i, q, float64(l.Columns.At(q%shape.columns, i))+0.5*rng.NormFloat64())
			}
			l.Bucket[i] = uint8(rng.IntN(shape.buckets))
			if shape.buckets == 8 {
				l.Bucket[i] |= 1 // half of them are empty
			}
		}
		for q := range shape.metric {
			mean := 0.0
			for i := range shape.rows {
				mean += l.Metric.At(i, q) / float64(shape.rows)
			}
			for i := range shape.rows {
				l.Metric.Row(i)[q] -= mean
			}
		}
		for j := range shape.columns {
			if j != 1 || shape.columns == 2 { // one column is not a candidate
				l.Candidates = append(l.Candidates, j)
			}
		}
		all = append(all, l)
	}
	return all
}

func checkSplit(t testing.TB, s maddness.Splitter, l *maddness.Level) bool {
	t.Helper()
	given := copied(l)
	got := s.Split(given)
	switch {
	case !slices.Contains(l.Candidates, got.Column):
		t.Errorf("%s: column %d is chosen, the candidates are %v", describe(l), got.Column, l.Candidates)
		return false
	case len(got.Thresholds) != l.Buckets:
		t.Errorf("%s: %d thresholds", describe(l), len(got.Thresholds))
		return false
	}
	for b, v := range got.Thresholds {
		values := valuesOf(l, got.Column, b)
		switch {
		case v != v:
			t.Errorf("%s: the threshold of bucket %d is NaN", describe(l), b)
			return false
		case math.IsInf(float64(v), 1):
		case len(values) == 0 || values[0] > v || values[len(values)-1] <= v:
			t.Errorf("%s: the threshold of bucket %d is %v, its rows have the values %v\nA threshold leaves rows on both "+
				"sides or is +Inf: rows of tomorrow would go where no row was when tables were made.",
				describe(l), b, v, values)
			return false
		}
	}
	if want := SplitLoss(l, got); !(math.Abs(got.Loss-want) <= tolerance(l)) {
		t.Errorf("%s: the loss is %v, but the thresholds divide the rows with a loss of %v\nEqual values always go to the "+
			"same side.", describe(l), got.Loss, want)
		return false
	}
	if !slices.Equal(given.Columns.Data, l.Columns.Data) || !slices.Equal(given.Metric.Data, l.Metric.Data) ||
		!slices.Equal(given.Bucket, l.Bucket) ||
		!slices.Equal(given.Candidates, l.Candidates) {
		t.Errorf("%s: Split changed what it was given", describe(l))
		return false
	}
	again := make([]maddness.Split, 4)
	together.Run(len(again), func(g int) { again[g] = s.Split(copied(l)) })
	for _, a := range again {
		if a.Column != got.Column || a.Loss != got.Loss || !slices.Equal(a.Thresholds, got.Thresholds) {
			t.Errorf("%s: %+v the first time, %+v another time, from several goroutines\nA fit must be repeatable.",
				describe(l), got, a)
			return false
		}
	}
	return true
}

// copied returns a level of its own with the same content.
func copied(l *maddness.Level) *maddness.Level {
	return &maddness.Level{Columns: l.Columns.Clone(), Metric: tensor.Of(l.Metric.Rows, l.Metric.Cols,
		slices.Clone(l.Metric.Data)),
		Candidates: slices.Clone(l.Candidates), Bucket: slices.Clone(l.Bucket), Buckets: l.Buckets}
}

// tolerance is what sums of squares may differ by through rounding.
func tolerance(l *maddness.Level) float64 {
	sum := 0.0
	for _, v := range l.Metric.Data {
		sum += v * v
	}
	return 1e-9 * sum
}

func describe(l *maddness.Level) string {
	return fmt.Sprintf("%d rows, %d columns, %d buckets", l.Columns.Cols, l.Columns.Rows, l.Buckets)
}
