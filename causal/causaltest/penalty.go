package causaltest

import (
	"errors"
	"math"
	"testing"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckPenalty fails the test for every property of a penalty that p lacks. Labels Y and V are 0 or 1, both of each
// other's in every batch.
//
//   - the gradient is that of the value, by central differences;
//   - it is added to what is there, and the value is the same if none is asked for;
//   - the order of the rows does not matter, nor which numbers code the groups;
//   - moving all rows changes nothing, and the gradient of a row sums to zero over rows, unless [WithOrigin];
//   - a weight of 2 counts as the row twice, one of 0 as no row, and only relative weights matter, unless
//     [WithoutWeights];
//   - the value is never negative, and 0 for groups with the same rows, unless [WithSignedValue];
//   - a batch with one group is skipped, with the gradient left alone and no error;
//   - values and gradients stay finite for rows that are far apart, and for rows that are equal;
//   - a NaN is an error and changes nothing.
func CheckPenalty(t testing.TB, p causal.Penalty[float64], opts ...PenaltyOption) {
	t.Helper()
	c, err := configure(opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	k := check{TB: t, p: p, config: c}
	z, b := k.batch(c.seed)
	r, err := p.Eval(z, b, tensor.Matrix[float64]{})
	if err != nil {
		t.Fatalf("Eval: %v\nA batch of %d random rows with both groups must have a value.", err, c.rows)
	}
	if r.Skipped != "" {
		t.Fatalf("Eval skipped a batch of %d random rows with both groups: %s", c.rows, r.Skipped)
	}
	k.gradient(z, b)
	k.adds(z, b)
	k.order(z, b)
	k.codes(z, b)
	if !c.origin {
		k.moves(z, b)
	}
	if !c.noWeights {
		k.weights(z, b)
	}
	if !c.signed {
		k.sign(z, b)
	}
	k.oneGroup(z, b)
	k.extremes(b)
	k.notFinite(z, b)
}

type check struct {
	testing.TB
	p      causal.Penalty[float64]
	config config
}

// batch is random rows that differ between groups, and labels.
func (k *check) batch(seed uint64) (tensor.Matrix[float64], causal.Batch) {
	rng := tensor.Stream(seed, 1)
	n, d := k.config.rows, k.config.cols
	z := tensor.NewMatrix[float64](n, d)
	b := causal.Batch{Y: make([]int, n), V: make([]int, n)}
	for i := range n {
		b.V[i], b.Y[i] = i%2, i/2%2
		if d > 2 { // logits of more than two classes and labels of two are no trouble
			b.Y[i] = i / 2 % 2
		}
		for j := range d {
			z.Set(i, j, rng.NormFloat64()+0.5*float64(b.V[i]))
		}
	}
	if !k.config.noWeights {
		b.W = make([]float64, n)
		for i := range b.W {
			b.W[i] = 0.5 + rng.Float64()
		}
	}
	if k.config.aux {
		b.Aux = tensor.NewMatrix[float64](n, 2)
		for i := range b.Aux.Data {
			b.Aux.Data[i] = rng.NormFloat64()
		}
		b.V = nil
	}
	return z, b
}

// eval is the value and gradient, and fails the test for an error or a skipped batch.
func (k *check) eval(what string, z tensor.Matrix[float64], b causal.Batch) (float64, tensor.Matrix[float64]) {
	k.Helper()
	grad := tensor.NewMatrix[float64](z.Rows, z.Cols)
	r, err := k.p.Eval(z, b, grad)
	if err != nil || r.Skipped != "" {
		k.Fatalf("%s: error %v, skipped %q", what, err, r.Skipped)
	}
	return r.Value, grad
}

const step = 1e-5

func (k *check) gradient(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	_, grad := k.eval("gradient", z, b)
	scale := 1e-3
	for _, g := range grad.Data {
		scale = max(scale, math.Abs(g))
	}
	for i := range z.Rows {
		for j := range z.Cols {
			x := z.At(i, j)
			z.Set(i, j, x+step)
			above, _ := k.eval("gradient", z, b)
			z.Set(i, j, x-step)
			below, _ := k.eval("gradient", z, b)
			z.Set(i, j, x)
			if want := (above - below) / (2 * step); !close(grad.At(i, j), want, 1e-5*scale) {
				k.Errorf("grad[%d,%d] = %v, central difference %v\nThe optimizer would not descend what is reported.",
					i, j, grad.At(i, j), want)
				return
			}
		}
	}
}

func (k *check) adds(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	value, grad := k.eval("gradient", z, b)
	sum := tensor.NewMatrix[float64](z.Rows, z.Cols)
	for i := range sum.Data {
		sum.Data[i] = 1
	}
	if _, err := k.p.Eval(z, b, sum); err != nil {
		k.Fatalf("Eval: %v", err)
	}
	for i, g := range grad.Data {
		if !close(sum.Data[i], 1+g, 1e-9*(1+math.Abs(g))) {
			k.Errorf("where the gradient was 1 it is %v, want 1 + %v\nA penalty adds to the gradient of the loss, which is "+
				"there already.", sum.Data[i], g)
			break
		}
	}
	alone, err := k.p.Eval(z, b, tensor.Matrix[float64]{})
	if err != nil || alone.Value != value {
		k.Errorf("the value is %v with a gradient and %v without one (error %v)", value, alone.Value, err)
	}
}

// rows picks rows of a batch.
func rows(z tensor.Matrix[float64], b causal.Batch, pick []int) (tensor.Matrix[float64], causal.Batch) {
	out := tensor.NewMatrix[float64](len(pick), z.Cols)
	var c causal.Batch
	if b.Aux.Rows > 0 {
		c.Aux = tensor.NewMatrix[float64](len(pick), b.Aux.Cols)
	}
	for k, i := range pick {
		copy(out.Row(k), z.Row(i))
		if b.V != nil {
			c.V = append(c.V, b.V[i])
		}
		c.Y = append(c.Y, b.Y[i])
		if b.W != nil {
			c.W = append(c.W, b.W[i])
		}
		if b.Aux.Rows > 0 {
			copy(c.Aux.Row(k), b.Aux.Row(i))
		}
	}
	return out, c
}

func (k *check) order(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	pick := tensor.Stream(k.config.seed, 2).Perm(z.Rows)
	value, grad := k.eval("order", z, b)
	other, otherB := rows(z, b, pick)
	again, moved := k.eval("order", other, otherB)
	if !close(value, again, 1e-9*max(1, math.Abs(value))) {
		k.Errorf("the value is %v, and %v with the rows in another order\n"+
			"Batches are shuffled; what is measured must not be.", value, again)
	}
	for at, i := range pick {
		for j := range z.Cols {
			if !close(grad.At(i, j), moved.At(at, j), 1e-9*max(1, math.Abs(grad.At(i, j)))) {
				k.Errorf("the gradient of row %d is %v, and %v where the row stands in another place",
					i, grad.Row(i), moved.Row(at))
				return
			}
		}
	}
}

func (k *check) codes(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	if b.V == nil {
		return
	}
	value, _ := k.eval("codes", z, b)
	other := b
	other.V = make([]int, len(b.V))
	for i, v := range b.V {
		other.V[i] = 1000003 - 999996*v
	}
	if again, _ := k.eval("groups called 1000003 and 7", z, other); !close(value, again, 1e-9*max(1, math.Abs(value))) {
		k.Errorf("the value is %v, and %v if the groups 0 and 1 are called 1000003 and 7\nLabels are names and not numbers.",
			value, again)
	}
}

func (k *check) moves(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	value, grad := k.eval("moves", z, b)
	moved := tensor.NewMatrix[float64](z.Rows, z.Cols)
	for i := range z.Rows {
		for j, v := range z.Row(i) {
			moved.Row(i)[j] = v + 10*float64(j+1)
		}
	}
	if again, _ := k.eval("moves", moved, b); !close(value, again, 1e-8*max(1, math.Abs(value))) {
		k.Errorf("the value is %v, and %v with all rows moved alike\nSay WithOrigin if that is meant.", value, again)
	}
	sums := make([]float64, z.Cols)
	tensor.AddColumnSums(sums, grad)
	for j, s := range sums {
		if !close(s, 0, 1e-9) {
			k.Errorf("column %d of the gradient sums to %v, want 0: moving all rows alike must change nothing", j, s)
		}
	}
}

func (k *check) weights(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	value, _ := k.eval("weights", z, b)
	scaled := b
	scaled.W = make([]float64, len(b.W))
	tensor.Scale(scaled.W, 3, b.W)
	if again, _ := k.eval("weights", z, scaled); !close(value, again, 1e-9*max(1, math.Abs(value))) {
		k.Errorf("the value is %v, and %v with all weights three times as large\nOnly relative weights have a meaning.",
			value, again)
	}
	without := b
	without.W = append([]float64(nil), b.W...)
	without.W[0] = 0
	value, grad := k.eval("a row of weight 0", z, without)
	for j, g := range grad.Row(0) {
		if g != 0 {
			k.Errorf("a row of weight 0 has the gradient %v in column %d", g, j)
		}
	}
	var rest []int
	for i := 1; i < z.Rows; i++ {
		rest = append(rest, i)
	}
	fewer, fewerB := rows(z, b, rest)
	if again, _ := k.eval("a row left out", fewer, fewerB); !close(value, again, 1e-9*max(1, math.Abs(value))) {
		k.Errorf("the value is %v with a row of weight 0 and %v without the row", value, again)
	}
	if k.config.signed {
		return
	}
	double := b
	double.W = append([]float64(nil), b.W...)
	double.W[0] *= 2
	value, _ = k.eval("a weight of 2", z, double)
	twice, twiceB := rows(z, b, append([]int{0}, append([]int{0}, rest...)...))
	if again, _ := k.eval("a row twice", twice, twiceB); !close(value, again, 1e-9*max(1, math.Abs(value))) {
		k.Errorf("the value is %v with a row of twice the weight and %v with the row twice", value, again)
	}
}

func (k *check) sign(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	for seed := range uint64(20) {
		x, y := k.batch(k.config.seed + seed)
		if value, _ := k.eval("sign", x, y); value < -1e-12 {
			k.Errorf("the value is %v\nA distance is not negative; say WithSignedValue for an estimator without bias.", value)
			return
		}
	}
	if b.V == nil || k.config.origin {
		return
	}
	same := tensor.NewMatrix[float64](z.Rows, z.Cols)
	sameB := b
	sameB.W = nil
	for i := range z.Rows {
		copy(same.Row(i), z.Row(i/4*4)) // four rows: each label with each
	}
	if value, _ := k.eval("equal groups", same, sameB); !close(value, 0, 1e-12) {
		k.Errorf("the value is %v for groups with the same rows, want 0", value)
	}
}

func (k *check) oneGroup(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	if b.V == nil {
		return
	}
	alone := b
	alone.V = make([]int, len(b.V))
	if k.config.origin {
		return // a penalty of environments can do with one
	}
	grad := tensor.NewMatrix[float64](z.Rows, z.Cols)
	r, err := k.p.Eval(z, alone, grad)
	if err != nil {
		k.Errorf("a batch with one group is the error %v\nA small batch without a group is normal: skip it and say so.", err)
		return
	}
	if r.Skipped == "" || r.Value != 0 {
		k.Errorf("a batch with one group has the value %v, skipped %q\nWhat cannot be compared must be skipped, with 0 "+
			"and the reason.", r.Value, r.Skipped)
	}
	for _, g := range grad.Data {
		if g != 0 {
			k.Errorf("a batch with one group changes the gradient, by %v", g)
			return
		}
	}
}

func (k *check) extremes(b causal.Batch) {
	k.Helper()
	for _, scale := range []float64{0, 1e-9, 1e6} {
		z, _ := k.batch(k.config.seed)
		tensor.Scale(z.Data, scale, z.Data)
		grad := tensor.NewMatrix[float64](z.Rows, z.Cols)
		r, err := k.p.Eval(z, b, grad)
		if err != nil {
			k.Errorf("rows times %v: %v\nFinite numbers are no error.", scale, err)
			continue
		}
		if r.Value-r.Value != 0 {
			k.Errorf("rows times %v: the value is %v", scale, r.Value)
		}
		if err := tensor.ValidateFinite("gradient", grad.Data); err != nil {
			k.Errorf("rows times %v: %v", scale, err)
		}
	}
}

func (k *check) notFinite(z tensor.Matrix[float64], b causal.Batch) {
	k.Helper()
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		x := z.At(1, 0)
		z.Set(1, 0, bad)
		grad := tensor.NewMatrix[float64](z.Rows, z.Cols)
		_, err := k.p.Eval(z, b, grad)
		z.Set(1, 0, x)
		if !errors.Is(err, tensor.ErrNotFinite) {
			k.Errorf("a row with %v gives the error %v, want one that wraps tensor.ErrNotFinite\nA NaN that gets through "+
				"destroys the model.", bad, err)
		}
		for _, g := range grad.Data {
			if g != 0 {
				k.Errorf("a row with %v changed the gradient", bad)
				return
			}
		}
	}
}

func close(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }
