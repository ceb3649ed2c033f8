package vision

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// FlipH mirrors left to right.
func FlipH() *Transform {
	return &Transform{name: "hflip", apply: func(m Image, s space) (Image, error) { return flipH(m, s), nil },
		move: tta.Geometry.FlipH, undo: func(m Image, _, _ int) (Image, error) { return flipH(m, nil), nil }}
}

// FlipV mirrors top to bottom.
func FlipV() *Transform {
	return &Transform{name: "vflip", apply: func(m Image, s space) (Image, error) { return flipV(m, s), nil },
		move: tta.Geometry.FlipV, undo: func(m Image, _, _ int) (Image, error) { return flipV(m, nil), nil }}
}

// Rot90 turns counter-clockwise k times by 90 degrees, exactly; k may be negative.
func Rot90(k int) *Transform {
	k = ((k % 4) + 4) % 4
	return &Transform{name: fmt.Sprintf("rot90(%d)", k),
		apply: func(m Image, s space) (Image, error) { return rot90(m, k, s), nil },
		move:  func(g tta.Geometry) tta.Geometry { return g.Rot90(k) },
		undo:  func(m Image, _, _ int) (Image, error) { return rot90(m, 4-k, nil), nil }}
}

func flipH(m Image, s space) Image {
	if len(s) < len(m.Pix) { // a clone does not clear the memory first
		out := s.copy(m)
		flipRows(out)
		return out
	}
	out := s.dirty(m.H, m.W, m.C)
	for y := range m.H {
		src, dst := m.Pix[y*m.W*m.C:][:m.W*m.C], out.Pix[y*m.W*m.C:][:m.W*m.C]
		if m.C == 3 {
			for len(src) >= 12 && len(dst) >= 12 {
				a, b := (*[12]float32)(dst), (*[12]float32)(src[len(src)-12:])
				a[0], a[1], a[2], a[3], a[4], a[5] = b[9], b[10], b[11], b[6], b[7], b[8]
				a[6], a[7], a[8], a[9], a[10], a[11] = b[3], b[4], b[5], b[0], b[1], b[2]
				dst, src = dst[12:], src[:len(src)-12]
			}
			for ; len(src) >= 3; dst, src = dst[3:], src[:len(src)-3] {
				copy(dst[:3], src[len(src)-3:])
			}
			continue
		}
		for x := 0; x < len(dst); x += m.C {
			copy(dst[x:x+m.C], src[len(src)-m.C-x:])
		}
	}
	return out
}

// flipRows mirrors in place.
func flipRows(m Image) {
	row := m.W * m.C
	for y := range m.H {
		switch p := m.Pix[y*row : (y+1)*row]; m.C {
		case 1:
			slices.Reverse(p)
		case 3:
			for len(p) >= 6 {
				a, b := (*[3]float32)(p), (*[3]float32)(p[len(p)-3:])
				a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
				p = p[3 : len(p)-3]
			}
		default:
			for x := range m.W / 2 {
				a, b := m.At(y, x), m.At(y, m.W-1-x)
				for c := range a {
					a[c], b[c] = b[c], a[c]
				}
			}
		}
	}
}

func flipV(m Image, s space) Image {
	out := s.dirty(m.H, m.W, m.C)
	row := m.W * m.C
	for y := range m.H {
		copy(out.Pix[(m.H-1-y)*row:(m.H-y)*row], m.Pix[y*row:])
	}
	return out
}

func rot90(m Image, k int, s space) Image {
	switch k % 4 {
	case 0:
		return s.copy(m)
	case 2:
		return flipV(flipH(m, nil), s)
	}
	out := s.dirty(m.W, m.H, m.C)
	for y := range out.H {
		for x := range out.W {
			if k%4 == 1 {
				copy(out.At(y, x), m.At(x, m.W-1-y))
			} else {
				copy(out.At(y, x), m.At(m.H-1-x, y))
			}
		}
	}
	return out
}

// Corner is a place of a crop.
type Corner uint8

// The corners, and the two rules for the middle: where the margin is odd, torchvision rounds half of it to even and
// ttach takes half of the image less half of the crop, both rounded down.
const (
	TopLeft Corner = iota
	BottomLeft
	BottomRight
	TopRight
	CenterTorchvision
	CenterTtach
)

var cornerNames = [...]string{"lt", "lb", "rb", "rt", "center (torchvision)", "center (ttach)"}

// CropAt takes h x w pixels at a corner or in the middle. Applying it to a smaller image is an error that wraps
// [tensor.ErrShape].
func CropAt(corner Corner, h, w int) *Transform {
	place := func(H, W int) (top, left int) {
		switch corner {
		case BottomLeft:
			return H - h, 0
		case BottomRight:
			return H - h, W - w
		case TopRight:
			return 0, W - w
		case CenterTorchvision:
			return halfEven(H - h), halfEven(W - w)
		case CenterTtach:
			return H/2 - h/2, W/2 - w/2
		}
		return 0, 0
	}
	name := fmt.Sprintf("crop %s %dx%d", cornerNames[min(int(corner), len(cornerNames)-1)], h, w)
	return &Transform{name: name, undo: notInvertible,
		apply: func(m Image, s space) (Image, error) {
			top, left := place(m.H, m.W)
			return crop(name, m, top, left, h, w, s)
		},
		move: func(g tta.Geometry) tta.Geometry {
			top, left := place(g.Out())
			return g.Crop(top, left, h, w)
		}}
}

// halfEven is n/2 rounded half to even.
func halfEven(n int) int { return n/2 + n%2*(n/2%2) }

// Crop takes h x w pixels from a top and left. Reaching outside the image is an error that wraps [tensor.ErrShape].
func Crop(top, left, h, w int) *Transform {
	name := fmt.Sprintf("crop (%d, %d) %dx%d", top, left, h, w)
	return &Transform{name: name, undo: notInvertible,
		apply: func(m Image, s space) (Image, error) { return crop(name, m, top, left, h, w, s) },
		move:  func(g tta.Geometry) tta.Geometry { return g.Crop(top, left, h, w) }}
}

func crop(name string, m Image, top, left, h, w int, s space) (Image, error) {
	if h < 1 || w < 1 || top < 0 || left < 0 || top > m.H-h || left > m.W-w {
		return Image{}, fmt.Errorf("vision: %s of an image of %d x %d pixels: %w", name, m.H, m.W, tensor.ErrShape)
	}
	out := s.dirty(h, w, m.C)
	for y := range h {
		copy(out.Pix[y*w*m.C:(y+1)*w*m.C], m.Pix[((top+y)*m.W+left)*m.C:])
	}
	return out, nil
}
