package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/report"
)

// Estimate is a statistic with its confidence interval.
type Estimate struct {
	Value    float64  // the point estimate; +Inf for a time that lies beyond the observation
	Lo, Hi   float64  // ends of the interval, Lo <= Hi; infinite where the data cannot bound it
	Level    float64  // nominal coverage, such as 0.95
	Interval Interval // how the interval was made
	N        int      // values of the smallest sample behind it
	// Warnings are reasons to distrust the interval, such as [ErrTooFew]: the numbers stand, the level may not.
	Warnings []error
}

// String reads "1.54 [1.31, 1.80] 95% log-t n=5", with a star for each warning.
func (e Estimate) String() string {
	return fmt.Sprintf("%.4g [%.4g, %.4g] %g%% %v n=%d%s",
		e.Value, e.Lo, e.Hi, 100*e.Level, e.Interval, e.N, strings.Repeat("*", len(e.Warnings)))
}

// exp is the estimate of the exponential, given that of a logarithm: a t interval becomes a [LogT].
func (e Estimate) exp() Estimate {
	e.Value, e.Lo, e.Hi = math.Exp(e.Value), math.Exp(e.Lo), math.Exp(e.Hi)
	if e.Interval == TInterval {
		e.Interval = LogT
	}
	return e
}

type estimateJSON struct {
	Value    report.Upper `json:"value"`
	Lo       report.Lower `json:"lo"`
	Hi       report.Upper `json:"hi"`
	Level    float64      `json:"level"`
	Interval Interval     `json:"interval"`
	N        int          `json:"n"`
	Warnings []string     `json:"warnings,omitempty"`
}

// MarshalJSON writes infinite ends as null, the interval by its name and warnings as texts.
func (e Estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(estimateJSON{report.Upper(e.Value), report.Lower(e.Lo), report.Upper(e.Hi), e.Level, e.Interval,
		e.N,
		report.Texts(e.Warnings)})
}

// UnmarshalJSON reads what MarshalJSON wrote. Warnings have the same texts and still wrap the errors of this package.
func (e *Estimate) UnmarshalJSON(b []byte) error {
	var j estimateJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*e = Estimate{float64(j.Value), float64(j.Lo), float64(j.Hi), j.Level, j.Interval, j.N,
		report.Warnings(j.Warnings, sentinels...)}
	return nil
}
