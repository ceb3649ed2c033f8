package schedule

import "math"

// LayerDecay is a schedule for each of n layers, from the input to the output: the last follows s itself and each one
// before it follows the next, times factor. It is how BEiT and ELECTRA are fine-tuned, with factors from 0.65
// to 0.9. The error wraps [tensor.ErrRange] if n < 1 or factor <= 0, [tensor.ErrNotFinite] if a power of factor is
// infinite, or is that of [Validate].
func LayerDecay(s Schedule, n int, factor float64) ([]Schedule, error) {
	err := check("LayerDecay").that(n >= 1, "n", n, ">= 1").positive("factor", factor).
		finite("factor^(n-1)", math.Pow(factor, float64(n-1))).child("s", s).err()
	if err != nil {
		return nil, err
	}
	groups := make([]Schedule, n)
	for i := range groups {
		groups[i] = Scale{S: s, By: math.Pow(factor, float64(n-1-i))}
	}
	return groups, nil
}
