package tradeoff

import (
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// bootstrap returns replicates[output][b]. Replicate b is drawn with the stream of (seed, b), whoever draws it; worker
// returns a function with scratch of its own that draws one replicate into out.
func (c *config) bootstrap(outputs int, worker func() func(b int, rng *rand.Rand, out []float64)) [][]float64 {
	replicates := make([][]float64, outputs)
	for k := range replicates {
		replicates[k] = make([]float64, c.replicates)
	}
	const grain = 64
	tensor.ParallelWorkers(c.workers, c.replicates, grain, func(lo, hi int) {
		draw, out := worker(), make([]float64, outputs)
		for b := lo; b < hi; b++ {
			draw(b, tensor.Stream(c.seed, uint64(b)), out)
			for k, v := range out {
				replicates[k][b] = v
			}
		}
	})
	return replicates
}

// resample bootstraps a statistic of samples of the given sizes, each drawn from with replacement by itself. The
// statistic gets the indices that were drawn and may keep nothing.
func (c *config) resample(sizes []int, outputs int, worker func() func(drawn [][]int, out []float64)) [][]float64 {
	return c.bootstrap(outputs, func() func(int, *rand.Rand, []float64) {
		drawn := make([][]int, len(sizes))
		for k, n := range sizes {
			drawn[k] = make([]int, n)
		}
		stat := worker()
		return func(b int, rng *rand.Rand, out []float64) {
			for _, sample := range drawn {
				for i := range sample {
					sample[i] = rng.IntN(len(sample))
				}
			}
			if c.draws != nil {
				c.draws(b, drawn)
			}
			stat(drawn, out)
		}
	})
}
