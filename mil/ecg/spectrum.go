package ecg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/interp"

	"github.com/espalier-ml/espalier/internal/option"
)

// Band is a range of frequencies, from Lo to below Hi, in Hz.
type Band struct {
	Name string  `json:"name"`
	Lo   float64 `json:"lo_hz"`
	Hi   float64 `json:"hi_hz"`
}

// BandPower is the variance of the intervals in a band, in ms^2; it is not normalised by anything.
type BandPower struct {
	Band
	Power float64 `json:"power_ms2"`
}

// Spectrum is the variability of the heart rate by frequency.
type Spectrum struct {
	Bands   []BandPower `json:"bands"`
	Windows int         `json:"windows"` // that were averaged
}

// SpectrumOption is a choice of [Series.Spectrum].
type SpectrumOption func(*spectrumConfig) error

type spectrumConfig struct {
	seconds float64
	bands   []Band
}

// WithSpectrumWindow sets the length of the windows in seconds, 30 to 86400; default 300. The lowest frequency of a
// band should go into it several times.
func WithSpectrumWindow(seconds float64) SpectrumOption {
	return func(c *spectrumConfig) error {
		c.seconds = seconds
		return option.Range(seconds >= 30 && seconds <= 86400, "WithSpectrumWindow", seconds, "30 to 86400")
	}
}

// WithBands sets the bands. Default VLF from 0.0033, LF from 0.04, and HF from 0.15 to 0.4 Hz (Task Force 1996).
func WithBands(bands ...Band) SpectrumOption {
	return func(c *spectrumConfig) error {
		c.bands = bands
		for _, b := range bands {
			if !(b.Lo >= 0 && b.Hi > b.Lo && b.Hi <= interpolated/2) {
				return option.Range(false, "WithBands", b, fmt.Sprintf("0 <= Lo < Hi <= %v Hz", interpolated/2))
			}
		}
		return option.Nil(len(bands) > 0, "WithBands")
	}
}

const (
	interpolated = 4.0 // Hz
	longestHole  = 3.0 // seconds without a normal interval that are bridged
	leastNormal  = 0.8 // share of the time of a window that normal intervals make up
)

// Spectrum interpolates the normal intervals at 4 Hz by a natural cubic spline, each at the time of the beat that ends
// it, and averages periodograms of windows that overlap by half, without their linear trend, under a Hann window
// (Welch 1967). No window holds a gap or more than three seconds without a normal interval, and normal ones make up
// 80 % of each. The error wraps [ErrTooFewBeats] if there is no such window.
func (s Series) Spectrum(opts ...SpectrumOption) (Spectrum, error) {
	c := spectrumConfig{300, []Band{{"VLF", 0.0033, 0.04}, {"LF", 0.04, 0.15}, {"HF", 0.15, 0.4}}}
	if err := option.Apply("ecg: Series.Spectrum", &c, opts); err != nil {
		return Spectrum{}, err
	}
	if err := s.check("Series.Spectrum"); err != nil {
		return Spectrum{}, err
	}
	n := int(c.seconds * interpolated)
	p := periodogram{fft: fourier.NewFFT(n), window: hann(n), power: make([]float64, n/2+1)}
	windows := 0
	for _, run := range s.runs() {
		windows += p.add(run)
	}
	if windows == 0 {
		return Spectrum{}, fmt.Errorf("ecg: Series.Spectrum: no %v s without a gap among %d beats: %w", c.seconds,
			len(s.Beats), ErrTooFewBeats)
	}
	r := Spectrum{Windows: windows}
	step := interpolated / float64(n)
	for _, b := range c.bands {
		power := 0.0
		for k := 1; k < len(p.power); k++ {
			if f := float64(k) * step; f >= b.Lo && f < b.Hi {
				power += p.power[k] / float64(windows)
			}
		}
		r.Bands = append(r.Bands, BandPower{b, power})
	}
	return r, nil
}

// tachogram is a run of normal intervals: when each ended, in seconds, and how long it was, in ms.
type tachogram struct{ at, interval []float64 }

// runs are the tachograms between gaps.
func (s Series) runs() []tachogram {
	var runs []tachogram
	var run tachogram
	end := func() {
		if len(run.at) >= 4 {
			runs = append(runs, run)
		}
		run = tachogram{}
	}
	for i := 1; i < len(s.Beats); i++ {
		n, normal := s.interval(i)
		if s.Beats[i].Gap {
			end()
			continue
		}
		at := float64(s.Beats[i].Sample) / s.Rate
		if last := len(run.at) - 1; last >= 0 && at-run.at[last] > longestHole {
			end()
		}
		if normal {
			run.at = append(run.at, at)
			run.interval = append(run.interval, s.milliseconds(n))
		}
	}
	end()
	return runs
}

type periodogram struct {
	fft    *fourier.FFT
	window []float64
	power  []float64 // sum over windows, ms^2 by frequency
}

func hann(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
	}
	return w
}

// add adds the windows of a run and returns how many there were.
func (p *periodogram) add(run tachogram) int {
	var spline interp.NaturalCubic
	if err := spline.Fit(run.at, run.interval); err != nil {
		return 0 // never: times increase
	}
	n := len(p.window)
	length := float64(n) / interpolated
	x := make([]float64, n)
	var coefficients []complex128
	windows := 0
	for from := run.at[0]; from+length-1/interpolated <= run.at[len(run.at)-1]; from += length / 2 {
		normal := 0.0
		for i, at := range run.at {
			if at > from && at <= from+length {
				normal += run.interval[i] / 1000
			}
		}
		if normal < leastNormal*length {
			continue
		}
		for i := range x {
			x[i] = spline.Predict(from + float64(i)/interpolated)
		}
		detrend(x)
		energy := 0.0
		for i, w := range p.window {
			x[i] *= w
			energy += w * w
		}
		coefficients = p.fft.Coefficients(coefficients, x)
		for k, c := range coefficients {
			twice := 2.0
			if k == 0 || 2*k == n {
				twice = 1
			}
			p.power[k] += twice * (real(c)*real(c) + imag(c)*imag(c)) / (energy * float64(n))
		}
		windows++
	}
	return windows
}

// detrend takes the least-squares line out.
func detrend(x []float64) {
	n := float64(len(x))
	var sum, slope, squares float64
	for i, v := range x {
		t := float64(i) - (n-1)/2
		sum += v / n
		slope += t * v
		squares += t * t
	}
	slope /= squares
	for i := range x {
		x[i] -= sum + slope*(float64(i)-(n-1)/2)
	}
}

// Between is the beats from one sample up to another, for the variability of a part. The first has no gap before it.
func (s Series) Between(from, to int) Series {
	part := Series{Rate: s.Rate}
	for _, b := range s.Beats {
		if b.Sample >= from && b.Sample < to {
			b.Gap = b.Gap && len(part.Beats) > 0
			part.Beats = append(part.Beats, b)
		}
	}
	return part
}
