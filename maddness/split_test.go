package maddness

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// bruteLoss is the loss of a split by its definition.
func bruteLoss(l *Level, s Split) float64 {
	side := map[uint8][]int{}
	for i, v := range l.Columns.Row(s.Column) {
		b := 2 * l.Bucket[i]
		if v > s.Thresholds[l.Bucket[i]] {
			b++
		}
		side[b] = append(side[b], i)
	}
	loss := 0.0
	for _, rows := range side {
		for k := range l.Metric.Cols {
			mean := 0.0
			for _, i := range rows {
				mean += l.Metric.At(i, k) / float64(len(rows))
			}
			for _, i := range rows {
				d := l.Metric.At(i, k) - mean
				loss += d * d
			}
		}
	}
	return loss
}

// bruteSplit tries everything.
func bruteSplit(l *Level) Split {
	inf := float32(math.Inf(1))
	best := Split{Loss: math.Inf(1)}
	for _, j := range l.Candidates {
		s := Split{Column: j, Thresholds: slices.Repeat([]float32{inf}, l.Buckets)}
		s.Loss = bruteLoss(l, s)
		for b := range l.Buckets {
			var values []float32
			for i, v := range l.Columns.Row(j) {
				if int(l.Bucket[i]) == b {
					values = append(values, v)
				}
			}
			slices.Sort(values)
			for i := 1; i < len(values); i++ {
				if values[i-1] == values[i] {
					continue
				}
				try := Split{Column: j, Thresholds: slices.Clone(s.Thresholds)}
				try.Thresholds[b] = between(values[i-1], values[i])
				if try.Loss = bruteLoss(l, try); try.Loss < s.Loss-1e-9 {
					s = try
				}
			}
		}
		if s.Loss < best.Loss-1e-9 {
			best = s
		}
	}
	return best
}

// randomLevel has rows with many equal values, negative zeros among them, and empty buckets.
func randomLevel(seed uint64) *Level {
	r := tensor.Stream(seed, 99)
	n, d, q := 1+r.IntN(40), 1+r.IntN(4), 1+r.IntN(9)
	l := &Level{Columns: tensor.NewMatrix[float32](d, n), Metric: tensor.NewMatrix[float64](n, q),
		Bucket: make([]uint8, n), Buckets: 1 << r.IntN(4)}
	for i := range l.Columns.Data {
		l.Columns.Data[i] = float32(r.IntN(7)-3) * 0.5
		if l.Columns.Data[i] == 0 && r.IntN(2) == 0 {
			l.Columns.Data[i] = float32(math.Copysign(0, -1))
		}
	}
	for i := range l.Metric.Data {
		l.Metric.Data[i] = r.NormFloat64()
	}
	centre(l.Metric)
	for i := range l.Bucket {
		l.Bucket[i] = uint8(r.IntN(l.Buckets))
	}
	for j := range d {
		l.Candidates = append(l.Candidates, j)
	}
	return l
}

func TestExhaustiveIsBruteForce(t *testing.T) {
	for seed := range uint64(150) {
		l := randomLevel(seed)
		got, want := Exhaustive{}.Split(l), bruteSplit(l)
		require.InDelta(t, want.Loss, got.Loss, 1e-9, "seed %d", seed)
		require.InDelta(t, got.Loss, bruteLoss(l, got), 1e-9, "seed %d", seed)
		require.Equal(t, want.Column, got.Column, "seed %d", seed)
		require.Equal(t, want.Thresholds, got.Thresholds, "seed %d", seed)
		require.NoError(t, got.validate(l))
	}
}

// Of equal columns the first is taken, and of equally good thresholds the lowest: 1.5 and 2.5 divide these rows alike.
func TestTiesGoToTheFirst(t *testing.T) {
	l := &Level{Columns: tensor.Of(2, 3, []float32{1, 2, 3, 1, 2, 3}), Metric: tensor.Of(3, 1, []float64{1, 0, -1}),
		Candidates: []int{0, 1}, Bucket: make([]uint8, 3), Buckets: 1}
	s := Exhaustive{}.Split(l)
	require.Equal(t, 0, s.Column)
	require.Equal(t, []float32{1.5}, s.Thresholds)
	require.InDelta(t, 0.5, s.Loss, 1e-12)
}

// What cannot be split stays whole: constant columns, empty buckets, single rows.
func TestWholeBuckets(t *testing.T) {
	inf := float32(math.Inf(1))
	l := &Level{Columns: tensor.Of(1, 3, []float32{7, 7, 8}), Metric: tensor.Of(3, 1, []float64{-1, 0, 1}),
		Candidates: []int{0}, Bucket: []uint8{0, 0, 1}, Buckets: 4}
	s := Exhaustive{}.Split(l)
	require.Equal(t, []float32{inf, inf, inf, inf}, s.Thresholds)
	require.InDelta(t, 0.5, s.Loss, 1e-12)
}

// A threshold lies at or above the lower value and below the upper one, even where no number is between.
func TestThresholdSeparates(t *testing.T) {
	for _, lo := range []float32{0, 1, -1, 1e-45, 3e38, -3e38, 16777215, 16777216} {
		hi := math.Nextafter32(lo, float32(math.Inf(1)))
		got := between(lo, hi)
		require.True(t, got >= lo && got < hi, "%v", lo)
	}
	require.Equal(t, float32(0), between(-3.4e38, 3.4e38))
	require.Equal(t, float32(math.Inf(1)), between(float32(math.Inf(1)), float32(math.Inf(1))))
}

func TestSortedRowsIsStable(t *testing.T) {
	for _, n := range []int{0, 1, 2, 255, 256, 3000} {
		r := tensor.Stream(3, uint64(n))
		x, want := make([]float32, n), make([]int32, n)
		for i := range x {
			x[i], want[i] = float32(r.NormFloat64())*float32(math.Exp2(float64(r.IntN(200)-100))), int32(i)
			switch r.IntN(4) {
			case 0:
				x[i] = float32(r.IntN(5) - 2)
			case 1:
				x[i] = float32(math.Copysign(0, float64(r.IntN(2))-0.5))
			}
		}
		slices.SortStableFunc(want, func(i, j int32) int {
			switch {
			case x[i] < x[j]:
				return -1
			case x[i] > x[j]:
				return 1
			}
			return 0
		})
		require.Equal(t, want, sortedRows(x))
	}
}

// Candidates are the columns of most squared error within buckets.
func TestCandidates(t *testing.T) {
	x := tensor.Of(3, 4, []float32{0, 0, 0, 0, 0, 10, 0, 10, 0, 1, 0, 1})
	l := &learner{config: &config{candidates: 1}, x: x}
	level := &Level{Bucket: make([]uint8, 4), Buckets: 1}
	require.Equal(t, []int{1}, l.candidatesOf(level, []int{0, 1, 2}))
	level.Bucket = []uint8{0, 1, 0, 1} // splits all: nothing is left but ties
	require.Equal(t, []int{0}, l.candidatesOf(level, []int{0, 1, 2}))
	l.candidates = 2
	level.Bucket = make([]uint8, 4)
	require.Equal(t, []int{1, 2}, l.candidatesOf(level, []int{0, 1, 2}))
}
