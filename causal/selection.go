package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Candidate is a trained model to select from.
type Candidate struct {
	Name string  `json:"name"`
	Loss float64 `json:"loss"` // on validation data, weighted as in training: unweighted it prefers the shortcut
	P    float64 `json:"p"`    // of a test of independence
	// SmallestP is the smallest P that the test could have given, 0 if it is not known to have a limit.
	SmallestP float64 `json:"smallest_p,omitempty"`
	MMD       float64 `json:"mmd,omitempty"` // for [SmallestMMD]
}

// Selection is which candidate was selected and why.
type Selection struct {
	Selected int           `json:"selected"` // among the candidates
	Passed   bool          `json:"passed"`   // it passed the test; else it is the fallback's
	Verdicts []TestVerdict `json:"verdicts"` // of each candidate
}

// TestVerdict is what the test says of a candidate.
type TestVerdict uint8

// The verdicts.
const (
	Rejected     TestVerdict = iota // P is below the level: it depends on the auxiliary label
	NotRejected                     // P is not, and could have been
	CannotReject                    // no P below the level was possible: the test says nothing
)

var testVerdicts = enum.Of[TestVerdict]("test verdict", "rejected", "not rejected", "cannot reject")

// String is the verdict's name.
func (v TestVerdict) String() string { return testVerdicts.String(v) }

// MarshalText writes the name.
func (v TestVerdict) MarshalText() ([]byte, error) { return testVerdicts.Marshal(v) }

// UnmarshalText reads a name.
func (v *TestVerdict) UnmarshalText(text []byte) error { return testVerdicts.Unmarshal(v, text) }

// Fallback is what [TwoStep] selects if no candidate passes.
type Fallback uint8

// The fallbacks.
const (
	LargestP    Fallback = iota // the largest P, of equal ones the smallest loss
	SmallestMMD                 // the smallest MMD, as the paper's code does; it favours wide bandwidths if they differ
)

var fallbacks = enum.Of[Fallback]("fallback", "largest P", "smallest MMD")

// String is the fallback's name.
func (f Fallback) String() string { return fallbacks.String(f) }

// MarshalText writes the name.
func (f Fallback) MarshalText() ([]byte, error) { return fallbacks.Marshal(f) }

// UnmarshalText reads a name.
func (f *Fallback) UnmarshalText(text []byte) error { return fallbacks.Unmarshal(f, text) }

// SelectionOption is a choice of [TwoStep].
type SelectionOption func(*selectionConfig) error

type selectionConfig struct {
	level    float64
	fallback Fallback
}

// WithTestLevel sets the P from which on a candidate passes, in (0, 1); default 0.05.
func WithTestLevel(level float64) SelectionOption {
	return func(c *selectionConfig) error {
		c.level = level
		return option.Range(level > 0 && level < 1, "WithTestLevel", level, "a value in (0, 1)")
	}
}

// WithFallback sets what is selected if no candidate passes; default [LargestP].
func WithFallback(f Fallback) SelectionOption {
	return func(c *selectionConfig) error {
		c.fallback = f
		return fallbacks.Check(f)
	}
}

// TwoStep selects, of the candidates that a test does not reject, the one of the smallest loss (Makar et al. 2022,
// section 4). A candidate whose test could not have rejected it does not pass. It guards invariance; it is no way to a
// better accuracy than the smallest weighted loss alone. Options are [WithTestLevel] and [WithFallback]. The error
// wraps [tensor.ErrEmpty] without candidates, and [tensor.ErrRange] or [tensor.ErrNotFinite] for their numbers.
func TwoStep(candidates []Candidate, opts ...SelectionOption) (Selection, error) {
	const call = "TwoStep"
	c := selectionConfig{level: 0.05}
	if err := option.Apply("causal: "+call, &c, opts); err != nil {
		return Selection{}, err
	}
	if err := checkCandidates(call, candidates); err != nil {
		return Selection{}, err
	}
	s := Selection{Selected: -1}
	for i, m := range candidates {
		v := NotRejected
		switch {
		case m.SmallestP > c.level:
			v = CannotReject
		case m.P < c.level:
			v = Rejected
		}
		s.Verdicts = append(s.Verdicts, v)
		if v == NotRejected && (s.Selected < 0 || m.Loss < candidates[s.Selected].Loss) {
			s.Selected, s.Passed = i, true
		}
	}
	if s.Passed {
		return s, nil
	}
	s.Selected = 0
	for i, m := range candidates {
		best := candidates[s.Selected]
		better := m.P > best.P || m.P == best.P && m.Loss < best.Loss
		if c.fallback == SmallestMMD {
			better = m.MMD < best.MMD || m.MMD == best.MMD && m.Loss < best.Loss
		}
		if better {
			s.Selected = i
		}
	}
	return s, nil
}

// SmallestLoss is the candidate of the smallest loss, which is selected without a test. The error is that of [TwoStep].
func SmallestLoss(candidates []Candidate) (int, error) {
	if err := checkCandidates("SmallestLoss", candidates); err != nil {
		return 0, err
	}
	best := 0
	for i, m := range candidates {
		if m.Loss < candidates[best].Loss {
			best = i
		}
	}
	return best, nil
}

func checkCandidates(call string, candidates []Candidate) error {
	if len(candidates) == 0 {
		return fmt.Errorf("causal: %s: no candidates: %w", call, tensor.ErrEmpty)
	}
	for i, m := range candidates {
		switch {
		case m.Loss-m.Loss != 0 || m.MMD-m.MMD != 0:
			return fmt.Errorf("causal: %s: candidate %d (%s) has loss %v and MMD %v: %w",
				call, i, m.Name, m.Loss, m.MMD, tensor.ErrNotFinite)
		case !(m.P >= 0 && m.P <= 1) || !(m.SmallestP >= 0 && m.SmallestP <= 1):
			return fmt.Errorf("causal: %s: candidate %d (%s) has P %v of at least %v, want probabilities: %w",
				call, i, m.Name, m.P, m.SmallestP, tensor.ErrRange)
		}
	}
	return nil
}
