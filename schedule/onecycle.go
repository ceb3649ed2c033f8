package schedule

// OneCycle climbs from Initial to Peak until Up, goes back to Initial until Down, and to Final until Total: Smith and
// Topin 2018. With Down 0 there is no middle phase and it goes from Peak to Final at once. The same fields the other
// way round (Peak below Initial) are the momentum that goes against the learning rate.
//
// Libraries differ only in where the phases end. For T steps and a fraction pct: torch has Up = pct*T-1,
// Down = 2*pct*T-2 and Total = T-1, see [TorchOneCycle]; optax has Up = int(pct*T), Total = T and, in its linear form,
// Down = int(pctFinal*T); fastai counts from 0 to 1 with Up = pct, Total = 1.
type OneCycle struct {
	Initial float64 `json:"initial"`
	Peak    float64 `json:"peak"`
	Final   float64 `json:"final"`
	Up      float64 `json:"up" unit:"time"`             // > 0
	Down    float64 `json:"down,omitempty" unit:"time"` // 0, or later than Up
	Total   float64 `json:"total" unit:"time"`          // later than Up and Down
	Shape   Shape   `json:"shape,omitempty"`            // of every phase, cosine by default
}

// TorchOneCycle is torch.optim.lr_scheduler.OneCycleLR with its defaults: a run of total steps, 30 % of them
// to climb from peak/25 to peak, the rest to fall to peak/25/10000 at the last step.
func TorchOneCycle(peak, total float64) OneCycle {
	return OneCycle{Initial: peak / 25, Peak: peak, Final: peak / 25 / 1e4, Up: 0.3*total - 1, Total: total - 1}
}

// Value is that of the phase t lies in; after Total it is Final.
func (o OneCycle) Value(t float64) float64 {
	switch {
	case t >= o.Total:
		return o.Final
	case !(t > o.Up):
		return mix(o.Initial, o.Peak, o.Shape.weight(fraction(t, o.Up)))
	case o.Down == 0:
		return mix(o.Peak, o.Final, o.Shape.weight(fraction(t-o.Up, o.Total-o.Up)))
	case t <= o.Down:
		return mix(o.Peak, o.Initial, o.Shape.weight(fraction(t-o.Up, o.Down-o.Up)))
	}
	return mix(o.Initial, o.Final, o.Shape.weight(fraction(t-o.Down, o.Total-o.Down)))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (o OneCycle) Validate() error {
	return check("OneCycle").finite("Initial", o.Initial).finite("Peak", o.Peak).finite("Final", o.Final).
		positive("Up", o.Up).finite("Down", o.Down).finite("Total", o.Total).shape(o.Shape).
		that(o.Down == 0 || o.Down > o.Up, "Down", o.Down, "0 or later than Up").
		that(o.Total > max(o.Up, o.Down), "Total", o.Total, "later than Up and Down").err()
}

func (o OneCycle) breaks(b *breakSet) {
	b.add(0, o.Up, o.Total)
	if o.Down != 0 {
		b.add(o.Down)
	}
}
