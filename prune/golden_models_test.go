package prune_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// model builds the network that the reference pruned, as torchModel: its weights in the layout of tensor/nn.
func (g *shrinkBench) model(t testing.TB) torchModel {
	rng := tensor.Stream(1)
	var layers []nn.Layer[float64]
	var flat []int
	for _, l := range g.Layers {
		switch l.Type {
		case "Linear":
			layers = append(layers, nn.Must(nn.NewLinear[float64](l.In, l.Out, rng)))
		case "Conv2d":
			c := nn.Must(nn.NewConv2D[float64](tensor.Window{C: l.InChannels, KH: l.Kernel[0], KW: l.Kernel[1],
				StrideH: l.Stride[0], StrideW: l.Stride[1],
				PadH: l.Padding[0], PadW: l.Padding[1], DilationH: l.Dilation[0], DilationW: l.Dilation[1], Groups: l.Groups},
				l.OutChannels, rng))
			layers = append(layers, c)
		case "ReLU":
			layers = append(layers, nn.NewReLU[float64]())
		case "Flatten":
			flat = l.InputShape[1:]
			layers = append(layers, nn.NewFlatten[float64]())
		default:
			t.Fatal(l.Type)
		}
	}
	return torchModel{nn.NewSequential(layers...), g.Params, flat}
}

// channelsLast is nhwc in float64.
func channelsLast(t golden.Tensor) tensor.Dense[float64] {
	if len(t.Shape) == 2 {
		return tensor.DenseOf(t.Data, t.Shape...)
	}
	n, c, pixels := t.Shape[0], t.Shape[1], t.Shape[2]*t.Shape[3]
	d := tensor.NewDense[float64](n, t.Shape[2], t.Shape[3], c)
	for i := range n {
		oihwImage(d.Data[i*c*pixels:(i+1)*c*pixels], t.Data[i*c*pixels:(i+1)*c*pixels], c, pixels)
	}
	return d
}

// What the reference's pruned networks answer, ours answer with masks of our layout. The third network is left out: its
// answers depend on how often the reference ran it in training mode before, which moves the statistics of its norms
// (B7).
func TestGoldenOutputs(t *testing.T) {
	tested := 0
	for _, net := range []string{"mlp", "cnn"} {
		var g struct {
			shrinkBench
			Inputs golden.Tensor
			Cases  []struct {
				Masks  map[string]string
				Output *golden.Tensor `json:"eval_output"`
			}
		}
		golden.JSON(t, "testdata/shrinkbench_masks_"+net+".json.gz", &g)
		x := channelsLast(g.Inputs)
		for _, c := range g.Cases {
			if c.Output == nil {
				continue
			}
			m := g.model(t)
			m.load()
			masks := new(prune.Masks)
			for i, p := range m.torch {
				if bits, masked := c.Masks[p.Name]; masked {
					kept := make([]float64, len(bits))
					for j := range bits {
						kept[j] = float64(bits[j] - '0')
					}
					mask := prune.NewMask(len(bits))
					for j, v := range m.translate(i, kept, true) {
						mask.Set(j, v == 1)
					}
					require.NoError(t, masks.Add(m.Params()[i].Name, mask))
				}
			}
			require.NoError(t, prune.ApplyMasks(masks, m.Params()))
			golden.Close(t, net, m.Forward(x, false).Data, c.Output.Data, 0, 1e-5)
			tested++
		}
	}
	require.Equal(t, 24, tested)
}

// The reference's masked convolution: masked weights make its output and input gradient, masked gradients its own.
func TestGoldenMaskedConv(t *testing.T) {
	var g struct {
		Conv struct {
			Weight, Bias    golden.Tensor
			WeightMask      string `json:"weight_mask"`
			BiasMask        string `json:"bias_mask"`
			Stride, Padding []int
			Groups          int
			X, Y, DY, DX    golden.Tensor
			DW              golden.Tensor `json:"dweight"`
			DB              golden.Tensor `json:"dbias"`
		} `json:"masked_conv2d"`
	}
	golden.JSON(t, "testdata/masked_training.json.gz", &g)
	c := g.Conv
	conv := nn.Must(nn.NewConv2D[float64](tensor.Window{C: 4, KH: 3, KW: 3, StrideH: c.Stride[0], StrideW: c.Stride[1],
		PadH: c.Padding[0], PadW: c.Padding[1], Groups: c.Groups}, 6, tensor.Stream(1)))
	m := torchModel{nn.NewSequential[float64](conv), []golden.Tensor{c.Weight, c.Bias}, nil}
	m.load()
	p, err := prune.New(m.Params(), prune.WithBiases(), prune.WithSparsity(0.5))
	require.NoError(t, err)
	masks := new(prune.Masks)
	for i, text := range []string{c.WeightMask, c.BiasMask} {
		kept := make([]float64, len(text))
		for j := range text {
			kept[j] = float64(text[j] - '0')
		}
		mask := prune.NewMask(len(text))
		for j, v := range m.translate(i, kept, true) {
			mask.Set(j, v == 1)
		}
		require.NoError(t, masks.Add(m.Params()[i].Name, mask))
	}
	require.NoError(t, p.SetMasks(masks))
	y := m.Forward(channelsLast(c.X), true)
	golden.Close(t, "y", y.Data, channelsLast(c.Y).Data, 0, 1e-5)
	nn.ZeroGrad(m.Params())
	dx := m.Backward(channelsLast(c.DY))
	p.MaskGrads()
	golden.Close(t, "dx", dx.Data, channelsLast(c.DX).Data, 0, 1e-5)
	golden.Close(t, "dw", m.translate(0, conv.Weight.Grad, false), c.DW.Data, 0, 1e-5)
	golden.Close(t, "db", conv.Bias.Grad, c.DB.Data, 0, 1e-5)
}
