package causal

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// FoldTest is the result of [FoldTTest].
type FoldTest struct {
	Folds []float64 `json:"folds"` // the penalty of each
	Mean  float64   `json:"mean"`
	P     float64   `json:"p"`
	// Equal says that all folds have the same value, of which a t-test knows no spread: P is then 0, and 1 if all are 0.
	Equal bool `json:"equal,omitempty"`
}

// FoldTTest is the test of the released code of Makar et al. 2022, for comparison with it: the rows are divided into so
// many consecutive folds, rows that are left over dropped, and a two-sided t-test asks whether the mean of the folds'
// penalties is 0. A penalty without negative values has no mean of 0, so that the test rejects true independence most
// of the time, 66 % with 90 rows and 91 % with 360: use [IndependenceTest].
//
// The error wraps [tensor.ErrRange] for fewer than two folds or more than rows, and [ErrNoOverlap] if a fold is skipped
// for want of a group.
func FoldTTest[T tensor.Float](p Penalty[T], z tensor.Matrix[T], b Batch, folds int) (FoldTest, error) {
	const call = "FoldTTest"
	if p == nil {
		return FoldTest{}, fmt.Errorf("causal: %s: no penalty: %w", call, tensor.ErrEmpty)
	}
	if folds < 2 || folds > z.Rows {
		return FoldTest{}, fmt.Errorf("causal: %s: %d folds of %d rows, want 2 or more: %w",
			call, folds, z.Rows, tensor.ErrRange)
	}
	if err := checkEval(call, z, b, tensor.Matrix[T]{}); err != nil {
		return FoldTest{}, err
	}
	var t FoldTest
	size := z.Rows / folds
	for k := range folds {
		lo, hi := k*size, (k+1)*size
		r, err := p.Eval(z.Slice(lo, hi, 0, z.Cols), b.slice(lo, hi), tensor.Matrix[T]{})
		if err != nil {
			return FoldTest{}, fmt.Errorf("causal: %s: fold %d: %w", call, k, err)
		}
		if r.Skipped != "" {
			return FoldTest{}, fmt.Errorf("causal: %s: fold %d, rows %d to %d: %s: %w",
				call, k, lo, hi-1, r.Skipped, ErrNoOverlap)
		}
		t.Folds = append(t.Folds, r.Value)
		t.Mean += r.Value / float64(folds)
	}
	test, err := stats.OneSampleT(t.Folds)
	switch {
	case errors.Is(err, stats.ErrDegenerate):
		t.Equal = true
		if t.Folds[0] == 0 {
			t.P = 1
		}
	case err != nil:
		return FoldTest{}, fmt.Errorf("causal: %s: %w", call, err)
	default:
		t.P = test.P
	}
	return t, nil
}

// slice is rows lo to hi-1 of a batch.
func (b Batch) slice(lo, hi int) Batch {
	var s Batch
	if b.Y != nil {
		s.Y = b.Y[lo:hi]
	}
	if b.V != nil {
		s.V = b.V[lo:hi]
	}
	if b.W != nil {
		s.W = b.W[lo:hi]
	}
	if b.Aux.Rows > 0 {
		s.Aux = b.Aux.Slice(lo, hi, 0, b.Aux.Cols)
	}
	return s
}
