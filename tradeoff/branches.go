package tradeoff

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Branch is a decay of the learning rate that leaves a trunk trained at a constant one (warmup, stable, decay: Hu et
// al. 2024).
type Branch struct {
	Fork    float64 // cost of the trunk until the branch leaves it, >= 0
	Decay   float64 // cost of the branch itself, > 0
	Quality float64 // at its end
}

// Branches are the branches of one trunk. With data in the same order, the end of each is what a separate run of that
// length would have reached: unlike the curve of a [Recorder] theirs is exact, and of the constant-then-decay recipe
// only.
type Branches []Branch

// Curve is the tradeoff curve through the ends of the branches, at the cost of a run that has trained nothing else.
// The error is that of [NewCurve], or wraps [tensor.ErrRange] for a branch with a negative or infinite cost.
func (b Branches) Curve(dir Direction) (Curve, error) {
	cost, quality := make([]float64, len(b)), make([]float64, len(b))
	for i, branch := range b {
		if !(branch.Fork >= 0 && branch.Decay > 0) || branch.Fork-branch.Fork != 0 || branch.Decay-branch.Decay != 0 {
			return Curve{}, fmt.Errorf("tradeoff: branches[%d] forks at %v and decays for %v, want finite costs, the second "+
				"above 0: %w", i, branch.Fork, branch.Decay, tensor.ErrRange)
		}
		if !isFinite(branch.Quality) {
			return Curve{}, fmt.Errorf("tradeoff: branches[%d] ends at quality %v: %w", i, branch.Quality, tensor.ErrNotFinite)
		}
		cost[i], quality[i] = branch.Fork+branch.Decay, branch.Quality
	}
	return NewCurve(cost, quality, dir)
}

// Cost is what training all branches takes: the trunk once, up to the last fork, and each decay.
func (b Branches) Cost() float64 {
	trunk, decays := 0.0, 0.0
	for _, branch := range b {
		trunk = max(trunk, branch.Fork)
		decays += branch.Decay
	}
	return trunk + decays
}

// SeparateCost is what as many separate runs take.
func (b Branches) SeparateCost() float64 {
	total := 0.0
	for _, branch := range b {
		total += branch.Fork + branch.Decay
	}
	return total
}
