package miltest

import (
	"errors"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// streams compares a bag in parts, merged in two ways, with the whole one.
func (k *check) streams(p mil.Streamer[float64]) {
	k.Helper()
	b := k.bags(1003)
	dy := k.upstream(1)
	y, dx := k.forward("a bag", b, new(mil.Tape[float64])), k.gradients("a bag", b, dy)
	params := k.paramGrads()
	for name, a := range k.merged(p, b.X) {
		for pass := range 2 {
			k.sameStream(name, a, b.X, y.Data, dx, dy.Data, params)
			if pass == 0 {
				a.Reset()
				if err := a.Add(b.X); err != nil {
					k.Fatalf("Add after Reset: %v", err)
				}
			}
		}
	}
	a := k.accumulator(p)
	if err := a.Value(make([]float64, k.out)); k.config.empty != k.config.empty && !errors.Is(err, mil.ErrEmptyBag) {
		k.Errorf("Value of no instances gives error %v, want one that wraps ErrEmptyBag", err)
	}
	if err := a.Merge(nil); !errors.Is(err, tensor.ErrConflict) {
		k.Errorf("Merge(nil) gives error %v, want one that wraps ErrConflict", err)
	}
	if err := a.Backward(tensor.Matrix[float64]{}, b.X, dy.Data); !errors.Is(err, tensor.ErrRange) {
		k.Errorf("Backward of instances that were not added gives error %v, want one that wraps ErrRange", err)
	}
}

func (k *check) accumulator(p mil.Streamer[float64]) mil.Accumulator[float64] {
	k.Helper()
	a, err := p.NewAccumulator(k.config.columns)
	if err != nil {
		k.Fatalf("NewAccumulator: %v", err)
	}
	return a
}

// merged is the accumulators of the rows of x: one that was added to, and (a b) c and a (b c) of three parts.
func (k *check) merged(p mil.Streamer[float64], x tensor.Matrix[float64]) map[string]mil.Accumulator[float64] {
	k.Helper()
	cuts := []int{0, 100, 101, x.Rows}
	parts := func() (all []mil.Accumulator[float64]) {
		for i := range 3 {
			all = append(all, k.accumulator(p))
			if err := all[i].Add(x.Slice(cuts[i], cuts[i+1], 0, x.Cols)); err != nil {
				k.Fatalf("Add: %v", err)
			}
		}
		return all
	}
	merge := func(a, b mil.Accumulator[float64]) {
		if err := a.Merge(b); err != nil {
			k.Fatalf("Merge: %v", err)
		}
	}
	whole := k.accumulator(p)
	for i := range 3 {
		if err := whole.Add(x.Slice(cuts[i], cuts[i+1], 0, x.Cols)); err != nil {
			k.Fatalf("Add: %v", err)
		}
	}
	left, right, before := parts(), parts(), k.accumulator(p)
	merge(left[0], left[1])
	merge(left[0], left[2])
	merge(right[1], right[2])
	merge(right[0], right[1])
	merge(before, right[0]) // into one that has nothing yet
	return map[string]mil.Accumulator[float64]{"added": whole, "merged from the left": left[0],
		"merged from the right": right[0], "merged into an empty one": before}
}

func (k *check) sameStream(name string, a mil.Accumulator[float64], x tensor.Matrix[float64], want []float64,
	dx tensor.Matrix[float64], dy, params []float64) {
	k.Helper()
	if a.Len() != x.Rows {
		k.Errorf("%s: Len is %d after %d instances", name, a.Len(), x.Rows)
	}
	y := make([]float64, k.out)
	if err := a.Value(y); err != nil {
		k.Fatalf("%s: Value: %v", name, err)
	}
	for j, v := range y {
		if !near(v, want[j], 1e-10) {
			k.Errorf("%s: Value[%d] is %v, Forward's %v\nA bag in parts is the same bag.", name, j, v, want[j])
			return
		}
	}
	for _, q := range k.p.Params() {
		clear(q.Grad)
	}
	for lo := 0; lo < x.Rows; lo += 57 {
		hi := min(lo+57, x.Rows)
		part := tensor.NewMatrix[float64](hi-lo, x.Cols)
		if err := a.Backward(part, x.Slice(lo, hi, 0, x.Cols), dy); err != nil {
			k.Fatalf("%s: Backward: %v", name, err)
		}
		for i := range part.Rows {
			for j, v := range part.Row(i) {
				if !near(v, dx.At(lo+i, j), 1e-9) {
					k.Errorf("%s: the gradient of instance %d is %v, Backward's %v", name, lo+i, v, dx.At(lo+i, j))
					return
				}
			}
		}
	}
	for i, g := range k.paramGrads() {
		if !near(g, params[i], 1e-9) {
			k.Errorf("%s: gradient %d of the parameters is %v, Backward's %v", name, i, g, params[i])
			return
		}
	}
}
