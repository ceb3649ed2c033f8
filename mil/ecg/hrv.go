package ecg

import (
	"fmt"
	"math"
	"slices"
)

// HRV is the variability of the heart rate in time (Task Force 1996). Intervals are those between two normal beats, and
// differences those of two such intervals in a row: nothing is joined across a gap or a beat that is not normal.
type HRV struct {
	Mean        float64 `json:"mean_ms"`
	SDNN        float64 `json:"sdnn_ms"`  // standard deviation of the intervals
	RMSSD       float64 `json:"rmssd_ms"` // root of the mean squared difference
	SDSD        float64 `json:"sdsd_ms"`  // standard deviation of the differences
	PNN50       float64 `json:"pnn50"`    // per cent of the differences of more than 50 ms
	PNN20       float64 `json:"pnn20"`    // of more than 20 ms
	SD1         float64 `json:"sd1_ms"`   // SDSD / sqrt 2: width of the Poincaré plot
	Intervals   int     `json:"intervals"`
	Differences int     `json:"differences"`
}

// HRV takes the variability of a series. The error wraps [ErrTooFewBeats] for fewer than two differences.
func (s Series) HRV() (HRV, error) {
	if err := s.check("Series.HRV"); err != nil {
		return HRV{}, err
	}
	var intervals, differences []float64
	over50, over20 := 0, 0
	last := -1
	for i := 1; i < len(s.Beats); i++ {
		n, normal := s.interval(i)
		if !normal {
			last = -1
			continue
		}
		intervals = append(intervals, s.milliseconds(n))
		if last >= 0 {
			d := n - last
			differences = append(differences, s.milliseconds(d))
			if size := math.Abs(float64(d)) * 1000; size > 50*s.Rate {
				over50++
			}
			if size := math.Abs(float64(d)) * 1000; size > 20*s.Rate {
				over20++
			}
		}
		last = n
	}
	n := float64(len(differences))
	if n < 2 {
		return HRV{}, fmt.Errorf("ecg: Series.HRV: %d differences of intervals, want 2 or more: %w", len(differences),
			ErrTooFewBeats)
	}
	h := HRV{Intervals: len(intervals), Differences: len(differences)}
	h.Mean, h.SDNN = meanSD(intervals)
	_, h.SDSD = meanSD(differences)
	for _, d := range differences {
		h.RMSSD += d * d / n
	}
	h.RMSSD = math.Sqrt(h.RMSSD)
	h.PNN50, h.PNN20 = 100*float64(over50)/n, 100*float64(over20)/n
	h.SD1 = h.SDSD / math.Sqrt2
	return h, nil
}

// meanSD is the mean and the standard deviation, of n-1 degrees of freedom.
func meanSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / float64(len(x)-1))
}

// median sorts x.
func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
