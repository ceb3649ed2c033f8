package ecg

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// WarpDistance is the smallest sum of squared differences of two beats when time may be stretched (dynamic time
// warping): every sample of each is compared with one or more of the other, in order. Its power between neighbouring
// beats is the morphologic variability of Syed et al. 2009. The error wraps [tensor.ErrEmpty] or
// [tensor.ErrNotFinite].
func WarpDistance[T tensor.Float](a, b []T) (float64, error) {
	if len(a) == 0 || len(b) == 0 {
		return 0, fmt.Errorf("ecg: WarpDistance: beats of %d and %d samples: %w", len(a), len(b), tensor.ErrEmpty)
	}
	row := make([]float64, len(b)+1)
	for j := range row {
		row[j] = math.Inf(1)
	}
	row[0] = 0
	for _, x := range a {
		diagonal := row[0]
		row[0] = math.Inf(1)
		for j, y := range b {
			d := float64(x) - float64(y)
			best := min(diagonal, row[j], row[j+1])
			diagonal = row[j+1]
			row[j+1] = best + d*d
		}
	}
	d := row[len(b)]
	if d-d != 0 {
		return 0, fmt.Errorf("ecg: WarpDistance: the distance is %v: %w", d, tensor.ErrNotFinite)
	}
	return d, nil
}
