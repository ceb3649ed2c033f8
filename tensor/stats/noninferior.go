package stats

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// NonInferiority is the result of testing that a method is not worse than a baseline by more than a margin.
type NonInferiority struct {
	Diff        float64 `json:"diff"`  // mean of the method minus that of the baseline
	Lower       float64 `json:"lower"` // one-sided bound of Diff: above -Margin if the method is non-inferior
	DF          float64 `json:"df"`
	P           float64 `json:"p"`           // of non-inferiority
	Equivalence float64 `json:"equivalence"` // P of being within the margin on both sides (TOST, Schuirmann 1987)
	Margin      float64 `json:"margin"`
	Level       float64 `json:"level"`
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

// NonInferior tests whether the mean of method is at most margin, >= 0, below that of base: the claim that a speedup
// needs. Larger values are better; negate both samples where smaller ones are. It is a one-sided Welch test, and
// together with that of the other side a test of equivalence (TOST). The error is that of [Welch], or wraps
// [tensor.ErrRange] for a margin that is not finite or below 0.
func NonInferior(base, method []float64, margin float64, opts ...LevelOption) (NonInferiority, error) {
	c, err := configure("NonInferior", opts)
	if err != nil {
		return NonInferiority{}, err
	}
	if !(margin >= 0) || math.IsInf(margin, 1) {
		return NonInferiority{}, c.errorf("margin is %v, want a finite number of at least 0: %w", margin, tensor.ErrRange)
	}
	diff, se, df, err := c.welchTest("method", method, "base", base)
	if err != nil {
		return NonInferiority{}, err
	}
	n := NonInferiority{Diff: diff, DF: df, Margin: margin, Level: c.level}
	n.Lower = diff - studentQuantile(c.level, df)*se
	n.P = studentTail((diff+margin)/se, df)
	n.Equivalence = max(n.P, studentTail((margin-diff)/se, df))
	return n, nil
}
