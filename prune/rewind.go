package prune

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Snapshot is a copy of a model's weights by name of the parameter.
type Snapshot[T tensor.Float] map[string][]T

// Snapshot copies the weights as they are now, for [Pruner.Rewind].
func (p *Pruner[T]) Snapshot() Snapshot[T] {
	s := Snapshot[T]{}
	for i, param := range p.pick.params {
		s[p.pick.infos[i].Name] = append([]T(nil), param.Data...)
	}
	return s
}

// Rewind sets the weights back to a snapshot and keeps the masks: rewinding as in the lottery ticket experiments, to
// the initial weights or to those of an early step (Frankle et al. 2019). Tracked optimizer state becomes zero. The
// error wraps tensor.ErrShape if the snapshot is of another model; nothing is changed then.
func (p *Pruner[T]) Rewind(s Snapshot[T]) error {
	for i, param := range p.pick.params {
		if w, ok := s[p.pick.infos[i].Name]; !ok || len(w) != len(param.Data) {
			return fmt.Errorf("prune: Rewind: param %q has %d elements, the snapshot %d: %w",
				p.pick.infos[i].Name, len(param.Data), len(w), tensor.ErrShape)
		}
	}
	if err := p.checkLengths(); err != nil {
		return err
	}
	for i, param := range p.pick.params {
		copy(param.Data, s[p.pick.infos[i].Name])
		for _, slots := range p.state.tracked {
			slots(param, func(slot []T) { clear(slot) })
		}
	}
	p.applyAll()
	return nil
}

// ReplayFrom is learning-rate rewinding (Renda, Frankle and Carbin 2020): up to step at it is v, and from there on v
// once more from step back on. Weights are kept. It is itself a function of the step, and can be nested for several
// rounds.
func ReplayFrom(v Valuer, at, back float64) Valuer { return replay{v, at, back} }

type replay struct {
	v        Valuer
	at, back float64
}

func (r replay) Value(t float64) float64 {
	if t < r.at {
		return r.v.Value(t)
	}
	return r.v.Value(t - r.at + r.back)
}
