package ecg

import (
	"fmt"
	"math"
	"math/cmplx"

	"github.com/espalier-ml/espalier/tensor"
)

// section is a filter of second order: y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2].
type section struct{ b0, b1, b2, a1, a2 float64 }

// bandPass is a Butterworth filter of order 2 on both sides, from lo to hi Hz, as two sections: the bilinear transform
// of the analogue filter, whose two ends are moved to where the transform puts them right.
func bandPass(lo, hi, rate float64) [2]section {
	const fs2 = 4 // twice the rate at which the transform is made
	warp := func(f float64) float64 { return fs2 * math.Tan(math.Pi*f/rate) }
	width, centre := warp(hi)-warp(lo), math.Sqrt(warp(lo)*warp(hi))
	// Each pole of the low-pass prototype becomes two; the conjugate of the prototype's gives their conjugates.
	half := cmplx.Rect(1, 3*math.Pi/4) * complex(width/2, 0)
	root := cmplx.Sqrt(half*half - complex(centre*centre, 0))
	gain := width * width * fs2 * fs2 // of two zeros at 0
	var poles [2]complex128
	for i, p := range []complex128{half + root, half - root} {
		d := complex(fs2, 0) - p
		gain /= real(d * cmplx.Conj(d))
		poles[i] = (complex(fs2, 0) + p) / d
	}
	if cmplx.Abs(poles[0]) > cmplx.Abs(poles[1]) {
		poles[0], poles[1] = poles[1], poles[0]
	}
	s := [2]section{{b0: gain, b1: 2 * gain, b2: gain}, {b0: 1, b1: -2, b2: 1}} // zeros at -1, and at 1
	for i, p := range poles {
		s[i].a1, s[i].a2 = -2*real(p), real(p*cmplx.Conj(p))
	}
	return s
}

// highPass is a Butterworth filter of order 2 from f Hz on.
func highPass(f, rate float64) section {
	k := math.Tan(math.Pi * f / rate)
	d := 1 + math.Sqrt2*k + k*k
	return section{1 / d, -2 / d, 1 / d, 2 * (k*k - 1) / d, (1 - math.Sqrt2*k + k*k) / d}
}

// RemoveBaseline takes out what moves more slowly than 0.5 Hz, by a Butterworth filter of order 2 that runs forward and
// backward, so that nothing is shifted. Samples that are NaN stay so, and the last one before holds for the filter. dst
// may be x. The error wraps [tensor.ErrShape] or [tensor.ErrRange].
func RemoveBaseline[T tensor.Float](dst, x []T, rate float64) error {
	if len(dst) != len(x) {
		return fmt.Errorf("ecg: RemoveBaseline: %d samples into %d: %w", len(x), len(dst), tensor.ErrShape)
	}
	if !(rate > 1) || math.IsInf(rate, 1) {
		return fmt.Errorf("ecg: RemoveBaseline: %v samples per second, want more than 1: %w", rate, tensor.ErrRange)
	}
	y := make([]float64, len(x))
	held := firstValid(x)
	for i, v := range x {
		if v == v {
			held = float64(v)
		}
		y[i] = held
	}
	s := highPass(0.5, rate)
	s.run(y, 1)
	s.run(y, -1)
	for i, v := range x {
		if v == v {
			dst[i] = T(y[i])
		} else {
			dst[i] = v
		}
	}
	return nil
}

// run filters x in place, forward or backward, as if its first sample had been there for ever.
func (s section) run(x []float64, step int) {
	if len(x) == 0 {
		return
	}
	at := 0
	if step < 0 {
		at = len(x) - 1
	}
	level := x[at] // a constant gives 0 of a high-pass filter
	z1, z2 := (s.b1+s.b2)*level, s.b2*level
	for range x {
		v := x[at]
		y := s.b0*v + z1
		z1 = s.b1*v - s.a1*y + z2
		z2 = s.b2*v - s.a2*y
		x[at] = y
		at += step
	}
}

// firstValid is the first sample that is not NaN, 0 if there is none.
func firstValid[T tensor.Float](x []T) float64 {
	for _, v := range x {
		if v == v {
			return float64(v)
		}
	}
	return 0
}
