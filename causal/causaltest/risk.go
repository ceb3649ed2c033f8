package causaltest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckRisk fails the test for every property of a risk that the ones of newRisk lack. Each call has to give a new one,
// since a risk may have state that a call to Combine moves.
//
//   - the coefficients are the derivatives of the value with respect to the losses, by central differences, with state
//     such as the weights of groups held as Combine left it: for a risk with state the value has to be
//     the sum of coefficients times losses, and the differences are not looked at;
//   - the order of the rows does not matter;
//   - a NaN among the losses is an error.
func CheckRisk(t testing.TB, newRisk func() causal.Risk, stateful bool) {
	t.Helper()
	const n = 16
	rng := tensor.Stream(3)
	loss, coef := make([]float64, n), make([]float64, n)
	b := causal.Batch{Y: make([]int, n), V: make([]int, n), W: make([]float64, n)}
	for i := range n {
		loss[i], b.Y[i], b.V[i], b.W[i] = rng.ExpFloat64(), i/2%2, i%2, 0.5+rng.Float64()
	}
	value, err := newRisk().Combine(loss, b, coef)
	if err != nil {
		t.Fatalf("Combine: %v", err)
	}
	if stateful {
		if sum := tensor.Dot(coef, loss); !close(sum, value, 1e-9*max(1, math.Abs(value))) {
			t.Errorf("the value is %v and coefficients times losses are %v", value, sum)
		}
	} else {
		checkCoefficients(t, newRisk, loss, coef, b)
	}
	checkRiskOrder(t, newRisk, loss, value, b)
	loss[3] = math.NaN()
	if _, err := newRisk().Combine(loss, b, coef); err == nil {
		t.Errorf("a NaN among the losses is no error")
	}
}

func checkCoefficients(t testing.TB, newRisk func() causal.Risk, loss, coef []float64, b causal.Batch) {
	t.Helper()
	scratch := make([]float64, len(loss))
	at := func() float64 {
		v, err := newRisk().Combine(loss, b, scratch)
		if err != nil {
			t.Fatalf("Combine: %v", err)
		}
		return v
	}
	for i, x := range loss {
		loss[i] = x + step
		above := at()
		loss[i] = x - step
		below := at()
		loss[i] = x
		if want := (above - below) / (2 * step); !close(coef[i], want, 1e-5*max(1, math.Abs(want))) {
			t.Errorf("coef[%d] = %v, central difference %v\nThe optimizer would not descend what is reported.", i, coef[i], want)
			return
		}
	}
}

func checkRiskOrder(t testing.TB, newRisk func() causal.Risk, loss []float64, value float64, b causal.Batch) {
	t.Helper()
	n := len(loss)
	pick := tensor.Stream(4).Perm(n)
	l, coef := make([]float64, n), make([]float64, n)
	c := causal.Batch{Y: make([]int, n), V: make([]int, n), W: make([]float64, n)}
	for k, i := range pick {
		l[k], c.Y[k], c.V[k], c.W[k] = loss[i], b.Y[i], b.V[i], b.W[i]
	}
	again, err := newRisk().Combine(l, c, coef)
	if err != nil || !close(value, again, 1e-9*max(1, math.Abs(value))) {
		t.Errorf("the value is %v, and %v with the rows in another order (error %v)", value, again, err)
	}
}
