package prune

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Rewire moves connections: it drops the kept weights of least magnitude and grows as many elsewhere in the same
// tensor. Masks keep their numbers. Grown weights are zero, and so is their tracked optimizer state. A weight that is
// dropped and grown again in the same move was not away: it and its state stay as they are.
type Rewire struct {
	Every      int     // steps between moves, >= 1
	Until      int     // the first step without one, after which connections stay
	Fraction   float64 // of the kept elements moved at first, in (0, 1]; it falls to 0 at Until as a half cosine
	ByGradient bool    // grow where |gradient| is largest; otherwise at random
}

// SET moves 30 % of the connections every 100 steps of the first three quarters of a run, growing at random (Mocanu
// et al. 2018), with the decay of RigL.
func SET(total int) Rewire { return Rewire{Every: 100, Until: total * 3 / 4, Fraction: 0.3} }

// RigL is like [SET] but grows where the gradient is largest (Evci et al. 2020). It needs dense gradients in Grad
// whenever [Pruner.NeedsGrad] says so: do not mask them before that step.
func RigL(total int) Rewire {
	r := SET(total)
	r.ByGradient = true
	return r
}

// Validate reports fields out of range, wrapping tensor.ErrRange.
func (r Rewire) Validate() error { return option.Call("prune: Rewire", r.fault()) }

func (r Rewire) fault() error {
	if r.Every < 1 || r.Until < 0 || !(r.Fraction > 0 && r.Fraction <= 1) {
		return fmt.Errorf("moves: Every %d, Until %d, Fraction %v: want at least 1, at least 0, and (0, 1]: %w",
			r.Every, r.Until, r.Fraction, tensor.ErrRange)
	}
	return nil
}

// due reports whether connections move in (last, step] of a run whose schedule ended at start.
func (r *Rewire) due(start, last, step int) bool {
	return r != nil && step > start && step < r.Until && (step-start)/r.Every > (max(last, start)-start)/r.Every
}

func (r *Rewire) fraction(step int) float64 {
	return r.Fraction / 2 * (1 + math.Cos(math.Pi*float64(step)/float64(r.Until)))
}

// move returns the mask after dropping a fraction of the kept elements and growing as many, and the elements that
// are kept now and were not before. One element always stays. Elements just dropped can be grown again. Ties go to the
// lower index.
func move[T tensor.Float](old *Mask, w, growth []T, fraction float64) (next *Mask, grown []int) {
	kept := make([]int, 0, old.Count())
	for i := range w {
		if old.Keep(i) {
			kept = append(kept, i)
		}
	}
	n := min(roundHalfEven(fraction, len(kept)), max(0, len(kept)-1))
	slices.SortFunc(kept, func(a, b int) int {
		return cmp.Or(cmp.Compare(max(w[a], -w[a]), max(w[b], -w[b])), b-a)
	})
	next = old.Clone()
	for _, i := range kept[:n] {
		next.Set(i, false)
	}
	free := make([]int, 0, len(w))
	for i := range w {
		if !next.Keep(i) {
			free = append(free, i)
		}
	}
	slices.SortFunc(free, func(a, b int) int {
		return cmp.Or(cmp.Compare(max(growth[b], -growth[b]), max(growth[a], -growth[a])), a-b)
	})
	for _, i := range free[:min(n, len(free))] {
		next.Set(i, true)
		if !old.Keep(i) {
			grown = append(grown, i)
		}
	}
	return next, grown
}

func randomGrowth[T tensor.Float](n int, rng *rand.Rand) []T {
	g := make([]T, n)
	for i := range g {
		g[i] = T(rng.Float64())
	}
	return g
}
