package tta

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Geometry is where the points of an image come to lie in a view of it, and takes outputs for the view back: points,
// boxes, angles and vectors. It is an affine map between two frames in coordinates of edges, in which an image of width
// W reaches from 0 to W and the middle of its first pixel is 1/2. The ratio of a resize is the real one of the two
// sizes, not the nominal factor. It is an immutable value.
type Geometry struct {
	h, w, outH, outW   int
	xx, xy, yx, yy     float64 // X = xx x + xy y + tx, Y = yx x + yy y + ty
	tx, ty             float64
	inverseDeterminant float64
}

// Frame is the geometry that changes nothing of an image of h x w pixels. The error wraps [tensor.ErrRange] unless both
// are 1 or more.
func Frame(h, w int) (Geometry, error) {
	if h < 1 || w < 1 {
		return Geometry{}, fmt.Errorf("tta: Frame(%d, %d): want pixels: %w", h, w, tensor.ErrRange)
	}
	return Geometry{h: h, w: w, outH: h, outW: w, xx: 1, yy: 1, inverseDeterminant: 1}, nil
}

// Size is the height and width of the input.
func (g Geometry) Size() (h, w int) { return g.h, g.w }

// Out is the height and width of the view.
func (g Geometry) Out() (h, w int) { return g.outH, g.outW }

// then applies a map to the view, which becomes h x w.
func (g Geometry) then(xx, xy, yx, yy, tx, ty float64, h, w int) Geometry {
	return Geometry{h: g.h, w: g.w, outH: h, outW: w,
		xx: xx*g.xx + xy*g.yx, xy: xx*g.xy + xy*g.yy, tx: xx*g.tx + xy*g.ty + tx,
		yx: yx*g.xx + yy*g.yx, yy: yx*g.xy + yy*g.yy, ty: yx*g.tx + yy*g.ty + ty,
		inverseDeterminant: g.inverseDeterminant / (xx*yy - xy*yx)}
}

// FlipH mirrors the view left to right.
func (g Geometry) FlipH() Geometry { return g.then(-1, 0, 0, 1, float64(g.outW), 0, g.outH, g.outW) }

// FlipV mirrors the view top to bottom.
func (g Geometry) FlipV() Geometry { return g.then(1, 0, 0, -1, 0, float64(g.outH), g.outH, g.outW) }

// Rot90 turns the view counter-clockwise k times by 90 degrees; k may be negative.
func (g Geometry) Rot90(k int) Geometry {
	for range ((k % 4) + 4) % 4 {
		g = g.then(0, 1, -1, 0, 0, float64(g.outW), g.outW, g.outH)
	}
	return g
}

// Crop takes h x w pixels from the given top and left, which may lie outside the view.
func (g Geometry) Crop(top, left, h, w int) Geometry {
	return g.then(1, 0, 0, 1, -float64(left), -float64(top), h, w)
}

// Resize makes the view h x w pixels, 1 or more each.
func (g Geometry) Resize(h, w int) Geometry {
	return g.then(float64(w)/float64(g.outW), 0, 0, float64(h)/float64(g.outH), 0, 0, h, w)
}

// Point takes a point of the view, in coordinates of edges, back to the input.
func (g Geometry) Point(x, y float64) (float64, float64) { return g.Vector(x-g.tx, y-g.ty) }

// Pixel is Point for coordinates of pixels, in which the middle of the first pixel is 0: that of pixel 2 of 10 in a
// mirror is pixel 7.
func (g Geometry) Pixel(x, y float64) (float64, float64) {
	x, y = g.Point(x+0.5, y+0.5)
	return x - 0.5, y - 0.5
}

// Normalized is Point for coordinates in which either frame reaches from 0 to 1.
func (g Geometry) Normalized(x, y float64) (float64, float64) {
	x, y = g.Point(x*float64(g.outW), y*float64(g.outH))
	return x / float64(g.w), y / float64(g.h)
}

// Box takes a box of the view, with its edges in coordinates of edges, back to the input. It stays as large as it is:
// see [Box.Clip].
func (g Geometry) Box(b Box) Box {
	x0, y0 := g.Point(b.X0, b.Y0)
	x1, y1 := g.Point(b.X1, b.Y1)
	b.X0, b.X1 = min(x0, x1), max(x0, x1)
	b.Y0, b.Y1 = min(y0, y1), max(y0, y1)
	return b
}

// Vector takes a difference of points, such as optical flow, back to the input: a mirror turns (u, v) to (-u, v), and a
// resize has its factor.
func (g Geometry) Vector(u, v float64) (float64, float64) {
	return (g.yy*u - g.xy*v) * g.inverseDeterminant, (g.xx*v - g.yx*u) * g.inverseDeterminant
}

// Angle takes the angle of an axis, such as that of a rotated box against the x axis, in radians with y downwards, back
// to the input. It is in (-pi/2, pi/2]: an axis has no direction.
func (g Geometry) Angle(theta float64) float64 {
	u, v := g.Vector(math.Cos(theta), math.Sin(theta))
	return axial(math.Atan2(v, u))
}

func axial(theta float64) float64 {
	theta = math.Mod(theta, math.Pi)
	switch {
	case theta > math.Pi/2:
		theta -= math.Pi
	case theta <= -math.Pi/2:
		theta += math.Pi
	}
	return theta
}

// MeanAngle is the mean direction of angles in radians: that of 350 and 10 degrees is 0. The error wraps
// [tensor.ErrEmpty], or [tensor.ErrRange] if the directions cancel out.
func MeanAngle(theta ...float64) (float64, error) { return meanAngle("MeanAngle", 1, theta) }

// MeanAxis is the mean of angles of axes, of which 178 and 4 degrees have that of 1 degree. It is in (-pi/2, pi/2].
// The error is that of [MeanAngle].
func MeanAxis(theta ...float64) (float64, error) {
	m, err := meanAngle("MeanAxis", 2, theta)
	return axial(m), err
}

func meanAngle(call string, fold float64, theta []float64) (float64, error) {
	if len(theta) == 0 {
		return 0, fmt.Errorf("tta: %s: %w", call, tensor.ErrEmpty)
	}
	x, y := 0.0, 0.0
	for i, t := range theta {
		if t-t != 0 {
			return 0, fmt.Errorf("tta: %s: angle %d is %v: %w", call, i, t, tensor.ErrNotFinite)
		}
		x += math.Cos(fold * t)
		y += math.Sin(fold * t)
	}
	if math.Hypot(x, y) < 1e-9*float64(len(theta)) {
		return 0, fmt.Errorf("tta: %s: the directions of %v cancel out: %w", call, theta, tensor.ErrRange)
	}
	return math.Atan2(y, x) / fold, nil
}

// SwapPairs exchanges the elements of x that change places under a mirror, such as left and right keypoints or the
// channels of heat maps. The error wraps [tensor.ErrRange] or, for an element in two pairs, [tensor.ErrConflict]; x is
// then unchanged.
func SwapPairs[E any](x []E, pairs [][2]int) error {
	seen := make([]bool, len(x))
	for k, p := range pairs {
		for _, i := range p {
			if i < 0 || i >= len(x) {
				return fmt.Errorf("tta: SwapPairs: pairs[%d] is %v for %d elements: %w", k, p, len(x), tensor.ErrRange)
			}
			if seen[i] {
				return fmt.Errorf("tta: SwapPairs: element %d is in two pairs: %w", i, tensor.ErrConflict)
			}
			seen[i] = true
		}
	}
	for _, p := range pairs {
		x[p[0]], x[p[1]] = x[p[1]], x[p[0]]
	}
	return nil
}
