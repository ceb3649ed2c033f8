package miltest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/miltest"
	"github.com/espalier-ml/espalier/tensor"
)

func TestRules(t *testing.T) {
	probabilities := []mil.Rule{mil.NoisyOr(), mil.ISR(), mil.NoisyAnd(7.5, 0.3), mil.LinearSoftmax()}
	for _, r := range append(probabilities, mil.Max(), mil.Min(), mil.Mean(), mil.Sum(), mil.TopK(3), mil.TopFraction(0.2),
		mil.PercentileMean(80), mil.PercentileSum(80), mil.Quantile(0.5), mil.Quantile(0.8), mil.LogSumExp(1),
		mil.LogSumExp(-3), mil.LogSumExp(0.01), mil.LogSumExpSum(2), mil.AutoPool(1), mil.AutoPool(-0.7),
		mil.GeneralizedMean(3), mil.PNorm(2, 0.1), mil.PNorm(1, 0), mil.NoisyOrLogit()) {
		t.Run(r.String(), func(t *testing.T) {
			p, err := mil.NewPool[float64](r)
			require.NoError(t, err)
			single, err := mil.NewPool[float32](r)
			require.NoError(t, err)
			opts := []miltest.Option{miltest.WithSingle(single)}
			for _, q := range probabilities {
				if q == r {
					opts = append(opts, miltest.WithProbabilities())
				}
			}
			miltest.CheckPooler(t, p, opts...)
			switch r {
			case mil.Mean(), mil.TopFraction(0.2), mil.LogSumExp(1), mil.NoisyOr():
			default:
				return // one of each engine is enough
			}
			p, err = mil.NewPool[float64](r, mil.WithEmpty(-0.5))
			require.NoError(t, err)
			miltest.CheckPooler(t, p, append(opts, miltest.WithEmptyValue(-0.5), miltest.WithSeed(1), miltest.WithColumns(1))...)
		})
	}
}

func TestLearnableRules(t *testing.T) {
	for _, r := range []mil.Rule{mil.LogSumExp(1.5), mil.LogSumExp(0.02), mil.LogSumExpSum(2), mil.AutoPool(0.7),
		mil.GeneralizedMean(3), mil.PNorm(2.5, 0.1)} {
		p, err := mil.NewPool[float64](r, mil.WithLearnable())
		require.NoError(t, err)
		miltest.CheckPooler(t, p)
	}
}

func TestLearnedPoolers(t *testing.T) {
	for name, opts := range map[string][]mil.AttentionOption{"plain": nil, "gated": {mil.WithGate()},
		"heads": {mil.WithGate(), mil.WithHeads(3), mil.WithTemperature(0.5), mil.WithSeed(2)}} {
		t.Run(name, func(t *testing.T) {
			p, err := mil.NewAttention[float64](3, 5, opts...)
			require.NoError(t, err)
			single, err := mil.NewAttention[float32](3, 5, opts...)
			require.NoError(t, err)
			miltest.CheckPooler(t, p, miltest.WithSingle(single))
			if opts != nil {
				return
			}
			p, err = mil.NewAttention[float64](3, 5, append(opts, mil.WithEmpty(1))...)
			require.NoError(t, err)
			miltest.CheckPooler(t, p, miltest.WithEmptyValue(1))
		})
	}
	for _, opts := range [][]mil.DSMILOption{nil, {mil.WithNonlinearQuery(), mil.WithSeed(1)}} {
		p, err := mil.NewDSMIL[float64](3, 4, opts...)
		require.NoError(t, err)
		miltest.CheckPooler(t, p)
	}
	p, err := mil.NewPMA[float64](3, 2, 2, 3)
	require.NoError(t, err)
	miltest.CheckPooler(t, p)
}

func TestComposedPoolers(t *testing.T) {
	mean, err := mil.NewPool[float64](mil.Mean())
	require.NoError(t, err)
	attention, err := mil.NewAttention[float64](3, 4)
	require.NoError(t, err)
	s, err := mil.NewStack[float64](mean, attention)
	require.NoError(t, err)
	miltest.CheckPooler(t, s)
	f, err := mil.FromFunc(func(in int) int { return in },
		func(y []float64, bag tensor.Matrix[float64]) {
			clear(y)
			for i := range bag.Rows {
				for j, v := range bag.Row(i) {
					y[j] += v * v
				}
			}
		}, func(dx, bag tensor.Matrix[float64], _, dy []float64) {
			for i := range bag.Rows {
				for j, v := range bag.Row(i) {
					dx.Set(i, j, 2*v*dy[j])
				}
			}
		})
	require.NoError(t, err)
	miltest.CheckPooler(t, f)
}

// A pooling of sequences of one's own, whose order matters.
func ExampleCheckPooler() {
	last, err := mil.FromFunc(func(in int) int { return in },
		func(y []float64, bag tensor.Matrix[float64]) { copy(y, bag.Row(bag.Rows-1)) },
		func(dx, bag tensor.Matrix[float64], _, dy []float64) {
			for i := range bag.Rows {
				clear(dx.Row(i))
			}
			copy(dx.Row(bag.Rows-1), dy)
		})
	if err != nil {
		panic(err)
	}
	t := new(testing.T) // that of the test
	miltest.CheckPooler(t, last, miltest.WithOrder(), miltest.WithColumns(4))
	fmt.Println(t.Failed())
	// Output: false
}
