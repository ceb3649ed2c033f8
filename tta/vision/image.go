package vision

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Image is H x W pixels of C channels, in the order [H, W, C]; intensities reach from 0 to 1 where a transform looks at
// them. Transforms never modify one.
type Image struct {
	H, W, C int
	Pix     []float32
}

// NewImage is a black image. It panics with an error that wraps [tensor.ErrShape] for negative sizes.
func NewImage(h, w, c int) Image {
	if h < 0 || w < 0 || c < 0 {
		panic(fmt.Errorf("vision: NewImage(%d, %d, %d): %w", h, w, c, tensor.ErrShape))
	}
	return Image{h, w, c, make([]float32, h*w*c)}
}

// validate is what every transform asks of its input.
func (m Image) validate() error {
	if m.H < 1 || m.W < 1 || m.C < 1 || m.H > math.MaxInt32/m.W || m.H*m.W > math.MaxInt32/m.C ||
		len(m.Pix) != m.H*m.W*m.C {
		return fmt.Errorf("vision: image of %d x %d pixels with %d channels and %d numbers: %w",
			m.H, m.W, m.C, len(m.Pix), tensor.ErrShape)
	}
	return nil
}

// At is a pixel, C numbers that alias the image.
func (m Image) At(y, x int) []float32 {
	at := (y*m.W + x) * m.C
	return m.Pix[at : at+m.C : at+m.C]
}

// FromImage converts an image to three channels of red, green and blue, without multiplying them by alpha, which is
// dropped: a pixel (200, 100, 50) of alpha 128 stays that, as in Pillow's convert("RGB").
func FromImage(src image.Image) Image {
	b := src.Bounds()
	m := NewImage(b.Dy(), b.Dx(), 3)
	for y := range m.H {
		for x := range m.W {
			p := m.At(y, x)
			switch s := src.(type) {
			case *image.NRGBA:
				c := s.NRGBAAt(b.Min.X+x, b.Min.Y+y)
				p[0], p[1], p[2] = unit(c.R), unit(c.G), unit(c.B)
			case *image.NRGBA64:
				c := s.NRGBA64At(b.Min.X+x, b.Min.Y+y)
				p[0], p[1], p[2] = float32(c.R)/65535, float32(c.G)/65535, float32(c.B)/65535
			case *image.Gray:
				v := unit(s.GrayAt(b.Min.X+x, b.Min.Y+y).Y)
				p[0], p[1], p[2] = v, v, v
			default:
				c := src.At(b.Min.X+x, b.Min.Y+y)
				if own, ok := straight(c); ok {
					p[0], p[1], p[2] = unit(own[0]), unit(own[1]), unit(own[2])
					continue
				}
				r, g, bl, a := c.RGBA()
				if a > 0 {
					p[0], p[1], p[2] = float32(r)/float32(a), float32(g)/float32(a), float32(bl)/float32(a)
				}
			}
		}
	}
	return m
}

func unit(v uint8) float32 { return units[v] }

var units = func() (u [256]float32) {
	for v := range u {
		u[v] = float32(v) / 255
	}
	return u
}()

// straight is red, green and blue of a colour that is not multiplied by its alpha, as palettes hold them.
func straight(c color.Color) ([3]uint8, bool) {
	if n, ok := c.(color.NRGBA); ok {
		return [3]uint8{n.R, n.G, n.B}, true
	}
	return [3]uint8{}, false
}

// ToImage is the image with its intensities rounded to 8 bits: grey for one channel, and the first three of more.
func (m Image) ToImage() image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, m.W, m.H))
	for y := range m.H {
		for x := range m.W {
			p, q := m.At(y, x), out.Pix[out.PixOffset(x, y):]
			for c := range 3 {
				q[c] = level(p[min(c, m.C-1)])
			}
			q[3] = 255
		}
	}
	return out
}

// level rounds an intensity to 8 bits.
func level(v float32) uint8 {
	switch {
	case v >= 1:
		return 255
	case v > 0: // false for NaN
		return uint8(int32(v*255 + 0.5))
	}
	return 0
}
