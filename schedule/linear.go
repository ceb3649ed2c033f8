package schedule

// Constant is the same value at all times.
type Constant struct {
	V float64 `json:"v"`
}

// Value is V.
func (c Constant) Value(float64) float64 { return c.V }

// Validate reports a V that is not finite, wrapping [tensor.ErrNotFinite].
func (c Constant) Validate() error { return check("Constant").finite("V", c.V).err() }

// Linear goes from From at 0 to To at Over in a straight line and stays there. With From 0.30 and To 0.15 it
// is the masking rate linear-0.3-0.15 of Ankner et al. 2024.
type Linear struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Over float64 `json:"over" unit:"time"` // > 0
}

// Value is From + (To-From)*clamp(t/Over, 0, 1).
func (l Linear) Value(t float64) float64 { return mix(l.From, l.To, 1-fraction(t, l.Over)) }

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (l Linear) Validate() error {
	return check("Linear").finite("From", l.From).finite("To", l.To).positive("Over", l.Over).err()
}

func (l Linear) breaks(b *breakSet) { b.add(0, l.Over) }

// Ramp is From until Start, goes to To in a straight line and stays there from End on: delayed warmups,
// progressive resizing, layer freezing, sequence-length warmup.
type Ramp struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Start float64 `json:"start,omitempty" unit:"time"`
	End   float64 `json:"end" unit:"time"` // > Start
}

// Value is From + (To-From)*clamp((t-Start)/(End-Start), 0, 1).
func (r Ramp) Value(t float64) float64 {
	return mix(r.From, r.To, 1-fraction(t-r.Start, r.End-r.Start))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (r Ramp) Validate() error {
	return check("Ramp").finite("From", r.From).finite("To", r.To).finite("Start", r.Start).finite("End", r.End).
		that(r.End > r.Start, "End", r.End, "later than Start").
		finite("End-Start", r.End-r.Start).err()
}

func (r Ramp) breaks(b *breakSet) { b.add(r.Start, r.End) }
