package vision

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// clamp limits to [0, 1].
func clamp(v float32) float32 { return min(max(v, 0), 1) }

// Brightness multiplies intensities, as torchvision does for tensors.
func Brightness(factor float64) *Transform {
	return intensities(fmt.Sprintf("brightness %g", factor), func(dst, src Image) error {
		for i, v := range src.Pix {
			dst.Pix[i] = clamp(float32(factor) * v)
		}
		return nonNegative(factor)
	})
}

// Contrast blends with the mean grey, as torchvision does for tensors.
func Contrast(factor float64) *Transform {
	return intensities(fmt.Sprintf("contrast %g", factor), func(dst, src Image) error {
		if err := oneOrThree(src); err != nil {
			return err
		}
		sum := 0.0
		for y := range src.H {
			for x := range src.W {
				sum += float64(grey(src.At(y, x)))
			}
		}
		blendWith(dst.Pix, src.Pix, float32(factor), float32(sum/float64(src.H*src.W)))
		return nonNegative(factor)
	})
}

func blendWith(dst, src []float32, factor, grey float32) {
	for i, v := range src {
		dst[i] = clamp(factor*v + (1-factor)*grey)
	}
}

// Saturation blends each pixel with its grey, as torchvision does for tensors. It changes nothing of one channel.
func Saturation(factor float64) *Transform {
	return intensities(fmt.Sprintf("saturation %g", factor), func(dst, src Image) error {
		if err := oneOrThree(src); err != nil {
			return err
		}
		for y := range src.H {
			for x := range src.W {
				p := src.At(y, x)
				blendWith(dst.At(y, x), p, float32(factor), grey(p))
			}
		}
		return nonNegative(factor)
	})
}

// grey is the luminance of a pixel of three channels, and the value of one.
func grey(p []float32) float32 {
	if len(p) < 3 {
		return p[0]
	}
	return 0.2989*p[0] + 0.587*p[1] + 0.114*p[2]
}

func nonNegative(v float64) error {
	if !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("factor %v, want 0 or more: %w", v, tensor.ErrRange)
	}
	return nil
}

func oneOrThree(m Image) error {
	if m.C != 1 && m.C != 3 {
		return fmt.Errorf("%d channels, want 1 or 3: %w", m.C, tensor.ErrShape)
	}
	return nil
}

// Hue turns the hue by a share of the circle, in [-1/2, 1/2], as torchvision does for tensors. Grey has none and stays.
// It changes nothing of one channel.
func Hue(shift float64) *Transform {
	return intensities(fmt.Sprintf("hue %g", shift), func(dst, src Image) error {
		if err := oneOrThree(src); err != nil {
			return err
		}
		if !(shift >= -0.5 && shift <= 0.5) {
			return fmt.Errorf("shift %v, want a value in [-1/2, 1/2]: %w", shift, tensor.ErrRange)
		}
		copy(dst.Pix, src.Pix)
		if src.C == 1 {
			return nil
		}
		for y := range src.H {
			for x := range src.W {
				p := src.At(y, x)
				h, s, v := hsv(p[0], p[1], p[2])
				h = float32(math.Mod(float64(h)+shift+1, 1))
				q := dst.At(y, x)
				q[0], q[1], q[2] = rgb(h, s, v)
			}
		}
		return nil
	})
}

func hsv(r, g, b float32) (h, s, v float32) {
	v = max(r, g, b)
	span := v - min(r, g, b)
	if span == 0 {
		return 0, 0, v
	}
	rc, gc, bc := (v-r)/span, (v-g)/span, (v-b)/span
	switch v {
	case r:
		h = bc - gc
	case g:
		h = 2 + rc - bc
	default:
		h = 4 + gc - rc
	}
	return float32(math.Mod(float64(h/6+1), 1)), span / v, v
}

func rgb(h, s, v float32) (r, g, b float32) {
	i := int(h * 6)
	f := h*6 - float32(i)
	p, q, t := clamp(v*(1-s)), clamp(v*(1-s*f)), clamp(v*(1-s*(1-f)))
	switch i % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}

// Gamma raises intensities to a power and multiplies them by a gain.
func Gamma(gamma, gain float64) *Transform {
	return intensities(fmt.Sprintf("gamma %g gain %g", gamma, gain), func(dst, src Image) error {
		for i, v := range src.Pix {
			dst.Pix[i] = clamp(float32(gain * math.Pow(float64(clamp(v)), gamma)))
		}
		return nonNegative(gamma)
	})
}

// Invert is one less the intensity.
func Invert() *Transform {
	return intensities("invert", func(dst, src Image) error {
		for i, v := range src.Pix {
			dst.Pix[i] = 1 - v
		}
		return nil
	})
}

// Solarize inverts intensities of a threshold or more.
func Solarize(threshold float64) *Transform {
	return intensities(fmt.Sprintf("solarize %g", threshold), func(dst, src Image) error {
		for i, v := range src.Pix {
			if v >= float32(threshold) {
				v = 1 - v
			}
			dst.Pix[i] = v
		}
		return nil
	})
}

// Autocontrast stretches each channel to [0, 1]. A channel of one intensity stays as it is.
func Autocontrast() *Transform {
	return intensities("autocontrast", func(dst, src Image) error {
		for c := range src.C {
			lo, hi := src.Pix[c], src.Pix[c]
			for i := c; i < len(src.Pix); i += src.C {
				lo, hi = min(lo, src.Pix[i]), max(hi, src.Pix[i])
			}
			for i := c; i < len(src.Pix); i += src.C {
				dst.Pix[i] = src.Pix[i]
				if hi > lo {
					dst.Pix[i] = clamp((src.Pix[i] - lo) / (hi - lo))
				}
			}
		}
		return nil
	})
}
