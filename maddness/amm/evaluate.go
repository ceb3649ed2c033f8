package amm

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/timing"
	"github.com/espalier-ml/espalier/tensor"
)

// Task is a product to be approximated and what its result is for.
type Task struct {
	A tensor.Matrix[float32] // N x D: rows that nothing was fitted to
	B tensor.Matrix[float32] // D x M

	// Labels are the classes of the rows, each below M; nil if the product is not a classifier's. Bias, M elements or
	// nil, is added before the largest output is taken, and plays no other part: approximators are made without it.
	Labels []int
	Bias   []float32

	// Runs is the number of timings whose median is reported, of at least two milliseconds each; 0 takes none. Times
	// are of the wall clock and for as many processors as GOMAXPROCS allows: set it to 1 to compare work.
	Runs int
}

func (t Task) validate() error {
	err := checkPair(t.A, t.B)
	if t.Labels != nil && len(t.Labels) != t.A.Rows {
		err = errors.Join(err, fmt.Errorf("amm: %d labels for %d rows: %w", len(t.Labels), t.A.Rows, tensor.ErrShape))
	}
	for i, y := range t.Labels {
		if y < 0 || y >= t.B.Cols {
			err = errors.Join(err, fmt.Errorf("amm: label %d is %d, want 0 to %d: %w", i, y, t.B.Cols-1, tensor.ErrRange))
			break
		}
	}
	if t.Bias != nil && len(t.Bias) != t.B.Cols {
		err = errors.Join(err, fmt.Errorf("amm: a bias of %d elements for %d outputs: %w",
			len(t.Bias), t.B.Cols, tensor.ErrShape))
	}
	if t.Runs < 0 {
		err = errors.Join(err, fmt.Errorf("amm: Runs is %d: %w", t.Runs, tensor.ErrRange))
	}
	return errors.Join(err, tensor.ValidateFinite("bias", t.Bias))
}

// Evaluate compares an approximator with the exact product on the rows of a task. Errors are those of the
// approximator, or wrap tensor.ErrShape, tensor.ErrEmpty and tensor.ErrNotFinite (the task, or a result) and
// tensor.ErrRange (a label, or outputs that are all the same, to whose variance no error relates).
func Evaluate(ap Approximator, t Task) (Report, error) {
	err := t.validate()
	if ap == nil {
		err = errors.Join(err, fmt.Errorf("amm: the approximator is nil: %w", tensor.ErrEmpty))
	}
	if err != nil {
		return Report{}, option.Call("amm: Evaluate", err)
	}
	exact, got := tensor.NewMatrix[float32](t.A.Rows, t.B.Cols), tensor.NewMatrix[float32](t.A.Rows, t.B.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, t.A, t.B, 0, exact)
	if err := ap.Mul(got, t.A); err != nil {
		return Report{}, err
	}
	if err := errors.Join(checkMatrix("a*b", exact), checkMatrix("result", got)); err != nil {
		return Report{}, err
	}
	r := Report{Rows: t.A.Rows}
	if err := r.compare(got.Data, exact.Data); err != nil {
		return Report{}, err
	}
	r.OutputNMSE = outputNMSE(got, exact)
	r.decide(got, exact, t)
	if c, ok := ap.(Costed); ok {
		r.Cost = c.Cost()
	}
	return r, r.time(ap, got, t)
}

// compare fills in errors and correlation.
func (r *Report) compare(got, exact []float32) error {
	n := float64(len(exact))
	meanGot, mean := tensor.Sum(got)/n, tensor.Sum(exact)/n
	var wrong, variance, varianceGot, covariance float64
	for i, v := range exact {
		e, x, y := float64(got[i])-float64(v), float64(got[i])-meanGot, float64(v)-mean
		wrong += e * e
		variance += y * y
		varianceGot += x * x
		covariance += x * y
	}
	if variance == 0 {
		return fmt.Errorf("amm: all exact outputs are %v: no error relates to their variance: %w", exact[0], tensor.ErrRange)
	}
	r.NMSE = wrong / variance
	r.R2 = 1 - r.NMSE
	r.Corr = math.NaN()
	if varianceGot > 0 {
		r.Corr = covariance / math.Sqrt(variance*varianceGot)
	}
	return nil
}

// outputNMSE is the error of each output.
func outputNMSE(got, exact tensor.Matrix[float32]) []float64 {
	n, m := float64(exact.Rows), exact.Cols
	mean, wrong, variance := make([]float64, m), make([]float64, m), make([]float64, m)
	for i := range exact.Rows {
		for k, v := range exact.Row(i) {
			mean[k] += float64(v)
		}
	}
	for i := range exact.Rows {
		for k, v := range exact.Row(i) {
			e, d := float64(got.At(i, k))-float64(v), float64(v)-mean[k]/n
			wrong[k] += e * e
			variance[k] += d * d
		}
	}
	for k := range wrong {
		if variance[k] == 0 {
			wrong[k] = math.NaN()
			continue
		}
		wrong[k] /= variance[k]
	}
	return wrong
}

// decide fills in accuracies.
func (r *Report) decide(got, exact tensor.Matrix[float32], t Task) {
	n := float64(t.A.Rows)
	class := func(y []float32) int {
		best, largest := 0, float32(math.Inf(-1))
		for m, v := range y {
			if t.Bias != nil {
				v += t.Bias[m]
			}
			if v > largest {
				best, largest = m, v
			}
		}
		return best
	}
	for i := range t.A.Rows {
		a, e := class(got.Row(i)), class(exact.Row(i))
		if a == e {
			r.Agreement += 1 / n
		}
		if t.Labels != nil {
			r.Labelled = true
			if a == t.Labels[i] {
				r.Accuracy += 1 / n
			}
			if e == t.Labels[i] {
				r.ExactAccuracy += 1 / n
			}
		}
	}
}

// time fills in the times, got serving as destination.
func (r *Report) time(ap Approximator, got tensor.Matrix[float32], t Task) error {
	if t.Runs == 0 {
		return nil
	}
	var err error
	if r.NsPerRow, err = timing.Median(t.Runs, t.A.Rows, func() error { return ap.Mul(got, t.A) }); err != nil {
		return err
	}
	if across, ok := ap.(Transposed); ok {
		a, dst := t.A.Transposed(), tensor.Of(t.B.Cols, t.A.Rows, got.Data)
		r.NsPerRowT, err = timing.Median(t.Runs, t.A.Rows, func() error { return across.MulT(dst, a) })
	}
	return err
}
