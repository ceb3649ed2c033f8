package structured

import (
	"fmt"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Shrunk is the tensors of a smaller model.
type Shrunk[T tensor.Float] struct {
	// Params are new tensors of the names that the parameters had, in the order of the graph, and after them the
	// statistics of batch norms, LAYER.mean and LAYER.var. Parameters over the same memory are so again. Gradients are
	// zero where the parameter had some.
	Params []*tensor.Param[T]
	Report Report
	// Masks are those of the new tensors after [Graph.Compact], of the parameters that had one; nil after
	// [Plan.Shrink].
	Masks *prune.Masks

	maps map[string]IndexMap
}

// Get is the tensor of a name, or nil.
func (s *Shrunk[T]) Get(name string) *tensor.Param[T] {
	for _, p := range s.Params {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Map tells where the elements of a new tensor come from; ok is false for a name that there is not.
func (s *Shrunk[T]) Map(name string) (m IndexMap, ok bool) {
	m, ok = s.maps[name]
	return m, ok
}

// IndexMap tells which part of a tensor was kept: by dimension, the indices that were.
type IndexMap struct {
	Shape []int   `json:"shape"` // before
	Kept  [][]int `json:"kept"`  // of each dimension, in increasing order
}

// Take returns the elements of old that an index map keeps: the momentum of a parameter that was shrunk, or any other
// state that is laid out like it. The error wraps tensor.ErrShape if old has another number of elements or the map is
// no part of its shape.
func Take[T tensor.Float](m IndexMap, old []T) ([]T, error) {
	size := 1
	if len(m.Kept) != len(m.Shape) {
		return nil, fmt.Errorf("structured: Take: %d dimensions, and of %d what is kept: %w", len(m.Shape), len(m.Kept),
			tensor.ErrShape)
	}
	for d, kept := range m.Kept {
		size *= m.Shape[d]
		for _, k := range kept {
			if k < 0 || k >= m.Shape[d] {
				return nil, fmt.Errorf("structured: Take: index %d of dimension %d of %d: %w", k, d, m.Shape[d],
					tensor.ErrShape)
			}
		}
	}
	if size != len(old) {
		return nil, fmt.Errorf("structured: Take: %d elements for shape %v: %w", len(old), m.Shape, tensor.ErrShape)
	}
	return take(m, old), nil
}

// each visits the elements that are kept, in order, by their index before.
func (m IndexMap) each(visit func(element int)) {
	var walk func(dim, at int)
	walk = func(dim, at int) {
		if dim == len(m.Shape) {
			visit(at)
			return
		}
		for _, k := range m.Kept[dim] {
			walk(dim+1, at*m.Shape[dim]+k)
		}
	}
	walk(0, 0)
}

func take[T tensor.Float](m IndexMap, old []T) []T {
	n := 1
	for _, kept := range m.Kept {
		n *= len(kept)
	}
	dst := make([]T, 0, n)
	m.each(func(e int) { dst = append(dst, old[e]) })
	return dst
}

// Shrink makes the smaller tensors. Their models compute what a model with [Plan.Masks] applied computes, unless the
// report calls a group inexact: to the bit if sums are taken in the order of their terms, for those that are missing
// were zero, and otherwise each sum of n terms to 2n roundings of the sum of their sizes.
func (p *Plan[T]) Shrink() *Shrunk[T] {
	return p.graph.shrinkFrom(p.isGone, p.report, func(q *tensor.Param[T]) []T { return q.Data })
}

// dimension is a tensor's dimension that counts channels.
type dimension struct {
	axis   int
	ids    []int
	groups int // of these ids, of which the dimension counts those of one group
}

// laid is a tensor of the graph with its dimensions.
type laid[T tensor.Float] struct {
	param     *tensor.Param[T]
	dims      []dimension
	layer     *layer[T]
	statistic bool
}

// tensors are the parameters in the order of the graph, each use of one that is used twice, and then the statistics.
func (g *Graph[T]) tensors() []laid[T] {
	var params, statistics []laid[T]
	for _, l := range g.layers {
		along := []dimension{{0, l.out, 1}}
		switch {
		case l.weight == nil:
		case l.kind == linearNode || l.kind == convNode:
			in := dimension{l.inAxis, l.in, l.groups}
			params = append(params, laid[T]{l.weight, []dimension{{l.outAxis, l.out, 1}, in}, l, false})
		default:
			params = append(params, laid[T]{l.weight, along, l, false})
		}
		if l.bias != nil {
			params = append(params, laid[T]{l.bias, along, l, false})
		}
		if l.kind == batchNormNode {
			statistics = append(statistics, laid[T]{l.mean, along, l, true}, laid[T]{l.vari, along, l, true})
		}
	}
	return append(params, statistics...)
}

// indexMap is what is left of a tensor.
func (q *laid[T]) indexMap(gone func(id int) bool) IndexMap {
	m := IndexMap{Shape: append([]int(nil), q.param.Shape...), Kept: make([][]int, len(q.param.Shape))}
	for d, size := range m.Shape {
		m.Kept[d] = []int{}
		for k := range size {
			if !q.lostAt(d, k, gone) {
				m.Kept[d] = append(m.Kept[d], k)
			}
		}
	}
	return m
}

// lostAt tells whether index k of a dimension goes. In grouped convolutions the same go from every group; a depthwise
// one has one input in each, whose groups go instead.
func (q *laid[T]) lostAt(dim, k int, gone func(id int) bool) bool {
	for _, d := range q.dims {
		if d.axis == dim && !(d.groups > 1 && q.layer.depthwise) {
			return gone(d.ids[k])
		}
	}
	return false
}

func (q *laid[T]) sizeWithout(gone func(id int) bool) int {
	n := 1
	for _, kept := range q.indexMap(gone).Kept {
		n *= len(kept)
	}
	return n
}

// shrinkFrom takes the elements that are left from what source gives for a parameter.
func (g *Graph[T]) shrinkFrom(gone func(id int) bool, r Report, source func(*tensor.Param[T]) []T) *Shrunk[T] {
	s := &Shrunk[T]{Report: r, maps: map[string]IndexMap{}}
	made := map[*T]*tensor.Param[T]{}
	for _, q := range g.tensors() {
		old := q.param
		if _, again := s.maps[old.Name]; again {
			continue
		}
		m := q.indexMap(gone)
		p := &tensor.Param[T]{Name: old.Name}
		for _, kept := range m.Kept {
			p.Shape = append(p.Shape, len(kept))
		}
		if len(old.Data) > 0 {
			if first := made[&old.Data[0]]; first != nil {
				p.Data, p.Grad = first.Data, first.Grad
			} else {
				p.Data = take(m, source(old))
				made[&old.Data[0]] = p
			}
		}
		if old.Grad != nil && p.Grad == nil {
			p.Grad = make([]T, len(p.Data))
		}
		s.maps[old.Name] = m
		s.Params = append(s.Params, p)
	}
	return s
}
