package tradeoff

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
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
