package maddness

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// LUT holds the lookup tables of an operator in float32: the parameters that its outputs are linear in, for training in
// the user's own loop. y[n,m] = Offset[m] + sum over c of Table[m,c,code[n,c]].
//
// [Operator.LUT] returns a copy to start from and [Operator.WithLUT] an operator that uses the result. A LUT is mutable
// and not safe for concurrent use; Lookup and Grad do not modify codes.
type LUT struct {
	Table  tensor.Param[float32] // Shape [M, C, 16]
	Offset tensor.Param[float32] // Shape [M]
}

// NewLUT returns zero tables with room for gradients. It panics unless both numbers are positive.
func NewLUT(outputs, codebooks int) *LUT {
	if outputs < 1 || codebooks < 1 {
		panic(fmt.Errorf("maddness: NewLUT(%d, %d): %w", outputs, codebooks, tensor.ErrShape))
	}
	return newLUT(outputs, codebooks).withGrad()
}

func newLUT(outputs, codebooks int) *LUT {
	return &LUT{
		Table: tensor.Param[float32]{Name: "table",
			Shape: []int{outputs, codebooks, 16}, Data: make([]float32, outputs*codebooks*16)},
		Offset: tensor.Param[float32]{Name: "offset", Shape: []int{outputs}, Data: make([]float32, outputs)},
	}
}

func (l *LUT) withGrad() *LUT {
	for _, p := range l.Params() {
		p.Grad = make([]float32, len(p.Data))
	}
	return l
}

// Params returns both parameters, as optimizers take them.
func (l *LUT) Params() []*tensor.Param[float32] { return []*tensor.Param[float32]{&l.Table, &l.Offset} }

// values returns a copy without gradients.
func (l *LUT) values() *LUT {
	c := newLUT(l.Table.Shape[0], l.Table.Shape[1])
	copy(c.Table.Data, l.Table.Data)
	copy(c.Offset.Data, l.Offset.Data)
	return c
}

// Lookup sets row n of dst, N x M, to the outputs for the codes of row n: the forward pass of training. Errors wrap
// tensor.ErrShape and leave dst unchanged.
func (l *LUT) Lookup(dst tensor.Matrix[float32], codes *Codes) error {
	if err := l.check("dst", dst, codes); err != nil {
		return err
	}
	size := 16 * codes.codebooks
	tensor.Parallel(dst.Rows, blockRows, func(lo, hi int) {
		own := buffers.Get().(*buffer)
		block := codes.unpack(own, lo, hi)
		for m, offset := range l.Offset.Data {
			table := l.Table.Data[m*size : (m+1)*size]
			for i := lo; i < hi; i++ {
				y := offset
				for c, k := range block[(i-lo)*codes.codebooks:][:codes.codebooks] {
					y += table[16*c+int(k)]
				}
				dst.Data[i*dst.Stride+m] = y
			}
		}
		buffers.Put(own)
	})
	return nil
}

// Grad adds the gradient of a loss to Table.Grad and Offset.Grad: dy, N x M, is that with respect to the outputs.
// Errors wrap tensor.ErrShape and leave the gradients unchanged.
func (l *LUT) Grad(codes *Codes, dy tensor.Matrix[float32]) error {
	if err := l.check("dy", dy, codes); err != nil {
		return err
	}
	if l.Table.Grad == nil || l.Offset.Grad == nil {
		return fmt.Errorf("maddness: LUT without Grad: %w", tensor.ErrShape)
	}
	own, size := buffers.Get().(*buffer), 16*codes.codebooks
	all := codes.unpack(own, 0, codes.rows)
	tensor.Parallel(dy.Cols, 1, func(m, _ int) {
		grad := l.Table.Grad[m*size : (m+1)*size]
		for i := range dy.Rows {
			g := dy.Data[i*dy.Stride+m]
			l.Offset.Grad[m] += g
			for c, k := range all[i*codes.codebooks:][:codes.codebooks] {
				grad[16*c+int(k)] += g
			}
		}
	})
	buffers.Put(own)
	return nil
}

// check judges the tables and whether outputs and codes fit them.
func (l *LUT) check(name string, y tensor.Matrix[float32], codes *Codes) error {
	if err := l.validate(); err != nil {
		return fmt.Errorf("maddness: %w", err)
	}
	if codes == nil {
		return fmt.Errorf("maddness: codes are nil: %w", tensor.ErrEmpty)
	}
	if err := y.Validate(); err != nil {
		return fmt.Errorf("maddness: %s: %w", name, err)
	}
	if codes.rows > 0 && codes.codebooks != l.Table.Shape[1] {
		return fmt.Errorf("maddness: codes of %d codebooks for tables of %d: %w",
			codes.codebooks, l.Table.Shape[1], tensor.ErrShape)
	}
	if y.Rows != codes.rows || y.Cols != l.Table.Shape[0] {
		return fmt.Errorf("maddness: %s is %dx%d, want %d rows of codes by %d outputs: %w",
			name, y.Rows, y.Cols, codes.rows, l.Table.Shape[0], tensor.ErrShape)
	}
	return nil
}

// validate judges shapes.
func (l *LUT) validate() error {
	if l == nil {
		return fmt.Errorf("LUT is nil: %w", tensor.ErrEmpty)
	}
	if err := errors.Join(l.Table.Validate(), l.Offset.Validate()); err != nil {
		return err
	}
	s := l.Table.Shape
	if len(s) != 3 || s[0] < 1 || s[1] < 1 || s[2] != 16 || len(l.Offset.Data) != s[0] {
		return fmt.Errorf("LUT has Table %v and Offset %v, want [M, C, 16] and [M]: %w", s, l.Offset.Shape, tensor.ErrShape)
	}
	return nil
}

// times returns the tables of x*b for tables of x: the paper's h(B).
func (f fitted) times(b tensor.Matrix[float32]) fitted {
	size := 16 * f.lut.Table.Shape[1]
	lut := newLUT(b.Cols, f.lut.Table.Shape[1])
	prototypes, out := tensor.Of(b.Rows, size, f.lut.Table.Data), tensor.Of(b.Cols, size, lut.Table.Data)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, b, prototypes, 0, out)
	tensor.Gemv(tensor.Trans, 1, b, f.lut.Offset.Data, 0, lut.Offset.Data)
	f.lut = lut
	return f
}
