package prune_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// perceptron is 3-4-4-2 with a function that runs it forth and back on ones.
func smallPerceptron() (*nn.Sequential[float32], func() error) {
	rng := tensor.Stream(5)
	l1, l2 := nn.Must(nn.NewLinear[float32](3, 4, rng)), nn.Must(nn.NewLinear[float32](4, 4, rng))
	l1.Act, l2.Act = tensor.ReLUActivation, tensor.ReLUActivation
	m := nn.NewSequential[float32](l1, l2, nn.Must(nn.NewLinear[float32](4, 2, rng)))
	ones := tensor.DenseOf([]float32{1, 1, 1}, 1, 3)
	return m, func() error {
		m.Forward(ones, false)
		m.Backward(tensor.DenseOf([]float32{1, 1}, 1, 2))
		return nil
	}
}

func TestEffectiveKept(t *testing.T) {
	m, backward := smallPerceptron()
	before := m.Params()[0].Data[0]
	kept := func(change func(masks *prune.Masks)) int {
		masks := new(prune.Masks)
		for _, p := range m.Params() {
			if len(p.Shape) == 2 {
				require.NoError(t, masks.Add(p.Name, prune.NewMask(len(p.Data))))
			}
		}
		change(masks)
		n, err := prune.EffectiveKept(m.Params(), masks, backward)
		require.NoError(t, err)
		return n
	}
	clear := func(masks *prune.Masks, name string, elements ...int) {
		for _, i := range elements {
			masks.Get(name).Set(i, false)
		}
	}
	all := 3*4 + 4 + 4*4 + 4 + 4*2 + 2
	require.Equal(t, all, kept(func(*prune.Masks) {}))
	require.Equal(t, before, m.Params()[0].Data[0], "values are restored")
	require.Equal(t, all-1, kept(func(masks *prune.Masks) { clear(masks, "0.weight", 0) }))
	// Neuron 2 of the first layer without outputs: its three inputs and its bias go too.
	require.Equal(t, all-4-3-1, kept(func(masks *prune.Masks) { clear(masks, "1.weight", 2, 6, 10, 14) }))
	// Neuron 1 of the second layer without inputs: its bias and its outputs are a constant.
	require.Equal(t, all-4-1-2, kept(func(masks *prune.Masks) { clear(masks, "1.weight", 4, 5, 6, 7) }))
	// A layer without weights leaves the biases of the outputs.
	require.Equal(t, 2, kept(func(masks *prune.Masks) {
		for i := range 16 {
			clear(masks, "1.weight", i)
		}
	}))
	// Paths and brute force agree for random masks.
	rng := tensor.Stream(9)
	for range 50 {
		masks := new(prune.Masks)
		for _, p := range m.Params() {
			if len(p.Shape) != 2 {
				continue
			}
			mask := prune.NewMask(len(p.Data))
			for i := range p.Data {
				mask.Set(i, rng.Float64() < 0.3)
			}
			require.NoError(t, masks.Add(p.Name, mask))
		}
		got, err := prune.EffectiveKept(m.Params(), masks, backward)
		require.NoError(t, err)
		require.Equal(t, bruteForce(masks), got)
	}
}

// bruteForce follows every path of the 3-4-4-2 perceptron.
func bruteForce(masks *prune.Masks) int {
	sizes := []int{3, 4, 4, 2}
	names := []string{"0.weight", "1.weight", "2.weight"}
	edge := func(l, i, j int) bool { return masks.Get(names[l]).Keep(j*sizes[l] + i) }
	used := map[[3]int]bool{}
	biases := map[[2]int]bool{}
	var walk func(l, i int, path [][3]int)
	walk = func(l, i int, path [][3]int) {
		if l == 3 {
			for _, e := range path {
				used[e] = true
				biases[[2]int{e[0] + 1, e[2]}] = true
			}
			return
		}
		for j := range sizes[l+1] {
			if edge(l, i, j) {
				walk(l+1, j, append(append([][3]int{}, path...), [3]int{l, i, j}))
			}
		}
	}
	for i := range sizes[0] {
		walk(0, i, nil)
	}
	n := len(used) + 2 // the biases of the outputs stay
	for b := range biases {
		if b[0] < 3 {
			n++
		}
	}
	return n
}

func TestEffectiveKeptRefuses(t *testing.T) {
	m, backward := smallPerceptron()
	_, err := prune.EffectiveKept(m.Params(), nil, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	masks := new(prune.Masks)
	require.NoError(t, masks.Add("0.weight", prune.NewMask(3)))
	_, err = prune.EffectiveKept(m.Params(), masks, backward)
	require.ErrorIs(t, err, tensor.ErrShape)
	broken := errors.New("broken")
	_, err = prune.EffectiveKept(m.Params(), nil, func() error { return broken })
	require.ErrorIs(t, err, broken)
	_, err = prune.EffectiveKept(m.Params(), nil, func() error {
		m.Params()[0].Grad[0] = float32(math.NaN())
		return nil
	})
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "EffectiveKept")
}
