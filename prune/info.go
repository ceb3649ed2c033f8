package prune

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Role is what a parameter does in its layer, judged by shape and name.
type Role uint8

// The roles.
const (
	Weight Role = iota // two or more dimensions
	Bias               // one dimension, and some weight has the same name up to the last dot or slash
	Other              // one dimension or none, and no such weight: scales and shifts of a norm
)

var roles = enum.Of[Role]("role", "weight", "bias", "other")

// String is the name.
func (r Role) String() string { return roles.String(r) }

// MarshalText writes the name.
func (r Role) MarshalText() ([]byte, error) { return roles.Marshal(r) }

// UnmarshalText reads a name.
func (r *Role) UnmarshalText(text []byte) error { return roles.Unmarshal(r, text) }

// Layout says which dimension of a weight counts the outputs.
type Layout uint8

// The layouts.
const (
	LayoutNN    Layout = iota // that of package tensor/nn: [out, in], and [kh, kw, in, out] if there are four dimensions
	OutputFirst               // torch: [out, in], [out, in/groups, kh, kw]
	OutputLast                // JAX and Keras: [in, out], [kh, kw, in/groups, out]
)

var layouts = enum.Of[Layout]("layout", "nn", "output first", "output last")

// String is the name.
func (l Layout) String() string { return layouts.String(l) }

// MarshalText writes the name.
func (l Layout) MarshalText() ([]byte, error) { return layouts.Marshal(l) }

// UnmarshalText reads a name.
func (l *Layout) UnmarshalText(text []byte) error { return layouts.Unmarshal(l, text) }

// Info describes one parameter to patterns, distributions and filters.
type Info struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Size  int    `json:"size"` // number of elements
	Role  Role   `json:"role"`
	Out   int    `json:"out"`            // dimension that counts the outputs; 0 if there is only one
	In    int    `json:"in"`             // dimension that counts the inputs; 0 if there is only one
	MACs  int64  `json:"macs,omitempty"` // dense multiply-adds per example, 0 if not counted
	// TiedTo names the parameter that this one is, under another name: both view the same memory. It is counted and
	// pruned there, multiply-adds included, and only there.
	TiedTo string `json:"tied_to,omitempty"`
}

// Describe returns what patterns, distributions and filters are told of the parameters; macs may be nil. Errors are
// those of [New] for parameters and multiply-adds.
func Describe[T tensor.Float](params []*tensor.Param[T], layout Layout, macs map[string]int64) ([]Info, error) {
	infos, err := describe(params, layout, nil, macs)
	return infos, option.Call("prune: Describe", errors.Join(layouts.Check(layout), err))
}

// describe checks parameters and gathers what patterns, distributions and filters may know of them.
// Layouts by name go before the common one.
func describe[T tensor.Float](params []*tensor.Param[T], layout Layout, special map[string]Layout,
	macs map[string]int64) ([]Info, error) {
	if len(params) == 0 {
		return nil, fmt.Errorf("prune: params: %w", tensor.ErrEmpty)
	}
	var errs []error
	infos := make([]Info, len(params))
	index := make(map[string]int, len(params))
	weights := map[string]bool{}
	for i, p := range params {
		if p == nil {
			errs = append(errs, fmt.Errorf("prune: params[%d] is nil: %w", i, tensor.ErrEmpty))
			continue
		}
		if err := p.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("prune: params[%d]: %w", i, err))
		}
		if j, twice := index[p.Name]; twice {
			errs = append(errs, fmt.Errorf("prune: params[%d] and params[%d] are both named %q: %w",
				j, i, p.Name, ErrDuplicateName))
		}
		index[p.Name] = i
		infos[i] = Info{Name: p.Name, Shape: slices.Clone(p.Shape), Size: len(p.Data), Role: Other, MACs: macs[p.Name]}
		if n := len(p.Shape); n >= 2 {
			infos[i].Role = Weight
			l, ok := special[p.Name]
			if !ok {
				l = layout
			}
			infos[i].Out, infos[i].In = l.axes(n)
			weights[layerOf(p.Name)] = true
		}
	}
	for name, n := range macs {
		if _, known := index[name]; !known {
			errs = append(errs, fmt.Errorf("prune: WithMACs: no parameter is named %q: %w", name, tensor.ErrRange))
		} else if n < 0 {
			errs = append(errs, fmt.Errorf("prune: WithMACs: %q has %d: %w", name, n, tensor.ErrRange))
		}
	}
	if len(errs) == 0 {
		errs = append(errs, tie(params, infos))
	}
	for name, l := range special {
		if _, known := index[name]; !known {
			errs = append(errs, fmt.Errorf("prune: WithLayouts: no parameter is named %q: %w", name, tensor.ErrRange))
		}
		errs = append(errs, layouts.Check(l))
	}
	for i := range infos {
		if len(infos[i].Shape) == 1 && weights[layerOf(infos[i].Name)] {
			infos[i].Role = Bias
		}
	}
	return infos, errors.Join(errs...)
}

// tie marks parameters over the memory of others.
func tie[T tensor.Float](params []*tensor.Param[T], infos []Info) error {
	first, err := tensor.Tied(params)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	for i, k := range first {
		if k != i {
			infos[i].TiedTo = infos[k].Name
			infos[k].MACs += infos[i].MACs
			infos[i].MACs = 0
		}
	}
	return nil
}

// layerOf is a parameter's name up to the last dot or slash.
func layerOf(name string) string { return name[:max(strings.LastIndexAny(name, "./"), 0)] }

func (l Layout) axes(dims int) (out, in int) {
	if l == OutputLast || l == LayoutNN && dims == 4 {
		return dims - 1, dims - 2
	}
	return 0, 1
}

// split returns the product of the dimensions before axis, that dimension, and the product of those after it: element
// (o, c, i) lies at (o*size+c)*inner+i.
func split(shape []int, axis int) (outer, size, inner int) {
	outer, inner = 1, 1
	for _, d := range shape[:axis] {
		outer *= d
	}
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	return outer, shape[axis], inner
}
