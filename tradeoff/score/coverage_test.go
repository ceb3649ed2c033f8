package score

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Many tasks do not make up for few runs of each: intervals of three are too narrow, and say so.
func TestCoverageOfManyTasks(t *testing.T) {
	for runs, want := range map[int][2]float64{3: {0.85, 0.92}, 10: {0.92, 0.96}} {
		rng := rand.New(rand.NewPCG(7, uint64(runs)))
		const tasks, trials = 10, 400
		hits := 0
		for range trials {
			names, byTask := make([]string, tasks), make([][]float64, tasks)
			for k := range byTask {
				names[k] = fmt.Sprint(k)
				for range runs {
					byTask[k] = append(byTask[k], float64(k)+rng.NormFloat64())
				}
			}
			s, err := NewScores(names, byTask)
			require.NoError(t, err)
			e, err := s.Interval(t.Context(), MeanScore, WithInterval(stats.WithReplicates(400)))
			require.NoError(t, err)
			if e.Lo <= 4.5 && 4.5 <= e.Hi {
				hits++
			}
			if runs < fewPerTask {
				require.ErrorIs(t, e.Warnings[0], tradeoff.ErrTooFewRuns)
			} else {
				require.Empty(t, e.Warnings)
			}
		}
		p := float64(hits) / trials
		require.True(t, want[0] < p && p < want[1], "%d runs: %v", runs, p)
	}
}
