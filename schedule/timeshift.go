package schedule

import (
	"fmt"
	"math"
)

// Part is a member of a [Sequence]: S until the time Until, counted from the start of the whole.
type Part struct {
	Until float64  `json:"until,omitempty" unit:"time"` // ignored for the last part
	S     Schedule `json:"s"`
}

// Sequence runs its parts one after the other. Each part sees its own time, from 0 at its start; at Until the next
// part is already active (optax's join_schedules). The last part has no end.
type Sequence []Part

// Value is that of the part that t lies in, at its own time.
func (q Sequence) Value(t float64) float64 {
	start := 0.0
	last := len(q) - 1
	for i := range last {
		if !(t >= q[i].Until) {
			return q[i].S.Value(t - start)
		}
		start = q[i].Until
	}
	return q[last].S.Value(t - start)
}

// Validate reports an empty sequence, ends out of order and everything wrong with the parts.
func (q Sequence) Validate() error {
	c := check("Sequence").that(len(q) > 0, "len", len(q), "at least 1")
	end := 0.0
	for i, p := range q {
		if i < len(q)-1 {
			name := fmt.Sprintf("[%d].Until", i)
			c.finite(name, p.Until).that(!(p.Until < end), name, p.Until, "no earlier than the part before")
			end = p.Until
		}
		c.child(fmt.Sprintf("[%d].S", i), p.S)
	}
	return c.err()
}

func (q Sequence) breaks(b *breakSet) {
	start := 0.0
	for i, p := range q {
		end, from := p.Until, 0.0
		if i == len(q)-1 {
			end = math.Inf(1)
		}
		if i == 0 {
			from = math.Inf(-1)
		} else {
			b.add(start)
		}
		b.within(p.S, start, 1, from, end-start)
		start = end
	}
}

// Warmup goes from From to the first value of Then in a straight line over Over, and then runs Then on its own time,
// which begins at Over. In a run of total steps Warmup{Over: 50, Then: Cosine{Over: total}} therefore ends 50 steps
// before its floor: Then has to last total-50, as [WarmupCosine] sees to.
type Warmup struct {
	From float64  `json:"from,omitempty"`
	Over float64  `json:"over" unit:"time"` // >= 0
	Then Schedule `json:"then"`
}

// Value is that of the line before Over, of Then at t-Over from Over on.
func (w Warmup) Value(t float64) float64 {
	if t = moment(t); t >= w.Over {
		return w.Then.Value(t - w.Over)
	}
	return mix(w.From, w.Then.Value(0), 1-fraction(t, w.Over))
}

// Validate reports fields out of range and everything wrong with Then.
func (w Warmup) Validate() error {
	return check("Warmup").finite("From", w.From).atLeast("Over", w.Over, 0).that(!(w.Over > 1<<53), "Over",
		w.Over, "<= 2^53").child("Then", w.Then).err()
}

func (w Warmup) breaks(b *breakSet) {
	b.add(0, w.Over)
	b.within(w.Then, w.Over, 1, 0, math.Inf(1))
}

// Shift moves a schedule By later; a negative By moves it earlier.
type Shift struct {
	S  Schedule `json:"s"`
	By float64  `json:"by" unit:"time"`
}

// Value is S at t-By.
func (s Shift) Value(t float64) float64 { return s.S.Value(t - s.By) }

// Validate reports a By that is not finite and everything wrong with S.
func (s Shift) Validate() error { return check("Shift").finite("By", s.By).child("S", s.S).err() }

func (s Shift) breaks(b *breakSet) { b.within(s.S, s.By, 1, math.Inf(-1), math.Inf(1)) }

// Stretch makes a schedule By times as long, warmups and all: the scale schedule ratio of Composer.
//
// With a Keep, what comes before it is left as it is and only the rest is stretched; with Keep 0 the whole is, what
// comes before 0 included. Composer does that to a warmup whose length
// is not a fraction of the run, and lets the whole, of length T before, end at R*T: set Keep to the warmup and By
// to (R*T-Keep)/(T-Keep).
type Stretch struct {
	S    Schedule `json:"s"`
	By   float64  `json:"by"`                         // > 0
	Keep float64  `json:"keep,omitempty" unit:"time"` // >= 0
}

// Value is S at t/By, or with a Keep S at t until Keep and at Keep+(t-Keep)/By from there on.
func (s Stretch) Value(t float64) float64 {
	if s.Keep == 0 {
		return s.S.Value(t / s.By)
	}
	if !(t > s.Keep) {
		return s.S.Value(t)
	}
	return s.S.Value(s.Keep + (t-s.Keep)/s.By)
}

// Validate reports fields out of range and everything wrong with S.
func (s Stretch) Validate() error {
	return check("Stretch").positive("By", s.By).atLeast("Keep", s.Keep, 0).child("S", s.S).err()
}

func (s Stretch) breaks(b *breakSet) {
	if s.Keep == 0 {
		b.within(s.S, 0, s.By, math.Inf(-1), math.Inf(1))
		return
	}
	b.add(s.Keep)
	b.within(s.S, 0, 1, math.Inf(-1), s.Keep)
	b.within(s.S, s.Keep-s.Keep*s.By, s.By, s.Keep, math.Inf(1))
}

// Repeat plays the first Period of a schedule again and again. It begins anew at multiples of Period as [Step] counts
// them.
type Repeat struct {
	S      Schedule `json:"s"`
	Period float64  `json:"period" unit:"time"` // > 0
}

// Value is S at t modulo Period; before 0 it is S at 0.
func (r Repeat) Value(t float64) float64 {
	t = moment(t)
	if _, whole := multiple(t, r.Period); whole {
		return r.S.Value(0)
	}
	return r.S.Value(math.Mod(t, r.Period))
}

// Validate reports a Period out of range and everything wrong with S.
func (r Repeat) Validate() error {
	return check("Repeat").positive("Period", r.Period).child("S", r.S).err()
}

func (r Repeat) breaks(b *breakSet) {
	b.every(0, r.Period)
	one := breakSet{lo: 0, hi: r.Period}
	one.collect(r.S)
	b.full = b.full || one.full
	for _, t := range one.at {
		if t > 0 && t < r.Period {
			b.every(t, r.Period)
		}
	}
}
