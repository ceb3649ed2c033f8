package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// McNemarTest is the result of comparing two classifiers on the same examples by those on which one is right and the
// other wrong.
type McNemarTest struct {
	First  int     `json:"first"`  // examples that only the first classifier has right
	Second int     `json:"second"` // examples that only the second one has right
	P      float64 `json:"p"`      // exact, two-sided: of a binomial with probability one half
	MidP   float64 `json:"mid_p"`  // half of the observed outcome's probability left out (Fagerland et al. 2013)
}

// McNemar tests whether two classifiers have the same accuracy, given how many examples only the first and only the
// second has right (McNemar 1947). The exact P keeps its level; the mid-P comes nearer to it and hardly ever exceeds
// it. Both are 1 if the classifiers never differ. The error wraps [tensor.ErrRange] for a negative count.
func McNemar(first, second int) (McNemarTest, error) {
	t := McNemarTest{First: first, Second: second, P: 1, MidP: 1}
	if err := checkDiscordant("McNemar", first, second); err != nil || first+second == 0 {
		return t, err
	}
	b := distuv.Binomial{N: float64(first + second), P: 0.5}
	least := float64(min(first, second))
	below, here := b.CDF(least), b.Prob(least)
	if first == second {
		t.MidP = 1 - here/2
		return t, nil
	}
	t.P, t.MidP = min(1, 2*below), 2*below-here
	return t, nil
}

// PairedShares is the difference of the accuracies of two classifiers on the same n examples, those of the first less
// those of the second, with its [Normal] interval. The error is that of [McNemar], or wraps [tensor.ErrRange] for fewer
// examples than they differ on.
func PairedShares(first, second, n int, opts ...LevelOption) (Estimate, error) {
	c, err := configure("PairedShares", opts)
	if err == nil {
		err = checkDiscordant("PairedShares", first, second)
	}
	if err != nil {
		return Estimate{}, err
	}
	if n < 1 || int64(first)+int64(second) > int64(n) {
		return Estimate{}, c.errorf("%d and %d of %d examples: %w", first, second, n, tensor.ErrRange)
	}
	b, m, total := float64(first), float64(second), float64(n)
	e := Estimate{Value: (b - m) / total, Level: c.level, Interval: Normal, N: n}
	e.Lo, e.Hi = c.normal(e.Value, math.Sqrt(b+m-(b-m)*(b-m)/total)/total)
	if first+second == 0 {
		e.Warnings = append(e.Warnings, c.errorf("the classifiers never differ: %w", ErrDegenerate))
	}
	return e, nil
}

func checkDiscordant(function string, first, second int) error {
	c := config{call: "stats: " + function}
	if first < 0 || second < 0 {
		return c.errorf("counts %d and %d: %w", first, second, tensor.ErrRange)
	}
	return nil
}
