package causaltest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/causal/causaltest"
)

func TestPenaltiesOfCausal(t *testing.T) {
	for name, k := range map[string]causal.Kernel{"RBF": causal.RBF(1), "several": causal.RBF(0.5, 1, 2),
		"Laplace": causal.Laplace(1),
		"energy":  causal.Energy(), "IMQ": causal.IMQ(1), "linear": causal.Linear()} {
		t.Run(name, func(t *testing.T) {
			for _, o := range [][]causal.Option{nil, {causal.WithContrast(causal.Between)},
				{causal.WithContrast(causal.Delta)}} {
				m, err := causal.NewMMD[float64](append(o, causal.WithKernel(k))...)
				require.NoError(t, err)
				causaltest.CheckPenalty(t, m)
				causaltest.CheckPenalty(t, m, causaltest.WithShape(40, 1), causaltest.WithSeed(1))
			}
			for _, w := range []causal.ClassWeighting{causal.Prior, causal.Uniform, causal.Total} {
				m, err := causal.NewMMD[float64](causal.WithKernel(k), causal.WithConditional(w))
				require.NoError(t, err)
				causaltest.CheckPenalty(t, m)
			}
			u, err := causal.NewMMD[float64](causal.WithKernel(k), causal.WithEstimator(causal.UStatistic))
			require.NoError(t, err)
			opts := []causaltest.PenaltyOption{causaltest.WithSignedValue()}
			if name == "linear" { // with unequal weights the rows but one have not the mean of all
				opts = append(opts, causaltest.WithOrigin())
			}
			causaltest.CheckPenalty(t, u, opts...)
			for _, aux := range []causal.Kernel{causal.RBF(1), causal.Laplace(1)} {
				h, err := causal.NewHSIC[float64](aux, causal.WithKernel(k))
				require.NoError(t, err)
				causaltest.CheckPenalty(t, h)
				causaltest.CheckPenalty(t, h, causaltest.WithAux())
				u, err := causal.NewHSIC[float64](aux, causal.WithKernel(k), causal.WithEstimator(causal.UStatistic))
				require.NoError(t, err)
				causaltest.CheckPenalty(t, u, causaltest.WithSignedValue(), causaltest.WithoutWeights())
			}
		})
	}
	m, err := causal.NewMMD[float64](causal.WithKernel(causal.Poly(2, 1)))
	require.NoError(t, err)
	causaltest.CheckPenalty(t, m, causaltest.WithOrigin())
	causaltest.CheckPenalty(t, causal.IRMv1[float64]{}, causaltest.WithOrigin(), causaltest.WithShape(24, 1))
	causaltest.CheckPenalty(t, causal.IRMv1[float64]{}, causaltest.WithOrigin(), causaltest.WithShape(24, 3))
	causaltest.CheckPenalty(t, causal.CORAL[float64]{}, causaltest.WithoutWeights())
	causaltest.CheckPenalty(t, causal.CORAL[float64]{Convention: causal.DeepCORAL}, causaltest.WithoutWeights())
	f, err := causal.NewFourier[float64](3, 64, 1, 7)
	require.NoError(t, err)
	causaltest.CheckPenalty(t, f, causaltest.WithOrigin())
}

func TestRisksOfCausal(t *testing.T) {
	causaltest.CheckRisk(t, func() causal.Risk { return causal.Weighted{} }, false)
	causaltest.CheckRisk(t, func() causal.Risk { return causal.VREx{Lambda: 2} }, false)
	causaltest.CheckRisk(t, func() causal.Risk { return causal.VREx{Lambda: 2, ByCell: true} }, false)
	causaltest.CheckRisk(t, func() causal.Risk { return causal.CVaR{Alpha: 0.3} }, false)
	causaltest.CheckRisk(t, func() causal.Risk {
		g, err := causal.NewGroupDRO(map[causal.Cell]int{{Y: 0, V: 0}: 1, {Y: 0, V: 1}: 2, {Y: 1, V: 0}: 3, {Y: 1, V: 1}: 4})
		require.NoError(t, err)
		return g
	}, true)
}

func TestKernelOfOnesOwn(t *testing.T) {
	causaltest.CheckKernel(t, "Cauchy", func(k, dk, d2 []float64) {
		for i, x := range d2 {
			k[i], dk[i] = -x/(1+x), -1/((1+x)*(1+x))
		}
	})
	causaltest.CheckKernel(t, "Gauss", func(k, dk, d2 []float64) {
		for i, x := range d2 {
			k[i], dk[i] = math.Expm1(-x), -math.Exp(-x)
		}
	})
}
