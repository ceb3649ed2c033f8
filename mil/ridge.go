package mil

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// KernelRidge is ridge regression on a [SetKernel], solved exactly: no seed, no epochs, and on bags of a few hundred as
// good as networks. It is immutable and safe for concurrent use.
type KernelRidge[T tensor.Float] struct {
	kernel  fittedKernel[T]
	bags    Bags[T] // of training
	alpha   []float64
	mean    float64
	lambda  float64
	left    []float64 // predictions for each training bag by a fit without it
	workers int
}

// RidgeOption is a choice of [FitKernelRidge].
type RidgeOption func(*ridgeConfig) error

type ridgeConfig struct {
	lambdas []float64
	workers int
}

// WithLambda sets the strength of the penalty, above 0; default 0.1. Of several, the fit takes the one with the least
// squared error of leaving each bag out, the first of equals.
func WithLambda(lambdas ...float64) RidgeOption {
	return func(c *ridgeConfig) error {
		c.lambdas = append([]float64(nil), lambdas...)
		ok := len(lambdas) > 0
		for _, l := range lambdas {
			ok = ok && l > 0 && !math.IsInf(l, 1)
		}
		return option.Range(ok, "WithLambda", lambdas, "finite numbers above 0")
	}
}

// WithWorkers sets the goroutines, on which no bit of a result depends; default 0, GOMAXPROCS.
func WithWorkers(n int) RidgeOption {
	return func(c *ridgeConfig) error {
		c.workers = n
		return option.Workers(n)
	}
}

// FitKernelRidge fits targets of bags, such as 1 for positive and -1 for negative ones: alpha = (K + lambda I)^-1 (y -
// mean y). The bags are copied; standardize them first ([FitStandardizer]). Options are [WithLambda] and [WithWorkers].
// The error is that of [Bags.Validate], or wraps [tensor.ErrEmpty] for fewer than two bags, [tensor.ErrShape] unless
// there is a target for each, [tensor.ErrNotFinite], [tensor.ErrRange] for a kernel's gamma, or [ErrEmptyBag].
func FitKernelRidge[T tensor.Float](k SetKernel, b Bags[T], y []float64, opts ...RidgeOption) (*KernelRidge[T], error) {
	const call = "mil: FitKernelRidge"
	c := ridgeConfig{lambdas: []float64{0.1}}
	if err := errors.Join(option.Apply(call, &c, opts), option.Call(call, k.Validate())); err != nil {
		return nil, err
	}
	if err := checkKernelBags(call, b); err != nil {
		return nil, err
	}
	if b.Len() < 2 {
		return nil, fmt.Errorf("%s: %d bags, want 2 or more: %w", call, b.Len(), tensor.ErrEmpty)
	}
	if len(y) != b.Len() {
		return nil, fmt.Errorf("%s: %d targets for %d bags: %w", call, len(y), b.Len(), tensor.ErrShape)
	}
	if err := tensor.ValidateFinite("y", y); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	own, err := Concat(b)
	if err != nil {
		return nil, option.Call(call, err)
	}
	r := &KernelRidge[T]{kernel: fitKernel(k, own, c.workers), bags: own, workers: c.workers}
	gram := mat.NewSymDense(b.Len(), nil)
	rows := r.matrix(own, b.Len(), true)
	for i := range b.Len() {
		for j := range i + 1 {
			gram.SetSym(i, j, rows.At(i, j))
		}
	}
	best := math.Inf(1)
	for _, lambda := range c.lambdas {
		s, err := solveRidge(gram, y, lambda)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call, err)
		}
		if s.loss < best {
			best = s.loss
			r.alpha, r.mean, r.left, r.lambda = s.alpha, s.mean, s.left, lambda
		}
	}
	return r, nil
}

func checkKernelBags[T tensor.Float](call string, b Bags[T]) error {
	if err := b.validate(call); err != nil {
		return err
	}
	for i := range b.Len() {
		if b.Size(i) == 0 {
			return fmt.Errorf("%s: bag %d of %d: %w", call, i, b.Len(), ErrEmptyBag)
		}
	}
	return validateFinite(call, "X", b.X)
}

// matrix is the kernel of bags and the training bags, as many as there are targets.
func (r *KernelRidge[T]) matrix(b Bags[T], training int, train bool) tensor.Matrix[float64] {
	k := tensor.NewMatrix[float64](b.Len(), training)
	tensor.ParallelWorkers(r.workers, b.Len(), 8, func(lo, hi int) { r.kernel.rows(rowsOf(k, lo, hi), b, lo, train) })
	return k
}

type ridgeSolution struct {
	alpha, left []float64
	mean, loss  float64
}

// solveRidge solves for one penalty. With G the inverse of K + lambda I, a fit of targets less m without bag i misses
// it by (G(y-m))_i / G_ii. The m that goes with it is the mean of the others' targets, so that what is left out really
// is.
func solveRidge(gram *mat.SymDense, y []float64, lambda float64) (ridgeSolution, error) {
	n := len(y)
	a := mat.NewSymDense(n, nil)
	a.CopySym(gram)
	for i := range n {
		a.SetSym(i, i, a.At(i, i)+lambda)
	}
	var c mat.Cholesky
	if !c.Factorize(a) {
		return ridgeSolution{}, fmt.Errorf("the kernel with lambda %v is not positive definite to rounding: %w", lambda,
			tensor.ErrRange)
	}
	var inverse mat.SymDense
	if err := c.InverseTo(&inverse); err != nil && math.IsInf(c.Cond(), 1) {
		return ridgeSolution{}, fmt.Errorf("the kernel with lambda %v: %w", lambda, err)
	}
	ones := mat.NewVecDense(n, nil)
	for i := range n {
		ones.SetVec(i, 1)
	}
	var gy, g1 mat.VecDense
	gy.MulVec(&inverse, mat.NewVecDense(n, y))
	g1.MulVec(&inverse, ones)
	total := tensor.Sum(y)
	s := ridgeSolution{alpha: make([]float64, n), left: make([]float64, n), mean: total / float64(n)}
	for i := range n {
		s.alpha[i] = gy.AtVec(i) - s.mean*g1.AtVec(i)
		others := (total - y[i]) / float64(n-1)
		miss := (gy.AtVec(i) - others*g1.AtVec(i)) / inverse.At(i, i)
		s.left[i] = y[i] - miss
		s.loss += miss * miss
	}
	return s, nil
}

// Predict is the prediction for each bag. The error is that of [Bags.Validate], or wraps [tensor.ErrShape] for
// instances of another number of columns, [tensor.ErrNotFinite] or [ErrEmptyBag].
func (r *KernelRidge[T]) Predict(b Bags[T]) ([]float64, error) {
	const call = "mil: KernelRidge.Predict"
	if err := checkKernelBags(call, b); err != nil {
		return nil, err
	}
	if b.X.Cols != r.bags.X.Cols {
		return nil, fmt.Errorf("%s: instances of %d columns, want %d: %w", call, b.X.Cols, r.bags.X.Cols, tensor.ErrShape)
	}
	k := r.matrix(b, len(r.alpha), false)
	predictions := make([]float64, b.Len())
	for i := range predictions {
		predictions[i] = r.mean + tensor.Dot(k.Row(i), r.alpha)
	}
	return predictions, nil
}

// LeaveOneOut is the prediction for each training bag by a fit without it, in closed form. A gamma that the kernel took
// from the training bags stays as it is, and so does how they were standardized.
func (r *KernelRidge[T]) LeaveOneOut() []float64 { return append([]float64(nil), r.left...) }

// Lambda is the penalty that was taken.
func (r *KernelRidge[T]) Lambda() float64 { return r.lambda }
