package risk

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Strata is groups of patients by thresholds of a score: a score belongs to the group of the number of thresholds that
// it is above. Thresholds are chosen without the patients who are judged by them, on training scores or by hand; those
// of the test scores would depend on whom they judge. It is immutable.
type Strata struct{ cuts []float64 }

// FitStrata takes quantiles of training scores as thresholds, of the given orders in (0, 1), ascending: 0.75 is the top
// quartile of the paper, and 0.25, 0.5, 0.75 are four groups. They are interpolated as in numpy (type 7). The error
// wraps [tensor.ErrEmpty], [tensor.ErrNotFinite] or [tensor.ErrRange].
func FitStrata(train []float64, orders ...float64) (Strata, error) {
	const call = "risk: FitStrata"
	if len(orders) == 0 {
		return Strata{}, fmt.Errorf("%s: no orders: %w", call, tensor.ErrEmpty)
	}
	for i, p := range orders {
		if !(p > 0 && p < 1) || i > 0 && p <= orders[i-1] {
			return Strata{}, fmt.Errorf("%s: orders[%d] is %v, want ascending numbers in (0, 1): %w", call, i, p,
				tensor.ErrRange)
		}
	}
	cuts, err := stats.Quantiles(train, orders...)
	if err != nil {
		return Strata{}, fmt.Errorf("%s: %w", call, err)
	}
	return Strata{cuts}, nil
}

// CutAt takes thresholds that are known, ascending. The error wraps [tensor.ErrEmpty] or [tensor.ErrRange].
func CutAt(cuts ...float64) (Strata, error) {
	if len(cuts) == 0 {
		return Strata{}, fmt.Errorf("risk: CutAt: no thresholds: %w", tensor.ErrEmpty)
	}
	for i, c := range cuts {
		if math.IsNaN(c) || math.IsInf(c, 0) || i > 0 && c <= cuts[i-1] {
			return Strata{}, fmt.Errorf("risk: CutAt: cuts[%d] is %v, want finite ascending numbers: %w", i, c, tensor.ErrRange)
		}
	}
	return Strata{slices.Clone(cuts)}, nil
}

// Cuts are the thresholds.
func (s Strata) Cuts() []float64 { return slices.Clone(s.cuts) }

// Of is the group of a score, from 0 for those at or below the first threshold.
func (s Strata) Of(score float64) int {
	group := 0
	for _, c := range s.cuts {
		if score > c {
			group++
		}
	}
	return group
}

// Group is the patients of a group.
type Group struct {
	N      int            `json:"n"`
	Events int            `json:"events"`
	Rate   stats.Estimate `json:"rate"` // share with the event, with Wilson's interval
}

// Groups counts the patients of each group. The error wraps [ErrEmptyGroup] if there are none in one, as where many
// scores are equal to a threshold, or that of arguments that do not fit.
func (s Strata) Groups(score []float64, event []bool, opts ...stats.LevelOption) ([]Group, error) {
	const call = "risk: Strata.Groups"
	if err := checkScores(call, "score", score, len(event)); err != nil {
		return nil, err
	}
	groups := make([]Group, len(s.cuts)+1)
	for i, v := range score {
		g := &groups[s.Of(v)]
		g.N++
		if event[i] {
			g.Events++
		}
	}
	for k := range groups {
		g := &groups[k]
		if g.N == 0 {
			return nil, s.empty(call, k, score)
		}
		var err error
		if g.Rate, err = stats.Share(g.Events, g.N, opts...); err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
	}
	return groups, nil
}

// empty says why there is nobody in group k.
func (s Strata) empty(call string, k int, score []float64) error {
	cut := s.cuts[min(k, len(s.cuts)-1)]
	equal := 0
	for _, v := range score {
		if v == cut {
			equal++
		}
	}
	where := fmt.Sprintf("at %v or below", cut)
	if k == len(s.cuts) {
		where = fmt.Sprintf("above %v", cut)
	} else if k > 0 {
		where = fmt.Sprintf("above %v and up to %v", s.cuts[k-1], cut)
	}
	return fmt.Errorf("%s: none of %d scores is %s, and %d are equal to %v: %w", call, len(score), where, equal, cut,
		ErrEmptyGroup)
}

// checkScores reports scores that are not finite or not as many as there are patients.
func checkScores(call, name string, score []float64, patients int) error {
	if len(score) == 0 {
		return fmt.Errorf("%s: no patients: %w", call, tensor.ErrEmpty)
	}
	if len(score) != patients {
		return fmt.Errorf("%s: %d elements of %s for %d patients: %w", call, len(score), name, patients, tensor.ErrShape)
	}
	if err := tensor.ValidateFinite(name, score); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return nil
}

// checkProbabilities is checkScores of probabilities.
func checkProbabilities(call, name string, p []float64, patients int) error {
	if err := checkScores(call, name, p, patients); err != nil {
		return err
	}
	for i, v := range p {
		if v < 0 || v > 1 {
			return fmt.Errorf("%s: %s[%d] is %v, want a probability: %w", call, name, i, v, tensor.ErrRange)
		}
	}
	return nil
}

// countEvents reports patients of one class.
func countEvents(call string, event []bool) (int, error) {
	n := 0
	for _, e := range event {
		if e {
			n++
		}
	}
	if n == 0 || n == len(event) {
		return 0, fmt.Errorf("%s: %d of %d patients have the event: %w", call, n, len(event), stats.ErrOneClass)
	}
	return n, nil
}
