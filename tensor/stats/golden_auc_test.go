package stats

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func positives(labels []float64) []bool {
	all := make([]bool, len(labels))
	for i, v := range labels {
		all[i] = v == 1
	}
	return all
}

// Values of pROC 1.18.
func TestGoldenROC(t *testing.T) {
	var g struct {
		ROC []struct {
			Name                   string
			Labels, Score1, Score2 []float64
			AUC1, Var1             float64
			Lo                     float64 `json:"ci1_lo"`
			Hi                     float64 `json:"ci1_hi"`
			ROC1                   struct{ Sensitivity, Specificity []float64 }
			AUC2, Var2, Cov12      float64
			Z, P                   float64
		}
	}
	golden.JSON(t, "testdata/survival.json.gz", &g)
	require.NotEmpty(t, g.ROC)
	const tol = 1e-9
	for _, k := range g.ROC {
		positive := positives(k.Labels)
		e, err := AUC(positive, k.Score1, nil)
		require.NoError(t, err)
		golden.Same(t, k.AUC1, e.Value, tol, "%s AUC", k.Name)
		golden.Same(t, k.Lo, e.Lo, tol, "%s lo", k.Name)
		golden.Same(t, k.Hi, e.Hi, tol, "%s hi", k.Name)
		c := config{call: "test", level: 0.95}
		p, err := c.placements("score", positive, k.Score1, nil)
		require.NoError(t, err)
		golden.Same(t, k.Var1, covariance(p, p), tol, "%s variance", k.Name)
		curve, err := ROC(positive, k.Score1, nil)
		require.NoError(t, err)
		for i, point := range curve {
			golden.Same(t, k.ROC1.Sensitivity[len(curve)-1-i], point.TPR, tol, "%s point %d", k.Name, i)
			golden.Same(t, k.ROC1.Specificity[len(curve)-1-i], 1-point.FPR, tol, "%s point %d", k.Name, i)
		}
		if k.Score2 == nil {
			continue
		}
		q, err := c.placements("score", positive, k.Score2, nil)
		require.NoError(t, err)
		golden.Same(t, k.Cov12, covariance(p, q), tol, "%s covariance", k.Name)
		d, err := CompareAUC(positive, k.Score1, k.Score2, nil)
		require.NoError(t, err)
		golden.Same(t, k.AUC2, d.B.Value, tol, "%s AUC of the second", k.Name)
		golden.Same(t, k.Z, d.Z, tol, "%s z", k.Name)
		golden.Same(t, k.P, d.P, tol, "%s p", k.Name)
	}
}

func TestGoldenBootstrapOfAUC(t *testing.T) {
	var g struct {
		Cases []struct {
			Labels, Old, New []float64
			AUCOld           float64 `json:"auc_old"`
			AUCNew           float64 `json:"auc_new"`
			BrierOld         float64 `json:"brier_old"`
			Bootstrap        struct {
				Indices [][]int
				AUC     []float64
				CI      []float64 `json:"ci95_percentile_type7"`
			}
		}
		Percentile struct{ X, Q, Type7 []float64 }
	}
	golden.JSON(t, "testdata/risk.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	const tol = 1e-12
	for _, k := range g.Cases {
		positive := positives(k.Labels)
		d, err := CompareAUC(positive, k.Old, k.New, nil)
		require.NoError(t, err)
		golden.Same(t, k.AUCOld, d.A.Value, tol, "old AUC")
		golden.Same(t, k.AUCNew, d.B.Value, tol, "new AUC")
		c, err := Calibrate(k.Old, positive, 10, EqualMass)
		require.NoError(t, err)
		golden.Same(t, k.BrierOld, c.Brier, tol, "Brier")
		if k.Bootstrap.Indices == nil {
			continue
		}
		area := func() func([]int, []float64) {
			labels, scores := make([]bool, len(positive)), make([]float64, len(positive))
			return func(drawn []int, out []float64) {
				for i, unit := range drawn {
					labels[i], scores[i] = positive[unit], k.New[unit]
				}
				e, err := AUC(labels, scores, nil)
				if out[0] = e.Value; err != nil {
					out[0] = math.NaN()
				}
			}
		}
		b, err := Resample(context.Background(), Units(len(positive)), 1, area, WithDraws(k.Bootstrap.Indices))
		require.NoError(t, err)
		golden.Close(t, "replicates", b.Replicates[0], k.Bootstrap.AUC, tol, tol)
		e, err := b.Estimate(0)
		require.NoError(t, err)
		golden.Same(t, k.Bootstrap.CI[0], e.Lo, tol, "lo")
		golden.Same(t, k.Bootstrap.CI[1], e.Hi, tol, "hi")
	}
	for i, q := range g.Percentile.Q {
		got, err := Quantiles(g.Percentile.X, q/100)
		require.NoError(t, err)
		golden.Same(t, g.Percentile.Type7[i], got[0], tol, "percentile %v", q)
	}
}

// Values of scipy 1.10.
func TestGoldenPairedClassifiers(t *testing.T) {
	var g struct {
		McNemar []struct {
			B, C        int
			Exact, MidP float64
		}
		PairedCI []struct {
			B, C, N     int
			Net, Lo, Hi float64
		} `json:"paired_ci"`
		Proportion []struct {
			K, N           int
			Wilson         []float64
			ClopperPearson []float64 `json:"clopper_pearson"`
		}
		Holm struct{ P, Adjusted []float64 }
	}
	golden.JSON(t, "testdata/paired.json.gz", &g)
	require.NotEmpty(t, g.McNemar)
	require.NotEmpty(t, g.PairedCI)
	require.NotEmpty(t, g.Proportion)
	relative := func(want, got float64, name string) {
		t.Helper()
		require.InDelta(t, 1, got/want, 1e-9, name)
	}
	for _, k := range g.McNemar {
		got, err := McNemar(k.B, k.C)
		require.NoError(t, err)
		name := fmt.Sprint(k.B, " and ", k.C)
		relative(k.Exact, got.P, name)
		relative(k.MidP, got.MidP, name)
	}
	for _, k := range g.PairedCI {
		e, err := PairedShares(k.B, k.C, k.N)
		require.NoError(t, err)
		golden.Same(t, k.Net, e.Value, 1e-12, "net")
		golden.Same(t, k.Lo, e.Lo, 1e-12, "lo")
		golden.Same(t, k.Hi, e.Hi, 1e-12, "hi")
	}
	for _, k := range g.Proportion {
		e, err := Share(k.K, k.N)
		require.NoError(t, err)
		golden.Close(t, "Wilson", []float64{e.Lo, e.Hi}, k.Wilson, 1e-12, 1e-15)
		e, err = ExactShare(k.K, k.N)
		require.NoError(t, err)
		golden.Close(t, "Clopper-Pearson", []float64{e.Lo, e.Hi}, k.ClopperPearson, 1e-10, 1e-15)
	}
	holm, err := Holm(g.Holm.P)
	require.NoError(t, err)
	golden.Close(t, "Holm", holm, g.Holm.Adjusted, 1e-12, 0)
}

func TestGoldenPermutations(t *testing.T) {
	var g struct {
		Tests []struct {
			Name         string
			Y, V         []int
			FoldMMD      []float64 `json:"fold_mmd"`
			FoldP        float64   `json:"ttest_pvalue"`
			Permutations struct {
				Shape []int
				Data  []int
			}
			Statistic float64
			Null      []float64 `json:"null_statistics"`
			P         float64   `json:"p_permutation"`
		}
		TTest []struct {
			X []float64
			P float64
		}
	}
	golden.JSON(t, "testdata/permutation.json.gz", &g)
	require.NotEmpty(t, g.Tests)
	for _, k := range g.Tests {
		n := k.Permutations.Shape[1]
		var draws [][]int
		known := map[string]float64{}
		for b, v := range k.Null {
			draw := k.Permutations.Data[b*n:][:n]
			draws = append(draws, draw)
			known[fmt.Sprint(draw)] = v
		}
		identity := make([]int, n)
		for i := range identity {
			identity[i] = i
		}
		known[fmt.Sprint(identity)] = k.Statistic
		p, err := PermutationTest(context.Background(), k.V, k.Y, func() func([]int) float64 {
			return func(assigned []int) float64 { return known[fmt.Sprint(assigned)] }
		}, WithDraws(draws))
		require.NoError(t, err)
		require.InDelta(t, k.P, p.P, 1e-12, k.Name)
		require.Equal(t, k.Null, p.Null)
		fold, err := OneSampleT(k.FoldMMD)
		require.NoError(t, err)
		require.InDelta(t, k.FoldP, fold.P, 1e-12, k.Name)
	}
	for _, k := range g.TTest {
		got, err := OneSampleT(k.X)
		if k.P == 1 { // all are 0, of which there is no t
			require.ErrorIs(t, err, ErrDegenerate)
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, k.P, got.P, 1e-12)
	}
}
