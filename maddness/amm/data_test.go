package amm_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

type matrix = tensor.Matrix[float32]

func normal(seed uint64, rows, columns int) matrix {
	m := tensor.NewMatrix[float32](rows, columns)
	rng := tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// rectified are mixtures of few hidden variables, rectified.
func rectified(seed uint64, rows, columns int) matrix {
	a := tensor.NewMatrix[float32](rows, columns)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, normal(seed, rows, 6), normal(99, 6, columns), 0, a)
	tensor.ReLU(a.Data, a.Data)
	return a
}

func identity(n int) matrix {
	m := tensor.NewMatrix[float32](n, n)
	for i := range n {
		m.Set(i, i, 1)
	}
	return m
}

func product(a, b matrix) matrix {
	y := tensor.NewMatrix[float32](a.Rows, b.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y)
	return y
}

func mul(t testing.TB, ap amm.Approximator, err error, a matrix, outputs int) matrix {
	t.Helper()
	require.NoError(t, err)
	y := tensor.NewMatrix[float32](a.Rows, outputs)
	require.NoError(t, ap.Mul(y, a))
	return y
}

// difference is x - y in gonum's type.
func difference(x, y matrix) *mat.Dense {
	d := mat.NewDense(x.Rows, x.Cols, nil)
	for i := range x.Rows {
		for j := range x.Cols {
			d.Set(i, j, float64(x.At(i, j))-float64(y.At(i, j)))
		}
	}
	return d
}

func frobenius(x, y matrix) float64 { return mat.Norm(difference(x, y), 2) }

func norm(x matrix) float64 { return frobenius(x, tensor.NewMatrix[float32](x.Rows, x.Cols)) }

func singularValues(t testing.TB, d *mat.Dense) []float64 {
	var svd mat.SVD
	require.True(t, svd.Factorize(d, mat.SVDNone))
	return svd.Values(nil)
}

// tail is the root of the sum of the squares from the nth on.
func tail(sigma []float64, n int) float64 {
	sum := 0.0
	for _, s := range sigma[n:] {
		sum += s * s
	}
	return math.Sqrt(sum)
}
