package tradeoff

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Direction is which way a quality improves. The zero value is [HigherBetter].
type Direction uint8

// The directions.
const (
	HigherBetter Direction = iota // accuracy, BLEU, AUC
	LowerBetter                   // loss, error rate, perplexity
)

// String returns "higher" or "lower", the spelling of records and flags.
func (d Direction) String() string {
	switch d {
	case HigherBetter:
		return "higher"
	case LowerBetter:
		return "lower"
	}
	return fmt.Sprintf("Direction(%d)", uint8(d))
}

// ParseDirection reads what [Direction.String] writes.
func ParseDirection(s string) (Direction, error) {
	switch s {
	case "higher":
		return HigherBetter, nil
	case "lower":
		return LowerBetter, nil
	}
	return 0, fmt.Errorf(`tradeoff: direction %q: want "higher" or "lower": %w`, s, tensor.ErrRange)
}

// Better reports whether quality a is strictly better than b. NaN is better than nothing and nothing is better than
// NaN.
func (d Direction) Better(a, b float64) bool {
	if d == LowerBetter {
		return a < b
	}
	return a > b
}

// reaches reports whether quality q is at least as good as target.
func (d Direction) reaches(q, target float64) bool {
	if d == LowerBetter {
		return q <= target
	}
	return q >= target
}

// sign is +1 or -1: qualities times sign are better when larger.
func (d Direction) sign() float64 {
	if d == LowerBetter {
		return -1
	}
	return 1
}
