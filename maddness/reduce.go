package maddness

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
)

// eigenColumns is up to how many columns principal directions are those of the covariance; beyond, a few steps of
// subspace iteration find them nearly.
const eigenColumns = 64

// reduce returns z projected onto its metricDims principal directions, or a copy of it if it has no more columns than
// that.
func (l *learner) reduce(z tensor.Matrix[float64]) tensor.Matrix[float64] {
	q := min(l.metricDims, z.Rows)
	if z.Cols <= q {
		return z.Clone()
	}
	out := tensor.NewMatrix[float64](z.Rows, q)
	tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, z, l.directions(z, q), 0, out)
	return out
}

// directions are q principal ones of z, q x M.
func (l *learner) directions(z tensor.Matrix[float64], q int) tensor.Matrix[float64] {
	if z.Cols <= eigenColumns {
		return principal(z, q)
	}
	return iterated(z, q, l.seed)
}

func principal(z tensor.Matrix[float64], q int) tensor.Matrix[float64] {
	m := z.Cols
	cov := tensor.NewMatrix[float64](m, m)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, z, z, 0, cov)
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(m, cov.Data), true) {
		return iterated(z, q, 0) // never seen; the iteration needs no convergence
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	directions := tensor.NewMatrix[float64](q, m)
	for k := range q {
		mat.Col(directions.Row(k), m-1-k, &vectors) // eigenvalues increase
	}
	return directions
}

func iterated(z tensor.Matrix[float64], q int, seed uint64) tensor.Matrix[float64] {
	v, along := tensor.NewMatrix[float64](q, z.Cols), tensor.NewMatrix[float64](z.Rows, q)
	r := tensor.Stream(seed, streamDirections)
	for i := range v.Data {
		v.Data[i] = r.NormFloat64()
	}
	for range 3 {
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, z, v, 0, along)
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, along, z, 0, v)
		orthonormalise(v)
	}
	return v
}

// orthonormalise makes the rows of v orthogonal to each other and of length one, or zero where they depend on earlier
// ones: Gram and Schmidt's method, twice for the sake of rounding.
func orthonormalise(v tensor.Matrix[float64]) {
	for k := range v.Rows {
		row := v.Row(k)
		before := tensor.Norm2(row)
		for range 2 {
			for i := range k {
				tensor.Axpy(row, -tensor.Dot(row, v.Row(i)), v.Row(i))
			}
		}
		norm := tensor.Norm2(row)
		if norm <= 1e-12*before || math.IsInf(1/norm, 0) {
			clear(row)
			continue
		}
		tensor.Scale(row, 1/norm, row)
	}
}
