package maddness

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/report"
)

// Stats describes a fitted operator.
type Stats struct {
	Columns   int `json:"columns"`   // D
	Outputs   int `json:"outputs"`   // M
	Codebooks int `json:"codebooks"` // C

	TableBytes  int         `json:"table_bytes"` // of the rounded tables: 16*C*M at 8 bits
	Bits        int         `json:"bits"`        // to which entries are rounded
	Aggregation Aggregation `json:"aggregation"` // how they are added up
	ReLU        bool        `json:"relu"`

	Grouping  Grouping `json:"grouping"`   // of the fit, chosen by WithValidation or given
	Refine    int      `json:"refine"`     // passes, likewise
	Ridge     float64  `json:"ridge"`      // likewise
	TrainRows int      `json:"train_rows"` // 0 if the operator was not fitted here
	// TrainNMSE is the mean squared error over the variance of the outputs, on the training rows, before bias and ReLU;
	// NaN if not fitted. It is 0 for exact constants and +Inf for inexact ones.
	TrainNMSE float64 `json:"train_nmse"`
	// on the rows that WithValidation held out, of the fit to the others; NaN without it
	HeldOutNMSE float64 `json:"held_out_nmse"`

	// Entropy is that of each codebook's codes over the training rows, in bits: 4 if all are used alike, 0 if one is;
	// NaN if not fitted.
	Entropy []float64 `json:"entropy"`
}

// String describes the operator in a line, and its fit in a second.
func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d columns -> %d outputs, %d codebooks, %v, %d-bit tables of %d bytes\n",
		s.Columns, s.Outputs, s.Codebooks, s.Aggregation, s.Bits, s.TableBytes)
	if s.TrainRows == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "trained on %d rows, %v, %d passes, ridge %g: NMSE %.4f",
		s.TrainRows, s.Grouping, s.Refine, s.Ridge, s.TrainNMSE)
	if !math.IsNaN(s.HeldOutNMSE) {
		fmt.Fprintf(&b, ", held out %.4f", s.HeldOutNMSE)
	}
	mean := 0.0
	for _, h := range s.Entropy {
		mean += h / float64(len(s.Entropy))
	}
	fmt.Fprintf(&b, ", codes use %.2f of 4 bits\n", mean)
	return b.String()
}

// statsJSON has [Stats] with numbers that JSON can hold.
type statsJSON struct {
	*plainStats
	TrainNMSE   report.Number   `json:"train_nmse"`
	HeldOutNMSE report.Number   `json:"held_out_nmse"`
	Entropy     []report.Number `json:"entropy"`
}

type plainStats Stats

// MarshalJSON writes null for what was not measured, and for an error that is infinite.
func (s Stats) MarshalJSON() ([]byte, error) {
	entropy := make([]report.Number, len(s.Entropy))
	for i, h := range s.Entropy {
		entropy[i] = report.Number(h)
	}
	plain := plainStats(s)
	return json.Marshal(statsJSON{&plain, report.Number(s.TrainNMSE), report.Number(s.HeldOutNMSE), entropy})
}

// UnmarshalJSON reads what MarshalJSON wrote. Null is NaN, and +Inf for the error of a fit.
func (s *Stats) UnmarshalJSON(b []byte) error {
	var plain plainStats
	read := statsJSON{plainStats: &plain}
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	plain.TrainNMSE, plain.HeldOutNMSE = float64(read.TrainNMSE), float64(read.HeldOutNMSE)
	if plain.TrainRows > 0 && math.IsNaN(plain.TrainNMSE) {
		plain.TrainNMSE = math.Inf(1)
	}
	for _, h := range read.Entropy {
		plain.Entropy = append(plain.Entropy, float64(h))
	}
	*s = Stats(plain)
	return nil
}
