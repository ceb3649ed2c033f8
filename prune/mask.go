package prune

import (
	"fmt"
	"math/bits"
	"strings"
	"unsafe"

	"github.com/espalier-ml/espalier/prune/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Mask says of every element of a tensor whether it is kept, one bit each, in row-major order.
type Mask struct {
	n     int
	words []uint64 // bits beyond n are 0
}

// NewMask returns a mask of n elements that keeps all of them. It panics if n is negative.
func NewMask(n int) *Mask {
	m := emptyMask(n)
	m.keepAll()
	return m
}

func emptyMask(n int) *Mask { return &Mask{n: n, words: make([]uint64, (n+63)/64)} }

// ParseMask reads a string of 0 and 1, as [Mask.String] writes it. The error wraps tensor.ErrRange.
func ParseMask(s string) (*Mask, error) {
	m := emptyMask(len(s))
	for i := range len(s) {
		switch s[i] {
		case '1':
			m.Set(i, true)
		case '0':
		default:
			return nil, fmt.Errorf("prune: mask: character %d is %q, want 0 or 1: %w", i, s[i], tensor.ErrRange)
		}
	}
	return m, nil
}

// Len is the number of elements.
func (m *Mask) Len() int { return m.n }

// Keep reports whether element i is kept. Like a slice index it panics if i is out of range.
func (m *Mask) Keep(i int) bool {
	m.check(i)
	return m.words[i>>6]>>(i&63)&1 != 0
}

// Set keeps or prunes element i. Like a slice index it panics if i is out of range.
func (m *Mask) Set(i int, keep bool) {
	m.check(i)
	if keep {
		m.words[i>>6] |= 1 << (i & 63)
	} else {
		m.words[i>>6] &^= 1 << (i & 63)
	}
}

func (m *Mask) check(i int) {
	if uint(i) >= uint(m.n) {
		panic(fmt.Errorf("prune: element %d of a mask of %d: %w", i, m.n, tensor.ErrRange))
	}
}

// Count is the number of elements kept.
func (m *Mask) Count() int {
	n := 0
	for _, w := range m.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Clone is a copy.
func (m *Mask) Clone() *Mask {
	c := emptyMask(m.n)
	copy(c.words, m.words)
	return c
}

// Equal reports whether both masks keep the same elements of as many.
func (m *Mask) Equal(o *Mask) bool {
	if m.n != o.n {
		return false
	}
	for i, w := range m.words {
		if w != o.words[i] {
			return false
		}
	}
	return true
}

// And, Or, AndNot, Xor and Not are the set operations on the elements kept: intersection, union, difference, symmetric
// difference and complement. They return a new mask and panic with an error wrapping tensor.ErrShape if lengths differ.
func (m *Mask) And(o *Mask) *Mask {
	return m.combine(o, func(a, b uint64) uint64 { return a & b })
}

// Or keeps what either mask keeps; see [Mask.And].
func (m *Mask) Or(o *Mask) *Mask {
	return m.combine(o, func(a, b uint64) uint64 { return a | b })
}

// AndNot keeps what m keeps and o does not; see [Mask.And].
func (m *Mask) AndNot(o *Mask) *Mask {
	return m.combine(o, func(a, b uint64) uint64 { return a &^ b })
}

// Xor keeps what exactly one of the masks keeps; see [Mask.And].
func (m *Mask) Xor(o *Mask) *Mask {
	return m.combine(o, func(a, b uint64) uint64 { return a ^ b })
}

// Not keeps what m prunes.
func (m *Mask) Not() *Mask { return NewMask(m.n).AndNot(m) }

func (m *Mask) combine(o *Mask, f func(a, b uint64) uint64) *Mask {
	if m.n != o.n {
		panic(fmt.Errorf("prune: masks of %d and %d elements: %w", m.n, o.n, tensor.ErrShape))
	}
	c := emptyMask(m.n)
	for i, w := range m.words {
		c.words[i] = f(w, o.words[i])
	}
	return c
}

// String is one character per element, 1 where it is kept.
func (m *Mask) String() string {
	var b strings.Builder
	b.Grow(m.n)
	for i := range m.n {
		b.WriteByte('0' + byte(m.words[i>>6]>>(i&63)&1))
	}
	return b.String()
}

func (m *Mask) keepAll() {
	for i := range m.words {
		m.words[i] = ^uint64(0)
	}
	if r := m.n & 63; r != 0 {
		m.words[len(m.words)-1] = 1<<r - 1
	}
}

// Apply sets the pruned elements of x to zero, whatever they are: NaN and infinities too. It panics with an error
// wrapping tensor.ErrShape unless x is as long as the mask. It allocates nothing.
func Apply[T tensor.Float](m *Mask, x []T) {
	if len(x) != m.n {
		panic(fmt.Errorf("prune: a mask of %d elements applied to %d: %w", m.n, len(x), tensor.ErrShape))
	}
	applyWords(m.words, x)
}

// Fill writes 1 to dst where the mask keeps and 0 where it prunes: a mask for engines that multiply. It panics like
// [Apply].
func Fill[T tensor.Float](m *Mask, dst []T) {
	for i := range dst {
		dst[i] = 1
	}
	Apply(m, dst)
}

// applyWords clears the elements of x whose bit is 0. Only the last word may be incomplete.
func applyWords[T tensor.Float](words []uint64, x []T) {
	if len(x) == 0 {
		return
	}
	if unsafe.Sizeof(x[0]) == 4 {
		kernel.Clear(words, unsafe.Slice((*uint32)(unsafe.Pointer(&x[0])), len(x)))
	} else {
		kernel.Clear(words, unsafe.Slice((*uint64)(unsafe.Pointer(&x[0])), len(x)))
	}
}
