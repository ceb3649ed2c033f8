package stats

import (
	"math"
	"slices"
)

// TTest is the result of a t test.
type TTest struct {
	T  float64 `json:"t"`
	DF float64 `json:"df"` // degrees of freedom; of two samples those of Welch and Satterthwaite
	P  float64 `json:"p"`  // two-sided
}

// Welch tests whether the means of a and b differ, without assuming equal variances (Welch 1947). The error is that of
// [Mean], or wraps [ErrTooFew] for fewer than two values or [ErrDegenerate] if neither sample varies.
func Welch(a, b []float64) (TTest, error) {
	c := config{call: "stats: Welch"}
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
			return 0, 0, 0, c.errorf("%s has %d value and no variance: %w", name, len(x), ErrTooFew)
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

// PairedT tests whether the mean of the differences x[i] - y[i] is 0. The error is that of [OneSampleT], or wraps
// [tensor.ErrShape] if the lengths differ.
func PairedT(x, y []float64) (TTest, error) {
	c := config{call: "stats: PairedT"}
	if err := c.checkPairs("x", x, "y", y); err != nil {
		return TTest{}, err
	}
	return c.oneSampleT(differences(x, y))
}

// OneSampleT tests whether the mean of x is 0. The error is that of [Mean], or wraps [ErrTooFew] for a single value or
// [ErrDegenerate] if all are equal.
func OneSampleT(x []float64) (TTest, error) {
	c := config{call: "stats: OneSampleT"}
	if err := c.checkSample("x", x); err != nil {
		return TTest{}, err
	}
	return c.oneSampleT(x)
}

func (c *config) oneSampleT(x []float64) (TTest, error) {
	if len(x) < 2 {
		return TTest{}, c.errorf("%d value and no variance: %w", len(x), ErrTooFew)
	}
	if equal(x) {
		return TTest{}, c.errorf("all values are %v: %w", x[0], ErrDegenerate)
	}
	m, variance := moments(scaled(x))
	df := float64(len(x) - 1)
	t := m / math.Sqrt(variance/float64(len(x)))
	return TTest{t, df, 2 * studentTail(math.Abs(t), df)}, nil
}

// scaled divides by a power of two, which rounds nothing, so that squares neither overflow nor vanish.
func scaled(x []float64) []float64 {
	_, exponent := math.Frexp(max(slices.Max(x), -slices.Min(x)))
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Ldexp(v, -exponent)
	}
	return y
}
