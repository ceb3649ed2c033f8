package eval

import (
	"encoding/json"
	"math"

	"github.com/espalier-ml/espalier/internal/report"
)

// resultJSON is a [Result] with numbers that JSON can hold.
type resultJSON struct {
	*plainResult
	Target         report.Number `json:"target"`
	Ratio          report.Upper  `json:"ratio"`
	Speedup        report.Upper  `json:"speedup"`
	PreTop1        report.Number `json:"pre_top1"`
	PreTop5        report.Number `json:"pre_top5"`
	Top1           report.Number `json:"top1"`
	Top5           report.Number `json:"top5"`
	EffectiveRatio report.Upper  `json:"effective_ratio"`
	LR             report.Number `json:"lr"`
}

type plainResult Result

// MarshalJSON writes null for what is not finite: ratios of models that keep nothing, accuracies that are not known.
func (r Result) MarshalJSON() ([]byte, error) {
	plain := plainResult(r)
	return json.Marshal(resultJSON{&plain, report.Number(r.Target), report.Upper(r.Ratio), report.Upper(r.Speedup),
		report.Number(r.PreTop1), report.Number(r.PreTop5), report.Number(r.Top1), report.Number(r.Top5),
		report.Upper(r.EffectiveRatio), report.Number(r.LR)})
}

// UnmarshalJSON reads what MarshalJSON wrote. Null is +Inf for a ratio and NaN for the other numbers.
func (r *Result) UnmarshalJSON(b []byte) error {
	var plain plainResult
	read := resultJSON{plainResult: &plain}
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	plain.Target, plain.Ratio, plain.Speedup = float64(read.Target), float64(read.Ratio), float64(read.Speedup)
	plain.PreTop1, plain.PreTop5 = float64(read.PreTop1), float64(read.PreTop5)
	plain.Top1, plain.Top5 = float64(read.Top1), float64(read.Top5)
	plain.EffectiveRatio, plain.LR = float64(read.EffectiveRatio), float64(read.LR)
	*r = Result(plain)
	return nil
}

// summaryJSON is a [Summary] with numbers that JSON can hold.
type summaryJSON struct {
	Target  report.Number `json:"target"`
	X       report.Upper  `json:"x"`
	Mean    report.Number `json:"mean"`
	Std     report.Number `json:"std"`
	N       int           `json:"n"`
	Lowest  report.Number `json:"lowest"`
	Highest report.Number `json:"highest"`
}

// MarshalJSON writes null for what is not finite, such as the deviation of one seed.
func (s Summary) MarshalJSON() ([]byte, error) {
	return json.Marshal(summaryJSON{report.Number(s.Target), report.Upper(s.X), report.Number(s.Mean),
		report.Number(s.Std), s.N,
		report.Number(s.Lowest), report.Number(s.Highest)})
}

// UnmarshalJSON reads what MarshalJSON wrote. Null is +Inf for the ratio and NaN for the other numbers.
func (s *Summary) UnmarshalJSON(b []byte) error {
	read := summaryJSON{Std: report.Number(math.NaN())}
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	*s = Summary{Target: float64(read.Target), X: float64(read.X), Mean: float64(read.Mean), Std: float64(read.Std),
		N:      read.N,
		Lowest: float64(read.Lowest), Highest: float64(read.Highest)}
	return nil
}
