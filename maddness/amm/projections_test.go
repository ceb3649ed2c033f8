package amm_test

import (
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// unbiased draws an approximation with many seeds and tests that the mean of each output is the exact one within 5
// standard errors, as far as a few hundred draws can tell, and that the spread is what the theory says: the mean
// square error of an output is at most bound.
func unbiased(t *testing.T, draw func(seed uint64) (amm.Approximator, error), a, b matrix,
	bound func(i, m int) float64) {
	t.Helper()
	const seeds = 600
	exact := product(a, b)
	sum, square := make([]float64, len(exact.Data)), make([]float64, len(exact.Data))
	for seed := range uint64(seeds) {
		ap, err := draw(seed)
		for k, v := range mul(t, ap, err, a, b.Cols).Data {
			e := float64(v) - float64(exact.Data[k])
			sum[k] += e
			square[k] += e * e
		}
	}
	for i := range a.Rows {
		for m := range b.Cols {
			k := i*b.Cols + m
			mean, variance := sum[k]/seeds, square[k]/seeds
			require.LessOrEqual(t, math.Abs(mean), 5*math.Sqrt(variance/seeds)+1e-5, "output %d,%d is biased", i, m)
			require.LessOrEqual(t, variance, 1.5*bound(i, m), "output %d,%d", i, m)
		}
	}
}

func TestSketchesAreUnbiased(t *testing.T) {
	a, b := normal(1, 3, 23), normal(2, 23, 2)
	column := func(m int) []float32 {
		c := make([]float32, b.Rows)
		for j := range c {
			c[j] = b.At(j, m)
		}
		return c
	}
	for kind := amm.Gauss; kind <= amm.FastJL; kind++ {
		for _, d := range []int{1, 5, 16} {
			unbiased(t, func(seed uint64) (amm.Approximator, error) { return amm.NewSketch(kind, b, d, amm.WithSeed(seed)) }, a,
				b, func(i, m int) float64 {
					// E[(xᵀSSᵀy - xᵀy)²] <= (|x|²|y|² + (xᵀy)²)/d for all of them.
					x, y := a.Row(i), column(m)
					dot := float64(tensor.Dot(x, y))
					return (math.Pow(tensor.Norm2(x)*tensor.Norm2(y), 2) + dot*dot) / float64(d)
				})
		}
	}
}

func TestColumnsAreUnbiased(t *testing.T) {
	a, b := normal(1, 3, 23), normal(2, 23, 2)
	for _, d := range []int{1, 5, 40} {
		// Drineas et al., lemma 4: with the norms of a itself the expected squared error of the whole product is at
		// most (sum |a_j||b_j|)²/d.
		unbiased(t, func(seed uint64) (amm.Approximator, error) { return amm.FitColumns(a, b, d, amm.WithSeed(seed)) }, a, b,
			func(int, int) float64 {
				total := 0.0
				for j := range b.Rows {
					column := []float64{float64(a.At(0, j)), float64(a.At(1, j)), float64(a.At(2, j))}
					total += tensor.Norm2(column) * tensor.Norm2(b.Row(j))
				}
				return total * total / float64(d)
			})
	}
}

// Sketches are what their authors define: with b the identity, y = a*S*Sᵀ shows the structure of S.
func TestSketchStructure(t *testing.T) {
	const columns, d = 12, 5
	gram := func(kind amm.Sketch, d int) matrix { // S*Sᵀ
		f, err := amm.NewSketch(kind, identity(columns), d, amm.WithSeed(3))
		require.Equal(t, d, f.Dims())
		return mul(t, f, err, identity(columns), columns)
	}
	g := gram(amm.CountSketch, d) // one entry ±1 in each row: products are 0, 1 or -1
	for i := range columns {
		require.Equal(t, float32(1), g.At(i, i))
		for j := range columns {
			require.Contains(t, []float32{-1, 0, 1}, g.At(i, j))
			if g.At(i, j) != 0 { // sharing a dimension is transitive
				for k := range columns {
					require.Equal(t, g.At(i, k) != 0, g.At(j, k) != 0)
				}
			}
		}
	}
	g = gram(amm.OSNAP, d) // 4 entries ±1/2 in each row
	for i := range columns {
		require.Equal(t, float32(1), g.At(i, i))
		for j := range columns { // of 5 dimensions two rows share at least 3
			require.Equal(t, float32(math.Round(float64(4*g.At(i, j)))/4), g.At(i, j))
		}
	}
	g = gram(amm.OSNAP, 2) // two entries ±1/sqrt(2)
	for i := range columns {
		require.InDelta(t, 1, g.At(i, i), 1e-6)
	}
	g = gram(amm.Rademacher, d) // entries ±1/sqrt(5)
	for i := range columns {
		require.InDelta(t, 1, g.At(i, i), 1e-6)
		for j := range columns {
			odd := float64(d * g.At(i, j))
			require.InDelta(t, 1, math.Abs(math.Mod(math.Round(odd), 2)), 1e-6, "a sum of five signs is odd")
			require.InDelta(t, math.Round(odd), odd, 1e-5)
		}
	}
	// A whole Hadamard transform is orthogonal: 12 columns are padded to 16.
	for _, x := range difference(gram(amm.FastJL, 16), identity(columns)).RawMatrix().Data {
		require.InDelta(t, 0, x, 1e-6)
	}
	// A part of it has entries ±1/sqrt(d) whose signs are products of rows, columns and walsh functions: for every
	// kept r and columns i, j, k, l with i^j^k^l = 0, the four signs multiply to the same number for all r.
	f, err := amm.NewSketch(amm.FastJL, identity(columns), 1, amm.WithSeed(4))
	one := mul(t, f, err, identity(columns), columns)
	for i := range columns {
		for j := range columns {
			require.InDelta(t, 1, math.Abs(float64(one.At(i, j))), 1e-6)
		}
	}
	_, err = amm.NewSketch(amm.FastJL, identity(columns), 17)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "d is 17, want 1 to 16")
}

// scatter is a CountSketch as it is defined, and transform the fast Hadamard transform: BenchmarkSketch compares them
// with dense products.
func scatter(dst, x []float32, to []int32, sign []float32) {
	clear(dst)
	for j, v := range x {
		dst[to[j]] += v * sign[j]
	}
}

func transform(x []float32) {
	for h := 1; h < len(x); h *= 2 {
		for i := 0; i < len(x); i += 2 * h {
			lo, hi := x[i:i+h], x[i+h:i+2*h]
			for j, v := range lo {
				lo[j], hi[j] = v+hi[j], v-hi[j]
			}
		}
	}
}

// FastJL with all coefficients kept but the signs unknown: the transform of the k-th column is a Walsh function, so
// that products of a*S with itself are those of the fast transform.
func TestHadamard(t *testing.T) {
	const n = 32
	for k := range n {
		x := make([]float32, n)
		x[k] = 1
		transform(x)
		for r, v := range x {
			require.Equal(t, float32(1-2*(bits.OnesCount(uint(r&k))&1)), v)
		}
	}
}

func TestPCAIsTheBestProjection(t *testing.T) {
	a := normal(1, 90, 17)
	mix := normal(2, 17, 17)
	a = product(a, mix)
	for i := range a.Rows { // far from the origin
		for j := range a.Cols {
			a.Row(i)[j] += float32(20 * (j%3 - 1))
		}
	}
	centred := tensor.NewMatrix[float32](a.Rows, a.Cols)
	for j := range a.Cols {
		mean := 0.0
		for i := range a.Rows {
			mean += float64(a.At(i, j)) / float64(a.Rows)
		}
		for i := range a.Rows {
			centred.Set(i, j, float32(float64(a.At(i, j))-mean))
		}
	}
	sigma := singularValues(t, difference(centred, tensor.NewMatrix[float32](a.Rows, a.Cols)))
	for d := 1; d <= a.Cols; d++ {
		pca, err := amm.FitPCA(a, identity(17), d)
		// With b the identity the product is the projection itself, and what is lost the other singular values.
		require.InDelta(t, tail(sigma, d), frobenius(mul(t, pca, err, a, 17), a), 1e-5*norm(a), d)
	}
	_, err := amm.FitPCA(a, identity(17), 18)
	require.ErrorContains(t, err, "d is 18, want 1 to 17")
}

func TestSVDLosesTheTail(t *testing.T) {
	for _, b := range []matrix{normal(1, 20, 7), normal(2, 7, 20), normal(3, 9, 9)} {
		sigma := singularValues(t, difference(b, tensor.NewMatrix[float32](b.Rows, b.Cols)))
		for d := 1; d <= min(b.Rows, b.Cols); d++ {
			svd, err := amm.NewSVD(b, d)
			require.InDelta(t, tail(sigma, d), frobenius(mul(t, svd, err, identity(b.Rows), b.Cols), b), 1e-5*norm(b), d)
		}
		_, err := amm.NewSVD(b, min(b.Rows, b.Cols)+1)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
}

func TestRowSVDLosesTheTail(t *testing.T) {
	for _, a := range []matrix{normal(1, 40, 12), normal(2, 5, 12)} {
		sigma := singularValues(t, difference(a, tensor.NewMatrix[float32](a.Rows, a.Cols)))
		for d := 1; d <= 12; d++ {
			svd, err := amm.NewRowSVD(identity(12), d)
			require.InDelta(t, tail(sigma, min(d, len(sigma))), frobenius(mul(t, svd, err, a, 12), a), 1e-5*norm(a), d)
		}
	}
}

// Mroueh et al.: the spectral norm of the error is at most |a||b|/(d+1) for a buffer of twice the rank.
func TestDirectionsBound(t *testing.T) {
	for _, c := range []struct{ a, b matrix }{
		{normal(1, 40, 50), normal(2, 50, 30)},
		{rectified(1, 60, 64), normal(2, 64, 10)},
		{normal(1, 3, 50), normal(2, 50, 2)},
		{product(normal(1, 30, 3), normal(2, 3, 40)), normal(3, 40, 20)},
		{identity(24), identity(24)}, // nothing can be told apart: the bound is attained up to a factor
	} {
		exact, size := product(c.a, c.b), norm(c.a)*norm(c.b)
		for _, d := range []int{1, 2, 5, 12, 24} {
			s, err := amm.NewDirections(c.b, d)
			got := mul(t, s, err, c.a, c.b.Cols)
			require.LessOrEqual(t, singularValues(t, difference(got, exact))[0], size/float64(d+1)*(1+1e-5), "d = %d", d)
			rank := 0
			for _, sigma := range singularValues(t, difference(got, tensor.NewMatrix[float32](got.Rows, got.Cols))) {
				if sigma > 1e-5*size {
					rank++
				}
			}
			require.LessOrEqual(t, rank, d)
		}
	}
	// Products of rank below d lose nothing.
	a, b := product(normal(1, 30, 3), normal(2, 3, 40)), normal(3, 40, 20)
	s, err := amm.NewDirections(b, 4)
	require.InDelta(t, 0, frobenius(mul(t, s, err, a, 20), product(a, b)), 1e-4*norm(product(a, b)))
	// So do those of few columns.
	a, b = normal(1, 30, 6), normal(2, 6, 20)
	s, err = amm.NewDirections(b, 6)
	require.InDelta(t, 0, frobenius(mul(t, s, err, a, 20), product(a, b)), 1e-5*norm(product(a, b)))
}

func TestSingularValuesHelper(t *testing.T) {
	require.InDeltaSlice(t, []float64{5, 3}, singularValues(t, mat.NewDense(2, 2, []float64{0, 3, -5, 0})), 1e-12)
	require.InDelta(t, 5, tail([]float64{9, 3, 4}, 1), 1e-12)
}

func TestColumns(t *testing.T) {
	// A column of zeros in the training rows or in b is never drawn, and many draws approach the product.
	a, b := normal(1, 40, 6), normal(2, 6, 3)
	for i := range a.Rows {
		a.Set(i, 1, 0)
	}
	for m := range b.Cols {
		b.Set(4, m, 0)
	}
	s, err := amm.FitColumns(a, b, 200000)
	test := normal(3, 20, 6)
	for i := range test.Rows {
		test.Set(i, 1, 1e9) // must not be looked at
	}
	got := mul(t, s, err, test, 3)
	for i := range test.Rows {
		test.Set(i, 1, 0)
	}
	exact := product(test, b)
	require.Less(t, frobenius(got, exact), 0.02*norm(exact))
	// Without any product there is nothing to draw.
	s, err = amm.FitColumns(tensor.NewMatrix[float32](4, 6), b, 3)
	require.Zero(t, norm(mul(t, s, err, test, 3)))
}
