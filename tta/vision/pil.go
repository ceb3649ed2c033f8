package vision

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// bytesImage is an image as Pillow has it.
type bytesImage struct {
	h, w, c int
	pix     []uint8
}

func newBytes(h, w, c int) bytesImage { return bytesImage{h, w, c, make([]uint8, h*w*c)} }

func (b bytesImage) at(y, x int) []uint8 { return b.pix[(y*b.w+x)*b.c : (y*b.w+x+1)*b.c] }

// pil makes a transform that follows Pillow on 8 bits: intensities are rounded to them first.
func pil(name string, moves bool, f func(dst, src bytesImage) error) *Transform {
	t := &Transform{name: "PIL " + name, apply: func(m Image, s space) (Image, error) {
		if err := oneOrThree(m); err != nil {
			return Image{}, fmt.Errorf("vision: PIL %s: %w", name, err)
		}
		src, dst := newBytes(m.H, m.W, m.C), newBytes(m.H, m.W, m.C)
		for i, v := range m.Pix {
			src.pix[i] = level(v)
		}
		if err := f(dst, src); err != nil {
			return Image{}, fmt.Errorf("vision: PIL %s: %w", name, err)
		}
		out := s.dirty(m.H, m.W, m.C)
		for i, v := range dst.pix {
			out.Pix[i] = unit(v)
		}
		return out, nil
	}}
	if moves {
		t.undo = notInvertible
	}
	return t
}

// lookup makes a transform of a table for each channel, given its histogram.
func lookup(name string, table func(histogram *[256]int) [256]uint8) *Transform {
	return pil(name, false, func(dst, src bytesImage) error {
		for c := range src.c {
			var h [256]int
			for i := c; i < len(src.pix); i += src.c {
				h[src.pix[i]]++
			}
			t := table(&h)
			for i := c; i < len(src.pix); i += src.c {
				dst.pix[i] = t[src.pix[i]]
			}
		}
		return nil
	})
}

// each makes a table of a function.
func each(f func(v int) int) func(*[256]int) [256]uint8 {
	return func(*[256]int) (t [256]uint8) {
		for v := range t {
			t[v] = uint8(min(max(f(v), 0), 255))
		}
		return t
	}
}

// PILInvert is ImageOps.invert.
func PILInvert() *Transform { return lookup("invert", each(func(v int) int { return 255 - v })) }

// PILSolarize is ImageOps.solarize: levels of a threshold, 0 to 256, or more are inverted.
func PILSolarize(threshold int) *Transform {
	return lookup(fmt.Sprintf("solarize %d", threshold), each(func(v int) int {
		if v < threshold {
			return v
		}
		return 255 - v
	}))
}

// PILPosterize is ImageOps.posterize: the given number of bits, 0 to 8, is kept.
func PILPosterize(bits int) *Transform {
	return lookup(fmt.Sprintf("posterize %d", bits), each(func(v int) int {
		return v &^ (1<<(8-min(max(bits, 0),
			8)) - 1)
	}))
}

// PILGamma is torchvision's adjust_gamma of a Pillow image.
func PILGamma(gamma, gain float64) *Transform {
	return lookup(fmt.Sprintf("gamma %g gain %g", gamma, gain), each(func(v int) int {
		return int(min((255+1-1e-3)*gain*math.Pow(float64(v)/255, gamma), 255))
	}))
}

// PILAutocontrast is ImageOps.autocontrast without a cutoff. A channel of one level stays as it is.
func PILAutocontrast() *Transform {
	return lookup("autocontrast", func(h *[256]int) [256]uint8 {
		lo, hi := 255, 0
		for v, n := range h {
			if n > 0 {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		return each(func(v int) int {
			if hi <= lo {
				return v
			}
			scale := 255 / float64(hi-lo)
			return int(float64(v)*scale + -float64(lo)*scale)
		})(h)
	})
}

// PILEqualize is ImageOps.equalize.
func PILEqualize() *Transform {
	return lookup("equalize", func(h *[256]int) [256]uint8 {
		sum, last, distinct := 0, 0, 0
		for _, n := range h {
			if n > 0 {
				sum, last, distinct = sum+n, n, distinct+1
			}
		}
		step := (sum - last) / 255
		n := step / 2
		return each(func(v int) int {
			if distinct <= 1 || step == 0 {
				return v
			}
			out := n / step
			n += h[v]
			return out
		})(h)
	})
}

// mix is Image.blend: truncated, and cut off for factors outside [0, 1]. The conversion of the product keeps
// processors from fusing it with the sum, which would round otherwise.
func mix(from, to uint8, factor float32) uint8 {
	v := float32(int(from)) + float32(factor*float32(int(to)-int(from)))
	return uint8(min(max(v, 0), 255))
}

// luminance is Pillow's conversion to grey.
func luminance(p []uint8) uint8 {
	if len(p) < 3 {
		return p[0]
	}
	return uint8((int(p[0])*19595 + int(p[1])*38470 + int(p[2])*7471 + 0x8000) >> 16)
}

// PILBrightness is ImageEnhance.Brightness.
func PILBrightness(factor float64) *Transform {
	return lookup(fmt.Sprintf("brightness %g", factor), each(func(v int) int {
		return int(mix(0, uint8(v),
			float32(factor)))
	}))
}

// PILContrast is ImageEnhance.Contrast.
func PILContrast(factor float64) *Transform {
	return pil(fmt.Sprintf("contrast %g", factor), false, func(dst, src bytesImage) error {
		sum := 0
		for i := 0; i < len(src.pix); i += src.c {
			sum += int(luminance(src.pix[i : i+src.c]))
		}
		mean := uint8(float64(sum)/float64(src.h*src.w) + 0.5)
		for i, v := range src.pix {
			dst.pix[i] = mix(mean, v, float32(factor))
		}
		return nil
	})
}

// PILColor is ImageEnhance.Color, which changes saturation.
func PILColor(factor float64) *Transform {
	return pil(fmt.Sprintf("color %g", factor), false, func(dst, src bytesImage) error {
		for i := 0; i < len(src.pix); i += src.c {
			grey := luminance(src.pix[i : i+src.c])
			for c := range src.c {
				dst.pix[i+c] = mix(grey, src.pix[i+c], float32(factor))
			}
		}
		return nil
	})
}

// PILHue is torchvision's adjust_hue of a Pillow image, by a share of the circle.
func PILHue(shift float64) *Transform {
	turn := uint8(int(shift * 255))
	return pil(fmt.Sprintf("hue %g", shift), false, func(dst, src bytesImage) error {
		copy(dst.pix, src.pix)
		if src.c == 1 {
			return nil
		}
		for i := 0; i < len(src.pix); i += 3 {
			h, s, v := bytesHSV(src.pix[i], src.pix[i+1], src.pix[i+2])
			bytesRGB(dst.pix[i:i+3], h+turn, s, v)
		}
		return nil
	})
}

func bytesHSV(r, g, b uint8) (h, s, v uint8) {
	v = max(r, g, b)
	low := min(r, g, b)
	if v == low {
		return 0, 0, v
	}
	span := float32(v - low)
	rc, gc, bc := float32(v-r)/span, float32(v-g)/span, float32(v-b)/span
	var hue float32
	switch v {
	case r:
		hue = bc - gc
	case g:
		hue = 2 + rc - bc
	default:
		hue = 4 + gc - rc
	}
	hue = float32(math.Mod(float64(hue)/6+1, 1))
	return uint8(float64(hue) * 255), uint8(float64(span/float32(v)) * 255), v
}

func bytesRGB(dst []uint8, h, s, v uint8) {
	if s == 0 {
		dst[0], dst[1], dst[2] = v, v, v
		return
	}
	fs := float64(float32(s) / 255)
	full := float64(h) * 6 / 255
	i := int(full)
	f := full - float64(i)
	round := func(x float64) uint8 { return uint8(min(max(math.Round(x), 0), 255)) }
	p, q, t := round(float64(v)*(1-fs)), round(float64(v)*(1-fs*f)), round(float64(v)*(1-fs*(1-f)))
	dst[0], dst[1], dst[2] = [6]uint8{v, q, p, p, t, v}[i%6], [6]uint8{t, v, v, q, p, p}[i%6], [6]uint8{p, p, t, v, v,
		q}[i%6]
}

// kernel filters with weights over an odd square, a border of half of it left as it is.
func (b bytesImage) kernel(dst bytesImage, size int, weights []int, scale int) {
	copy(dst.pix, b.pix)
	half := size / 2
	for y := half; y < b.h-half; y++ {
		for x := half; x < b.w-half; x++ {
			for c := range b.c {
				sum := float32(0.5)
				for k, w := range weights {
					sum += float32(float32(w) / float32(scale) * float32(b.at(y+k/size-half, x+k%size-half)[c]))
				}
				dst.at(y, x)[c] = uint8(min(max(sum, 0), 255))
			}
		}
	}
}

var (
	smooth3 = []int{1, 1, 1, 1, 5, 1, 1, 1, 1}
	blur5   = []int{1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1}
)

// PILSmooth is ImageFilter.SMOOTH.
func PILSmooth() *Transform {
	return pil("smooth", false, func(dst, src bytesImage) error { src.kernel(dst, 3, smooth3, 13); return nil })
}

// PILBlur is ImageFilter.BLUR.
func PILBlur() *Transform {
	return pil("blur", false, func(dst, src bytesImage) error { src.kernel(dst, 5, blur5, 16); return nil })
}

// PILSharpness is ImageEnhance.Sharpness.
func PILSharpness(factor float64) *Transform {
	return pil(fmt.Sprintf("sharpness %g", factor), false, func(dst, src bytesImage) error {
		src.kernel(dst, 3, smooth3, 13)
		for i, v := range src.pix {
			dst.pix[i] = mix(dst.pix[i], v, float32(factor))
		}
		return nil
	})
}

// PILCutout fills a square of a size around (x, y) with the given colour; the reference code has (125, 122, 113).
func PILCutout(size, x, y int, colour [3]uint8) *Transform {
	return pil(fmt.Sprintf("cutout %d at (%d, %d) %v", size, x, y, colour), false, func(dst, src bytesImage) error {
		copy(dst.pix, src.pix)
		for v := max(0, y-size/2); v < min(src.h, y-size/2+size); v++ {
			for u := max(0, x-size/2); u < min(src.w, x-size/2+size); u++ {
				copy(dst.at(v, u), colour[:])
			}
		}
		return nil
	})
}

// PILRotate is Image.rotate without expanding, counter-clockwise about the middle and black outside.
func PILRotate(degrees float64, how Interpolation) *Transform {
	return pil(fmt.Sprintf("rotate %g %v", degrees, how), true, func(dst, src bytesImage) error {
		turn := math.Mod(math.Mod(degrees, 360)+360, 360)
		if turn == 0 || turn == 180 || src.h == src.w && math.Mod(turn, 90) == 0 {
			src.turn(dst, int(turn/90))
			return nil
		}
		rad := -turn * math.Pi / 180
		cos, sin := round15(math.Cos(rad)), round15(math.Sin(rad))
		cx, cy := float64(src.w)/2, float64(src.h)/2
		src.affine(dst, [6]float64{cos, sin, -cos*cx - sin*cy + cx, -sin, cos, sin*cx - cos*cy + cy}, how)
		return nil
	})
}

func round15(v float64) float64 { return math.Round(v*1e15) / 1e15 }

// turn rotates exactly.
func (b bytesImage) turn(dst bytesImage, k int) {
	for y := range b.h {
		for x := range b.w {
			switch k {
			case 0:
				copy(dst.at(y, x), b.at(y, x))
			case 1:
				copy(dst.at(b.w-1-x, y), b.at(y, x))
			case 2:
				copy(dst.at(b.h-1-y, b.w-1-x), b.at(y, x))
			case 3:
				copy(dst.at(x, b.h-1-y), b.at(y, x))
			}
		}
	}
}

// affine is Image.transform: output (x, y) is input (a x + b y + c, d x + e y + f). Nearest runs in 16-bit fixed point,
// as Pillow does.
func (b bytesImage) affine(dst bytesImage, a [6]float64, how Interpolation) {
	fix := func(v float64) int64 { return int64(math.Floor(v*65536 + 0.5)) }
	for y := range dst.h {
		for x := range dst.w {
			if how == Nearest {
				u := fix(a[2]+a[0]*0.5+a[1]*0.5) + int64(y)*fix(a[1]) + int64(x)*fix(a[0])
				v := fix(a[5]+a[3]*0.5+a[4]*0.5) + int64(y)*fix(a[4]) + int64(x)*fix(a[3])
				if u>>16 >= 0 && v>>16 >= 0 && u>>16 < int64(b.w) && v>>16 < int64(b.h) {
					copy(dst.at(y, x), b.at(int(v>>16), int(u>>16)))
				}
				continue
			}
			px, py := float64(x)+0.5, float64(y)+0.5
			b.linear(dst.at(y, x), a[0]*px+a[1]*py+a[2], a[3]*px+a[4]*py+a[5])
		}
	}
}

// linear reads between pixels, repeating those at the border for positions inside the image.
func (b bytesImage) linear(dst []uint8, x, y float64) {
	if x < 0 || y < 0 || x >= float64(b.w) || y >= float64(b.h) {
		return
	}
	x, y = x-0.5, y-0.5
	ix, iy := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := x-float64(ix), y-float64(iy)
	x0, x1 := min(max(ix, 0), b.w-1), min(max(ix+1, 0), b.w-1)
	y0, y1 := min(max(iy, 0), b.h-1), min(max(iy+1, 0), b.h-1)
	for c := range dst {
		up := float64(b.at(y0, x0)[c]) + (float64(b.at(y0, x1)[c])-float64(b.at(y0, x0)[c]))*fx
		down := float64(b.at(y1, x0)[c]) + (float64(b.at(y1, x1)[c])-float64(b.at(y1, x0)[c]))*fx
		dst[c] = uint8(up + (down-up)*fy)
	}
}

// PILShearX and PILShearY shear as AutoAugment does, black coming in: row y is read level*y pixels further right.
func PILShearX(level float64) *Transform {
	return shear("shear x", level, [6]float64{1, level, 0, 0, 1, 0})
}

// PILShearY is the same for columns.
func PILShearY(level float64) *Transform {
	return shear("shear y", level, [6]float64{1, 0, 0, level, 1, 0})
}

func shear(name string, level float64, a [6]float64) *Transform {
	return pil(fmt.Sprintf("%s %g", name, level), true, func(dst, src bytesImage) error {
		src.affine(dst, a, Nearest)
		return nil
	})
}

// PILTranslateX reads pixels further right, so that content moves left, black coming in.
func PILTranslateX(pixels int) *Transform {
	return shear("translate x", float64(pixels), [6]float64{1, 0, float64(pixels), 0, 1, 0})
}

// PILTranslateY reads pixels further down, so that content moves up.
func PILTranslateY(pixels int) *Transform {
	return shear("translate y", float64(pixels), [6]float64{1, 0, 0, 0, 1, float64(pixels)})
}

// PILResize is Image.resize with [Antialiased], between whose two passes 8 bits are kept, or [NearestPillow]. It
// differs from Pillow's fixed point by at most one level.
func PILResize(h, w int, how Sampling) *Transform {
	name := fmt.Sprintf("PIL resize %dx%d (%v)", h, w, how)
	apply := func(m Image, h, w int, s space) (Image, error) {
		if how != Antialiased && how != NearestPillow {
			return Image{}, fmt.Errorf("vision: %s: Pillow has no such sampling: %w", name, tensor.ErrRange)
		}
		levels := space(nil).copy(m)
		levels.round()
		wide, err := resize(name, levels, m.H, w, how, nil)
		if err != nil {
			return Image{}, err
		}
		wide.round()
		out, err := resize(name, wide, h, w, how, s)
		if err == nil {
			out.round()
		}
		return out, err
	}
	return &Transform{name: name,
		apply: func(m Image, s space) (Image, error) { return apply(m, h, w, s) },
		move:  func(g tta.Geometry) tta.Geometry { return g.Resize(h, w) },
		undo:  func(m Image, h, w int) (Image, error) { return apply(m, h, w, nil) }}
}

// round makes intensities those of 8 bits.
func (m Image) round() {
	for i, v := range m.Pix {
		m.Pix[i] = unit(level(v))
	}
}

// PILCropBilinear cuts the given number of pixels off each side and resizes back to the size.
func PILCropBilinear(pixels int) *Transform {
	name := fmt.Sprintf("PIL crop bilinear %d", pixels)
	return &Transform{name: name, undo: notInvertible,
		apply: func(m Image, s space) (Image, error) {
			inner, err := crop(name, m, pixels, pixels, m.H-2*pixels, m.W-2*pixels, nil)
			if err != nil {
				return Image{}, err
			}
			return PILResize(m.H, m.W, Antialiased).apply(inner, s)
		},
		move: func(g tta.Geometry) tta.Geometry {
			h, w := g.Out()
			return g.Crop(pixels, pixels, h-2*pixels, w-2*pixels).Resize(h, w)
		}}
}
