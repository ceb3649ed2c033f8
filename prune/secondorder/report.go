package secondorder

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/report"
)

// Report is what pruning a layer did.
type Report struct {
	Rows    int     `json:"rows"`
	Cols    int     `json:"cols"`
	Pruned  int     `json:"pruned"`         // weights that are pruned now, those of a prior mask among them
	Dead    []int   `json:"dead,omitempty"` // inputs that were always zero, whose weights are zero now
	Damping float64 `json:"damping"`        // added to the diagonal of H; ten times what was asked for if that failed
	// MSE is the mean squared change of an output over the samples that were observed, weights being as they were
	// stored.
	MSE float64 `json:"mse"`
	// NMSE is MSE over the mean square of the outputs before; NaN, null in JSON, if all of them were zero.
	NMSE float64 `json:"nmse"`
	// Removals are the steps of [OBS], row by row; none of [SparseGPT].
	Removals [][]Removal `json:"removals,omitempty"`
}

// Removal is a weight that was pruned.
type Removal struct {
	Column   int     `json:"column"`
	Saliency float64 `json:"saliency"` // how much it raised ½ dᵀHd, d being the change of the row's weights
}

// Sparsity is the fraction of the weights that are pruned.
func (r Report) Sparsity() float64 { return float64(r.Pruned) / (float64(r.Rows) * float64(r.Cols)) }

// String is a line for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%dx%d: %d weights pruned (%.1f %%), mean squared change of an output %.3g", r.Rows, r.Cols, r.Pruned,
		100*r.Sparsity(), r.MSE)
	if !math.IsNaN(r.NMSE) {
		fmt.Fprintf(&b, ", %.2f %% of its square", 100*r.NMSE)
	}
	if len(r.Dead) > 0 {
		fmt.Fprintf(&b, "; %d inputs are always zero", len(r.Dead))
	}
	return b.String()
}

type plainReport Report

type reportJSON struct {
	*plainReport
	NMSE report.Number `json:"nmse"`
}

// MarshalJSON writes null for an NMSE that there is not.
func (r Report) MarshalJSON() ([]byte, error) {
	plain := plainReport(r)
	return json.Marshal(reportJSON{&plain, report.Number(r.NMSE)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Report) UnmarshalJSON(b []byte) error {
	var plain plainReport
	read := reportJSON{plainReport: &plain}
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	plain.NMSE = float64(read.NMSE)
	*r = Report(plain)
	return nil
}
