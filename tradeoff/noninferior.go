package tradeoff

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

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
