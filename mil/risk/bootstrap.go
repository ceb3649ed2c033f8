package risk

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// Resampled is an estimate by a bootstrap over patients.
type Resampled struct {
	Estimate stats.Estimate `json:"estimate"`
	Used     int            `json:"used"`    // resamples that the interval rests on
	Skipped  int            `json:"skipped"` // those for which the statistic has no value, such as of one class only
}

// Bootstrap is the interval of a statistic by drawing patients with replacement, never beats or other instances of
// theirs, which are no independent units. statistic gets the drawn patients, which it may reorder and must not keep,
// and is called from several goroutines; an error skips the resample, which is counted. Of rows of which a patient may
// have several, [stats.Clusters] draws all of a patient. Options are those of [stats.Resample] but for BCa, which
// resamples that are skipped leave undefined. The error is that of statistic for all patients, of the bootstrap, or
// wraps [stats.ErrTooFew] if more than half of the resamples are skipped.
func Bootstrap(ctx context.Context, patients stats.Design, statistic func(drawn []int) (float64, error),
	opts ...stats.Option) (Resampled, error) {
	const call = "risk: Bootstrap"
	var first error
	started := false
	boot, err := stats.Resample(ctx, patients, 1, func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			v, err := statistic(drawn)
			if !started { // with every patient once, before any other
				first, started = err, true
			}
			if out[0] = v; err != nil {
				out[0] = math.NaN()
			}
		}
	}, opts...)
	switch {
	case first != nil:
		return Resampled{}, fmt.Errorf("%s: %w", call, first)
	case err != nil:
		return Resampled{}, fmt.Errorf("%s: %w", call, err)
	}
	var used []float64
	for _, v := range boot.Replicates[0] {
		if !math.IsNaN(v) {
			used = append(used, v)
		}
	}
	r := Resampled{Used: len(used), Skipped: len(boot.Replicates[0]) - len(used)}
	if r.Skipped > r.Used {
		return Resampled{}, fmt.Errorf("%s: %d of %d resamples have no value: %w", call, r.Skipped, r.Skipped+r.Used,
			stats.ErrTooFew)
	}
	if r.Estimate, err = stats.FromReplicates(boot.Values[0], used, boot.N, nil, opts...); err != nil {
		return Resampled{}, fmt.Errorf("%s: %w", call, err)
	}
	return r, nil
}
