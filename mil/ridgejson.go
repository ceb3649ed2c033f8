package mil

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

type ridgeJSON[T tensor.Float] struct {
	Version int        `json:"version"`
	Kernel  kernelJSON `json:"kernel"`
	Columns int        `json:"columns"`
	X       []T        `json:"x"` // the training instances, row by row
	Offsets []int      `json:"offsets"`
	Alpha   []float64  `json:"alpha"`
	Left    []float64  `json:"left_out"`
	Mean    float64    `json:"mean"`
	Lambda  float64    `json:"lambda"`
}

type kernelJSON struct {
	Name  string       `json:"name"`
	Gamma float64      `json:"gamma,omitempty"`
	Parts []kernelJSON `json:"parts,omitempty"`
}

var kernelNames = map[setKernelKind]string{nskKernel: "nsk", minMaxKernel: "minmax", averageKernel: "average"}

func writeKernel(k SetKernel) kernelJSON {
	j := kernelJSON{Name: kernelNames[k.kind], Gamma: k.gamma}
	for _, p := range k.parts {
		j.Parts = append(j.Parts, writeKernel(p))
	}
	return j
}

// read is the kernel. One of an unknown name, or of averages of averages deeper than anybody writes them, is none, and
// does not validate.
func (j kernelJSON) read(depth int) SetKernel {
	k := SetKernel{gamma: j.Gamma}
	for kind, name := range kernelNames {
		if name == j.Name && depth > 0 {
			k.kind = kind
		}
	}
	for _, p := range j.Parts {
		k.parts = append(k.parts, p.read(depth-1))
	}
	return k
}

// fixed reports whether all gammas are there, as they are once a kernel has been fitted.
func (k SetKernel) fixed() bool {
	for _, p := range k.parts {
		if !p.fixed() {
			return false
		}
	}
	return k.kind == averageKernel || k.gamma > 0
}

// MarshalJSON writes the fit with its training bags, which predictions need.
func (r *KernelRidge[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(ridgeJSON[T]{1, writeKernel(r.kernel.kernel()), r.bags.X.Cols, r.bags.X.Data, r.bags.Offsets,
		r.alpha, r.left, r.mean, r.lambda})
}

// UnmarshalJSON reads what MarshalJSON wrote; workers are those of the default. The error wraps [tensor.ErrShape],
// [tensor.ErrRange], [tensor.ErrNotFinite] or [ErrEmptyBag] for what no fit gives; r is unchanged then.
func (r *KernelRidge[T]) UnmarshalJSON(b []byte) error {
	const call = "mil: KernelRidge"
	var j ridgeJSON[T]
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	if j.Version != 1 || !(j.Lambda > 0) {
		return fmt.Errorf("%s: version %d, lambda %v: %w", call, j.Version, j.Lambda, tensor.ErrRange)
	}
	bags := len(j.Offsets) - 1
	if j.Columns < 1 || bags < 2 || len(j.X)%max(j.Columns, 1) != 0 || len(j.Alpha) != bags || len(j.Left) != bags {
		return fmt.Errorf("%s: %d elements of %d columns in %d bags with %d and %d numbers: %w", call, len(j.X), j.Columns,
			bags, len(j.Alpha), len(j.Left), tensor.ErrShape)
	}
	k := j.Kernel.read(8)
	if err := k.Validate(); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	if !k.fixed() || math.IsInf(j.Lambda, 1) {
		return fmt.Errorf("%s: a kernel without its gamma: %w", call, tensor.ErrRange)
	}
	own := Bags[T]{tensor.Of(len(j.X)/j.Columns, j.Columns, j.X), j.Offsets}
	if err := checkKernelBags(call, own); err != nil {
		return err
	}
	*r = KernelRidge[T]{kernel: fitKernel(k, own, 0), bags: own, alpha: j.Alpha, left: j.Left, mean: j.Mean,
		lambda: j.Lambda}
	return nil
}
