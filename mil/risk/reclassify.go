package risk

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Improvement is how much better a new model tells patients with the event from others than an old one.
type Improvement struct {
	Events    stats.Estimate `json:"events"`     // among those with the event
	NonEvents stats.Estimate `json:"non_events"` // among those without it
	Total     stats.Estimate `json:"total"`      // the sum
	Z         float64        `json:"z"`          // of the total
	P         float64        `json:"p"`          // two-sided; 1 if the models do not differ at all
}

// NRI is the continuous net reclassification improvement (Pencina et al. 2011): among patients with the event, the
// share whose probability has gone up less that of those for whom it has gone down, and the other way round among those
// without it. A change counts if it is larger than least, 0 or more: sums such as 0.1 + 0.2 and 0.3 differ by rounding,
// and any difference counts in full. It rises with models that are worse calibrated; read it beside other measures.
//
// The error wraps [stats.ErrOneClass], [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] or
// [tensor.ErrRange].
func NRI(old, new []float64, event []bool, least float64, opts ...stats.LevelOption) (Improvement, error) {
	const call = "risk: NRI"
	if !(least >= 0) || math.IsInf(least, 1) {
		return Improvement{}, fmt.Errorf("%s: least is %v, want 0 or more: %w", call, least, tensor.ErrRange)
	}
	return reclassify(call, old, new, event, opts, func(i int) int {
		switch d := new[i] - old[i]; {
		case d > least:
			return 1
		case d < -least:
			return -1
		}
		return 0
	})
}

// CategoryNRI is the net reclassification improvement of categories (Pencina et al. 2008): up and down are other
// categories by the cuts. A category begins at its cut, since whoever reaches a threshold is treated. The error is that
// of [NRI], or wraps [tensor.ErrRange] for cuts that are not ascending numbers.
func CategoryNRI(old, new []float64, event []bool, cuts []float64, opts ...stats.LevelOption) (Improvement, error) {
	const call = "risk: CategoryNRI"
	if _, err := CutAt(cuts...); err != nil {
		return Improvement{}, fmt.Errorf("%s: %w", call, err)
	}
	category := func(v float64) int {
		k, found := slices.BinarySearch(cuts, v)
		if found {
			k++
		}
		return k
	}
	return reclassify(call, old, new, event, opts, func(i int) int { return category(new[i]) - category(old[i]) })
}

// reclassify counts by the sign of the change of each patient.
func reclassify(call string, old, new []float64, event []bool, opts []stats.LevelOption,
	change func(i int) int) (Improvement, error) {
	if err := checkPair(call, old, new, event); err != nil {
		return Improvement{}, err
	}
	var up, down, n [2]float64 // without and with the event
	for i, e := range event {
		k := 0
		if e {
			k = 1
		}
		n[k]++
		switch d := change(i); {
		case d > 0:
			up[k]++
		case d < 0:
			down[k]++
		}
	}
	variance := func(k int) float64 {
		u, d := up[k]/n[k], down[k]/n[k]
		return (u + d - (u-d)*(u-d)) / n[k]
	}
	return improvement(call, (up[1]-down[1])/n[1], (down[0]-up[0])/n[0], variance(1), variance(0), n, opts)
}

func checkPair(call string, old, new []float64, event []bool) error {
	if err := checkScores(call, "old", old, len(event)); err != nil {
		return err
	}
	if err := checkScores(call, "new", new, len(event)); err != nil {
		return err
	}
	_, err := countEvents(call, event)
	return err
}

// improvement makes intervals of the two parts and of their sum, which are independent.
func improvement(call string, events, others, varEvents, varOthers float64, n [2]float64,
	opts []stats.LevelOption) (Improvement, error) {
	level, err := levelOf(call, opts)
	if err != nil {
		return Improvement{}, err
	}
	estimate := func(value, variance float64, n float64) stats.Estimate {
		w := normalQuantile(level) * math.Sqrt(variance)
		e := stats.Estimate{Value: value, Lo: value - w, Hi: value + w, Level: level, Interval: stats.Normal, N: int(n)}
		if variance == 0 {
			e.Warnings = []error{fmt.Errorf("all changes of a class are the same: %w", stats.ErrDegenerate)}
		}
		return e
	}
	m := Improvement{Events: estimate(events, varEvents, n[1]), NonEvents: estimate(others, varOthers, n[0]),
		Total: estimate(events+others, varEvents+varOthers, min(n[0], n[1])), P: 1}
	switch se := math.Sqrt(varEvents + varOthers); {
	case se > 0:
		m.Z = m.Total.Value / se
		m.P = twoSided(m.Z)
	case m.Total.Value != 0:
		return Improvement{}, fmt.Errorf("%s: all changes of a class are the same, so that there is no test: %w", call,
			stats.ErrDegenerate)
	}
	return m, nil
}

// IDI is the integrated discrimination improvement (Pencina et al. 2008): how much the mean probability has gone up
// among patients with the event, and down among those without it. The error is that of [NRI], or wraps
// [stats.ErrTooFew] for a class of a single patient, whose changes have no variance.
func IDI(old, new []float64, event []bool, opts ...stats.LevelOption) (Improvement, error) {
	const call = "risk: IDI"
	if err := checkPair(call, old, new, event); err != nil {
		return Improvement{}, err
	}
	var n, mean, square [2]float64
	for i, e := range event {
		k := 0
		if e {
			k = 1
		}
		d := new[i] - old[i]
		n[k]++
		step := (d - mean[k]) / n[k]
		square[k] += (d - mean[k]) * (d - mean[k] - step)
		mean[k] += step
	}
	if n[0] < 2 || n[1] < 2 {
		return Improvement{}, fmt.Errorf("%s: %v patients with the event and %v without: %w", call, n[1], n[0],
			stats.ErrTooFew)
	}
	variance := func(k int) float64 { return square[k] / (n[k] - 1) / n[k] }
	return improvement(call, mean[1], -mean[0], variance(1), variance(0), n, opts)
}
