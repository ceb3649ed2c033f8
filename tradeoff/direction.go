package tradeoff

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
)

// Direction is which way a quality improves. The zero value is [HigherBetter].
type Direction uint8

// The directions.
const (
	HigherBetter Direction = iota // accuracy, BLEU, AUC
	LowerBetter                   // loss, error rate, perplexity
)

var directions = enum.Of[Direction]("direction", "higher", "lower")

// String is "higher" or "lower", the spelling of records and flags.
func (d Direction) String() string { return directions.String(d) }

// MarshalText writes the name.
func (d Direction) MarshalText() ([]byte, error) { return directions.Marshal(d) }

// UnmarshalText reads a name.
func (d *Direction) UnmarshalText(text []byte) error { return directions.Unmarshal(d, text) }

// ParseDirection reads what [Direction.String] writes.
func ParseDirection(s string) (Direction, error) {
	d, err := directions.Parse(s)
	if err != nil {
		return 0, fmt.Errorf("tradeoff: %w", err)
	}
	return d, nil
}

// Better reports whether quality a is strictly better than b. NaN is better than nothing and nothing is better than
// NaN.
func (d Direction) Better(a, b float64) bool {
	if d == LowerBetter {
		return a < b
	}
	return a > b
}

// Reaches reports whether quality q is at least as good as target. NaN reaches nothing.
func (d Direction) Reaches(q, target float64) bool {
	if d == LowerBetter {
		return q <= target
	}
	return q >= target
}

// Sign is +1 or -1: qualities times it are better when larger.
func (d Direction) Sign() float64 {
	if d == LowerBetter {
		return -1
	}
	return 1
}
