package tta

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Transform makes another input of one. It must not modify x, and is called from several goroutines at once.
type Transform[X any] interface {
	// Name tells transforms apart that do not do the same, with all their parameters.
	Name() string
	Apply(x X) (X, error)
}

// Random is a [Transform] that draws. Where it is part of a view, the generator is keyed by the seed, the example, the
// view and the step, so that no two views draw alike and the order of work does not matter.
type Random[X any] interface {
	Transform[X]
	ApplyRandom(x X, rng *rand.Rand) (X, error)
}

// Func is the transform of a function.
func Func[X any](name string, f func(x X) (X, error)) Transform[X] { return funcTransform[X]{name, f} }

// RandomFunc is the transform of a function that draws. Apply draws from the stream of seed 0.
func RandomFunc[X any](name string, f func(x X, rng *rand.Rand) (X, error)) Random[X] {
	return randomTransform[X]{name, f}
}

type funcTransform[X any] struct {
	name string
	f    func(x X) (X, error)
}

// Name implements [Transform].
func (t funcTransform[X]) Name() string { return t.name }

// Apply implements [Transform].
func (t funcTransform[X]) Apply(x X) (X, error) { return t.f(x) }

type randomTransform[X any] struct {
	name string
	f    func(x X, rng *rand.Rand) (X, error)
}

// Name implements [Transform].
func (t randomTransform[X]) Name() string { return t.name }

// Apply implements [Transform].
func (t randomTransform[X]) Apply(x X) (X, error) { return t.f(x, tensor.Stream(0)) }

// ApplyRandom implements [Random].
func (t randomTransform[X]) ApplyRandom(x X, r *rand.Rand) (X, error) { return t.f(x, r) }

// View is one way to look at an input: transforms in order, none for the input itself.
type View[X any] struct {
	Name  string
	Steps []Transform[X]
	// Original marks the view that counts as the untransformed input: with no steps, or with those that belong to the
	// model's own preparation, such as a centre crop.
	Original bool
	// Classes is a permutation for views that turn one class into another, such as left and right under a mirror: the
	// output for class c of the input is output Classes[c] of the model. Nil changes nothing.
	Classes []int
	// Cost is that of the model on this view relative to others; 0 counts as 1.
	Cost float64
}

// Apply makes the view of an input that is example number example, with generators of the seed.
func (v View[X]) apply(x X, seed uint64, example, view int) (X, error) {
	var err error
	for k, t := range v.Steps {
		if r, ok := t.(Random[X]); ok {
			x, err = r.ApplyRandom(x, tensor.Stream(seed, uint64(example), uint64(view), uint64(k)))
		} else {
			x, err = t.Apply(x)
		}
		if err != nil {
			return x, fmt.Errorf("view %q: %s: %w", v.Name, t.Name(), err)
		}
	}
	return x, nil
}

// cost is Cost with its default.
func (v View[X]) cost() float64 {
	if v.Cost == 0 {
		return 1
	}
	return v.Cost
}

// Policy is an ordered list of views. It is immutable.
type Policy[X any] struct {
	views       []View[X]
	identity    int
	fingerprint string
}

// NewPolicy makes a policy of views with different names, of which at most one is the original. The error wraps
// [tensor.ErrEmpty], [tensor.ErrConflict] for names that are not unique or two originals, or [tensor.ErrRange] for a
// class permutation that is none or a negative cost.
func NewPolicy[X any](views ...View[X]) (*Policy[X], error) {
	p := &Policy[X]{views: slices.Clone(views), identity: -1}
	if len(views) == 0 {
		return nil, fmt.Errorf("tta: NewPolicy: no views: %w", tensor.ErrEmpty)
	}
	names := map[string]int{}
	h := fnv.New64a()
	for a, v := range views {
		if b, ok := names[v.Name]; ok {
			return nil, fmt.Errorf("tta: NewPolicy: views %d and %d are both called %q: %w", b, a, v.Name, tensor.ErrConflict)
		}
		names[v.Name] = a
		if err := v.validate(); err != nil {
			return nil, fmt.Errorf("tta: NewPolicy: view %d (%s): %w", a, v.Name, err)
		}
		if v.Original {
			if p.identity >= 0 {
				return nil, fmt.Errorf("tta: NewPolicy: views %q and %q are both the original: %w",
					views[p.identity].Name, v.Name, tensor.ErrConflict)
			}
			p.identity = a
		}
		// Lengths come first, so that no two lists run together.
		fmt.Fprintf(h, "%d:%s %t %d", len(v.Name), v.Name, v.Original, len(v.Steps))
		for _, t := range v.Steps {
			fmt.Fprintf(h, " %d:%s", len(t.Name()), t.Name())
		}
		fmt.Fprintf(h, " %d:", len(v.Classes))
		for _, c := range v.Classes {
			h.Write(binary.LittleEndian.AppendUint32(nil, uint32(c)))
		}
	}
	p.fingerprint = fmt.Sprintf("%016x", h.Sum64())
	return p, nil
}

func (v View[X]) validate() error {
	for k, t := range v.Steps {
		if t == nil {
			return fmt.Errorf("step %d is nil: %w", k, tensor.ErrEmpty)
		}
	}
	seen := make([]bool, len(v.Classes))
	for c, from := range v.Classes {
		if from < 0 || from >= len(seen) || seen[from] {
			return fmt.Errorf("class %d is output %d, want a permutation of 0 to %d: %w", c, from, len(seen)-1, tensor.ErrRange)
		}
		seen[from] = true
	}
	if !(v.Cost >= 0) {
		return fmt.Errorf("cost %v: %w", v.Cost, tensor.ErrRange)
	}
	return nil
}

// Len is the number of views.
func (p *Policy[X]) Len() int { return len(p.views) }

// Views are the views in order.
func (p *Policy[X]) Views() []View[X] { return slices.Clone(p.views) }

// Names are those of the views.
func (p *Policy[X]) Names() []string {
	names := make([]string, len(p.views))
	for a, v := range p.views {
		names[a] = v.Name
	}
	return names
}

// Costs are those of the views.
func (p *Policy[X]) Costs() []float64 {
	costs := make([]float64, len(p.views))
	for a, v := range p.views {
		costs[a] = v.cost()
	}
	return costs
}

// Identity is the index of the original view, and false if there is none.
func (p *Policy[X]) Identity() (int, bool) { return p.identity, p.identity >= 0 }

// Fingerprint tells policies apart by the names of their views and steps and the permutations of classes. What was
// fitted on outputs of one policy is refused for those of another.
func (p *Policy[X]) Fingerprint() string { return p.fingerprint }

// Select is the policy of some of the views in the given order. Outputs of it and of [Outputs.Select] match. Random
// views draw differently if their index changes. The error is that of [Outputs.Select].
func (p *Policy[X]) Select(views ...int) (*Policy[X], error) {
	if err := checkSelection("Policy.Select", views, len(p.views)); err != nil {
		return nil, err
	}
	s := &Policy[X]{identity: slices.Index(views, p.identity), fingerprint: selectedFingerprint(p.fingerprint, views)}
	if p.identity < 0 {
		s.identity = -1
	}
	for _, a := range views {
		s.views = append(s.views, p.views[a])
	}
	return s, nil
}

// Factor is a choice that the views of a product make independently of others.
type Factor[X any] []Level[X]

// Level is an alternative of a factor.
type Level[X any] struct {
	Name     string
	Steps    []Transform[X] // none to leave the input as it is
	Original bool           // the level that the original view has
	Classes  []int          // see [View]
	Cost     float64        // a factor of the view's cost; 0 counts as 1
}

// Product is the policy of all combinations of levels, the last factor changing fastest, with the steps in the order of
// the factors. A view is called by its levels, "flip/centre/1.04", and is the original if all its levels are.
// Permutations of classes follow one another. The error is that of [NewPolicy], or wraps [tensor.ErrEmpty] for no
// factors or a factor without levels, or [tensor.ErrRange] for more than a million views.
func Product[X any](factors ...Factor[X]) (*Policy[X], error) {
	views := []View[X]{{Original: true, Cost: 1}}
	if len(factors) == 0 {
		return nil, fmt.Errorf("tta: Product: no factors: %w", tensor.ErrEmpty)
	}
	for i, f := range factors {
		if len(f) == 0 {
			return nil, fmt.Errorf("tta: Product: factor %d has no levels: %w", i, tensor.ErrEmpty)
		}
		if len(views)*len(f) > 1_000_000 {
			return nil, fmt.Errorf("tta: Product: more than a million views: %w", tensor.ErrRange)
		}
		next := make([]View[X], 0, len(views)*len(f))
		for _, v := range views {
			for _, l := range f {
				classes, err := compose(v.Classes, l.Classes)
				if err != nil {
					return nil, fmt.Errorf("tta: Product: factor %d, level %q: %w", i, l.Name, err)
				}
				next = append(next, View[X]{
					Name:     strings.TrimPrefix(v.Name+"/"+l.Name, "/"),
					Steps:    slices.Concat(v.Steps, l.Steps),
					Original: v.Original && l.Original,
					Classes:  classes,
					Cost:     v.Cost * View[X]{Cost: l.Cost}.cost(),
				})
			}
		}
		views = next
	}
	return NewPolicy(views...)
}

// compose is the permutation of two transforms, one after the other: class c becomes first[c], and that second of it.
func compose(first, second []int) ([]int, error) {
	switch {
	case first == nil:
		return second, nil
	case second == nil:
		return first, nil
	case len(first) != len(second):
		return nil, fmt.Errorf("permutations of %d and of %d classes: %w", len(first), len(second), tensor.ErrShape)
	}
	both := make([]int, len(first))
	for c, k := range first {
		if k < 0 || k >= len(second) {
			return nil, fmt.Errorf("class %d is %d: %w", c, k, tensor.ErrRange)
		}
		both[c] = second[k]
	}
	return both, nil
}
