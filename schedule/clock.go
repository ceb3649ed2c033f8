package schedule

import "math"

// Clock runs a schedule that is written in steps on a time that counts something else, of which a step lasts Step: 0.05
// for epochs of 20 steps, 32 for samples in batches of 32. A time that is a whole step but for rounding is that step,
// so that everything that begins at a step begins there on every clock. [Spec.Compile] makes clocks.
type Clock struct {
	S    Schedule `json:"s"`                // its times are steps, in JSON too
	Step float64  `json:"step" unit:"time"` // > 0
}

// Value is S at t/Step.
func (c Clock) Value(t float64) float64 {
	n, _ := multiple(t, c.Step)
	return c.S.Value(n)
}

// Validate reports a Step out of range and everything wrong with S.
func (c Clock) Validate() error { return check("Clock").positive("Step", c.Step).child("S", c.S).err() }

func (c Clock) breaks(b *breakSet) {
	// A point at an end of the window must not fall out of it by rounding.
	lo, hi := b.lo/c.Step, b.hi/c.Step
	steps := breakSet{lo: lo - math.Abs(lo)*0x1p-50, hi: hi + math.Abs(hi)*0x1p-50}
	if steps.lo-steps.lo != 0 || steps.hi-steps.hi != 0 {
		return
	}
	steps.collect(c.S)
	b.full = b.full || steps.full
	for _, n := range steps.at {
		switch t := n * c.Step; {
		case n >= hi-math.Abs(hi)*0x1p-50 && n <= steps.hi:
			b.add(min(t, b.hi))
		case n <= lo+math.Abs(lo)*0x1p-50:
			b.add(max(t, b.lo))
		default:
			b.add(t)
		}
	}
}

// onSteps is a schedule whose formula counts steps, so that it means nothing, or something else, on another unit.
type onSteps interface {
	// countsSteps is false for values that mean the same in any unit.
	countsSteps() bool
}

// countsSteps is true if lengths have to be rounded to whole steps or a cycle ends one step early.
func (c Cyclic) countsSteps() bool {
	return c.First != math.Floor(c.First) || c.Mult != math.Floor(c.Mult) || c.IncludeFloor
}

func (n Noam) countsSteps() bool { return true }

func (r Triangular) countsSteps() bool { return orOne(r.StepDecay) != 1 }
