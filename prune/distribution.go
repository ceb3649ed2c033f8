package prune

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Distribution divides a sparsity over the prunable parameters when each has a threshold of its own.
type Distribution interface {
	// Allocate returns the sparsity of each parameter, in [0, 1], such that together they have the given one.
	Allocate(params []Info, sparsity float64) ([]float64, error)
}

// Uniform gives every parameter the same sparsity: the default.
type Uniform struct{}

// Allocate implements [Distribution].
func (Uniform) Allocate(params []Info, sparsity float64) ([]float64, error) {
	if err := checkAllocate(params, sparsity); err != nil {
		return nil, err
	}
	return slices.Repeat([]float64{sparsity}, len(params)), nil
}

// ERK is the Erdős–Rényi-Kernel distribution (Evci et al. 2020): densities are proportional to the sum of a
// tensor's dimensions over their product, and tensors that would need more than all of their elements are dense.
type ERK struct {
	Power      float64 // exponent of the ratio; 0 means 1
	InputsOnly bool    // Erdős–Rényi: count only the dimensions of inputs and outputs
	Compat     bool    // round the budget down per tensor, as jaxpruner does, and miss the sparsity by that; default exact
}

// Allocate implements [Distribution]. The error wraps tensor.ErrRange if Power is negative or not finite.
func (e ERK) Allocate(params []Info, sparsity float64) ([]float64, error) {
	if err := checkAllocate(params, sparsity); err != nil {
		return nil, err
	}
	if !(e.Power >= 0 && e.Power <= math.MaxFloat64) {
		return nil, fmt.Errorf("prune: ERK: Power is %v: %w", e.Power, tensor.ErrRange)
	}
	dense := make([]bool, len(params))
	for {
		budget, weight, most := 0.0, 0.0, 0.0
		for i, p := range params {
			n := float64(p.Size)
			zeros := sparsity * n
			if e.Compat {
				zeros = math.Floor(zeros)
			}
			if dense[i] {
				budget -= zeros
				continue
			}
			budget += n - zeros
			r := e.ratio(p)
			weight += r * n
			most = max(most, r)
		}
		if weight == 0 { // every tensor is dense
			return make([]float64, len(params)), nil
		}
		scale := budget / weight
		if scale*most > 1 {
			for i, p := range params {
				if !dense[i] && e.ratio(p) == most {
					dense[i] = true
				}
			}
			continue
		}
		s := make([]float64, len(params))
		for i, p := range params {
			if !dense[i] {
				s[i] = min(1, max(0, 1-scale*e.ratio(p)))
			}
		}
		return s, nil
	}
}

// ratio is a tensor's density before scaling.
func (e ERK) ratio(p Info) float64 {
	sum, product := 0.0, 1.0
	for i, d := range p.Shape {
		if !e.InputsOnly || i == p.In || i == p.Out {
			sum += float64(d)
			product *= float64(d)
		}
	}
	if e.Power == 0 {
		return sum / product
	}
	return math.Pow(sum/product, e.Power)
}

// PerLayer gives some parameters sparsities of their own and divides the sparsity over the others, whose elements
// alone then have it. With {"conv1.weight": 0, "head.weight": 0.8} it is the exception that Gale et al. 2019 make for
// the first and the last layer.
type PerLayer struct {
	Fixed map[string]float64 // by name of the parameter
	Rest  Distribution       // nil means Uniform
}

// Allocate implements [Distribution]. The error wraps tensor.ErrRange if a name is unknown or a sparsity is not in
// [0, 1].
func (d PerLayer) Allocate(params []Info, sparsity float64) ([]float64, error) {
	if err := checkAllocate(params, sparsity); err != nil {
		return nil, err
	}
	var rest []Info
	var at []int
	found := 0
	s := make([]float64, len(params))
	for i, p := range params {
		v, fixed := d.Fixed[p.Name]
		if !fixed {
			rest, at = append(rest, p), append(at, i)
			continue
		}
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("prune: PerLayer: sparsity of %q is %v, want 0 to 1: %w", p.Name, v, tensor.ErrRange)
		}
		s[i] = v
		found++
	}
	if found != len(d.Fixed) {
		for _, name := range slices.Sorted(maps.Keys(d.Fixed)) {
			if !slices.ContainsFunc(params, func(p Info) bool { return p.Name == name }) {
				return nil, fmt.Errorf("prune: PerLayer: no prunable parameter is named %q: %w", name, tensor.ErrRange)
			}
		}
	}
	if len(rest) == 0 {
		return s, nil
	}
	inner := d.Rest
	if inner == nil {
		inner = Uniform{}
	}
	shares, err := inner.Allocate(rest, sparsity)
	if err != nil {
		return nil, err
	}
	if len(shares) != len(rest) {
		return nil, fmt.Errorf("prune: PerLayer: %T gave %d sparsities for %d parameters: %w",
			inner, len(shares), len(rest), tensor.ErrShape)
	}
	for k, i := range at {
		s[i] = shares[k]
	}
	return s, nil
}

func checkAllocate(params []Info, sparsity float64) error {
	if len(params) == 0 {
		return fmt.Errorf("prune: a sparsity for no parameters: %w", tensor.ErrEmpty)
	}
	if !(sparsity >= 0 && sparsity <= 1) {
		return fmt.Errorf("prune: sparsity is %v, want 0 to 1: %w", sparsity, tensor.ErrRange)
	}
	return nil
}

// apportion turns sparsities into numbers of elements. Their sum is that of the exact shares, rounded half to even:
// each is rounded down and the rest goes to the largest remainders, of equal ones to the larger tensor and then by
// name. No tensor gets more than its size less keep; what that takes away goes to the others.
func apportion(params []Info, sparsities []float64, keep int) []int {
	counts := make([]int, len(params))
	most := func(i int) int { return max(0, params[i].Size-keep) }
	share := func(i int) float64 { return sparsities[i] * float64(params[i].Size) }
	rest := make([]int64, len(params)) // remainders in units of 2^-30: rounding of the shares must not order them
	at := make([]int, len(params))
	exact := 0.0
	given := 0
	for i := range params {
		at[i] = i
		exact += share(i)
		whole := math.Floor(share(i) + 1e-8)
		counts[i] = min(most(i), int(whole))
		rest[i] = int64(math.Round((share(i) - whole) * (1 << 30)))
		given += counts[i]
	}
	slices.SortFunc(at, func(a, b int) int {
		p, q := params[a], params[b]
		return cmp.Or(cmp.Compare(rest[b], rest[a]), cmp.Compare(q.Size, p.Size), cmp.Compare(p.Name, q.Name))
	})
	total := int(math.RoundToEven(exact))
	for progress := true; given < total && progress; {
		progress = false
		for _, i := range at {
			if given < total && counts[i] < most(i) && sparsities[i] > 0 {
				counts[i]++
				given++
				progress = true
			}
		}
	}
	return counts
}
