package tradeoff

import (
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// bootstrap returns replicates[output][b]. Replicate b is drawn with the stream of (seed, b), whoever draws it; worker
// returns a function with scratch of its own that draws one replicate into out.
func (c *config) bootstrap(outputs int, worker func() func(rng *rand.Rand, out []float64)) [][]float64 {
	replicates := make([][]float64, outputs)
	for k := range replicates {
		replicates[k] = make([]float64, c.replicates)
	}
	const grain = 64
	tensor.ParallelWorkers(c.workers, c.replicates, grain, func(lo, hi int) {
		draw, out := worker(), make([]float64, outputs)
		for b := lo; b < hi; b++ {
			draw(tensor.Stream(c.seed, uint64(b)), out)
			for k, v := range out {
				replicates[k][b] = v
			}
		}
	})
	return replicates
}
