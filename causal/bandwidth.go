package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// mostForMedian is the number of rows whose pairs are all looked at; of more rows as many are drawn.
const mostForMedian = 2000

// MedianSigma is the median heuristic for the bandwidth of [RBF]: the square root of half the median squared distance
// of two rows of z, so that the kernel of the median pair is 1/e. If more than half of the pairs are equal, as ReLU
// makes them, the median is that of the others. Of more than 2000 rows that many are drawn, always the same. The
// error wraps [ErrBandwidth] if all rows are equal, [tensor.ErrEmpty] for fewer than two, and [tensor.ErrNotFinite].
func MedianSigma[T tensor.Float](z tensor.Matrix[T]) (float64, error) {
	if err := checkRepresentation("MedianSigma", z); err != nil {
		return 0, err
	}
	if z.Rows < 2 {
		return 0, fmt.Errorf("causal: MedianSigma: %d rows: %w", z.Rows, tensor.ErrEmpty)
	}
	var m medianFinder[T]
	rows := make([]int, z.Rows)
	for i := range rows {
		rows[i] = i
	}
	sigma := m.sigma(z, rows)
	if sigma == 0 {
		return 0, fmt.Errorf("causal: MedianSigma: all %d rows are equal: %w", z.Rows, ErrBandwidth)
	}
	return sigma, nil
}

// medianFinder keeps its memory from one search to the next.
type medianFinder[T tensor.Float] struct {
	rows  []int
	pairs []float64
}

// sigma is that of [MedianSigma] of the given rows, and 0 if all are equal.
func (m *medianFinder[T]) sigma(z tensor.Matrix[T], rows []int) float64 {
	m.rows = append(m.rows[:0], rows...)
	if n := len(m.rows); n > mostForMedian {
		rng := tensor.Stream(0, uint64(n))
		for i := range mostForMedian {
			j := i + rng.IntN(n-i)
			m.rows[i], m.rows[j] = m.rows[j], m.rows[i]
		}
		m.rows = m.rows[:mostForMedian]
	}
	m.pairs = m.pairs[:0]
	for i, r := range m.rows {
		a := z.Row(r)
		for _, s := range m.rows[:i] {
			m.pairs = append(m.pairs, squaredDistance(a, z.Row(s)))
		}
	}
	d2 := middle(m.pairs)
	if d2 == 0 {
		positive := m.pairs[:0]
		for _, v := range m.pairs {
			if v > 0 {
				positive = append(positive, v)
			}
		}
		d2 = middle(positive)
	}
	return math.Sqrt(d2 / 2)
}

// middle is the median of x, which it rearranges; 0 of nothing.
func middle(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	half := len(x) / 2
	upper := tensor.Select(x, half)
	if len(x)%2 == 1 {
		return upper
	}
	lower := x[0]
	for _, v := range x[:half] {
		lower = max(lower, v)
	}
	return lower/2 + upper/2
}

func squaredDistance[T tensor.Float](a, b []T) float64 {
	s := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		s += float64(d * d)
	}
	return s
}
