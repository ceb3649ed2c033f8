package prunetest

import (
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Params returns a small model of normal weights and gradients: two linear layers, a convolution, their biases, and the
// scale of a norm. Equal seeds give equal models.
func Params[T tensor.Float](seed uint64) []*tensor.Param[T] {
	var params []*tensor.Param[T]
	for i, p := range []struct {
		name  string
		shape []int
	}{{"conv.weight", []int{3, 3, 2, 8}}, {"conv.bias", []int{8}}, {"norm.scale", []int{8}}, {"fc1.weight",
		[]int{16, 24}}, {"fc1.bias", []int{16}}, {"fc2.weight", []int{4, 16}}, {"fc2.bias", []int{4}}} {
		d := tensor.NewDense[T](p.shape...)
		g := make([]T, len(d.Data))
		rng := tensor.Stream(seed, uint64(i))
		for j := range d.Data {
			d.Data[j], g[j] = T(rng.NormFloat64()), T(rng.NormFloat64())
		}
		params = append(params, &tensor.Param[T]{Name: p.name, Shape: p.shape, Data: d.Data, Grad: g})
	}
	return params
}

// CheckScorer fails the test for every property that s lacks on the given parameters, which must be those it was made
// for if it observes a model, and otherwise may be [Params]:
//
//   - it writes every score, and no NaN;
//   - it changes neither weights nor gradients nor the mask it is given, and Prepare, if it has one, leaves the model
//     as it was;
//   - the same call gives the same scores, in any order of the parameters, from several goroutines, and after the
//     scratch memory held something else;
//   - a pruner makes the same masks with it for any number of workers.
func CheckScorer[T tensor.Float](t testing.TB, s prune.Scorer[T], params []*tensor.Param[T]) {
	t.Helper()
	infos, err := prune.Describe(params, prune.LayoutNN, nil)
	if err != nil {
		t.Fatalf("parameters to check with: %v", err)
	}
	before := snapshot(params)
	if p, ok := s.(prune.Preparer); ok {
		if err := p.Prepare(nil); err != nil {
			t.Fatalf("Prepare: %v", err)
		}
		if !same(before, snapshot(params)) {
			t.Errorf("Prepare changed the model\nA scorer may run the model but must put weights and gradients back.")
			return
		}
	}
	score := func(i int, fill float64, prior *prune.Mask) []T {
		dst := make([]T, len(params[i].Data))
		for j := range dst {
			dst[j] = T(fill)
		}
		if err := s.Score(dst, &prune.Context[T]{Param: params[i], Info: infos[i], Prior: prior}); err != nil {
			t.Errorf("Score of %q: %v", params[i].Name, err)
			return nil
		}
		return dst
	}
	first := make([][]T, len(params))
	for i, p := range params {
		if first[i] = score(i, math.NaN(), nil); first[i] == nil {
			return
		}
		for j, v := range first[i] {
			if v != v {
				t.Errorf("score %d of %q is NaN, or was not written\nEvery element needs a number, so that it can be ranked; "+
					"infinities are allowed.", j, p.Name)
				return
			}
		}
	}
	if !same(before, snapshot(params)) {
		t.Errorf("Score changed weights or gradients\nScores are taken in the middle of training and must only read.")
		return
	}
	for i := len(params) - 1; i >= 0; i-- {
		if !slices.Equal(score(i, 7, nil), first[i]) {
			t.Errorf("scores of %q differ when taken again, in another order\nThey must depend on the parameter, the step "+
				"and the seed alone.", params[i].Name)
			return
		}
	}
	equal := make([]bool, 4*len(params))
	together.Run(len(equal), func(k int) { equal[k] = slices.Equal(score(k%len(params), 7, nil), first[k%len(params)]) })
	if slices.Contains(equal, false) {
		t.Errorf("scores differ when several goroutines take them\nThe pruner scores parameters concurrently: keep no " +
			"scratch memory in the scorer.")
		return
	}
	for i, p := range params {
		prior := prune.NewMask(len(p.Data))
		for j := 0; j < len(p.Data); j += 3 {
			prior.Set(j, false)
		}
		copied := prior.Clone()
		if got := score(i, math.NaN(), prior); got == nil {
			return
		}
		if !prior.Equal(copied) {
			t.Errorf("Score of %q changed the mask it was given", p.Name)
			return
		}
	}
	one, err1 := prune.ComputeMasks(params, prune.WithScorer(s), prune.WithSparsity(0.5), prune.WithWorkers(1),
		prune.WithSeed(3))
	many, err2 := prune.ComputeMasks(params, prune.WithScorer(s), prune.WithSparsity(0.5), prune.WithWorkers(8),
		prune.WithSeed(3))
	switch {
	case err1 != nil || err2 != nil:
		t.Errorf("a pruner cannot use it: %v, %v", err1, err2)
	case !one.Equal(many):
		t.Errorf("masks depend on the number of workers")
	}
}

// CheckElementwise fails the test unless permuting the elements of a tensor permutes its scores: for scores that look
// at weights and gradients but not at positions.
func CheckElementwise[T tensor.Float](t testing.TB, s prune.Scorer[T], params []*tensor.Param[T]) {
	t.Helper()
	infos, err := prune.Describe(params, prune.LayoutNN, nil)
	if err != nil {
		t.Fatalf("parameters to check with: %v", err)
	}
	for i, p := range params {
		perm := tensor.Stream(1, uint64(i)).Perm(len(p.Data))
		q := &tensor.Param[T]{Name: p.Name, Shape: p.Shape, Data: permuted(p.Data, perm), Grad: permuted(p.Grad, perm)}
		a, b := make([]T, len(p.Data)), make([]T, len(p.Data))
		for _, c := range []struct {
			dst []T
			p   *tensor.Param[T]
		}{{a, p}, {b, q}} {
			if err := s.Score(c.dst, &prune.Context[T]{Param: c.p, Info: infos[i]}); err != nil {
				t.Errorf("Score of %q: %v", p.Name, err)
				return
			}
		}
		for j, v := range permuted(a, perm) {
			if d := math.Abs(float64(v - b[j])); d > 1e-5*math.Abs(float64(v)) {
				t.Errorf("score %d of %q is %v, but %v when the elements are permuted\nAn elementwise score must not depend on "+
					"the position.", j, p.Name, b[j], v)
				return
			}
		}
	}
}

// Golden fails the test unless the scores of each parameter are the given ones, each to within tol times 1 plus its
// size.
func Golden[T tensor.Float](t testing.TB, s prune.Scorer[T], params []*tensor.Param[T], want [][]float64, tol float64) {
	t.Helper()
	infos, err := prune.Describe(params, prune.LayoutNN, nil)
	if err != nil || len(want) != len(params) || !(tol >= 0) {
		t.Fatalf("Golden: %d parameters, %d lists of scores, tolerance %v: %v", len(params), len(want), tol, err)
	}
	if p, ok := s.(prune.Preparer); ok {
		if err := p.Prepare(nil); err != nil {
			t.Fatalf("Prepare: %v", err)
		}
	}
	for i, p := range params {
		dst := make([]T, len(p.Data))
		if err := s.Score(dst, &prune.Context[T]{Param: p, Info: infos[i]}); err != nil {
			t.Errorf("Score of %q: %v", p.Name, err)
			continue
		}
		if len(want[i]) != len(dst) {
			t.Errorf("%q: want %d scores of %d elements", p.Name, len(want[i]), len(dst))
			continue
		}
		for j, v := range dst {
			if w := want[i][j]; !(math.Abs(float64(v)-w) <= tol*(1+math.Abs(w))) {
				t.Errorf("score %d of %q is %v, want %v to within %g", j, p.Name, v, w, tol)
				break
			}
		}
	}
}

func permuted[T any](x []T, perm []int) []T {
	if x == nil {
		return nil
	}
	y := make([]T, len(x))
	for i, j := range perm {
		y[i] = x[j]
	}
	return y
}

func snapshot[T tensor.Float](params []*tensor.Param[T]) [][]T {
	var s [][]T
	for _, p := range params {
		s = append(s, slices.Clone(p.Data), slices.Clone(p.Grad))
	}
	return s
}

// same compares bits as far as numbers go, and takes NaN for equal to NaN.
func same[T tensor.Float](a, b [][]T) bool {
	return slices.EqualFunc(a, b, func(x, y []T) bool {
		return slices.EqualFunc(x, y, func(v, w T) bool { return v == w || v != v && w != w })
	})
}
