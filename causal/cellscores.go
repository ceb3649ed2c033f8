package causal

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// cellScores is the scores of a model sorted for statistics of cells, the combinations of labels, of y in 0 and 1 and
// any v. It is immutable.
type cellScores struct {
	v      []int // the levels, in increasing order
	cell   []int // of each row: y * levels + v
	size   []int // rows of each cell
	order  []int // rows by increasing score
	scores []float64
}

// newCellScores checks scores and labels. Rows with an unknown label are left out.
func newCellScores(call string, scores []float64, y, v []int) (*cellScores, error) {
	if len(scores) != len(y) || len(y) != len(v) {
		return nil, fmt.Errorf("causal: %s: %d scores, %d main and %d auxiliary labels: %w",
			call, len(scores), len(y), len(v), tensor.ErrShape)
	}
	if err := tensor.ValidateFinite("scores", scores); err != nil {
		return nil, fmt.Errorf("causal: %s: %w", call, err)
	}
	for i, label := range y {
		if label != 0 && label != 1 {
			return nil, fmt.Errorf("causal: %s: y[%d] = %d, want 0 or 1: %w", call, i, label, ErrLabelRange)
		}
	}
	if err := checkLabels(call, "v", v, true); err != nil {
		return nil, err
	}
	c := &cellScores{}
	var rows []int
	for i := range v {
		if v[i] != Unknown {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("causal: %s: no row of %d has a known label: %w", call, len(y), tensor.ErrEmpty)
	}
	var l levels
	l.of(v, rows)
	c.v = l.values
	c.size = make([]int, 2*len(c.v))
	for k, i := range rows {
		at := y[i]*len(c.v) + l.at(v[i])
		c.cell, c.scores, c.order = append(c.cell, at), append(c.scores, scores[i]), append(c.order, k)
		c.size[at]++
	}
	slices.SortStableFunc(c.order, func(a, b int) int {
		switch {
		case c.scores[a] < c.scores[b]:
			return -1
		case c.scores[a] > c.scores[b]:
			return 1
		}
		return 0
	})
	return c, nil
}

// name is the cell of a number.
func (c *cellScores) name(at int) Cell { return Cell{at / len(c.v), c.v[at%len(c.v)]} }

// missing lists the cells without rows.
func (c *cellScores) missing() []Cell {
	var empty []Cell
	for at, n := range c.size {
		if n == 0 {
			empty = append(empty, c.name(at))
		}
	}
	return empty
}

// aucs writes, for each pair of cells, the probability that a row of the first has a higher score than one of the
// second, ties counting half, to auc[first*cells+second], counting row i counts[i] times; counts nil is once each.
// Pairs with an empty cell are NaN. Scratch has three times as many elements as there are cells.
func (c *cellScores) aucs(counts []int32, auc, scratch []float64) {
	cells := len(c.size)
	before, tied, total := scratch[:cells], scratch[cells:2*cells], scratch[2*cells:3*cells]
	clear(scratch[:3*cells])
	clear(auc)
	for lo := 0; lo < len(c.order); {
		hi := lo
		clear(tied)
		for ; hi < len(c.order) && c.scores[c.order[hi]] == c.scores[c.order[lo]]; hi++ {
			tied[c.cell[c.order[hi]]] += count(counts, c.order[hi])
		}
		for first, n := range tied {
			if n == 0 {
				continue
			}
			for second := range cells {
				auc[first*cells+second] += n * (before[second] + tied[second]/2)
			}
		}
		for at, n := range tied {
			before[at] += n
			total[at] += n
		}
		lo = hi
	}
	for first := range cells {
		for second := range cells {
			auc[first*cells+second] /= total[first] * total[second] // NaN where one is empty
		}
	}
}

func count(counts []int32, i int) float64 {
	if counts == nil {
		return 1
	}
	return float64(counts[i])
}

// means writes the mean of a value of each row within each cell; NaN for an empty one.
func (c *cellScores) means(counts []int32, value, mean, scratch []float64) {
	total := scratch[:len(c.size)]
	clear(total)
	clear(mean)
	for i, at := range c.cell {
		n := count(counts, i)
		total[at] += n
		mean[at] += n * value[i]
	}
	for at := range mean {
		mean[at] /= total[at]
	}
}

// sharesOf is a target in the order of the cells; NaN or a sum other than 1 is refused.
func (c *cellScores) sharesOf(call string, target map[Cell]float64) ([]float64, error) {
	shares := make([]float64, len(c.size))
	total := 0.0
	for cell, p := range target {
		j, known := slices.BinarySearch(c.v, cell.V)
		switch {
		case !(p >= 0 && p <= 1):
			return nil, fmt.Errorf("causal: %s: the share of %v is %v: %w", call, cell, p, tensor.ErrRange)
		case p == 0:
			continue
		case !known || cell.Y != 0 && cell.Y != 1 || c.size[cell.Y*len(c.v)+j] == 0:
			return nil, fmt.Errorf("causal: %s: no row has %v, which the target has: %w", call, cell, ErrNoOverlap)
		}
		shares[cell.Y*len(c.v)+j] = p
		total += p
	}
	if math.Abs(total-1) > 1e-9 {
		return nil, fmt.Errorf("causal: %s: the shares of the target sum to %v, want 1: %w", call, total, tensor.ErrRange)
	}
	return shares, nil
}

// auc is that of y under a target: sum over pairs of cells of the products of their shares within y.
func (c *cellScores) auc(shares, aucs []float64) float64 {
	levels, cells := len(c.v), len(c.size)
	positive, negative, sum := 0.0, 0.0, 0.0
	for j := range levels {
		negative += shares[j]
		positive += shares[levels+j]
	}
	for j := range levels {
		for k := range levels {
			if w := shares[levels+j] * shares[k]; w > 0 {
				sum += w * aucs[(levels+j)*cells+k]
			}
		}
	}
	return sum / (positive * negative)
}

// weightedMean is sum shares*x over the cells with a share.
func weightedMean(shares, x []float64) float64 {
	sum := 0.0
	for at, p := range shares {
		if p > 0 {
			sum += p * x[at]
		}
	}
	return sum
}
