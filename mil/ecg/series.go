package ecg

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Series is a sequence of beats from which the variability of the heart rate is taken. Times are whole samples, so that
// what is compared with 50 ms is compared exactly.
type Series struct {
	Rate  float64 // samples per second
	Beats []Beat
}

// Beat is a beat of a [Series].
type Beat struct {
	Sample int
	Normal bool // of the sinus node: only intervals between two of those count
	Gap    bool // something may be missing between the beat before and this one
}

// SeriesOf takes peaks for normal beats, with a gap where the time between two of them holds part of one of the windows
// that were found bad, or is longer than limit seconds; +Inf for no limit. The error wraps [tensor.ErrRange] for a
// rate or limit that is not above 0 or peaks that are not in increasing order.
func SeriesOf(peaks []int, rate float64, bad []Quality, limit float64) (Series, error) {
	if !(rate > 0) || math.IsInf(rate, 1) || !(limit > 0) {
		return Series{}, fmt.Errorf("ecg: SeriesOf: %v samples per second and intervals up to %v s: %w", rate, limit,
			tensor.ErrRange)
	}
	if err := checkPeaks("SeriesOf", peaks, math.MaxInt); err != nil {
		return Series{}, err
	}
	s := Series{Rate: rate, Beats: make([]Beat, len(peaks))}
	next := 0
	for i, r := range peaks {
		s.Beats[i] = Beat{Sample: r, Normal: true}
		if i == 0 {
			continue
		}
		for next < len(bad) && (bad[next].Good() || bad[next].To <= peaks[i-1]) {
			next++
		}
		s.Beats[i].Gap = float64(r-peaks[i-1]) > limit*rate || next < len(bad) && bad[next].From < r
	}
	return s, nil
}

// SeriesOfAnnotations takes the beats among annotations whose samples are counted at a rate (see [Annotations.At]).
// Marks of the signal's quality and episodes of ventricular flutter between two beats are gaps.
func SeriesOfAnnotations(a Annotations, rate float64) (Series, error) {
	if a.Rate > 0 {
		rate = a.Rate
	}
	s := Series{Rate: rate}
	gap := false
	for _, item := range a.Items {
		switch {
		case item.Code.Beat():
			if int64(int(item.Sample)) != item.Sample {
				return Series{}, fmt.Errorf("ecg: SeriesOfAnnotations: sample %d: %w", item.Sample, tensor.ErrRange)
			}
			s.Beats = append(s.Beats, Beat{int(item.Sample), item.Code.Normal(), gap && len(s.Beats) > 0})
			gap = false
		case item.Code == 14 || item.Code == Artifact || item.Code >= 31 && item.Code <= 33:
			gap = true
		}
	}
	return s, s.check("SeriesOfAnnotations")
}

func (s Series) check(call string) error {
	if !(s.Rate > 0) || math.IsInf(s.Rate, 1) {
		return fmt.Errorf("ecg: %s: %v samples per second: %w", call, s.Rate, tensor.ErrRange)
	}
	for i := 1; i < len(s.Beats); i++ {
		if s.Beats[i].Sample <= s.Beats[i-1].Sample {
			return fmt.Errorf("ecg: %s: beat %d at sample %d after %d: %w", call, i, s.Beats[i].Sample,
				s.Beats[i-1].Sample,
				tensor.ErrRange)
		}
	}
	return nil
}

// interval is the samples between beat i-1 and beat i, and whether it counts: both are normal, with no gap.
func (s Series) interval(i int) (samples int, normal bool) {
	a, b := s.Beats[i-1], s.Beats[i]
	return b.Sample - a.Sample, a.Normal && b.Normal && !b.Gap
}

// milliseconds is the length of an interval of samples.
func (s Series) milliseconds(samples int) float64 { return float64(samples) * 1000 / s.Rate }

// MarkEctopic returns the series with beats marked as not normal that come early: whose interval is shorter than
// 1-share times the median of the eleven around it, where no gap lies between. It knows nothing of their shape;
// annotations of a database are better. The error wraps [tensor.ErrRange] for a share outside (0, 1).
func (s Series) MarkEctopic(share float64) (Series, error) {
	if err := s.check("Series.MarkEctopic"); err != nil {
		return Series{}, err
	}
	if !(share > 0 && share < 1) {
		return Series{}, fmt.Errorf("ecg: Series.MarkEctopic: share %v: %w", share, tensor.ErrRange)
	}
	out := Series{s.Rate, append([]Beat(nil), s.Beats...)}
	var around []float64
	for i := 1; i < len(s.Beats); i++ {
		if s.Beats[i].Gap {
			continue
		}
		around = around[:0]
		for k := max(1, i-5); k <= min(len(s.Beats)-1, i+5); k++ {
			if !s.Beats[k].Gap {
				around = append(around, float64(s.Beats[k].Sample-s.Beats[k-1].Sample))
			}
		}
		if float64(s.Beats[i].Sample-s.Beats[i-1].Sample) < (1-share)*median(around) {
			out.Beats[i].Normal = false
		}
	}
	return out, nil
}
