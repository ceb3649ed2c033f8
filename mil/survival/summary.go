package survival

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Summary is a fitted model for people.
type Summary struct {
	N            int           `json:"n"`
	Events       int           `json:"events"`
	Strata       int           `json:"strata"`
	Ties         Ties          `json:"ties"`
	Ridge        float64       `json:"ridge,omitempty"`
	Robust       bool          `json:"robust"` // tests and intervals rest on the robust errors
	Iterations   int           `json:"iterations"`
	Null         float64       `json:"log_likelihood_null"`
	Fitted       float64       `json:"log_likelihood"`
	Coefficients []Coefficient `json:"coefficients"`
	// Likelihood, Wald and Score test that all coefficients are 0, as if the model held. With a ridge they are
	// optimistic.
	Likelihood ChiSquared `json:"likelihood_ratio_test"`
	Wald       ChiSquared `json:"wald_test"`
	Score      ChiSquared `json:"score_test"`
	// Concordance is that on the data of the fit, which is too good; nil where no two can be compared.
	Concordance *stats.Estimate `json:"concordance,omitempty"`
	Warnings    []string        `json:"warnings,omitempty"`
}

// Coefficient is a column of a fitted model.
type Coefficient struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"` // logarithm of the hazard ratio
	SE       float64 `json:"se"`
	RobustSE float64 `json:"robust_se"`
	// HazardRatio is that of one unit of the column; its interval is normal on the scale of the logarithm.
	HazardRatio stats.Estimate `json:"hazard_ratio"`
	Z           float64        `json:"z"`
	P           float64        `json:"p"` // two-sided, of a coefficient of 0
}

// ChiSquared is a test with its statistic and degrees of freedom.
type ChiSquared struct {
	Statistic float64 `json:"statistic"`
	DF        int     `json:"df"`
	P         float64 `json:"p"`
}

func chiSquared(statistic float64, df int) ChiSquared {
	return ChiSquared{statistic, df, distuv.ChiSquared{K: float64(df)}.Survival(statistic)}
}

// fewEvents is how many events a column takes for its interval to keep its level (Peduzzi et al. 1995).
const fewEvents = 10

// Summary is tests and intervals. The level of the intervals is that of [stats.WithLevel], by default 0.95.
func (m *Cox) Summary(opts ...stats.LevelOption) (Summary, error) {
	c := config{call: "survival: Cox.Summary"}
	level, err := levelOf(&c, opts)
	if err != nil {
		return Summary{}, err
	}
	p := len(m.coef)
	s := Summary{N: len(m.times), Strata: len(m.at.strata), Ties: m.options.ties, Ridge: m.options.ridge,
		Robust: m.options.robust || m.options.clusters != nil, Iterations: m.maximum.iterations, Null: m.maximum.null,
		Fitted: m.maximum.value, Likelihood: chiSquared(2*(m.maximum.value-m.maximum.null), p),
		Score: chiSquared(m.maximum.score, p), Wald: chiSquared(m.wald(), p)}
	for _, t := range m.times {
		if t.Event {
			s.Events++
		}
	}
	robust := m.RobustCovariance()
	z := distuv.UnitNormal.Quantile((1 + level) / 2)
	for j, b := range m.coef {
		k := Coefficient{Name: m.names[j], Value: b, SE: math.Sqrt(m.covariance[j*p+j]),
			RobustSE: math.Sqrt(robust.Row(j)[j])}
		se := k.SE
		if s.Robust {
			se = k.RobustSE
		}
		k.Z = b / se
		k.P = math.Erfc(math.Abs(k.Z) / math.Sqrt2)
		k.HazardRatio = stats.Estimate{Value: math.Exp(b), Lo: math.Exp(b - z*se), Hi: math.Exp(b + z*se), Level: level,
			Interval: stats.Normal, N: s.N}
		s.Coefficients = append(s.Coefficients, k)
	}
	if s.Events < fewEvents*p {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d events for %d columns: intervals hold from about %d on",
			s.Events, p,
			fewEvents*p))
	}
	agreement, err := m.concordance(opts)
	switch {
	case errors.Is(err, ErrNoPairs):
		s.Warnings = append(s.Warnings, "no concordance: no two lifetimes can be compared")
	case err != nil:
		return Summary{}, err
	default:
		s.Concordance = &agreement
	}
	return s, nil
}

// wald is b' H b.
func (m *Cox) wald() float64 {
	p, total := len(m.coef), 0.0
	for k := range p { // L' b
		v := 0.0
		for j := k; j < p; j++ {
			v += m.maximum.lower[j*p+k] * m.at.beta[j]
		}
		total += v * v
	}
	return total
}

// concordance is that of the fitted scores.
func (m *Cox) concordance(opts []stats.LevelOption) (stats.Estimate, error) {
	k := newPairs(m.at.sample)
	for at := range k.score {
		k.score[at] = m.at.eta[at]
	}
	k.count()
	if !k.any {
		return stats.Estimate{}, ErrNoPairs
	}
	return k.result().Estimate(opts...)
}

// String is a table.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Cox model, %v: %d lifetimes, %d events", s.Ties, s.N, s.Events)
	if s.Strata > 1 {
		fmt.Fprintf(&b, ", %d strata", s.Strata)
	}
	width := len("column")
	for _, k := range s.Coefficients {
		width = max(width, len(k.Name))
	}
	fmt.Fprintf(&b, "\n%-*s %9s %9s %9s %7s %9s  hazard ratio\n", width, "column", "coef", "se", "robust", "z", "p")
	for _, k := range s.Coefficients {
		fmt.Fprintf(&b, "%-*s %9.4f %9.4f %9.4f %7.3f %9.3g  %.3f [%.3f, %.3f]\n", width, k.Name, k.Value, k.SE,
			k.RobustSE,
			k.Z, k.P, k.HazardRatio.Value, k.HazardRatio.Lo, k.HazardRatio.Hi)
	}
	fmt.Fprintf(&b, "likelihood ratio %.2f on %d df, p=%.3g\n", s.Likelihood.Statistic, s.Likelihood.DF, s.Likelihood.P)
	if s.Concordance != nil {
		fmt.Fprintf(&b, "concordance %v\n", s.Concordance)
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

// levelOf is the level that options say.
func levelOf(c *config, opts []stats.LevelOption) (float64, error) {
	var all []stats.Option
	for _, o := range opts {
		all = append(all, o)
	}
	if i := slices.IndexFunc(opts, func(o stats.LevelOption) bool { return o == nil }); i >= 0 {
		return 0, c.errorf("option %d is nil: %w", i, tensor.ErrEmpty)
	}
	s, err := stats.Read(all...)
	return s.Level, err
}
