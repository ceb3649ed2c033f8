package schedule

import "math"

// InverseSqrt is Peak*sqrt(Scale/(t+Shift)). Scale and Shift equal are the decay of T5 and, after a
// [Warmup], the inverse_sqrt of Hugging Face with timescale Scale.
type InverseSqrt struct {
	Peak  float64 `json:"peak"`
	Scale float64 `json:"scale" unit:"time"` // > 0
	Shift float64 `json:"shift" unit:"time"` // > 0
}

// Value is the formula above; before 0 it is that of 0.
func (i InverseSqrt) Value(t float64) float64 {
	return bounded(i.Peak * bounded(math.Sqrt(i.Scale/(moment(t)+i.Shift))))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (i InverseSqrt) Validate() error {
	return check("InverseSqrt").finite("Peak", i.Peak).positive("Scale", i.Scale).positive("Shift", i.Shift).err()
}

func (i InverseSqrt) breaks(b *breakSet) { b.add(0) }

// Noam is Scale*Dim^-0.5*min(s^-0.5, s*Warmup^-1.5) with s = t+1: Vaswani et al. 2017.
type Noam struct {
	Scale  float64 `json:"scale"`
	Dim    float64 `json:"dim"`                // width of the model, >= 1
	Warmup float64 `json:"warmup" unit:"time"` // >= 1
}

// Value is the formula above; before 0 it is that of 0.
func (n Noam) Value(t float64) float64 {
	s := moment(t) + 1
	return bounded(n.Scale / math.Sqrt(n.Dim) * min(1/math.Sqrt(s), s/(n.Warmup*math.Sqrt(n.Warmup))))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (n Noam) Validate() error {
	return check("Noam").finite("Scale", n.Scale).atLeast("Dim", n.Dim, 1).atLeast("Warmup", n.Warmup, 1).err()
}

func (n Noam) breaks(b *breakSet) { b.add(0, n.Warmup-1) }
