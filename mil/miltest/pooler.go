package miltest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckPooler fails the test for every property of a pooler that p lacks:
//
//   - a bag has the same bits alone and among others, for any number of workers, and when several goroutines pool with
//     tapes of their own;
//   - the order of the instances does not matter, unless [WithOrder];
//   - gradients are those of the result, by central differences: of instances, and of parameters to whose Grad they are
//     added; dx is overwritten, and may be left out;
//   - results and gradients are finite for bags of one instance, of equal ones and, unless [WithProbabilities], of
//     elements of ±10,000;
//   - an empty bag is an error that wraps [mil.ErrEmptyBag], or has the value of [WithEmptyValue] and no gradient;
//   - a NaN is an error that wraps [tensor.ErrNotFinite]; y is unchanged then, and instances always are;
//   - a tape of another pooler is an error that wraps [tensor.ErrConflict];
//   - a [mil.Streamer] makes the same of a bag in parts, however they are merged, gradients included;
//   - weights of a [mil.Weigher] are finite, one row for each instance;
//   - nothing is allocated after the first pass, unless [WithAllocations]; not checked under the race detector.
//
// Counting allocations, it cannot be called from parallel tests.
func CheckPooler(t testing.TB, p mil.Pooler[float64], opts ...Option) {
	t.Helper()
	c, err := configure(opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	out, err := p.OutDim(c.columns)
	if err != nil || out < 1 {
		t.Fatalf("OutDim(%d) is %d, error %v\nWithColumns says what the instances have.", c.columns, out, err)
	}
	k := check{TB: t, p: p, config: c, out: out}
	b := k.bags(1, 7, 2, 70, 13)
	k.batches(b)
	k.workers()
	k.goroutines(b)
	if !c.ordered {
		k.order(b)
	}
	k.gradient(k.bags(1, 4, 2, 6))
	k.overwrites(b)
	k.finite("a bag of one instance", k.bags(1))
	k.finite("a bag of equal instances", k.equal(9))
	if !c.probabilities {
		k.finite("elements of ±10,000", k.extreme(11))
	}
	k.empty()
	k.notFinite(b)
	k.foreign(b)
	if s, ok := p.(mil.Streamer[float64]); ok {
		k.streams(s)
	}
	if w, ok := p.(mil.Weigher[float64]); ok {
		k.weights(w, b)
	}
	if c.single != nil {
		k.single(b)
	}
	if !c.allocates {
		k.allocations(b)
	}
}

type check struct {
	testing.TB
	p      mil.Pooler[float64]
	config config
	out    int
}

// bags are random bags of the given sizes.
func (k *check) bags(sizes ...int) mil.Bags[float64] {
	rng := tensor.Stream(k.config.seed, uint64(len(sizes)))
	offsets := []int{0}
	for _, n := range sizes {
		offsets = append(offsets, offsets[len(offsets)-1]+n)
	}
	x := tensor.NewMatrix[float64](offsets[len(sizes)], k.config.columns)
	for i := range x.Data {
		if x.Data[i] = rng.NormFloat64(); k.config.probabilities {
			x.Data[i] = 0.01 + 0.98*rng.Float64()
		}
	}
	return mil.Bags[float64]{X: x, Offsets: offsets}
}

func (k *check) equal(n int) mil.Bags[float64] {
	b := k.bags(n)
	for i := 1; i < n; i++ {
		copy(b.X.Row(i), b.X.Row(0))
	}
	return b
}

func (k *check) extreme(n int) mil.Bags[float64] {
	b, rng := k.bags(n, n, n), tensor.Stream(k.config.seed, 5)
	for i := range b.X.Data {
		b.X.Data[i] = []float64{-1e4, 1e4, 0, 1}[rng.IntN(4)]
	}
	for i := b.Offsets[1]; i < b.Offsets[2]; i++ {
		for j := range b.X.Cols {
			b.X.Set(i, j, -1e4)
		}
	}
	return b
}

// forward is the result, and fails the test for an error.
func (k *check) forward(what string, b mil.Bags[float64], tape *mil.Tape[float64]) tensor.Matrix[float64] {
	k.Helper()
	y := tensor.NewMatrix[float64](b.Len(), k.out)
	if err := k.p.Forward(y, b, tape); err != nil {
		k.Fatalf("%s: Forward: %v", what, err)
	}
	return y
}

// gradients clears those of the parameters and returns that of the instances.
func (k *check) gradients(what string, b mil.Bags[float64], dy tensor.Matrix[float64]) tensor.Matrix[float64] {
	k.Helper()
	var tape mil.Tape[float64]
	k.forward(what, b, &tape)
	for _, q := range k.p.Params() {
		clear(q.Grad)
	}
	dx := tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	if err := k.p.Backward(dx, dy, &tape); err != nil {
		k.Fatalf("%s: Backward: %v", what, err)
	}
	return dx
}

func (k *check) upstream(rows int) tensor.Matrix[float64] {
	dy, rng := tensor.NewMatrix[float64](rows, k.out), tensor.Stream(k.config.seed, 9, uint64(rows))
	for i := range dy.Data {
		dy.Data[i] = rng.NormFloat64()
	}
	return dy
}

func (k *check) batches(b mil.Bags[float64]) {
	k.Helper()
	before := slices.Clone(b.X.Data)
	y := k.forward("bags", b, new(mil.Tape[float64]))
	if !slices.Equal(before, b.X.Data) {
		k.Errorf("Forward modified the instances\nOther poolers and the network's backward pass read them.")
	}
	for i := range b.Len() {
		one := k.forward("a bag alone", mil.Bags[float64]{X: b.Bag(i), Offsets: []int{0, b.Size(i)}},
			new(mil.Tape[float64]))
		if !slices.Equal(one.Data, y.Row(i)) {
			k.Errorf("bag %d is %v alone and %v among others\nA prediction must not depend on the batch it is in.", i,
				one.Data, y.Row(i))
			return
		}
	}
}

func (k *check) workers() {
	k.Helper()
	b := k.bags(700, 1, 900, 800, 700, 900)
	want := k.forward("many instances", b, &mil.Tape[float64]{Workers: 1})
	dy := k.upstream(b.Len())
	dx := k.gradients("many instances", b, dy)
	var params []float64
	for _, q := range k.p.Params() {
		params = append(params, q.Grad...)
	}
	tape := &mil.Tape[float64]{Workers: 3}
	if got := k.forward("many instances", b, tape); !slices.Equal(got.Data, want.Data) {
		k.Errorf("results differ between one worker and three")
	}
	for _, q := range k.p.Params() {
		clear(q.Grad)
	}
	again := tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	if err := k.p.Backward(again, dy, tape); err != nil {
		k.Fatalf("Backward: %v", err)
	}
	var got []float64
	for _, q := range k.p.Params() {
		got = append(got, q.Grad...)
	}
	if !slices.Equal(again.Data, dx.Data) || !slices.Equal(got, params) {
		k.Errorf("gradients differ between numbers of workers\nThe same seed has to give the same model on any machine.")
	}
}

func (k *check) goroutines(b mil.Bags[float64]) {
	k.Helper()
	want := k.forward("bags", b, new(mil.Tape[float64]))
	different := make([]bool, 4)
	together.Run(len(different), func(i int) {
		y := tensor.NewMatrix[float64](b.Len(), k.out)
		err := k.p.Forward(y, b, new(mil.Tape[float64]))
		different[i] = err != nil || !slices.Equal(y.Data, want.Data)
	})
	if slices.Contains(different, true) {
		k.Errorf("results differ when several goroutines pool\nForward must not modify the pooler: what it keeps is on the tape.")
	}
}

func (k *check) order(b mil.Bags[float64]) {
	k.Helper()
	dy := k.upstream(b.Len())
	y, dx := k.forward("bags", b, new(mil.Tape[float64])), k.gradients("bags", b, dy)
	other := mil.Bags[float64]{X: b.X.Clone(), Offsets: b.Offsets}
	for i := range b.Len() {
		for r := range b.Size(i) {
			copy(other.Bag(i).Row(r), b.Bag(i).Row(b.Size(i)-1-r))
		}
	}
	reversed, back := k.forward("reversed", other, new(mil.Tape[float64])), k.gradients("reversed", other, dy)
	for i := range b.Len() {
		for j, v := range y.Row(i) {
			if !near(v, reversed.At(i, j), 1e-10) {
				k.Errorf("bag %d has %v, and %v with its instances reversed\nA bag is a set; say WithOrder if yours is a "+
					"sequence.", i, v, reversed.At(i, j))
				return
			}
		}
		for r := range b.Size(i) {
			for j := range b.X.Cols {
				u, v := dx.At(b.Offsets[i]+r, j), back.At(b.Offsets[i+1]-1-r, j)
				if !near(u, v, 1e-9) {
					k.Errorf("the gradient of instance %d of bag %d is %v, and %v with the instances reversed", r, i, u, v)
					return
				}
			}
		}
	}
}

func (k *check) gradient(b mil.Bags[float64]) {
	k.Helper()
	dy := k.upstream(b.Len())
	loss := func() float64 {
		sum := 0.0
		for i, v := range k.forward("differences", b, new(mil.Tape[float64])).Data {
			sum += v * dy.Data[i]
		}
		return sum
	}
	dx := k.gradients("differences", b, dy)
	ok := k.differences("dx", b.X.Data, dx.Data, loss)
	for _, q := range k.p.Params() {
		ok = ok && k.differences(q.Name+".Grad", q.Data, slices.Clone(q.Grad), loss)
	}
}

// differences compares a gradient with central differences of fourth order.
func (k *check) differences(name string, x, grad []float64, loss func() float64) bool {
	k.Helper()
	const step = 1e-4
	scale := 1e-3
	for _, g := range grad {
		scale = max(scale, math.Abs(g))
	}
	for i, v := range x {
		var at [4]float64
		for n, h := range []float64{-2, -1, 1, 2} {
			x[i] = v + h*step
			at[n] = loss()
		}
		x[i] = v
		want := (at[0] - 8*at[1] + 8*at[2] - at[3]) / (12 * step)
		if !(math.Abs(grad[i]-want) <= 1e-6*scale) {
			k.Errorf("%s[%d] is %v, by central differences %v\nThe optimizer would not descend the loss.", name, i, grad[i],
				want)
			return false
		}
	}
	return true
}

func (k *check) overwrites(b mil.Bags[float64]) {
	k.Helper()
	dy := k.upstream(b.Len())
	want := k.gradients("bags", b, dy)
	first := k.paramGrads()
	var tape mil.Tape[float64]
	k.forward("bags", b, &tape)
	dx := tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	for i := range dx.Data {
		dx.Data[i] = math.NaN()
	}
	for range 2 { // with and without dx
		if err := k.p.Backward(dx, dy, &tape); err != nil {
			k.Fatalf("Backward with dx of %d rows: %v\nAn empty dx is that of a first layer.", dx.Rows, err)
		}
		if dx.Data != nil && !slices.Equal(dx.Data, want.Data) {
			k.Errorf("dx is not what it was where it was empty before\nIt has to be overwritten, whatever was there.")
		}
		dx = tensor.Matrix[float64]{}
	}
	for i, g := range k.paramGrads() {
		if !near(g, 3*first[i], 1e-9) {
			k.Errorf("gradient %d of the parameters is %v after three passes of %v\nIt has to be added up: loops clear it "+
				"once a step.", i, g, first[i])
			return
		}
	}
}

func (k *check) paramGrads() []float64 {
	var all []float64
	for _, q := range k.p.Params() {
		all = append(all, q.Grad...)
	}
	return all
}

func (k *check) finite(what string, b mil.Bags[float64]) {
	k.Helper()
	dy := tensor.NewMatrix[float64](b.Len(), k.out)
	for i := range dy.Data {
		dy.Data[i] = 1
	}
	y, dx := k.forward(what, b, new(mil.Tape[float64])), k.gradients(what, b, dy)
	if tensor.ValidateFinite("y", y.Data) != nil || tensor.ValidateFinite("dx", dx.Data) != nil {
		k.Errorf("%s: the result is %v, the gradient %v\nOne NaN destroys a model.", what, y.Data, dx.Data)
	}
	again := k.forward(what, b, new(mil.Tape[float64]))
	if !slices.Equal(again.Data, y.Data) || !slices.Equal(k.gradients(what, b, dy).Data, dx.Data) {
		k.Errorf("%s: two passes differ", what)
	}
}

func (k *check) empty() {
	k.Helper()
	b := k.bags(2, 3)
	b.Offsets = []int{0, 2, 2, 5}
	y := tensor.NewMatrix[float64](3, k.out)
	for i := range y.Data {
		y.Data[i] = 77
	}
	var tape mil.Tape[float64]
	err := k.p.Forward(y, b, &tape)
	if math.IsNaN(k.config.empty) {
		if !errors.Is(err, mil.ErrEmptyBag) {
			k.Errorf("an empty bag gives error %v, want one that wraps ErrEmptyBag\nThere is nothing to pool.", err)
		} else if y.Data[0] != 77 {
			k.Errorf("an empty bag is an error, but y has changed")
		}
		return
	}
	if err != nil {
		k.Fatalf("an empty bag gives error %v, want the value %v", err, k.config.empty)
	}
	for _, v := range y.Row(1) {
		if v != k.config.empty {
			k.Errorf("an empty bag has %v, want %v", y.Row(1), k.config.empty)
			break
		}
	}
	dx := tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	if err := k.p.Backward(dx, k.upstream(3), &tape); err != nil || tensor.ValidateFinite("dx", dx.Data) != nil {
		k.Errorf("with an empty bag Backward gives %v (error %v)", dx.Data, err)
	}
	rest := k.forward("without the empty bag", mil.Bags[float64]{X: b.X, Offsets: []int{0, 2, 5}},
		new(mil.Tape[float64]))
	if !slices.Equal(rest.Row(0), y.Row(0)) || !slices.Equal(rest.Row(1), y.Row(2)) {
		k.Errorf("an empty bag changes the results of others")
	}
}

func (k *check) notFinite(b mil.Bags[float64]) {
	k.Helper()
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		x := b.X.Clone()
		x.Set(x.Rows-1, x.Cols-1, bad)
		y := tensor.NewMatrix[float64](b.Len(), k.out)
		err := k.p.Forward(y, mil.Bags[float64]{X: x, Offsets: b.Offsets}, new(mil.Tape[float64]))
		if !errors.Is(err, tensor.ErrNotFinite) {
			k.Errorf("an element of %v gives error %v, want one that wraps ErrNotFinite\nA maximum would pass over a NaN.", bad,
				err)
			return
		}
		if slices.ContainsFunc(y.Data, func(v float64) bool { return v != 0 }) {
			k.Errorf("an element of %v is an error, but y has changed", bad)
			return
		}
	}
}

func (k *check) foreign(b mil.Bags[float64]) {
	k.Helper()
	other, err := mil.NewPool[float64](mil.Mean())
	if err != nil {
		k.Fatalf("%v", err)
	}
	var tape mil.Tape[float64]
	if err := other.Forward(tensor.NewMatrix[float64](b.Len(), b.X.Cols), b, &tape); err != nil {
		k.Fatalf("%v", err)
	}
	dx := tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	if err := k.p.Backward(dx, k.upstream(b.Len()), &tape); !errors.Is(err, tensor.ErrConflict) {
		k.Errorf("Backward with another pooler's tape gives error %v, want one that wraps ErrConflict", err)
	}
}

func (k *check) weights(p mil.Weigher[float64], b mil.Bags[float64]) {
	k.Helper()
	var tape mil.Tape[float64]
	k.forward("bags", b, &tape)
	w := tensor.NewMatrix[float64](b.X.Rows, p.WeightDim(b.X.Cols))
	if err := p.Weights(w, &tape); err != nil || tensor.ValidateFinite("w", w.Data) != nil {
		k.Errorf("Weights gives error %v, or numbers that are not finite", err)
	}
}

func (k *check) single(b mil.Bags[float64]) {
	k.Helper()
	want := k.forward("bags", b, new(mil.Tape[float64]))
	y := tensor.NewMatrix[float32](b.Len(), k.out)
	narrow := mil.Bags[float32]{X: tensor.Convert[float32](b.X), Offsets: b.Offsets}
	if err := k.config.single.Forward(y, narrow, new(mil.Tape[float32])); err != nil {
		k.Fatalf("in float32: %v", err)
	}
	for i, v := range want.Data {
		if !near(float64(y.Data[i]), v, 1e-4) {
			k.Errorf("element %d is %v in float32 and %v in float64", i, y.Data[i], v)
			return
		}
	}
}

func (k *check) allocations(b mil.Bags[float64]) {
	k.Helper()
	if race.Enabled {
		return
	}
	y, dx, dy := tensor.NewMatrix[float64](b.Len(), k.out), tensor.NewMatrix[float64](b.X.Rows, b.X.Cols),
		k.upstream(b.Len())
	var tape mil.Tape[float64]
	n := allocs.PerCall(func() {
		if k.p.Forward(y, b, &tape) != nil || k.p.Backward(dx, dy, &tape) != nil {
			panic("an error that was none before")
		}
	})
	if n != 0 {
		k.Errorf("a forward and a backward pass allocate %d times\nA tape has memory that is used again.", n)
	}
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*(1+math.Abs(b))
}
