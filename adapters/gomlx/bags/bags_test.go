package bags_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/bags"
	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// goldenCase is a case of the golden files of package mil.
type goldenCase struct {
	Op     string
	Params struct {
		Heads, Hidden     int
		Temperature, Frac float64
	}
	Offsets []int
	Tensors []golden.Tensor
}

func read(t *testing.T, name string) []goldenCase {
	t.Helper()
	var file struct{ Cases []goldenCase }
	golden.JSON(t, "../../../mil/testdata/"+name+".json.gz", &file)
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

func (c goldenCase) data(name string) []float64 {
	for _, x := range c.Tensors {
		if x.Name == name {
			return x.Data
		}
	}
	return nil
}

func (c goldenCase) tensor(name string) *tensors.Tensor {
	for _, x := range c.Tensors {
		if x.Name == name {
			return tensors.FromFlatDataAndDimensions(narrow(x.Data), x.Shape...)
		}
	}
	return nil
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

const rows, most = 32, 25

// inputs are the padded instances, with junk in the padding, and their places.
func (c goldenCase) inputs(t *testing.T) (x, place *tensors.Tensor, bagged mil.Bags[float32]) {
	t.Helper()
	last := c.Offsets[len(c.Offsets)-1]
	data := narrow(c.data("x"))
	bagged, err := mil.New(tensor.Of(last, len(data)/last, data), c.Offsets)
	require.NoError(t, err)
	x, place, err = bags.Pad(bagged, rows, most)
	require.NoError(t, err)
	require.NoError(t, tensors.MutableFlatData(x, func(flat []float32) {
		for i := range flat[len(data):] {
			flat[len(data)+i] = []float32{1e30, float32(math.NaN()), -1e30, float32(math.Inf(1))}[i%4]
		}
	}))
	return x, place, bagged
}

// same compares with the golden numbers; the gradient of padding is 0.
func same(t *testing.T, name string, got *tensors.Tensor, want []float64) {
	t.Helper()
	g := tensors.MustCopyFlatData[float32](got)
	require.GreaterOrEqual(t, len(g), len(want))
	golden.Close(t, name, g[:len(want)], want, 1e-6, 1e-6)
	assert.Equal(t, make([]float32, len(g)-len(want)), g[len(want):], "%s: padding", name)
}

func TestAttentionIsThatOfTheCore(t *testing.T) {
	b := gxtest.Backend(t)
	for k, c := range read(t, "attention") {
		name := fmt.Sprint(k, " ", c.Op)
		n := len(c.Offsets) - 1
		names := []string{"V", "V.bias", "w"}
		gold := map[string]string{"V": "V", "V.bias": "bV", "w": "w", "U": "U", "U.bias": "bU"}
		opts := []bags.AttentionOption{bags.WithHeads(c.Params.Heads), bags.WithTemperature(c.Params.Temperature)}
		if c.Op == "gated_attention" {
			names, opts = append(names, "U", "U.bias"), append(opts, bags.WithGate())
		}
		store := gxtest.Store(t)
		for _, name := range names {
			_, err := store.CreateVariable("/pool/"+name, c.tensor(gold[name]))
			require.NoError(t, err)
		}
		exec, err := model.NewExec(b, store, func(s *model.Scope, in []*graph.Node) []*graph.Node {
			y, a := bags.Attention(s.In("pool"), bags.Of(in[0], in[1], n, most), c.Params.Hidden, opts...)
			dy := graph.Reshape(in[2], y.Shape().Dimensions...)
			wrt := []*graph.Node{in[0]}
			for _, name := range names {
				wrt = append(wrt, s.Store().GetVariable("/pool/"+name).NodeValue(y.Graph()))
			}
			return append([]*graph.Node{y, a}, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), wrt...)...)
		})
		require.NoError(t, err)
		x, place, _ := c.inputs(t)
		out, err := exec.Call(x, place, c.tensor("dy"))
		require.NoError(t, err)
		same(t, name+" y", out[0], c.data("y"))
		same(t, name+" a", out[1], c.data("a"))
		same(t, name+" dx", out[2], c.data("dx"))
		for i, p := range names {
			same(t, name+" d"+p, out[3+i], c.data("d"+gold[p]))
		}
	}
}

func TestTopFractionIsThatOfTheCore(t *testing.T) {
	for k, c := range read(t, "pooling") {
		if c.Op != "topfrac" {
			continue
		}
		x, place, _ := c.inputs(t)
		out := pooled(t, len(c.Offsets)-1, c.Params.Frac, x, place, c.tensor("dy"))
		same(t, fmt.Sprint(k, " y"), out[0], c.data("y"))
		same(t, fmt.Sprint(k, " dx"), out[1], c.data("dx"))
	}
}

func pooled(t *testing.T, n int, f float64, x, place, dy *tensors.Tensor) []*tensors.Tensor {
	t.Helper()
	exec, err := graph.NewExec(gxtest.Backend(t), func(x, place, dy *graph.Node) []*graph.Node {
		y := bags.TopFraction(bags.Of(x, place, n, most), f)
		return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), x)[0]}
	})
	require.NoError(t, err)
	out, err := exec.Call(x, place, dy)
	require.NoError(t, err)
	return out
}

// Shares of whole numbers, ties and empty bags, against the core.
func TestTopFractionAtItsEdges(t *testing.T) {
	rng := tensor.Stream(4)
	for _, f := range []float64{.1, .2, .3, .56, .7, 1} { // .56*25 is more than 14 in float64
		c := mil.Bags[float32]{X: tensor.NewMatrix[float32](30, 2), Offsets: []int{0, 25, 25, 26, 30, 30}}
		for i := range c.X.Data {
			c.X.Data[i] = float32(rng.IntN(4))
		}
		x, place, err := bags.Pad(c, rows, most)
		require.NoError(t, err)
		dy := tensor.NewMatrix[float32](5, 2)
		for i := range dy.Data {
			dy.Data[i] = float32(rng.NormFloat64())
		}
		core, err := mil.NewPool[float32](mil.TopFraction(f), mil.WithEmpty(0))
		require.NoError(t, err)
		y, dx := tensor.NewMatrix[float32](5, 2), tensor.NewMatrix[float32](30, 2)
		var tape mil.Tape[float32]
		require.NoError(t, core.Forward(y, c, &tape))
		require.NoError(t, core.Backward(dx, dy, &tape))
		out := pooled(t, 5, f, x, place, tensors.FromFlatDataAndDimensions(dy.Data, 5, 2))
		golden.Close(t, "y", tensors.MustCopyFlatData[float32](out[0]), y.Data, 1e-6, 1e-6)
		golden.Close(t, "dx", tensors.MustCopyFlatData[float32](out[1])[:60], dx.Data, 1e-6, 1e-6)
	}
}

// Scores of 1000, 999, an empty bag and -5, with huge ones in padding.
func TestAttentionOfExtremeScores(t *testing.T) {
	b := gxtest.Backend(t)
	c, err := mil.New(tensor.Of(3, 1, []float32{1000, 999, -5}), []int{0, 2, 2, 3})
	require.NoError(t, err)
	x, place, err := bags.Pad(c, 4, 2)
	require.NoError(t, err)
	require.NoError(t, tensors.MutableFlatData(x, func(x []float32) { x[3] = 1e30 }))
	store := gxtest.Store(t)
	for name, v := range map[string]any{"V": [][]float32{{1e-3}}, "V.bias": []float32{0}, "w": [][]float32{{1e3}}} {
		_, err := store.CreateVariable("/"+name, tensors.MustFromAnyValue(v))
		require.NoError(t, err)
	}
	exec, err := model.NewExec(b, store, func(s *model.Scope, x, place *graph.Node) []*graph.Node {
		y, a := bags.Attention(s, bags.Of(x, place, 3, 2), 1)
		return []*graph.Node{y, a, graph.Gradient(graph.ReduceAllSum(y), x)[0]}
	})
	require.NoError(t, err)
	out, err := exec.Call(x, place)
	require.NoError(t, err)
	a := tensors.MustCopyFlatData[float32](out[1])
	e := math.Exp(1e3 * (math.Tanh(.999) - math.Tanh(1)))
	golden.Close(t, "a", a, []float64{1 / (1 + e), e / (1 + e), 1, 0}, 0, 1e-4)
	y := tensors.MustCopyFlatData[float32](out[0])
	assert.Zero(t, y[1], "an empty bag")
	for _, v := range append(y, tensors.MustCopyFlatData[float32](out[2])...) {
		assert.Zero(t, v-v, "a finite number")
	}
}

// Places that Pad did not make, too: an index beyond the end would end the program on this backend.
func TestPlacesOutOfRangeArePadding(t *testing.T) {
	place := tensors.FromFlatDataAndDimensions([]int32{0, 0, 7, 0, -1, 0, 0, 99, 1, -3}, 5, 2)
	x := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5}, 5, 1)
	dy := tensors.FromFlatDataAndDimensions([]float32{1, 1}, 2, 1)
	out := pooled(t, 2, 1, x, place, dy)
	assert.Equal(t, []float32{1, 0}, tensors.MustCopyFlatData[float32](out[0]))
	assert.Equal(t, []float32{1, 0, 0, 0, 0}, tensors.MustCopyFlatData[float32](out[1]))
}

func TestWhatIsRefused(t *testing.T) {
	b := gxtest.Backend(t)
	c, err := mil.New(tensor.Of(3, 1, []float32{1, 2, 3}), []int{0, 2, 3})
	require.NoError(t, err)
	_, _, err = bags.Pad(c, 2, 9)
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, _, err = bags.Pad(c, 3, 1)
	require.ErrorIs(t, err, tensor.ErrRange)
	assert.ErrorContains(t, err, "bag 0")
	_, _, err = bags.Pad(mil.Bags[float32]{X: c.X, Offsets: []int{0, 9}}, 9, 9)
	assert.Error(t, err, "offsets beyond the rows")
	n, err := bags.Bucket(30, 64, 32)
	assert.NoError(t, err)
	assert.Equal(t, 32, n)
	_, err = bags.Bucket(65, 64, 32)
	assert.ErrorIs(t, err, tensor.ErrRange)

	x, place := [][]float32{{1}, {2}}, [][]int32{{0, 0}, {0, 1}}
	fails := func(want error, f func(s *model.Scope, x, place *graph.Node) *graph.Node) {
		t.Helper()
		exec, err := model.NewExec(b, gxtest.Store(t), f)
		require.NoError(t, err)
		_, err = exec.Call(x, place)
		assert.ErrorIs(t, err, want)
	}
	fails(tensor.ErrShape, func(_ *model.Scope, x, place *graph.Node) *graph.Node {
		return bags.TopFraction(bags.Of(x, x, 1, 2), .5)
	})
	fails(tensor.ErrRange, func(_ *model.Scope, x, place *graph.Node) *graph.Node {
		return bags.TopFraction(bags.Of(x, place, 1, 0), .5)
	})
	fails(tensor.ErrRange, func(_ *model.Scope, x, place *graph.Node) *graph.Node {
		return bags.TopFraction(bags.Of(x, place, 1, 2), 0)
	})
	fails(tensor.ErrRange, func(s *model.Scope, x, place *graph.Node) *graph.Node {
		y, _ := bags.Attention(s, bags.Of(x, place, 1, 2), 0)
		return y
	})
	fails(tensor.ErrRange, func(s *model.Scope, x, place *graph.Node) *graph.Node {
		y, _ := bags.Attention(s, bags.Of(x, place, 1, 2), 3, bags.WithHeads(0), bags.WithTemperature(0))
		return y
	})
	assert.ErrorIs(t, gxtest.UnderSPMD(t, func(s *model.Scope, x, place *graph.Node) *graph.Node {
		return bags.TopFraction(bags.Of(x, place, 1, 2), .5)
	}, x, place), tensor.ErrConflict)
	assert.ErrorIs(t, gxtest.UnderSPMD(t, func(s *model.Scope, x, place *graph.Node) *graph.Node {
		y, _ := bags.Attention(s, bags.Of(x, place, 1, 2), 3)
		return y
	}, x, place), tensor.ErrConflict)
}
