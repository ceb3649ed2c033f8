package maddness

import (
	"fmt"
	"math"
	"strings"
)

// Stats describes a fitted operator.
type Stats struct {
	Columns, Outputs, Codebooks int // D, M, C

	TableBytes  int         // of the rounded tables: 16*C*M at 8 bits
	Bits        int         // to which entries are rounded
	Aggregation Aggregation // how they are added up
	ReLU        bool

	Grouping    Grouping // of the fit, chosen by WithValidation or given
	Refine      int      // passes, likewise
	Ridge       float64  // likewise
	TrainRows   int      // 0 if the operator was not fitted here
	TrainNMSE   float64  // mean squared error over the variance of the outputs, on the training rows, before bias and ReLU; NaN if not fitted
	HeldOutNMSE float64  // on the rows that WithValidation held out, of the fit to the others; NaN without it

	// Entropy is that of each codebook's codes over the training rows, in bits: 4 if all are used alike, 0 if one is;
	// NaN if not fitted.
	Entropy []float64
}

// String describes the operator in a line, and its fit in a second.
func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d columns -> %d outputs, %d codebooks, %v, %d-bit tables of %d bytes\n", s.Columns, s.Outputs, s.Codebooks, s.Aggregation, s.Bits, s.TableBytes)
	if s.TrainRows == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "trained on %d rows, %v, %d passes, ridge %g: NMSE %.4f", s.TrainRows, s.Grouping, s.Refine, s.Ridge, s.TrainNMSE)
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
