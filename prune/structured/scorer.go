package structured

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Scorer tells how important the units of a group are. Implementations are the user's too; package prunetest checks
// them.
type Scorer[T tensor.Float] interface {
	// Score writes a number for each unit of a group, the larger the more important, none of them NaN. It must depend
	// on the group alone, and change nothing.
	Score(dst []float64, g *Group[T]) error
}

// Magnitude is the importance of Torch-Pruning: for each member the sum of |w|^P over the elements of a unit, and of
// these the mean over the members.
type Magnitude[T tensor.Float] struct {
	P float64 // above 0; 0 is 2
}

// Score implements [Scorer].
func (m Magnitude[T]) Score(dst []float64, g *Group[T]) error {
	p := m.P
	if p == 0 {
		p = 2
	}
	if !(p > 0) || math.IsInf(p, 1) {
		return fmt.Errorf("structured: Magnitude: P is %v, want above 0: %w", m.P, tensor.ErrRange)
	}
	power := func(w float64) float64 { return math.Pow(math.Abs(w), p) }
	switch p {
	case 1:
		power = math.Abs
	case 2:
		power = func(w float64) float64 { return w * w }
	}
	clear(dst)
	for _, member := range g.Members {
		member.Each(func(unit, element int) { dst[unit] += power(float64(member.Param.Data[element])) })
	}
	for u := range dst {
		dst[u] /= float64(len(g.Members))
	}
	return nil
}
