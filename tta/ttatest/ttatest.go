// Package ttatest tests transforms and aggregators of one's own for use with
// [github.com/espalier-ml/espalier/tta].
//
//	func TestMyTransform(t *testing.T) {
//		ttatest.CheckTransform(t, MyTransform{}, func(seed uint64) MyInput { return inputOf(seed) })
//	}
//
// Each check is a list of properties; its documentation is the contract, and a failure says what is wrong and why that
// matters. The transforms and aggregators of the module pass them.
package ttatest

import (
	"errors"
	"math"
	"reflect"
	"sync"
	"testing"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// inputs is how many inputs a check looks at.
const inputs = 4

// CheckTransform fails the test for every property of a transform that tr lacks. input makes an input of a seed, the
// same one for the same seed.
//
//   - it has a name;
//   - an input is not modified, and the same input always gives the same view;
//   - several goroutines may use it at once, which counts for most under the race detector;
//   - a [tta.Random] draws from the generator that it is given and nothing else.
func CheckTransform[X any](t testing.TB, tr tta.Transform[X], input func(seed uint64) X) {
	t.Helper()
	if tr.Name() == "" {
		t.Errorf("Name is empty\nPolicies tell views apart by the names of their transforms.")
	}
	apply := tr.Apply
	if r, ok := tr.(tta.Random[X]); ok {
		apply = func(x X) (X, error) { return r.ApplyRandom(x, tensor.Stream(1)) }
	}
	want := make([]X, inputs)
	for seed := range want {
		x := input(uint64(seed))
		var err error
		if want[seed], err = apply(x); err != nil {
			t.Fatalf("Apply to input %d: %v", seed, err)
		}
		if !reflect.DeepEqual(x, input(uint64(seed))) {
			t.Fatalf("input %d was modified\nOther views are made of the same input.", seed)
		}
		again, err := apply(x)
		if err != nil || !reflect.DeepEqual(again, want[seed]) {
			t.Fatalf("input %d gives %v and then %v (error %v)\nOutputs of a view must not depend on when it was made.",
				seed, want[seed], again, err)
		}
	}
	var mu sync.Mutex
	differs := false
	together.Run(4, func(int) {
		for seed := range want {
			got, err := apply(input(uint64(seed)))
			if err != nil || !reflect.DeepEqual(got, want[seed]) {
				mu.Lock()
				differs = true
				mu.Unlock()
			}
		}
	})
	if differs {
		t.Errorf("views differ when several goroutines make them\nInputs are transformed side by side.")
	}
}

// CheckInverse fails the test if undo does not take what tr makes of an input back to the input, to within a distance
// of tolerance, which is what difference returns for two inputs: 0 for exact inverses. Inputs of several sizes that are
// not square find exchanged axes.
func CheckInverse[X any](t testing.TB, tr tta.Transform[X], undo func(y, x X) (X, error), input func(seed uint64) X,
	difference func(a, b X) float64, tolerance float64) {
	t.Helper()
	for seed := range uint64(inputs) {
		x := input(seed)
		y, err := tr.Apply(x)
		if err != nil {
			t.Fatalf("Apply to input %d: %v", seed, err)
		}
		back, err := undo(y, x)
		if err != nil {
			t.Fatalf("undo for input %d: %v", seed, err)
		}
		if d := difference(back, x); !(d <= tolerance) {
			t.Errorf("%s of input %d comes back at a distance of %v, want at most %v\n"+
				"Outputs of views that do not lie over each other are merged into a blur.", tr.Name(), seed, d, tolerance)
			return
		}
	}
}

// CheckAggregator fails the test for every property of an aggregator that a lacks.
//
//   - it writes finite numbers for outputs from -10000 to 10000, and writes all of them;
//   - the same views give the same output, alone and from several goroutines at once;
//   - views are not modified;
//   - it allocates nothing; not checked under the race detector;
//   - the invariance that its [tta.Shape] declares: adding a constant to all outputs, or to those of a view, leaves the
//     predicted class;
//   - lengths that do not fit panic with an error that wraps [tensor.ErrShape].
//
// Counting allocations, it cannot be called from parallel tests.
func CheckAggregator(t testing.TB, a tta.Aggregator) {
	t.Helper()
	s := a.Shape()
	if s.Views < 1 || s.Classes < 1 {
		t.Fatalf("Shape has %d views of %d classes", s.Views, s.Classes)
	}
	k := aggregatorCheck{t, a, s}
	for seed := range uint64(8) {
		if !k.finite(seed) {
			return
		}
	}
	k.invariance()
	k.repeats()
	k.lengths()
	if !race.Enabled {
		views, dst := k.views(1, 3), make([]float32, s.Classes)
		if n := testing.AllocsPerRun(50, func() { a.Aggregate(dst, views) }); n != 0 {
			t.Errorf("Aggregate allocates %v times\nIt is called for every example that is predicted.", n)
		}
	}
}

type aggregatorCheck struct {
	testing.TB
	a tta.Aggregator
	s tta.Shape
}

// views are outputs of a kind that the aggregator takes.
func (k aggregatorCheck) views(seed uint64, scale float64) []float32 {
	rng := tensor.Stream(seed)
	x := make([]float32, k.s.Views*k.s.Classes)
	for i := range x {
		x[i] = float32(scale * rng.NormFloat64())
	}
	if k.s.Kind == tta.LogProbs {
		for i := 0; i < len(x); i += k.s.Classes {
			row := x[i : i+k.s.Classes]
			l := float32(tensor.LogSumExp(row))
			for c := range row {
				row[c] -= l
			}
		}
	}
	return x
}

func (k aggregatorCheck) aggregate(views []float32) []float32 {
	dst := make([]float32, k.s.Classes)
	for i := range dst {
		dst[i] = float32(math.NaN())
	}
	k.a.Aggregate(dst, views)
	return dst
}

func (k aggregatorCheck) finite(seed uint64) bool {
	k.Helper()
	for _, scale := range []float64{0, 1, 10, 3000} {
		x := k.views(seed, scale)
		before := append([]float32(nil), x...)
		out := k.aggregate(x)
		if err := tensor.ValidateFinite("dst", out); err != nil {
			k.Errorf("outputs of scale %v: %v\nOutputs of any size must give a distribution.", scale, err)
			return false
		}
		if !reflect.DeepEqual(x, before) {
			k.Errorf("views were modified\nThey are those of others, too.")
			return false
		}
	}
	return true
}

func (k aggregatorCheck) repeats() {
	k.Helper()
	x := k.views(5, 3)
	want := k.aggregate(x)
	var mu sync.Mutex
	differs := false
	together.Run(4, func(int) {
		for range 50 {
			if !reflect.DeepEqual(k.aggregate(x), want) {
				mu.Lock()
				differs = true
				mu.Unlock()
			}
		}
	})
	if differs {
		k.Errorf("outputs differ when several goroutines aggregate the same views\nExamples are aggregated side by side.")
	}
}

func (k aggregatorCheck) invariance() {
	k.Helper()
	if k.s.Classes == 1 || k.s.Kind == tta.LogProbs || k.s.Invariance == tta.NoInvariance {
		return
	}
	for seed := range uint64(20) {
		x := k.views(seed, 3)
		want := tensor.ArgMax(k.aggregate(x))
		for a := range k.s.Views {
			add := float32(2)
			if k.s.Invariance == tta.PerView {
				add = float32(a%5) - 2
			}
			for c := range k.s.Classes {
				x[a*k.s.Classes+c] += add
			}
		}
		if got := tensor.ArgMax(k.aggregate(x)); got != want {
			k.Errorf("class %d becomes %d with constants added, and the declared invariance is %v\nSoftmax does not tell "+
				"such logits apart; an aggregator that does must say so.", want, got, k.s.Invariance)
			return
		}
	}
}

func (k aggregatorCheck) lengths() {
	k.Helper()
	for _, n := range [][2]int{{k.s.Classes + 1, k.s.Views * k.s.Classes}, {k.s.Classes, k.s.Views*k.s.Classes - 1}} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, tensor.ErrShape) {
					k.Errorf("dst of %d and views of %d numbers: want a panic that wraps tensor.ErrShape", n[0], n[1])
				}
			}()
			k.a.Aggregate(make([]float32, n[0]), make([]float32, n[1]))
		}()
	}
}
