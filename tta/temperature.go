package tta

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
)

// TemperatureReport is how outputs were calibrated.
type TemperatureReport struct {
	Temperature float64 `json:"temperature"` // +Inf if the outputs have nothing to say
	Before      float64 `json:"before"`      // mean cross-entropy at a temperature of 1
	After       float64 `json:"after"`       // at the one found, never more than before
	// Warning says why there is no optimum within the bounds, if there is none.
	Warning string `json:"warning,omitempty"`
}

// MarshalJSON writes an infinite temperature as null.
func (r TemperatureReport) MarshalJSON() ([]byte, error) {
	type plain TemperatureReport
	return json.Marshal(struct {
		plain
		Temperature report.Upper `json:"temperature"`
	}{plain(r), report.Upper(r.Temperature)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *TemperatureReport) UnmarshalJSON(b []byte) error {
	type plain TemperatureReport
	var j struct {
		plain
		Temperature report.Upper `json:"temperature"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = TemperatureReport(j.plain)
	r.Temperature = float64(j.Temperature)
	return nil
}

// largestInverse bounds the inverse temperature: outputs of which the largest is always right have no optimum.
const largestInverse = 1000

// FitTemperature finds the temperature that minimises the mean cross-entropy of what an aggregator makes of the
// outputs: Single of the original view calibrates the model itself, any other the aggregate, of which means of
// probabilities need it most. The loss is convex in the inverse temperature, which is found to rounding in [0, 1000].
//
// If the largest output is the label in every example the loss falls for ever; the temperature is then 1/1000 and the
// report warns. If outputs are no better than a guess, the temperature is +Inf, every prediction uniform, and the
// report warns. Options are [WithWorkers]; errors are those of [Aggregate], or wrap [ErrLabel].
func FitTemperature(o *Outputs, a Aggregator, opts ...FitOption) (*Scaled, TemperatureReport, error) {
	const call = "FitTemperature"
	c, err := configure(call, opts)
	if err == nil {
		err = o.labelled(call)
	}
	if err == nil {
		err = matches(call, o, a)
	}
	if err != nil {
		return nil, TemperatureReport{}, err
	}
	out := aggregate(o, a, c.workers)
	if err := tensor.ValidateFinite("outputs", out.Data); err != nil {
		return nil, TemperatureReport{}, fmt.Errorf("tta: %s: aggregated: %w", call, err)
	}
	t := newTempering(out, o.labels)
	inverse := t.minimize(0, largestInverse)
	r := TemperatureReport{Temperature: 1 / inverse, Before: t.loss(1), After: t.loss(inverse)}
	switch inverse {
	case 0:
		r.Warning = "outputs are no better than a guess: predictions are uniform"
	case largestInverse:
		r.Warning = fmt.Sprintf("the loss falls as long as the temperature does, and was stopped at 1/%d: "+
			"there are too few mistakes to calibrate", largestInverse)
	}
	return &Scaled{of: a, inverse: float32(inverse)}, r, nil
}

// tempering is the mean cross-entropy of outputs as a function of the inverse temperature.
type tempering struct {
	z tensor.Matrix[float32] // less the label's output
}

// newTempering keeps differences from the label's output; one logit becomes two classes.
func newTempering(out tensor.Matrix[float32], labels []int) tempering {
	wide := labelsOf(out.Cols)
	t := tempering{z: tensor.NewMatrix[float32](out.Rows, wide)}
	for n, y := range labels {
		row := t.z.Row(n)
		if out.Cols == 1 {
			row[1] = out.At(n, 0)
		} else {
			copy(row, out.Row(n))
		}
		shift(row, -row[y])
	}
	return t
}

func (t tempering) loss(b float64) float64 {
	v, _, _ := t.eval(b)
	return v
}

// eval is the loss with its first and second derivatives.
func (t tempering) eval(b float64) (value, first, second float64) {
	for n := range t.z.Rows {
		row := t.z.Row(n)
		top := b * float64(tensor.Max(row))
		sum, one, two := 0.0, 0.0, 0.0
		for _, v := range row {
			x := float64(v)
			e := math.Exp(b*x - top)
			sum += e
			one += e * x
			two += e * x * x
		}
		one, two = one/sum, two/sum
		value += top + math.Log(sum)
		first += one
		second += two - one*one
	}
	n := float64(t.z.Rows)
	return value / n, first / n, second / n
}

// minimize is Newton's method kept between points where the derivative has either sign.
func (t tempering) minimize(lo, hi float64) float64 {
	if _, d, _ := t.eval(lo); d >= 0 {
		return lo
	}
	if _, d, _ := t.eval(hi); d <= 0 {
		return hi
	}
	b := min(max(1, lo), hi)
	for range 200 {
		_, d, dd := t.eval(b)
		if d > 0 {
			hi = b
		} else {
			lo = b
		}
		next := b - d/dd
		if !(next > lo && next < hi) {
			next = lo + (hi-lo)/2
		}
		if math.Abs(next-b) <= 1e-13*b {
			return next
		}
		b = next
	}
	return b
}

// calibratedView is the inverse temperature of a view for the given examples, all of them for nil, within bounds.
func calibratedView(o *Outputs, rows []int, view int) float64 {
	return viewTempering(o, rows, view).minimize(inverseBounds[0], inverseBounds[1])
}

// carefully is the inverse temperature within bounds, with a weak prior: the logarithm of the temperature is normal
// with a standard deviation of 1/2, so that most temperatures are expected from 0.4 to 2.7. It weighs as much as four
// examples, which matters where there are few, and decides where there is no optimum: a view that is right in all of
// 50 examples is no evidence for a temperature near 0. atBound says so.
func (t tempering) carefully() (inverse float64, atBound bool) {
	free := t.minimize(inverseBounds[0], inverseBounds[1])
	return t.withPrior(), free == inverseBounds[0] || free == inverseBounds[1]
}

func viewTempering(o *Outputs, rows []int, view int) tempering {
	if rows == nil {
		rows = span(0, o.Len())
	}
	out := tensor.NewMatrix[float32](len(rows), o.classes)
	labels := make([]int, len(rows))
	for k, n := range rows {
		copy(out.Row(k), o.View(n, view))
		labels[k] = o.labels[n]
	}
	return newTempering(out, labels)
}

// meanTempering is of the mean of all views.
func meanTempering(o *Outputs, rows []int) tempering {
	if rows == nil {
		rows = span(0, o.Len())
	}
	out := tensor.NewMatrix[float32](len(rows), o.classes)
	labels := make([]int, len(rows))
	for k, n := range rows {
		for a := range o.views {
			tensor.Axpy(out.Row(k), 1/float32(o.views), o.View(n, a))
		}
		labels[k] = o.labels[n]
	}
	return newTempering(out, labels)
}

// withPrior minimises the loss plus 4u²/2N in u, the logarithm of the inverse temperature, by Newton's method kept
// between points where the derivative has either sign.
func (t tempering) withPrior() float64 {
	weight := 4 / float64(t.z.Rows)
	lo, hi := math.Log(inverseBounds[0]), math.Log(inverseBounds[1])
	u := 0.0
	for range 100 {
		b := math.Exp(u)
		_, first, second := t.eval(b)
		d := b*first + weight*u
		if d > 0 {
			hi = u
		} else {
			lo = u
		}
		next := u - d/(b*b*second+b*first+weight)
		if !(next > lo && next < hi) {
			next = lo + (hi-lo)/2
		}
		if math.Abs(next-u) <= 1e-10 {
			break
		}
		u = next
	}
	return math.Exp(u)
}
