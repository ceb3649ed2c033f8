package prune

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// wideScorer is a scorer that knows its scores in float64 too, once Score has succeeded: products of float32 leave the
// range of float32 where they still rank weights.
type wideScorer[T tensor.Float] interface {
	wide(dst []float64, c *Context[T]) error
}

// exactly writes scores in float64, once Score has succeeded.
func exactly[T tensor.Float](s Scorer[T], dst []float64, c *Context[T]) error {
	if w, ok := s.(wideScorer[T]); ok {
		return w.wide(dst, c)
	}
	scores := make([]T, len(dst))
	err := s.Score(scores, c)
	for i, v := range scores {
		dst[i] = float64(v)
	}
	return err
}

// widen replaces all scores by their eighth roots, which float32 has room for, if one of them has left its range. The
// order stays, but for differences of less than a millionth.
func (p *picker[T]) widen(step int) error {
	scorer, ok := p.scorer.(wideScorer[T])
	if !ok || unsafe.Sizeof(T(0)) != 4 {
		return nil
	}
	var buf []float64
	wide := func(k int) ([]float64, error) {
		n := len(p.scores[k])
		if cap(buf) < n {
			buf = make([]float64, n)
		}
		c := p.context(k, step)
		err := scorer.wide(buf[:n], &c)
		return buf[:n], err
	}
	left := false
	for k := range p.scores {
		if !atTheEdge(p.scores[k], p.prior(k)) {
			continue
		}
		exact, err := wide(k)
		if err != nil {
			return err
		}
		for i, s := range p.scores[k] {
			size := math.Abs(float64(s))
			if left = exact[i] != 0 && exact[i]-exact[i] == 0 && (size < 0x1p-126 || size > math.MaxFloat32) &&
				!math.IsInf(float64(s), -1); left {
				break
			}
		}
		if left {
			break
		}
	}
	if !left {
		return nil
	}
	for k, scores := range p.scores {
		exact, err := wide(k)
		if err != nil {
			return err
		}
		for i, v := range exact {
			scores[i] = T(math.Copysign(math.Sqrt(math.Sqrt(math.Sqrt(math.Abs(v)))), v))
		}
		if prior := p.prior(k); prior != nil {
			negInf(scores, prior)
		}
	}
	return nil
}

// atTheEdge reports whether a score of what is not pruned is infinite, zero or smaller than normal numbers are.
func atTheEdge[T tensor.Float](scores []T, prior *Mask) bool {
	for i, s := range scores {
		if size := max(s, -s); (size < 0x1p-126 || size > math.MaxFloat32) && (prior == nil || prior.Keep(i)) {
			return true
		}
	}
	return false
}

// gradientScorer is a scorer that reads gradients.
type gradientScorer interface{ ofGradients() }

// gradients reports whether some of what a scorer says comes from the gradients there are now, and whether all of it
// comes from gradients of now or before.
func gradients[T tensor.Float](s Scorer[T]) (some, all bool) {
	if c, ok := s.(composite[T]); ok {
		all = true
		for _, inner := range c.inner {
			s, a := gradients(inner)
			some, all = some || s, all && a
		}
		return some, all && len(c.inner) > 0
	}
	_, some = s.(product[T])
	_, all = s.(gradientScorer)
	return some, all
}

// distinguishes returns an error if gradients tell nothing, because they were cleared or never computed: if all are
// zero, or if scores that come from nothing else are all the same.
func (p *picker[T]) distinguishes() error {
	some, all := gradients(p.scorer)
	if some && !all {
		for _, i := range p.at {
			if slices.ContainsFunc(p.params[i].Grad, func(g T) bool { return g != 0 }) {
				return nil
			}
		}
		return fmt.Errorf("prune: a scorer needs gradients and all are 0: fill Grad before Step, and clear it afterwards: %w",
			ErrMissingGrad)
	}
	if !all {
		return nil
	}
	var first T
	n := 0
	for k, scores := range p.scores {
		prior := p.prior(k)
		for i, s := range scores {
			if prior != nil && !prior.Keep(i) {
				continue
			}
			if n++; n == 1 {
				first = s
			} else if s != first {
				return nil
			}
		}
	}
	if n < 2 {
		return nil
	}
	return fmt.Errorf("prune: all %d scores of gradients are %v: fill Grad before Step, and clear it afterwards: %w",
		n, first, ErrMissingGrad)
}
