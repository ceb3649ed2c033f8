package score

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// BenchmarkScore is the score of a submission with its interval.
type BenchmarkScore struct {
	Submission string         `json:"submission"`
	Score      stats.Estimate `json:"score"`
	// share of the replicates in which it has the highest score; those that tie share it
	First float64 `json:"first"`
}

// BenchmarkScores is the scores of all submissions with percentile intervals, or those of [WithInterval], in the order
// of the submissions. Studies are drawn with replacement within each submission and workload, and with [WithTasks] base
// workloads with their variants too. Three studies, as AlgoPerf has, are few: there is a warning.
func (t TimeTable) BenchmarkScores(opts ...Option) ([]BenchmarkScore, error) {
	c, err := configure("BenchmarkScores", opts)
	if err == nil {
		err = t.check(c.call)
	}
	if err != nil {
		return nil, err
	}
	n := len(t.submissions)
	p, err := t.Profile(WithMaxRatio(c.maxRatio))
	if err != nil {
		return nil, err
	}
	p.trapezoid = c.algoPerf
	settings, err := stats.Read(c.interval...)
	if err != nil {
		return nil, c.errorf("%w", err)
	}
	replicates, err := stats.Replicate(context.Background(), n, func() func(int, *rand.Rand, []float64) {
		times := t.Times()
		var drawn []float64
		ratios := make([][]float64, n)
		var counts []int
		return func(_ int, rng *rand.Rand, out []float64) {
			for s, row := range t.studies {
				for w, studies := range row {
					drawn = drawn[:0]
					for range studies {
						drawn = append(drawn, studies[rng.IntN(len(studies))])
					}
					times[s][w] = median(drawn)
				}
			}
			t.filter(times, c.maxRatio)
			for s := range ratios {
				ratios[s] = t.ratios(ratios[s][:0], times, s)
			}
			if c.tasks {
				counts = counts[:0]
				for range ratios[0] {
					counts = append(counts, rng.IntN(len(ratios[0])))
				}
				for s := range ratios {
					drawn = append(drawn[:0], ratios[s]...)
					for i, k := range counts {
						ratios[s][i] = drawn[k]
					}
				}
			}
			for s := range ratios {
				out[s] = score(ratios[s], c.maxRatio, c.algoPerf)
			}
		}
	}, settings.Resampling())
	if err != nil {
		return nil, c.errorf("%w", err)
	}
	scores := p.BenchmarkScores()
	result := make([]BenchmarkScore, n)
	for s := range result {
		few := t.fewest(s)
		e, err := stats.FromReplicates(scores[s], replicates[s], max(2, few), nil, c.interval...)
		if err != nil {
			return nil, c.errorf("%w", err)
		}
		e.N, e.Warnings = few, fewRuns(few)
		result[s] = BenchmarkScore{Submission: t.submissions[s], Score: e}
	}
	for b := range settings.Replicates {
		best, ties := math.Inf(-1), 0
		for s := range n {
			switch v := replicates[s][b]; {
			case v > best:
				best, ties = v, 1
			case v == best:
				ties++
			}
		}
		for s := range n {
			if replicates[s][b] == best {
				result[s].First += 1 / float64(ties)
			}
		}
	}
	for s := range result {
		result[s].First /= float64(settings.Replicates)
	}
	return result, nil
}

// fewest is the number of studies of the workload that has the fewest.
func (t TimeTable) fewest(s int) int {
	n := math.MaxInt
	for _, studies := range t.studies[s] {
		if len(studies) > 0 {
			n = min(n, len(studies))
		}
	}
	if n == math.MaxInt {
		return 0
	}
	return n
}

// fewRuns is the warning of fewer runs than quantiles of the bootstrap need.
func fewRuns(n int) []error {
	const enough = 10
	switch {
	case n < 2:
		return []error{fmt.Errorf("%d run cannot tell anything of the spread; run 3 seeds or more: %w", n, stats.ErrTooFew)}
	case n < enough:
		return []error{fmt.Errorf("bootstrap of %d runs covers less than its level; run %d: %w", n, enough, stats.ErrTooFew)}
	}
	return nil
}
