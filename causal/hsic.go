package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// HSIC is the Hilbert-Schmidt independence criterion of a representation and auxiliary labels that may be continuous or
// vectors, a [Penalty]: the squared distance, in the feature space of two kernels, of their joint distribution from the
// product of the marginal ones, under the weights of the batch (Gretton et al. 2005). Labels in Batch.Aux are compared
// with the kernel given to [NewHSIC], labels in Batch.V by whether they are equal, and where a batch has both, by the
// product.
//
// It keeps its memory from one evaluation to the next, does not allocate in between (but for [MedianRBF]), and is not
// safe for concurrent use: see [HSIC.Clone].
type HSIC[T tensor.Float] struct {
	aux    Kernel
	config config
	q      quadratic[T]

	weigher
	class   []int
	classes levels
	median  medianFinder[T]
	l       labelKernel
	form    form
	fill    func(i, lo, hi int, dst, scratch []float64) // that of l; bound once, so that it does not allocate
}

// NewHSIC makes a penalty with a kernel for the labels of Batch.Aux. [UStatistic] is the estimator of Song et al. 2007,
// which has no weights and needs four rows.
func NewHSIC[T tensor.Float](aux Kernel, opts ...PenaltyOption) (*HSIC[T], error) {
	c, err := configure("NewHSIC", opts)
	if err == nil && aux.Validate() != nil {
		err = fmt.Errorf("causal: NewHSIC: aux: %w", aux.Validate())
	}
	if err == nil && aux.dot() {
		err = fmt.Errorf("causal: NewHSIC: aux: %v is not a kernel of the distance: %w", aux, tensor.ErrRange)
	}
	if err == nil && c.estimator == UStatistic && c.weights != nil {
		err = fmt.Errorf("causal: NewHSIC: %w", option.Conflict("WithEstimator(UStatistic) beside WithWeights"))
	}
	if err != nil {
		return nil, err
	}
	return newHSIC[T](aux, c), nil
}

func newHSIC[T tensor.Float](aux Kernel, c config) *HSIC[T] {
	h := &HSIC[T]{aux: aux, config: c}
	h.fill = h.l.fill
	if aux.kind != medianKernel {
		h.l.profile, h.l.zero = profileOf[float64](aux), aux.zero()
	}
	h.q.workers, h.q.dot = c.workers, c.kernel.dot()
	if c.kernel.kind != medianKernel {
		h.q.profile = profileOf[T](c.kernel)
	}
	return h
}

// Clone is an evaluator of the same penalty with memory of its own, for another goroutine.
func (h *HSIC[T]) Clone() *HSIC[T] { return newHSIC[T](h.aux, h.config) }

// Eval is described at [Penalty]. A batch whose rows or labels are all equal is skipped. Errors are those of
// [MMD.Eval].
func (h *HSIC[T]) Eval(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result, error) {
	if err := h.ready("HSIC.Eval", z, b, grad); err != nil {
		return Result{}, err
	}
	if h.config.conditional == marginal {
		h.class = append(h.class[:0], h.rows...)
		return h.dependence(z, b, grad, 1), nil
	}
	h.classes.of(b.Y, h.rows)
	total := 0.0
	for _, i := range h.rows {
		total += h.w[i]
	}
	r := Result{Skipped: "no row has a weight and a known label"}
	parts := 0.0
	for _, y := range h.classes.values {
		own := 0.0
		h.class = h.class[:0]
		for _, i := range h.rows {
			if b.Y[i] == y {
				h.class = append(h.class, i)
				own += h.w[i]
			}
		}
		share := 1.0
		switch h.config.conditional {
		case Prior:
			share = own / total
		case Uniform:
			share = 1 / float64(len(h.classes.values))
		}
		part := h.dependence(z, b, grad, share)
		if part.Skipped != "" {
			if parts == 0 {
				r.Skipped = part.Skipped
			}
			continue
		}
		parts++
		r = Result{Value: r.Value + part.Value, Expected: r.Expected + part.Expected, Sigma: part.Sigma,
			MeanKernel: r.MeanKernel + (part.MeanKernel-r.MeanKernel)/parts}
	}
	return r, nil
}

func (h *HSIC[T]) ready(call string, z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) error {
	if err := checkEval(call, z, b, grad); err != nil {
		return err
	}
	switch {
	case b.V == nil && b.Aux.Rows == 0 && z.Rows > 0:
		return fmt.Errorf("causal: %s: the batch has neither V nor Aux: %w", call, tensor.ErrShape)
	case b.Aux.Rows > 0 && b.Aux.Validate() != nil:
		return fmt.Errorf("causal: %s: Aux: %w", call, b.Aux.Validate())
	case h.config.conditional != marginal && b.Y == nil:
		return fmt.Errorf("causal: %s: a conditional penalty needs Y in the batch: %w", call, tensor.ErrShape)
	}
	for i := range b.Aux.Rows {
		if !finite(b.Aux.Row(i)) {
			return fmt.Errorf("causal: %s: %w", call, tensor.ValidateFinite(fmt.Sprint("Aux row ", i), b.Aux.Row(i)))
		}
	}
	if err := h.weigh(call, &h.config, z.Rows, b); err != nil {
		return err
	}
	if h.config.estimator == UStatistic {
		for _, i := range h.rows {
			if h.w[i] != h.w[h.rows[0]] {
				return fmt.Errorf("causal: %s: W[%d] = %v and W[%d] = %v: a U-statistic has no weights: %w",
					call, h.rows[0], h.w[h.rows[0]], i, h.w[i], tensor.ErrConflict)
			}
		}
	}
	return nil
}

// dependence evaluates the penalty among the rows h.class.
func (h *HSIC[T]) dependence(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T], scale float64) Result {
	n := len(h.class)
	switch {
	case n == 0:
		return Result{Skipped: "no row has a weight and a known label"}
	case n < 4 && h.config.estimator == UStatistic:
		return Result{Skipped: fmt.Sprintf("%d rows, of which a U-statistic needs 4", n)}
	}
	r := Result{Sigma: h.config.kernel.sigma()}
	zero := h.config.kernel.zero()
	if h.config.kernel.kind == medianKernel {
		if r.Sigma = h.median.sigma(z, h.class); r.Sigma == 0 {
			return Result{Skipped: "all rows are equal, so that there is no median distance"}
		}
		h.q.profile, zero = profileOf[T](RBF(r.Sigma)), 1
	}
	f := &h.form
	f.reset()
	f.rows = append(f.rows, h.class...)
	f.start = append(f.start, n)
	f.p = grow(f.p, n)
	f.distinct, f.scale = h.config.estimator == UStatistic, scale
	total := 0.0
	for k, i := range h.class {
		f.p[k] = h.w[i]
		total += h.w[i]
	}
	for k := range f.p {
		if f.p[k] /= total; f.distinct {
			f.p[k] = 1
		}
	}
	if skipped := h.l.prepare(h.aux, b, f, h.config.workers); skipped != "" {
		return Result{Skipped: skipped}
	}
	f.fill = h.fill
	e := h.q.eval(f, z, grad)
	r.Value, r.Expected, r.MeanKernel = e.value, e.expected, e.off+zero
	return r
}

// CKA is HSIC divided by the root of those of the representation and of the labels with themselves (Kornblith et al.
// 2019): 0 if they are independent and 1 if their kernels are the same. It is a value without a gradient, in O(n²)
// time. A batch in which either does not vary is skipped. Errors are those of Eval.
func (h *HSIC[T]) CKA(z tensor.Matrix[T], b Batch) (Result, error) {
	if err := h.ready("HSIC.CKA", z, b, tensor.Matrix[T]{}); err != nil {
		return Result{}, err
	}
	h.class = append(h.class[:0], h.rows...)
	r := h.dependence(z, b, tensor.Matrix[T]{}, 1)
	if r.Skipped != "" {
		return Result{Skipped: r.Skipped}, nil
	}
	n := len(h.class)
	k := labelKernel{profile: profileOf[float64](h.config.kernel)}
	if h.config.kernel.kind == medianKernel {
		k.profile = profileOf[float64](RBF(r.Sigma))
	}
	k.dot = h.config.kernel.dot()
	k.aux = tensor.NewMatrix[float64](n, z.Cols)
	for i, row := range h.class {
		for j, v := range z.Row(row) {
			k.aux.Set(i, j, float64(v))
		}
	}
	k.center(&h.form, h.config.workers)
	xx, xy, yy := 0.0, 0.0, 0.0
	a, c, scratch := make([]float64, n), make([]float64, n), make([]float64, 4*n)
	for i := range n {
		k.fill(i, 0, n, a, scratch)
		h.l.fill(i, 0, n, c, scratch)
		for j := range n {
			w := h.form.p[i] * h.form.p[j]
			xx += w * a[j] * a[j]
			xy += w * a[j] * c[j]
			yy += w * c[j] * c[j]
		}
	}
	if !(xx > 0 && yy > 0) {
		return Result{Skipped: "the representation or the labels do not vary"}, nil
	}
	r.Value, r.Expected = xy/math.Sqrt(xx*yy), r.Expected/math.Sqrt(xx*yy)
	return r, nil
}
