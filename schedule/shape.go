package schedule

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Shape is the form of a decay from 1 to 0. In JSON it is its name.
type Shape uint8

// The shapes, with x the fraction of the decay that has passed.
const (
	CosineShape       Shape = iota // (1+cos(pi x))/2, "cosine"
	LinearShape                    // 1-x, "linear"
	OneMinusSqrtShape              // 1-sqrt(x), "1-sqrt": Hägele et al. 2024
)

var shapeNames = []string{"cosine", "linear", "1-sqrt"}

// String is the name of the shape.
func (s Shape) String() string { return nameOf("Shape", shapeNames, uint8(s)) }

// MarshalText is the name of the shape, or an error wrapping [tensor.ErrRange].
func (s Shape) MarshalText() ([]byte, error) { return textOf("Shape", shapeNames, uint8(s)) }

// UnmarshalText reads the name of a shape.
func (s *Shape) UnmarshalText(b []byte) error {
	i, err := indexOf("Shape", shapeNames, string(b))
	if err == nil {
		*s = Shape(i)
	}
	return err
}

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
	return c.that(int(s) < len(shapeNames), "Shape", uint8(s), "one of the named shapes")
}

func nameOf(typ string, names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", typ, i)
}

func textOf(typ string, names []string, i uint8) ([]byte, error) {
	if int(i) >= len(names) {
		return nil, fmt.Errorf("schedule: %s(%d): want one of %q: %w", typ, i, names, tensor.ErrRange)
	}
	return []byte(names[i]), nil
}

func indexOf(typ string, names []string, s string) (uint8, error) {
	for i, n := range names {
		if n == s {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("schedule: %s %q: want one of %q: %w", typ, s, names, tensor.ErrRange)
}
