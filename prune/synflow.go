package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// SynFlow scores |w·∂R/∂w|, where R is the sum of the outputs for an input of ones with every parameter replaced
// by its absolute value (Tanaka et al. 2020). It needs no data. It must prune in many rounds that score the pruned
// network again, or layers collapse: use it with [Iterative], 100 rounds in the paper.
type SynFlow[T tensor.Float] struct {
	params   []*tensor.Param[T]
	backward func() error
	scores   map[string][]float64
}

// NewSynFlow takes the parameters of the model and a function that, in evaluation mode, runs the model on one input of
// ones and then its backward pass with a gradient of ones, adding to Grad. Both see the absolute values of the unpruned
// weights, and zero for pruned ones; afterwards values and gradients are what they were. Errors are those of [New] for
// parameters, and tensor.ErrEmpty for a nil function.
func NewSynFlow[T tensor.Float](params []*tensor.Param[T], backward func() error) (*SynFlow[T], error) {
	if _, err := describe(params, LayoutNN, nil, nil); err != nil {
		return nil, fmt.Errorf("prune: SynFlow: %w", err)
	}
	if backward == nil {
		return nil, fmt.Errorf("prune: SynFlow: backward is nil: %w", tensor.ErrEmpty)
	}
	for _, p := range params {
		if err := needGrad(p); err != nil {
			return nil, fmt.Errorf("prune: SynFlow: %w", err)
		}
	}
	return &SynFlow[T]{params: params, backward: backward}, nil
}

// Prepare runs the model and keeps its scores. It implements [Preparer].
func (s *SynFlow[T]) Prepare(masks *Masks) error {
	scores := map[string][]float64{}
	var faults []error
	err := flow(s.params, masks, s.backward, func(_ int, w T) T { return max(w, -w) }, func(p *tensor.Param[T]) {
		score := make([]float64, len(p.Data))
		for i, w := range p.Data {
			score[i] = math.Abs(float64(w) * float64(p.Grad[i]))
		}
		if err := tensor.ValidateFinite("Grad", p.Grad); err != nil {
			faults = append(faults, fmt.Errorf("param %q: %w", p.Name, err))
		}
		scores[p.Name] = score
	})
	if err != nil {
		return fmt.Errorf("prune: SynFlow: %w", err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("prune: SynFlow: the flow through the model leaves the range of its numbers; a smaller input in "+
			"place of ones, and a smaller gradient, scale all scores alike: %w", faults[0])
	}
	s.scores = scores
	return nil
}

// flow calls backward with the values of every parameter replaced and those pruned zero, then see with every parameter,
// and restores values and gradients, also if the user's function panics.
func flow[T tensor.Float](params []*tensor.Param[T], masks *Masks, backward func() error, value func(param int, w T) T,
	see func(*tensor.Param[T])) error {
	saved := make([][]T, 2*len(params))
	for i, p := range params {
		saved[2*i], saved[2*i+1] = append([]T(nil), p.Data...), append([]T(nil), p.Grad...)
	}
	defer func() {
		for i, p := range params {
			copy(p.Data, saved[2*i])
			copy(p.Grad, saved[2*i+1])
		}
	}()
	first, err := tensor.Tied(params)
	if err != nil {
		return err
	}
	for k, p := range params {
		clear(p.Grad)
		if first[k] != k {
			continue
		}
		for i, w := range p.Data {
			p.Data[i] = value(k, w)
		}
		if mask := masks.get(p.Name); mask != nil {
			Apply(mask, p.Data)
		}
	}
	if err := backward(); err != nil {
		return err
	}
	for k, p := range params {
		if q := params[first[k]]; q != p && !tensor.Overlap(q.Grad, p.Grad) {
			tensor.Add(q.Grad, q.Grad, p.Grad)
		}
	}
	for k, p := range params {
		if first[k] == k {
			see(p)
		}
	}
	return nil
}

// Score implements [Scorer]. The error wraps [ErrMissingGrad] before Prepare, which a pruner calls.
func (s *SynFlow[T]) Score(dst []T, c *Context[T]) error {
	score := s.scores[c.Param.Name]
	if len(score) != len(dst) {
		return fmt.Errorf("prune: param %q: SynFlow has no score: %w", c.Param.Name, ErrMissingGrad)
	}
	for i, v := range score {
		dst[i] = T(v)
	}
	return nil
}

func (s *SynFlow[T]) wide(dst []float64, c *Context[T]) error {
	copy(dst, s.scores[c.Param.Name])
	return nil
}

func (s *SynFlow[T]) ofGradients() {}
