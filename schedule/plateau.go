package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Plateau is stateful and not safe for concurrent use: it lowers a value when a metric stops improving. It follows
// measurements and not time and is therefore not a [Schedule]; its JSON is what a resumed run needs. Rules and defaults
// are those of torch's ReduceLROnPlateau, but for the margin of a relative threshold, which is Threshold times the size
// of the best metric: torch takes the metric itself, so that a negative one that stands still counts as an improvement
// for ever.
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
	Smallest  float64  `json:"smallest_step"`
	Threshold float64  `json:"threshold"`
	Absolute  bool     `json:"absolute"`
	Maximize  bool     `json:"maximize"`
	Best      *float64 `json:"best"` // nil before the first observation
	Bad       int      `json:"bad"`
	Cooling   int      `json:"cooling"`

	given option.Given
}

// Version 1 of the state had no smallest step; it was the default.
const (
	plateauVersion = 2
	smallestStep   = 1e-8
)

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

// WithMinimum sets the value below which nothing is reduced, >= 0 and no more than the value at the start; default 0.
// Whether values come near it is for [WithSmallestStep] as well.
func WithMinimum(v float64) PlateauOption {
	return func(p *plateauState) error {
		p.Minimum = v
		return nil
	}
}

// WithSmallestStep sets what a reduction has to exceed to be made, >= 0; default 1e-8, as torch's eps. By default a
// value of 1e-8 and less is therefore never reduced, whatever the minimum; with 0 every reduction is made.
func WithSmallestStep(v float64) PlateauOption {
	return func(p *plateauState) error {
		p.Smallest = v
		return nil
	}
}

// WithThreshold sets the relative change that counts as an improvement, >= 0; default 1e-4. A metric has to be better
// than the best so far by more than this times the size of the best, whatever its sign. It excludes
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
	p := plateauState{Version: plateauVersion, Value: value, Factor: 0.1, Patience: 10, Threshold: 1e-4,
		Smallest: smallestStep}
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
		atLeast("minimum", p.Minimum, 0).that(!(p.Minimum > p.Value), "minimum", p.Minimum, "no more than the value").
		atLeast("smallest_step", p.Smallest, 0).atLeast("threshold", p.Threshold, 0).
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
		if v := max(s.Value*s.Factor, s.Minimum); s.Value-v > s.Smallest {
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
		margin *= math.Abs(best)
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
	s := plateauState{Smallest: smallestStep}
	if err := strictJSON(b, &s); err != nil {
		return fmt.Errorf("schedule: Plateau: %w: %w", err, ErrSpec)
	}
	if s.Version < 1 || s.Version > plateauVersion {
		return fmt.Errorf("schedule: Plateau: version %d, want at most %d: %w", s.Version, plateauVersion, ErrSpec)
	}
	s.Version = plateauVersion
	if err := s.validate(); err != nil {
		return err
	}
	p.p = s
	return nil
}
