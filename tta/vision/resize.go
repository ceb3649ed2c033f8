package vision

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// Sampling is how a resize makes pixels. Libraries differ, and a model wants what it was trained with.
type Sampling uint8

// The samplings.
const (
	Bilinear        Sampling = iota // torch: four neighbours, align_corners=False, no antialiasing
	BilinearCorners                 // torch: align_corners=True
	Antialiased                     // torchvision antialias=True and Pillow: a triangle as wide as the ratio
	NearestTorch                    // torch and OpenCV: floor of the position, computed in float32
	NearestPillow                   // Pillow: the pixel below the middle
)

var samplingNames = [...]string{"bilinear", "bilinear align corners", "bilinear antialiased", "nearest torch",
	"nearest PIL"}

// String is the sampling's name.
func (s Sampling) String() string {
	if int(s) < len(samplingNames) {
		return samplingNames[s]
	}
	return fmt.Sprintf("sampling(%d)", uint8(s))
}

// Resize makes images h x w pixels. Applying one to less than a pixel or with an unknown sampling is an error that
// wraps [tensor.ErrRange]. Its inverse resizes by the same rule to the size that there was.
func Resize(h, w int, how Sampling) *Transform {
	return resizing(fmt.Sprintf("resize %dx%d (%v)", h, w, how), how, func(int, int) (int, int) { return h, w })
}

// Scale multiplies height and width by a factor, rounded down as torch does.
func Scale(factor float64, how Sampling) *Transform {
	return resizing(fmt.Sprintf("scale %g (%v)", factor, how), how, func(h, w int) (int, int) {
		return int(float64(h) * factor), int(float64(w) * factor)
	})
}

func resizing(name string, how Sampling, size func(h, w int) (int, int)) *Transform {
	return &Transform{name: name,
		apply: func(m Image, s space) (Image, error) {
			h, w := size(m.H, m.W)
			return resize(name, m, h, w, how, s)
		},
		move: func(g tta.Geometry) tta.Geometry { return g.Resize(size(g.Out())) },
		undo: func(m Image, h, w int) (Image, error) { return resize(name, m, h, w, how, nil) }}
}

// ScaleCrop is the zoom of the paper's standard policy: nearest to int(h*factor) x int(w*factor), and the middle of it
// by ttach's rule. The factor is 1 or more.
func ScaleCrop(factor float64) *Transform {
	name := fmt.Sprintf("scale-crop %g", factor)
	return &Transform{name: name, undo: notInvertible,
		apply: func(m Image, s space) (Image, error) {
			big, err := resize(name, m, int(float64(m.H)*factor), int(float64(m.W)*factor), NearestTorch, nil)
			if err != nil {
				return Image{}, err
			}
			return crop(name, big, big.H/2-m.H/2, big.W/2-m.W/2, m.H, m.W, s)
		},
		move: func(g tta.Geometry) tta.Geometry {
			h, w := g.Out()
			bh, bw := int(float64(h)*factor), int(float64(w)*factor)
			return g.Resize(bh, bw).Crop(bh/2-h/2, bw/2-w/2, h, w)
		}}
}

// tap is what an output pixel is made of: consecutive input pixels with weights.
type tap struct {
	from    int
	weights []float32
}

func resize(name string, m Image, h, w int, how Sampling, s space) (Image, error) {
	if h < 1 || w < 1 || h > math.MaxInt32/w || h*w > math.MaxInt32/m.C || how > NearestPillow {
		return Image{}, fmt.Errorf("vision: %s: to %d x %d pixels: %w", name, h, w, tensor.ErrRange)
	}
	return separable(m, taps(m.H, h, how), taps(m.W, w, how), s), nil
}

// taps are those of n output pixels along an axis of in.
func taps(in, n int, how Sampling) []tap {
	all := make([]tap, n)
	ratio := float64(in) / float64(n)
	middle := ratio / 2 // added up as Pillow does, which decides ties
	for i := range all {
		switch how {
		case NearestTorch:
			all[i] = tap{min(int(float32(i)*(float32(in)/float32(n))), in-1), []float32{1}}
		case NearestPillow:
			all[i] = tap{min(int(middle), in-1), []float32{1}}
			middle += ratio
		case Antialiased:
			all[i] = triangle(in, i, ratio)
		default:
			at := max((float64(i)+0.5)*ratio-0.5, 0)
			if how == BilinearCorners {
				at = 0
				if n > 1 {
					at = float64(i) * float64(in-1) / float64(n-1)
				}
			}
			from := min(int(at), in-1)
			f := float32(at - float64(from))
			all[i] = tap{from, []float32{1 - f, f}}
			if from == in-1 {
				all[i].weights = []float32{1}
			}
		}
	}
	return all
}

// triangle is the antialiasing filter, as wide as the ratio where that is above 1.
func triangle(in, i int, ratio float64) tap {
	width := max(ratio, 1)
	center := (float64(i) + 0.5) * ratio
	lo, hi := max(int(center-width+0.5), 0), min(int(center+width+0.5), in)
	weights, sum := make([]float64, hi-lo), 0.0
	for k := range weights {
		weights[k] = max(1-math.Abs((float64(lo+k)-center+0.5)/width), 0)
		sum += weights[k]
	}
	t := tap{lo, make([]float32, hi-lo)}
	for k, v := range weights {
		t.weights[k] = float32(v / sum)
	}
	return t
}

// separable applies taps to columns of the input first, a row of the output at a time, so that the inner loop is long,
// and then to its row.
func separable(m Image, rows, cols []tap, s space) Image {
	out := s.dirty(len(rows), len(cols), m.C)
	line := make([]float32, m.W*m.C)
	for y, t := range rows {
		width := m.W * m.C
		src := line
		if len(t.weights) == 1 {
			src = m.Pix[t.from*width : (t.from+1)*width]
		} else {
			tensor.Scale(line, t.weights[0], m.Pix[t.from*width:(t.from+1)*width])
			for k := 1; k < len(t.weights); k++ {
				tensor.Axpy(line, t.weights[k], m.Pix[(t.from+k)*width:(t.from+k+1)*width])
			}
		}
		across(out.Pix[y*out.W*m.C:(y+1)*out.W*m.C], src, cols, m.C)
	}
	return out
}

func across(dst, src []float32, cols []tap, channels int) {
	if channels == 3 {
		for x, t := range cols {
			var r, g, b float32
			p := src[3*t.from:]
			for _, w := range t.weights {
				q := (*[3]float32)(p)
				r += w * q[0]
				g += w * q[1]
				b += w * q[2]
				p = p[3:]
			}
			d := (*[3]float32)(dst[3*x:])
			d[0], d[1], d[2] = r, g, b
		}
		return
	}
	for x, t := range cols {
		for c := range channels {
			sum := float32(0)
			for k, w := range t.weights {
				sum += w * src[(t.from+k)*channels+c]
			}
			dst[x*channels+c] = sum
		}
	}
}
