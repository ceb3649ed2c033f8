package prunetest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckDistribution fails the test for every property that d lacks on the weights of several models:
//
//   - one sparsity per parameter, in [0, 1];
//   - together they prune the given fraction, to within one element;
//   - the parameters' order does not matter, they are not changed, and the same call gives the same numbers;
//   - no parameters, and a sparsity that is not in [0, 1], are errors wrapping tensor.ErrEmpty and tensor.ErrRange.
func CheckDistribution(t testing.TB, d prune.Distribution) {
	t.Helper()
	for _, shapes := range [][][]int{{{10, 10}}, {{2, 4}, {3, 6}, {2, 4, 6}},
		{{3, 3, 3, 64}, {3, 3, 64, 128}, {256, 128}, {10, 256}}, {{300, 784}, {100, 300}, {10, 100}}} {
		var infos []prune.Info
		total := 0
		for i, shape := range shapes {
			n := 1
			for _, s := range shape {
				n *= s
			}
			total += n
			info := prune.Info{Name: string(rune('a' + i)), Shape: shape, Size: n, In: 1}
			if len(shape) == 4 {
				info.Out, info.In = 3, 2
			}
			infos = append(infos, info)
		}
		for _, s := range []float64{0, 0.1, 0.5, 0.8, 0.9, 0.98, 1} {
			got, err := d.Allocate(infos, s)
			if err != nil || len(got) != len(infos) {
				t.Errorf("Allocate(%v) of %v: %d sparsities for %d parameters, %v", s, shapes, len(got), len(infos), err)
				return
			}
			pruned := 0.0
			for i, v := range got {
				if !(v >= 0 && v <= 1) {
					t.Errorf("Allocate(%v) of %v gives %v a sparsity of %v\nWant 0 to 1.", s, shapes, shapes[i], v)
					return
				}
				pruned += v * float64(infos[i].Size)
			}
			if want := s * float64(total); !(math.Abs(pruned-want) <= 1) {
				t.Errorf("Allocate(%v) of %v prunes %.1f of %d elements, want %.1f\nWhat one layer keeps the others must lose.",
					s, shapes, pruned, total, want)
				return
			}
			reversed := slices.Clone(infos)
			slices.Reverse(reversed)
			again, err := d.Allocate(reversed, s)
			slices.Reverse(again)
			if err != nil || !slices.EqualFunc(again, got, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
				t.Errorf("Allocate(%v) of %v gives %v, but %v with the parameters in reverse order (%v)",
					s, shapes, got, again, err)
				return
			}
		}
		for _, s := range []float64{-0.1, 1.1, math.NaN()} {
			if _, err := d.Allocate(infos, s); !errors.Is(err, tensor.ErrRange) {
				t.Errorf("Allocate(%v) gives the error %v, want one wrapping %q", s, err, tensor.ErrRange)
				return
			}
		}
	}
	if _, err := d.Allocate(nil, 0.5); !errors.Is(err, tensor.ErrEmpty) {
		t.Errorf("Allocate of no parameters gives the error %v, want one wrapping %q", err, tensor.ErrEmpty)
	}
}
