package maddnesstest

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

type matrix = tensor.Matrix[float32]

// features are rows as layers see them: mixtures of 8 hidden normal variables, rectified, so that many elements are
// equal.
func features(seed uint64, rows, columns int) matrix {
	const hidden = 8
	mix := tensor.NewMatrix[float32](hidden, columns)
	rng := tensor.Stream(7, uint64(columns)) // the same for all seeds
	for i := range mix.Data {
		mix.Data[i] = float32(rng.NormFloat64() / math.Sqrt(hidden))
	}
	z := normal(seed, rows, hidden)
	a := tensor.NewMatrix[float32](rows, columns)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, z, mix, 0, a)
	tensor.ReLU(a.Data, a.Data)
	return a
}

func normal(seed uint64, rows, columns int) matrix {
	m := tensor.NewMatrix[float32](rows, columns)
	rng := tensor.Stream(seed, uint64(rows), uint64(columns))
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// framed copies m into the middle of a larger matrix of the given value.
func framed(m matrix, value float32) (view, frame matrix) {
	frame = tensor.NewMatrix[float32](m.Rows+2, m.Cols+3)
	for i := range frame.Data {
		frame.Data[i] = value
	}
	view = frame.Slice(1, 1+m.Rows, 1, 1+m.Cols)
	for i := range m.Rows {
		copy(view.Row(i), m.Row(i))
	}
	return view, frame
}

// same reports the first element in which two matrices differ in their bits; NaN equals NaN.
func same(x, y matrix) (i, j int, ok bool) {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			if w := y.At(i, j); math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
				return i, j, false
			}
		}
	}
	return 0, 0, true
}
