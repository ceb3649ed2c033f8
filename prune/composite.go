package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Normalized divides the scores of each tensor by their Euclidean norm plus 1e-8, as jaxpruner's global pruners do,
// so that tensors of different scales can share one threshold.
func Normalized[T tensor.Float](s Scorer[T]) Scorer[T] {
	return wrapped(s, func(dst []T, c *Context[T]) error {
		if err := s.Score(dst, c); err != nil {
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
	})
}

// MeanOf scores the mean of several scores. Normalize them first if their scales differ.
func MeanOf[T tensor.Float](scorers ...Scorer[T]) Scorer[T] {
	share := T(1) / T(max(len(scorers), 1))
	return merged(scorers, func(a, b T) T { return a + b }, func(sum T) T { return sum * share })
}

// MaxOf scores the largest of several scores: it keeps what any of them holds important.
func MaxOf[T tensor.Float](scorers ...Scorer[T]) Scorer[T] {
	return merged(scorers, func(a, b T) T { return max(a, b) }, func(v T) T { return v })
}

func merged[T tensor.Float](scorers []Scorer[T], merge func(a, b T) T, finish func(T) T) Scorer[T] {
	f := func(dst []T, c *Context[T]) error {
		if len(scorers) == 0 {
			return fmt.Errorf("prune: a combination of no scorers: %w", tensor.ErrEmpty)
		}
		if err := scorers[0].Score(dst, c); err != nil {
			return err
		}
		next := make([]T, len(dst))
		for _, s := range scorers[1:] {
			if err := s.Score(next, c); err != nil {
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
	return composite[T]{f, scorers}
}

func wrapped[T tensor.Float](s Scorer[T], f ScorerFunc[T]) Scorer[T] {
	return composite[T]{f, []Scorer[T]{s}}
}

// composite passes on the preparation that scorers inside it need.
type composite[T tensor.Float] struct {
	ScorerFunc[T]
	inner []Scorer[T]
}

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
