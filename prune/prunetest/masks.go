package prunetest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckMasks runs a pruner with the given options over 200 steps of a loop whose optimizer writes noise, infinities
// and NaN among it, to weights and to two slots of state, and fails the test unless after every step
//
//   - pruned weights and their state are exactly zero, and not negative zero; those that come back start from there;
//   - what is kept is as the optimizer left it, to the bit;
//   - masks only lose elements, unless grow is allowed with [prune.WithRegrow] or [prune.WithRewire];
//   - the numbers that the step reports are those of the masks;
//   - another number of workers, and saving and loading in the middle, give the same masks.
//
// What is not finite goes only to the state of pruned weights: a score of it would be an error. The parameters are
// changed.
func CheckMasks[T tensor.Float](t testing.TB, params []*tensor.Param[T], opts ...prune.Option) {
	t.Helper()
	const steps = 200
	start := snapshot(params)
	var want []*prune.Masks
	for round, workers := range []int{1, 5} {
		for i, p := range params {
			copy(p.Data, start[2*i])
			copy(p.Grad, start[2*i+1])
		}
		l, err := newLoop(params, append(opts[:len(opts):len(opts)], prune.WithWorkers(workers)))
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		for step := range steps {
			if round == 1 && step == steps/2 {
				if err := l.reload(); err != nil {
					t.Errorf("saving and loading at step %d: %v", step, err)
					return
				}
			}
			l.noise(step)
			masks, problem := l.step(step)
			if problem != "" {
				t.Errorf("step %d: %s", step, problem)
				return
			}
			if round == 0 {
				want = append(want, masks)
			} else if !want[step].Equal(masks) {
				t.Errorf("step %d: masks differ with %d workers, or after saving and loading", step, workers)
				return
			}
		}
	}
}

// loop is a pruner, what it prunes, and the state of an optimizer.
type loop[T tensor.Float] struct {
	params []*tensor.Param[T]
	slots  map[string][2][]T
	opts   []prune.Option
	pruner *prune.Pruner[T]
	last   *prune.Masks
}

func newLoop[T tensor.Float](params []*tensor.Param[T], opts []prune.Option) (*loop[T], error) {
	l := &loop[T]{params: params, slots: map[string][2][]T{}, opts: opts}
	for _, p := range params {
		l.slots[p.Name] = [2][]T{make([]T, len(p.Data)), make([]T, len(p.Data))}
	}
	return l, l.make()
}

func (l *loop[T]) make() (err error) {
	if l.pruner, err = prune.New(l.params, l.opts...); err != nil {
		return err
	}
	l.pruner.Track(func(p *tensor.Param[T], visit func([]T)) {
		visit(nil) // state that does not exist yet
		visit(l.slots[p.Name][0])
		visit(l.slots[p.Name][1])
	})
	return nil
}

func (l *loop[T]) reload() error {
	b, err := l.pruner.MarshalBinary()
	if err != nil {
		return err
	}
	if err := l.make(); err != nil {
		return err
	}
	return l.pruner.UnmarshalBinary(b)
}

// noise is an optimizer's step gone wrong.
func (l *loop[T]) noise(step int) {
	bad := []T{T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1)), T(math.Copysign(0, -1))}
	for i, p := range l.params {
		rng := tensor.Stream(9, uint64(step), uint64(i))
		var mask *prune.Mask
		if l.last != nil {
			mask = l.last.Get(p.Name)
		}
		for j := range p.Data {
			pruned := mask != nil && !mask.Keep(j)
			for k, x := range [][]T{p.Data, l.slots[p.Name][0], l.slots[p.Name][1]} {
				if x[j] += T(0.1 * rng.NormFloat64()); pruned && k > 0 && rng.IntN(4) == 0 {
					x[j] = bad[rng.IntN(len(bad))]
				}
			}
			if p.Grad != nil {
				p.Grad[j] = T(rng.NormFloat64())
			}
		}
	}
}

// step steps the pruner and says what is wrong afterwards.
func (l *loop[T]) step(step int) (*prune.Masks, string) {
	before := map[string][3][]T{}
	for _, p := range l.params {
		before[p.Name] = [3][]T{append([]T(nil), p.Data...), append([]T(nil), l.slots[p.Name][0]...),
			append([]T(nil), l.slots[p.Name][1]...)}
	}
	info, err := l.pruner.Step(step)
	if err != nil {
		return nil, err.Error()
	}
	masks := l.pruner.Masks()
	pruned, grown := 0, 0
	for name, m := range masks.All() {
		old := prune.NewMask(m.Len())
		if l.last != nil {
			old = l.last.Get(name)
		}
		pruned += old.AndNot(m).Count()
		grown += m.AndNot(old).Count()
	}
	if info.Pruned != pruned || info.Grown != grown || info.Sparsity != masks.Sparsity() {
		return nil, "StepInfo does not tell what changed"
	}
	for _, p := range l.params {
		mask := masks.Get(p.Name)
		for k, x := range [][]T{p.Data, l.slots[p.Name][0], l.slots[p.Name][1]} {
			for j, v := range x {
				switch was := before[p.Name][k][j]; {
				case mask != nil && !mask.Keep(j):
					if v != 0 || math.Signbit(float64(v)) {
						return nil, "a pruned element of " + p.Name + " or its state is not zero\nWhat is pruned must stay zero " +
							"whatever an optimizer does."
					}
				case mask != nil && l.last != nil && !l.last.Get(p.Name).Keep(j):
					if v != 0 {
						return nil, "an element of " + p.Name + " or its state comes back with a value other than zero"
					}
				case v != was && (v == v || was == was) && !(info.Updated && v == 0): // Rewire may drop and grow it at once
					return nil, "a kept element of " + p.Name + " or its state was changed"
				}
			}
		}
	}
	l.last = masks
	return masks, ""
}
