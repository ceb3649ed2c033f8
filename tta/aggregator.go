package tta

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Aggregator makes one output of those for the views of an example. It is safe for concurrent use.
type Aggregator interface {
	// Aggregate writes C numbers to dst whose softmax, or sigmoid for one class, is the predicted distribution. views is
	// A rows of C numbers and may not overlap dst. It allocates nothing, and panics with an error that wraps
	// [tensor.ErrShape] if lengths do not fit.
	Aggregate(dst, views []float32)
	// Shape is what Aggregate takes.
	Shape() Shape
}

// Shape is what an [Aggregator] takes and keeps.
type Shape struct {
	Views      int        `json:"views"`
	Classes    int        `json:"classes"`
	Kind       Kind       `json:"kind"` // of the inputs; Any if it does not matter
	Invariance Invariance `json:"invariance"`
}

// Invariance is which constants can be added to logits without changing the prediction, as softmax itself allows. An
// aggregator of which that is not true depends on how the model happens to place its logits.
type Invariance uint8

// The invariances, each implying those before it.
const (
	NoInvariance Invariance = iota
	// Global is that to one constant added to every logit of an example.
	Global
	// PerView is that to a constant of its own for every view.
	PerView
)

var invariances = enum.Of[Invariance]("invariance", "none", "global", "per view")

// String is the invariance's name.
func (i Invariance) String() string { return invariances.String(i) }

// MarshalText writes the name.
func (i Invariance) MarshalText() ([]byte, error) { return invariances.Marshal(i) }

// UnmarshalText reads a name.
func (i *Invariance) UnmarshalText(text []byte) error { return invariances.Unmarshal(i, text) }

// AggregateOption is a choice of [Aggregate].
type AggregateOption interface{ forAggregate(*aggregateConfig) error }

type aggregateConfig struct{ workers int }

// Aggregate aggregates every example: a row of C numbers each. Labels are not needed. The error wraps [ErrPolicy] if
// the aggregator is for other views, classes, kinds or another policy.
func Aggregate(o *Outputs, a Aggregator, opts ...AggregateOption) (tensor.Matrix[float32], error) {
	const call = "Aggregate"
	var c aggregateConfig
	if err := option.Apply("tta: "+call, &c, choices(opts, AggregateOption.forAggregate)); err != nil {
		return tensor.Matrix[float32]{}, err
	}
	if err := matches(call, o, a); err != nil {
		return tensor.Matrix[float32]{}, err
	}
	return aggregate(o, a, c.workers), nil
}

func aggregate(o *Outputs, a Aggregator, workers int) tensor.Matrix[float32] {
	out := tensor.NewMatrix[float32](o.Len(), o.classes)
	tensor.ParallelWorkers(workers, o.Len(), 64, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			a.Aggregate(out.Row(n), o.Example(n))
		}
	})
	return out
}

// matches is an error that wraps [ErrPolicy] if an aggregator is not for these outputs.
func matches(call string, o *Outputs, a Aggregator) error {
	if o == nil || a == nil {
		return fmt.Errorf("tta: %s: no outputs or no aggregator: %w", call, tensor.ErrEmpty)
	}
	s := a.Shape()
	switch {
	case s.Views != o.views || s.Classes != o.classes:
		return fmt.Errorf("tta: %s: an aggregator of %d views of %d classes for outputs of %d views of %d classes: %w",
			call, s.Views, s.Classes, o.views, o.classes, ErrPolicy)
	case s.Kind != Any && s.Kind != o.kind:
		return fmt.Errorf("tta: %s: an aggregator fitted on %v for outputs that are %v: %w",
			call, s.Kind, o.kind, ErrPolicy)
	}
	if f, ok := a.(interface{ Policy() string }); ok && f.Policy() != "" && o.policy != "" && f.Policy() != o.policy {
		return fmt.Errorf("tta: %s: an aggregator of policy %s for outputs of policy %s: %w",
			call, f.Policy(), o.policy, ErrPolicy)
	}
	return nil
}

// checkLengths panics unless dst and views are what a shape says.
func (s Shape) checkLengths(dst, views []float32) {
	if len(dst) != s.Classes || len(views) != s.Views*s.Classes {
		panic(fmt.Errorf("tta: Aggregate: %d and %d numbers for %d views of %d classes: %w",
			len(dst), len(views), s.Views, s.Classes, tensor.ErrShape))
	}
}
