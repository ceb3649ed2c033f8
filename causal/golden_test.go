package causal

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

// goldenMatrix is how matrices stand in the golden files.
type goldenMatrix struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

func (m goldenMatrix) matrix() tensor.Matrix[float64] {
	cols := 1
	if len(m.Shape) > 1 {
		cols = m.Shape[1]
	}
	return tensor.Of(m.Shape[0], cols, m.Data)
}

type goldenValue struct {
	Value float64      `json:"value"`
	Grad  goldenMatrix `json:"grad"`
}

// check holds value and gradient of a penalty against the reference.
func (want goldenValue) check(t *testing.T, name string, p Penalty[float64], z tensor.Matrix[float64], b Batch) {
	t.Helper()
	grad := tensor.NewMatrix[float64](z.Rows, z.Cols)
	got, err := p.Eval(z, b, grad)
	require.NoError(t, err, name)
	require.Empty(t, got.Skipped, name)
	golden.Close(t, name+" value", []float64{got.Value}, []float64{want.Value}, 1e-10, 1e-14)
	// The reference adds terms of about 1 that cancel, which leaves it 2e-15 of rounding where the gradient vanishes.
	golden.Close(t, name+" gradient", grad.Data, want.Grad.Data, 0, 1e-9*largest(want.Grad.Data)+2e-15)
	alone, err := p.Eval(z, b, tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.Equal(t, got.Value, alone.Value, "%s: the value depends on whether a gradient is asked for", name)
}

func largest(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}

func mmd(t *testing.T, opts ...Option) *MMD[float64] {
	t.Helper()
	m, err := NewMMD[float64](opts...)
	require.NoError(t, err)
	return m
}

func TestGoldenMMD(t *testing.T) {
	var file struct {
		Cases []struct {
			Name     string       `json:"name"`
			Z        goldenMatrix `json:"z"`
			Y, V     []int
			W        []float64
			PerSigma []struct {
				Sigma      float64
				Unweighted goldenValue `json:"unweighted"`
				Weighted   goldenValue `json:"weighted"`
				U          goldenValue `json:"unbiased_unweighted"`
				UWeighted  goldenValue `json:"unbiased_weighted"`
			} `json:"per_sigma"`
			Multi      goldenValue            `json:"multi_sigma_1_4_16_weighted"`
			MedianD2   float64                `json:"median_sq_dist"`
			Median     float64                `json:"sigma_median_heuristic"`
			Kernels    map[string]goldenValue `json:"kernels_weighted"`
			MedianDist float64                `json:"sigma_median_dist"`
		}
		Edge []struct {
			Name  string
			Z     goldenMatrix
			V     []int
			W     []float64
			Sigma float64
			Value *float64
			Grad  goldenMatrix
		}
		Published []struct {
			Name        string
			Membership  []int     `json:"membership"`
			Predictions []float64 `json:"predictions"`
			W           []float64
			Transform   string
			Length      float64 `json:"kernel_length"`
			Expected    float64 `json:"expected_published"`
			Spec        float64 `json:"spec"`
		} `json:"mindiff_published"`
	}
	golden.JSON(t, "testdata/mmd.json.gz", &file)
	require.Len(t, file.Cases, 4)
	for _, c := range file.Cases {
		z := c.Z.matrix()
		plain, weighted := Batch{V: c.V}, Batch{V: c.V, W: c.W}
		for _, s := range c.PerSigma {
			k := WithKernel(RBF(s.Sigma))
			s.Unweighted.check(t, c.Name+" unweighted", mmd(t, k), z, plain)
			s.Weighted.check(t, c.Name+" weighted", mmd(t, k), z, weighted)
			u := WithEstimator(UStatistic)
			s.U.check(t, c.Name+" U", mmd(t, k, u), z, plain)
			s.UWeighted.check(t, c.Name+" weighted U", mmd(t, k, u), z, weighted)
		}
		c.Multi.check(t, c.Name+" multi", mmd(t, WithKernel(RBF(1, 4, 16))), z, weighted)
		for name, k := range map[string]Kernel{"laplace_l2_ell1": Laplace(1), "energy": Energy(), "linear": Linear(),
			"imq_c1": IMQ(1), "poly2_c1": Poly(2, 1)} {
			require.Contains(t, c.Kernels, name)
			c.Kernels[name].check(t, c.Name+" "+name, mmd(t, WithKernel(k)), z, weighted)
		}
		sigma, err := MedianSigma(z)
		require.NoError(t, err)
		assert.InDelta(t, c.Median, sigma, 1e-12)
		// A table of weights gives what weights by row give.
		table, err := FitWeights(c.Y, c.V)
		require.NoError(t, err)
		c.PerSigma[0].Weighted.check(t, c.Name+" table",
			mmd(t, WithKernel(RBF(c.PerSigma[0].Sigma)), WithWeights(table)), z, Batch{Y: c.Y, V: c.V})
	}
	for _, c := range file.Edge {
		got, err := mmd(t, WithKernel(RBF(c.Sigma))).Eval(c.Z.matrix(), Batch{V: c.V, W: c.W}, tensor.Matrix[float64]{})
		require.NoError(t, err)
		if c.Name == "empty_group" {
			assert.Equal(t, "all rows are of one group", got.Skipped)
			assert.Zero(t, got.Value)
			continue
		}
		require.NotNil(t, c.Value, c.Name)
		assert.InDelta(t, *c.Value, got.Value, 1e-10*max(1, math.Abs(*c.Value)), c.Name)
		if len(c.Grad.Data) > 0 {
			goldenValue{*c.Value, c.Grad}.check(t, c.Name, mmd(t, WithKernel(RBF(c.Sigma))), c.Z.matrix(), Batch{V: c.V, W: c.W})
		}
	}
	for _, c := range file.Published {
		z := tensor.NewMatrix[float64](len(c.Predictions), 1)
		copy(z.Data, c.Predictions)
		if c.Transform == "sigmoid" {
			tensor.Sigmoid(z.Data, z.Data)
		}
		got, err := mmd(t, WithKernel(RBFLength(c.Length))).Eval(z, Batch{V: c.Membership, W: c.W}, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InDelta(t, c.Spec, got.Value, 1e-9, c.Name)
		assert.InDelta(t, c.Expected, got.Value, 2e-6, c.Name)
	}
}

func TestGoldenIndependence(t *testing.T) {
	var file struct {
		Conditional []struct {
			Z                   goldenMatrix
			Y, V                []int
			W                   []float64
			Prior, Uniform, Sum goldenValue
		}
		Multilevel []struct {
			Z        goldenMatrix
			V        []int
			W        []float64
			Sigma    float64
			Delta    goldenValue `json:"hsic_delta"`
			Between  goldenValue `json:"between"`
			Pairwise goldenValue `json:"pairwise_mean"`
		}
		HSIC []struct {
			Z, V       goldenMatrix
			W          []float64
			SigmaZ     float64     `json:"sigma_z"`
			SigmaV     float64     `json:"sigma_v"`
			Unweighted goldenValue `json:"unweighted"`
			Weighted   goldenValue `json:"weighted"`
			Unbiased   float64     `json:"unbiased_song2007"`
			CKA        float64     `json:"nhsic_cka"`
		}
	}
	golden.JSON(t, "testdata/independence.json.gz", &file)
	require.NotEmpty(t, file.Conditional)
	for _, c := range file.Conditional {
		for w, want := range map[ClassWeighting]goldenValue{Prior: c.Prior, Uniform: c.Uniform, Total: c.Sum} {
			// The file does not name its bandwidth, which is 1.5.
			want.check(t, "conditional "+w.String(), mmd(t, WithKernel(RBF(1.5)), WithConditional(w)), c.Z.matrix(),
				Batch{Y: c.Y, V: c.V})
		}
	}
	require.NotEmpty(t, file.Multilevel)
	for _, c := range file.Multilevel {
		for k, want := range map[Contrast]goldenValue{Delta: c.Delta, Between: c.Between, PairwiseMean: c.Pairwise} {
			want.check(t, k.String(), mmd(t, WithKernel(RBF(c.Sigma)), WithContrast(k)), c.Z.matrix(), Batch{V: c.V, W: c.W})
		}
		h, err := NewHSIC[float64](MedianRBF(), WithKernel(RBF(c.Sigma)))
		require.NoError(t, err)
		c.Delta.check(t, "HSIC of labels", h, c.Z.matrix(), Batch{V: c.V, W: c.W})
	}
	require.Len(t, file.HSIC, 2)
	for _, c := range file.HSIC {
		h, err := NewHSIC[float64](RBF(c.SigmaV), WithKernel(RBF(c.SigmaZ)))
		require.NoError(t, err)
		z, b := c.Z.matrix(), Batch{Aux: c.V.matrix()}
		c.Unweighted.check(t, "HSIC", h, z, b)
		cka, err := h.CKA(z, b)
		require.NoError(t, err)
		assert.InDelta(t, c.CKA, cka.Value, 1e-10)
		b.W = c.W
		c.Weighted.check(t, "weighted HSIC", h, z, b)
		u, err := NewHSIC[float64](RBF(c.SigmaV), WithKernel(RBF(c.SigmaZ)), WithEstimator(UStatistic))
		require.NoError(t, err)
		got, err := u.Eval(z, Batch{Aux: c.V.matrix()}, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InDelta(t, c.Unbiased, got.Value, 1e-10)
	}
}
