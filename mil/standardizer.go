package mil

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
)

// Standardizer takes the mean of the training instances from each column and divides by their standard deviation, and
// clips what is left: a column that hardly varies in training would otherwise turn a test instance into an outlier of
// hundreds of deviations, which costs some models of the benchmarks six points of accuracy. It is immutable.
type Standardizer struct {
	mean, deviation []float64
	clip            float64
}

// StandardizerOption is a choice of [FitStandardizer].
type StandardizerOption func(*float64) error

// WithClip sets how many deviations an element may be away from the mean, above 0; default 5. +Inf clips nothing.
func WithClip(deviations float64) StandardizerOption {
	return func(clip *float64) error {
		*clip = deviations
		return option.Range(deviations > 0, "WithClip", deviations, "a number above 0")
	}
}

// softening is added to standard deviations, which may be 0.
const softening = 1e-6

// FitStandardizer looks at the instances of training bags. The one option is [WithClip]. The error is that of
// [Bags.Validate], or wraps [tensor.ErrEmpty] if there are no instances or [tensor.ErrNotFinite].
func FitStandardizer[T tensor.Float](b Bags[T], opts ...StandardizerOption) (*Standardizer, error) {
	const call = "mil: FitStandardizer"
	s := &Standardizer{clip: 5}
	if err := option.Apply(call, &s.clip, opts); err != nil {
		return nil, err
	}
	if err := b.validate(call); err != nil {
		return nil, err
	}
	if b.X.Rows == 0 {
		return nil, fmt.Errorf("%s: no instances: %w", call, tensor.ErrEmpty)
	}
	if err := validateFinite(call, "X", b.X); err != nil {
		return nil, err
	}
	s.mean, s.deviation = make([]float64, b.X.Cols), make([]float64, b.X.Cols)
	n := float64(b.X.Rows)
	for i := range b.X.Rows {
		for j, v := range b.X.Row(i) {
			s.mean[j] += float64(v) / n
		}
	}
	for i := range b.X.Rows {
		for j, v := range b.X.Row(i) {
			d := float64(v) - s.mean[j]
			s.deviation[j] += d * d / n
		}
	}
	for j, v := range s.deviation {
		s.deviation[j] = math.Sqrt(v)
	}
	return s, nil
}

// Standardize writes the instances of x, standardized by s, to dst, which may be x itself. The error wraps
// [tensor.ErrShape], [tensor.ErrNotFinite] or, if dst overlaps x without being it, [tensor.ErrOverlap].
func Standardize[T tensor.Float](s *Standardizer, dst, x tensor.Matrix[T]) error {
	const call = "mil: Standardize"
	if err := checkShape(call, "x", x, x.Rows, len(s.mean)); err != nil {
		return err
	}
	if err := checkShape(call, "dst", dst, x.Rows, x.Cols); err != nil {
		return err
	}
	if dst.Overlaps(x) && (&dst.Data[0] != &x.Data[0] || dst.Stride != x.Stride) {
		return fmt.Errorf("%s: dst partly overlaps x: %w", call, tensor.ErrOverlap)
	}
	if err := validateFinite(call, "x", x); err != nil {
		return err
	}
	for i := range x.Rows {
		to := dst.Row(i)
		for j, v := range x.Row(i) {
			z := (float64(v) - s.mean[j]) / (s.deviation[j] + softening)
			to[j] = T(max(-s.clip, min(s.clip, z)))
		}
	}
	return nil
}

type standardizerJSON struct {
	Version   int          `json:"version"`
	Mean      []float64    `json:"mean"`
	Deviation []float64    `json:"deviation"`
	Clip      report.Upper `json:"clip"`
}

// MarshalJSON writes the numbers, for use with other bags later.
func (s *Standardizer) MarshalJSON() ([]byte, error) {
	return json.Marshal(standardizerJSON{1, s.mean, s.deviation, report.Upper(s.clip)})
}

// UnmarshalJSON reads what MarshalJSON wrote. The error wraps [tensor.ErrRange] for another version or numbers that no
// fit gives.
func (s *Standardizer) UnmarshalJSON(b []byte) error {
	const call = "mil: Standardizer"
	var j standardizerJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	ok := j.Version == 1 && len(j.Mean) > 0 && len(j.Mean) == len(j.Deviation) && j.Clip > 0
	for _, v := range j.Deviation {
		ok = ok && v >= 0
	}
	if !ok {
		return fmt.Errorf("%s: version %d, %d means, %d deviations, clip %v: %w", call, j.Version, len(j.Mean),
			len(j.Deviation), float64(j.Clip), tensor.ErrRange)
	}
	*s = Standardizer{j.Mean, j.Deviation, float64(j.Clip)}
	return nil
}
