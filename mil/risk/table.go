package risk

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Table is how many patients of high and of low risk had the event. Its ratios are two different numbers, and the
// difference is what published risk scores have got wrong: of 19 events among 312 patients and 9 among 935, the risk
// ratio is 6.3 and the odds ratio 6.7.
type Table struct {
	HighEvents int `json:"high_events"`
	HighOthers int `json:"high_others"`
	LowEvents  int `json:"low_events"`
	LowOthers  int `json:"low_others"`
	// Correction is added to each cell for the ratios: 0.5 is that of Haldane and Anscombe, which gives tables with an
	// empty cell ratios and intervals. Default 0.
	Correction float64 `json:"correction,omitempty"`
}

// NewTable counts patients. The error wraps [tensor.ErrEmpty] or [tensor.ErrShape].
func NewTable(high, event []bool) (Table, error) {
	var t Table
	if len(high) == 0 {
		return t, fmt.Errorf("risk: NewTable: no patients: %w", tensor.ErrEmpty)
	}
	if len(high) != len(event) {
		return t, fmt.Errorf("risk: NewTable: %d groups for %d events: %w", len(high), len(event), tensor.ErrShape)
	}
	for i, h := range high {
		switch {
		case h && event[i]:
			t.HighEvents++
		case h:
			t.HighOthers++
		case event[i]:
			t.LowEvents++
		default:
			t.LowOthers++
		}
	}
	return t, nil
}

// RiskRatio is the share of events among patients of high risk over that among those of low risk, with the interval
// that is normal on the scale of the logarithm (Katz et al. 1978). The error wraps [ErrZeroCell] if a group has no
// events or is empty, unless there is a Correction.
func (t Table) RiskRatio(opts ...stats.LevelOption) (stats.Estimate, error) {
	a, b, c, d := t.cells()
	return t.ratio("risk: Table.RiskRatio", a/(a+b)/(c/(c+d)), 1/a-1/(a+b)+1/c-1/(c+d), a > 0 && c > 0, opts)
}

// OddsRatio is the odds of the event among patients of high risk over those among patients of low risk, with Woolf's
// interval, which is normal on the scale of the logarithm. For rare events it is close to the [Table.RiskRatio], and
// otherwise further from 1. The error wraps [ErrZeroCell] if any cell is empty, unless there is a Correction.
func (t Table) OddsRatio(opts ...stats.LevelOption) (stats.Estimate, error) {
	a, b, c, d := t.cells()
	return t.ratio("risk: Table.OddsRatio", a*d/(b*c), 1/a+1/b+1/c+1/d, a > 0 && b > 0 && c > 0 && d > 0, opts)
}

func (t Table) cells() (a, b, c, d float64) {
	return float64(t.HighEvents) + t.Correction, float64(t.HighOthers) + t.Correction,
		float64(t.LowEvents) + t.Correction, float64(t.LowOthers) + t.Correction
}

func (t Table) ratio(call string, value, variance float64, ok bool, opts []stats.LevelOption) (stats.Estimate, error) {
	if err := t.check(call); err != nil {
		return stats.Estimate{}, err
	}
	level, err := levelOf(call, opts)
	if err != nil {
		return stats.Estimate{}, err
	}
	if !ok {
		return stats.Estimate{}, fmt.Errorf("%s: %d events of %d and %d of %d: %w", call, t.HighEvents,
			t.HighEvents+t.HighOthers, t.LowEvents, t.LowEvents+t.LowOthers, ErrZeroCell)
	}
	w := normalQuantile(level) * math.Sqrt(variance)
	return stats.Estimate{Value: value, Lo: value * math.Exp(-w), Hi: value * math.Exp(w), Level: level,
		Interval: stats.Normal, N: min(t.HighEvents+t.HighOthers, t.LowEvents+t.LowOthers)}, nil
}

func (t Table) check(call string) error {
	for _, n := range []int{t.HighEvents, t.HighOthers, t.LowEvents, t.LowOthers} {
		if n < 0 {
			return fmt.Errorf("%s: a cell of %d: %w", call, n, tensor.ErrRange)
		}
	}
	if !(t.Correction >= 0) || math.IsInf(t.Correction, 1) {
		return fmt.Errorf("%s: Correction is %v: %w", call, t.Correction, tensor.ErrRange)
	}
	return nil
}

// levelOf is the level of options.
func levelOf(call string, opts []stats.LevelOption) (float64, error) {
	all := make([]stats.Option, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	s, err := stats.Read(all...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", call, err)
	}
	return s.Level, nil
}

func normalQuantile(level float64) float64 { return distuv.UnitNormal.Quantile((1 + level) / 2) }

// twoSided is the probability of a standard normal number at least as far from 0.
func twoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// Fisher is the two-sided P of Fisher's exact test that the event has nothing to do with the group: the probability,
// given the margins, of tables no more likely than this one. It is 1 if a margin is 0.
func (t Table) Fisher() (float64, error) {
	if err := t.check("risk: Table.Fisher"); err != nil {
		return 0, err
	}
	high, low, events := t.HighEvents+t.HighOthers, t.LowEvents+t.LowOthers, t.HighEvents+t.LowEvents
	choose := func(n, k int) float64 {
		a, _ := math.Lgamma(float64(n) + 1)
		b, _ := math.Lgamma(float64(k) + 1)
		c, _ := math.Lgamma(float64(n-k) + 1)
		return a - b - c
	}
	log := func(a int) float64 { return choose(high, a) + choose(low, events-a) }
	own, total, sum := log(t.HighEvents), 0.0, 0.0
	const equal = 1e-7 // likelihoods that differ by rounding alone, as R has it
	for a := max(0, events-low); a <= min(high, events); a++ {
		p := math.Exp(log(a) - own)
		total += p
		if p <= 1+equal {
			sum += p
		}
	}
	return min(1, sum/total), nil
}
