package tensor

import (
	"errors"
	"fmt"
)

// Window is a convolution's or pooling's sliding window over N images of H x W pixels with C channels
// (NHWC). Zero strides, dilations and groups mean 1; padding is the number of pixels added on each side.
type Window struct {
	N, H, W, C           int
	KH, KW               int // the window's rows and columns
	StrideH, StrideW     int
	PadH, PadW           int
	DilationH, DilationW int
	Groups               int // convolution only: channels are split into this many independent groups
}

func (w Window) filled() Window {
	for _, p := range []*int{&w.StrideH, &w.StrideW, &w.DilationH, &w.DilationW, &w.Groups} {
		if *p == 0 {
			*p = 1
		}
	}
	return w
}

// Out returns the rows and columns of the output: (H + 2*PadH - DilationH*(KH-1) - 1)/StrideH + 1, rounded down.
func (w Window) Out() (rows, cols int) {
	w = w.filled()
	return (w.H+2*w.PadH-w.DilationH*(w.KH-1)-1)/w.StrideH + 1, (w.W+2*w.PadW-w.DilationW*(w.KW-1)-1)/w.StrideW + 1
}

// Validate reports everything that is wrong with w; errors wrap [ErrRange].
func (w Window) Validate() error {
	w = w.filled()
	var errs []error
	atLeast := func(name string, v, least int) {
		if v < least {
			errs = append(errs, fmt.Errorf("tensor: Window: %s is %d, want at least %d: %w", name, v, least, ErrRange))
		}
	}
	atLeast("N", w.N, 0)
	atLeast("H", w.H, 1)
	atLeast("W", w.W, 1)
	atLeast("C", w.C, 1)
	atLeast("KH", w.KH, 1)
	atLeast("KW", w.KW, 1)
	atLeast("StrideH", w.StrideH, 1)
	atLeast("StrideW", w.StrideW, 1)
	atLeast("PadH", w.PadH, 0)
	atLeast("PadW", w.PadW, 0)
	atLeast("DilationH", w.DilationH, 1)
	atLeast("DilationW", w.DilationW, 1)
	atLeast("Groups", w.Groups, 1)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if w.C%w.Groups != 0 {
		errs = append(errs, fmt.Errorf("tensor: Window: %d channels do not divide into %d groups: %w",
			w.C, w.Groups, ErrRange))
	}
	if span := w.DilationH*(w.KH-1) + 1; span > w.H+2*w.PadH {
		errs = append(errs, fmt.Errorf("tensor: Window: %d rows of window over %d padded rows: %w",
			span, w.H+2*w.PadH, ErrRange))
	}
	if span := w.DilationW*(w.KW-1) + 1; span > w.W+2*w.PadW {
		errs = append(errs, fmt.Errorf("tensor: Window: %d columns of window over %d padded columns: %w",
			span, w.W+2*w.PadW, ErrRange))
	}
	return errors.Join(errs...)
}

// ready panics if w is invalid or if the named slice does not hold the input; it fills in the defaults.
func (w Window) ready(op, name string, length int) Window {
	if err := w.Validate(); err != nil {
		panic(fmt.Errorf("tensor: %s: %w", op, err))
	}
	if want := w.N * w.H * w.W * w.C; length != want {
		shapePanic(ErrShape, "%s: %s has %d elements, the window's images have %d", op, name, length, want)
	}
	return w.filled()
}

// taps returns the range of window positions k for which start + k*dilation lies in [0, size).
func taps(start, dilation, k, size int) (lo, hi int) {
	if start < 0 {
		lo = (-start + dilation - 1) / dilation
	}
	return lo, min(k, (size-start+dilation-1)/dilation)
}
