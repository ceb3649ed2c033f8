package schedule

import (
	"fmt"
	"slices"
)

// Choice is one of several values of any type: Values[i] where i is the number of Bounds that are not
// later than t. An optimizer, a data mixture, a batch size can follow training time in this way.
type Choice[T any] struct {
	Bounds []float64 `json:"bounds" unit:"time"` // strictly increasing
	Values []T       `json:"values"`             // one more than Bounds
}

// NewChoice copies its arguments into a Choice. The error is that of [Choice.Validate].
func NewChoice[T any](bounds []float64, values ...T) (Choice[T], error) {
	c := Choice[T]{Bounds: slices.Clone(bounds), Values: slices.Clone(values)}
	if err := c.Validate(); err != nil {
		return Choice[T]{}, err
	}
	return c, nil
}

// Value is the value of the interval that t lies in; NaN counts as the start.
func (c Choice[T]) Value(t float64) T {
	i := 0
	for i < len(c.Bounds) && c.Bounds[i] <= t {
		i++
	}
	return c.Values[i]
}

// Validate reports bounds that are not finite or out of order and a number of values that does not fit,
// wrapping [tensor.ErrNotFinite] or [tensor.ErrRange].
func (c Choice[T]) Validate() error {
	e := check("Choice").ascending("Bounds", c.Bounds, true).
		that(len(c.Values) == len(c.Bounds)+1, "len(Values)", len(c.Values), fmt.Sprintf("len(Bounds)+1 = %d",
			len(c.Bounds)+1))
	if v, ok := any(c.Values).([]float64); ok {
		for i, x := range v {
			e.finite(fmt.Sprintf("Values[%d]", i), x)
		}
	}
	return e.err()
}

func (c Choice[T]) breaks(b *breakSet) { b.add(c.Bounds...) }
