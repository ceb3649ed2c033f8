package causal

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// groupMeans is the mean losses of the groups in a batch.
type groupMeans struct {
	cells []Cell    // of each group; Y is 0 for groups by V alone
	mean  []float64 // of each group
	count []int
	of    []int     // group of each row, or -1
	share []float64 // of each row in its group
}

func groupLosses(call string, loss []float64, b Batch, byCell bool) (groupMeans, error) {
	if b.V == nil || byCell && b.Y == nil {
		return groupMeans{}, fmt.Errorf("causal: %s: the batch has no labels to group by: %w", call, tensor.ErrShape)
	}
	if err := checkLabels(call, "V", b.V, true); err != nil {
		return groupMeans{}, err
	}
	if err := checkLabels(call, "Y", b.Y, false); err != nil {
		return groupMeans{}, err
	}
	cell := func(i int) Cell {
		c := Cell{V: b.V[i]}
		if byCell {
			c.Y = b.Y[i]
		}
		return c
	}
	g := groupMeans{of: make([]int, len(loss)), share: make([]float64, len(loss))}
	index := map[Cell]int{}
	for i := range loss {
		if c := cell(i); c.V != Unknown && (b.W == nil || b.W[i] > 0) {
			if _, seen := index[c]; !seen {
				index[c] = 0
				g.cells = append(g.cells, c)
			}
		}
	}
	if len(g.cells) == 0 {
		return g, fmt.Errorf("causal: %s: no row has a weight and a known label: %w", call, tensor.ErrEmpty)
	}
	sortCells(g.cells)
	for k, c := range g.cells {
		index[c] = k
	}
	g.mean, g.count = make([]float64, len(g.cells)), make([]int, len(g.cells))
	weight := make([]float64, len(g.cells))
	for i := range loss {
		g.of[i] = -1
		if k, ok := index[cell(i)]; ok && (b.W == nil || b.W[i] > 0) {
			g.of[i], g.share[i] = k, 1
			if b.W != nil {
				g.share[i] = b.W[i]
			}
			weight[k] += g.share[i]
			g.count[k]++
		}
	}
	for i, k := range g.of {
		if k >= 0 {
			g.share[i] /= weight[k]
			g.mean[k] += float64(g.share[i] * loss[i])
		}
	}
	return g, nil
}

func sortCells(cells []Cell) {
	slices.SortFunc(cells, func(a, b Cell) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.V, b.V)) })
}
