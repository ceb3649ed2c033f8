package causal

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Independence is the result of [IndependenceTest].
type Independence struct {
	stats.Permutation
	Sigma float64 `json:"sigma"` // bandwidth of [RBF], the first of several; 0 for other kernels
	Rows  int     `json:"rows"`  // with a known auxiliary label
}

// CanReject reports whether any outcome could have been significant at a level. A test that could not have failed is no
// evidence of independence.
func (i Independence) CanReject(level float64) bool { return i.Smallest <= level }

// mostForTest is the number of rows whose kernel matrix, of 8 bytes a pair, is kept in memory.
const mostForTest = 8192

// IndependenceTest tests whether a representation is independent of the auxiliary labels within each class of y, as a
// representation that uses no shortcut is: v is assigned anew within the classes, and the statistic is the weighted
// [MMD] with the weights of the new combinations. The test keeps its level whatever the association of y and v, which
// a t-test of folds does not. It has one kernel for all assignments; the zero Kernel is [MedianRBF], which makes values
// of different representations comparable.
//
// Options of stats.PermutationTest apply; the default is 199 assignments. If there are no more of them, all are
// enumerated, and Smallest says what P could have been at best. Rows whose v is [Unknown] do not count. Errors wrap
// [tensor.ErrShape], [tensor.ErrEmpty], [tensor.ErrNotFinite], [ErrLabelRange], and [tensor.ErrRange] for more than
// 8192 rows: draw a part of them.
func IndependenceTest[T tensor.Float](ctx context.Context, z tensor.Matrix[T], y, v []int, k Kernel,
	opts ...stats.ResampleOption) (Independence, error) {
	const call = "IndependenceTest"
	if err := checkRepresentation(call, z); err != nil {
		return Independence{}, err
	}
	if err := k.Validate(); err != nil {
		return Independence{}, fmt.Errorf("causal: %s: %w", call, err)
	}
	if err := (Batch{Y: y, V: v}).check(call, z.Rows); err != nil {
		return Independence{}, err
	}
	if y == nil || v == nil {
		return Independence{}, fmt.Errorf("causal: %s: no labels y or v: %w", call, tensor.ErrShape)
	}
	if err := checkLabels(call, "y", y, false); err != nil {
		return Independence{}, err
	}
	if err := checkLabels(call, "v", v, true); err != nil {
		return Independence{}, err
	}
	t := newPermuted(z, y, v)
	scalar := z.Cols == 1 && (k.kind == energyKernel || k.kind == laplaceKernel)
	if n := len(t.y); n > mostForTest && !scalar {
		return Independence{}, fmt.Errorf("causal: %s: %d rows, want at most %d: draw a part of them: %w",
			call, n, mostForTest, tensor.ErrRange)
	}
	sigma := 0.0
	if scalar {
		t.sort(k)
	} else {
		sigma = t.kernelMatrix(k)
	}
	draws := append([]stats.ResampleOption{stats.WithReplicates(199)}, opts...)
	p, err := stats.PermutationTest(ctx, t.v, t.y, t.worker, draws...)
	if err != nil {
		return Independence{}, fmt.Errorf("causal: %s: %w", call, err)
	}
	return Independence{p, sigma, len(t.y)}, nil
}

// permuted is the rows of a permutation test with labels numbered from 0.
type permuted struct {
	z       tensor.Matrix[float64]
	y, v    []int
	classes int
	groups  int
	weight  []float64              // of each combination y*groups+v
	size    []float64              // sum of the weights of each group; assignments within classes do not change it
	kernel  tensor.Matrix[float64] // or, of one column:
	scalar  Kernel
	sorted  *scalars // rows in sorted order
	order   []int    // and which they are
}

func newPermuted[T tensor.Float](z tensor.Matrix[T], y, v []int) *permuted {
	var rows []int
	for i := range v {
		if v[i] != Unknown {
			rows = append(rows, i)
		}
	}
	var ys, vs levels
	ys.of(y, rows)
	vs.of(v, rows)
	t := &permuted{z: tensor.NewMatrix[float64](len(rows), z.Cols), classes: len(ys.values), groups: len(vs.values)}
	count := make([]float64, t.classes*t.groups)
	ofY, ofV := make([]float64, t.classes), make([]float64, t.groups)
	for k, i := range rows {
		for j, x := range z.Row(i) {
			t.z.Row(k)[j] = float64(x)
		}
		a, b := ys.at(y[i]), vs.at(v[i])
		t.y, t.v = append(t.y, a), append(t.v, b)
		count[a*t.groups+b]++
		ofY[a]++
		ofV[b]++
	}
	t.weight, t.size = make([]float64, len(count)), make([]float64, t.groups)
	for at, n := range count {
		if n > 0 {
			t.weight[at] = ofY[at/t.groups] * ofV[at%t.groups] / (float64(len(rows)) * n)
			t.size[at%t.groups] += t.weight[at] * n
		}
	}
	return t
}

// kernelMatrix fills in the kernel less its value at zero, and returns the bandwidth.
func (t *permuted) kernelMatrix(k Kernel) (sigma float64) {
	n := len(t.y)
	if k.kind == medianKernel {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		var m medianFinder[float64]
		if sigma = m.sigma(t.z, all); sigma == 0 {
			sigma = 1 // all rows are equal, and the kernel is the same whatever it is
		}
		k = RBF(sigma)
	}
	l := labelKernel{profile: profileOf[float64](k), dot: k.dot(), aux: t.z}
	t.kernel = tensor.NewMatrix[float64](n, n)
	tensor.Parallel(n, labelRows, func(lo, hi int) {
		scratch := make([]float64, 4*n)
		for i := lo; i < hi; i++ {
			l.raw(i, 0, n, t.kernel.Row(i), scratch)
		}
	})
	return k.sigma()
}

// sort prepares the evaluation of forms in sorted order.
func (t *permuted) sort(k Kernel) {
	t.scalar, t.sorted = k, &scalars{}
	for _, key := range t.sorted.sort(t.z.Data) {
		t.order = append(t.order, int(key.at))
		t.sorted.x = append(t.sorted.x, t.z.Data[key.at])
	}
}

// form returns the function of a form's coefficients, with scratch of its own.
func (t *permuted) form() func(a []float64) float64 {
	n := len(t.y)
	if t.sorted == nil {
		ka := make([]float64, n)
		return func(a []float64) float64 {
			tensor.Gemv(tensor.NoTrans, 1, t.kernel, a, 0, ka)
			return tensor.Dot(a, ka)
		}
	}
	s := scalars{x: t.sorted.x, a: make([]float64, n), gap: make([]float64, n), grad: make([]float64, n)}
	return func(a []float64) float64 {
		for at, i := range t.order {
			s.a[at] = a[i]
		}
		value, _ := s.eval(t.scalar)
		return value
	}
}

// worker is the statistic of an assignment: the mean over pairs of groups of the squared distances of their means.
func (t *permuted) worker() func(assigned []int) float64 {
	a, form := make([]float64, len(t.y)), t.form()
	return func(assigned []int) float64 {
		if t.groups < 2 {
			return 0
		}
		mean := func(i int, group float64) float64 { // what row i adds to the mean of its group
			v := t.v[assigned[i]]
			return group * t.weight[t.y[i]*t.groups+v] / t.size[v]
		}
		if t.groups == 2 {
			for i := range a {
				a[i] = mean(i, 1-2*float64(t.v[assigned[i]]))
			}
			return form(a)
		}
		sum, g := 0.0, float64(t.groups)
		for group := range t.groups { // the distance of each from the mean of all
			for i := range a {
				a[i] = mean(i, -1/g)
				if t.v[assigned[i]] == group {
					a[i] += mean(i, 1)
				}
			}
			sum += form(a)
		}
		return 2 / (g - 1) * sum
	}
}
