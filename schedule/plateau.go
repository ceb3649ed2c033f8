package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Plateau is stateful and not safe for concurrent use: it lowers a value when a metric stops improving. It
// follows measurements and not time and is therefore not a [Schedule]; its JSON is what a resumed run
// needs. Rules and defaults are those of torch's ReduceLROnPlateau.
type Plateau struct {
	p plateauState
}

type plateauState struct {
	Version   int      `json:"version"`
	Value     float64  `json:"value"`
	Factor    float64  `json:"factor"`
	Patience  int      `json:"patience"`
	Cooldown  int      `json:"cooldown"`
	Minimum   float64  `json:"minimum"`
	Threshold float64  `json:"threshold"`
	Absolute  bool     `json:"absolute"`
	Maximize  bool     `json:"maximize"`
	Best      *float64 `json:"best"` // nil before the first observation
	Bad       int      `json:"bad"`
	Cooling   int      `json:"cooling"`

	given option.Given
}

// plateauEps is the smallest change worth making, as in torch.
const plateauEps = 1e-8

// PlateauOption changes a default of [NewPlateau].
type PlateauOption func(*plateauState) error

// WithFactor sets what a reduction multiplies the value by, in (0, 1); default 0.1.
func WithFactor(f float64) PlateauOption {
	return func(p *plateauState) error {
		p.Factor = f
		return nil
	}
}

// WithPatience sets how many observations without improvement are tolerated before the next one reduces
// the value, >= 0; default 10.
func WithPatience(n int) PlateauOption {
	return func(p *plateauState) error {
		p.Patience = n
		return nil
	}
}

// WithCooldown sets how many observations after a reduction do not count as bad, >= 0; default 0.
func WithCooldown(n int) PlateauOption {
	return func(p *plateauState) error {
		p.Cooldown = n
		return nil
	}
}

// WithMinimum sets the value below which nothing is reduced, >= 0; default 0.
func WithMinimum(v float64) PlateauOption {
	return func(p *plateauState) error {
		p.Minimum = v
		return nil
	}
}

// WithThreshold sets the relative change that counts as an improvement, >= 0; default 1e-4. It excludes
// [WithAbsoluteThreshold].
func WithThreshold(v float64) PlateauOption {
	return func(p *plateauState) error {
		p.Threshold, p.Absolute = v, false
		p.given.Mark("WithThreshold")
		return nil
	}
}

// WithAbsoluteThreshold sets the absolute change that counts as an improvement, >= 0. It excludes
// [WithThreshold].
func WithAbsoluteThreshold(v float64) PlateauOption {
	return func(p *plateauState) error {
		p.Threshold, p.Absolute = v, true
		p.given.Mark("WithAbsoluteThreshold")
		return nil
	}
}

// WithMaximize says that larger metrics are better; by default smaller ones are.
func WithMaximize() PlateauOption {
	return func(p *plateauState) error {
		p.Maximize = true
		return nil
	}
}

// NewPlateau starts at value, which is > 0. The error joins everything out of range, wrapping
// [tensor.ErrRange] or [tensor.ErrNotFinite], nil options, [tensor.ErrEmpty], and options that contradict each other,
// [tensor.ErrConflict].
func NewPlateau(value float64, opts ...PlateauOption) (*Plateau, error) {
	p := plateauState{Version: 1, Value: value, Factor: 0.1, Patience: 10, Threshold: 1e-4}
	err := option.Apply("schedule: NewPlateau", &p, opts)
	conflict := p.given.Exclusive("WithThreshold", "WithAbsoluteThreshold")
	if err := errors.Join(err, option.Call("schedule: NewPlateau", errors.Join(conflict, p.validate()))); err != nil {
		return nil, err
	}
	p.given = nil
	return &Plateau{p}, nil
}

func (p plateauState) validate() error {
	c := check("Plateau").positive("value", p.Value).positive("factor", p.Factor).that(!(p.Factor >= 1), "factor",
		p.Factor, "< 1").
		that(p.Patience >= 0, "patience", p.Patience, ">= 0").that(p.Cooldown >= 0, "cooldown", p.Cooldown, ">= 0").
		atLeast("minimum", p.Minimum, 0).atLeast("threshold", p.Threshold, 0).
		that(p.Bad >= 0, "bad", p.Bad, ">= 0").that(p.Cooling >= 0, "cooling", p.Cooling, ">= 0")
	if p.Best != nil {
		c.finite("best", *p.Best)
	}
	return c.err()
}

// Value is the current value.
func (p *Plateau) Value() float64 { return p.p.Value }

// Observe takes the metric of an evaluation and returns the value to use from now on. A metric that is NaN
// or infinite is an error wrapping [tensor.ErrNotFinite] and changes nothing.
func (p *Plateau) Observe(metric float64) (float64, error) {
	if metric-metric != 0 {
		return p.p.Value, fmt.Errorf("schedule: Plateau.Observe: metric %v: %w", metric, tensor.ErrNotFinite)
	}
	s := &p.p
	if s.improves(metric) {
		s.Best, s.Bad = &metric, 0
	} else {
		s.Bad = min(s.Bad, math.MaxInt-1) + 1
	}
	if s.Cooling > 0 {
		s.Cooling--
		s.Bad = 0
	}
	if s.Bad > s.Patience {
		if v := max(s.Value*s.Factor, s.Minimum); s.Value-v > plateauEps {
			s.Value = v
		}
		s.Cooling, s.Bad = s.Cooldown, 0
	}
	return s.Value, nil
}

func (p plateauState) improves(metric float64) bool {
	if p.Best == nil {
		return true
	}
	best, margin := *p.Best, p.Threshold
	if !p.Absolute {
		margin *= *p.Best
	}
	if p.Maximize {
		return metric > best+margin
	}
	return metric < best-margin
}

// MarshalJSON is the whole state, options included.
func (p *Plateau) MarshalJSON() ([]byte, error) { return json.Marshal(p.p) }

// UnmarshalJSON restores what MarshalJSON wrote. Unknown fields, another version and values out of range
// are errors and leave p as it was.
func (p *Plateau) UnmarshalJSON(b []byte) error {
	var s plateauState
	if err := strictJSON(b, &s); err != nil {
		return fmt.Errorf("schedule: Plateau: %w: %w", err, ErrSpec)
	}
	if s.Version != 1 {
		return fmt.Errorf("schedule: Plateau: version %d, want 1: %w", s.Version, ErrSpec)
	}
	if err := s.validate(); err != nil {
		return err
	}
	p.p = s
	return nil
}
