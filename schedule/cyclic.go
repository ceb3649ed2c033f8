package schedule

import "math"

// Cyclic is a linear warmup from 0 to Peak followed by cycles that decay from Peak towards Floor, each
// Mult times as long as the one before: SGDR (Loshchilov and Hutter 2017) and, with Mult 2 and First equal to
// Warmup, the multiplicative cyclic schedule with which Portes et al. 2022 read a whole tradeoff curve
// from one run. A restart goes straight back to Peak; the warmup happens once.
//
// Cycle lengths are whole numbers: First rounded half up, then the previous length times Mult rounded half up, or both
// cut with Truncate. Equal cycles that fill a run exactly are [CosineRestarts]. The cycle index is exact at every
// restart, for any Mult and up to t = 2^53: it is found by counting the cycles, about 3 ns each unless Mult is 1.
type Cyclic struct {
	Warmup float64 `json:"warmup,omitempty" unit:"time"` // steps before the first cycle, >= 0
	First  float64 `json:"first" unit:"time"`            // steps of the first cycle, at least 1 after rounding
	// growth per cycle, 1 or >= 1.01; growth too small to add a step is an error
	Mult  float64 `json:"mult"`
	Peak  float64 `json:"peak"`            // value at the start of a cycle
	Floor float64 `json:"floor,omitempty"` // value a cycle decays to

	PeakDecay float64 `json:"peakDecay,omitempty"` // cycle k starts at Peak*PeakDecay^k; in (0, 1], 0 means 1
	MaxCycles int     `json:"maxCycles,omitempty"` // Floor is held after so many cycles; 0 means no end
	Shape     Shape   `json:"shape,omitempty"`     // form of the decay, cosine by default
	// the last step of a cycle is Floor itself, not one step short of it
	IncludeFloor bool `json:"includeFloor,omitempty"`
	// cycle lengths are cut to whole numbers instead of rounded, as in Composer
	Truncate bool `json:"truncate,omitempty"`
}

// WarmRestarts is torch.optim.lr_scheduler.CosineAnnealingWarmRestarts: cycles of first, first*mult, ... steps from
// peak towards floor, without a warmup.
func WarmRestarts(first, mult, peak, floor float64) Cyclic {
	return Cyclic{First: first, Mult: mult, Peak: peak, Floor: floor}
}

// Validate reports every field out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (c Cyclic) Validate() error {
	e := check("Cyclic").atLeast("Warmup", c.Warmup, 0).finite("First", c.First).atLeast("Mult", c.Mult, 1).
		finite("Peak", c.Peak).finite("Floor", c.Floor).finite("PeakDecay", c.PeakDecay).shape(c.Shape).
		that(c.PeakDecay >= 0 && c.PeakDecay <= 1, "PeakDecay", c.PeakDecay, "in [0, 1]").
		that(c.MaxCycles >= 0, "MaxCycles", c.MaxCycles, ">= 0")
	first, lengths := c.length(), "in [0.5, 2^53]"
	if c.Truncate {
		lengths = "in [1, 2^53]"
	}
	e.that(first >= 1 && first <= 1<<53, "First", c.First, lengths).
		that(c.Warmup <= 1<<53, "Warmup", c.Warmup, "<= 2^53")
	if c.Mult > 1 {
		e.that(c.Mult >= 1.01, "Mult", c.Mult, "1 or >= 1.01")
		e.that(c.next(first) > first, "Mult", c.Mult, "large enough that the first cycle grows by a step")
	}
	if c.IncludeFloor {
		e.that(first >= 2, "First", c.First, ">= 2 if IncludeFloor is set")
	}
	return e.err()
}

// Value is the value for the step after t steps. Before and at NaN it is that of the start.
func (c Cyclic) Value(t float64) float64 {
	t = moment(t)
	if t < c.Warmup {
		return c.Peak * (t / c.Warmup)
	}
	k, start, length := c.locate(t)
	if c.over(k) {
		return c.Floor
	}
	if c.IncludeFloor {
		length--
	}
	peak := c.Peak
	if c.PeakDecay != 0 && k > 0 {
		peak *= math.Pow(c.PeakDecay, float64(k))
	}
	return mix(peak, c.Floor, c.Shape.weight(fraction(t-c.Warmup-start, length)))
}

// CycleAt is the index of the cycle that t lies in, from 0, and the fraction of it that has passed. During
// the warmup the index is -1 and the fraction that of the warmup; after MaxCycles they stay at the last cycle and 1. An
// index that an int does not hold is the largest int.
func (c Cyclic) CycleAt(t float64) (k int, frac float64) {
	t = moment(t)
	if t < c.Warmup {
		return -1, t / c.Warmup
	}
	n, start, length := c.locate(t)
	if c.over(n) {
		return c.MaxCycles - 1, 1
	}
	return int(min(n, math.MaxInt)), (t - c.Warmup - start) / length
}

// IsCycleEnd tells whether step, counted from 0, is the last one of a cycle: the moment to evaluate,
// after the update that used Value(step). It is the step before an element of [Cyclic.Ends].
func (c Cyclic) IsCycleEnd(step int) bool {
	if step < 0 || int64(step) >= 1<<53 {
		return false
	}
	k := c.index(float64(step))
	return k >= 0 && !c.over(k) && c.index(float64(step)+1) > k
}

// Ends lists the ends of the cycles that a run of total steps completes: the number of steps done when
// a cycle is over, which is also the first step of the next one.
func (c Cyclic) Ends(total int) []int {
	var ends []int
	length := c.length()
	for k, end := int64(0), c.Warmup+length; length >= 1 && math.Ceil(end) <= float64(total) && !c.over(k); k++ {
		ends = append(ends, int(math.Ceil(end)))
		length = c.next(length)
		end += length
	}
	return ends
}

// TotalFor is the number of steps of a run that ends with the end of its cycle number cycles (1 for
// the first). It is 0 for cycles < 1 and at most 2^53, or the largest int where that is smaller.
func (c Cyclic) TotalFor(cycles int) int {
	if cycles < 1 {
		return 0
	}
	length := c.length()
	end := c.Warmup + length
	if c.Mult == 1 {
		end = c.Warmup + length*float64(cycles)
	} else {
		for k := 1; k < cycles && end < 1<<53; k++ {
			length = c.next(length)
			end += length
		}
	}
	return int(math.Ceil(min(end, 1<<53, math.MaxInt)))
}

// index is the cycle of t: -1 in the warmup, MaxCycles after the last one.
func (c Cyclic) index(t float64) int64 {
	if t < c.Warmup {
		return -1
	}
	k, _, _ := c.locate(t)
	if c.over(k) {
		return int64(c.MaxCycles)
	}
	return k
}

func (c Cyclic) over(k int64) bool           { return c.MaxCycles > 0 && k >= int64(c.MaxCycles) }
func (c Cyclic) length() float64             { return c.whole(c.First) }
func (c Cyclic) next(length float64) float64 { return c.whole(length * c.Mult) }

func (c Cyclic) whole(length float64) float64 {
	if c.Truncate {
		return math.Floor(length)
	}
	return math.Floor(length + 0.5)
}

func (c Cyclic) breaks(b *breakSet) {
	b.add(0, c.Warmup)
	length := c.length()
	end, k := c.Warmup, int64(0)
	if c.Mult == 1 && b.lo > end { // equal cycles: no need to walk to the window
		k = int64(moment(math.Floor((b.lo - c.Warmup) / length)))
		if c.MaxCycles > 0 {
			k = min(k, int64(c.MaxCycles))
		}
		end += float64(k) * length
		if !c.over(k - 1) {
			b.add(end)
		}
	}
	for ; length >= 1 && end <= b.hi && end < 1<<53 && !c.over(k) && !b.full; k++ {
		end += length
		if c.IncludeFloor {
			b.add(end - 1) // the floor is reached, and held for a step
		}
		b.add(end)
		length = c.next(length)
	}
}

// locate finds the cycle that holds t >= Warmup: its index, its start relative to Warmup and its length. Walking
// the cycles in whole numbers cannot land in the wrong one, as a logarithm of t can.
func (c Cyclic) locate(t float64) (k int64, start, length float64) {
	t -= c.Warmup
	length = c.length()
	if c.Mult == 1 {
		// t/length may round up to the next whole number just below a restart.
		k = int64(t / length)
		if start = float64(k) * length; start > t {
			k--
			start -= length
		}
		return k, start, length
	}
	for t >= start+length {
		start += length
		next := c.next(length)
		if next <= length { // only for values that Validate rejects
			break
		}
		length = next
		k++
		if c.over(k) {
			break
		}
	}
	return k, start, length
}
