package ecg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/espalier-ml/espalier/tensor"
)

// Wave is one wave of a synthetic beat, a Gaussian over the angle of the heart's cycle, at which the R peak is 0.
type Wave struct {
	Angle  float64 // radians
	Height float64
	Width  float64 // radians
}

// Oscillator is the dynamical model of McSharry et al. 2003: a point runs round a circle once a beat, and is pulled up
// and down by waves as it passes their angles.
type Oscillator struct {
	Rate        float64 // of the integration, samples per second
	HeartRate   float64 // beats per minute, by which waves are scaled
	Respiration float64 // Hz, of a baseline that wanders by 0.005
	Waves       []Wave  // at 60 beats per minute
}

// NewOscillator is the model with P, Q, R, S and T waves of the authors' program, at 512 Hz and 60 beats per minute.
func NewOscillator() Oscillator {
	const degree = math.Pi / 180
	return Oscillator{512, 60, 0.25, []Wave{{-70 * degree, 1.2, 0.25}, {-15 * degree, -5, 0.1}, {0, 30, 0.1},
		{15 * degree, -7.5, 0.1}, {100 * degree, 0.75, 0.4}}}
}

// scaled are the waves at the heart rate: the faster, the wider in angle.
func (o Oscillator) scaled() []Wave {
	waves := append([]Wave(nil), o.Waves...)
	f := math.Sqrt(o.HeartRate / 60)
	for i := range waves {
		waves[i].Width *= f
		if waves[i].Angle != 0 { // P and T move with the root of the factor, Q and S with it
			if math.Abs(waves[i].Angle) > math.Pi/6 {
				waves[i].Angle *= math.Sqrt(f)
			} else {
				waves[i].Angle *= f
			}
		}
	}
	return waves
}

// Run integrates the model over intervals of rr seconds, by Runge and Kutta's method of order 4, and returns the lead
// in millivolts, stretched to reach from -0.4 to 1.2, of which every is the step: 4 gives 128 Hz of 512. The error
// wraps [tensor.ErrRange] or [tensor.ErrEmpty].
func (o Oscillator) Run(rr []float64, every int) ([]float64, error) {
	if err := o.check(rr, every); err != nil {
		return nil, err
	}
	var lead []float64
	lo, hi := math.Inf(1), math.Inf(-1)
	o.integrate(rr, func(i int, s [3]float64) {
		lo, hi = min(lo, s[2]), max(hi, s[2])
		if i%every == 0 {
			lead = append(lead, s[2])
		}
	})
	for i, z := range lead {
		lead[i] = (z-lo)*1.6/(hi-lo) - 0.4
	}
	return lead, nil
}

func (o Oscillator) check(rr []float64, every int) error {
	if len(rr) == 0 {
		return fmt.Errorf("ecg: Oscillator.Run: no intervals: %w", tensor.ErrEmpty)
	}
	total := 0.0
	for i, v := range rr {
		if !(v > 0) || math.IsInf(v, 1) {
			return fmt.Errorf("ecg: Oscillator.Run: rr[%d] = %v: %w", i, v, tensor.ErrRange)
		}
		total += v
	}
	if !(o.Rate > 0) || !(o.HeartRate > 0) || !(o.Respiration >= 0) || every < 1 || !(total*o.Rate < math.MaxInt32) {
		return fmt.Errorf("ecg: Oscillator.Run: %v s at rate %v, heart rate %v, respiration %v, every %d: %w", total,
			o.Rate,
			o.HeartRate, o.Respiration, every, tensor.ErrRange)
	}
	for i, w := range o.Waves {
		if !(w.Width > 0) || w.Angle-w.Angle != 0 || w.Height-w.Height != 0 {
			return fmt.Errorf("ecg: Oscillator.Run: Waves[%d] = %v: %w", i, w, tensor.ErrRange)
		}
	}
	return nil
}

// integrate visits the state at every sample, from the right of the circle.
func (o Oscillator) integrate(rr []float64, visit func(i int, state [3]float64)) {
	speed := o.speeds(rr)
	waves := o.scaled()
	at := func(sample int, t float64, s [3]float64) [3]float64 {
		x, y, z := s[0], s[1], s[2]
		w := speed[min(sample, len(speed)-1)]
		a := 1 - math.Sqrt(x*x+y*y)
		d := -(z - 0.005*math.Sin(2*math.Pi*o.Respiration*t))
		angle := math.Atan2(y, x)
		for _, wave := range waves {
			off := math.Mod(angle-wave.Angle, 2*math.Pi)
			d -= wave.Height * off * math.Exp(-off*off/(2*wave.Width*wave.Width))
		}
		return [3]float64{a*x - w*y, a*y + w*x, d}
	}
	plus := func(s [3]float64, h float64, k [3]float64) [3]float64 {
		return [3]float64{s[0] + h*k[0], s[1] + h*k[1], s[2] + h*k[2]}
	}
	state := [3]float64{1, 0, 0.04}
	h := 1 / o.Rate
	for i := range speed {
		visit(i, state)
		t := float64(i) * h
		k1 := at(i, t, state)
		k2 := at(i, t+h/2, plus(state, h/2, k1))
		k3 := at(i, t+h/2, plus(state, h/2, k2))
		k4 := at(i+1, t+h, plus(state, h, k3))
		for d := range state {
			state[d] += h / 6 * (k1[d] + 2*k2[d] + 2*k3[d] + k4[d])
		}
	}
}

// speeds is the angular speed at each sample: that of the interval that it lies in.
func (o Oscillator) speeds(rr []float64) []float64 {
	var speed []float64
	end := 0.0
	for _, v := range rr {
		end += v
		for len(speed) < int(math.Round(end*o.Rate)) {
			speed = append(speed, 2*math.Pi/v)
		}
	}
	return speed
}

// Tachogram is n intervals in seconds whose spectrum has a peak of the blood pressure at 0.1 Hz and one of breathing at
// 0.25 Hz, of random phases (McSharry et al. 2003). ratio is the power of the first over that of the second. The error
// wraps [tensor.ErrRange].
func Tachogram(seed uint64, n int, heartRate, sd, ratio float64) ([]float64, error) {
	if n < 1 || n > 1<<24 || !(heartRate > 0 && heartRate < 1000) || !(sd >= 0 && sd < 10) ||
		!(ratio >= 0 && ratio < 1e6) {
		return nil, fmt.Errorf("ecg: Tachogram: %d intervals at %v beats per minute, sd %v s, ratio %v: %w", n,
			heartRate, sd, ratio, tensor.ErrRange)
	}
	rng := tensor.Stream(seed)
	mean := 60 / heartRate
	size := max(64, n)
	spectrum := make([]complex128, size/2+1)
	for k := 1; k < len(spectrum); k++ {
		f := float64(k) / float64(size) / mean // one interval a sample
		peak := func(at float64) float64 { d := (f - at) / 0.01; return math.Exp(-d * d / 2) }
		root := math.Sqrt(ratio*peak(0.1) + peak(0.25))
		phase := 2 * math.Pi * rng.Float64()
		spectrum[k] = complex(root*math.Cos(phase), root*math.Sin(phase))
	}
	x := fourier.NewFFT(size).Sequence(nil, spectrum)
	_, width := meanSD(x)
	rr := make([]float64, n)
	for i := range rr {
		rr[i] = mean
		if width > 0 {
			rr[i] = max(0.2, mean+x[i]*sd/width)
		}
	}
	return rr, nil
}
