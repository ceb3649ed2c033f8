package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Pattern decides which elements of a tensor go together. One that fixes the sparsity itself, as [NM] does, is a
// [FixedPattern] too.
type Pattern interface {
	// Select returns a mask of the tensor that prunes the given fraction of its units, those of the lowest scores. Scores
	// are in row-major order, without NaN. Units that prior, unless it is nil, has pruned as a whole go first. It
	// changes neither scores nor prior, and may be called for several tensors at once.
	Select(scores []float64, t Info, sparsity float64, prior *Mask) (*Mask, error)
}

// FixedPattern is a pattern that fixes the sparsity itself, so that there is no target, no distribution and no gradual
// schedule beside it.
type FixedPattern interface {
	Pattern
	Sparsity() float64 // the fraction pruned, in [0, 1]
}

// Unstructured prunes single elements: the default. Of equal scores it keeps those at a lower index.
type Unstructured struct{}

// Select implements [Pattern]. The number pruned is sparsity times the number of elements, rounded half to even.
func (Unstructured) Select(scores []float64, t Info, sparsity float64, prior *Mask) (*Mask, error) {
	if err := checkSelect(scores, t, sparsity, prior); err != nil {
		return nil, err
	}
	m := NewMask(len(scores))
	pruned := func(i int) bool { return prior != nil && !prior.Keep(i) }
	for _, i := range order(scores, pruned)[:roundHalfEven(sparsity, len(scores))] {
		m.Set(i, false)
	}
	return m, nil
}

// NMPattern keeps so many of every so many elements; see [NM].
type NMPattern struct {
	keep, of, axis int
	tail           bool
}

// NM keeps the n highest of every m consecutive elements along the input dimension and prunes the others: NM(2, 4) is
// what sparse tensor cores want. It fixes the sparsity at 1-n/m, so that no target and no gradual schedule may be given
// with it. Note that elsewhere n is sometimes the number pruned. The dimension must be a multiple of m: otherwise the
// error wraps [ErrDivisible].
func NM(n, m int) NMPattern { return NMPattern{keep: n, of: m, axis: autoAxis} }

const autoAxis = -1

// Along returns the pattern along the given dimension.
func (p NMPattern) Along(axis int) NMPattern {
	p.axis = axis
	return p
}

// WithTail returns the pattern that also takes dimensions that are no multiple of m: of the last, shorter group the n
// highest are kept.
func (p NMPattern) WithTail() NMPattern {
	p.tail = true
	return p
}

// Sparsity is 1-n/m.
func (p NMPattern) Sparsity() float64 { return 1 - float64(p.keep)/float64(p.of) }

// Select implements [Pattern]. It disregards sparsity.
func (p NMPattern) Select(scores []float64, t Info, _ float64, prior *Mask) (*Mask, error) {
	if p.keep < 1 || p.of < p.keep {
		return nil, fmt.Errorf("prune: NM(%d, %d): keeps n of every m, so n is 1 to m: %w", p.keep, p.of, tensor.ErrRange)
	}
	if err := checkSelect(scores, t, 0, prior); err != nil {
		return nil, err
	}
	axis, err := axisOf("NM", p.axis, t.In, t)
	if err != nil {
		return nil, err
	}
	outer, size, inner := split(t.Shape, axis)
	if size%p.of != 0 && !p.tail {
		return nil, fmt.Errorf("prune: param %q: NM(%d, %d) along dimension %d of %d: %w",
			t.Name, p.keep, p.of, axis, size, ErrDivisible)
	}
	m := NewMask(len(scores))
	group := make([]float64, 0, p.of)
	for o := range outer {
		for i := range inner {
			for c := 0; c < size; c += p.of {
				at := func(k int) int { return (o*size+c+k)*inner + i }
				group = group[:0]
				for k := range min(p.of, size-c) {
					group = append(group, scores[at(k)])
				}
				pruned := func(k int) bool { return prior != nil && !prior.Keep(at(k)) }
				for _, k := range order(group, pruned)[:max(0, len(group)-p.keep)] {
					m.Set(at(k), false)
				}
			}
		}
	}
	return m, nil
}

// Pool is how the scores of a block become one.
type Pool uint8

// The pools.
const (
	Avg Pool = iota // the mean over the block's elements
	Max             // the largest
)

var pools = enum.Of[Pool]("pool", "avg", "max")

// String is the name.
func (p Pool) String() string { return pools.String(p) }

// MarshalText writes the name.
func (p Pool) MarshalText() ([]byte, error) { return pools.Marshal(p) }

// UnmarshalText reads a name.
func (p *Pool) UnmarshalText(text []byte) error { return pools.Unmarshal(p, text) }

// BlockPattern prunes blocks; see [Block].
type BlockPattern struct {
	h, w int
	pool Pool
}

// Block prunes blocks of h by w elements of the first two dimensions together with all further dimensions. Blocks at
// the far edges may be smaller and are averaged over the elements they have. A vector is one row.
func Block(h, w int, pool Pool) BlockPattern { return BlockPattern{h, w, pool} }

// Select implements [Pattern]. Units are blocks; their number is rounded half to even.
func (p BlockPattern) Select(scores []float64, t Info, sparsity float64, prior *Mask) (*Mask, error) {
	if p.h < 1 || p.w < 1 || !pools.Valid(p.pool) {
		return nil, fmt.Errorf("prune: Block(%d, %d, %d): want sizes >= 1 and Avg or Max: %w",
			p.h, p.w, p.pool, tensor.ErrRange)
	}
	if err := checkSelect(scores, t, sparsity, prior); err != nil {
		return nil, err
	}
	shape := t.Shape
	if len(shape) < 2 {
		shape = []int{1, len(scores)}
	}
	rows, cols, inner := split(shape, 1)
	across := (cols + p.w - 1) / p.w
	blocks := (rows + p.h - 1) / p.h * across
	unit := func(i int) int { return i/inner/cols/p.h*across + i/inner%cols/p.w }
	reduce := mean
	if p.pool == Max {
		reduce = largest
	}
	return selectUnits(scores, blocks, unit, reduce, sparsity, prior), nil
}

// Norm is how the scores of a channel become one.
type Norm uint8

// The norms.
const (
	L1   Norm = iota // the sum of the magnitudes
	L2               // the root of the sum of the squares
	LInf             // the largest magnitude
)

var norms = enum.Of[Norm]("norm", "l1", "l2", "linf")

// String is the name.
func (n Norm) String() string { return norms.String(n) }

// MarshalText writes the name.
func (n Norm) MarshalText() ([]byte, error) { return norms.Marshal(n) }

// UnmarshalText reads a name.
func (n *Norm) UnmarshalText(text []byte) error { return norms.Unmarshal(n, text) }

// ChannelPattern prunes channels; see [Channel].
type ChannelPattern struct {
	norm Norm
	axis int
}

// Channel prunes whole outputs by the norm of their scores. The tensors keep their shapes.
func Channel(norm Norm) ChannelPattern { return ChannelPattern{norm, autoAxis} }

// Along returns the pattern whose channels are those of the given dimension.
func (p ChannelPattern) Along(axis int) ChannelPattern {
	p.axis = axis
	return p
}

// Select implements [Pattern]. Units are channels; their number is rounded half to even.
func (p ChannelPattern) Select(scores []float64, t Info, sparsity float64, prior *Mask) (*Mask, error) {
	if !norms.Valid(p.norm) {
		return nil, fmt.Errorf("prune: Channel(%d): want L1, L2 or LInf: %w", p.norm, tensor.ErrRange)
	}
	if err := checkSelect(scores, t, sparsity, prior); err != nil {
		return nil, err
	}
	axis, err := axisOf("Channel", p.axis, t.Out, t)
	if err != nil {
		return nil, err
	}
	_, size, inner := split(t.Shape, axis)
	reduce := []func([]float64) float64{norm1, norm2, normInf}[p.norm]
	return selectUnits(scores, size, func(i int) int { return i / inner % size }, reduce, sparsity, prior), nil
}

// selectUnits prunes the units of the lowest reduced scores.
func selectUnits(scores []float64, units int, unit func(i int) int, reduce func([]float64) float64, sparsity float64,
	prior *Mask) *Mask {
	members := make([][]float64, units)
	alive := make([]bool, units)
	for i, s := range scores {
		u := unit(i)
		members[u] = append(members[u], s)
		alive[u] = alive[u] || prior == nil || prior.Keep(i)
	}
	reduced := make([]float64, units)
	for u, m := range members {
		reduced[u] = reduce(m)
	}
	gone := make([]bool, units)
	for _, u := range order(reduced, func(u int) bool { return !alive[u] })[:roundHalfEven(sparsity, units)] {
		gone[u] = true
	}
	m := NewMask(len(scores))
	for i := range scores {
		if gone[unit(i)] {
			m.Set(i, false)
		}
	}
	return m
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func largest(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func norm1(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Abs(v)
	}
	return sum
}

func norm2(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v * v)
	}
	return sum // its root ranks the same
}

func normInf(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func checkSelect(scores []float64, t Info, sparsity float64, prior *Mask) error {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	switch {
	case len(scores) == 0:
		return fmt.Errorf("prune: param %q: no scores: %w", t.Name, tensor.ErrEmpty)
	case n != len(scores):
		return fmt.Errorf("prune: param %q: %d scores for shape %v: %w", t.Name, len(scores), t.Shape, tensor.ErrShape)
	case prior != nil && prior.n != n:
		return fmt.Errorf("prune: param %q: %d scores and a mask of %d: %w", t.Name, n, prior.n, tensor.ErrShape)
	case !(sparsity >= 0 && sparsity <= 1):
		return fmt.Errorf("prune: param %q: sparsity is %v, want 0 to 1: %w", t.Name, sparsity, tensor.ErrRange)
	}
	return nil
}

func axisOf(pattern string, axis, auto int, t Info) (int, error) {
	if axis == autoAxis {
		axis = auto
	}
	if axis < 0 || axis >= len(t.Shape) {
		return 0, fmt.Errorf("prune: param %q: %s along dimension %d of shape %v: %w",
			t.Name, pattern, axis, t.Shape, tensor.ErrShape)
	}
	return axis, nil
}
