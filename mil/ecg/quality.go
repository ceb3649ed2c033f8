package ecg

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
)

// Quality is what a window of a lead is worth.
type Quality struct {
	From, To int     // samples
	Verdict  Verdict // the first of its faults
	Valid    float64 // share of samples that are not NaN
	Flat     float64 // share of samples in stretches without any change
	Range    float64 // of the valid samples
	Kurtosis float64 // of the valid samples: above 5 where QRS complexes stand out, 3 of noise; NaN of a flat window
}

type qualityJSON struct {
	From     int           `json:"from"`
	To       int           `json:"to"`
	Verdict  Verdict       `json:"verdict"`
	Valid    float64       `json:"valid"`
	Flat     float64       `json:"flat"`
	Range    float64       `json:"range"`
	Kurtosis report.Number `json:"kurtosis"`
}

// MarshalJSON writes a kurtosis that there is not as null.
func (q Quality) MarshalJSON() ([]byte, error) {
	return json.Marshal(qualityJSON{q.From, q.To, q.Verdict, q.Valid, q.Flat, q.Range, report.Number(q.Kurtosis)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (q *Quality) UnmarshalJSON(b []byte) error {
	var j qualityJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*q = Quality{j.From, j.To, j.Verdict, j.Valid, j.Flat, j.Range, float64(j.Kurtosis)}
	return nil
}

// Good reports whether nothing is wrong with the window.
func (q Quality) Good() bool { return q.Verdict == Usable }

// Verdict is what is wrong with a window.
type Verdict uint8

// The verdicts.
const (
	Usable  Verdict = iota
	Missing         // too many samples are NaN
	Flat            // too many do not change
	Wild            // the range is many times that of the other windows
	Noisy           // no peaks stand out
)

var verdicts = enum.Of[Verdict]("verdict", "usable", "missing", "flat", "wild", "noisy")

// String is the verdict's name.
func (v Verdict) String() string { return verdicts.String(v) }

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return verdicts.Marshal(v) }

// UnmarshalText reads a name.
func (v *Verdict) UnmarshalText(text []byte) error { return verdicts.Unmarshal(v, text) }

// QualityOption is a choice of [Assess].
type QualityOption func(*qualityConfig) error

type qualityConfig struct {
	seconds  float64
	missing  float64
	flat     float64
	wild     float64
	kurtosis float64
}

// WithWindow sets the length of the windows in seconds, above 0; default 10.
func WithWindow(seconds float64) QualityOption {
	return func(c *qualityConfig) error {
		c.seconds = seconds
		return option.Range(seconds > 0 && !math.IsInf(seconds, 1), "WithWindow", seconds,
			"a finite number above 0")
	}
}

// WithThresholds sets from when on a window is not usable: a share of missing samples above missing and of flat ones
// above flat, in [0, 1], a range of more than wild times the median range, above 1, and a kurtosis below kurtosis.
// Default 0, 0.5, 8 and 3.5.
func WithThresholds(missing, flat, wild, kurtosis float64) QualityOption {
	return func(c *qualityConfig) error {
		c.missing, c.flat, c.wild, c.kurtosis = missing, flat, wild, kurtosis
		ok := missing >= 0 && missing <= 1 && flat >= 0 && flat <= 1 && wild > 1 && kurtosis-kurtosis == 0
		return option.Range(ok, "WithThresholds", []float64{missing, flat, wild, kurtosis},
			"two shares, a factor above 1 and a kurtosis")
	}
}

// Assess tells which windows of a lead are worth looking at, for [SeriesOf] to take the others as gaps. The last window
// may be up to twice as long. The error wraps [tensor.ErrRange] for a rate that is not above 0 or windows of fewer than
// ten samples, [tensor.ErrNotFinite] for an infinite sample, and [tensor.ErrEmpty].
func Assess[T tensor.Float](x []T, rate float64, opts ...QualityOption) ([]Quality, error) {
	c := qualityConfig{10, 0, 0.5, 8, 3.5}
	if err := option.Apply("ecg: Assess", &c, opts); err != nil {
		return nil, err
	}
	if len(x) == 0 {
		return nil, fmt.Errorf("ecg: Assess: no samples: %w", tensor.ErrEmpty)
	}
	length := c.seconds * rate
	if !(rate > 0) || !(length >= 10) || length > math.MaxInt32 {
		return nil, fmt.Errorf("ecg: Assess: %v samples per second in windows of %v s: %w", rate, c.seconds,
			tensor.ErrRange)
	}
	for i, v := range x {
		if v-v != 0 && v == v {
			return nil, fmt.Errorf("ecg: Assess: x[%d] = %v: %w", i, v, tensor.ErrNotFinite)
		}
	}
	n := max(1, int(float64(len(x))/length))
	windows := make([]Quality, n)
	ranges := make([]float64, 0, n)
	for k := range windows {
		from, to := int(float64(k)*length), int(float64(k+1)*length)
		if k == n-1 {
			to = len(x)
		}
		windows[k] = assess(x[from:to], max(2, int(math.Round(0.2*rate))))
		windows[k].From, windows[k].To = from, to
		if windows[k].Range > 0 {
			ranges = append(ranges, windows[k].Range)
		}
	}
	usual := math.Inf(1)
	if len(ranges) > 0 {
		usual = median(ranges)
	}
	for k := range windows {
		w := &windows[k]
		switch {
		case 1-w.Valid > c.missing:
			w.Verdict = Missing
		case w.Flat > c.flat:
			w.Verdict = Flat
		case w.Range > c.wild*usual:
			w.Verdict = Wild
		case !(w.Kurtosis >= c.kurtosis):
			w.Verdict = Noisy
		}
	}
	return windows, nil
}

// assess measures a window. Stretches of still samples without change are flat.
func assess[T tensor.Float](x []T, still int) Quality {
	var n, sum float64
	lo, hi := math.Inf(1), math.Inf(-1)
	flat, same := 0, 0
	for i, s := range x {
		v := float64(s)
		if v != v {
			same = 0
			continue
		}
		n++
		sum += v
		lo, hi = min(lo, v), max(hi, v)
		if i > 0 && s == x[i-1] {
			same++
		} else {
			same = 1
		}
		switch {
		case same == still:
			flat += still
		case same > still:
			flat++
		}
	}
	q := Quality{Valid: n / float64(len(x)), Flat: float64(flat) / float64(len(x)), Kurtosis: math.NaN()}
	if n == 0 {
		return q
	}
	q.Range = hi - lo
	mean := sum / n
	var second, fourth float64
	for _, s := range x {
		if d := float64(s) - mean; d == d {
			second += d * d / n
			fourth += d * d * d * d / n
		}
	}
	if second > 0 {
		q.Kurtosis = fourth / (second * second)
	}
	return q
}
