package causaltest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckKernel fails the test for every property that a kernel of one's own lacks, f being what [causal.Radial] takes.
//
//   - k is 0 at a squared distance of 0, since it is the kernel less its value there;
//   - dk is the derivative of k with respect to the squared distance, by central differences;
//   - all is finite, at 0 too;
//   - -k is conditionally negative definite as far as random rows can show, so that no penalty is below 0;
//   - the penalty of the kernel passes [CheckPenalty].
func CheckKernel(t testing.TB, name string, f func(k, dk, d2 []float64)) {
	t.Helper()
	d2 := []float64{0, 1e-6, 0.01, 0.1, 0.5, 1, 2, 5, 20, 100}
	k, dk := make([]float64, len(d2)), make([]float64, len(d2))
	f(k, dk, d2)
	if k[0] != 0 {
		t.Errorf("k(0) is %v, want 0: k is the kernel less its value at 0", k[0])
	}
	for i := range d2 {
		if k[i]-k[i] != 0 || dk[i]-dk[i] != 0 {
			t.Fatalf("at a squared distance of %v k is %v and dk %v", d2[i], k[i], dk[i])
		}
	}
	for i, x := range d2[2:] {
		h := 1e-5 * x
		above, below, scratch := make([]float64, 1), make([]float64, 1), make([]float64, 1)
		f(above, scratch, []float64{x + h})
		f(below, scratch, []float64{x - h})
		if want := (above[0] - below[0]) / (2 * h); !close(dk[i+2], want, 1e-5*max(1e-6, math.Abs(want))) {
			t.Errorf("dk(%v) = %v, central difference %v", x, dk[i+2], want)
		}
	}
	checkDefinite(t, f)
	p, err := causal.NewMMD[float64](causal.WithKernel(causal.Radial(name, f)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	CheckPenalty(t, p)
}

// checkDefinite evaluates the form for random coefficients that sum to zero.
func checkDefinite(t testing.TB, f func(k, dk, d2 []float64)) {
	t.Helper()
	const n = 12
	for seed := range uint64(50) {
		rng := tensor.Stream(seed, 5)
		z, a := tensor.NewMatrix[float64](n, 2), make([]float64, n)
		mean := 0.0
		for i := range n {
			z.Set(i, 0, 3*rng.NormFloat64())
			z.Set(i, 1, 3*rng.NormFloat64())
			a[i] = rng.NormFloat64()
			mean += a[i] / n
		}
		d2 := tensor.NewMatrix[float64](n, n)
		tensor.SquaredDistances(d2, z, z)
		k, dk := make([]float64, n*n), make([]float64, n*n)
		f(k, dk, d2.Data)
		q, size := 0.0, 0.0
		for i := range n {
			for j := range n {
				term := (a[i] - mean) * (a[j] - mean) * k[i*n+j]
				q += term
				size += math.Abs(term)
			}
		}
		if q < -1e-9*size {
			t.Errorf("coefficients that sum to 0 give the form %v\nA kernel has to be positive definite, or a penalty can be "+
				"driven below 0.", q)
			return
		}
	}
}
