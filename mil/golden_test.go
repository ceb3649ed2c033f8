package mil_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// goldenCase is a case of the files in testdata, which torch made in float64.
type goldenCase struct {
	Op       string
	Params   map[string]any
	Domain   string
	Offsets  []int
	Critical []int
	Tensors  []golden.Tensor
}

type goldenFile struct{ Cases []goldenCase }

func (c goldenCase) tensor(t *testing.T, name string) golden.Tensor {
	t.Helper()
	for _, x := range c.Tensors {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no tensor %q", name)
	return golden.Tensor{}
}

func (c goldenCase) data(t *testing.T, name string) []float64 { return c.tensor(t, name).Data }

// matrix is a tensor with its first axis as rows.
func (c goldenCase) matrix(t *testing.T, name string) tensor.Matrix[float64] {
	t.Helper()
	x := c.tensor(t, name)
	return tensor.Of(x.Shape[0], len(x.Data)/x.Shape[0], x.Data)
}

func (c goldenCase) number(name string) float64 {
	v, _ := c.Params[name].(float64)
	return v
}

func (c goldenCase) bags(t *testing.T) mil.Bags[float64] {
	t.Helper()
	b, err := mil.New(c.matrix(t, "x"), c.Offsets)
	require.NoError(t, err)
	return b
}

func readGolden(t *testing.T, name string) []goldenCase {
	t.Helper()
	var f goldenFile
	golden.JSON(t, "testdata/"+name+".json.gz", &f)
	require.NotEmpty(t, f.Cases)
	return f.Cases
}

func (c goldenCase) rule(t *testing.T) mil.Rule {
	t.Helper()
	n := c.number
	rules := map[string]mil.Rule{"max": mil.Max(), "min": mil.Min(), "mean": mil.Mean(), "sum": mil.Sum(),
		"lse": mil.LogSumExp(n("r")), "lse_sum": mil.LogSumExpSum(n("r")), "topk": mil.TopK(int(n("k"))),
		"topfrac": mil.TopFraction(n("frac")), "percentile_mean": mil.PercentileMean(n("q")),
		"percentile_mean_paper": mil.PercentileSum(n("q")), "pnorm": mil.PNorm(n("p"), n("c")),
		"autopool": mil.AutoPool(n("alpha")), "quantile": mil.Quantile(n("q")), "noisy_or_logit": mil.NoisyOrLogit(),
		"gem": mil.GeneralizedMean(n("p")), "noisy_or": mil.NoisyOr(), "isr": mil.ISR(),
		"noisy_and": mil.NoisyAnd(n("a"), n("b")), "linear_softmax": mil.LinearSoftmax(), "exp_softmax": mil.ExpSoftmax()}
	r, ok := rules[c.Op]
	require.True(t, ok, c.Op)
	return r
}

const rtol, atol = 1e-11, 1e-12

func TestRulesAgainstTorch(t *testing.T) {
	for k, c := range readGolden(t, "pooling") {
		t.Run(fmt.Sprint(k, " ", c.Op), func(t *testing.T) {
			p, err := mil.NewPool[float64](c.rule(t))
			require.NoError(t, err)
			b, want := c.bags(t), c.matrix(t, "y")
			y, dx := tensor.NewMatrix[float64](want.Rows, want.Cols), tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
			var tape mil.Tape[float64]
			require.NoError(t, p.Forward(y, b, &tape))
			golden.Close(t, "y", y.Data, want.Data, rtol, atol)
			require.NoError(t, p.Backward(dx, c.matrix(t, "dy"), &tape))
			golden.Close(t, "dx", dx.Data, c.data(t, "dx"), rtol, atol)
		})
	}
}

// pass runs a pooler forward and backward and compares with y and dx.
func (c goldenCase) pass(t *testing.T, p mil.Weigher[float64], dy tensor.Matrix[float64]) (y, w []float64) {
	t.Helper()
	b := c.bags(t)
	out, err := p.OutDim(b.X.Cols)
	require.NoError(t, err)
	m, dx := tensor.NewMatrix[float64](b.Len(), out), tensor.NewMatrix[float64](b.X.Rows, b.X.Cols)
	a := tensor.NewMatrix[float64](b.X.Rows, p.WeightDim(b.X.Cols))
	var tape mil.Tape[float64]
	for range 2 { // memory is used again
		for _, q := range p.Params() {
			clear(q.Grad)
		}
		require.NoError(t, p.Forward(m, b, &tape))
		require.NoError(t, p.Weights(a, &tape))
		require.NoError(t, p.Backward(dx, dy, &tape))
	}
	golden.Close(t, "dx", dx.Data, c.data(t, "dx"), rtol, atol)
	return m.Data, a.Data
}

// set copies parameters from the file.
func (c goldenCase) set(t *testing.T, params map[string]*tensor.Param[float64]) {
	t.Helper()
	for name, p := range params {
		require.Equal(t, c.tensor(t, name).Shape, p.Shape, name)
		copy(p.Data, c.data(t, name))
	}
}

func (c goldenCase) gradients(t *testing.T, params map[string]*tensor.Param[float64]) {
	t.Helper()
	for name, p := range params {
		golden.Close(t, "d"+name, p.Grad, c.data(t, "d"+name), rtol, atol)
	}
}

func (c goldenCase) int(name string) int { return int(c.number(name)) }

func TestAttentionAgainstTorch(t *testing.T) {
	for k, c := range readGolden(t, "attention") {
		t.Run(fmt.Sprint(k, " ", c.Op), func(t *testing.T) {
			opts := []mil.AttentionOption{mil.WithHeads(c.int("heads")), mil.WithTemperature(c.number("temperature"))}
			if c.Op == "gated_attention" {
				opts = append(opts, mil.WithGate())
			}
			p, err := mil.NewAttention[float64](c.tensor(t, "x").Shape[1], c.int("hidden"), opts...)
			require.NoError(t, err)
			params := map[string]*tensor.Param[float64]{"V": p.V, "bV": p.BV, "w": p.W}
			if p.U != nil {
				params["U"], params["bU"] = p.U, p.BU
			}
			c.set(t, params)
			dy := c.tensor(t, "dy")
			y, a := c.pass(t, p, tensor.Of(dy.Shape[0], dy.Shape[1]*dy.Shape[2], dy.Data))
			golden.Close(t, "y", y, c.data(t, "y"), rtol, atol)
			golden.Close(t, "a", a, c.data(t, "a"), rtol, atol)
			c.gradients(t, params)
		})
	}
}

func TestDSMILAgainstTorch(t *testing.T) {
	for k, c := range readGolden(t, "dsmil") {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			var opts []mil.DSMILOption
			nonlinear, _ := c.Params["nonlinear_q"].(bool)
			if nonlinear {
				opts = append(opts, mil.WithNonlinearQuery())
			}
			p, err := mil.NewDSMIL[float64](c.tensor(t, "x").Shape[1], c.int("dim_q"), opts...)
			require.NoError(t, err)
			params := map[string]*tensor.Param[float64]{"wi": p.WI, "bi": p.BI, "wb": p.WB, "bb": p.BB, "q1": p.Q1, "bq1": p.B1}
			if nonlinear {
				params["q2"], params["bq2"] = p.Q2, p.B2
			}
			c.set(t, params)
			labels, logits := c.data(t, "labels"), [2][]float64{c.data(t, "max_logit"), c.data(t, "bag_logit")}
			dy := tensor.NewMatrix[float64](len(labels), 2)
			for i, l := range labels {
				for j := range 2 {
					v := []float64{logits[j][i]}
					tensor.Sigmoid(v, v)
					dy.Set(i, j, 0.5*(v[0]-l)/float64(len(labels)))
				}
			}
			y, a := c.pass(t, p, dy)
			for i := range labels {
				golden.Same(t, logits[0][i], y[2*i], rtol, "max logit")
				golden.Same(t, logits[1][i], y[2*i+1], rtol, "bag logit")
			}
			golden.Close(t, "a", a, c.data(t, "a"), rtol, atol)
			c.gradients(t, params)
		})
	}
}

func TestPMAAgainstTorch(t *testing.T) {
	for k, c := range readGolden(t, "pma") {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			p, err := mil.NewPMA[float64](c.tensor(t, "x").Shape[1], c.int("seeds"), c.int("heads"), c.int("dk"))
			require.NoError(t, err)
			params := map[string]*tensor.Param[float64]{"S": p.S, "Wk": p.WK, "Wv": p.WV}
			c.set(t, params)
			dy := c.tensor(t, "dy")
			y, _ := c.pass(t, p, tensor.Of(dy.Shape[0], dy.Shape[1]*dy.Shape[2], dy.Data))
			golden.Close(t, "y", y, c.data(t, "y"), rtol, atol)
			c.gradients(t, params)
		})
	}
}
