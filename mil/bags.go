package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Bags is bags of instances of any sizes, without padding: the instances of bag i are the rows Offsets[i] to
// Offsets[i+1]-1 of X. It is a view of the caller's memory and a small value; a network of instances takes all rows of
// X at once, and a [Pooler] makes one row of each bag. Bags may be empty.
type Bags[T tensor.Float] struct {
	X       tensor.Matrix[T] // one row per instance
	Offsets []int            // one more than there are bags, from 0 to X.Rows, never decreasing
}

// New views the rows of x as bags and copies nothing. The error is that of [Bags.Validate].
func New[T tensor.Float](x tensor.Matrix[T], offsets []int) (Bags[T], error) {
	b := Bags[T]{x, offsets}
	return b, b.validate("mil: New")
}

// Len is the number of bags.
func (b Bags[T]) Len() int { return max(len(b.Offsets)-1, 0) }

// Size is the number of instances of bag i.
func (b Bags[T]) Size(i int) int { return b.Offsets[i+1] - b.Offsets[i] }

// Bag is the instances of bag i as a view. Like a slice index it panics when i is out of range.
func (b Bags[T]) Bag(i int) tensor.Matrix[T] { return rowsOf(b.X, b.Offsets[i], b.Offsets[i+1]) }

// With is bags of the same sizes over other rows, such as what a network makes of the instances. Like
// [Bags.Validate] it wants one row per instance, which is checked by whoever uses them.
func (b Bags[T]) With(x tensor.Matrix[T]) Bags[T] { return Bags[T]{x, b.Offsets} }

// Validate reports whether the bags are well formed. The error wraps [tensor.ErrShape] for a malformed matrix, or
// [tensor.ErrEmpty] or [tensor.ErrRange] and names the first offset at fault. Elements are not looked at.
func (b Bags[T]) Validate() error { return b.validate("mil: Bags") }

func (b Bags[T]) validate(call string) error {
	if err := b.X.Validate(); err != nil {
		return fmt.Errorf("%s: X: %w", call, err)
	}
	if b.X.Cols < 1 {
		return fmt.Errorf("%s: X has no columns: %w", call, tensor.ErrShape)
	}
	if err := tensor.ValidateOffsets(b.Offsets, b.X.Rows); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return nil
}

// rowsOf is the rows lo to hi-1 of x. Unlike a Slice it costs nothing.
func rowsOf[T tensor.Float](x tensor.Matrix[T], lo, hi int) tensor.Matrix[T] {
	m := tensor.Matrix[T]{Rows: hi - lo, Cols: x.Cols, Stride: x.Stride}
	if hi > lo {
		m.Data = x.Data[lo*x.Stride : (hi-1)*x.Stride+x.Cols]
	}
	return m
}

// validateFinite reports the first element of x that is not finite.
func validateFinite[T tensor.Float](call, name string, x tensor.Matrix[T]) error {
	if x.Stride == x.Cols && x.Rows > 0 && tensor.ValidateFinite(name, x.Data[:x.Rows*x.Cols]) == nil {
		return nil
	}
	for i := range x.Rows {
		row := x.Row(i)
		if tensor.ValidateFinite(name, row) == nil {
			continue
		}
		for j, v := range row {
			if v-v != 0 {
				return fmt.Errorf("%s: %s[%d,%d] is %v: %w", call, name, i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	return nil
}
