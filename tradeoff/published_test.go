package tradeoff

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

// The curves of Portes et al. 2022 on ImageNet, where they are at hand: the figures of their notebook, and ours of
// the same data.
func TestPublishedCyclicCurves(t *testing.T) {
	const path = "../../shared/data/cyclic_lr_imagenet/imagenet_curves.json"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the published curves are not here")
	}
	var g struct {
		Order  []string
		Curves map[string]map[string]struct {
			Seconds, Accuracy []float64
		}
		Metrics struct {
			MeanDiff map[string]float64 `json:"mean_diff_pct_drop_first"`
			RMSE     float64            `json:"rmse_pct_drop_first"`
			Max      float64            `json:"max_abs_pct"`
			Pearson  map[string]float64 `json:"gain_pearson"`
			Tau      []float64          `json:"kendall_tau_b_by_budget"`
			Pairs    struct {
				All []int `json:"all"`
				Gap []int `json:"std_gap_gt_0p3pct"`
			} `json:"pair_agreement"`
			Cost map[string]float64            `json:"cost_ratio_standard_over_cyclic"`
			To76 map[string]map[string]float64 `json:"seconds_to_0.76_logtime"`
		}
	}
	golden.JSON(t, path, &g)
	curves := map[string]map[string]Curve{"standard": {}, "cyclic": {}}
	for _, name := range g.Order {
		for kind := range curves {
			k := g.Curves[name][kind]
			c, err := NewCurve(k.Seconds, k.Accuracy, HigherBetter)
			require.NoError(t, err)
			curves[kind][name] = c
			got, ok := c.TimeToQuality(0.76, LogCost)
			require.True(t, ok)
			golden.Same(t, g.Metrics.To76[name][kind], got, 1e-9, "%s %s time to 76 %%", name, kind)
		}
	}
	f, err := CompareCurves(curves["standard"], curves["cyclic"], WithBaseline("Baseline"))
	require.NoError(t, err)
	for i, b := range f.Budgets {
		golden.Same(t, g.Metrics.Tau[i], b.KendallTau, 1e-9, "tau %d", i)
	}
	for _, r := range f.Recipes {
		golden.Same(t, g.Metrics.Cost[r.Name], r.CostRatio, 1e-9, "%s cost", r.Name)
		if r.Name != "Baseline" {
			golden.Same(t, g.Metrics.Pearson[r.Name], r.GainPearson, 1e-9, "%s gain", r.Name)
		}
	}
	for gap, want := range map[float64][]int{0: g.Metrics.Pairs.All, 0.003: g.Metrics.Pairs.Gap} {
		agree, pairs := f.PairAgreement(gap)
		require.Equal(t, want, []int{agree, pairs})
		t.Logf("%d of %d pairs of recipes more than %v apart keep their order", agree, pairs, gap)
	}
	f, err = CompareCurves(curves["standard"], curves["cyclic"], WithSkip(1))
	require.NoError(t, err)
	for _, r := range f.Recipes {
		golden.Same(t, g.Metrics.MeanDiff[r.Name], 100*r.MeanDiff, 1e-9, "%s mean difference", r.Name)
	}
	t.Logf("without the first points:\n%v", f)
	golden.Same(t, g.Metrics.RMSE, 100*f.RMSE, 1e-9, "RMSE")
	golden.Same(t, g.Metrics.Max, 100*f.MaxAbs, 1e-9, "max")
}
