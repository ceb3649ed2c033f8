package schedule

import (
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
)

// Shape is the form of a decay from 1 to 0. In JSON it is its name.
type Shape uint8

// The shapes, with x the fraction of the decay that has passed.
const (
	CosineShape       Shape = iota // (1+cos(pi x))/2, "cosine"
	LinearShape                    // 1-x, "linear"
	OneMinusSqrtShape              // 1-sqrt(x), "1-sqrt": Hägele et al. 2024
)

var shapes = enum.Of[Shape]("shape", "cosine", "linear", "1-sqrt")

// String is the name of the shape.
func (s Shape) String() string { return shapes.String(s) }

// MarshalText is the name of the shape, or an error wrapping [tensor.ErrRange].
func (s Shape) MarshalText() ([]byte, error) { return shapes.Marshal(s) }

// UnmarshalText reads the name of a shape.
func (s *Shape) UnmarshalText(b []byte) error { return shapes.Unmarshal(s, b) }

// weight is what is left of the decay at the fraction x.
func (s Shape) weight(x float64) float64 {
	switch s {
	case LinearShape:
		return 1 - x
	case OneMinusSqrtShape:
		return 1 - math.Sqrt(x)
	}
	return cosine(x)
}

func (c *checks) shape(s Shape) *checks {
	return c.that(shapes.Valid(s), "Shape", uint8(s), "one of the named shapes")
}
