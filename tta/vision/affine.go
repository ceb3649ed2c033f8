package vision

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Interpolation is how a transform that is no resize reads between pixels.
type Interpolation uint8

// The interpolations.
const (
	Nearest Interpolation = iota
	Linear
)

// String is "nearest" or "bilinear".
func (i Interpolation) String() string { return [...]string{"nearest", "bilinear"}[min(i, Linear)] }

// Rotate turns counter-clockwise about the middle, zeros coming in from outside, as torchvision does for tensors. Turns
// by multiples of 90 degrees of squares, and by 180 degrees of any image, are exact.
func Rotate(degrees float64, how Interpolation) *Transform {
	name := fmt.Sprintf("rotate %g (torchvision %v)", degrees, how)
	return &Transform{name: name, undo: notInvertible, apply: func(m Image, s space) (Image, error) {
		if k := int(degrees / 90); float64(k)*90 == degrees && (m.H == m.W || k%2 == 0) {
			return rot90(m, ((k%4)+4)%4, s), nil
		}
		return affine(name, m, AffineParams{Degrees: -degrees, Scale: 1}, how, s)
	}}
}

// AffineParams is what torchvision's affine takes.
type AffineParams struct {
	Degrees float64 // clockwise
	TX, TY  float64 // pixels to the right and down
	Scale   float64
	ShearX  float64 // degrees
	ShearY  float64 // degrees
}

// Affine rotates, shears and scales about the middle and moves, zeros coming in from outside, as torchvision does for
// tensors. A scale of 0 or a shear of 90 degrees is an error that wraps [tensor.ErrRange].
func Affine(p AffineParams, how Interpolation) *Transform {
	name := fmt.Sprintf("affine %+v (torchvision %v)", p, how)
	return &Transform{name: name, undo: notInvertible, apply: func(m Image, s space) (Image, error) {
		return affine(name, m, p, how, s)
	}}
}

func affine(name string, m Image, p AffineParams, how Interpolation, s space) (Image, error) {
	rot, sx, sy := p.Degrees*math.Pi/180, p.ShearX*math.Pi/180, p.ShearY*math.Pi/180
	a := math.Cos(rot-sy) / math.Cos(sy)
	b := -math.Cos(rot-sy)*math.Tan(sx)/math.Cos(sy) - math.Sin(rot)
	c := math.Sin(rot-sy) / math.Cos(sy)
	d := -math.Sin(rot-sy)*math.Tan(sx)/math.Cos(sy) + math.Cos(rot)
	xx, xy, yx, yy := d/p.Scale, -b/p.Scale, -c/p.Scale, a/p.Scale
	if how > Linear || xx-xx != 0 || xy-xy != 0 || yx-yx != 0 || yy-yy != 0 || math.Abs(math.Cos(sy)) < 1e-9 ||
		math.Abs(math.Cos(sx)) < 1e-9 || p.TX-p.TX != 0 || p.TY-p.TY != 0 {
		return Image{}, fmt.Errorf("vision: %s: %w", name, tensor.ErrRange)
	}
	// In float32 and in coordinates from -1 to 1, as torch has them, so that ties fall to the same side.
	half := [2]float64{float64(m.W) / 2, float64(m.H) / 2}
	theta := [2][3]float32{
		{float32(xx) / float32(half[0]), float32(xy) / float32(half[0]), float32(-xx*p.TX-xy*p.TY) / float32(half[0])},
		{float32(yx) / float32(half[1]), float32(yy) / float32(half[1]), float32(-yx*p.TX-yy*p.TY) / float32(half[1])}}
	at := func(k int, u, v float32, size int) float64 {
		g := float32(u*theta[k][0]) + float32(v*theta[k][1]) + theta[k][2]
		return float64((float32((g+1)*float32(size)) - 1) / 2)
	}
	out := s.image(m.H, m.W, m.C)
	for y := range m.H {
		v := float32(float64(y) + 0.5 - half[1])
		for x := range m.W {
			u := float32(float64(x) + 0.5 - half[0])
			sample(out.At(y, x), m, at(1, u, v, m.H), at(0, u, v, m.W), how)
		}
	}
	return out, nil
}

// sample reads at a position, counting 0 where there is no pixel.
func sample(dst []float32, m Image, y, x float64, how Interpolation) {
	inside := func(y, x int) bool { return y >= 0 && x >= 0 && y < m.H && x < m.W }
	limit := 4 * float64(m.H+m.W)
	if math.Abs(y) > limit || math.Abs(x) > limit {
		return
	}
	if how == Nearest {
		iy, ix := int(math.RoundToEven(y)), int(math.RoundToEven(x))
		if inside(iy, ix) {
			copy(dst, m.At(iy, ix))
		}
		return
	}
	iy, ix := int(math.Floor(y)), int(math.Floor(x))
	fy, fx := float32(y-float64(iy)), float32(x-float64(ix))
	for _, q := range [4]struct {
		y, x int
		w    float32
	}{{iy, ix, (1 - fy) * (1 - fx)}, {iy, ix + 1, (1 - fy) * fx}, {iy + 1, ix, fy * (1 - fx)}, {iy + 1, ix + 1, fy * fx}} {
		if inside(q.y, q.x) {
			for c, v := range m.At(q.y, q.x) {
				dst[c] += q.w * v
			}
		}
	}
}

// Translate moves by whole pixels to the right and down, zeros coming in.
func Translate(dx, dy int) *Transform {
	return &Transform{name: fmt.Sprintf("translate (%d, %d)", dx, dy), undo: notInvertible,
		apply: func(m Image, s space) (Image, error) {
			out := s.image(m.H, m.W, m.C)
			for y := range m.H {
				for x := range m.W {
					if sy, sx := y-dy, x-dx; sy >= 0 && sx >= 0 && sy < m.H && sx < m.W {
						copy(out.At(y, x), m.At(sy, sx))
					}
				}
			}
			return out, nil
		}}
}
