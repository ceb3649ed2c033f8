package sparse

import "github.com/espalier-ml/espalier/tensor"

// dense is the storage of format Dense.
type dense[T tensor.Float] struct {
	w    tensor.Matrix[T]
	mask []uint64
}

func newDense[T tensor.Float](e *CSR[T]) *dense[T] {
	s := &dense[T]{w: tensor.NewMatrix[T](e.Rows, e.Cols), mask: newBitmask(e).words}
	for i := range e.Rows {
		for k := e.Indptr[i]; k < e.Indptr[i+1]; k++ {
			s.w.Data[i*e.Cols+e.Indices[k]] = e.Data[k]
		}
	}
	return s
}

func (s *dense[T]) bytes() int { return sizeOf[T]() * len(s.w.Data) }

func (s *dense[T]) appendRows(c *CSR[T], lo, hi int) {
	for i := lo; i < hi; i++ {
		c.Indices = appendBits(c.Indices, s.mask, i*s.w.Cols, (i+1)*s.w.Cols)
		for _, j := range c.Indices[len(c.Data):] {
			c.Data = append(c.Data, s.w.Data[i*s.w.Stride+j])
		}
		c.endRow()
	}
}

func (s *dense[T]) mul(dst, x tensor.Matrix[T]) {
	if x.Rows == 1 {
		tensor.Gemv(tensor.NoTrans, 1, s.w, x.Data[:x.Cols], 0, dst.Data[:dst.Cols])
		return
	}
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, x, s.w, 0, dst)
}
