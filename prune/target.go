package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

type targetKind uint8

const (
	noTarget targetKind = iota
	bySparsity
	byCompression
	byNonzeros
	bySpeedup
)

type target struct {
	kind  targetKind
	value float64
}

// budget is what a model has and what of it can go.
type budget struct {
	total, prunable, keep int // scalars: of the model, of prunable parameters, and of those what must stay
	macs, fixedMACs       int64
	keepMACs              float64 // of prunable parameters, what must stay
}

// amount turns a target into a fraction of the prunable elements or, for a speedup, of all multiply-adds.
func (t target) amount(b budget) (float64, error) {
	switch t.kind {
	case bySparsity:
		most := float64(b.prunable-b.keep) / float64(b.prunable)
		if roundHalfEven(t.value, b.prunable) > b.prunable-b.keep {
			return 0, &InfeasibleError{"sparsity", t.value, most}
		}
		return t.value, nil
	case byCompression:
		rest := b.total - b.prunable
		fraction := (float64(b.total)/t.value - float64(rest)) / float64(b.prunable)
		if !(fraction > 0) || roundHalfEven(fraction, b.prunable) < b.keep {
			return 0, &InfeasibleError{"compression", t.value, float64(b.total) / float64(rest+b.keep)}
		}
		return 1 - fraction, nil
	case byNonzeros:
		kept := int(t.value) - (b.total - b.prunable)
		if kept > b.prunable {
			return 0, fmt.Errorf("prune: WithNonzeros(%v): the model has %d scalars: %w", t.value, b.total, tensor.ErrRange)
		}
		if kept < b.keep {
			return 0, &InfeasibleError{"nonzeros", t.value, float64(b.total - b.prunable + b.keep)}
		}
		return 1 - float64(kept)/float64(b.prunable), nil
	case bySpeedup:
		if b.macs == 0 {
			return 0, fmt.Errorf("prune: WithSpeedup(%v): WithMACs counts nothing: %w", t.value, tensor.ErrEmpty)
		}
		if least := float64(b.fixedMACs) + b.keepMACs; float64(b.macs)/t.value < least {
			return 0, &InfeasibleError{"speedup", t.value, float64(b.macs) / least}
		}
		return 1 - 1/t.value, nil
	}
	return 0, fmt.Errorf("prune: no target: want WithSparsity, WithCompression, WithNonzeros or WithSpeedup, a pattern "+
		"that fixes the sparsity, or a schedule made by Follow: %w", tensor.ErrEmpty)
}

// keptMACs is a tensor's multiply-adds when so many of its elements are kept.
func keptMACs(info Info, kept int) float64 {
	if info.Size == 0 {
		return 0
	}
	return float64(info.MACs) * float64(kept) / float64(info.Size)
}

// LinearMACs is the number of multiply-adds of a linear layer per example, biases not counted: in*out.
func LinearMACs(in, out int) int64 { return int64(in) * int64(out) }

// ConvMACs is the number of multiply-adds of a convolution with out output channels per image, biases not counted:
// the weights times the output pixels. Padding, stride, dilation and groups count; w.N does not. The error is that of
// w.Validate, or wraps tensor.ErrRange if the groups do not divide out.
func ConvMACs(w tensor.Window, out int) (int64, error) {
	if err := w.Validate(); err != nil {
		return 0, fmt.Errorf("prune: ConvMACs: %w", err)
	}
	groups := max(w.Groups, 1)
	if out < 1 || out%groups != 0 {
		return 0, fmt.Errorf("prune: ConvMACs: %d output channels in %d groups: %w", out, groups, tensor.ErrRange)
	}
	rows, cols := w.Out()
	n := float64(w.KH) * float64(w.KW) * float64(w.C/groups) * float64(out) * float64(rows) * float64(cols)
	if n > math.MaxInt64/2 {
		return 0, fmt.Errorf("prune: ConvMACs: %v multiply-adds: %w", n, tensor.ErrRange)
	}
	return int64(w.KH) * int64(w.KW) * int64(w.C/groups) * int64(out) * int64(rows) * int64(cols), nil
}
