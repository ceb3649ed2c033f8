package amm

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/report"
)

// Report is how an approximator did on a [Task].
type Report struct {
	Rows int     `json:"rows"`
	NMSE float64 `json:"nmse"` // mean squared error over the variance of all exact outputs
	// by output, over the variance of that one; NaN, and null in JSON, where that is 0. Outputs of little variance can be
	// far worse than NMSE, which those of much variance decide.
	OutputNMSE []float64 `json:"output_nmse"`

	R2 float64 `json:"r2"` // 1 - NMSE
	// correlation of all outputs with the exact ones; NaN, and null in JSON, if the approximation is constant
	Corr float64 `json:"corr"`

	Agreement     float64 `json:"agreement"` // share of the rows whose largest output is that of the exact product
	Labelled      bool    `json:"labelled"`  // whether the task has labels; if not, the accuracies are 0
	Accuracy      float64 `json:"accuracy"`
	ExactAccuracy float64 `json:"exact_accuracy"`

	Cost      Cost    `json:"cost"`         // per row; zero if the approximator is not Costed
	NsPerRow  float64 `json:"ns_per_row"`   // of Mul; 0 if not timed
	NsPerRowT float64 `json:"ns_per_row_t"` // of MulT, feature-major; 0 if not timed or not offered
}

// String is a paragraph for people.
func (r Report) String() string {
	var b strings.Builder
	correlation := "no correlation"
	if !math.IsNaN(r.Corr) {
		correlation = fmt.Sprintf("correlation %.4f", r.Corr)
	}
	fmt.Fprintf(&b, "NMSE %.3g%s, R2 %.4f, %s on %d rows; %.2f%% of the decisions agree",
		r.NMSE, r.worst(), r.R2, correlation, r.Rows, 100*r.Agreement)
	if r.Labelled {
		fmt.Fprintf(&b, "; accuracy %.2f%%, exact %.2f%%", 100*r.Accuracy, 100*r.ExactAccuracy)
	}
	if c := r.Cost; c != (Cost{}) {
		fmt.Fprintf(&b, "; per row %d multiplies, %d adds, %d compares, %d lookups",
			c.Multiplies, c.Adds, c.Compares, c.Lookups)
	}
	if r.NsPerRow > 0 {
		fmt.Fprintf(&b, "; %.3g ns per row", r.NsPerRow)
	}
	if r.NsPerRowT > 0 {
		fmt.Fprintf(&b, ", %.3g feature-major", r.NsPerRowT)
	}
	return b.String()
}

// worst is the error of the output that has the largest, if that is above the pooled one.
func (r Report) worst() string {
	at, largest := 0, r.NMSE
	for m, v := range r.OutputNMSE {
		if v > largest {
			at, largest = m, v
		}
	}
	if !(largest > r.NMSE) {
		return ""
	}
	return fmt.Sprintf(" (%.3g of output %d)", largest, at)
}

// reportJSON is a [Report] with numbers that JSON can hold.
type reportJSON struct {
	*plainReport
	NMSE       report.Number   `json:"nmse"`
	OutputNMSE []report.Number `json:"output_nmse"`
	R2         report.Number   `json:"r2"`
	Corr       report.Number   `json:"corr"`
}

type plainReport Report

// MarshalJSON writes null for a correlation that there is not.
func (r Report) MarshalJSON() ([]byte, error) {
	plain := plainReport(r)
	outputs := make([]report.Number, len(r.OutputNMSE))
	for m, v := range r.OutputNMSE {
		outputs[m] = report.Number(v)
	}
	return json.Marshal(reportJSON{&plain, report.Number(r.NMSE), outputs, report.Number(r.R2), report.Number(r.Corr)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Report) UnmarshalJSON(b []byte) error {
	var plain plainReport
	read := reportJSON{plainReport: &plain}
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	plain.NMSE, plain.R2, plain.Corr = float64(read.NMSE), float64(read.R2), float64(read.Corr)
	for _, v := range read.OutputNMSE {
		plain.OutputNMSE = append(plain.OutputNMSE, float64(v))
	}
	*r = Report(plain)
	return nil
}
