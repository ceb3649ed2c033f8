package tensor

import "fmt"

// ValidateOffsets reports whether offsets describe consecutive segments of n elements: segment i is
// [offsets[i], offsets[i+1]). They must start at 0, end at n and never decrease; segments may be empty. Errors wrap
// [ErrEmpty] or [ErrRange] and name the first wrong offset.
func ValidateOffsets(offsets []int, n int) error {
	if len(offsets) == 0 {
		return fmt.Errorf("tensor: no offsets, want at least the 0: %w", ErrEmpty)
	}
	if offsets[0] != 0 {
		return fmt.Errorf("tensor: offsets[0] is %d, want 0: %w", offsets[0], ErrRange)
	}
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] {
			return fmt.Errorf("tensor: offsets[%d] is %d, after %d: %w", i, offsets[i], offsets[i-1], ErrRange)
		}
	}
	if last := len(offsets) - 1; offsets[last] != n {
		return fmt.Errorf("tensor: offsets[%d] is %d, want the number of elements %d: %w", last, offsets[last], n, ErrRange)
	}
	return nil
}

// SegmentSum sets row i of dst to the sum of the rows offsets[i] to offsets[i+1]-1 of x, zero for an empty
// segment. dst has len(offsets)-1 rows and the columns of x and shares no memory with it. Errors are those of
// [ValidateOffsets], or wrap [ErrShape] or [ErrOverlap]; dst is then unchanged.
func SegmentSum[T Float](dst, x Matrix[T], offsets []int) error {
	const op = "tensor: SegmentSum"
	if err := dst.Validate(); err != nil {
		return fmt.Errorf("%s: dst: %w", op, err)
	}
	if err := x.Validate(); err != nil {
		return fmt.Errorf("%s: x: %w", op, err)
	}
	if err := ValidateOffsets(offsets, x.Rows); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if dst.Rows != len(offsets)-1 || dst.Cols != x.Cols {
		return fmt.Errorf("%s: dst is %dx%d, want %dx%d: %w", op, dst.Rows, dst.Cols, len(offsets)-1, x.Cols, ErrShape)
	}
	if Overlap(dst.Data, x.Data) {
		return fmt.Errorf("%s: dst overlaps x: %w", op, ErrOverlap)
	}
	for i := range dst.Rows {
		d := dst.Row(i)
		clear(d)
		AddColumnSums(d, Matrix[T]{Rows: offsets[i+1] - offsets[i], Cols: x.Cols, Stride: x.Stride,
			Data: rowsFrom(x, offsets[i], offsets[i+1])})
	}
	return nil
}

func rowsFrom[T Float](x Matrix[T], lo, hi int) []T {
	if lo == hi || x.Cols == 0 {
		return nil
	}
	return x.Data[lo*x.Stride : (hi-1)*x.Stride+x.Cols]
}

// SegmentSoftmax applies [Softmax] to every segment [offsets[i], offsets[i+1]) of x separately. dst has the length of
// x and is either the same slice or disjoint. Errors are those of [ValidateOffsets], or wrap [ErrShape] or
// [ErrOverlap];
// dst is then unchanged.
func SegmentSoftmax[T Float](dst, x []T, offsets []int) error {
	const op = "tensor: SegmentSoftmax"
	if len(dst) != len(x) {
		return fmt.Errorf("%s: dst has %d elements, x %d: %w", op, len(dst), len(x), ErrShape)
	}
	if Overlap(dst, x) && &dst[0] != &x[0] {
		return fmt.Errorf("%s: dst overlaps x without being it: %w", op, ErrOverlap)
	}
	if err := ValidateOffsets(offsets, len(x)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	for i := 1; i < len(offsets); i++ {
		Softmax(dst[offsets[i-1]:offsets[i]], x[offsets[i-1]:offsets[i]])
	}
	return nil
}
