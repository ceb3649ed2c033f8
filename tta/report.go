package tta

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/report"
)

// FitReport is how a fit went.
type FitReport struct {
	Method  Method `json:"method"`
	Rows    int    `json:"rows"`
	Views   int    `json:"views"`
	Classes int    `json:"classes"` // that are told apart
	// Active are the views that the aggregator reads.
	Active []int `json:"active"`

	Loss      float64 `json:"loss"`      // mean cross-entropy of the examples it was fitted on, in nats
	Objective float64 `json:"objective"` // with the penalty
	// Gradient is the largest element of the projected gradient, which is 0 at the minimum of a convex objective. It is
	// what tells that the fit is done; NaN where that is not how it ends.
	Gradient   float64 `json:"gradient"`
	Iterations int     `json:"iterations"`
	Converged  bool    `json:"converged"`

	// Centre is what weights are shrunk to. Temperature is that of the untransformed view, or where the mean of all views
	// is a centre that of the mean; 0 where it plays no part.
	Centre      Centre  `json:"centre"`
	Temperature float64 `json:"temperature,omitempty"`
	// Shrinkage is the strength for views, ClassShrinkage that for classes: +Inf is no freedom at all, NaN none of the
	// method's business. With CentreBoth they are those towards the original view.
	Shrinkage      float64 `json:"shrinkage"`
	ClassShrinkage float64 `json:"class_shrinkage"`

	// Epochs are those of the paper's training.
	Epochs []Epoch `json:"epochs,omitempty"`
	// Candidates are what a cross-validation compared.
	Candidates []Candidate `json:"candidates,omitempty"`
	Warnings   []string    `json:"warnings,omitempty"`
}

// Epoch is one pass of stochastic gradient descent.
type Epoch struct {
	Loss     float64 `json:"loss"`     // mean over the batches, each before its step
	Accuracy float64 `json:"accuracy"` // likewise
}

// Candidate is one of those that a cross-validation compared, by examples that it was not fitted on.
type Candidate struct {
	Name   string  `json:"name"`
	Loss   float64 `json:"loss"`   // mean cross-entropy
	Excess float64 `json:"excess"` // over the lowest of its stage
	SE     float64 `json:"se"`     // standard error of the excess, by pairs
	Chosen bool    `json:"chosen,omitempty"`
}

// fitReportJSON has the numbers that may not be finite in a form that JSON has words for.
type fitReportJSON struct {
	plainFitReport
	Gradient       report.Number `json:"gradient"`
	Shrinkage      shrinkage     `json:"shrinkage"`
	ClassShrinkage shrinkage     `json:"class_shrinkage"`
	Temperature    report.Upper  `json:"temperature"`
}

type plainFitReport FitReport

// shrinkage is "none" where there is no such thing and null where it is infinite.
type shrinkage float64

// MarshalJSON writes NaN as "none" and infinity as null.
func (s shrinkage) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(s)) {
		return []byte(`"none"`), nil
	}
	return report.Upper(s).MarshalJSON()
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *shrinkage) UnmarshalJSON(b []byte) error {
	if string(b) == `"none"` {
		*s = shrinkage(math.NaN())
		return nil
	}
	return (*report.Upper)(s).UnmarshalJSON(b)
}

// MarshalJSON writes numbers that are not finite as null, and a shrinkage that there is not as "none".
func (r FitReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(fitReportJSON{plainFitReport(r), report.Number(r.Gradient), shrinkage(r.Shrinkage),
		shrinkage(r.ClassShrinkage), report.Upper(r.Temperature)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *FitReport) UnmarshalJSON(b []byte) error {
	var j fitReportJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = FitReport(j.plainFitReport)
	r.Gradient, r.Temperature = float64(j.Gradient), float64(j.Temperature)
	r.Shrinkage, r.ClassShrinkage = float64(j.Shrinkage), float64(j.ClassShrinkage)
	return nil
}

func newReport(m Method, o *Outputs) FitReport {
	return FitReport{Method: m, Rows: o.Len(), Views: o.views, Classes: labelsOf(o.classes), Gradient: math.NaN(),
		Shrinkage: math.NaN(), ClassShrinkage: math.NaN(), Warnings: append([]string(nil), o.warnings...)}
}

func (r *FitReport) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// solved notes where a solver stopped.
func (r *FitReport) solved(s solution) {
	r.Loss, r.Objective, r.Gradient = s.loss, s.objective, s.gradient
	r.Iterations, r.Converged = s.iterations, s.converged
	if !s.converged {
		r.warn("the solver stopped at a projected gradient of %.2g after %d iterations", s.gradient, s.iterations)
	}
}

// absent warns of classes without a label, whose weights no example speaks for.
func (r *FitReport) absent(o *Outputs) {
	var missing []string
	for y, rows := range o.byClass() {
		if len(rows) == 0 {
			missing = append(missing, fmt.Sprint(y))
		}
	}
	if len(missing) > 0 {
		r.warn("no example has class %s", strings.Join(missing, ", "))
	}
}

// String is the report for people.
func (r FitReport) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%v of %d examples, %d views, %d classes: loss %.4f, reads %d views\n",
		r.Method, r.Rows, r.Views, r.Classes, r.Loss, len(r.Active))
	if !math.IsNaN(r.Shrinkage) {
		fmt.Fprintf(&s, "shrinkage %.3g", r.Shrinkage)
		if !math.IsNaN(r.ClassShrinkage) {
			fmt.Fprintf(&s, ", of classes %.3g", r.ClassShrinkage)
		}
		of := "original view"
		if r.Centre != CentreOriginal {
			of = "mean"
		}
		fmt.Fprintf(&s, "; to: %v; temperature of the %s %.4g\n", r.Centre, of, r.Temperature)
	}
	for _, c := range r.Candidates {
		mark := " "
		if c.Chosen {
			mark = "*"
		}
		fmt.Fprintf(&s, "%s %-28s %8.4f  %+.4f ± %.4f\n", mark, c.Name, c.Loss, c.Excess, c.SE)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&s, "warning: %s\n", w)
	}
	return s.String()
}
