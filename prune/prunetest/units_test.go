package prunetest_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/prune/structured"
)

type unitScorer func(dst []float64, g *structured.Group[float32]) error

func (f unitScorer) Score(dst []float64, g *structured.Group[float32]) error { return f(dst, g) }

// taylor is the importance that a user might write: weights times gradients.
var taylor = unitScorer(func(dst []float64, g *structured.Group[float32]) error {
	clear(dst)
	for _, m := range g.Members {
		m.Each(func(unit, element int) {
			dst[unit] += math.Abs(float64(m.Param.Data[element]) * float64(m.Param.Grad[element]))
		})
	}
	return nil
})

func TestCheckUnitScorer(t *testing.T) {
	prunetest.CheckUnitScorer(t, structured.Scorer[float32](taylor), prunetest.Graph[float32](1))
	prunetest.CheckUnitScorer[float64](t, structured.Magnitude[float64]{P: 1}, prunetest.Graph[float64](2))
	calls := 0.0
	var clash together.Clash
	for want, s := range map[string]unitScorer{
		"is NaN, or was not written": func(dst []float64, g *structured.Group[float32]) error {
			clear(dst[1:])
			return nil
		},
		"changed weights or gradients": func(dst []float64, g *structured.Group[float32]) error {
			g.Members[0].Param.Data[0]++
			return taylor(dst, g)
		},
		"differ when taken again": func(dst []float64, g *structured.Group[float32]) error {
			calls++
			for u := range dst {
				dst[u] = calls
			}
			return nil
		},
		"several goroutines": func(dst []float64, g *structured.Group[float32]) error {
			err := taylor(dst, g)
			if clash.Enter(100 * time.Microsecond) {
				dst[0]++
			}
			return err
		},
		"out of paint": func([]float64, *structured.Group[float32]) error { return errors.New("out of paint") },
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
			prunetest.CheckUnitScorer(tb, structured.Scorer[float32](s), prunetest.Graph[float32](1))
		}), want)
	}
	bad := structured.NewGraph[float32](0)
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		prunetest.CheckUnitScorer(tb, structured.Scorer[float32](taylor), bad)
	}), "the graph has no layers")
}
