package stats

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func lifetimes[E int | float64](time []float64, event []E) []Lifetime {
	all := make([]Lifetime, len(time))
	for i, v := range time {
		all[i] = Lifetime{v, event[i] == 1}
	}
	return all
}

// Values of R's survival 3.5-3.
func TestGoldenSurvivalOfR(t *testing.T) {
	type test struct {
		ChiSq, P, DF float64
		Obs, Exp     []float64
	}
	var g struct {
		KM []struct {
			Name        string
			Time, Event []float64
			Group       []int
			T           []float64
			S           []float64                        `json:"surv"`
			SE          []float64                        `json:"std_err_greenwood"`
			H           []float64                        `json:"nelson_aalen"`
			HSE         []float64                        `json:"nelson_aalen_se"`
			LogLog      struct{ Lower, Upper []float64 } `json:"ci_loglog"`
			RMST        float64
			RMSTSE      float64 `json:"rmst_se"`
			Tau         float64 `json:"rmst_tau"`
			Quantiles   struct{ P, Value []float64 }
			LogRank     *test `json:"logrank_rho0"`
			FH          *test `json:"logrank_rho1"`
		}
	}
	golden.JSON(t, "testdata/survival.json.gz", &g)
	require.NotEmpty(t, g.KM)
	const tol = 1e-9
	for _, k := range g.KM {
		times := lifetimes(k.Time, k.Event)
		s, err := KaplanMeier(times)
		require.NoError(t, err)
		hazard, err := NelsonAalen(times)
		require.NoError(t, err)
		at := -1
		for i, v := range k.T {
			golden.Same(t, k.S[i], s.At(v), tol, "%s S(%v)", k.Name, v)
			if at+1 < len(hazard) && hazard[at+1].Time <= v {
				at++
			}
			if at < 0 {
				continue
			}
			if k.S[i] > 0 {
				golden.Same(t, k.SE[i], s.Steps()[at].SE, tol, "%s SE at %v", k.Name, v)
				e, err := s.Interval(v)
				require.NoError(t, err)
				golden.Same(t, k.LogLog.Lower[i], e.Lo, tol, "%s lower at %v", k.Name, v)
				golden.Same(t, k.LogLog.Upper[i], e.Hi, tol, "%s upper at %v", k.Name, v)
			}
			golden.Same(t, k.H[i], hazard[at].H, tol, "%s H(%v)", k.Name, v)
			golden.Same(t, k.HSE[i], hazard[at].SE, tol, "%s SE of H(%v)", k.Name, v)
		}
		require.Equal(t, len(hazard)-1, at)
		for i, p := range k.Quantiles.P {
			e, err := s.Quantile(p)
			require.NoError(t, err)
			want := k.Quantiles.Value[i]
			if want == -1 {
				want = math.Inf(1)
				require.ErrorIs(t, e.Warnings[0], ErrUnreached)
			}
			golden.Same(t, want, e.Value, tol, "%s quantile %v", k.Name, p)
		}
		mean, se, err := s.RMST(k.Tau)
		require.NoError(t, err)
		golden.Same(t, k.RMST, mean.Value, tol, "%s RMST", k.Name)
		golden.Same(t, k.RMSTSE, se, tol, "%s SE of RMST", k.Name)
		if k.LogRank == nil {
			continue
		}
		groups := make([][]Lifetime, 2)
		first := k.Group[0]
		for _, g := range k.Group {
			first = min(first, g)
		}
		for i, v := range times {
			groups[k.Group[i]-first] = append(groups[k.Group[i]-first], v)
		}
		for rho, want := range map[float64]*test{0: k.LogRank, 1: k.FH} {
			got, err := WeightedLogRank(FlemingHarrington(rho, 0), groups)
			require.NoError(t, err)
			golden.Same(t, want.ChiSq, got.Statistic, tol, "%s chi squared, rho %v", k.Name, rho)
			golden.Same(t, want.P, got.P, tol, "%s P, rho %v", k.Name, rho)
			golden.Close(t, "observed", got.Observed, want.Obs, tol, tol)
			golden.Close(t, "expected", got.Expected, want.Exp, tol, tol)
		}
	}
}

func TestGoldenTimesToTarget(t *testing.T) {
	type arm struct {
		time         []float64
		event        []int
		at, surv, se []golden.Number
		risk         []golden.Number
		quantile     map[string]golden.Number
		median       []golden.Number
		tau, rmst    golden.Number
	}
	var g struct {
		Cases []struct {
			Name     string
			ATime    []float64                `json:"a_time"`
			AReached []int                    `json:"a_reached"`
			AKMTime  []golden.Number          `json:"a_km_time"`
			AKMSurv  []golden.Number          `json:"a_km_surv"`
			AKMSE    []golden.Number          `json:"a_km_se"`
			ARisk    []golden.Number          `json:"a_n_risk"`
			AQ       map[string]golden.Number `json:"a_quantile_le"`
			AMedian  []golden.Number          `json:"a_median_ci_cloglog"`
			ATau     golden.Number            `json:"a_tau"`
			ARMST    golden.Number            `json:"a_rmst"`
			BTime    []float64                `json:"b_time"`
			BReached []int                    `json:"b_reached"`
			BKMTime  []golden.Number          `json:"b_km_time"`
			BKMSurv  []golden.Number          `json:"b_km_surv"`
			BKMSE    []golden.Number          `json:"b_km_se"`
			BRisk    []golden.Number          `json:"b_n_risk"`
			BQ       map[string]golden.Number `json:"b_quantile_le"`
			BMedian  []golden.Number          `json:"b_median_ci_cloglog"`
			BTau     golden.Number            `json:"b_tau"`
			BRMST    golden.Number            `json:"b_rmst"`
			LogRank  golden.Number            `json:"logrank_chi2"`
			LogRankP golden.Number            `json:"logrank_p"`
			Gehan    golden.Number            `json:"gehan_chi2"`
			GehanP   golden.Number            `json:"gehan_p"`
		}
	}
	golden.JSON(t, "testdata/timetotarget_survival.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	const tol = 1e-8
	for _, k := range g.Cases {
		for name, a := range map[string]arm{
			"a": {k.ATime, k.AReached, k.AKMTime, k.AKMSurv, k.AKMSE, k.ARisk, k.AQ, k.AMedian, k.ATau, k.ARMST},
			"b": {k.BTime, k.BReached, k.BKMTime, k.BKMSurv, k.BKMSE, k.BRisk, k.BQ, k.BMedian, k.BTau, k.BRMST},
		} {
			name = k.Name + " " + name
			s, err := KaplanMeier(lifetimes(a.time, a.event))
			require.NoError(t, err)
			require.Len(t, s.Steps(), len(a.at), name)
			for i, step := range s.Steps() {
				golden.Same(t, float64(a.at[i]), step.Time, tol, "%s time %d", name, i)
				golden.Same(t, float64(a.surv[i]), step.S, tol, "%s S %d", name, i)
				golden.Same(t, float64(a.se[i]), step.SE, tol, "%s SE %d", name, i)
				golden.Same(t, float64(a.risk[i]), float64(step.AtRisk), 0, "%s at risk %d", name, i)
			}
			for p, want := range a.quantile {
				f, err := strconv.ParseFloat(p, 64)
				require.NoError(t, err)
				got, _ := s.Reached(f)
				golden.Same(t, float64(want), got, tol, "%s quantile %s", name, p)
			}
			if a.at == nil { // all censored: the reference has no curve
				require.Equal(t, 1.0, s.At(1e9), name)
				_, err := s.Median()
				require.ErrorIs(t, err, ErrDegenerate, name)
				continue
			}
			rmst, _, err := s.RMST(float64(a.tau))
			require.NoError(t, err)
			golden.Same(t, float64(a.rmst), rmst.Value, tol, "%s RMST", name)
			e, err := s.Median()
			if a.median == nil { // the reference raised
				require.ErrorIs(t, err, ErrDegenerate, name)
				continue
			}
			require.NoError(t, err)
			golden.Same(t, float64(a.median[0]), e.Lo, tol, "%s median lo", name)
			// The reference ends the interval where S comes down to 0, of which there is no interval that could exclude
			// one half; R's is open there.
			if want, last := float64(a.median[1]), s.Steps()[len(s.Steps())-1]; last.S > 0 || want != last.Time {
				golden.Same(t, want, e.Hi, tol, "%s median hi", name)
			} else {
				require.Equal(t, math.Inf(1), e.Hi, name)
			}
		}
		a, b := lifetimes(k.ATime, k.AReached), lifetimes(k.BTime, k.BReached)
		if k.AKMTime == nil || k.BKMTime == nil {
			if k.AKMTime == nil && k.BKMTime == nil {
				_, err := LogRank(a, b)
				require.ErrorIs(t, err, ErrDegenerate)
			}
			continue
		}
		test, err := LogRank(a, b)
		require.NoError(t, err)
		golden.Same(t, float64(k.LogRank), test.Statistic, tol, "%s log-rank", k.Name)
		golden.Same(t, float64(k.LogRankP), test.P, tol, "%s log-rank p", k.Name)
		test, err = WeightedLogRank(Gehan, [][]Lifetime{a, b})
		require.NoError(t, err)
		golden.Same(t, float64(k.Gehan), test.Statistic, tol, "%s Gehan", k.Name)
		golden.Same(t, float64(k.GehanP), test.P, tol, "%s Gehan p", k.Name)
	}
}
