package ecg

import (
	"fmt"
	"math"
)

// Turbulence is how the heart rate answers a premature ventricular beat (Schmidt et al. 1999).
type Turbulence struct {
	Onset float64 `json:"onset_percent"` // change of the two intervals after the pause; 0 and more is abnormal
	Slope float64 `json:"slope_ms_per_rr"`
	Beats int     `json:"beats"` // premature beats that were averaged
}

const (
	afterPause  = 15 // intervals after the pause that are looked at
	beforeEarly = 5  // intervals before that the early one is compared with
	slopeOver   = 5
)

// Turbulence averages over the beats that are not normal and come at least 20 % early, with a pause at least 20 %
// longer than the five intervals before, and nothing but normal beats in those and in the fifteen intervals after. The
// slope, abnormal up to 2.5, is the steepest line through five of the fifteen averaged intervals in a row. The error
// wraps [ErrTooFewBeats] if there is no such beat.
func (s Series) Turbulence() (Turbulence, error) {
	if err := s.check("Series.Turbulence"); err != nil {
		return Turbulence{}, err
	}
	var t Turbulence
	var mean [afterPause]float64
	for i := beforeEarly + 1; i+afterPause+1 < len(s.Beats); i++ {
		after, onset, ok := s.answer(i)
		if !ok {
			continue
		}
		t.Beats++
		t.Onset += onset
		for k, v := range after {
			mean[k] += v
		}
	}
	if t.Beats == 0 {
		return Turbulence{},
			fmt.Errorf("ecg: Series.Turbulence: no premature beat among %d with normal ones around it: %w",
				len(s.Beats), ErrTooFewBeats)
	}
	t.Onset /= float64(t.Beats)
	for k := range mean {
		mean[k] /= float64(t.Beats)
	}
	t.Slope = steepestLine(mean[:])
	return t, nil
}

// answer is the intervals after the pause of a premature beat i, in milliseconds, and the onset.
func (s Series) answer(i int) (after [afterPause]float64, onset float64, ok bool) {
	if s.Beats[i].Normal || s.Beats[i].Gap || s.Beats[i+1].Gap {
		return after, 0, false
	}
	before := 0.0
	for k := range beforeEarly {
		n, normal := s.interval(i - beforeEarly + k)
		if !normal {
			return after, 0, false
		}
		before += s.milliseconds(n) / beforeEarly
	}
	early, pause := s.milliseconds(s.Beats[i].Sample-s.Beats[i-1].Sample),
		s.milliseconds(s.Beats[i+1].Sample-s.Beats[i].Sample)
	if early > 0.8*before || pause < 1.2*before {
		return after, 0, false
	}
	for k := range after {
		n, normal := s.interval(i + 2 + k)
		if !normal {
			return after, 0, false
		}
		after[k] = s.milliseconds(n)
	}
	last, _ := s.interval(i - 1)
	previous, _ := s.interval(i - 2)
	two := s.milliseconds(last) + s.milliseconds(previous)
	return after, (after[0] + after[1] - two) / two * 100, true
}

// steepestLine is the largest slope of a line through five values in a row.
func steepestLine(x []float64) float64 {
	steepest := math.Inf(-1)
	for i := 0; i+slopeOver <= len(x); i++ {
		slope := 0.0
		for k, v := range x[i : i+slopeOver] {
			slope += float64(k-slopeOver/2) * v
		}
		steepest = max(steepest, slope/10) // the sum of the squares of -2 to 2
	}
	return steepest
}
