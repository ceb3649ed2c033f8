package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Risk combines the losses of the rows of a batch into one value. It writes the derivative of the value with respect to
// each loss to coef, with which a row of the gradient of the losses is to be multiplied. A [Risk] of any loss of any
// model needs to know no more.
type Risk interface {
	Combine(loss []float64, b Batch, coef []float64) (float64, error)
}

// checkRisk checks the arguments of a risk.
func checkRisk(call string, loss []float64, b Batch, coef []float64) error {
	if len(coef) != len(loss) {
		return fmt.Errorf("causal: %s: %d losses and %d coefficients: %w", call, len(loss), len(coef), tensor.ErrShape)
	}
	if len(loss) == 0 {
		return fmt.Errorf("causal: %s: no losses: %w", call, tensor.ErrEmpty)
	}
	if err := tensor.ValidateFinite("loss", loss); err != nil {
		return fmt.Errorf("causal: %s: %w", call, err)
	}
	return b.check(call, len(loss))
}
