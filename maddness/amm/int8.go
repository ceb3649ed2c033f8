package amm

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Int8 is scalar quantisation: each row of a is rounded to 8 bits without sign between its least and its largest
// element, each column of b to 8 bits with sign, and the integers are multiplied. Sums are exact while D is at most
// 518 and rounded to float32 beyond.
//
// It is the rival to beat in accuracy. Its time here is that of rounding the rows and of a product in float32, since
// there is no product of bytes in this module; instructions made for that do up to four times as many
// multiplications.
type Int8 struct {
	shape
	q    tensor.Matrix[float32] // D x M, integers in [-127, 127]
	unit []float32              // b[j,m] is about unit[m]*q[j,m]
	// The sum of each column of unit*q and not of b, so that what b loses is multiplied with a and not with a's distance
	// from its least element.
	total []float32
}

// NewInt8 rounds b, D x M. Errors wrap tensor.ErrShape, tensor.ErrEmpty and tensor.ErrNotFinite.
func NewInt8(b tensor.Matrix[float32]) (*Int8, error) {
	if err := checkMatrix("b", b); err != nil {
		return nil, err
	}
	q := &Int8{shape: shapeOf(b), q: b.Clone(), unit: make([]float32, b.Cols), total: make([]float32, b.Cols)}
	for m := range b.Cols {
		largest, sum := float32(0), 0.0
		for j := range b.Rows {
			largest = max(largest, float32(math.Abs(float64(b.At(j, m)))))
		}
		for j := range b.Rows {
			v := 0.0
			if largest > 0 {
				v = math.RoundToEven(127 * float64(b.At(j, m)) / float64(largest))
			}
			sum += v
			q.q.Set(j, m, float32(v))
		}
		q.unit[m] = largest / 127
		q.total[m] = float32(float64(q.unit[m]) * sum)
	}
	return q, nil
}

// Mul is described at [Approximator]. A row that holds a NaN or an infinity, or whose range is beyond float32, gives
// NaN.
func (q *Int8) Mul(dst, a tensor.Matrix[float32]) error {
	if err := q.check(dst, a); err != nil {
		return err
	}
	tensor.Parallel(a.Rows, blockRows, func(lo, hi int) {
		borrow(hi-lo, q.columns+2, func(s tensor.Matrix[float32]) {
			codes := s.Slice(0, s.Rows, 0, q.columns)
			for i := range s.Rows {
				row := s.Row(i)
				row[q.columns], row[q.columns+1] = roundRow(codes.Row(i), a.Row(lo+i))
			}
			out := rowsOf(dst, lo, hi)
			tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, codes, q.q, 0, out)
			for i := range s.Rows {
				low, unit, y := s.At(i, q.columns), s.At(i, q.columns+1), out.Row(i)
				for m, v := range y {
					y[m] = float32(unit*q.unit[m]*v) + float32(low*q.total[m])
				}
			}
		})
	})
	return nil
}

// roundRow writes x as integers in [0, 255]: x[j] is about low + unit*dst[j].
func roundRow(dst, x []float32) (low, unit float32) {
	high := tensor.Max(x) // NaN stays
	tensor.Scale(dst, -1, x)
	low = -tensor.Max(dst)
	unit = high/255 - low/255
	inverse := 1 / unit
	if unit == 0 {
		inverse = 0
	}
	const magic = 1.5 * (1 << 23) // adding it leaves no room for a fraction
	for j, v := range x {
		dst[j] = float32(float32((v-low)*inverse)+magic) - magic
	}
	return low, unit
}

// Cost is D*M multiplications of bytes, and D for rounding the row, with its minimum and maximum.
func (q *Int8) Cost() Cost {
	return Cost{Multiplies: q.columns*q.outputs + q.columns + q.outputs, Compares: 2 * q.columns}
}
