package score

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func TestGoldenProfiles(t *testing.T) {
	var g struct {
		Cases []struct {
			Name    string
			Base    []string          `json:"base_workloads"`
			HeldOut []string          `json:"held_out"`
			Variant map[string]string `json:"variant_of"`
			Targets map[string]struct {
				Target float64
				Higher bool `json:"higher_better"`
			}
			Runs []struct {
				Submission, Workload, Study, Trial string
				Time                               []float64
				Value                              []golden.Number
			}
			Times    map[string]map[string]golden.Number `json:"time_to_target"`
			MaxRatio float64                             `json:"max_ratio"`
			Tau      []float64                           `json:"tau7"`
			Rho      map[string][]float64                `json:"rho7"`
			Score    map[string]float64                  `json:"score_trapz100"`
		}
	}
	golden.JSON(t, "testdata/perfprofile.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	variants := 0
	for _, k := range g.Cases {
		var workloads []Workload
		for _, name := range slices.Concat(k.Base, k.HeldOut) {
			workloads = append(workloads, Workload{name, k.Targets[name].Target, direction(k.Targets[name].Higher),
				k.Variant[name]})
		}
		variants += len(k.HeldOut)
		var trials []Trial
		for _, r := range k.Runs {
			trials = append(trials, Trial{Submission: r.Submission, Workload: r.Workload, Study: r.Study, Name: r.Trial,
				Time: r.Time, Value: golden.Floats(r.Value)})
		}
		table, err := NewTrialTable(trials, workloads)
		require.NoError(t, err)
		for s, row := range table.Times() {
			for w, v := range row {
				want, ok := k.Times[table.submissions[s]][workloads[w].Name]
				require.True(t, ok)
				golden.Same(t, float64(want), v, 1e-12, "%s %s on %s", k.Name, table.submissions[s], workloads[w].Name)
			}
		}
		p, err := table.Profile(AlgoPerf())
		require.NoError(t, err)
		exact, err := table.Profile()
		require.NoError(t, err)
		for s, name := range p.Submissions() {
			for i, tau := range k.Tau {
				golden.Same(t, k.Rho[name][i], p.Rho(s, tau), 1e-12, "%s rho of %s at %v", k.Name, name, tau)
			}
			golden.Same(t, k.Score[name], p.BenchmarkScores()[s], 1e-12, "%s score of %s", k.Name, name)
			golden.Same(t, k.Score[name], exact.BenchmarkScores()[s], 0.006, "%s exact score of %s", k.Name, name)
		}
	}
	require.Positive(t, variants)
}
