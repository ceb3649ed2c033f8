package causal

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func TestGoldenWeights(t *testing.T) {
	var file struct {
		Binary []struct {
			Y, V []int
			Ref  struct {
				Both, Bal []float64
			}
			Cells     map[string]int
			ESS       float64
			MaxWeight float64 `json:"max_weight"`
		}
		Multi []struct {
			Y, V        []int
			U           []float64
			ULaplace1   []float64 `json:"u_laplace1"`
			UCond       []float64 `json:"u_cond"`
			ESS         float64
			Information float64 `json:"mutual_information_nats"`
			CramersV    float64 `json:"cramers_v"`
		}
		Empty struct{ Y, V []int } `json:"empty_cell"`
	}
	golden.JSON(t, "testdata/weights.json.gz", &file)
	apply := func(y, v []int, opts ...WeightsOption) ([]float64, Overlap) {
		w, err := FitWeights(y, v, opts...)
		require.NoError(t, err)
		u, err := w.Apply(nil, y, v)
		require.NoError(t, err)
		return u, w.Overlap()
	}
	require.Len(t, file.Binary, 4)
	for _, c := range file.Binary {
		u, o := apply(c.Y, c.V)
		golden.Close(t, "u", u, c.Ref.Bal, 1e-12, 0)
		assert.InDelta(t, c.ESS, o.ESS, 1e-10)
		assert.InDelta(t, c.MaxWeight, o.MaxWeight, 1e-12)
		for _, cell := range o.Cells {
			assert.Equal(t, c.Cells[fmt.Sprintf("%d%d", cell.Y, cell.V)], cell.Rows)
		}
		u, _ = apply(c.Y, c.V, WithTarget(UniformGivenAux())) // 1/P(y|v) over the number of levels of y
		tensor.Scale(u, 2, u)
		golden.Close(t, "1/P(y|v)", u, c.Ref.Both, 1e-12, 0)
	}
	require.Len(t, file.Multi, 2)
	for _, c := range file.Multi {
		u, o := apply(c.Y, c.V)
		golden.Close(t, "u", u, c.U, 1e-12, 0)
		assert.InDelta(t, c.ESS, o.ESS, 1e-9)
		assert.InDelta(t, c.Information, o.MutualInformation, 1e-12)
		assert.InDelta(t, c.CramersV, o.CramersV, 1e-12)
		assert.InDelta(t, 0, o.WeightedCramersV, 1e-7)
		u, _ = apply(c.Y, c.V, WithSmoothing(1))
		golden.Close(t, "smoothed u", u, c.ULaplace1, 1e-12, 0)
		u, _ = apply(c.Y, c.V, WithTarget(UniformGivenAux()))
		tensor.Scale(u, c.UCond[0]/u[0], u)
		golden.Close(t, "1/P(y|v)", u, c.UCond, 1e-12, 0)
	}
	_, err := FitWeights(file.Empty.Y, file.Empty.V)
	assert.ErrorIs(t, err, ErrNoOverlap)
	assert.ErrorContains(t, err, "y=1 v=0")
}

func TestGoldenLosses(t *testing.T) {
	var file struct {
		BCE []struct {
			Y         []int
			Logits, W []float64
			PerSample []float64 `json:"per_sample"`
			Selfnorm  struct {
				Value float64
				Grad  []float64
			}
			ByRows struct {
				Value float64
				Grad  []float64
			} `json:"horvitz_thompson"`
		}
		SoftmaxCE []struct {
			Y         []int
			Logits    goldenMatrix
			W         []float64
			PerSample []float64 `json:"per_sample"`
			Selfnorm  goldenValue
		} `json:"softmax_ce"`
	}
	golden.JSON(t, "testdata/losses.json.gz", &file)
	require.Len(t, file.BCE, 2)
	byRows, err := NewWeighted(WithNormalizer(ByRows))
	require.NoError(t, err)
	for _, c := range file.BCE {
		n := len(c.Y)
		loss, grad, coef := make([]float64, n), make([]float64, n), make([]float64, n)
		require.NoError(t, BCE(loss, grad, c.Logits, c.Y))
		golden.Close(t, "losses", loss, c.PerSample, 1e-10, 1e-17)
		for _, form := range []struct {
			risk  Risk
			value float64
			grad  []float64
		}{{Weighted{}, c.Selfnorm.Value, c.Selfnorm.Grad}, {byRows, c.ByRows.Value, c.ByRows.Grad}} {
			value, err := form.risk.Combine(loss, Batch{W: c.W}, coef)
			require.NoError(t, err)
			assert.InDelta(t, form.value, value, 1e-12)
			tensor.Mul(coef, coef, grad)
			golden.Close(t, "gradient", coef, form.grad, 1e-9, 1e-17)
		}
	}
	for _, c := range file.SoftmaxCE {
		logits := c.Logits.matrix()
		o, err := NewObjective[float64](Weighted{}, nil, WithSoftmax())
		require.NoError(t, err)
		grad := tensor.NewMatrix[float64](logits.Rows, logits.Cols)
		got, err := o.Step(0, logits, tensor.Matrix[float64]{}, Batch{Y: c.Y, W: c.W}, grad, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InDelta(t, c.Selfnorm.Value, got.Loss, 1e-12)
		golden.Close(t, "softmax gradient", grad.Data, c.Selfnorm.Grad.Data, 1e-9, 1e-16)
		golden.Close(t, "softmax losses", o.loss, c.PerSample, 1e-12, 0)
	}
}

func TestGoldenRisks(t *testing.T) {
	type step struct {
		Loss float64
		Q    []float64
		Grad goldenMatrix
	}
	var file struct {
		GroupDRO struct {
			Counts []float64 `json:"group_counts"`
			Steps  []struct {
				Logits     goldenMatrix
				Y, G       []int
				Plain, Adj step
			}
		} `json:"groupdro"`
		VREx struct {
			PerSample []float64 `json:"per_sample"`
			G         []int
			Lam       float64
			Value     float64
			Grad      []float64 `json:"grad_wrt_per_sample"`
		} `json:"vrex"`
		IRM []struct {
			Logits goldenMatrix
			Y      []int
			Plain  goldenValue `json:"irmv1"`
			Split  goldenValue `json:"irmv1_domainbed_split"`
		}
		CORAL struct {
			Z goldenMatrix
			V []int
			goldenValue
		} `json:"coral_domainbed"`
	}
	golden.JSON(t, "testdata/group_robust.json.gz", &file)

	rows := map[Cell]int{}
	for g, n := range file.GroupDRO.Counts {
		rows[Cell{Y: g}] = int(n)
	}
	plain, err := NewGroupDRO(rows, WithStep(0.05))
	require.NoError(t, err)
	adjusted, err := NewGroupDRO(rows, WithStep(0.05), WithAdjustment(1))
	require.NoError(t, err)
	held, err := NewGroupDRO(rows, WithStep(0.05), WithHold())
	require.NoError(t, err)
	require.Len(t, file.GroupDRO.Steps, 4)
	for k, s := range file.GroupDRO.Steps {
		logits := s.Logits.matrix()
		n := logits.Rows
		loss, coef := make([]float64, n), make([]float64, n)
		grad := tensor.NewMatrix[float64](n, logits.Cols)
		require.NoError(t, SoftmaxCE(loss, grad, logits, s.Y))
		b := Batch{Y: s.G, V: make([]int, n)}
		copy(held.q, plain.q)
		for name, c := range map[string]struct {
			risk *GroupDRO
			want step
		}{"plain": {plain, s.Plain}, "adjusted": {adjusted, s.Adj}} {
			name = fmt.Sprintf("step %d %s", k, name)
			value, err := c.risk.Combine(loss, b, coef)
			require.NoError(t, err)
			assert.InEpsilon(t, c.want.Loss, value, 1e-5, name)
			golden.Close(t, name+" q", c.risk.q, c.want.Q, 1e-5, 0)
			own := tensor.NewMatrix[float64](n, logits.Cols)
			for i := range n {
				tensor.Scale(own.Row(i), coef[i], grad.Row(i))
			}
			golden.Close(t, name+" gradient", own.Data, c.want.Grad.Data, 1e-5, 1e-6)
		}
		_, err := held.Combine(loss, b, coef)
		require.NoError(t, err)
		t.Log(k, s.G, held.q, plain.q)
		if k == 2 { // group 2 is absent, and keeps its weight
			golden.Close(t, "held q", held.q, []float64{.221047, .231541, .260113, .287299}, 0, 1e-6)
		}
	}

	coef := make([]float64, len(file.VREx.G))
	value, err := VREx{Lambda: file.VREx.Lam}.Combine(file.VREx.PerSample, Batch{V: file.VREx.G}, coef)
	require.NoError(t, err)
	assert.InDelta(t, file.VREx.Value, value, 1e-12)
	golden.Close(t, "V-REx", coef, file.VREx.Grad, 1e-9, 1e-15)

	require.Len(t, file.IRM, 2)
	for _, c := range file.IRM {
		b := Batch{Y: c.Y, V: make([]int, len(c.Y))}
		c.Plain.check(t, "IRMv1", IRMv1[float64]{}, c.Logits.matrix(), b)
		c.Split.check(t, "split IRMv1", IRMv1[float64]{Split: true}, c.Logits.matrix(), b)
	}
	file.CORAL.check(t, "CORAL", CORAL[float64]{}, file.CORAL.Z.matrix(), Batch{V: file.CORAL.V})
}

func TestGoldenFourierAndScalars(t *testing.T) {
	type vector struct {
		Value float64
		Grad  []float64
	}
	var file struct {
		RFF struct {
			Z        goldenMatrix
			V        []int
			W        []float64
			Omega    goldenMatrix
			B        []float64
			Features goldenMatrix
			goldenValue
		} `json:"rff"`
		OneDim struct {
			X, A            []float64
			Ell             float64
			Laplace, Energy vector
		} `json:"one_dim"`
	}
	golden.JSON(t, "testdata/misc.json.gz", &file)
	r := file.RFF
	f, err := NewFourierOf(r.Omega.matrix(), r.B)
	require.NoError(t, err)
	z := r.Z.matrix()
	features := tensor.NewMatrix[float64](z.Rows, len(r.B))
	f.Features(features, z)
	golden.Close(t, "features", features.Data, r.Features.Data, 1e-10, 1e-12)
	r.check(t, "features", f, z, Batch{V: r.V, W: r.W})

	// The coefficients are those of two groups: their signs, and their sizes as weights.
	o := file.OneDim
	x := tensor.Of(len(o.X), 1, o.X)
	b := Batch{V: make([]int, len(o.X)), W: make([]float64, len(o.X))}
	for i, a := range o.A {
		b.W[i] = math.Abs(a)
		if a > 0 {
			b.V[i] = 1
		}
	}
	for name, c := range map[string]struct {
		kernel Kernel
		want   vector
	}{"Laplace": {Laplace(o.Ell), o.Laplace}, "energy": {Energy(), o.Energy}} {
		want := goldenValue{c.want.Value, goldenMatrix{Data: c.want.Grad}}
		want.check(t, name, mmd(t, WithKernel(c.kernel)), x, b)
	}
}

func TestGoldenTraining(t *testing.T) {
	var file struct {
		X           goldenMatrix
		Y, V        []int
		U           []float64
		Alpha       float64
		Sigma       float64
		LR          float64 `json:"lr"`
		Steps       int
		Init, Final struct {
			W1, B1, W2 goldenMatrix
			B2         float64
		}
		Trace []struct {
			PredLoss float64 `json:"pred_loss"`
			MMD2     float64 `json:"mmd2"`
			Loss     float64
			GradNorm float64 `json:"grad_norm"`
		}
	}
	golden.JSON(t, "testdata/train_trace.json.gz", &file)
	x := file.X.matrix()
	w1, b1, w2, b2 := file.Init.W1.matrix(), file.Init.B1.Data, file.Init.W2.Data, []float64{file.Init.B2}
	n, h := x.Rows, w1.Cols
	w, err := FitWeights(file.Y, file.V)
	require.NoError(t, err)
	risk, err := NewWeighted(WithTable(w))
	require.NoError(t, err)
	objective, err := NewObjective(risk, []Term[float64]{{Penalty: mmd(t, WithKernel(RBF(file.Sigma)), WithWeights(w)),
		Alpha: file.Alpha}})
	require.NoError(t, err)
	z, logits := tensor.NewMatrix[float64](n, h), tensor.NewMatrix[float64](n, 1)
	dz, dlogits := tensor.NewMatrix[float64](n, h), tensor.NewMatrix[float64](n, 1)
	dw1, db1, dw2 := tensor.NewMatrix[float64](x.Cols, h), make([]float64, h), make([]float64, h)
	require.Equal(t, 50, file.Steps)
	for step := range file.Steps {
		tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, x, w1, 0, z, b1, tensor.TanhActivation)
		tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, z, tensor.Of(h, 1, w2), 0, logits, b2, tensor.Identity)
		got, err := objective.Step(float64(step), logits, z, Batch{Y: file.Y, V: file.V}, dlogits, dz)
		require.NoError(t, err)
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, dlogits, tensor.Of(h, 1, w2), 1, dz)
		tensor.Gemv(tensor.Trans, 1, z, dlogits.Data, 0, dw2)
		db2 := tensor.Sum(dlogits.Data)
		for i, v := range z.Data {
			dz.Data[i] *= 1 - v*v
		}
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, x, dz, 0, dw1)
		clear(db1)
		tensor.AddColumnSums(db1, dz)
		norm := math.Sqrt(tensor.Dot(dw1.Data, dw1.Data) + tensor.Dot(db1, db1) + tensor.Dot(dw2, dw2) + db2*db2)
		want := file.Trace[step]
		golden.Close(t, fmt.Sprint("step ", step), []float64{got.Risk, got.Terms[0].Value, got.Loss, norm},
			[]float64{want.PredLoss, want.MMD2, want.Loss, want.GradNorm}, 1e-9, 0)
		tensor.Axpy(w1.Data, -file.LR, dw1.Data)
		tensor.Axpy(b1, -file.LR, db1)
		tensor.Axpy(w2, -file.LR, dw2)
		b2[0] -= file.LR * db2
	}
	golden.Close(t, "W1", w1.Data, file.Final.W1.Data, 1e-9, 1e-10)
	golden.Close(t, "b1", b1, file.Final.B1.Data, 1e-9, 1e-10)
	golden.Close(t, "w2", w2, file.Final.W2.Data, 1e-9, 1e-10)
	golden.Close(t, "b2", b2, []float64{file.Final.B2}, 1e-9, 1e-10)
}
