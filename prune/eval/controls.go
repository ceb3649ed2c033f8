package eval

import (
	"fmt"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// MatchedRandom returns masks that keep as many elements of every parameter as the given ones, chosen at random: what a
// method's layer proportions are worth without its choice of weights. Draws depend on the seed and the parameter's
// name.
func MatchedRandom(masks *prune.Masks, seed uint64) *prune.Masks {
	out := new(prune.Masks)
	for name, m := range masks.All() {
		random := prune.NewMask(m.Len())
		rng := tensor.Stream(seed, hash(name))
		for _, i := range rng.Perm(m.Len())[m.Count():] {
			random.Set(i, false)
		}
		if err := out.Add(name, random); err != nil {
			panic(err) // names of masks are distinct
		}
	}
	return out
}

// MatchedMagnitude returns masks that keep as many elements of every parameter as the given ones, those of largest
// magnitude: what a method's layer proportions are worth with the simplest choice of weights. The error wraps
// tensor.ErrRange or tensor.ErrShape if a mask has no parameter of its length.
func MatchedMagnitude[T tensor.Float](masks *prune.Masks, params []*tensor.Param[T]) (*prune.Masks, error) {
	byName := map[string]*tensor.Param[T]{}
	for _, p := range params {
		byName[p.Name] = p
	}
	out := new(prune.Masks)
	for name, m := range masks.All() {
		p := byName[name]
		if p == nil {
			return nil, fmt.Errorf("eval: no parameter is named %q: %w", name, tensor.ErrRange)
		}
		if len(p.Data) != m.Len() {
			return nil, fmt.Errorf("eval: param %q: %d elements and a mask of %d: %w",
				name, len(p.Data), m.Len(), tensor.ErrShape)
		}
		if m.Len() == 0 {
			if err := out.Add(name, m.Clone()); err != nil {
				return nil, err
			}
			continue
		}
		one, err := prune.ComputeMasks([]*tensor.Param[T]{p}, prune.WithNonzeros(m.Count()), prune.WithMinKeep(0),
			prune.WithCollapse(),
			prune.WithFilter(func(prune.Info) bool { return true }))
		if err != nil {
			return nil, err
		}
		if err := out.Add(name, one.Get(name)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hash is the 64-bit FNV-1a hash.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
