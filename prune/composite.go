package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Normalized divides the scores of each tensor by their Euclidean norm plus 1e-8, as jaxpruner's global pruners do,
// so that tensors of different scales can share one threshold.
func Normalized[T tensor.Float](s Scorer[T]) Scorer[T] {
	exact := func(dst []float64, c *Context[T]) error {
		if err := exactly(s, dst, c); err != nil {
			return err
		}
		norm := tensor.Norm2(dst) + 1e-8
		for i, v := range dst {
			dst[i] = v / norm
		}
		return nil
	}
	score := func(dst []T, c *Context[T]) error {
		if err := s.Score(dst, c); err != nil {
			return err
		}
		if _, ok := s.(wideScorer[T]); ok && atTheEdge(dst, c.Prior) {
			wide := make([]float64, len(dst))
			err := exact(wide, c)
			for i, v := range wide {
				dst[i] = T(v)
			}
			return err
		}
		sum := 0.0
		for _, v := range dst {
			sum += float64(v) * float64(v)
		}
		norm := math.Sqrt(sum) + 1e-8
		for i, v := range dst {
			dst[i] = T(float64(v) / norm)
		}
		return nil
	}
	return composite[T]{score, exact, []Scorer[T]{s}}
}

// MeanOf scores the mean of several scores. Normalize them first if their scales differ.
func MeanOf[T tensor.Float](scorers ...Scorer[T]) Scorer[T] {
	n := max(len(scorers), 1)
	share := T(1) / T(n)
	return composite[T]{
		merged(scorers, Scorer[T].Score, func(a, b T) T { return a + b }, func(sum T) T { return sum * share }),
		merged(scorers, exactly, func(a, b float64) float64 { return a + b },
			func(sum float64) float64 { return sum / float64(n) }), scorers}
}

// MaxOf scores the largest of several scores: it keeps what any of them holds important.
func MaxOf[T tensor.Float](scorers ...Scorer[T]) Scorer[T] {
	return composite[T]{
		merged(scorers, Scorer[T].Score, func(a, b T) T { return max(a, b) }, func(v T) T { return v }),
		merged(scorers, exactly, func(a, b float64) float64 { return max(a, b) }, func(v float64) float64 { return v }),
		scorers}
}

// merged scores with several scorers in T or in float64.
func merged[T, F tensor.Float](scorers []Scorer[T], score func(Scorer[T], []F, *Context[T]) error,
	merge func(a, b F) F, finish func(F) F) func([]F, *Context[T]) error {
	return func(dst []F, c *Context[T]) error {
		if len(scorers) == 0 {
			return fmt.Errorf("prune: a combination of no scorers: %w", tensor.ErrEmpty)
		}
		if err := score(scorers[0], dst, c); err != nil {
			return err
		}
		next := make([]F, len(dst))
		for _, s := range scorers[1:] {
			if err := score(s, next, c); err != nil {
				return err
			}
			for i, v := range next {
				dst[i] = merge(dst[i], v)
			}
		}
		for i, v := range dst {
			dst[i] = finish(v)
		}
		return nil
	}
}

// composite passes on what the scorers inside it need and know.
type composite[T tensor.Float] struct {
	ScorerFunc[T]
	exact func(dst []float64, c *Context[T]) error
	inner []Scorer[T]
}

func (c composite[T]) wide(dst []float64, ctx *Context[T]) error { return c.exact(dst, ctx) }

// Prepare prepares the scorers inside.
func (c composite[T]) Prepare(masks *Masks) error {
	for _, s := range c.inner {
		if p, ok := s.(Preparer); ok {
			if err := p.Prepare(masks); err != nil {
				return err
			}
		}
	}
	return nil
}
