package prune

import (
	"errors"
	"fmt"
	"strings"
)

// Besides those of package tensor, errors wrap these. Test with [errors.Is].
var (
	// ErrInfeasible reports a target beyond what the prunable parameters allow; the error is an [*InfeasibleError].
	ErrInfeasible = errors.New("target is infeasible")
	// ErrMissingGrad reports a parameter without the gradient, or without the observations, that its score needs.
	ErrMissingGrad = errors.New("missing gradient")
	// ErrCollapse reports a layer that would lose all of its weights; the error is a [*CollapseError].
	ErrCollapse = errors.New("layer collapse")
	// ErrStepOrder reports a step earlier than one already taken.
	ErrStepOrder = errors.New("steps out of order")
	// ErrTargetNotReached reports a schedule that ends, or a run that ended, before the target.
	ErrTargetNotReached = errors.New("target not reached")
	// ErrDuplicateName reports two parameters with one name.
	ErrDuplicateName = errors.New("duplicate name")
	// ErrDivisible reports a dimension that a pattern does not divide.
	ErrDivisible = errors.New("not divisible")
)

// InfeasibleError carries what was asked for and the most that can be had.
type InfeasibleError struct {
	Target      string  // "sparsity", "compression", "nonzeros" or "speedup"
	Requested   float64 // in the target's own unit
	MaxFeasible float64 // the largest value that can be reached; for nonzeros the smallest
}

// Error names the target and both values.
func (e *InfeasibleError) Error() string {
	return fmt.Sprintf("prune: %s of %v: at best %v: %v", e.Target, e.Requested, e.MaxFeasible, ErrInfeasible)
}

// Is makes errors.Is(err, ErrInfeasible) true.
func (e *InfeasibleError) Is(target error) bool { return target == ErrInfeasible }

// CollapseError lists the layers that would lose all of their weights.
type CollapseError struct{ Layers []string }

// Error names the layers.
func (e *CollapseError) Error() string {
	return fmt.Sprintf("prune: every weight of %s would be pruned (WithMinKeep keeps some, WithCollapse permits it): %v",
		strings.Join(e.Layers, ", "), ErrCollapse)
}

// Is makes errors.Is(err, ErrCollapse) true.
func (e *CollapseError) Is(target error) bool { return target == ErrCollapse }
