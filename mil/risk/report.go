package risk

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Patients is what a score is judged by: test patients, whom neither the model nor the thresholds have seen. Score and
// either Event or Times with Horizon are required.
type Patients struct {
	Score []float64 // higher for higher risk; never turned round
	Event []bool    // whether the event happened within the horizon
	// Times are the lifetimes, and Horizon the time by which the event counts, if Event is nil. Patients who were
	// censored before it have no answer: they count in survival curves, log-rank tests and Cox models, and nowhere else.
	Times   []stats.Lifetime
	Horizon float64

	// Train is the scores of training patients, of whose quantiles the thresholds are. Without them those of the test
	// scores are taken, with a caution: the groups then depend on whom they judge.
	Train  []float64
	Orders []float64 // of the quantiles; default 0.25, 0.5, 0.75

	// Probability is predicted probabilities of the event, for calibration, decisions and reclassification; the score
	// itself may be. Baseline is the same of another model for the same patients, to compare with: probabilities if there
	// are any, and otherwise scores.
	Probability, Baseline []float64
	Thresholds            []float64 // of the decision curve; default 0 to 0.5 by 0.05

	// Covariates are columns that the score is adjusted for in a Cox model, a row for each patient, and Names their names.
	Covariates tensor.Matrix[float64]
	Names      []string
}

// Report is what a score is worth as evidence. Parts that the data cannot give are nil, and Missing says why.
type Report struct {
	N       int     `json:"n"`
	Known   int     `json:"known"` // patients of whom it is known whether they had the event
	Events  int     `json:"events"`
	Horizon float64 `json:"horizon,omitempty"`

	AUC stats.Estimate `json:"auc"` // with DeLong's interval
	ROC []Rates        `json:"roc"` // from (0, 0) to (1, 1), at most a few hundred points

	Cuts         []float64 `json:"cuts"`          // thresholds of the groups
	FromTraining bool      `json:"from_training"` // they are of training scores
	Groups       []Group   `json:"groups,omitempty"`

	Table     *Table          `json:"table,omitempty"` // of the highest group against all others
	RiskRatio *stats.Estimate `json:"risk_ratio,omitempty"`
	OddsRatio *stats.Estimate `json:"odds_ratio,omitempty"`
	Fisher    *float64        `json:"fisher_p,omitempty"`
	// Resampled is the risk ratio by a bootstrap over patients.
	Resampled *Resampled `json:"risk_ratio_resampled,omitempty"`

	Survival    *SurvivalPart    `json:"survival,omitempty"`
	Calibration *CalibrationPart `json:"calibration,omitempty"`
	Comparison  *ComparisonPart  `json:"comparison,omitempty"`

	Missing  []string `json:"missing,omitempty"`
	Cautions []string `json:"cautions,omitempty"`
}

// Rates is a point of a ROC curve.
type Rates struct {
	FPR float64 `json:"fpr"` // 1 - specificity
	TPR float64 `json:"tpr"` // sensitivity
}

// SurvivalPart is what lifetimes say.
type SurvivalPart struct {
	Curves  [][]stats.SurvivalStep `json:"curves"` // by Kaplan and Meier, of each group
	Last    []float64              `json:"last"`   // the end of the observation of each group, to which its curve holds
	LogRank *stats.LogRankTest     `json:"log_rank,omitempty"`
	Harrell *stats.Estimate        `json:"harrell_c,omitempty"`
	Uno     *stats.Estimate        `json:"uno_c,omitempty"` // up to the horizon or the last time, weighted for censoring
	// High is the Cox model of the highest group against all others, Alone that of the score in standard deviations, and
	// Adjusted the same beside the covariates.
	High     *survival.Summary `json:"cox_high,omitempty"`
	Alone    *survival.Summary `json:"cox_score,omitempty"`
	Adjusted *survival.Summary `json:"cox_adjusted,omitempty"`
}

// CalibrationPart is how predicted probabilities compare with what happened, and what decisions by them are worth.
type CalibrationPart struct {
	Bins           stats.Calibration   `json:"bins"` // ten of about as many patients each, with the Brier score
	HosmerLemeshow *HosmerLemeshowTest `json:"hosmer_lemeshow,omitempty"`
	Recalibration  *Recalibration      `json:"recalibration,omitempty"`
	Decisions      []Decision          `json:"decisions,omitempty"`
}

// ComparisonPart is how the score compares with that of another model.
type ComparisonPart struct {
	AUC   stats.AUCComparison `json:"auc"`
	Uno   *stats.Estimate     `json:"uno_c_baseline,omitempty"`
	NRI   *Improvement        `json:"nri,omitempty"` // continuous
	IDI   *Improvement        `json:"idi,omitempty"`
	Worth []stats.Estimate    `json:"net_benefit,omitempty"` // difference at each threshold of the decisions
}

// Evaluate judges a score in one call. Options are those of [stats.Resample], which the bootstraps take, and the level
// of all intervals. The error is that of ctx if it ends first, wraps [stats.ErrOneClass] if no patient or all are known
// to have had the event, or [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] and [tensor.ErrRange] for what
// does not fit. Whatever else the data cannot give is missing from the report with the reason.
func Evaluate(ctx context.Context, in Patients, opts ...stats.Option) (Report, error) {
	const call = "risk: Evaluate"
	settings, err := stats.Read(opts...)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", call, err)
	}
	e := evaluation{in: in, ctx: ctx, opts: opts, level: stats.WithLevel(settings.Level)}
	if err := e.outcome(call); err != nil {
		return Report{}, err
	}
	if err := e.discrimination(call); err != nil {
		return Report{}, err
	}
	if err := e.groups(call); err != nil {
		return Report{}, err
	}
	if in.Times != nil {
		e.lifetimes()
	}
	if in.Probability != nil {
		if err := e.calibration(call); err != nil {
			return Report{}, err
		}
	}
	if in.Baseline != nil {
		if err := e.comparison(call); err != nil {
			return Report{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("%s: %w", call, err)
	}
	return e.r, nil
}

// evaluation is a report in the making.
type evaluation struct {
	in     Patients
	ctx    context.Context
	opts   []stats.Option
	level  stats.LevelOption
	r      Report
	known  []int // patients with an answer
	event  []bool
	score  []float64
	strata Strata
}

// missing notes why a part is not there, and reports whether it is.
func (e *evaluation) missing(part string, err error) bool {
	if err != nil {
		e.r.Missing = append(e.r.Missing, part+": "+err.Error())
	}
	return err != nil
}

// outcome finds who is known to have had the event, or not to.
func (e *evaluation) outcome(call string) error {
	in := e.in
	n := len(in.Score)
	if err := checkScores(call, "Score", in.Score, n); err != nil {
		return err
	}
	if in.Event == nil && in.Times == nil {
		return fmt.Errorf("%s: neither Event nor Times: %w", call, tensor.ErrEmpty)
	}
	if in.Event != nil && len(in.Event) != n || in.Times != nil && len(in.Times) != n {
		return fmt.Errorf("%s: %d elements of Event and %d of Times for %d scores: %w", call, len(in.Event), len(in.Times), n,
			tensor.ErrShape)
	}
	if in.Event == nil && !(in.Horizon > 0 && !math.IsInf(in.Horizon, 1)) {
		return fmt.Errorf("%s: Horizon is %v, want a finite time above 0 where Event is nil: %w", call, in.Horizon,
			tensor.ErrRange)
	}
	for i, t := range in.Times {
		if !(t.Time >= 0) || math.IsInf(t.Time, 1) {
			return fmt.Errorf("%s: Times[%d] is %v, want a finite time of 0 or more: %w", call, i, t.Time, tensor.ErrRange)
		}
	}
	for i := range n {
		event := false
		switch {
		case in.Event != nil:
			event = in.Event[i]
		case in.Times[i].Event && in.Times[i].Time <= in.Horizon:
			event = true
		case in.Times[i].Time < in.Horizon:
			continue
		}
		e.known, e.event, e.score = append(e.known, i), append(e.event, event), append(e.score, in.Score[i])
		if event {
			e.r.Events++
		}
	}
	e.r.N, e.r.Known, e.r.Horizon = n, len(e.known), in.Horizon
	if len(e.known) < n {
		e.r.Cautions = append(e.r.Cautions, fmt.Sprintf("%d of %d patients were censored before %v and count in survival "+
			"analyses alone", n-len(e.known), n, in.Horizon))
	}
	if len(e.known) == 0 {
		return fmt.Errorf("%s: all patients were censored before %v: %w", call, in.Horizon, stats.ErrOneClass)
	}
	return nil
}

// of is the elements of the patients with an answer.
func (e *evaluation) of(x []float64) []float64 {
	y := make([]float64, len(e.known))
	for k, i := range e.known {
		y[k] = x[i]
	}
	return y
}

func (e *evaluation) discrimination(call string) error {
	var err error
	if e.r.AUC, err = stats.AUC(e.event, e.score, nil, e.level); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	curve, err := stats.ROC(e.event, e.score, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	const most = 400
	for k := 0; k < len(curve); k++ {
		if k%(1+len(curve)/most) == 0 || k == len(curve)-1 {
			e.r.ROC = append(e.r.ROC, Rates{curve[k].FPR, curve[k].TPR})
		}
	}
	return nil
}

func (e *evaluation) groups(call string) error {
	orders, from := e.in.Orders, e.in.Train
	if orders == nil {
		orders = []float64{0.25, 0.5, 0.75}
	}
	if e.r.FromTraining = from != nil; !e.r.FromTraining {
		from = e.in.Score
		e.r.Cautions = append(e.r.Cautions, "the thresholds are quantiles of the scores that they are applied to")
	}
	var err error
	if e.strata, err = FitStrata(from, orders...); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	e.r.Cuts = e.strata.Cuts()
	groups, err := e.strata.Groups(e.score, e.event, e.level)
	if e.missing("groups", err) {
		return nil
	}
	e.r.Groups = groups
	high := make([]bool, len(e.score))
	for k, v := range e.score {
		high[k] = e.high(v)
	}
	t, err := NewTable(high, e.event)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	e.r.Table = &t
	if r, err := t.RiskRatio(e.level); !e.missing("risk ratio", err) {
		e.r.RiskRatio = &r
		boot, err := Bootstrap(e.ctx, stats.Units(len(high)), func(drawn []int) (float64, error) {
			return ratioOf(high, e.event, drawn)
		}, e.opts...)
		if !e.missing("risk ratio by resampling", err) {
			e.r.Resampled = &boot
		}
	}
	if r, err := t.OddsRatio(e.level); !e.missing("odds ratio", err) {
		e.r.OddsRatio = &r
	}
	if p, err := t.Fisher(); !e.missing("Fisher's test", err) {
		e.r.Fisher = &p
	}
	return nil
}

func (e *evaluation) high(score float64) bool { return e.strata.Of(score) == len(e.r.Cuts) }

// ratioOf is the risk ratio of drawn patients.
func ratioOf(high, event []bool, drawn []int) (float64, error) {
	var n, events [2]float64
	for _, i := range drawn {
		k := 0
		if high[i] {
			k = 1
		}
		n[k]++
		if event[i] {
			events[k]++
		}
	}
	if events[0] == 0 || n[1] == 0 {
		return 0, ErrZeroCell
	}
	return events[1] / n[1] / (events[0] / n[0]), nil
}

// lifetimes fills in the survival part, of all patients.
func (e *evaluation) lifetimes() {
	in, s := e.in, &SurvivalPart{}
	e.r.Survival = s
	groups := make([][]stats.Lifetime, len(e.r.Cuts)+1)
	for i, v := range in.Score {
		g := e.strata.Of(v)
		groups[g] = append(groups[g], in.Times[i])
	}
	full := true
	for k, g := range groups {
		km, err := stats.KaplanMeier(g)
		if e.missing(fmt.Sprintf("survival of group %d", k+1), err) {
			s.Curves, s.Last, full = append(s.Curves, nil), append(s.Last, 0), false
			continue
		}
		s.Curves, s.Last = append(s.Curves, km.Steps()), append(s.Last, km.Last())
	}
	if full {
		if test, err := stats.LogRank(groups...); !e.missing("log-rank test", err) {
			s.LogRank = &test
		}
	}
	s.Harrell = e.concordance("Harrell's C", func() (survival.Concordance, error) {
		return survival.Concord(in.Times, in.Score)
	})
	s.Uno = e.uno("Uno's C", in.Score)
	e.hazards(s)
}

func (e *evaluation) concordance(part string, count func() (survival.Concordance, error)) *stats.Estimate {
	c, err := count()
	if e.missing(part, err) {
		return nil
	}
	estimate, err := c.Estimate(e.level)
	if e.missing(part, err) {
		return nil
	}
	return &estimate
}

func (e *evaluation) uno(part string, score []float64) *stats.Estimate {
	tau := math.Inf(1)
	if e.in.Horizon > 0 {
		tau = e.in.Horizon
	}
	return e.concordance(part, func() (survival.Concordance, error) {
		g, err := survival.FitCensoring(e.in.Times)
		if err != nil {
			return survival.Concordance{}, err
		}
		return g.Uno(e.in.Times, score, tau)
	})
}

// hazards fits the Cox models.
func (e *evaluation) hazards(s *SurvivalPart) {
	in := e.in
	mean, deviation := 0.0, 0.0
	for _, v := range in.Score {
		mean += v / float64(len(in.Score))
	}
	for _, v := range in.Score {
		deviation += (v - mean) * (v - mean) / float64(len(in.Score))
	}
	high, score := make([]float64, len(in.Score)), make([]float64, len(in.Score))
	for i, v := range in.Score {
		score[i] = (v - mean) / math.Sqrt(deviation)
		if e.high(v) {
			high[i] = 1
		}
	}
	s.High = e.cox("Cox model of the highest group", tensor.Of(len(high), 1, high), "high risk")
	if deviation == 0 {
		return
	}
	s.Alone = e.cox("Cox model of the score", tensor.Of(len(score), 1, score), "score/SD")
	if in.Covariates.Data == nil {
		return
	}
	c := in.Covariates
	if err := c.Validate(); err != nil || c.Rows != len(score) || in.Names != nil && len(in.Names) != c.Cols {
		e.missing("adjusted Cox model", fmt.Errorf("covariates of %dx%d with %d names for %d patients: %w", c.Rows, c.Cols,
			len(in.Names), len(score), tensor.ErrShape))
		return
	}
	x := tensor.NewMatrix[float64](c.Rows, c.Cols+1)
	for i, v := range score {
		x.Set(i, 0, v)
		copy(x.Row(i)[1:], c.Row(i))
	}
	names := append([]string{"score/SD"}, in.Names...)
	for j := len(names) - 1; j < c.Cols; j++ {
		names = append(names, fmt.Sprintf("x%d", j))
	}
	s.Adjusted = e.cox("adjusted Cox model", x, names...)
}

func (e *evaluation) cox(part string, x tensor.Matrix[float64], names ...string) *survival.Summary {
	m, err := survival.FitCox(e.in.Times, x, survival.WithNames(names...))
	if e.missing(part, err) {
		return nil
	}
	s, err := m.Summary(e.level)
	if e.missing(part, err) {
		return nil
	}
	return &s
}

func (e *evaluation) thresholds() []float64 {
	if e.in.Thresholds != nil {
		return e.in.Thresholds
	}
	var at []float64
	for k := range 11 {
		at = append(at, float64(k)/20)
	}
	return at
}

func (e *evaluation) calibration(call string) error {
	if err := checkProbabilities(call, "Probability", e.in.Probability, len(e.in.Score)); err != nil {
		return err
	}
	p := e.of(e.in.Probability)
	bins, err := stats.Calibrate(p, e.event, 10, stats.EqualMass)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	c := &CalibrationPart{Bins: bins}
	if h, err := HosmerLemeshow(p, e.event, 10); !e.missing("Hosmer-Lemeshow test", err) {
		c.HosmerLemeshow = &h
	}
	if r, err := Recalibrate(p, e.event, e.level); !e.missing("recalibration", err) {
		c.Recalibration = &r
	}
	if c.Decisions, err = DecisionCurve(p, e.event, e.thresholds()...); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	e.r.Calibration = c
	return nil
}

// comparison compares probabilities where there are any, and otherwise scores.
func (e *evaluation) comparison(call string) error {
	in := e.in
	if err := checkScores(call, "Baseline", in.Baseline, len(in.Score)); err != nil {
		return err
	}
	if in.Probability != nil {
		if err := checkProbabilities(call, "Baseline", in.Baseline, len(in.Score)); err != nil {
			return err
		}
	}
	old := e.of(in.Baseline)
	c := &ComparisonPart{}
	var err error
	if c.AUC, err = stats.CompareAUC(e.event, e.score, old, nil, e.level); e.missing("comparison of AUC", err) {
		return nil
	}
	e.r.Comparison = c
	if in.Times != nil {
		c.Uno = e.uno("Uno's C of the baseline", in.Baseline)
	}
	if in.Probability == nil {
		return nil
	}
	p := e.of(in.Probability)
	if m, err := NRI(old, p, e.event, 1e-9, e.level); !e.missing("NRI", err) {
		c.NRI = &m
	}
	if m, err := IDI(old, p, e.event, e.level); !e.missing("IDI", err) {
		c.IDI = &m
	}
	worth, err := CompareDecisions(e.ctx, p, old, e.event, e.thresholds(), e.opts...)
	if !e.missing("difference of net benefits", err) {
		c.Worth = slices.Clip(worth)
	}
	return nil
}
