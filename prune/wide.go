package prune

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// wideScorer is a scorer that knows its scores in float64 too, once Score has succeeded: products of float32 leave the
// range of float32 where they still rank weights.
type wideScorer[T tensor.Float] interface {
	wide(dst []float64, c *Context[T]) error
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

// distinguishes returns an error if a scorer of gradients gives everything the same score: they were cleared, or never
// computed.
func (p *picker[T]) distinguishes() error {
	if _, ok := p.scorer.(gradientScorer); !ok {
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
