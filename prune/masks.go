package prune

import (
	"fmt"
	"iter"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Masks are the masks of a model's prunable parameters, by name and in the order of the parameters.
type Masks struct {
	names []string
	masks []*Mask
	index map[string]int
}

// Add appends a mask. Errors wrap [ErrDuplicateName], and tensor.ErrEmpty for a nil mask.
func (m *Masks) Add(name string, mask *Mask) error {
	if mask == nil {
		return fmt.Errorf("prune: mask of %q is nil: %w", name, tensor.ErrEmpty)
	}
	if _, twice := m.index[name]; twice {
		return fmt.Errorf("prune: two masks are named %q: %w", name, ErrDuplicateName)
	}
	if m.index == nil {
		m.index = map[string]int{}
	}
	m.index[name] = len(m.names)
	m.names = append(m.names, name)
	m.masks = append(m.masks, mask)
	return nil
}

// Get returns the mask of a parameter, or nil if it has none: it is not pruned.
func (m *Masks) Get(name string) *Mask {
	if i, ok := m.index[name]; ok {
		return m.masks[i]
	}
	return nil
}

// get is Get for masks that may be nil.
func (m *Masks) get(name string) *Mask {
	if m == nil {
		return nil
	}
	return m.Get(name)
}

// Len is the number of masks.
func (m *Masks) Len() int { return len(m.names) }

// Names lists the parameters in order.
func (m *Masks) Names() []string { return slices.Clone(m.names) }

// All ranges over names and masks in order.
func (m *Masks) All() iter.Seq2[string, *Mask] {
	return func(yield func(string, *Mask) bool) {
		for i, name := range m.names {
			if !yield(name, m.masks[i]) {
				return
			}
		}
	}
}

// Count is the number of elements kept and the number of all.
func (m *Masks) Count() (kept, of int) {
	for _, mask := range m.masks {
		kept += mask.Count()
		of += mask.Len()
	}
	return kept, of
}

// Sparsity is the fraction of elements pruned, 0 if there are none.
func (m *Masks) Sparsity() float64 {
	kept, of := m.Count()
	if of == 0 {
		return 0
	}
	return float64(of-kept) / float64(of)
}

// Clone is a deep copy.
func (m *Masks) Clone() *Masks {
	c := new(Masks)
	for name, mask := range m.All() {
		must(c.Add(name, mask.Clone()))
	}
	return c
}

// Equal reports whether both have equal masks under the same names in the same order.
func (m *Masks) Equal(o *Masks) bool {
	return slices.Equal(m.names, o.names) && slices.EqualFunc(m.masks, o.masks, (*Mask).Equal)
}

// And, Or, AndNot and Xor combine masks of the same names, as the methods of [Mask] do. The error wraps
// tensor.ErrShape if names or lengths differ.
func (m *Masks) And(o *Masks) (*Masks, error) { return m.combine(o, (*Mask).And) }

// Or keeps what either keeps; see [Masks.And].
func (m *Masks) Or(o *Masks) (*Masks, error) { return m.combine(o, (*Mask).Or) }

// AndNot keeps what m keeps and o does not; see [Masks.And].
func (m *Masks) AndNot(o *Masks) (*Masks, error) { return m.combine(o, (*Mask).AndNot) }

// Xor keeps what exactly one keeps; see [Masks.And].
func (m *Masks) Xor(o *Masks) (*Masks, error) { return m.combine(o, (*Mask).Xor) }

func (m *Masks) combine(o *Masks, f func(a, b *Mask) *Mask) (*Masks, error) {
	if len(m.names) != len(o.names) {
		return nil, fmt.Errorf("prune: %d masks combined with %d: %w", len(m.names), len(o.names), tensor.ErrShape)
	}
	c := new(Masks)
	for name, mask := range m.All() {
		other := o.Get(name)
		if other == nil || other.n != mask.n {
			return nil, fmt.Errorf("prune: masks of %q: %d elements combined with none or others: %w",
				name, mask.n, tensor.ErrShape)
		}
		must(c.Add(name, f(mask, other)))
	}
	return c, nil
}

// Overlap is the Jaccard index of the elements kept: those kept by both over those kept by either, and 1 if none is.
// The error is that of [Masks.And].
func (m *Masks) Overlap(o *Masks) (float64, error) {
	both, err := m.And(o)
	if err != nil {
		return 0, err
	}
	either, err := m.Or(o)
	if err != nil {
		return 0, err
	}
	n, _ := both.Count()
	of, _ := either.Count()
	if of == 0 {
		return 1, nil
	}
	return float64(n) / float64(of), nil
}

// ApplyMasks sets the pruned elements of the parameters that have a mask to zero. The error wraps tensor.ErrShape if a
// length does not fit and tensor.ErrRange if a mask has no parameter; nothing is changed then.
func ApplyMasks[T tensor.Float](m *Masks, params []*tensor.Param[T]) error {
	found := 0
	for _, p := range params {
		if mask := m.Get(p.Name); mask != nil {
			found++
			if mask.n != len(p.Data) {
				return fmt.Errorf("prune: param %q: %d elements and a mask of %d: %w", p.Name, len(p.Data), mask.n, tensor.ErrShape)
			}
		}
	}
	if found != m.Len() {
		return orphans(m, func(name string) bool {
			return slices.ContainsFunc(params, func(p *tensor.Param[T]) bool { return p.Name == name })
		})
	}
	for _, p := range params {
		if mask := m.Get(p.Name); mask != nil {
			Apply(mask, p.Data)
		}
	}
	return nil
}

// orphans names masks without a parameter.
func orphans(m *Masks, known func(name string) bool) error {
	var names []string
	for _, name := range m.names {
		if !known(name) {
			names = append(names, name)
		}
	}
	return fmt.Errorf("prune: no parameter for the masks of %q: are these masks of another model? %w",
		names, tensor.ErrRange)
}

// must is for errors that the code before it excludes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
