package tradeoff

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
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
			BootIQM     []float64 `json:"boot_iqm"`
			BootMean    []float64 `json:"boot_mean"`
			IQMPct      []number  `json:"ci_iqm_percentile"`
			MeanPct     []number  `json:"ci_mean_percentile"`
			IQMBasic    []number  `json:"ci_iqm_basic"`
			MeanBasic   []number  `json:"ci_mean_basic"`
			IQMBC       []number  `json:"ci_iqm_bc"`
			MeanBC      []number  `json:"ci_mean_bc"`
			IQMBCa      []number  `json:"ci_iqm_bca"`
			MeanBCa     []number  `json:"ci_mean_bca"`
			POIX        [][]int   `json:"poi_indices_x"`
			POIY        [][]int   `json:"poi_indices_y"`
			POIPct      []number  `json:"ci_poi_percentile"`
			TaskRuns    [][]int   `json:"task_indices_runs"`
			Tasks       [][]int   `json:"task_indices_tasks"`
			TaskPct     []number  `json:"ci_iqm_taskboot_percentile"`
			Fragile     bool      `json:"bc_fragile"`
		}
	}
	golden.JSON(t, "testdata/rliable.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	const tol = 1e-10
	for _, k := range g.Cases {
		x, y := k.X.scores(t), k.Y.scores(t)
		same(t, k.Mean, x.Mean(), tol, "%s mean", k.Name)
		same(t, k.Median, x.Median(), tol, "%s median", k.Name)
		same(t, k.IQM, x.IQM(), tol, "%s IQM", k.Name)
		same(t, k.Gap, x.OptimalityGap(1), tol, "%s gap", k.Name)
		same(t, k.GapHalf, x.OptimalityGap(0.5), tol, "%s gap to 0.5", k.Name)
		golden.Close(t, k.Name+" profile", x.Profile(k.Taus), k.ProfileRuns, tol, tol)
		golden.Close(t, k.Name+" mean profile", x.MeanProfile(k.Taus), k.ProfileMean, tol, tol)

		draws := func(c *config) error {
			c.replicates = len(k.Indices)
			c.draws = func(b int, drawn [][]int) {
				for i, v := range k.Indices[b] {
					drawn[i%len(drawn)][i/len(drawn)] = v
				}
			}
			return nil
		}
		c := config{}
		_ = draws(&c)
		golden.Close(t, k.Name+" IQM of replicates", x.replicates(&c, IQM), k.BootIQM, tol, tol)
		golden.Close(t, k.Name+" mean of replicates", x.replicates(&c, MeanScore), k.BootMean, tol, tol)
		for _, w := range []struct {
			stat   Statistic
			method Method
			want   []number
		}{
			{IQM, Percentile, k.IQMPct}, {MeanScore, Percentile, k.MeanPct}, {IQM, Basic, k.IQMBasic}, {MeanScore, Basic, k.MeanBasic},
			{IQM, BC, k.IQMBC}, {MeanScore, BC, k.MeanBC}, {IQM, BCa, k.IQMBCa}, {MeanScore, BCa, k.MeanBCa},
		} {
			if k.Fragile && (w.method == BC || w.method == BCa) {
				continue // a replicate equals the estimate up to rounding
			}
			name := fmt.Sprintf("%s %v %v", k.Name, w.stat, w.method)
			e, err := x.Interval(w.stat, draws, WithLevel(k.Level), WithMethod(w.method))
			if w.want == nil { // the reference raised
				require.ErrorIs(t, err, ErrDegenerate, name)
				continue
			}
			require.NoError(t, err, name)
			same(t, float64(w.want[0]), e.Lo, tol, "%s lo", name)
			same(t, float64(w.want[1]), e.Hi, tol, "%s hi", name)
		}
		e, err := ProbabilityOfImprovement(x, y, WithLevel(k.Level), func(c *config) error {
			c.replicates = len(k.POIX)
			c.drawPair = func(b, t int, nx, ny []int32) {
				for i := range nx {
					nx[k.POIX[b][i*k.X.Shape[1]+t]]++
				}
				for i := range ny {
					ny[k.POIY[b][i*k.X.Shape[1]+t]]++
				}
			}
			return nil
		})
		require.NoError(t, err)
		same(t, k.POI, e.Value, tol, "%s POI", k.Name)
		same(t, float64(k.POIPct[0]), e.Lo, tol, "%s POI lo", k.Name)
		same(t, float64(k.POIPct[1]), e.Hi, tol, "%s POI hi", k.Name)
		e, err = x.Interval(IQM, WithTasks(), WithLevel(k.Level), func(c *config) error {
			c.replicates = len(k.Tasks)
			c.drawTask = func(b, t int) int { return k.Tasks[b][t] }
			c.drawRun = func(b, t, i int) int { return k.TaskRuns[b][i*k.X.Shape[1]+t] }
			return nil
		})
		require.NoError(t, err)
		same(t, float64(k.TaskPct[0]), e.Lo, tol, "%s tasks lo", k.Name)
		same(t, float64(k.TaskPct[1]), e.Hi, tol, "%s tasks hi", k.Name)
	}
}
