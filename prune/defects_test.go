package prune_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// One test per defect of ShrinkBench and its neighbours that package prune must not have. B2, B4 and B9 are in package
// eval.

// ShrinkBench always counts convolutions with padding "same" and without groups or dilation.
func TestFLOPs(t *testing.T) {
	for net, want := range map[string][2]int64{"cnn": {14574, 11550}, "cnn_group_bn": {16722, 7002}} {
		var g shrinkBench
		golden.JSON(t, "testdata/shrinkbench_masks_"+net+".json.gz", &g)
		theirs, ours := int64(0), int64(0)
		for _, n := range g.macs(t) {
			ours += n
		}
		for _, l := range g.Layers {
			switch l.Type {
			case "Linear":
				theirs += int64(l.In * l.Out)
			case "Conv2d":
				theirs += same(l.InputShape[2:], l.Kernel, l.Stride, l.InChannels, l.OutChannels)
			}
		}
		require.Equal(t, want, [2]int64{theirs, ours}, net)
	}
	var g struct {
		Cases []struct {
			In, Out               int
			Input, Kernel, Stride []int
			Padding               string
			Flops                 int64
		} `json:"shrinkbench_conv2d_flops"`
	}
	golden.JSON(t, "testdata/flops.json.gz", &g)
	require.Len(t, g.Cases, 80)
	for _, c := range g.Cases {
		if c.Padding == "same" { // our reading of what they compute
			require.Equal(t, c.Flops, same(c.Input, c.Kernel, c.Stride, c.In, c.Out))
			continue
		}
		n, err := prune.ConvMACs(tensor.Window{H: c.Input[0], W: c.Input[1], C: c.In, KH: c.Kernel[0], KW: c.Kernel[1],
			StrideH: c.Stride[0], StrideW: c.Stride[1]}, c.Out)
		require.NoError(t, err)
		require.Equal(t, c.Flops, n) // without padding both are right
	}
}

func same(input, kernel, stride []int, in, out int) int64 {
	rows := int64(math.Ceil(float64(input[0]) / float64(stride[0])))
	cols := int64(math.Ceil(float64(input[1]) / float64(stride[1])))
	return rows * cols * int64(kernel[0]*kernel[1]*in*out)
}

// ShrinkBench sets the seed after it has pruned, so that random masks cannot be repeated.
func TestSeededRandomMasks(t *testing.T) {
	masks := func(seed uint64, names ...string) *prune.Masks {
		var params []*tensor.Param[float32]
		for _, n := range names {
			params = append(params, param(n, []int{20, 30}, make([]float64, 600)))
		}
		m, err := prune.ComputeMasks(params, prune.WithPreset("shrinkbench/RandomPruning"), prune.WithCompression(4),
			prune.WithSeed(seed))
		require.NoError(t, err)
		return m
	}
	a := masks(1, "a", "b")
	require.True(t, a.Equal(masks(1, "a", "b")))
	require.False(t, a.Equal(masks(2, "a", "b")))
	require.True(t, a.Get("b").Equal(masks(1, "b", "a").Get("b")), "draws belong to the parameter, not to its position")
	require.InDelta(t, 0.75, a.Sparsity(), 0.05)
}

// Values that happen to be zero are not pruned.
func TestZerosAreNotPruned(t *testing.T) {
	params := []*tensor.Param[float32]{param("fc.weight", []int{2, 2}, []float64{1, 2, 3, 4}), param("bn.bias",
		[]int{4}, make([]float64, 4))}
	stats, err := prune.StatsOf(params, nil, nil)
	require.NoError(t, err)
	require.Equal(t, 1.0, stats.Compression())
	require.Equal(t, []int{8, 8, 4}, []int{stats.Size, stats.Kept, stats.NonzeroValues})
}

// The mean of activations is taken before their absolute value, so that a feature that is positive as often as
// negative counts for nothing; a convolution's bias is not divided by the pixels; groups crash.
func TestActivations(t *testing.T) {
	var a prune.Activations[float64]
	require.NoError(t, a.Add(tensor.DenseOf([]float64{5, 0.1, -5, 0.1}, 2, 2), "fc.weight", "fc.bias"))
	w := &tensor.Param[float64]{Name: "fc.weight", Shape: []int{1, 2}, Data: []float64{1, 1}}
	score := func(s prune.Scorer[float64]) []float64 {
		dst := make([]float64, 2)
		require.NoError(t, s.Score(dst, &prune.Context[float64]{Param: w,
			Info: prune.Info{Name: w.Name, Shape: w.Shape, Size: 2, In: 1}}))
		return dst
	}
	require.Equal(t, []float64{0, 0.1}, score(a.ShrinkBench()))
	require.InDeltaSlice(t, []float64{5, 0.1}, score(a.Magnitude()), 1e-12)

	// The bias of a convolution over 4 pixels counts as if there were one.
	var c prune.Activations[float64]
	require.NoError(t, c.Add(tensor.DenseOf([]float64{1, 1, 1, 1}, 1, 2, 2, 1), "c.weight", "c.bias"))
	bias := &tensor.Param[float64]{Name: "c.bias", Shape: []int{1}, Data: []float64{1}}
	for want, s := range map[float64]prune.Scorer[float64]{4: c.ShrinkBench(), 1: c.Magnitude()} {
		dst := make([]float64, 1)
		require.NoError(t, s.Score(dst, &prune.Context[float64]{Param: bias,
			Info: prune.Info{Name: "c.bias", Shape: []int{1}, Size: 1, Role: prune.Bias}}))
		require.Equal(t, want, dst[0])
	}

	// Two groups: the second output reads the second feature.
	var g prune.Activations[float64]
	require.NoError(t, g.Add(tensor.DenseOf([]float64{1, 10}, 1, 1, 1, 2), "g.weight"))
	for _, out := range []int{0, 3} {
		shape, in := []int{2, 1, 1, 1}, 1
		if out == 3 {
			shape, in = []int{1, 1, 1, 2}, 2
		}
		p := &tensor.Param[float64]{Name: "g.weight", Shape: shape, Data: []float64{1, 1}}
		dst := make([]float64, 2)
		require.NoError(t, g.Magnitude().Score(dst, &prune.Context[float64]{Param: p,
			Info: prune.Info{Name: p.Name, Shape: shape, Size: 2, Out: out, In: in}}))
		require.Equal(t, []float64{1, 10}, dst)
	}
}

// Taking gradients or activations for scores changes the model there. Here scores only read.
func TestScoresOnlyRead(t *testing.T) {
	for name, build := range scoreModels(t) {
		m, g, x := build()
		m.load()
		m.grads(t, x, g.Y)
		var before [][]float64
		for _, p := range m.Params() {
			before = append(before, append(append([]float64(nil), p.Data...), p.Grad...))
		}
		flow, err := prune.NewSynFlow(m.Params(), func() error {
			m.Backward(m.Forward(x, false))
			return nil
		})
		require.NoError(t, err)
		for _, s := range []prune.Scorer[float64]{flow, prune.Taylor[float64](), prune.Magnitude[float64](),
			prune.LAMP[float64]()} {
			_, err := prune.ComputeMasks(m.Params(), prune.WithScorer(s), prune.WithSparsity(0.5))
			require.NoError(t, err)
		}
		for i, p := range m.Params() {
			require.Equal(t, before[i], append(append([]float64(nil), p.Data...), p.Grad...), "%s %s", name, p.Name)
		}
	}
}

// ShrinkBench's masked training, step by step, and its pitfall: momentum from before pruning moves raw masked weights
// off zero, 86 nonzeros become 171. Ours stay at zero because the velocity is masked too.
func TestStaleMomentum(t *testing.T) {
	var g struct {
		Optimizer struct {
			LR, Momentum float64
			Nesterov     bool
			Decay        float64 `json:"weight_decay"`
		}
		X     golden.Tensor
		Y     []int
		Init  []golden.Tensor
		Masks map[string]string
		Steps []struct {
			Loss   float64
			Params []golden.Tensor
		}
	}
	golden.JSON(t, "testdata/masked_training.json.gz", &g)
	rng := tensor.Stream(1)
	hidden := nn.Must(nn.NewLinear[float32](10, 12, rng))
	hidden.Act = tensor.ReLUActivation
	model := nn.NewSequential[float32](hidden, nn.Must(nn.NewLinear[float32](12, 3, rng)))
	params := model.Params()
	opt := &nn.SGD[float32]{LR: g.Optimizer.LR, Momentum: g.Optimizer.Momentum, Nesterov: g.Optimizer.Nesterov,
		WeightDecay: g.Optimizer.Decay}
	pruner, err := prune.New(params, prune.WithPreset("shrinkbench/GlobalMagWeight"), prune.WithCompression(2),
		prune.WithFixed("1.weight", "1.bias"))
	require.NoError(t, err)
	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) { visit(opt.State(p)) })
	x := tensor.DenseOf(floats(g.X.Data), g.X.Shape...)
	var loss nn.CrossEntropy[float32]
	backward := func() float64 {
		v, dy, err := loss.Eval(model.Forward(x, true), g.Y)
		require.NoError(t, err)
		nn.ZeroGrad(params)
		model.Backward(dy)
		return v
	}
	load := func() {
		for i, p := range params {
			copy(p.Data, floats(g.Init[i].Data))
		}
	}
	load()
	_, err = pruner.Step(0)
	require.NoError(t, err)
	require.Equal(t, g.Masks["0.weight"], pruner.Masks().Get("0.weight").String())
	for i, s := range g.Steps {
		require.InDelta(t, s.Loss, backward(), 1e-5, i)
		pruner.MaskGrads()
		require.NoError(t, opt.Step(params))
		_, err = pruner.Step(i + 1)
		require.NoError(t, err)
		for j, want := range s.Params {
			golden.Close(t, want.Name, params[j].Data, want.Data, 0, 1e-5)
		}
	}

	// Now with momentum gathered before pruning, and dense gradients.
	load()
	opt = &nn.SGD[float32]{LR: 0.1, Momentum: 0.9}
	pruner, err = prune.New(params, prune.WithCompression(1.7), prune.WithFixed("1.weight"),
		prune.WithSchedule(prune.OneShot(3)))
	require.NoError(t, err)
	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) { visit(opt.State(p)) })
	for step := range 6 {
		backward()
		require.NoError(t, opt.Step(params))
		drifted := params[0].Data
		_, err := pruner.Step(step)
		require.NoError(t, err)
		mask := pruner.Masks().Get("0.weight")
		for i, v := range opt.State(params[0]) {
			if !mask.Keep(i) {
				require.Zero(t, v)
				require.Zero(t, drifted[i])
			}
		}
	}
	require.NoError(t, pruner.Finish())
	require.InDelta(t, 1.7, pruner.Stats().Compression(), 0.01)
}

// neural-compressor#592 ranks signed weights, PocketFlow#130 computes masks from weights that are masked already.
func TestSignAndMaskedWeights(t *testing.T) {
	w := param("w", []int{1, 4}, []float64{-9, 1, 2, 3})
	m, err := prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5))
	require.NoError(t, err)
	require.Equal(t, "1001", m.Get("w").String())
	// Zeros that are not pruned tie with pruned weights, and the pruned ones still go first.
	w = param("w", []int{1, 6}, []float64{0, 0, 0, 1, 2, 3})
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5),
		prune.WithSchedule(prune.Schedule{End: 1, Every: 1,
			Curve: prune.CurveFunc(func(x, target float64) float64 { return target * (1 + 2*x) / 3 })}))
	require.NoError(t, err)
	var last *prune.Masks
	for step := range 2 {
		_, err := p.Step(step)
		require.NoError(t, err)
		if last != nil {
			both, err := last.And(p.Masks())
			require.NoError(t, err)
			require.True(t, both.Equal(p.Masks()))
		}
		last = p.Masks()
	}
	require.Equal(t, "000111", last.Get("w").String())
}

// tfmot#973, #975, #601: short runs never prune. jaxpruner: an end that is no multiple of the frequency is never
// reached. neural-compressor#1250: the last mask is not applied.
func TestSchedulesThatNeverFire(t *testing.T) {
	for _, c := range []struct{ begin, end, every, stride int }{{0, 5, 100, 1}, {5, 18, 5, 1}, {3, 3, 0, 1},
		{10, 95, 10, 7}, {0, 1000, 0, 333}} {
		w := param("w", []int{10, 10}, tensorRamp(100))
		s := prune.Cubic(c.begin, c.end)
		s.Every = c.every
		p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.9), prune.WithSchedule(s))
		require.NoError(t, err)
		require.ErrorIs(t, p.Finish(), prune.ErrTargetNotReached)
		for step := 0; step <= c.end+c.stride; step += c.stride {
			_, err := p.Step(step)
			require.NoError(t, err)
		}
		require.NoError(t, p.Finish(), "%+v", c)
		require.Equal(t, 10, p.Stats().Kept)
		nonzero := 0
		for _, v := range w.Data {
			if v != 0 {
				nonzero++
			}
		}
		require.Equal(t, 10, nonzero, "the last mask is applied")
	}
}

// tfmot#215: a sparsity near 1 crashes.
func TestSparsityNearOne(t *testing.T) {
	w := param("w", []int{10, 10}, tensorRamp(100))
	_, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(1-1e-12))
	var infeasible *prune.InfeasibleError
	require.ErrorAs(t, err, &infeasible)
	require.Equal(t, 0.99, infeasible.MaxFeasible)
	m, err := prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithSparsity(infeasible.MaxFeasible))
	require.NoError(t, err)
	require.Equal(t, 1, m.Get("w").Count())
	m, err = prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithSparsity(1), prune.WithMinKeep(0),
		prune.WithCollapse())
	require.NoError(t, err)
	require.Zero(t, m.Get("w").Count())
}

// tensorRamp is 1, -2, 3, -4, ...: distinct magnitudes of both signs.
func tensorRamp(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i+1) * float64(1-2*(i%2))
	}
	return x
}

// Channel pruning is dead code, sizes in bits are computed and thrown away, and masks are applied where the
// weights are not.
func TestDeadCode(t *testing.T) {
	w := param("conv.weight", []int{3, 3, 2, 4}, tensorRamp(72))
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithPattern(prune.Channel(prune.L2)), prune.WithSparsity(0.5))
	require.NoError(t, err)
	_, err = p.Step(0)
	require.NoError(t, err)
	for i, v := range w.Data { // outputs are the last dimension; the later ones are larger everywhere
		require.Equal(t, i%4 < 2, v == 0)
	}
	blob, err := p.Masks().MarshalBinary()
	require.NoError(t, err)
	require.Less(t, len(blob), 72/8+8+40, "a bit per weight")
}
