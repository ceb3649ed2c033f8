package tradeoff

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Estimate is a statistic with its confidence interval.
type Estimate struct {
	Value  float64 // the point estimate
	Lo, Hi float64 // ends of the interval, Lo <= Hi; infinite where the data cannot bound it
	Level  float64 // nominal coverage, such as 0.95
	Method Method  // how the interval was made
	N      int     // runs of the smallest sample behind it
	// Warnings are reasons to distrust the interval, such as [ErrTooFewRuns]: the numbers stand, the level may not.
	Warnings []error
}

// String reads "1.54 [1.31, 1.80] 95% log-t n=5", with a star for each warning.
func (e Estimate) String() string {
	return fmt.Sprintf("%.4g [%.4g, %.4g] %g%% %v n=%d%s", e.Value, e.Lo, e.Hi, 100*e.Level, e.Method, e.N, strings.Repeat("*", len(e.Warnings)))
}

// MarshalJSON writes numbers that are not finite as null, which JSON has no other word for, and warnings as text.
func (e Estimate) MarshalJSON() ([]byte, error) {
	finite := func(v float64) *float64 {
		if v-v != 0 {
			return nil
		}
		return &v
	}
	return json.Marshal(struct {
		Value    *float64 `json:"value"`
		Lo       *float64 `json:"lo"`
		Hi       *float64 `json:"hi"`
		Level    float64  `json:"level"`
		Method   string   `json:"method"`
		N        int      `json:"n"`
		Warnings []string `json:"warnings,omitempty"`
	}{finite(e.Value), finite(e.Lo), finite(e.Hi), e.Level, e.Method.String(), e.N, texts(e.Warnings)})
}

// texts is warnings for JSON, which would have errors as {}.
func texts(warnings []error) []string {
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.Error())
	}
	return texts
}

// Method is how a confidence interval is made.
type Method uint8

// The methods. [Auto] lets the function choose and say in [Estimate.Method] what it chose.
const (
	Auto            Method = iota
	TInterval              // mean +- t s / sqrt(n), Welch's degrees of freedom for two samples
	LogT                   // TInterval of the logarithms, for ratios and geometric means
	Percentile             // type-7 quantiles of the bootstrap replicates
	Basic                  // reflected quantiles, 2 theta - q
	BC                     // bias-corrected quantiles
	BCa                    // bias-corrected and accelerated (Efron 1987), with a jackknife over runs
	Studentized            // bootstrap t
	OrderStatistics        // exact binomial interval for a median
)

var methodNames = [...]string{"auto", "t", "log-t", "percentile", "basic", "bc", "bca", "studentized", "order statistics"}

// String returns the name used in reports.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("Method(%d)", uint8(m))
}
