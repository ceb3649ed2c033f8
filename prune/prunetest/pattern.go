package prunetest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// someShapes are those of vectors, linear layers and convolutions, some of them awkward.
var someShapes = [][]int{{1}, {9}, {1, 1}, {4, 8}, {5, 7}, {8, 12}, {3, 3, 4, 8}, {2, 3, 4}}

// CheckPattern fails the test for every property that p lacks, on tensors of the given shapes, by default some of one
// to four dimensions. A pattern may refuse a shape with an error wrapping prune.ErrDivisible or tensor.ErrShape. Give
// shapes that it divides into equal units if the number of elements pruned otherwise depends on which units are.
//
//   - the mask has the length of the tensor; nothing is pruned at sparsity 0 and everything at 1, unless the pattern
//     fixes the sparsity;
//   - the number pruned depends on shape and sparsity, not on the scores, and so not on ties; it does not fall as
//     sparsity rises;
//   - what an earlier mask of the pattern pruned stays pruned at the same or a higher sparsity;
//   - raising the scores of what is kept changes nothing;
//   - scores and the earlier mask are not changed, and the same call gives the same mask;
//   - scores of another length than the shape, a mask of another length and a sparsity that is not in [0, 1] are errors
//     wrapping tensor.ErrShape and tensor.ErrRange.
func CheckPattern(t testing.TB, p prune.Pattern, shapes ...[]int) {
	t.Helper()
	if len(shapes) == 0 {
		shapes = someShapes
	}
	_, fixed := p.(interface{ Sparsity() float64 })
	tested := 0
	for _, shape := range shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		info := prune.Info{Name: "w", Shape: shape, Size: n}
		switch len(shape) {
		case 2, 3:
			info.In = 1
		case 4:
			info.Out, info.In = 3, 2
		}
		if checkPatternOn(t, p, info, fixed) {
			tested++
		}
		if t.Failed() {
			return
		}
	}
	if tested == 0 {
		t.Errorf("every shape was refused: %v", shapes)
	}
}

func checkPatternOn(t testing.TB, p prune.Pattern, info prune.Info, fixed bool) bool {
	t.Helper()
	rng := tensor.Stream(1, uint64(info.Size))
	scores, ties := make([]float64, info.Size), make([]float64, info.Size)
	for i := range scores {
		scores[i] = math.Abs(rng.NormFloat64())
	}
	var prior *prune.Mask
	last := 0
	for _, s := range []float64{0, 0.1, 0.25, 0.5, 0.5, 0.8, 0.99, 1} {
		given := slices.Clone(scores)
		m, err := p.Select(given, info, s, nil)
		if err != nil {
			if s == 0 && (errors.Is(err, prune.ErrDivisible) || errors.Is(err, tensor.ErrShape)) {
				return false
			}
			t.Errorf("Select at sparsity %v of shape %v: %v", s, info.Shape, err)
			return true
		}
		if m == nil || m.Len() != info.Size {
			t.Errorf("Select of shape %v returned no mask of %d elements", info.Shape, info.Size)
			return true
		}
		pruned := m.Len() - m.Count()
		switch {
		case !slices.Equal(given, scores):
			t.Errorf("Select of shape %v changed the scores", info.Shape)
		case !fixed && s == 0 && pruned > 0 || !fixed && s == 1 && pruned < info.Size:
			t.Errorf("at sparsity %v, %d of %d elements of shape %v are pruned\nWant none at 0 and all at 1.",
				s, pruned, info.Size, info.Shape)
		case pruned < last:
			t.Errorf("at sparsity %v, %d elements of shape %v are pruned, but %d at a lower sparsity",
				s, pruned, info.Shape, last)
		}
		last = pruned
		if flat, err := p.Select(ties, info, s, nil); err != nil || flat.Len()-flat.Count() != pruned {
			t.Errorf("at sparsity %v of shape %v, equal scores do not give the count of unequal ones, %d (%v)\nTies must not "+
				"make a pattern miss its target.", s, info.Shape, pruned, err)
		}
		raised := slices.Clone(scores)
		for i := range raised {
			if m.Keep(i) {
				raised[i] += 10
			}
		}
		if again, err := p.Select(raised, info, s, nil); err != nil || !again.Equal(m) {
			t.Errorf("at sparsity %v of shape %v, another mask results when the scores of what is kept are raised (%v)\nThe "+
				"lowest scores go.", s, info.Shape, err)
		}
		if again, err := p.Select(scores, info, s, nil); err != nil || !again.Equal(m) {
			t.Errorf("Select of shape %v gives another mask the second time (%v)", info.Shape, err)
		}
		if prior != nil && !fixed {
			// Scores that would choose otherwise.
			reversed := make([]float64, len(scores))
			for i, v := range scores {
				reversed[i] = -v
			}
			copied := prior.Clone()
			next, err := p.Select(reversed, info, s, prior)
			switch {
			case err != nil:
				t.Errorf("Select of shape %v with an earlier mask: %v", info.Shape, err)
			case !prior.Equal(copied):
				t.Errorf("Select of shape %v changed the earlier mask", info.Shape)
			case next.AndNot(prior).Count() > 0:
				t.Errorf("at sparsity %v of shape %v, elements come back that an earlier mask had pruned\nUnits that are pruned "+
					"as a whole go first.", s, info.Shape)
			case next.Len()-next.Count() != pruned:
				t.Errorf("at sparsity %v of shape %v, an earlier mask changes the number pruned from %d to %d",
					s, info.Shape, pruned, next.Len()-next.Count())
			}
		}
		prior = m
		if t.Failed() {
			return true
		}
	}
	refuses := func(what string, want error, scores []float64, s float64, prior *prune.Mask) {
		if _, err := p.Select(scores, info, s, prior); !errors.Is(err, want) {
			t.Errorf("%s for shape %v gives the error %v, want one wrapping %q", what, info.Shape, err, want)
		}
	}
	refuses("one score too many", tensor.ErrShape, make([]float64, info.Size+1), 0.5, nil)
	refuses("a mask too long", tensor.ErrShape, scores, 0.5, prune.NewMask(info.Size+1))
	if !fixed {
		for _, s := range []float64{-0.1, 1.1, math.NaN()} {
			refuses("a sparsity out of range", tensor.ErrRange, scores, s, nil)
		}
	}
	return true
}
