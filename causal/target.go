package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Target is a joint distribution of main and auxiliary labels. Its zero value is [Unconfounded].
type Target struct {
	kind  targetKind
	table map[Cell]float64
}

type targetKind uint8

const (
	unconfounded targetKind = iota
	uniformGivenAux
	groupBalanced
	custom
)

// Unconfounded is P(y)P(v): the labels as often as in the data, and independent. It is the paper's.
func Unconfounded() Target { return Target{} }

// UniformGivenAux is P(v)/levels of y: the main labels equally often, whatever the auxiliary one.
func UniformGivenAux() Target { return Target{kind: uniformGivenAux} }

// GroupBalanced is the same for each combination of labels.
func GroupBalanced() Target { return Target{kind: groupBalanced} }

// CustomTarget is a table of shares that sum to 1, with 0 for what it does not name. The error of [FitWeights] wraps
// [tensor.ErrRange] if they do not.
func CustomTarget(shares map[Cell]float64) Target { return Target{kind: custom, table: shares} }

// shares is the target in the order of the table's cells.
func (t Target) shares(w *Weights) ([]float64, error) {
	py, pv := make([]float64, len(w.y)), make([]float64, len(w.v))
	for at, s := range w.share {
		py[at/len(w.v)] += s
		pv[at%len(w.v)] += s
	}
	out := make([]float64, len(w.share))
	for at := range out {
		i, j := at/len(w.v), at%len(w.v)
		switch t.kind {
		case unconfounded:
			out[at] = py[i] * pv[j]
		case uniformGivenAux:
			out[at] = pv[j] / float64(len(w.y))
		case groupBalanced:
			out[at] = 1 / float64(len(out))
		case custom:
			out[at] = t.table[w.cell(at)]
		}
	}
	if t.kind == custom {
		return out, t.check(w)
	}
	return out, nil
}

func (t Target) check(w *Weights) error {
	total := 0.0
	for c, p := range t.table {
		switch {
		case !(p >= 0 && p <= 1):
			return fmt.Errorf("target: the share of %v is %v: %w", c, p, tensor.ErrRange)
		case p > 0 && w.at(c.Y, c.V) < 0:
			return fmt.Errorf("target: no row has one of the labels of %v: %w", c, ErrNoOverlap)
		}
		total += p
	}
	if !(total > 1-1e-9 && total < 1+1e-9) {
		return fmt.Errorf("target: the shares sum to %v, want 1: %w", total, tensor.ErrRange)
	}
	return nil
}
