package survival

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Model is what predicting takes of a fitted [Cox] model: small enough to keep. It is written as JSON.
type Model struct {
	Names     []string   // of the columns
	Coef      []float64  // logarithms of the hazard ratios
	Mean      []float64  // of the columns, which have a score of 0
	Baselines []Baseline // of a score of 0, by stratum
}

// Model is what predicting takes.
func (m *Cox) Model() Model {
	baselines := m.at.baselines()
	return Model{slices.Clone(m.names), slices.Clone(m.coef), slices.Clone(m.mean), baselines}
}

// Score is the logarithm of the hazard of a row over that of the mean of the columns. The error wraps [tensor.ErrShape]
// or [tensor.ErrNotFinite].
func (m Model) Score(x []float64) (float64, error) {
	if len(x) != len(m.Coef) {
		return 0, fmt.Errorf("survival: Model.Score: %d values for %d columns: %w", len(x), len(m.Coef),
			tensor.ErrShape)
	}
	score := 0.0
	for j, v := range x {
		if v-v != 0 {
			return 0, fmt.Errorf("survival: Model.Score: x[%d] = %v: %w", j, v, tensor.ErrNotFinite)
		}
		score += m.Coef[j] * (v - m.Mean[j])
	}
	return score, nil
}

// Survival is the probability that the event of a row has not happened at time t. The error is that of [Model.Score] or
// [Baseline.Hazard], or wraps [tensor.ErrRange] for a stratum that the model does not know.
func (m Model) Survival(stratum int, x []float64, t float64) (float64, error) {
	for _, b := range m.Baselines {
		if b.Stratum == stratum {
			score, err := m.Score(x)
			if err != nil {
				return 0, err
			}
			return b.Survival(score, t)
		}
	}
	return 0, fmt.Errorf("survival: Model.Survival: no stratum %d: %w", stratum, tensor.ErrRange)
}

const modelVersion = 1

type modelJSON struct {
	Version   int        `json:"version"`
	Names     []string   `json:"names"`
	Coef      []float64  `json:"coef"`
	Mean      []float64  `json:"mean"`
	Baselines []Baseline `json:"baselines"`
}

// MarshalJSON writes the model.
func (m Model) MarshalJSON() ([]byte, error) {
	return json.Marshal(modelJSON{modelVersion, m.Names, m.Coef, m.Mean, m.Baselines})
}

// UnmarshalJSON reads what MarshalJSON wrote. Other versions, columns that do not go together and hazards that fall are
// errors, which leave m as it was.
func (m *Model) UnmarshalJSON(b []byte) error {
	var j modelJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if j.Version != modelVersion {
		return fmt.Errorf("survival: Model: version %d, want %d: %w", j.Version, modelVersion, tensor.ErrRange)
	}
	if len(j.Names) != len(j.Coef) || len(j.Mean) != len(j.Coef) {
		return fmt.Errorf("survival: Model: %d names, %d coefficients and %d means: %w", len(j.Names), len(j.Coef),
			len(j.Mean), tensor.ErrShape)
	}
	for _, of := range j.Baselines {
		last := BaselineStep{}
		for i, s := range of.Steps {
			if s.H < last.H || i > 0 && s.Time <= last.Time || s.Time < 0 || s.Time > of.Last {
				return fmt.Errorf("survival: Model: stratum %d goes from %v to %v: %w", of.Stratum, last, s,
					tensor.ErrRange)
			}
			last = s
		}
	}
	*m = Model{j.Names, j.Coef, j.Mean, j.Baselines}
	return nil
}
