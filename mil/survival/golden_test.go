package survival

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// goldenCox is a fit of R's survival 3.5-3.
type goldenCox struct {
	Name, Ties     string
	N, P           int
	X, Time, Event []float64
	Weights, Entry []float64
	Strata         []int
	Coef, SE, VCov []float64
	Z, HR          []float64
	PWald          []float64 `json:"p_wald"`
	Lo             []float64 `json:"hr_lo95"`
	Hi             []float64 `json:"hr_hi95"`
	Null           float64   `json:"loglik_null"`
	LogLik         float64
	LR             float64 `json:"lr_stat"`
	Wald           float64 `json:"wald_stat"`
	Score          float64 `json:"score_stat"`
	Concordance    float64
	Counts         []float64 `json:"concordance_counts"`
	Variance       float64   `json:"concordance_var"`
	BaseHaz        struct{ Time, CumHaz []float64 }
	Martingale     []float64
	Deviance       []float64
	Schoenfeld     []float64
	RobustSE       []float64 `json:"robust_se"`
	ZPHChiSq       []float64 `json:"zph_chisq"`
	ZPHP           []float64 `json:"zph_p"`
}

func (g goldenCox) fit(t *testing.T) *Cox {
	times, err := stats.Lifetimes(g.Time, g.Event)
	require.NoError(t, err)
	var ties Ties
	require.NoError(t, ties.UnmarshalText([]byte(g.Ties)))
	opts := []Option{WithTies(ties)}
	if g.Weights != nil {
		opts = append(opts, WithWeights(g.Weights))
	}
	if g.Strata != nil {
		opts = append(opts, WithStrata(g.Strata))
	}
	if g.Entry != nil {
		opts = append(opts, WithEntry(g.Entry))
	}
	m, err := FitCox(times, tensor.Of(g.N, g.P, g.X), opts...)
	require.NoError(t, err, g.Name)
	return m
}

func TestGoldenCoxOfR(t *testing.T) {
	var g struct{ Cox []goldenCox }
	golden.JSON(t, "testdata/cox.json.gz", &g)
	require.NotEmpty(t, g.Cox)
	for _, k := range g.Cox {
		t.Run(k.Name, func(t *testing.T) {
			m := k.fit(t)
			const tol = 1e-8
			golden.Close(t, "coef", m.Coefficients(), k.Coef, tol, 1e-12)
			golden.Close(t, "vcov", m.Covariance().Data, k.VCov, tol, 1e-14)
			null, fitted := m.LogLikelihood()
			golden.Same(t, k.Null, null, 1e-11, "null")
			golden.Same(t, k.LogLik, fitted, 1e-11, "log-likelihood")
			golden.Close(t, "martingale", m.Martingale(), k.Martingale, tol, tol)
			golden.Close(t, "deviance", m.Deviance(), k.Deviance, tol, tol)
			checkSummary(t, k, m)
			checkConcordance(t, k, m)
			checkBaselines(t, k, m)
			if k.ZPHChiSq != nil {
				r, err := m.Proportional(nil)
				require.NoError(t, err)
				tests := append(r.Columns, ColumnTest{"", r.Global})
				for j, test := range tests {
					golden.Same(t, k.ZPHChiSq[j], test.Test.Statistic, tol, "zph %d", j)
					golden.Same(t, k.ZPHP[j], test.Test.P, tol, "p of zph %d", j)
				}
			}
			if k.Schoenfeld != nil {
				golden.Close(t, "schoenfeld", m.Schoenfeld().Residuals.Data, k.Schoenfeld, tol, tol)
				robust := m.RobustCovariance()
				for j, want := range k.RobustSE {
					golden.Same(t, want, math.Sqrt(robust.Row(j)[j]), tol, "robust se %d", j)
				}
			}
		})
	}
}

func checkSummary(t *testing.T, k goldenCox, m *Cox) {
	s, err := m.Summary()
	require.NoError(t, err)
	const tol = 1e-8
	golden.Same(t, k.LR, s.Likelihood.Statistic, tol, "likelihood ratio")
	golden.Same(t, k.Wald, s.Wald.Statistic, tol, "wald")
	golden.Same(t, k.Score, s.Score.Statistic, tol, "score")
	for j, c := range s.Coefficients {
		golden.Same(t, k.SE[j], c.SE, tol, "se %d", j)
		golden.Same(t, k.HR[j], c.HazardRatio.Value, tol, "hr %d", j)
		if k.Weights != nil { // R gives robust errors as soon as a weight is not whole
			continue
		}
		golden.Same(t, k.Z[j], c.Z, tol, "z %d", j)
		golden.Same(t, k.PWald[j], c.P, tol, "p %d", j)
		golden.Same(t, k.Lo[j], c.HazardRatio.Lo, tol, "lo %d", j)
		golden.Same(t, k.Hi[j], c.HazardRatio.Hi, tol, "hi %d", j)
	}
}

func checkConcordance(t *testing.T, k goldenCox, m *Cox) {
	times, err := stats.Lifetimes(k.Time, k.Event)
	require.NoError(t, err)
	risk := make([]float64, k.N)
	for i := range risk {
		risk[i] = tensor.Dot(k.Coef, k.X[i*k.P:i*k.P+k.P])
	}
	var opts []SampleOption
	if k.Weights != nil {
		opts = append(opts, WithWeights(k.Weights))
	}
	if k.Strata != nil {
		opts = append(opts, WithStrata(k.Strata))
	}
	if k.Entry != nil {
		opts = append(opts, WithEntry(k.Entry))
	}
	c, err := Concord(times, risk, opts...)
	require.NoError(t, err)
	if k.Strata != nil { // the file has the first five numbers of a table by columns
		golden.Close(t, "pairs", []float64{c.Concordant, c.Discordant},
			[]float64{k.Counts[0] + k.Counts[1], k.Counts[2] + k.Counts[3]}, 1e-12, 0)
	} else {
		golden.Close(t, "pairs", []float64{c.Concordant, c.Discordant, c.TiedRisk}, k.Counts[:3], 1e-12, 0)
	}
	golden.Same(t, k.Concordance, c.C(), 1e-12, "C")
	golden.Same(t, k.Variance, c.SE*c.SE, 1e-10, "variance of C")
}

func checkBaselines(t *testing.T, k goldenCox, m *Cox) {
	model := m.Model()
	if len(model.Baselines) > 1 {
		return
	}
	zero, err := model.Score(make([]float64, k.P))
	require.NoError(t, err)
	for i, at := range k.BaseHaz.Time {
		h, err := model.Baselines[0].Hazard(zero, at)
		require.NoError(t, err)
		golden.Same(t, k.BaseHaz.CumHaz[i], h, 1e-8, "baseline at %v", at)
	}
}

func TestGoldenMonotone(t *testing.T) {
	var g struct {
		Monotone struct{ X, Time, Event []float64 }
	}
	golden.JSON(t, "testdata/cox.json.gz", &g)
	times, err := stats.Lifetimes(g.Monotone.Time, g.Monotone.Event)
	require.NoError(t, err)
	_, err = FitCox(times, tensor.Of(len(times), 1, g.Monotone.X))
	require.ErrorIs(t, err, ErrMonotone)
	require.ErrorContains(t, err, "column x0")
}

// Scores of a model on a synthetic cohort, judged as R judges them.
func TestGoldenCohort(t *testing.T) {
	var g struct {
		Time, Event, Risk []float64
		Threshold         float64
		Cox               struct {
			Coef, SE, HR, Concordance float64
			QuartileCoef              float64 `json:"quartile_coef"`
			QuartileHR                float64 `json:"quartile_hr"`
			Lo                        float64 `json:"quartile_hr_lo95"`
			Hi                        float64 `json:"quartile_hr_hi95"`
			LogRank                   float64 `json:"logrank_chisq"`
		}
	}
	golden.JSON(t, "testdata/cohort.json.gz", &g)
	times, err := stats.Lifetimes(g.Time, g.Event)
	require.NoError(t, err)
	const tol = 1e-8
	m, err := FitCox(times, tensor.Of(len(times), 1, g.Risk))
	require.NoError(t, err)
	s, err := m.Summary()
	require.NoError(t, err)
	golden.Same(t, g.Cox.Coef, s.Coefficients[0].Value, tol, "coef")
	golden.Same(t, g.Cox.SE, s.Coefficients[0].SE, tol, "se")
	golden.Same(t, g.Cox.HR, s.Coefficients[0].HazardRatio.Value, tol, "hr")
	golden.Same(t, g.Cox.Concordance, s.Concordance.Value, tol, "concordance")

	high := make([]float64, len(times))
	groups := make([][]stats.Lifetime, 2)
	for i, r := range g.Risk {
		k := 0
		if r > g.Threshold {
			k, high[i] = 1, 1
		}
		groups[k] = append(groups[k], times[i])
	}
	m, err = FitCox(times, tensor.Of(len(times), 1, high))
	require.NoError(t, err)
	s, err = m.Summary()
	require.NoError(t, err)
	ratio := s.Coefficients[0].HazardRatio
	golden.Close(t, "quartile", []float64{s.Coefficients[0].Value, ratio.Value, ratio.Lo, ratio.Hi},
		[]float64{g.Cox.QuartileCoef, g.Cox.QuartileHR, g.Cox.Lo, g.Cox.Hi}, tol, 0)
	test, err := stats.LogRank(groups...)
	require.NoError(t, err)
	golden.Same(t, g.Cox.LogRank, test.Statistic, tol, "log-rank")
}

// Weights, strata, late entry, ties and clusters together, as R has them.
func TestGoldenTogether(t *testing.T) {
	var g map[string]json.RawMessage
	golden.JSON(t, "testdata/together.json.gz", &g)
	var d map[string][]float64
	require.NoError(t, json.Unmarshal(g["data"], &d))
	want := func(name string) (x []float64) {
		require.NoError(t, json.Unmarshal(g[name], &x), name)
		require.NotEmpty(t, x, name)
		return x
	}
	whole := func(x []float64) (n []int) {
		for _, v := range x {
			n = append(n, int(v))
		}
		return n
	}
	times, err := stats.Lifetimes(d["time"], d["ev"])
	require.NoError(t, err)
	x := tensor.NewMatrix[float64](len(times), 2)
	for i := range times {
		x.Row(i)[0], x.Row(i)[1] = d["x1"][i], d["x2"][i]
	}
	roots := func(m tensor.Matrix[float64]) []float64 {
		return []float64{math.Sqrt(m.Row(0)[0]), math.Sqrt(m.Row(1)[1])}
	}
	const tol = 1e-10
	for _, ties := range []Ties{Efron, Breslow} {
		opts := []Option{WithTies(ties), WithEntry(d["entry"]), WithWeights(d["w"]), WithStrata(whole(d["st"]))}
		m, err := FitCox(times, x, opts...)
		require.NoError(t, err)
		name := ties.String() + "."
		golden.Close(t, name+"coef", m.Coefficients(), want(name+"coef"), tol, 0)
		golden.Close(t, name+"se", roots(m.Covariance()), want(name+"se"), tol, 0)
		golden.Close(t, name+"robust", roots(m.RobustCovariance()), want(name+"robust"), tol, 0)
		golden.Close(t, name+"schoenfeld", m.Schoenfeld().Residuals.Data, want(name+"schoenfeld"), tol, tol)
		golden.Close(t, name+"dfbeta", m.DFBeta().Data, want(name+"dfbeta"), tol, tol)
		golden.Close(t, name+"martingale", m.Martingale(), want(name+"martingale"), tol, tol)
		r, err := m.Proportional(nil)
		require.NoError(t, err)
		golden.Close(t, name+"zph", []float64{r.Columns[0].Test.Statistic, r.Columns[1].Test.Statistic, r.Global.Statistic},
			want(name+"zph"), tol, 0)
		c, err := Concord(times, scores(m, x), WithEntry(d["entry"]), WithWeights(d["w"]), WithStrata(whole(d["st"])))
		require.NoError(t, err)
		golden.Close(t, name+"concordance", []float64{c.Concordant, c.Discordant, c.TiedRisk, c.C(), c.SE},
			want(name+"concordance"), tol, 0)
		m, err = FitCox(times, x, append(opts, WithClusters(whole(d["cl"])))...)
		require.NoError(t, err)
		golden.Close(t, name+"cluster", roots(m.RobustCovariance()), want(name+"cluster"), tol, 0)
	}
	m, err := FitCox(times, x, WithRidge(2))
	require.NoError(t, err)
	golden.Close(t, "ridge", m.Coefficients(), want("ridge.coef"), 1e-8, 0) // where R stops
}

func scores(m *Cox, x tensor.Matrix[float64]) []float64 {
	s := make([]float64, x.Rows)
	for i := range s {
		s[i] = tensor.Dot(m.Coefficients(), x.Row(i))
	}
	return s
}
