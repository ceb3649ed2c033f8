package score

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

type goldenScores struct {
	Shape []int
	Data  []float64
}

func (g goldenScores) scores(t *testing.T) Scores {
	t.Helper()
	var tasks []string
	var byTask [][]float64
	for j := range g.Shape[1] {
		tasks = append(tasks, fmt.Sprint("task", j))
		var runs []float64
		for i := range g.Shape[0] {
			runs = append(runs, g.Data[i*g.Shape[1]+j])
		}
		byTask = append(byTask, runs)
	}
	s, err := NewScores(tasks, byTask)
	require.NoError(t, err)
	return s
}

func TestGoldenScores(t *testing.T) {
	var g struct {
		Cases []struct {
			Name        string
			X, Y        goldenScores
			Mean        float64 `json:"x_mean"`
			Median      float64 `json:"x_median"`
			IQM         float64 `json:"x_iqm"`
			Gap         float64 `json:"x_optimality_gap"`
			GapHalf     float64 `json:"x_optimality_gap_gamma_0.5"`
			POI         float64 `json:"poi_x_over_y"`
			Taus        []float64
			ProfileRuns []float64 `json:"profile_runs"`
			ProfileMean []float64 `json:"profile_mean"`
			Indices     [][]int   `json:"resample_indices"`
			Reps        int
			Level       float64
			BootIQM     []float64       `json:"boot_iqm"`
			BootMean    []float64       `json:"boot_mean"`
			IQMPct      []golden.Number `json:"ci_iqm_percentile"`
			MeanPct     []golden.Number `json:"ci_mean_percentile"`
			IQMBasic    []golden.Number `json:"ci_iqm_basic"`
			MeanBasic   []golden.Number `json:"ci_mean_basic"`
			IQMBC       []golden.Number `json:"ci_iqm_bc"`
			MeanBC      []golden.Number `json:"ci_mean_bc"`
			IQMBCa      []golden.Number `json:"ci_iqm_bca"`
			MeanBCa     []golden.Number `json:"ci_mean_bca"`
			POIX        [][]int         `json:"poi_indices_x"`
			POIY        [][]int         `json:"poi_indices_y"`
			POIPct      []golden.Number `json:"ci_poi_percentile"`
			TaskRuns    [][]int         `json:"task_indices_runs"`
			Tasks       [][]int         `json:"task_indices_tasks"`
			TaskPct     []golden.Number `json:"ci_iqm_taskboot_percentile"`
			Fragile     bool            `json:"bc_fragile"`
		}
	}
	golden.JSON(t, "testdata/rliable.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	const tol = 1e-10
	for _, k := range g.Cases {
		x, y := k.X.scores(t), k.Y.scores(t)
		golden.Same(t, k.Mean, x.Mean(), tol, "%s mean", k.Name)
		golden.Same(t, k.Median, x.Median(), tol, "%s median", k.Name)
		golden.Same(t, k.IQM, x.IQM(), tol, "%s IQM", k.Name)
		golden.Same(t, k.Gap, x.OptimalityGap(1), tol, "%s gap", k.Name)
		golden.Same(t, k.GapHalf, x.OptimalityGap(0.5), tol, "%s gap to 0.5", k.Name)
		golden.Close(t, k.Name+" profile", x.Profile(k.Taus), k.ProfileRuns, tol, tol)
		golden.Close(t, k.Name+" mean profile", x.MeanProfile(k.Taus), k.ProfileMean, tol, tol)

		tasks, runs := k.X.Shape[1], k.X.Shape[0]
		draws := make([][]int, len(k.Indices)) // runs are counted on from task to task
		for b, row := range k.Indices {
			for task := range tasks {
				for i := range runs {
					draws[b] = append(draws[b], task*runs+row[i*tasks+task])
				}
			}
		}
		replicates, err := x.replicates(t.Context(), false, IQM, stats.WithDraws(draws))
		require.NoError(t, err)
		golden.Close(t, k.Name+" IQM of replicates", replicates, k.BootIQM, tol, tol)
		replicates, err = x.replicates(t.Context(), false, MeanScore, stats.WithDraws(draws))
		require.NoError(t, err)
		golden.Close(t, k.Name+" mean of replicates", replicates, k.BootMean, tol, tol)
		for _, w := range []struct {
			stat Statistic
			how  stats.Interval
			want []golden.Number
		}{
			{IQM, stats.Percentile, k.IQMPct}, {MeanScore, stats.Percentile, k.MeanPct}, {IQM, stats.Basic, k.IQMBasic},
			{MeanScore, stats.Basic, k.MeanBasic},
			{IQM, stats.BC, k.IQMBC}, {MeanScore, stats.BC, k.MeanBC}, {IQM, stats.BCa, k.IQMBCa},
			{MeanScore, stats.BCa, k.MeanBCa},
		} {
			if k.Fragile && (w.how == stats.BC || w.how == stats.BCa) {
				continue // a replicate equals the estimate up to rounding
			}
			name := fmt.Sprintf("%s %v %v", k.Name, w.stat, w.how)
			e, err := x.Interval(t.Context(), w.stat, WithInterval(stats.WithDraws(draws), stats.WithLevel(k.Level),
				stats.WithInterval(w.how)))
			if w.want == nil { // the reference raised
				require.ErrorIs(t, err, tradeoff.ErrDegenerate, name)
				continue
			}
			require.NoError(t, err, name)
			golden.Same(t, float64(w.want[0]), e.Lo, tol, "%s lo", name)
			golden.Same(t, float64(w.want[1]), e.Hi, tol, "%s hi", name)
		}
		// Task by task, the runs of x and then those of y.
		pairs := make([][]int, len(k.POIX))
		for b := range pairs {
			for task := range tasks {
				first := task * (runs + k.Y.Shape[0])
				for i := range runs {
					pairs[b] = append(pairs[b], first+k.POIX[b][i*tasks+task])
				}
				for i := range k.Y.Shape[0] {
					pairs[b] = append(pairs[b], first+runs+k.POIY[b][i*tasks+task])
				}
			}
		}
		e, err := ProbabilityOfImprovement(x, y, WithInterval(stats.WithLevel(k.Level), stats.WithDraws(pairs)))
		require.NoError(t, err)
		golden.Same(t, k.POI, e.Value, tol, "%s POI", k.Name)
		golden.Same(t, float64(k.POIPct[0]), e.Lo, tol, "%s POI lo", k.Name)
		golden.Same(t, float64(k.POIPct[1]), e.Hi, tol, "%s POI hi", k.Name)
		nested := make([][]int, len(k.Tasks))
		for b := range nested {
			for at, task := range k.Tasks[b] {
				for i := range runs {
					nested[b] = append(nested[b], task*runs+k.TaskRuns[b][i*tasks+at])
				}
			}
		}
		e, err = x.Interval(t.Context(), IQM, WithTasks(), WithInterval(stats.WithLevel(k.Level), stats.WithDraws(nested)))
		require.NoError(t, err)
		golden.Same(t, float64(k.TaskPct[0]), e.Lo, tol, "%s tasks lo", k.Name)
		golden.Same(t, float64(k.TaskPct[1]), e.Hi, tol, "%s tasks hi", k.Name)
	}
}
