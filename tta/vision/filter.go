package vision

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Sharpness blends with the image smoothed by 1 1 1, 1 5 1, 1 1 1 over 13, its border left as it is, as torchvision
// does for tensors: a factor of 0 is the smooth one and 1 the image itself.
func Sharpness(factor float64) *Transform {
	return intensities(fmt.Sprintf("sharpness %g", factor), func(dst, src Image) error {
		copy(dst.Pix, src.Pix)
		for y := 1; y < src.H-1; y++ {
			for x := 1; x < src.W-1; x++ {
				for c := range src.C {
					sum := 4 * src.At(y, x)[c]
					for dy := -1; dy <= 1; dy++ {
						for dx := -1; dx <= 1; dx++ {
							sum += src.At(y+dy, x+dx)[c]
						}
					}
					dst.At(y, x)[c] = float32(factor)*src.At(y, x)[c] + float32(1-factor)*sum/13
				}
			}
		}
		for i, v := range dst.Pix {
			dst.Pix[i] = clamp(v)
		}
		return nonNegative(factor)
	})
}

// GaussianBlur smooths with a kernel of an odd number of taps, the image being mirrored at its border, as torchvision
// does. An image with a side of no more than half the taps is an error that wraps [tensor.ErrShape].
func GaussianBlur(taps int, sigma float64) *Transform {
	return intensities(fmt.Sprintf("gaussian blur %d taps sigma %g", taps, sigma), func(dst, src Image) error {
		if taps < 1 || taps%2 == 0 || taps > 1<<16 || !(sigma > 0) {
			return fmt.Errorf("%d taps and sigma %v, want an odd number and more than 0: %w", taps, sigma, tensor.ErrRange)
		}
		half := taps / 2
		if half >= src.H || half >= src.W {
			return fmt.Errorf("%d taps on %d x %d pixels: %w", taps, src.H, src.W, tensor.ErrShape)
		}
		k, sum := make([]float64, taps), 0.0
		for i := range k {
			d := float64(i-half) / sigma
			k[i] = math.Exp(-d * d / 2)
			sum += k[i]
		}
		mid := NewImage(src.H, src.W, src.C)
		for y := range src.H {
			for x := range src.W {
				for i, w := range k {
					tensor.Axpy(mid.At(y, x), float32(w/sum), src.At(y, mirror(x+i-half, src.W)))
				}
			}
		}
		for y := range src.H {
			for x := range src.W {
				for i, w := range k {
					tensor.Axpy(dst.At(y, x), float32(w/sum), mid.At(mirror(y+i-half, src.H), x))
				}
			}
		}
		return nil
	})
}

// mirror reflects an index at the middles of the first and the last pixel.
func mirror(i, n int) int {
	if i < 0 {
		return -i
	}
	if i >= n {
		return 2*(n-1) - i
	}
	return i
}
