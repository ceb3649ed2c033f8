package tradeoff

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Utilization is the model FLOPs utilization (MFU, Chowdhery et al. 2022): the floating-point operations that the model
// needs, without those of recomputation, over what the machine could have done in the time at its peak rate. The error
// wraps [tensor.ErrRange] for arguments that are not finite and above 0, or a result above 1, as when flops counts what
// peak does not.
func Utilization(flops, peakPerSecond, seconds float64) (float64, error) {
	c := call("Utilization")
	for _, a := range []struct {
		name  string
		value float64
	}{{"flops", flops}, {"peakPerSecond", peakPerSecond}, {"seconds", seconds}} {
		if !(a.value > 0) || math.IsInf(a.value, 1) {
			return 0, c.errorf("%s is %v, want a finite number above 0: %w", a.name, a.value, tensor.ErrRange)
		}
	}
	u := flops / peakPerSecond / seconds
	if u > 1 {
		return 0, c.errorf("%.4g FLOPs in %.4g s are %.4g per second, above the peak of %.4g: %w", flops, seconds,
			flops/seconds, peakPerSecond, tensor.ErrRange)
	}
	return u, nil
}
