package ttatest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/ttatest"
)

func outputs(t testing.TB, views, classes int) *tta.Outputs {
	rng := tensor.Stream(4)
	const n = 120
	data, labels := make([]float32, n*views*classes), make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(max(classes, 2))
		for a := range views {
			for c := range classes {
				v := float32(rng.NormFloat64())
				if classes == 1 {
					v += float32(2*labels[i] - 1)
				} else if c == labels[i] {
					v += 2
				}
				data[(i*views+a)*classes+c] = v
			}
		}
	}
	o, err := tta.NewOutputs(views, classes, data, tta.WithLabels(labels), tta.WithIdentity(0))
	require.NoError(t, err)
	return o
}

func TestAggregatorsOfTta(t *testing.T) {
	for _, s := range [][2]int{{1, 2}, {5, 3}, {4, 1}, {7, 10}} {
		rules := []tta.Rule{tta.Trimmed(.2), tta.Sharpened(.5), tta.EntropyWeighted(), tta.Single(0), tta.Blend(0, .4)}
		for _, r := range tta.Rules() {
			rules = append(rules, r)
		}
		for _, r := range rules {
			f, err := tta.NewFixed(r, s[0], s[1])
			require.NoError(t, err)
			ttatest.CheckAggregator(t, f)
		}
		o := outputs(t, s[0], s[1])
		aug, _, err := tta.FitAugTTA(o)
		require.NoError(t, err)
		class, _, err := tta.FitClassTTA(o)
		require.NoError(t, err)
		mixture, _, err := tta.FitMixture(o)
		require.NoError(t, err)
		gps, _, err := tta.FitGPS(t.Context(), o, 2)
		require.NoError(t, err)
		best, _, err := tta.FitBest(t.Context(), o)
		require.NoError(t, err)
		scaled, _, err := tta.FitTemperature(o, mixture)
		require.NoError(t, err)
		for _, a := range []tta.Aggregator{aug, class, mixture, gps, best, scaled} {
			ttatest.CheckAggregator(t, a)
		}
	}
}

// broken goes wrong in one way.
type broken struct {
	tta.Aggregator
	how string
}

func (b broken) Shape() tta.Shape {
	s := b.Aggregator.Shape()
	if b.how == "invariance" {
		s.Invariance = tta.PerView
	}
	return s
}

func (b broken) Aggregate(dst, views []float32) {
	switch b.how {
	case "lengths":
		if len(dst) != 3 || len(views) != 15 {
			return
		}
	case "allocates":
		views = append([]float32(nil), views...)
	case "modifies":
		b.Aggregator.Aggregate(dst, views)
		views[0]++
		return
	case "writes":
		b.Aggregator.Aggregate(append([]float32(nil), dst...), views)
		return
	}
	b.Aggregator.Aggregate(dst, views)
}

func TestCheckAggregatorFinds(t *testing.T) {
	for how, want := range map[string]string{"lengths": "want a panic", "modifies": "were modified",
		"writes":     "not finite",
		"invariance": "declared invariance", "allocates": "allocates"} {
		f, err := tta.NewFixed(tta.MostConfident(), 5, 3)
		require.NoError(t, err)
		b := broken{f, how}
		got := recorder.Failures(t, func(tb testing.TB) { ttatest.CheckAggregator(tb, b) })
		if how == "allocates" && got == "" { // not counted under the race detector
			continue
		}
		assert.Contains(t, got, want, how)
	}
}

func input(seed uint64) []int { return []int{int(seed), 2, 3} }

func TestCheckTransformFinds(t *testing.T) {
	calls := 0
	for want, tr := range map[string]tta.Transform[[]int]{
		"Name is empty": tta.Func("", func(x []int) ([]int, error) { return x, nil }),
		"was modified":  tta.Func("x", func(x []int) ([]int, error) { x[0]++; return x, nil }),
		"and then":      tta.Func("x", func(x []int) ([]int, error) { calls++; return []int{calls}, nil }),
	} {
		got := recorder.Failures(t, func(tb testing.TB) { ttatest.CheckTransform(tb, tr, input) })
		assert.Contains(t, got, want)
	}
	ttatest.CheckTransform(t, tta.RandomFunc("noise", func(x []int, rng *rand.Rand) ([]int, error) {
		return []int{x[0] + rng.IntN(9)}, nil
	}), input)
}

func TestCheckInverseFinds(t *testing.T) {
	tr := tta.Func("add", func(x []int) ([]int, error) { return []int{x[0] + 1}, nil })
	difference := func(a, b []int) float64 { return float64(a[0] - b[0]) }
	ttatest.CheckInverse(t, tr, func(y, _ []int) ([]int, error) { return []int{y[0] - 1}, nil }, input, difference, 0)
	got := recorder.Failures(t, func(tb testing.TB) {
		ttatest.CheckInverse(tb, tr, func(y, _ []int) ([]int, error) { return y, nil }, input, difference, 0)
	})
	assert.Contains(t, got, "comes back at a distance of 1")
}
