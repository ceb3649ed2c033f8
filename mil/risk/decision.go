package risk

import (
	"context"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Decision is what treating those whose probability reaches a threshold is worth (Vickers and Elkin 2006), in true
// positives per patient: at a threshold of 0.2, one true positive is worth four false ones.
type Decision struct {
	Threshold  float64 `json:"threshold"`
	Treated    int     `json:"treated"`     // patients whose probability is the threshold or more
	NetBenefit float64 `json:"net_benefit"` // TP/n - FP/n t/(1-t)
	// Standardized is the net benefit over the share of patients with the event, the most that there is to gain.
	Standardized float64 `json:"standardized"`
	TreatAll     float64 `json:"treat_all"` // the net benefit of treating everybody; that of treating nobody is 0
}

// DecisionCurve is the net benefit at thresholds in [0, 1). The error wraps [stats.ErrOneClass], [tensor.ErrEmpty],
// [tensor.ErrShape], [tensor.ErrNotFinite] or [tensor.ErrRange].
func DecisionCurve(p []float64, event []bool, at ...float64) ([]Decision, error) {
	const call = "risk: DecisionCurve"
	if err := checkDecision(call, p, len(event), at); err != nil {
		return nil, err
	}
	events, err := countEvents(call, event)
	if err != nil {
		return nil, err
	}
	n := float64(len(p))
	return decide(at, float64(events)/n, func(t float64) (int, float64, float64, error) {
		treated, hits := 0, 0
		for i, v := range p {
			if v >= t {
				treated++
				if event[i] {
					hits++
				}
			}
		}
		return treated, float64(hits) / n, float64(treated-hits) / n, nil
	})
}

// decide makes a curve of the shares of true and false positives at thresholds.
func decide(at []float64, prevalence float64,
	positives func(t float64) (treated int, hits, misses float64, err error)) ([]Decision, error) {
	curve := make([]Decision, len(at))
	for k, t := range at {
		treated, hits, misses, err := positives(t)
		if err != nil {
			return nil, err
		}
		odds := t / (1 - t)
		benefit := hits - misses*odds
		curve[k] = Decision{Threshold: t, Treated: treated, NetBenefit: benefit, Standardized: benefit / prevalence,
			TreatAll: prevalence - (1-prevalence)*odds}
	}
	return curve, nil
}

func checkDecision(call string, p []float64, patients int, at []float64) error {
	if err := checkProbabilities(call, "p", p, patients); err != nil {
		return err
	}
	if len(at) == 0 {
		return fmt.Errorf("%s: no thresholds: %w", call, tensor.ErrEmpty)
	}
	for k, t := range at {
		if !(t >= 0 && t < 1) {
			return fmt.Errorf("%s: at[%d] is %v, want a threshold in [0, 1): %w", call, k, t, tensor.ErrRange)
		}
	}
	return nil
}

// CensoredDecisionCurve is [DecisionCurve] for an event by a time of which some patients were not observed as long: the
// share with the event is that of the Kaplan-Meier curve, among all and among those who are treated (Vickers et al.
// 2008). The error is that of DecisionCurve, or wraps [stats.ErrUnreached] for a time beyond the observation of those
// who would be treated.
func CensoredDecisionCurve(p []float64, times []stats.Lifetime, horizon float64, at ...float64) ([]Decision, error) {
	const call = "risk: CensoredDecisionCurve"
	if err := checkDecision(call, p, len(times), at); err != nil {
		return nil, err
	}
	prevalence, err := incidence(call, times, horizon)
	if err != nil {
		return nil, err
	}
	if prevalence == 0 || prevalence == 1 {
		return nil, fmt.Errorf("%s: the incidence by %v is %v: %w", call, horizon, prevalence, stats.ErrOneClass)
	}
	n := float64(len(p))
	return decide(at, prevalence, func(t float64) (int, float64, float64, error) {
		var treated []stats.Lifetime
		for i, v := range p {
			if v >= t {
				treated = append(treated, times[i])
			}
		}
		if len(treated) == 0 {
			return 0, 0, 0, nil
		}
		rate, err := incidence(fmt.Sprintf("%s: threshold %v", call, t), treated, horizon)
		share := float64(len(treated)) / n
		return len(treated), rate * share, (1 - rate) * share, err
	})
}

// incidence is the share with the event by a time.
func incidence(call string, times []stats.Lifetime, horizon float64) (float64, error) {
	if !(horizon > 0) {
		return 0, fmt.Errorf("%s: horizon is %v, want a time above 0: %w", call, horizon, tensor.ErrRange)
	}
	km, err := stats.KaplanMeier(times)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", call, err)
	}
	s := km.At(horizon)
	if horizon > km.Last() && s > 0 {
		return 0, fmt.Errorf("%s: %v is beyond the last observation at %v: %w", call, horizon, km.Last(),
			stats.ErrUnreached)
	}
	return 1 - s, nil
}

// CompareDecisions is the net benefit of a less that of b at each threshold, with intervals of a bootstrap over
// patients. Options are those of [stats.Resample]. The error is that of [DecisionCurve] or of the bootstrap.
func CompareDecisions(ctx context.Context, a, b []float64, event []bool, at []float64,
	opts ...stats.Option) ([]stats.Estimate, error) {
	const call = "risk: CompareDecisions"
	if _, err := DecisionCurve(a, event, at...); err != nil {
		return nil, fmt.Errorf("%s: a: %w", call, err)
	}
	if _, err := DecisionCurve(b, event, at...); err != nil {
		return nil, fmt.Errorf("%s: b: %w", call, err)
	}
	at = slices.Clone(at)
	n := float64(len(event))
	boot, err := stats.ResampleCounts(ctx, stats.Units(len(event)), len(at), func() func([]int32, []float64) {
		return func(counts []int32, out []float64) {
			for k, t := range at {
				sum, odds := 0.0, t/(1-t)
				for i, c := range counts {
					worth := -odds
					if event[i] {
						worth = 1
					}
					switch treatA, treatB := a[i] >= t, b[i] >= t; {
					case treatA && !treatB:
						sum += float64(c) * worth
					case treatB && !treatA:
						sum -= float64(c) * worth
					}
				}
				out[k] = sum / n
			}
		}
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	all := make([]stats.Estimate, len(at))
	for k := range all {
		if all[k], err = boot.Estimate(k); err != nil {
			return nil, fmt.Errorf("%s: threshold %v: %w", call, at[k], err)
		}
	}
	return all, nil
}
