package causal

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Batch is what is known of the rows of a batch beside their values. Labels are looked at by value, so nothing
// depends on the order of rows or on which numbers code the levels.
type Batch struct {
	Y   []int                  // main labels, 0 or more; may be nil where nothing needs them
	V   []int                  // auxiliary labels, 0 or more
	Aux tensor.Matrix[float64] // continuous auxiliary labels, a row each; for [HSIC]
	// W is a weight for each row, 0 or more; nil for 1. It multiplies the weights of a table that a penalty was given with
	// [WithWeights].
	W []float64
}

// Result is what a penalty found.
type Result struct {
	Value float64 `json:"value"` // 0 if skipped
	// Skipped is why nothing was computed, such as that a group is missing, and "" if it was. The gradient is then left
	// alone.
	Skipped string `json:"skipped,omitempty"`
	// Expected is the mean of Value over random assignments of the labels: what a representation that tells nothing of
	// them has in a batch of this size. Of two groups it is (1 - mean kernel)(1/ESS of one + 1/ESS of the other); 0 for
	// [UStatistic].
	Expected float64 `json:"expected"`
	// MeanKernel is the mean of the kernel over pairs of different rows. Near 0 the bandwidth is too small for the
	// gradient to reach far, near 1 it is wide.
	MeanKernel float64 `json:"mean_kernel"`
	Sigma      float64 `json:"sigma,omitempty"` // bandwidth of [RBF], the first of several; 0 for other kernels
}

// Penalty is a measure of dependence of a representation on auxiliary labels. Eval returns its value for the rows of z
// and adds its gradient to grad, which has the shape of z; an empty grad is for the value alone. A batch that cannot
// tell, such as one without a group, is skipped and no error.
type Penalty[T tensor.Float] interface {
	Eval(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result, error)
}

// checkRepresentation checks that z is a matrix of finite numbers.
func checkRepresentation[T tensor.Float](call string, z tensor.Matrix[T]) error {
	if err := z.Validate(); err != nil {
		return fmt.Errorf("causal: %s: z: %w", call, err)
	}
	return checkFinite(call, z)
}

// checkFinite formats no names before something is wrong.
func checkFinite[T tensor.Float](call string, z tensor.Matrix[T]) error {
	if z.Stride == z.Cols && finite(z.Data[:z.Rows*z.Cols]) {
		return nil
	}
	for i := range z.Rows {
		if row := z.Row(i); !finite(row) {
			return fmt.Errorf("causal: %s: %w", call, tensor.ValidateFinite(fmt.Sprint("z row ", i), row))
		}
	}
	return nil
}

// checkEval checks the arguments of a penalty.
func checkEval[T tensor.Float](call string, z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) error {
	if err := z.Validate(); err != nil {
		return fmt.Errorf("causal: %s: z: %w", call, err)
	}
	if err := checkFinite(call, z); err != nil {
		return err
	}
	if grad.Rows > 0 {
		if err := grad.Validate(); err != nil {
			return fmt.Errorf("causal: %s: grad: %w", call, err)
		}
		if grad.Rows != z.Rows || grad.Cols != z.Cols {
			return fmt.Errorf("causal: %s: grad is %dx%d, z %dx%d: %w",
				call, grad.Rows, grad.Cols, z.Rows, z.Cols, tensor.ErrShape)
		}
		if grad.Overlaps(z) {
			return fmt.Errorf("causal: %s: grad shares memory with z: %w", call, tensor.ErrOverlap)
		}
	}
	return b.check(call, z.Rows)
}

// finite is tensor.ValidateFinite for names that take time to format.
func finite[T tensor.Float](x []T) bool { return tensor.ValidateFinite("x", x) == nil }

// check checks the lengths of what there is and the weights.
func (b Batch) check(call string, rows int) error {
	for _, labels := range [...]struct {
		name   string
		length int
		given  bool
	}{{"Y", len(b.Y), b.Y != nil}, {"V", len(b.V), b.V != nil}, {"W", len(b.W), b.W != nil}, {"Aux",
		b.Aux.Rows, b.Aux.Rows > 0}} {
		if labels.given && labels.length != rows {
			return fmt.Errorf("causal: %s: batch has %d %s for %d rows: %w",
				call, labels.length, labels.name, rows, tensor.ErrShape)
		}
	}
	return checkWeights(call, "W", b.W)
}

// checkWeights refuses weights that are negative or not finite.
func checkWeights(call, name string, w []float64) error {
	for i, v := range w {
		switch {
		case v-v != 0:
			return fmt.Errorf("causal: %s: %s[%d] = %v: %w", call, name, i, v, tensor.ErrNotFinite)
		case v < 0:
			return fmt.Errorf("causal: %s: %s[%d] = %v: want 0 or more: %w", call, name, i, v, tensor.ErrRange)
		}
	}
	return nil
}

// checkLabels refuses labels below 0, except for [Unknown] if that is allowed.
func checkLabels(call, name string, labels []int, unknown bool) error {
	for i, v := range labels {
		if v < 0 && !(unknown && v == Unknown) {
			hint := ""
			if v == Unknown && name == "V" {
				hint = "; WithUnknown makes it an unknown label"
			}
			return fmt.Errorf("causal: %s: %s[%d] = %d, want 0 or more%s: %w", call, name, i, v, hint, ErrLabelRange)
		}
	}
	return nil
}

// Unknown is the auxiliary label of a row of which it is not known, for functions with [WithUnknown].
const Unknown = -1

// levels numbers the values of labels in increasing order. It keeps its memory.
type levels struct {
	values []int
	index  map[int]int // of many levels
}

// few is the number of levels up to which looking through them is faster than a map.
const few = 8

// of finds the levels of the rows.
func (l *levels) of(labels []int, rows []int) {
	l.values = l.values[:0]
	clear(l.index)
	for _, r := range rows {
		if v := labels[r]; l.at(v) < 0 {
			l.values = append(l.values, v)
			switch n := len(l.values); {
			case n == few+1:
				l.note()
			case n > few:
				l.index[v] = n
			}
		}
	}
	slices.Sort(l.values)
	if len(l.values) > few {
		l.note()
	}
}

// note writes the map.
func (l *levels) note() {
	if l.index == nil {
		l.index = map[int]int{}
	}
	for i, v := range l.values {
		l.index[v] = i
	}
}

// at is the number of a level, or -1.
func (l *levels) at(v int) int {
	if len(l.values) <= few {
		return slices.Index(l.values, v)
	}
	if i, known := l.index[v]; known {
		return i
	}
	return -1
}
