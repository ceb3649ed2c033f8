package schedule

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// WSD warms up, stays and decays: a straight line from Initial to Peak over Warmup, Peak for Stable, a decay to Floor
// over Decay, and Floor from then on (Hu et al. 2024, Hägele et al. 2024). With Stable 0 it is the usual warmup and
// cosine or linear decay. Hugging Face starts the warmup at the floor: set Initial to Floor for that.
type WSD struct {
	Initial float64 `json:"initial,omitempty"`
	Peak    float64 `json:"peak"`
	Floor   float64 `json:"floor,omitempty"`
	Warmup  float64 `json:"warmup,omitempty" unit:"time"` // >= 0
	Stable  float64 `json:"stable,omitempty" unit:"time"` // >= 0
	// >= 0; 0 is a drop to Floor, or with Stable 0 as well no decay at all
	Decay float64 `json:"decay,omitempty" unit:"time"`
	Shape Shape   `json:"shape,omitempty"` // of the decay, cosine by default
}

// WarmupCosine is the learning rate that most training scripts have: a straight line from 0 to peak over warmup, then
// half a cosine down to floor, which it reaches at total and keeps. total includes the warmup, which may be 0. The
// error wraps [tensor.ErrNotFinite], or [tensor.ErrRange] for a warmup below 0 and a total that is not above it.
func WarmupCosine(peak, warmup, total, floor float64) (WSD, error) {
	w := WSD{Peak: peak, Floor: floor, Warmup: warmup, Decay: total - warmup}
	if total <= warmup {
		return WSD{}, fmt.Errorf("schedule: WarmupCosine: total is %v, want more than the warmup of %v: %w",
			total, warmup, tensor.ErrRange)
	}
	if err := w.Validate(); err != nil {
		return WSD{}, option.Call("schedule: WarmupCosine", err)
	}
	return w, nil
}

// Value is that of the phase t lies in; the first moment of a phase belongs to it.
func (w WSD) Value(t float64) float64 {
	t = moment(t)
	if t < w.Warmup {
		return mix(w.Initial, w.Peak, 1-t/w.Warmup)
	}
	t -= w.Warmup
	switch {
	case t < w.Stable || w.Stable == 0 && w.Decay == 0:
		return w.Peak
	case w.Decay == 0:
		return w.Floor
	}
	return mix(w.Peak, w.Floor, w.Shape.weight(fraction(t-w.Stable, w.Decay)))
}

// Validate reports fields out of range, wrapping [tensor.ErrRange] or [tensor.ErrNotFinite].
func (w WSD) Validate() error {
	return check("WSD").finite("Initial", w.Initial).finite("Peak", w.Peak).finite("Floor", w.Floor).
		atLeast("Warmup", w.Warmup, 0).atLeast("Stable", w.Stable, 0).atLeast("Decay", w.Decay, 0).
		finite("Warmup+Stable+Decay", w.Warmup+w.Stable+w.Decay).shape(w.Shape).err()
}

func (w WSD) breaks(b *breakSet) {
	b.add(0, w.Warmup)
	if w.Stable != 0 || w.Decay != 0 {
		b.add(w.Warmup+w.Stable, w.Warmup+w.Stable+w.Decay)
	}
}
