package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Join copies matrices to bags, one of each. The error wraps [tensor.ErrEmpty] if there are none, and
// [tensor.ErrShape] if a matrix is malformed or has another number of columns than the first.
func Join[T tensor.Float](bags ...tensor.Matrix[T]) (Bags[T], error) {
	if len(bags) == 0 {
		return Bags[T]{}, fmt.Errorf("mil: Join: no bags: %w", tensor.ErrEmpty)
	}
	offsets := make([]int, 1, len(bags)+1)
	for i, m := range bags {
		if err := m.Validate(); err != nil {
			return Bags[T]{}, fmt.Errorf("mil: Join: bags[%d]: %w", i, err)
		}
		if m.Cols != bags[0].Cols || m.Cols < 1 {
			return Bags[T]{}, fmt.Errorf("mil: Join: bags[%d] has %d columns, bags[0] %d: %w", i, m.Cols, bags[0].Cols,
				tensor.ErrShape)
		}
		offsets = append(offsets, offsets[i]+m.Rows)
	}
	b := Bags[T]{tensor.NewMatrix[T](offsets[len(bags)], bags[0].Cols), offsets}
	for i, m := range bags {
		copyRows(b.Bag(i), m)
	}
	return b, nil
}

// GroupBy makes bags of rows with equal ids, which may be scattered: bags in the order in which their ids first occur,
// rows of a bag in theirs. It copies the rows, unless they lie together already. keys[i] is the id of bag i, and
// rows[r] the row of x that is instance r. The error wraps [tensor.ErrShape] unless there is one id for each row.
func GroupBy[T tensor.Float, K comparable](x tensor.Matrix[T], ids []K) (b Bags[T], keys []K, rows []int, err error) {
	if err := x.Validate(); err != nil {
		return b, nil, nil, fmt.Errorf("mil: GroupBy: x: %w", err)
	}
	if len(ids) != x.Rows {
		return b, nil, nil, fmt.Errorf("mil: GroupBy: %d ids for %d rows: %w", len(ids), x.Rows, tensor.ErrShape)
	}
	bagOf, sizes, together := map[K]int{}, []int{}, true
	for r, id := range ids {
		i, known := bagOf[id]
		if !known {
			if id != id {
				return b, nil, nil, fmt.Errorf("mil: GroupBy: ids[%d] is %v: %w", r, id, tensor.ErrNotFinite)
			}
			i = len(keys)
			bagOf[id], keys, sizes = i, append(keys, id), append(sizes, 0)
		}
		together = together && i == len(keys)-1
		sizes[i]++
	}
	b.Offsets = make([]int, 1, len(sizes)+1)
	for i, n := range sizes {
		b.Offsets = append(b.Offsets, b.Offsets[i]+n)
	}
	rows = make([]int, x.Rows)
	next := append([]int(nil), b.Offsets...)
	for r, id := range ids {
		i := bagOf[id]
		rows[next[i]] = r
		next[i]++
	}
	b.X = x
	if !together {
		b.X = tensor.NewMatrix[T](x.Rows, x.Cols)
		for to, from := range rows {
			copy(b.X.Row(to), x.Row(from))
		}
	}
	return b, keys, rows, b.validate("mil: GroupBy")
}

// FromPadded copies the instances that count from x, [bags, places, columns]: place j of bag i counts if
// mask[i*places+j] is set, wherever in the bag it stands. The error wraps [tensor.ErrShape].
func FromPadded[T tensor.Float](x tensor.Dense[T], mask []bool) (Bags[T], error) {
	if err := x.Validate(); err != nil {
		return Bags[T]{}, fmt.Errorf("mil: FromPadded: x: %w", err)
	}
	if len(x.Shape) != 3 || x.Shape[2] < 1 {
		return Bags[T]{}, fmt.Errorf("mil: FromPadded: shape %v, want [bags, places, columns]: %w", x.Shape, tensor.ErrShape)
	}
	places := x.Shape[1]
	if len(mask) != x.Shape[0]*places {
		return Bags[T]{}, fmt.Errorf("mil: FromPadded: %d elements of mask for %d bags of %d places: %w", len(mask),
			x.Shape[0], places, tensor.ErrShape)
	}
	all, offsets := x.Matrix(2), make([]int, 1, x.Shape[0]+1)
	var rows []int
	for i := range x.Shape[0] {
		for j := range places {
			if mask[i*places+j] {
				rows = append(rows, i*places+j)
			}
		}
		offsets = append(offsets, len(rows))
	}
	b := Bags[T]{tensor.NewMatrix[T](len(rows), x.Shape[2]), offsets}
	for to, from := range rows {
		copy(b.X.Row(to), all.Row(from))
	}
	return b, nil
}

// Padded is the bags as [bags, places, columns] for frameworks that want them so, with as many places as the largest
// bag has instances and value in those that are left, and which places hold instances. The error wraps
// [tensor.ErrRange] if that has more elements than an int counts.
func (b Bags[T]) Padded(value T) (x tensor.Dense[T], mask []bool, err error) {
	if err := b.validate("mil: Bags.Padded"); err != nil {
		return x, nil, err
	}
	places := 0
	for i := range b.Len() {
		places = max(places, b.Size(i))
	}
	if float64(b.Len())*float64(places)*float64(b.X.Cols) > math.MaxInt {
		return x, nil, fmt.Errorf("mil: Bags.Padded: %d bags of %d places with %d columns: %w", b.Len(), places, b.X.Cols,
			tensor.ErrRange)
	}
	x, mask = tensor.NewDense[T](b.Len(), places, b.X.Cols), make([]bool, b.Len()*places)
	for i := range x.Data {
		x.Data[i] = value
	}
	all := x.Matrix(2)
	for i := range b.Len() {
		for j := range b.Size(i) {
			copy(all.Row(i*places+j), b.X.Row(b.Offsets[i]+j))
			mask[i*places+j] = true
		}
	}
	return x, mask, nil
}

// Sub copies the bags with the given numbers, which may repeat, in that order. The error wraps [tensor.ErrRange] for a
// number that is none of a bag.
func (b Bags[T]) Sub(bags ...int) (Bags[T], error) {
	var s Bags[T]
	return s, b.SubInto(&s, bags)
}

// SubInto is [Bags.Sub] into memory that is used again: dst is overwritten, and grows if it is too small. It must share
// no memory with b.
func (b Bags[T]) SubInto(dst *Bags[T], bags []int) error {
	n := 0
	for k, i := range bags {
		if i < 0 || i >= b.Len() {
			return fmt.Errorf("mil: Bags.Sub: bags[%d] is %d of %d: %w", k, i, b.Len(), tensor.ErrRange)
		}
		n += b.Size(i)
	}
	if tensor.Overlap(dst.X.Data, b.X.Data) {
		return fmt.Errorf("mil: Bags.Sub: dst: %w", tensor.ErrOverlap)
	}
	data := dst.X.Data
	if cap(data) < n*b.X.Cols {
		data = make([]T, n*b.X.Cols)
	}
	dst.X = tensor.Of(n, b.X.Cols, data[:n*b.X.Cols])
	dst.Offsets = append(dst.Offsets[:0], 0)
	for k, i := range bags {
		dst.Offsets = append(dst.Offsets, dst.Offsets[k]+b.Size(i))
		copyRows(dst.Bag(k), b.Bag(i))
	}
	return nil
}

// Concat copies the bags of several, one behind the other. The error is that of [Bags.Validate], or wraps
// [tensor.ErrShape] if numbers of columns differ and [tensor.ErrEmpty] if there are none.
func Concat[T tensor.Float](parts ...Bags[T]) (Bags[T], error) {
	var all []tensor.Matrix[T]
	for k, p := range parts {
		if err := p.validate(fmt.Sprintf("mil: Concat: parts[%d]", k)); err != nil {
			return Bags[T]{}, err
		}
		for i := range p.Len() {
			all = append(all, p.Bag(i))
		}
	}
	if len(all) == 0 {
		return Bags[T]{}, fmt.Errorf("mil: Concat: no bags: %w", tensor.ErrEmpty)
	}
	return Join(all...)
}

func copyRows[T tensor.Float](dst, src tensor.Matrix[T]) {
	if dst.Stride == dst.Cols && src.Stride == src.Cols {
		copy(dst.Data[:src.Rows*src.Cols], src.Data)
		return
	}
	for i := range src.Rows {
		copy(dst.Row(i), src.Row(i))
	}
}
