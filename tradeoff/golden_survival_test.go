package tradeoff

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func goldenTimes(cost []float64, reached []int) []Time {
	times := make([]Time, len(cost))
	for i, c := range cost {
		times[i] = Time{c, reached[i] == 1}
	}
	return times
}

func TestGoldenSurvival(t *testing.T) {
	type arm struct {
		time             []float64
		reached          []int
		kmTime, surv, se []number
		risk             []number
		quantile         map[string]number
		medianCI         []number
		tau, rmst, ert   number
		par10cap, par10  number
	}
	type sample struct {
		Name     string
		ATime    []float64         `json:"a_time"`
		AReached []int             `json:"a_reached"`
		AKMTime  []number          `json:"a_km_time"`
		AKMSurv  []number          `json:"a_km_surv"`
		AKMSE    []number          `json:"a_km_se"`
		ARisk    []number          `json:"a_n_risk"`
		AQ       map[string]number `json:"a_quantile_le"`
		AMedian  []number          `json:"a_median_ci_cloglog"`
		ATau     number            `json:"a_tau"`
		ARMST    number            `json:"a_rmst"`
		AERT     number            `json:"a_ert"`
		ACap     number            `json:"a_par10_cap"`
		APAR10   number            `json:"a_par10"`
		BTime    []float64         `json:"b_time"`
		BReached []int             `json:"b_reached"`
		BKMTime  []number          `json:"b_km_time"`
		BKMSurv  []number          `json:"b_km_surv"`
		BKMSE    []number          `json:"b_km_se"`
		BRisk    []number          `json:"b_n_risk"`
		BQ       map[string]number `json:"b_quantile_le"`
		BMedian  []number          `json:"b_median_ci_cloglog"`
		BTau     number            `json:"b_tau"`
		BRMST    number            `json:"b_rmst"`
		BERT     number            `json:"b_ert"`
		BCap     number            `json:"b_par10_cap"`
		BPAR10   number            `json:"b_par10"`
		LogRank  number            `json:"logrank_chi2"`
		LogRankP number            `json:"logrank_p"`
		Gehan    number            `json:"gehan_chi2"`
		GehanP   number            `json:"gehan_p"`
	}
	var g struct{ Cases []sample }
	golden.JSON(t, "testdata/timetotarget_survival.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	const tol = 1e-8
	for _, k := range g.Cases {
		for name, a := range map[string]arm{
			"a": {k.ATime, k.AReached, k.AKMTime, k.AKMSurv, k.AKMSE, k.ARisk, k.AQ, k.AMedian, k.ATau, k.ARMST, k.AERT, k.ACap, k.APAR10},
			"b": {k.BTime, k.BReached, k.BKMTime, k.BKMSurv, k.BKMSE, k.BRisk, k.BQ, k.BMedian, k.BTau, k.BRMST, k.BERT, k.BCap, k.BPAR10},
		} {
			name = k.Name + " " + name
			times := goldenTimes(a.time, a.reached)
			s, err := KaplanMeier(times)
			require.NoError(t, err)
			require.Len(t, s.Steps(), len(a.kmTime), name)
			for i, step := range s.Steps() {
				same(t, float64(a.kmTime[i]), step.Cost, tol, "%s cost %d", name, i)
				same(t, float64(a.surv[i]), step.S, tol, "%s S %d", name, i)
				same(t, float64(a.se[i]), step.SE, tol, "%s SE %d", name, i)
				same(t, float64(a.risk[i]), float64(step.AtRisk), 0, "%s at risk %d", name, i)
			}
			for p, want := range a.quantile {
				f, err := strconv.ParseFloat(p, 64)
				require.NoError(t, err)
				same(t, float64(want), s.Quantile(f), tol, "%s quantile %s", name, p)
			}
			same(t, float64(a.ert), ExpectedRunTime(times), tol, "%s ERT", name)
			same(t, float64(a.par10), PAR10(times, float64(a.par10cap)), tol, "%s PAR10", name)
			if a.kmTime == nil { // all censored: the reference has no curve
				require.Equal(t, 1.0, s.At(1e9), name)
				_, _, err := s.MedianInterval(0.95)
				require.ErrorIs(t, err, ErrDegenerate, name)
				continue
			}
			rmst, err := s.RMST(float64(a.tau))
			require.NoError(t, err)
			same(t, float64(a.rmst), rmst, tol, "%s RMST", name)
			lo, hi, err := s.MedianInterval(0.95)
			if a.medianCI == nil { // the reference raised
				require.ErrorIs(t, err, ErrDegenerate, name)
				continue
			}
			require.NoError(t, err)
			same(t, float64(a.medianCI[0]), lo, tol, "%s median lo", name)
			same(t, float64(a.medianCI[1]), hi, tol, "%s median hi", name)
		}
		a, b := goldenTimes(k.ATime, k.AReached), goldenTimes(k.BTime, k.BReached)
		if k.AKMTime == nil || k.BKMTime == nil {
			if k.AKMTime == nil && k.BKMTime == nil {
				_, err := LogRank(a, b)
				require.ErrorIs(t, err, ErrDegenerate)
			}
			continue
		}
		test, err := LogRank(a, b)
		require.NoError(t, err)
		same(t, float64(k.LogRank), test.Statistic, tol, "%s log-rank", k.Name)
		same(t, float64(k.LogRankP), test.P, tol, "%s log-rank p", k.Name)
		test, err = Gehan(a, b)
		require.NoError(t, err)
		same(t, float64(k.Gehan), test.Statistic, tol, "%s Gehan", k.Name)
		same(t, float64(k.GehanP), test.P, tol, "%s Gehan p", k.Name)
	}
}

func TestMedianTime(t *testing.T) {
	inf := math.Inf(1)
	for _, k := range []struct {
		times []Time
		want  float64
	}{
		{[]Time{{3, true}}, 3},
		{[]Time{{3, true}, {1, true}}, 2},
		{[]Time{{3, true}, {9, false}}, inf},
		{[]Time{{3, true}, {9, false}, {1, true}}, 3},
		{[]Time{{3, false}, {9, false}}, inf},
		{nil, math.NaN()},
	} {
		same(t, k.want, MedianTime(k.times), 0, "%v", k.times)
	}
}
