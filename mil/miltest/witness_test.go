package miltest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/miltest"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// logistic is the weights of a logistic regression of instances on the labels of their bags, by Newton's method.
func logistic(x tensor.Matrix[float64], labels []bool) [3]float64 {
	var w [3]float64
	for range 8 {
		var g [3]float64
		var h [3][3]float64
		for i, y := range labels {
			f := [3]float64{x.At(i, 0), x.At(i, 1), 1}
			p := 1 / (1 + math.Exp(-(w[0]*f[0] + w[1]*f[1] + w[2])))
			residual := -p
			if y {
				residual = 1 - p
			}
			for a := range 3 {
				g[a] += residual * f[a]
				for b := range 3 {
					h[a][b] += p * (1 - p) * f[a] * f[b]
				}
			}
		}
		for k := range 3 { // Gauss and Jordan
			for i := range 3 {
				if i == k {
					continue
				}
				f := h[i][k] / h[k][k]
				for j := range 3 {
					h[i][j] -= f * h[k][j]
				}
				g[i] -= f * g[k]
			}
		}
		for k := range 3 {
			w[k] += g[k] / h[k][k]
		}
	}
	return w
}

func auc(t *testing.T, labels []bool, scores []float64) float64 {
	t.Helper()
	a, err := stats.AUC(labels, scores, nil)
	require.NoError(t, err)
	return a.Value
}

// witness is the AUC of instances, of their mean, their top fifth and their maximum, by a model of instances that
// inherit the labels of their bags, on average over seeds.
func witness(t *testing.T, w miltest.Witness, seeds int) (instance float64, bag map[mil.Rule]float64) {
	t.Helper()
	bag = map[mil.Rule]float64{}
	const pairs = 200
	for seed := range uint64(seeds) {
		train, labels := w.Bags(pairs, 2*seed)
		s, err := mil.NewSampler(labels, train.Offsets, mil.WithBagsPerBatch(2*pairs))
		require.NoError(t, err)
		var model [3]float64
		for batch := range s.Epoch(0) {
			var b mil.Bags[float64]
			require.NoError(t, mil.Gather(&b, train, batch))
			model = logistic(b.X, batch.InstanceLabels(labels))
		}
		test, labels := w.Bags(pairs, 2*seed+1)
		score := func(p []float64, x tensor.Matrix[float64]) error {
			tensor.Gemv(tensor.NoTrans, 1, x, model[:2], 0, p)
			return nil
		}
		p := make([]float64, test.X.Rows)
		require.NoError(t, score(p, test.X))
		inherited := make([]bool, 0, len(p))
		for i, l := range labels {
			for range test.Size(i) {
				inherited = append(inherited, l)
			}
		}
		instance += auc(t, inherited, p) / float64(seeds)
		for _, r := range []mil.Rule{mil.Mean(), mil.TopFraction(0.2), mil.Max()} {
			risks, err := mil.Risk(test, score, r)
			require.NoError(t, err)
			bag[r] += auc(t, labels, risks) / float64(seeds)
		}
	}
	return instance, bag
}

func TestWitnessRatesAgainstTheory(t *testing.T) {
	all := []miltest.Witness{{Positive: 0.2, Negative: 0.1, Size: 100}, {Positive: 0.3, Negative: 0.1, Size: 10},
		{Positive: 0.3, Negative: 0.1, Size: 50}, {Positive: 0.4, Negative: 0.1, Size: 20},
		{Positive: 0.6, Negative: 0.1, Size: 10}}
	if testing.Short() {
		all = all[1:2]
	}
	for _, w := range all {
		instance, bag := witness(t, w, 30)
		require.InDelta(t, w.InstanceAUC(), instance, 0.015, "%+v", w)
		require.InDelta(t, w.AUC(), bag[mil.Mean()], 0.015, "%+v", w)
		require.Less(t, bag[mil.Max()], bag[mil.Mean()]-0.02, "the maximum looks at one instance: %+v", w)
		t.Logf("%+v: instances %.3f (theory %.3f), mean %.3f (%.3f), top fifth %.3f, max %.3f", w, instance, w.InstanceAUC(),
			bag[mil.Mean()], w.AUC(), bag[mil.TopFraction(0.2)], bag[mil.Max()])
	}
}

func TestCheckAUC(t *testing.T) {
	miltest.CheckAUC(t, 0.80, 0.82, 100, 100, 0)
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { miltest.CheckAUC(tb, 0.6, 0.82, 100, 100, 0) }),
		"the AUC is 0.6000")
	miltest.CheckAUC(t, 0.6, 0.82, 100, 100, 0.2)
	require.NotEmpty(t, recorder.Failures(t, func(tb testing.TB) { miltest.CheckAUC(tb, math.NaN(), 0.8, 9, 9, 0) }))
}
