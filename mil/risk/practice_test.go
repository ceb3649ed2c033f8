package risk_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func flags(text string) []bool {
	var b []bool
	for _, c := range text {
		if c != ' ' {
			b = append(b, c == '1')
		}
	}
	return b
}

func TestScoresAreNeverTurnedRound(t *testing.T) {
	ctx := context.Background()
	in := risk.Patients{Score: []float64{5, 4, 3, 2, 1}, Event: flags("00011"), Orders: []float64{0.5}}
	r, err := risk.Evaluate(ctx, in, stats.WithReplicates(50))
	require.NoError(t, err)
	require.Zero(t, r.AUC.Value)
	in.Event = flags("00000")
	_, err = risk.Evaluate(ctx, in)
	require.ErrorIs(t, err, stats.ErrOneClass)
	in.Event, in.Score = flags("00011"), []float64{1, 2, 3, 4, 5}
	r, err = risk.Evaluate(ctx, in, stats.WithReplicates(50))
	require.NoError(t, err)
	require.Equal(t, 1.0, r.AUC.Value)
	require.ErrorIs(t, r.AUC.Warnings[0], stats.ErrDegenerate, "a perfect area has no variance")
	in.Event = flags("00001")
	r, err = risk.Evaluate(ctx, in, stats.WithReplicates(50))
	require.NoError(t, err)
	require.ErrorIs(t, r.AUC.Warnings[len(r.AUC.Warnings)-1], stats.ErrTooFew, "of one positive there is no variance")
	in.Event, in.Baseline = flags("01011"), in.Score
	r, err = risk.Evaluate(ctx, in, stats.WithReplicates(50))
	require.NoError(t, err)
	require.Zero(t, r.Comparison.AUC.Difference.Value)
	require.Equal(t, 1.0, r.Comparison.AUC.P, "identical scores differ by nothing, and not by NaN")
}

func TestThresholdsThatSelectNobody(t *testing.T) {
	score := []float64{1, 1, 1, 1, 2, 2, 2, 2}
	s, err := risk.FitStrata(score, 0.75)
	require.NoError(t, err)
	require.Equal(t, []float64{2}, s.Cuts())
	_, err = s.Groups(score, make([]bool, 8))
	require.ErrorIs(t, err, risk.ErrEmptyGroup)
	require.ErrorContains(t, err, "none of 8 scores is above 2, and 4 are equal to 2")
	r, err := risk.Evaluate(context.Background(), risk.Patients{Score: score, Event: flags("00110011"),
		Orders: []float64{0.75}})
	require.NoError(t, err)
	require.Nil(t, r.RiskRatio)
	require.Contains(t, strings.Join(r.Missing, "\n"), "groups: risk: Strata.Groups: none of 8 scores is above 2")
	score = []float64{.1, .1, .1, .2, .3, .3, .3, .3, .3, .4}
	s, err = risk.FitStrata(score, 0.75)
	require.NoError(t, err)
	groups, err := s.Groups(score, flags("0000000001"))
	require.NoError(t, err)
	require.Equal(t, []int{9, 1}, []int{groups[0].N, groups[1].N}, "a top quartile of one of ten")
	middle, err := risk.CutAt(0.11, 0.12)
	require.NoError(t, err)
	_, err = middle.Groups(score, flags("0000000001"))
	require.ErrorContains(t, err, "above 0.11 and up to 0.12")
	low, err := risk.CutAt(0, 1)
	require.NoError(t, err)
	_, err = low.Groups(score, flags("0000000001"))
	require.ErrorContains(t, err, "at 0 or below")
}

func TestThresholdsOfTrainingScores(t *testing.T) {
	in := risk.Patients{Score: []float64{1, 2, 3, 4, 5, 6, 7, 8}, Event: flags("01000111"), Orders: []float64{0.5},
		Train: []float64{0, 1, 2, 3, 4, 5, 6}}
	r, err := risk.Evaluate(context.Background(), in, stats.WithReplicates(200))
	require.NoError(t, err)
	require.True(t, r.FromTraining)
	require.Equal(t, []float64{3}, r.Cuts)
	require.Equal(t, []int{3, 5}, []int{r.Groups[0].N, r.Groups[1].N})
	require.Empty(t, r.Cautions)
	in.Train = nil
	r, err = risk.Evaluate(context.Background(), in, stats.WithReplicates(200))
	require.NoError(t, err)
	require.False(t, r.FromTraining)
	require.Contains(t, r.Cautions[0], "quantiles of the scores that they are applied to")
}

func TestHosmerLemeshowGroups(t *testing.T) {
	p := make([]float64, 10)
	for i := range p {
		p[i] = float64(i) / 9
	}
	h, err := risk.TestCalibration(p, flags("00000 11111"), 3)
	require.NoError(t, err)
	golden.Same(t, 1.325, h.Statistic, 1e-12, "statistic")
	require.Equal(t, []int{4, 3, 3}, []int{h.Groups[0].N, h.Groups[1].N, h.Groups[2].N})
	p = []float64{.1, .1, .1, .1, .4, .4, .4, .8, .8, .8, .8}
	event := flags("00101001110")
	h, err = risk.TestCalibration(p, event, 4, risk.WithSplitTies())
	require.NoError(t, err)
	golden.Same(t, 2.955688, h.Statistic, 1e-6, "as given")
	other := make([]bool, 11)
	otherP := make([]float64, 11)
	for k, i := range []int{3, 2, 1, 0, 6, 5, 4, 10, 9, 8, 7} {
		other[k], otherP[k] = event[i], p[i]
	}
	h, err = risk.TestCalibration(otherP, other, 4, risk.WithSplitTies())
	require.NoError(t, err)
	golden.Same(t, 3.600531, h.Statistic, 1e-6, "in another order")
	a, err := risk.TestCalibration(p, event, 4)
	require.NoError(t, err)
	b, err := risk.TestCalibration(otherP, other, 4)
	require.NoError(t, err)
	require.Equal(t, a, b, "ties that stay together do not depend on the order")
	require.Equal(t, 3, len(a.Groups))
	h, err = risk.TestCalibration([]float64{0, 0, .5, .5, 1, 1}, flags("001011"), 3)
	require.NoError(t, err)
	require.Zero(t, h.Statistic, "what could not happen has not")
	h, err = risk.TestCalibration([]float64{0, 0, .5, .5, 1, 1}, flags("101011"), 3)
	require.NoError(t, err)
	require.True(t, math.IsInf(h.Statistic, 1) && h.P == 0)
	text, err := json.Marshal(h)
	require.NoError(t, err)
	var back risk.HosmerLemeshow
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, h, back)
	_, err = risk.TestCalibration([]float64{.5, .5, .5, .5}, flags("0101"), 3)
	require.ErrorIs(t, err, stats.ErrTooFew)
}

func TestDecisionsReachTheirThreshold(t *testing.T) {
	event := flags("1010010000")
	p := []float64{.9, .8, .6, .5, .3, .2, .2, .1, 0, 0}
	d, err := risk.DecisionCurve(p, event, 0, 0.2)
	require.NoError(t, err)
	require.InDelta(t, 0.3, d[0].NetBenefit, 1e-15, "at 0 everybody is treated")
	require.InDelta(t, 0.2, d[1].NetBenefit, 1e-15)
	require.InDelta(t, 0.125, d[1].TreatAll, 1e-15)
	require.InDelta(t, 2.0/3, d[1].Standardized, 1e-15)
	require.Equal(t, 7, d[1].Treated)
	_, err = risk.DecisionCurve(p, event, 1)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.DecisionCurve(p, make([]bool, 10), 0.1)
	require.ErrorIs(t, err, stats.ErrOneClass)
	// Without censoring the curve of lifetimes is the same.
	times := make([]stats.Lifetime, 10)
	for i, e := range event {
		times[i] = stats.Lifetime{Time: 3, Event: e}
	}
	c, err := risk.CensoredDecisionCurve(p, times, 3, 0, 0.2, 0.85, 0.95)
	require.NoError(t, err)
	want, err := risk.DecisionCurve(p, event, 0, 0.2, 0.85, 0.95)
	require.NoError(t, err)
	for k := range c {
		require.Equal(t, want[k].Treated, c[k].Treated)
		require.InDelta(t, want[k].NetBenefit, c[k].NetBenefit, 1e-14)
		require.InDelta(t, want[k].TreatAll, c[k].TreatAll, 1e-14)
	}
	_, err = risk.CensoredDecisionCurve(p, times, 4, 0.2)
	require.ErrorIs(t, err, stats.ErrUnreached)
	worse := []float64{.9, .8, .1, .5, .3, .2, .2, .1, 0, 0}
	diff, err := risk.CompareDecisions(context.Background(), p, worse, event, []float64{0, 0.2}, stats.WithReplicates(500))
	require.NoError(t, err)
	require.Zero(t, diff[0].Value)
	require.InDelta(t, 0.1, diff[1].Value, 1e-15)
	require.LessOrEqual(t, diff[1].Lo, 0.1)
	require.GreaterOrEqual(t, diff[1].Hi, 0.1)
}

func TestReclassificationNeedsAChange(t *testing.T) {
	tenth, fifth := 0.1, 0.2
	old, new, event := []float64{0.3, 0.5, 0.2, 0.6}, []float64{tenth + fifth, 0.5, 0.1, 0.7}, flags("1010")
	m, err := risk.NRI(old, new, event, 0)
	require.NoError(t, err)
	require.Equal(t, 0.0, m.Events.Value, "one up by rounding, one down")
	m, err = risk.NRI(old, new, event, 1e-9)
	require.NoError(t, err)
	require.Equal(t, -0.5, m.Events.Value)
	require.Equal(t, -0.5, m.NonEvents.Value)
	m, err = risk.NRI(old, old, event, 0)
	require.NoError(t, err)
	require.Zero(t, m.Total.Value)
	require.Equal(t, 1.0, m.P)
	require.ErrorIs(t, m.Total.Warnings[0], stats.ErrDegenerate)
	m, err = risk.IDI(old, old, event)
	require.NoError(t, err)
	require.Equal(t, 1.0, m.P)
	_, err = risk.IDI(old, new, flags("1000"))
	require.ErrorIs(t, err, stats.ErrTooFew)
	_, err = risk.NRI(old, new, flags("0000"), 0)
	require.ErrorIs(t, err, stats.ErrOneClass)
	_, err = risk.NRI(old, new, event, -1)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.CategoryNRI(old, new, event, []float64{0.5, 0.5})
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.NRI(old, new[:2], event, 0)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = risk.NRI([]float64{0, 0, 0, 0}, []float64{1, 1, 1, 1}, event, 0)
	require.NoError(t, err, "all up: event +1, others -1, no difference")
	_, err = risk.NRI([]float64{0, 1, 0, 1}, []float64{1, 0, 1, 0}, event, 0)
	require.ErrorIs(t, err, stats.ErrDegenerate)
}

func TestTablesWithEmptyCells(t *testing.T) {
	table := risk.Table{HighEvents: 3, HighOthers: 7, LowOthers: 10}
	_, err := table.RiskRatio()
	require.ErrorIs(t, err, risk.ErrZeroCell)
	require.ErrorContains(t, err, "3 events of 10 and 0 of 10")
	_, err = table.OddsRatio()
	require.ErrorIs(t, err, risk.ErrZeroCell)
	table.Correction = 0.5
	rr, err := table.RiskRatio()
	require.NoError(t, err)
	require.InDelta(t, 7, rr.Value, 1e-14)
	or, err := table.OddsRatio()
	require.NoError(t, err)
	require.InDelta(t, 3.5*10.5/(7.5*0.5), or.Value, 1e-14)
	p, err := table.Fisher()
	require.NoError(t, err)
	require.InDelta(t, 0.2105263, p, 1e-7)
	none := risk.Table{HighOthers: 5, LowOthers: 9}
	p, err = none.Fisher()
	require.NoError(t, err)
	require.InDelta(t, 1, p, 1e-12)
	_, err = risk.Table{HighEvents: -1}.Fisher()
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.Table{HighEvents: 1, HighOthers: 1, LowEvents: 1, LowOthers: 1, Correction: -1}.RiskRatio()
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.NewTable(nil, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = risk.NewTable([]bool{true}, nil)
	require.ErrorIs(t, err, tensor.ErrShape)
}

func TestRecalibrationFindsWhatWasDone(t *testing.T) {
	rng := tensor.Stream(1)
	const n = 20_000
	p, event := make([]float64, n), make([]bool, n)
	for i := range p {
		z := rng.NormFloat64()
		event[i] = rng.Float64() < 1/(1+math.Exp(-(0.3+z)))
		p[i] = 1 / (1 + math.Exp(-2*z)) // too extreme, and too low
	}
	r, err := risk.Recalibrate(p, event)
	require.NoError(t, err)
	require.InDelta(t, 0.5, r.Slope.Value, 0.03)
	require.InDelta(t, 0.3, r.Intercept.Value, 0.06)
	require.Greater(t, r.InTheLarge.Lo, 0.0)
	require.Less(t, r.Slope.Hi-r.Slope.Lo, 0.05)
	_, err = risk.Recalibrate([]float64{.1, .2, .8, .9}, flags("0011"))
	require.ErrorIs(t, err, stats.ErrDegenerate, "separated")
	_, err = risk.Recalibrate([]float64{.5, .5, .5, .5}, flags("0011"))
	require.ErrorIs(t, err, stats.ErrDegenerate, "all the same")
	_, err = risk.Recalibrate([]float64{0, .5, .6, .5}, flags("0011"))
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.Recalibrate([]float64{.3, .5, .6, .5}, flags("1111"))
	require.ErrorIs(t, err, stats.ErrOneClass)
}

func TestBootstrapDrawsPatients(t *testing.T) {
	ctx := context.Background()
	event := flags("1100000000")
	share := func(drawn []int) (float64, error) {
		n := 0.0
		for _, i := range drawn {
			if event[i] {
				n++
			}
		}
		if n == 0 {
			return 0, stats.ErrOneClass
		}
		return n / float64(len(drawn)), nil
	}
	r, err := risk.Bootstrap(ctx, stats.Units(10), share, stats.WithReplicates(2000), stats.WithSeed(1))
	require.NoError(t, err)
	require.Equal(t, 2000, r.Used+r.Skipped)
	require.InDelta(t, 2000*math.Pow(0.8, 10), r.Skipped, 70, "resamples without an event are counted")
	require.Equal(t, 0.2, r.Estimate.Value)
	require.GreaterOrEqual(t, r.Estimate.Lo, 0.1)
	one, err := risk.Bootstrap(ctx, stats.Units(10), share, stats.WithReplicates(2000), stats.WithSeed(1), stats.WithWorkers(1))
	require.NoError(t, err)
	require.Equal(t, r, one)
	_, err = risk.Bootstrap(ctx, stats.Units(10), func([]int) (float64, error) { return 0, risk.ErrZeroCell })
	require.ErrorIs(t, err, risk.ErrZeroCell)
	_, err = risk.Bootstrap(ctx, stats.Units(10), func(drawn []int) (float64, error) {
		for i, v := range drawn {
			if v != i {
				return 0, risk.ErrZeroCell
			}
		}
		return 1, nil
	}, stats.WithReplicates(100))
	require.ErrorIs(t, err, stats.ErrTooFew)
}

// cohort is patients whose risk doubles with each unit of the score, and who are censored from time 5 on.
func cohort(n int) risk.Patients {
	rng := tensor.Stream(3)
	in := risk.Patients{Horizon: 4, Covariates: tensor.NewMatrix[float64](n, 1), Names: []string{"age"},
		Thresholds: []float64{0.1, 0.2}}
	for i := range n {
		z, age := rng.NormFloat64(), rng.NormFloat64()
		event := rng.ExpFloat64() * 8 / math.Exp(0.7*z+0.3*age)
		end := 2 + 6*rng.Float64()
		in.Score = append(in.Score, z)
		in.Probability = append(in.Probability, 1-math.Exp(-4.0/8*math.Exp(0.7*z)))
		in.Baseline = append(in.Baseline, 1-math.Exp(-4.0/8*math.Exp(0.3*age)))
		in.Times = append(in.Times, stats.Lifetime{Time: min(event, end), Event: event <= end})
		in.Covariates.Set(i, 0, age)
	}
	for range n {
		in.Train = append(in.Train, rng.NormFloat64())
	}
	return in
}

func TestReportOfACohort(t *testing.T) {
	in := cohort(600)
	r, err := risk.Evaluate(context.Background(), in, stats.WithReplicates(300), stats.WithSeed(2))
	require.NoError(t, err)
	require.Empty(t, r.Missing)
	require.Equal(t, 600, r.N)
	require.Less(t, r.Known, 600)
	require.Contains(t, r.Cautions[0], "were censored before 4")
	require.Greater(t, r.AUC.Lo, 0.5)
	require.Greater(t, r.RiskRatio.Value, 1.2)
	require.Greater(t, r.OddsRatio.Value, r.RiskRatio.Value, "two different numbers")
	require.Less(t, r.Survival.LogRank.P, 1e-6)
	require.Len(t, r.Survival.Curves, 4)
	adjusted := r.Survival.Adjusted.Coefficients
	require.Equal(t, "score/SD", adjusted[0].Name)
	require.Equal(t, "age", adjusted[1].Name)
	require.InDelta(t, math.Exp(0.7), adjusted[0].HazardRatio.Value, 0.3)
	require.Greater(t, r.Survival.Harrell.Value, 0.6)
	require.Greater(t, r.Comparison.AUC.Difference.Value, 0.0)
	require.Greater(t, r.Comparison.IDI.Total.Value, 0.0)
	require.Len(t, r.Comparison.Worth, 2)

	text := r.String()
	for _, part := range []string{"AUC ", "group 4, above", "risk ratio, top group", "odds ratio, top group", "log-rank test",
		"Uno's C", "adjusted, age", "Brier score", "Hosmer-Lemeshow", "calibration slope", "net benefit at 0.20", "NRI", "IDI",
		"caution: "} {
		assert.Contains(t, text, part)
	}
	b, err := json.Marshal(r)
	require.NoError(t, err)
	var back risk.Report
	require.NoError(t, json.Unmarshal(b, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(b), string(again))
	require.Equal(t, text, back.String())
	var image strings.Builder
	require.NoError(t, r.WriteSVG(&image))
	for _, part := range []string{"sensitivity", "by group", "calibration", "net benefit"} {
		require.Contains(t, image.String(), part)
	}
	one, err := risk.Evaluate(context.Background(), in, stats.WithReplicates(300), stats.WithSeed(2), stats.WithWorkers(1))
	require.NoError(t, err)
	require.Equal(t, text, one.String(), "the number of workers does not matter")
}

func TestReportSaysWhatIsMissing(t *testing.T) {
	in := cohort(60)
	in.Probability, in.Baseline, in.Train = nil, nil, nil
	for i := range in.Times {
		in.Covariates.Set(i, 0, 1) // constant
	}
	r, err := risk.Evaluate(context.Background(), in, stats.WithReplicates(50))
	require.NoError(t, err)
	require.Nil(t, r.Survival.Adjusted)
	require.NotNil(t, r.Survival.Alone)
	require.Contains(t, strings.Join(r.Missing, "\n"), "adjusted Cox model")
	require.Contains(t, r.String(), "missing: adjusted Cox model")
	require.Nil(t, r.Calibration)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = risk.Evaluate(ctx, in)
	require.ErrorIs(t, err, context.Canceled)
}

func TestBadPatients(t *testing.T) {
	ctx := context.Background()
	for want, in := range map[error]risk.Patients{
		tensor.ErrEmpty:     {},
		tensor.ErrShape:     {Score: []float64{1, 2}, Event: []bool{true}},
		tensor.ErrNotFinite: {Score: []float64{1, math.NaN()}, Event: []bool{true, false}},
		tensor.ErrRange:     {Score: []float64{1, 2}, Times: []stats.Lifetime{{Time: 1, Event: true}, {Time: 2}}},
	} {
		_, err := risk.Evaluate(ctx, in)
		require.ErrorIs(t, err, want)
	}
	_, err := risk.Evaluate(ctx, risk.Patients{Score: []float64{1, 2}})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = risk.Evaluate(ctx, risk.Patients{Score: []float64{1, 2}, Horizon: 5,
		Times: []stats.Lifetime{{Time: 1}, {Time: 2}}})
	require.ErrorIs(t, err, stats.ErrOneClass)
	in := cohort(60)
	in.Probability[3] = 1.5
	_, err = risk.Evaluate(ctx, in, stats.WithReplicates(10))
	require.ErrorIs(t, err, tensor.ErrRange)
	in = cohort(60)
	in.Orders = []float64{0.5, 0.5}
	_, err = risk.Evaluate(ctx, in)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.FitStrata([]float64{1, 2})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = risk.CutAt()
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = risk.CutAt(1, 1)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = risk.Evaluate(ctx, cohort(60), stats.WithLevel(2))
	require.ErrorIs(t, err, tensor.ErrRange)
}
