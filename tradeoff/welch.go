package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// TTest is the result of Welch's t test.
type TTest struct {
	T  float64
	DF float64 // degrees of freedom of Welch and Satterthwaite
	P  float64 // two-sided
}

// Welch tests whether the means of a and b differ, without assuming equal variances (Welch 1947). The error is that of
// [Mean], or wraps [ErrTooFewRuns] for fewer than two values or [ErrDegenerate] if neither sample varies.
func Welch(a, b []float64) (TTest, error) {
	c := config{function: "Welch"}
	diff, se, df, err := c.welchTest("a", a, "b", b)
	if err != nil {
		return TTest{}, err
	}
	t := diff / se
	return TTest{t, df, 2 * studentTail(math.Abs(t), df)}, nil
}

// welchTest is the difference of means of a and b, its standard error and degrees of freedom.
func (c *config) welchTest(nameA string, a []float64, nameB string, b []float64) (diff, se, df float64, err error) {
	for i, x := range [][]float64{a, b} {
		name := []string{nameA, nameB}[i]
		if err := c.checkSample(name, x); err != nil {
			return 0, 0, 0, err
		}
		if len(x) < 2 {
			return 0, 0, 0, c.errorf("%s has %d value and no variance: %w", name, len(x), ErrTooFewRuns)
		}
	}
	ma, va := moments(a)
	mb, vb := moments(b)
	se, df = welchError(va, vb, len(a), len(b))
	if se == 0 {
		return 0, 0, 0, c.errorf("neither sample varies: %w", ErrDegenerate)
	}
	return ma - mb, se, df, nil
}

// studentTail is the probability that Student's t exceeds t.
func studentTail(t, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Survival(t)
}

// studentQuantile is the p-quantile of Student's t.
func studentQuantile(p, df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
}

// NonInferiority is the result of testing that a method is not worse than a baseline by more than a margin.
type NonInferiority struct {
	Diff        float64 // mean of the method minus that of the baseline, as measured
	Lower       float64 // one-sided bound of the improvement: how much worse it may be, above -margin if non-inferior
	DF          float64
	P           float64 // of non-inferiority
	Equivalence float64 // P of being within the margin on both sides: two one-sided tests (TOST, Schuirmann 1987)
	Level       float64
}

// NonInferior reports whether non-inferiority is shown at the level.
func (n NonInferiority) NonInferior() bool { return n.P <= 1-n.Level }

// Equivalent reports whether equivalence within the margin is shown at the level.
func (n NonInferiority) Equivalent() bool { return n.Equivalence <= 1-n.Level }

// String reads "worse by at most 0.12 (95% bound), p=0.009".
func (n NonInferiority) String() string {
	if n.Lower > 0 {
		return fmt.Sprintf("better by at least %.4g (%g%% bound), non-inferior p=%.3f", n.Lower, 100*n.Level, n.P)
	}
	return fmt.Sprintf("worse by at most %.4g (%g%% bound), non-inferior p=%.3f", -n.Lower, 100*n.Level, n.P)
}

// NonInferior tests whether the qualities of method are worse than those of base by less than margin, >= 0: the claim
// that a speedup needs. It is a one-sided Welch test, and together with that of the other side a test of equivalence
// (TOST). It takes WithLevel. The error is that of [Welch].
func NonInferior(base, method []float64, dir Direction, margin float64, opts ...Option) (NonInferiority, error) {
	c, err := configure("NonInferior", opts, "WithLevel")
	if err != nil {
		return NonInferiority{}, err
	}
	if dir > LowerBetter {
		return NonInferiority{}, c.errorf("direction is %v: %w", dir, tensor.ErrRange)
	}
	if !(margin >= 0) || math.IsInf(margin, 1) {
		return NonInferiority{}, c.errorf("margin is %v, want a finite number of at least 0: %w", margin, tensor.ErrRange)
	}
	diff, se, df, err := c.welchTest("method", method, "base", base)
	if err != nil {
		return NonInferiority{}, err
	}
	better := dir.sign() * diff
	n := NonInferiority{Diff: diff, DF: df, Level: c.level}
	n.Lower = better - studentQuantile(c.level, df)*se
	n.P = studentTail((better+margin)/se, df)
	n.Equivalence = max(n.P, studentTail((margin-better)/se, df))
	return n, nil
}

// Holm adjusts the P values of several tests so that comparing them with alpha keeps the probability of any false
// rejection below it (Holm 1979). The error wraps [tensor.ErrRange] for a value outside [0, 1].
func Holm(p []float64) ([]float64, error) {
	by, err := sortedP("Holm", p)
	if err != nil {
		return nil, err
	}
	adjusted, most := make([]float64, len(p)), 0.0
	for i, k := range by {
		most = max(most, min(1, float64(len(p)-i)*p[k]))
		adjusted[k] = most
	}
	return adjusted, nil
}

// Hochberg adjusts the P values of several tests by the step-up procedure (Hochberg 1988), which rejects at least as
// much as [Holm] and holds for independent or positively dependent tests; Ankner et al. 2024 use it. The error is that
// of Holm.
func Hochberg(p []float64) ([]float64, error) {
	by, err := sortedP("Hochberg", p)
	if err != nil {
		return nil, err
	}
	adjusted, least := make([]float64, len(p)), 1.0
	for i, k := range slices.Backward(by) {
		least = min(least, float64(len(p)-i)*p[k])
		adjusted[k] = least
	}
	return adjusted, nil
}

// sortedP is the indices of P values in their order.
func sortedP(function string, p []float64) ([]int, error) {
	by := make([]int, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("tradeoff: %s: p[%d] = %v: %w", function, i, v, tensor.ErrRange)
		}
		by[i] = i
	}
	slices.SortStableFunc(by, func(i, j int) int {
		if p[i] == p[j] {
			return 0
		}
		return order(p[i], p[j])
	})
	return by, nil
}
