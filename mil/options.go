package mil

import (
	"math"

	"github.com/espalier-ml/espalier/internal/option"
)

// PoolerOption is a choice of every pooler.
type PoolerOption interface {
	PoolOption
	AttentionOption
	DSMILOption
	PMAOption
}

// SeedOption is a choice of whatever draws.
type SeedOption interface {
	AttentionOption
	DSMILOption
	PMAOption
	SamplerOption
}

// choices are options as functions on a config; nil stays nil.
func choices[C, O any](opts []O, set func(O, *C) error) []func(*C) error {
	all := make([]func(*C) error, len(opts))
	for i, o := range opts {
		if any(o) != nil {
			all[i] = func(c *C) error { return set(o, c) }
		}
	}
	return all
}

// emptyRule is what becomes of an empty bag.
type emptyRule struct {
	given bool
	value float64
}

// WithEmpty gives bags without instances a row of that value, a finite number, and no gradient. By default they are an
// error that wraps [ErrEmptyBag].
func WithEmpty(value float64) PoolerOption { return emptyChoice(value) }

type emptyChoice float64

func (v emptyChoice) to(e *emptyRule) error {
	*e = emptyRule{true, float64(v)}
	return option.Range(!math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0), "WithEmpty", float64(v), "a finite number")
}

func (v emptyChoice) forPool(c *poolConfig) error           { return v.to(&c.empty) }
func (v emptyChoice) forAttention(c *attentionConfig) error { return v.to(&c.empty) }
func (v emptyChoice) forDSMIL(c *dsmilConfig) error         { return v.to(&c.empty) }
func (v emptyChoice) forPMA(c *pmaConfig) error             { return v.to(&c.empty) }

// WithSeed sets the seed of initial weights and of draws; default 0.
func WithSeed(seed uint64) SeedOption { return seedChoice(seed) }

type seedChoice uint64

func (s seedChoice) forAttention(c *attentionConfig) error { return s.to(&c.seed) }
func (s seedChoice) forDSMIL(c *dsmilConfig) error         { return s.to(&c.seed) }
func (s seedChoice) forPMA(c *pmaConfig) error             { return s.to(&c.seed) }
func (s seedChoice) forSampler(c *samplerConfig) error     { return s.to(&c.seed) }

func (s seedChoice) to(seed *uint64) error {
	*seed = uint64(s)
	return nil
}
