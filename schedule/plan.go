package schedule

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// ErrMissingRate reports a conversion between units for which the [Plan] does not say the rate.
var ErrMissingRate = errors.New("plan does not say the rate")

// Plan says how the units of training relate. A rate that is 0 is unknown, and only conversions that
// need it fail.
type Plan struct {
	Total          Duration // length of the run, in any unit but Fraction; the zero value is unknown
	StepsPerEpoch  float64
	SamplesPerStep float64
	TokensPerStep  float64

	// Composer converts durations as MosaicML's Composer does, for runs that have to agree with it. Fractions of the run
	// become steps, or the unit of Total if that is not epochs, epochs become steps, and what comes out is cut to a whole
	// number, in float64: 6 % of 10 steps are 0 steps, and 29 % of 100 are 28.
	Composer bool
}

// Validate reports rates that are negative or not finite and a Total that is a fraction of itself.
func (p Plan) Validate() error {
	err := check("Plan").atLeast("StepsPerEpoch", p.StepsPerEpoch, 0).atLeast("SamplesPerStep", p.SamplesPerStep, 0).
		atLeast("TokensPerStep", p.TokensPerStep, 0).
		that(p.Total.Unit != Fraction, "Total", p.Total, "in a unit other than dur").err()
	return errors.Join(err, p.Total.Validate())
}

// Convert expresses d in another unit. It is computed exactly and rounded once, to the nearest float64, with every
// number standing for the decimal it was written as: 7 % of 100 steps are 7 steps, 0.1 epochs of 30 steps are 3, and a
// third of 300 is 100. Nothing is rounded to whole steps: 6 % of 10 steps are 0.6 steps, where Composer makes 0 of
// them. The error wraps [ErrMissingRate] and names the field of the plan that is missing, or is that of Validate.
func (p Plan) Convert(d Duration, to Unit) (float64, error) {
	if err := errors.Join(p.Validate(), d.Validate(), Duration{0, to}.Validate()); err != nil {
		return 0, err
	}
	v, err := p.resolve(d, to)
	if err != nil {
		return 0, fmt.Errorf("schedule: %w", err)
	}
	return v, nil
}

// resolve is Convert for a plan, a duration and a unit that are known to be valid.
func (p Plan) resolve(d Duration, to Unit) (float64, error) {
	if p.Composer {
		whole, err := p.composed(d)
		if err != nil {
			return 0, fmt.Errorf("%v to %v: %w", d, to, err)
		}
		d = whole
	}
	return p.conversion(d, to)
}

// composed is what Composer takes d for.
func (p Plan) composed(d Duration) (Duration, error) {
	switch {
	case d.Unit == Fraction && p.Total.Value == 0:
		return d, errNoTotal
	case (d.Unit == Epochs || d.Unit == Fraction && p.Total.Unit == Epochs) && p.StepsPerEpoch == 0:
		_, _, err := p.rate(Epochs)
		return d, err
	case d.Unit == Fraction && p.Total.Unit == Epochs:
		d = Duration{d.Value * math.Floor(p.StepsPerEpoch) * p.Total.Value, Steps}
	case d.Unit == Fraction:
		d = Duration{d.Value * p.Total.Value, p.Total.Unit}
	case d.Unit == Epochs:
		d = Duration{d.Value * math.Floor(p.StepsPerEpoch), Steps}
	}
	d.Value = math.Trunc(d.Value)
	if d.Value-d.Value != 0 {
		return d, fmt.Errorf("overflows: %w", tensor.ErrRange)
	}
	return d, nil
}

var errNoTotal = fmt.Errorf("Plan.Total is not set: %w", ErrMissingRate)

// conversion is exact and rounded once.
func (p Plan) conversion(d Duration, to Unit) (float64, error) {
	if d.Unit == to {
		return d.Value, nil
	}
	q, err := p.quotient(d, to)
	if err != nil {
		return 0, fmt.Errorf("%v to %v: %w", d, to, err)
	}
	v := q.value()
	if v-v != 0 {
		return 0, fmt.Errorf("%v to %v overflows: %w", d, to, tensor.ErrRange)
	}
	return v, nil
}

func (p Plan) quotient(d Duration, to Unit) (quotient, error) {
	var q quotient
	from := d.Unit
	q.times(d.Value)
	if (from == Fraction || to == Fraction) && p.Total.Value == 0 {
		return q, errNoTotal
	}
	if from == Fraction {
		q.times(p.Total.Value)
		from = p.Total.Unit
	}
	if to == Fraction {
		q.by(p.Total.Value)
		to = p.Total.Unit
	}
	if from == to {
		return q, nil
	}
	rate, inverse, err := p.rate(from)
	if err != nil {
		return q, err
	}
	q.scale(rate, inverse)
	rate, inverse, err = p.rate(to)
	q.scale(rate, !inverse)
	return q, err
}

// rate is how many steps a unit lasts, or how many of it are in a step if inverse.
func (p Plan) rate(u Unit) (rate float64, inverse bool, err error) {
	name := ""
	switch u {
	case Epochs:
		rate, name = p.StepsPerEpoch, "StepsPerEpoch"
	case Samples:
		rate, name, inverse = p.SamplesPerStep, "SamplesPerStep", true
	case Tokens:
		rate, name, inverse = p.TokensPerStep, "TokensPerStep", true
	default:
		rate = 1
	}
	if rate == 0 {
		err = fmt.Errorf("the Plan's %s is not set: %w", name, ErrMissingRate)
	}
	return rate, inverse, err
}

// Accumulated is the plan of a loop that accumulates the gradients of n batches for every step, where p is that of a
// loop with a step for every batch: there are fewer steps in an epoch and in a Total that counts steps, and more
// samples and tokens in a step. Where n does not divide the batches of an epoch, the rest of them waits for the next
// epoch and StepsPerEpoch is no whole number; a loop that makes a step of the rest has to round it up. The error wraps
// [tensor.ErrRange] if n is below 1, or is that of Validate.
func (p Plan) Accumulated(n int) (Plan, error) {
	if n < 1 {
		return Plan{}, fmt.Errorf("schedule: Plan.Accumulated(%d): want at least 1: %w", n, tensor.ErrRange)
	}
	if p.Total.Unit == Steps {
		p.Total.Value /= float64(n)
	}
	p.StepsPerEpoch /= float64(n)
	p.SamplesPerStep *= float64(n)
	p.TokensPerStep *= float64(n)
	return p, p.Validate()
}

// Progress is how far a run has come, in counters that stay exact when batch sizes or sequence lengths vary.
type Progress struct {
	Step, Sample, Token int64
	Epoch               float64 // passes over the data, with the fraction of the current one
}

// At evaluates a schedule whose time counts axis by the counter of that axis: by tokens when batches vary in
// size. A Fraction has no counter; the error wraps [tensor.ErrRange].
func At(s Schedule, axis Unit, p Progress) (float64, error) {
	switch axis {
	case Steps:
		return s.Value(float64(p.Step)), nil
	case Epochs:
		return s.Value(p.Epoch), nil
	case Samples:
		return s.Value(float64(p.Sample)), nil
	case Tokens:
		return s.Value(float64(p.Token)), nil
	}
	return 0, fmt.Errorf("schedule: At: axis %v has no counter: %w", axis, tensor.ErrRange)
}
