package ecg

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Beats are windows of a lead around R peaks.
type Beats[T tensor.Float] struct {
	X     tensor.Matrix[T] // a row for each
	Peaks []int            // sample of the R peak of each
	Index []int            // of the peak of each among those that were given: consecutive ones follow each other
}

// SegmentBeats cuts windows out of a lead, from before samples in front of each peak up to after samples behind, of
// which the peak is the first: 64 and 64 at 128 Hz are the second around each. Windows that reach beyond the lead or
// hold a sample that is NaN are left out. Peaks are in increasing order. The error wraps [tensor.ErrRange].
func SegmentBeats[T tensor.Float](x []T, peaks []int, before, after int) (Beats[T], error) {
	if before < 0 || after < 1 || before > math.MaxInt32 || after > math.MaxInt32 {
		return Beats[T]{}, fmt.Errorf("ecg: SegmentBeats: windows from %d before to %d after: %w", before, after,
			tensor.ErrRange)
	}
	if err := checkPeaks("SegmentBeats", peaks, len(x)); err != nil {
		return Beats[T]{}, err
	}
	width := before + after
	nextBad := nextInvalid(x)
	var b Beats[T]
	for i, r := range peaks {
		if r < before || r > len(x)-after || nextBad(r-before) < r+after {
			continue
		}
		b.Peaks = append(b.Peaks, r)
		b.Index = append(b.Index, i)
	}
	b.X = tensor.NewMatrix[T](len(b.Peaks), width)
	for i, r := range b.Peaks {
		copy(b.X.Row(i), x[r-before:r+after])
	}
	return b, nil
}

// nextInvalid returns a function that finds the first NaN from a sample on, asked in increasing order.
func nextInvalid[T tensor.Float](x []T) func(from int) int {
	at := 0
	return func(from int) int {
		at = max(at, from)
		for at < len(x) && x[at] == x[at] {
			at++
		}
		return at
	}
}

func checkPeaks(call string, peaks []int, n int) error {
	for i, r := range peaks {
		if r < 0 || r >= n {
			return fmt.Errorf("ecg: %s: peaks[%d] = %d of %d samples: %w", call, i, r, n, tensor.ErrRange)
		}
		if i > 0 && r <= peaks[i-1] {
			return fmt.Errorf("ecg: %s: peaks[%d] = %d after %d, want increasing ones: %w", call, i, r, peaks[i-1],
				tensor.ErrRange)
		}
	}
	return nil
}

// Instances are k beats that follow each other in a row each, overlapping: with k = 2 every beat with the next one.
// first is the beat that each begins with. Beats between which one was left out do not follow each other. The error
// wraps [tensor.ErrRange] for k below 1.
func (b Beats[T]) Instances(k int) (x tensor.Matrix[T], first []int, err error) {
	if k < 1 || k > math.MaxInt32/max(1, b.X.Cols) {
		return x, nil, fmt.Errorf("ecg: Beats.Instances: %d beats of %d samples: %w", k, b.X.Cols, tensor.ErrRange)
	}
	for i := 0; i+k <= len(b.Index); i++ {
		if b.Index[i+k-1]-b.Index[i] == k-1 {
			first = append(first, i)
		}
	}
	x = tensor.NewMatrix[T](len(first), k*b.X.Cols)
	for row, i := range first {
		for j := range k {
			copy(x.Row(row)[j*b.X.Cols:], b.X.Row(i+j))
		}
	}
	return x, first, nil
}

// Amplitude is the median of how far the peaks are from the median of their window: what the lead of a patient is
// divided by, so that electrodes and amplifiers do not count. The error wraps [ErrTooFewBeats] without beats.
func (b Beats[T]) Amplitude() (float64, error) {
	if b.X.Rows == 0 {
		return 0, fmt.Errorf("ecg: Beats.Amplitude: no beats: %w", ErrTooFewBeats)
	}
	heights := make([]float64, b.X.Rows)
	row := make([]float64, b.X.Cols)
	for i := range heights {
		for j, v := range b.X.Row(i) {
			row[j] = float64(v)
		}
		slices.Sort(row)
		middle := (row[(len(row)-1)/2] + row[len(row)/2]) / 2
		heights[i] = max(row[len(row)-1]-middle, middle-row[0])
	}
	slices.Sort(heights)
	return (heights[(len(heights)-1)/2] + heights[len(heights)/2]) / 2, nil
}
