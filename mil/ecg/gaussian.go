package ecg

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// GaussianBeat is a beat of which the lead is a sum of Gaussians over the angle of the cycle: a closed form, a thousand
// times as fast as an [Oscillator].
type GaussianBeat struct {
	R     float64 // time of the R peak in seconds
	Waves []Wave  // heights in millivolts
}

// Gaussian fills dst with the lead of beats in order, each sample with that of the nearest R peak. Angles run from one
// R peak to the next; the first and the last beat have an interval on the outer side as on the inner one. The error
// wraps [ErrTooFewBeats] for fewer than two beats, or [tensor.ErrRange].
func Gaussian[T tensor.Float](dst []T, rate float64, beats []GaussianBeat) error {
	if len(beats) < 2 {
		return fmt.Errorf("ecg: Gaussian: %d beats, want two or more: %w", len(beats), ErrTooFewBeats)
	}
	if !(rate > 0) || math.IsInf(rate, 1) {
		return fmt.Errorf("ecg: Gaussian: %v samples per second: %w", rate, tensor.ErrRange)
	}
	for i, b := range beats {
		if b.R-b.R != 0 || i > 0 && !(b.R > beats[i-1].R) {
			return fmt.Errorf("ecg: Gaussian: beats[%d].R = %v, want increasing times: %w", i, b.R, tensor.ErrRange)
		}
		for j, w := range b.Waves {
			if !(w.Width > 0) || w.Angle-w.Angle != 0 || w.Height-w.Height != 0 {
				return fmt.Errorf("ecg: Gaussian: beats[%d].Waves[%d] = %v: %w", i, j, w, tensor.ErrRange)
			}
		}
	}
	at := 0
	for i := range dst {
		t := float64(i) / rate
		for at+1 < len(beats) && beats[at+1].R-t < t-beats[at].R {
			at++
		}
		b := &beats[at]
		d := t - b.R
		interval := 0.0
		switch {
		case at == 0 || d >= 0 && at+1 < len(beats):
			interval = beats[at+1].R - b.R
		default:
			interval = b.R - beats[at-1].R
		}
		dst[i] = T(b.value(2 * math.Pi * d / interval))
	}
	return nil
}

// value is the lead at an angle.
func (b *GaussianBeat) value(angle float64) float64 {
	sum := 0.0
	for _, w := range b.Waves {
		off := angle - w.Angle
		off -= 2 * math.Pi * math.Floor((off+math.Pi)/(2*math.Pi))
		q := off / w.Width
		if q < 9 && q > -9 { // beyond it is less than 1e-17 of the height
			sum += w.Height * math.Exp(-q*q/2)
		}
	}
	return sum
}
