package prune_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

type scoresFile struct {
	X            golden.Tensor
	Y            []int
	Params       []golden.Tensor
	Grads        []golden.Tensor
	SNIP         []golden.Tensor
	SynFlow      []golden.Tensor
	Taylor       []golden.Tensor `json:"taylor_w_times_g_abs"`
	Fisher       []golden.Tensor `json:"obd_fisher_saliency_half_w2_f"`
	Movement     []golden.Tensor `json:"movement_scores_3steps_lr0.05"`
	SynFlowMasks []struct {
		Density    float64
		Iterations int
		Masks      map[string]string
	} `json:"synflow_masks"`
}

// oihw turns a convolution's weight from [kh, kw, in, out] into torch's [out, in, kh, kw], or back.
func oihw(dst, src []float64, out, in, kh, kw int, back bool) {
	for o := range out {
		for i := range in {
			for k := range kh * kw {
				a, b := (o*in+i)*kh*kw+k, (k*in+i)*out+o
				if back {
					dst[b] = src[a]
				} else {
					dst[a] = src[b]
				}
			}
		}
	}
}

// torchModel is a tensor/nn model with torch's weights: its parameters' values, gradients and scores are translated.
type torchModel struct {
	*nn.Sequential[float64]
	torch []golden.Tensor
	flat  []int // channels, height, width of what the first linear layer sees
}

func (m torchModel) translate(i int, x []float64, back bool) []float64 {
	t, y := m.torch[i], make([]float64, len(x))
	switch {
	case len(t.Shape) == 4:
		oihw(y, x, t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3], back)
	// columns are [c, h, w] there and [h, w, c] here
	case len(t.Shape) == 2 && m.flat != nil && t.Shape[1] == m.flat[0]*m.flat[1]*m.flat[2]:
		n := len(x) / t.Shape[0]
		for o := range t.Shape[0] {
			for c := range m.flat[0] {
				for k := range m.flat[1] * m.flat[2] {
					a, b := o*n+c*m.flat[1]*m.flat[2]+k, o*n+k*m.flat[0]+c
					if back {
						y[b] = x[a]
					} else {
						y[a] = x[b]
					}
				}
			}
		}
	default:
		copy(y, x)
	}
	return y
}

func (m torchModel) load() {
	for i, p := range m.Params() {
		copy(p.Data, m.translate(i, m.torch[i].Data, true))
	}
}

func (m torchModel) grads(t testing.TB, x tensor.Dense[float64], y []int) {
	var loss nn.CrossEntropy[float64]
	_, g, err := loss.Eval(m.Forward(x, true), y)
	require.NoError(t, err)
	nn.ZeroGrad(m.Params())
	m.Backward(g)
}

func scoreModels(t *testing.T) map[string]func() (torchModel, scoresFile, tensor.Dense[float64]) {
	rng := tensor.Stream(1)
	return map[string]func() (torchModel, scoresFile, tensor.Dense[float64]){
		"mlp": func() (torchModel, scoresFile, tensor.Dense[float64]) {
			var g scoresFile
			golden.JSON(t, "testdata/scores_mlp.json.gz", &g)
			dims := []int{6, 8, 7, 3}
			var layers []nn.Layer[float64]
			for i := range 3 {
				l := nn.Must(nn.NewLinear[float64](dims[i], dims[i+1], rng))
				if i < 2 {
					l.Act = tensor.ReLUActivation
				}
				layers = append(layers, l)
			}
			return torchModel{nn.NewSequential(layers...), g.Params, nil}, g, tensor.DenseOf(g.X.Data, g.X.Shape...)
		},
		"conv": func() (torchModel, scoresFile, tensor.Dense[float64]) {
			var g scoresFile
			golden.JSON(t, "testdata/scores_conv.json.gz", &g)
			c1 := nn.Must(nn.NewConv2D[float64](tensor.Window{KH: 3, KW: 3, C: 2, PadH: 1, PadW: 1}, 4, rng))
			c2 := nn.Must(nn.NewConv2D[float64](tensor.Window{KH: 3, KW: 3, C: 4, StrideH: 2, StrideW: 2}, 3, rng))
			c1.Act, c2.Act = tensor.ReLUActivation, tensor.ReLUActivation
			n, c, h, w := g.X.Shape[0], g.X.Shape[1], g.X.Shape[2], g.X.Shape[3]
			x := tensor.NewDense[float64](n, h, w, c)
			for i := range n {
				oihwImage(x.Data[i*c*h*w:(i+1)*c*h*w], g.X.Data[i*c*h*w:(i+1)*c*h*w], c, h*w)
			}
			return torchModel{nn.NewSequential[float64](c1, c2, nn.NewFlatten[float64](),
				nn.Must(nn.NewLinear[float64](12, 3, rng))), g.Params, []int{3, 2, 2}}, g, x
		},
	}
}

func oihwImage(dst, src []float64, c, pixels int) {
	for j := range c {
		for k := range pixels {
			dst[k*c+j] = src[j*pixels+k]
		}
	}
}

// scoresOf runs a scorer on every parameter and returns the scores in torch's layout.
func scoresOf(t testing.TB, m torchModel, s prune.Scorer[float64]) [][]float64 {
	var all [][]float64
	for i, p := range m.Params() {
		dst := make([]float64, len(p.Data))
		require.NoError(t, s.Score(dst, &prune.Context[float64]{Param: p,
			Info: prune.Info{Name: p.Name, Shape: p.Shape, Size: len(p.Data)}}))
		all = append(all, m.translate(i, dst, false))
	}
	return all
}

// SNIP, Taylor, Fisher, movement and SynFlow on a perceptron and a convolutional network, against torch
// implementations.
func TestGoldenScores(t *testing.T) {
	for name, build := range scoreModels(t) {
		m, g, x := build()
		m.load()
		weights := m.Params()[:0:0]
		for _, p := range m.Params() {
			if len(p.Shape) > 1 {
				weights = append(weights, p)
			}
		}
		compare := func(what string, got [][]float64, want []golden.Tensor) {
			require.NotEmpty(t, want)
			k := 0
			for i, p := range m.torch {
				if k < len(want) && want[k].Name == p.Name {
					golden.Close(t, name+" "+what+" "+p.Name, got[i], want[k].Data, 1e-4, 1e-9)
					k++
				}
			}
			require.Equal(t, len(want), k, what)
		}
		m.grads(t, x, g.Y)
		compare("taylor", scoresOf(t, m, prune.Taylor[float64]()), g.Taylor)

		snip, err := prune.NewSNIP(m.Params())
		require.NoError(t, err)
		// The reference sums over weights alone.
		onWeights, err := prune.NewSNIP(weights)
		require.NoError(t, err)
		require.NoError(t, snip.Add())
		require.NoError(t, onWeights.Add())
		all := scoresOf(t, m, snip)
		for i, p := range m.Params() {
			if len(p.Shape) > 1 {
				dst := make([]float64, len(p.Data))
				require.NoError(t, onWeights.Score(dst, &prune.Context[float64]{Param: p}))
				all[i] = m.translate(i, dst, false)
			}
		}
		compare("snip", all, g.SNIP)

		fisher, err := prune.NewFisher(m.Params())
		require.NoError(t, err)
		size := len(x.Data) / x.Shape[0]
		for i, y := range g.Y {
			one := append([]int{1}, x.Shape[1:]...)
			m.grads(t, tensor.DenseOf(x.Data[i*size:(i+1)*size], one...), []int{y})
			require.NoError(t, fisher.Add())
		}
		compare("fisher", scoresOf(t, m, fisher), g.Fisher)

		ones := tensor.NewDense[float64](append([]int{1}, x.Shape[1:]...)...)
		for i := range ones.Data {
			ones.Data[i] = 1
		}
		flow, err := prune.NewSynFlow(m.Params(), func() error {
			out := m.Forward(ones, false)
			dy := tensor.NewDense[float64](out.Shape...)
			for i := range dy.Data {
				dy.Data[i] = 1
			}
			m.Backward(dy)
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, flow.Prepare(nil))
		compare("synflow", scoresOf(t, m, flow), g.SynFlow)
		for _, c := range g.SynFlowMasks {
			// The reference rounds the number pruned down in every round.
			n := 0
			for _, p := range weights {
				n += len(p.Data)
			}
			down := func(x, _ float64) float64 { return math.Floor((1-math.Pow(c.Density, x))*float64(n)) / float64(n) }
			rounds := prune.Iterative(0, 1, c.Iterations)
			rounds.Curve = prune.CurveFunc(down)
			masks, err := prune.ComputeMasks(m.Params(), prune.WithScorer[float64](flow), prune.WithScope(prune.Global),
				prune.WithSparsity(down(1, 0)), prune.WithSchedule(rounds))
			require.NoError(t, err)
			for i, p := range m.torch {
				if want, masked := c.Masks[p.Name]; masked {
					bits := make([]float64, len(p.Data))
					for j := range bits {
						if masks.Get(m.Params()[i].Name).Keep(j) {
							bits[j] = 1
						}
					}
					got := ""
					for _, b := range m.translate(i, bits, false) {
						got += string(rune('0' + int(b)))
					}
					require.Equal(t, want, got, "%s %s density %v in %d rounds", name, p.Name, c.Density, c.Iterations)
				}
			}
		}

		move, err := prune.NewMovement(m.Params())
		require.NoError(t, err)
		const rate = 0.05
		for range 3 {
			m.grads(t, x, g.Y)
			require.NoError(t, move.Add(1)) // the reference's scores have a rate of their own
			for _, p := range m.Params() {
				for i, d := range p.Grad {
					p.Data[i] -= rate * d
				}
			}
		}
		compare("movement", scoresOf(t, m, move), g.Movement)
	}
}

func TestGoldenLAMP(t *testing.T) {
	var g struct {
		Layers []struct{ Weight, Scores golden.Tensor }
		Masks  []struct {
			Density float64
			Masks   []string
			Kept    int
		} `json:"global_masks"`
	}
	golden.JSON(t, "testdata/lamp.json.gz", &g)
	var params []*tensor.Param[float32]
	for i, l := range g.Layers {
		p := param(string(rune('a'+i)), l.Weight.Shape, l.Weight.Data)
		params = append(params, p)
		dst := make([]float32, len(p.Data))
		require.NoError(t, prune.LAMP[float32]().Score(dst, &prune.Context[float32]{Param: p}))
		golden.Close(t, "lamp", dst, l.Scores.Data, 1e-5, 0)
		top := float32(0)
		for _, v := range dst {
			top = max(top, v)
		}
		require.Equal(t, float32(1), top)
	}
	for _, c := range g.Masks {
		size := 0
		for _, p := range params {
			size += len(p.Data)
		}
		m, err := prune.ComputeMasks(params, prune.WithScorer(prune.LAMP[float32]()), prune.WithScope(prune.Global),
			prune.WithNonzeros(c.Kept))
		require.NoError(t, err)
		require.InDelta(t, c.Density, float64(c.Kept)/float64(size), 0.02)
		for i, want := range c.Masks {
			require.Equal(t, want, m.Get(params[i].Name).String())
		}
	}
}

// Accuracy of a trained network after pruning without training, for every preset, for Wanda and for 2:4.
func TestGoldenDigits(t *testing.T) {
	var g struct {
		Preprocess struct {
			Mean, Std float64
		}
		Params []golden.Tensor
		Rows   []struct {
			Method      string
			Compression float64
			Sparsity    any
			SizeNZ      int     `json:"size_nz"`
			Nonzero     int     `json:"nonzero_hidden_weights"`
			Correct     int     `json:"test_correct"`
			Margin      float64 `json:"min_top1_margin"`
		}
	}
	golden.JSON(t, "testdata/digits_pretrained_mlp.json.gz", &g)
	set := digitsSet(t)
	rows := func(pick func(i int) bool) (x tensor.Dense[float32], y []int) {
		for i := range set.Len() {
			if pick(i) {
				for _, v := range set.X[64*i : 64*i+64] {
					x.Data = append(x.Data, float32((float64(v)/16-g.Preprocess.Mean)/g.Preprocess.Std))
				}
				y = append(y, set.Y[i])
			}
		}
		x.Shape = []int{len(y), 64}
		return x, y
	}
	trainX, trainY := rows(func(i int) bool { return i%5 < 3 })
	testX, testY := rows(func(i int) bool { return i%5 == 4 })
	require.Len(t, testY, 359)

	rng := tensor.Stream(1)
	dims := []int{64, 64, 32, 10}
	var layers []nn.Layer[float32]
	for i := range 3 {
		l := nn.Must(nn.NewLinear[float32](dims[i], dims[i+1], rng))
		layers = append(layers, l)
		if i < 2 {
			layers = append(layers, nn.NewReLU[float32]())
		}
	}
	model := nn.NewSequential(layers...)
	load := func() {
		for i, p := range model.Params() {
			require.Equal(t, g.Params[i].Name, p.Name)
			copy(p.Data, floats(g.Params[i].Data))
		}
	}
	load()
	batch := tensor.DenseOf(trainX.Data[:128*64], 128, 64)
	var loss nn.CrossEntropy[float32]
	_, dy, err := loss.Eval(model.Forward(batch, true), trainY[:128])
	require.NoError(t, err)
	nn.ZeroGrad(model.Params())
	model.Backward(dy)
	observe := func(x tensor.Dense[float32]) *prune.Activations[float32] {
		acts := new(prune.Activations[float32])
		for i, l := range model.Layers() {
			if p := l.Params(); len(p) > 0 {
				require.NoError(t, acts.Add(x, fmt.Sprintf("%d.%s", i, p[0].Name), fmt.Sprintf("%d.%s", i, p[1].Name)))
			}
			x = l.Forward(x, false)
		}
		return acts
	}
	hidden := prune.WithFixed("4.weight", "4.bias")
	tested := 0
	for _, r := range g.Rows {
		load()
		opts := []prune.MaskOption{hidden}
		switch r.Method {
		case "sparsegpt":
			continue
		case "GlobalMagAct", "LayerMagAct":
			opts = append(opts, prune.WithScorer(observe(batch).ShrinkBench()), prune.WithPreset("shrinkbench/"+r.Method),
				prune.WithCompression(r.Compression))
		case "magnitude_layerwise", "wanda":
			s, unstructured := r.Sparsity.(float64)
			switch {
			case !unstructured:
				opts = append(opts, prune.WithPattern(prune.NM(2, 4)))
			case r.Method == "wanda": // it rounds the number per row down
				opts = append(opts, prune.WithScope(prune.PerRow), prune.WithSparsity(math.Floor(64*s)/64))
			default:
				opts = append(opts, prune.WithSparsity(s))
			}
		default:
			opts = append(opts, prune.WithPreset("shrinkbench/"+r.Method), prune.WithCompression(r.Compression))
		}
		var masks *prune.Masks
		if r.Method == "wanda" { // layer by layer, each seeing the inputs that the pruned layers before it make
			masks = new(prune.Masks)
			for _, name := range []string{"0.weight", "2.weight"} {
				own := append(opts, prune.WithScorer(observe(trainX).Wanda()),
					prune.WithFilter(func(i prune.Info) bool { return i.Name == name }))
				m, err := prune.ComputeMasks(model.Params(), own...)
				require.NoError(t, err)
				require.NoError(t, prune.ApplyMasks(m, model.Params()))
				require.NoError(t, masks.Add(name, m.Get(name)))
			}
		} else {
			masks, err = prune.ComputeMasks(model.Params(), opts...)
			require.NoError(t, err, "%+v", r)
		}
		kept, of := masks.Count()
		if r.SizeNZ > 0 {
			require.Equal(t, r.SizeNZ, kept+6570-of, "%+v", r)
		} else {
			require.Equal(t, r.Nonzero, kept, "%+v", r)
		}
		require.NoError(t, prune.ApplyMasks(masks, model.Params()))
		logits := model.Forward(testX, false).Matrix(1)
		correct := 0
		for i, y := range testY {
			if tensor.ArgMax(logits.Row(i)) == y {
				correct++
			}
		}
		tolerance := 1.0
		if r.Margin > 1e-4 {
			tolerance = 0
		}
		require.InDelta(t, r.Correct, correct, tolerance, "%+v", r)
		tested++
	}
	require.Equal(t, 34, tested)
}
