// Package signal has views of signals for [github.com/espalier-ml/espalier/tta]: shifts, scaling, noise, crops,
// reversal. A signal is T samples of C channels, in the order [T, C], of which the first Valid carry data and the rest
// are padding, which no transform moves into the data.
package signal

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// Signal is samples of channels. Transforms never modify one.
type Signal struct {
	T, C    int
	Samples []float32 // [T, C]
	Valid   int       // samples before the padding; 0 counts as T
}

func (s Signal) validate() error {
	if s.T < 1 || s.C < 1 || s.T > math.MaxInt32/s.C || len(s.Samples) != s.T*s.C || s.Valid < 0 || s.Valid > s.T {
		return fmt.Errorf("signal: %d numbers for %d samples of %d channels, %d of them valid: %w",
			len(s.Samples), s.T, s.C, s.Valid, tensor.ErrShape)
	}
	return nil
}

// valid is the number of samples that carry data.
func (s Signal) valid() int {
	if s.Valid == 0 {
		return s.T
	}
	return s.Valid
}

// data is the samples that carry data.
func (s Signal) data() []float32 { return s.Samples[:s.valid()*s.C] }

// transform checks and copies.
func transform(name string, f func(dst, src Signal) error) tta.Transform[Signal] {
	return tta.Func(name, func(s Signal) (Signal, error) {
		if err := s.validate(); err != nil {
			return Signal{}, err
		}
		out := s
		out.Samples = append([]float32(nil), s.Samples...)
		if err := f(out, s); err != nil {
			return Signal{}, fmt.Errorf("signal: %s: %w", name, err)
		}
		return out, nil
	})
}

// Shift moves the data by samples, later ones for a positive number, zeros coming in.
func Shift(samples int) tta.Transform[Signal] {
	return transform(fmt.Sprintf("shift %d", samples), func(dst, src Signal) error {
		n := src.valid()
		clear(dst.data())
		if samples >= n || samples <= -n {
			return nil
		}
		if samples >= 0 {
			copy(dst.data()[samples*src.C:], src.data())
		} else {
			copy(dst.data(), src.data()[-samples*src.C:])
		}
		return nil
	})
}

// Roll moves the data by samples and what falls out at one end in at the other.
func Roll(samples int) tta.Transform[Signal] {
	return transform(fmt.Sprintf("roll %d", samples), func(dst, src Signal) error {
		n := src.valid()
		at := ((samples%n + n) % n) * src.C
		copy(dst.data()[at:], src.data())
		copy(dst.data()[:at], src.data()[n*src.C-at:])
		return nil
	})
}

// Scale multiplies the data.
func Scale(factor float64) tta.Transform[Signal] {
	return transform(fmt.Sprintf("scale %g", factor), func(dst, src Signal) error {
		if factor-factor != 0 {
			return fmt.Errorf("factor %v: %w", factor, tensor.ErrRange)
		}
		tensor.Scale(dst.data(), float32(factor), src.data())
		return nil
	})
}

// Reverse turns time round.
func Reverse() tta.Transform[Signal] {
	return transform("reverse", func(dst, src Signal) error {
		n := src.valid()
		for t := range n {
			copy(dst.Samples[(n-1-t)*src.C:(n-t)*src.C], src.Samples[t*src.C:])
		}
		return nil
	})
}

// Noise adds normal noise with a standard deviation, 0 or more, that is a share of the data's own, channel by channel.
// As part of a view it draws by seed, example and view.
func Noise(share float64) tta.Random[Signal] {
	name := fmt.Sprintf("noise %g", share)
	return tta.RandomFunc(name, func(s Signal, rng *rand.Rand) (Signal, error) {
		if err := s.validate(); err != nil {
			return Signal{}, err
		}
		if !(share >= 0) || math.IsInf(share, 0) {
			return Signal{}, fmt.Errorf("signal: %s: want 0 or more: %w", name, tensor.ErrRange)
		}
		out := s
		out.Samples = append([]float32(nil), s.Samples...)
		for c := range s.C {
			sd := share * s.deviation(c)
			for i := c; i < len(s.data()); i += s.C {
				out.Samples[i] += float32(sd * rng.NormFloat64())
			}
		}
		return out, nil
	})
}

// deviation is the standard deviation of a channel's data.
func (s Signal) deviation(c int) float64 {
	n, mean, sum := float64(s.valid()), 0.0, 0.0
	for i := c; i < len(s.data()); i += s.C {
		mean += float64(s.Samples[i]) / n
	}
	for i := c; i < len(s.data()); i += s.C {
		d := float64(s.Samples[i]) - mean
		sum += d * d
	}
	return math.Sqrt(sum / n)
}

// Crop is a window of the given number of samples at a place from 0, the first, to 1, the last that there is: of the
// data, not of the padding. Data that are shorter stay whole and are padded with zeros; Valid says so.
func Crop(samples int, place float64) tta.Transform[Signal] {
	name := fmt.Sprintf("crop %d at %g", samples, place)
	return tta.Func(name, func(s Signal) (Signal, error) {
		if err := s.validate(); err != nil {
			return Signal{}, err
		}
		if samples < 1 || samples > math.MaxInt32/s.C || !(place >= 0 && place <= 1) {
			return Signal{}, fmt.Errorf("signal: %s: want a sample or more at a place in [0, 1]: %w", name, tensor.ErrRange)
		}
		from := int(math.Round(place * float64(max(s.valid()-samples, 0))))
		out := Signal{T: samples, C: s.C, Samples: make([]float32, samples*s.C), Valid: min(samples, s.valid()-from)}
		copy(out.Samples, s.data()[from*s.C:])
		return out, nil
	})
}

// Windows is the policy of evenly placed crops, of which the middle one is the original: an odd number of 1 or more.
func Windows(samples, count int) (*tta.Policy[Signal], error) {
	if count < 1 || count%2 == 0 {
		return nil, fmt.Errorf("signal: Windows: %d crops, want an odd number: %w", count, tensor.ErrRange)
	}
	var f tta.Factor[Signal]
	for i := range count {
		place := 0.5
		if count > 1 {
			place = float64(i) / float64(count-1)
		}
		t := Crop(samples, place)
		f = append(f, tta.Level[Signal]{Name: t.Name(), Steps: []tta.Transform[Signal]{t}, Original: i == count/2})
	}
	return tta.Product(f)
}
