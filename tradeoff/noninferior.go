package tradeoff

import "github.com/espalier-ml/espalier/tensor/stats"

// NonInferior tests whether the best qualities of the runs of method are worse than those of base by less than margin,
// >= 0: the claim that a speedup needs. Differences count as improvements, whichever way the quality improves. The
// error is that of [stats.NonInferior], or wraps [ErrFailed] if a run of either failed.
func NonInferior(base, method Runs, margin float64, opts ...stats.LevelOption) (stats.NonInferiority, error) {
	c := call("NonInferior")
	if err := pair(base, method); err != nil {
		return stats.NonInferiority{}, err
	}
	if base.Failed()+method.Failed() > 0 {
		return stats.NonInferiority{}, c.errorf("a mean has no place for runs that failed%s; compare ranks: %w",
			failures(base, method), ErrFailed)
	}
	n, err := stats.NonInferior(base.improvements(), method.improvements(), margin, opts...)
	if err != nil {
		return stats.NonInferiority{}, c.errorf("%w", err)
	}
	return n, nil
}

// improvements is the best quality of each run, better when larger.
func (r Runs) improvements() []float64 {
	q := make([]float64, len(r.Curves))
	for i, c := range r.Curves {
		q[i] = r.Direction().Sign() * c.Best().Quality
	}
	return q
}
