package score

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Same seed, same bits: whatever the number of processors and workers. Another seed, other bits.
func TestBootstrapIsDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	x, y := randomScores(t, 1, 7, 5), randomScores(t, 2, 7, 5)
	table := randomTable(t, rng, 5, 6, 3)
	all := func(seed uint64, workers int) []any {
		drawing := []stats.ResampleOption{stats.WithSeed(seed), stats.WithWorkers(workers), stats.WithReplicates(500)}
		interval := func(i stats.Interval) SampleOption {
			opts := []stats.Option{stats.WithInterval(i)}
			for _, o := range drawing {
				opts = append(opts, o)
			}
			return WithInterval(opts...)
		}
		var got []any
		keep := func(v any, err error) {
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%v", v))
		}
		for _, stat := range []Statistic{IQM, MeanScore, MedianScore, OptimalityGap(1)} {
			keep2(keep)(x.Interval(t.Context(), stat, interval(stats.Auto)))
			keep2(keep)(x.Interval(t.Context(), stat, WithTasks(), interval(stats.BCa)))
		}
		keep2(keep)(ProbabilityOfImprovement(x, y, interval(stats.Auto)))
		keep2(keep)(ProbabilityOfImprovement(x, y, WithTasks(), interval(stats.Auto)))
		scores, err := table.BenchmarkScores(WithTasks(), interval(stats.Auto))
		keep(scores, err)
		return got
	}
	want := all(1, 0)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for _, workers := range []int{0, 1, 3} {
				require.Equal(t, want, all(1, workers), "%d processors, %d workers", procs, workers)
			}
		}()
	}
	other := all(2, 0)
	for i := range want {
		require.NotEqual(t, want[i], other[i])
	}
}

// keep2 keeps all digits of an estimate.
func keep2(keep func(any, error)) func(stats.Estimate, error) {
	return func(e stats.Estimate, err error) { keep([3]float64{e.Value, e.Lo, e.Hi}, err) }
}

func TestResultsAsJSON(t *testing.T) {
	w := Workload{Name: "w", Target: 0.2, Direction: tradeoff.LowerBetter}
	b, err := json.Marshal(w)
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "w", "target": 0.2, "direction": "lower"}`, string(b))
	for _, v := range []any{&w, &ConvergenceReview{ConvergenceBound{"a", 2, 3, 4, 5, true}, inf, true, 1.5},
		&BenchmarkScore{"s", stats.Estimate{Value: 1, Lo: -inf, Hi: inf, Interval: stats.Percentile}, 0.5}} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		back := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		require.NoError(t, json.Unmarshal(b, back))
		require.Equal(t, v, back, string(b))
	}
}
