package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// VREx is the mean of the groups' mean losses plus Lambda times their variance (Krueger et al. 2021), a [Risk].
// Groups are the levels of Batch.V in the batch, or with ByCell the combinations with Batch.Y. It is stateless.
type VREx struct {
	Lambda float64 // 0 or more
	ByCell bool
}

// Combine is described at [Risk]. Weights weight the losses within a group. A row whose label is [Unknown] does not
// count.
func (r VREx) Combine(loss []float64, b Batch, coef []float64) (float64, error) {
	const call = "VREx.Combine"
	if err := checkRisk(call, loss, b, coef); err != nil {
		return 0, err
	}
	if !(r.Lambda >= 0) || math.IsInf(r.Lambda, 1) {
		return 0, fmt.Errorf("causal: VREx: Lambda is %v, want a finite number of 0 or more: %w", r.Lambda, tensor.ErrRange)
	}
	g, err := groupLosses(call, loss, b, r.ByCell)
	if err != nil {
		return 0, err
	}
	n := float64(len(g.mean))
	mean, variance := 0.0, 0.0
	for _, m := range g.mean {
		mean += m / n
	}
	for _, m := range g.mean {
		variance += (m - mean) * (m - mean) / n
	}
	for i, at := range g.of {
		coef[i] = 0
		if at >= 0 {
			coef[i] = g.share[i] * (1 + 2*r.Lambda*(g.mean[at]-mean)) / n
		}
	}
	return mean + r.Lambda*variance, nil
}
