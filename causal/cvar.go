package causal

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// CVaR is the mean of the worst share Alpha of the losses, in (0, 1], a [Risk]: conditional value at risk. The row at
// the edge counts in part, and equal losses there share what is left. It needs no labels.
type CVaR struct {
	Alpha float64
}

// Combine is described at [Risk]. A weight counts as so many rows.
func (r CVaR) Combine(loss []float64, b Batch, coef []float64) (float64, error) {
	const call = "CVaR.Combine"
	if err := checkRisk(call, loss, b, coef); err != nil {
		return 0, err
	}
	if !(r.Alpha > 0 && r.Alpha <= 1) {
		return 0, fmt.Errorf("causal: CVaR: Alpha is %v, want a share in (0, 1]: %w", r.Alpha, tensor.ErrRange)
	}
	weight := func(i int) float64 {
		if b.W == nil {
			return 1
		}
		return b.W[i]
	}
	order := make([]int, len(loss))
	total := 0.0
	for i := range order {
		order[i] = i
		total += weight(i)
	}
	if total == 0 {
		return 0, fmt.Errorf("causal: %s: all weights are 0: %w", call, tensor.ErrRange)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case loss[a] > loss[b]:
			return -1
		case loss[a] < loss[b]:
			return 1
		}
		return 0
	})
	clear(coef)
	left := r.Alpha * total
	value := 0.0
	for lo := 0; lo < len(order) && left > 0; {
		hi, tied := lo, 0.0
		for ; hi < len(order) && loss[order[hi]] == loss[order[lo]]; hi++ {
			tied += weight(order[hi])
		}
		part := 0.0
		if tied > 0 {
			part = min(1, left/tied)
		}
		for _, i := range order[lo:hi] {
			coef[i] = part * weight(i) / (r.Alpha * total)
			value += float64(coef[i] * loss[i])
		}
		left -= tied
		lo = hi
	}
	return value, nil
}
