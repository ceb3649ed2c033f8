package penalty_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/penalty"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

// sample is a batch of the tests.
type sample struct {
	name            string
	z               tensor.Matrix[float64]
	y, v            []int
	w               []float64
	levels, classes int
}

// samples are the batches of the golden file of causal.MMD, and one of three groups with rows that take no part.
func samples(t *testing.T) []sample {
	t.Helper()
	var file struct {
		Cases []struct {
			Name string
			Z    struct {
				Shape []int
				Data  []float64
			}
			Y, V []int
			W    []float64
		}
	}
	golden.JSON(t, "../../../causal/testdata/mmd.json.gz", &file)
	require.Len(t, file.Cases, 4)
	var all []sample
	for _, c := range file.Cases {
		all = append(all, sample{c.Name, tensor.Of(c.Z.Shape[0], c.Z.Shape[1], c.Z.Data), c.Y, c.V, c.W, 2, 2})
	}
	rng := tensor.Stream(3)
	s := sample{"three groups", tensor.NewMatrix[float64](40, 5), make([]int, 40), make([]int, 40), make([]float64, 40), 4,
		3}
	for i := range 40 {
		s.y[i], s.v[i], s.w[i] = rng.IntN(2), rng.IntN(4)-1, rng.Float64()
		if i%7 == 0 {
			s.w[i] = 0
		}
		for j := range 5 {
			s.z.Set(i, j, rng.NormFloat64()+.5*float64(s.v[i]))
		}
	}
	return append(all, s)
}

// value runs a penalty in a graph and returns its value and gradient. Rows are moved away from the origin before.
func (s sample) value(t *testing.T, shift float64, f func(z, y, v, w *graph.Node) *graph.Node) (float64, []float32) {
	t.Helper()
	exec, err := graph.NewExec(gxtest.Backend(t), func(z, y, v, w *graph.Node) []*graph.Node {
		p := f(z, y, v, w)
		return []*graph.Node{p, graph.Gradient(p, z)[0]}
	})
	require.NoError(t, err)
	z := make([]float32, len(s.z.Data))
	for i, x := range s.z.Data {
		z[i] = float32(x + shift)
	}
	w := make([]float32, len(s.w))
	for i, x := range s.w {
		w[i] = float32(x)
	}
	labels := func(l []int) []int32 {
		out := make([]int32, len(l))
		for i, x := range l {
			out[i] = int32(x)
		}
		return out
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(z, s.z.Rows, s.z.Cols), labels(s.y), labels(s.v), w)
	require.NoError(t, err)
	return float64(tensors.ToScalar[float32](out[0])), tensors.MustCopyFlatData[float32](out[1])
}

// check holds a penalty in a graph against that of the core.
func (s sample) check(t *testing.T, name string, p causal.Penalty[float64], weighted bool,
	f func(z *graph.Node, g penalty.Groups) *graph.Node) {
	t.Helper()
	b := causal.Batch{Y: s.y, V: s.v}
	if weighted {
		b.W = s.w
	}
	for _, shift := range []float64{0, 100} {
		z := s.moved(shift) // the numbers that the graph gets
		want := tensor.NewMatrix[float64](z.Rows, z.Cols)
		r, err := p.Eval(z, b, want)
		require.NoError(t, err)
		require.Empty(t, r.Skipped)
		name := fmt.Sprintf("%s %s shift %v", s.name, name, shift)
		got, grad := s.value(t, shift, func(z, y, v, w *graph.Node) *graph.Node {
			g := penalty.Groups{V: v, Levels: s.levels}
			if weighted {
				g.W = w
			}
			return f(z, g)
		})
		tolerance := 1e-5 * max(1, math.Abs(r.Value), largest(want.Data))
		assert.InDelta(t, r.Value, got, tolerance, name)
		golden.Close(t, name, grad, want.Data, 0, tolerance)
	}
}

// moved is the rows away from the origin, in float32.
func (s sample) moved(shift float64) tensor.Matrix[float64] {
	z := tensor.NewMatrix[float64](s.z.Rows, s.z.Cols)
	for i, x := range s.z.Data {
		z.Data[i] = float64(float32(x + shift))
	}
	return z
}

func largest(x []float64) (most float64) {
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}

func mmd(t *testing.T, opts ...causal.Option) causal.Penalty[float64] {
	t.Helper()
	m, err := causal.NewMMD[float64](append(opts, causal.WithUnknown())...)
	require.NoError(t, err)
	return m
}

func TestMMDIsThatOfTheCore(t *testing.T) {
	kernels := map[string]struct {
		core  causal.Kernel
		graph penalty.Kernel
	}{"rbf .5": {causal.RBF(.5), penalty.RBF(.5)}, "rbf 1": {causal.RBF(1), penalty.RBF(1)},
		"rbf 10": {causal.RBF(10), penalty.RBF(10)}, "rbf 1000": {causal.RBF(1000), penalty.RBF(1000)},
		"several": {causal.RBF(1, 4, 16), penalty.RBF(1, 4, 16)}, "imq": {causal.IMQ(1), penalty.IMQ(1)},
		"linear": {causal.Linear(), penalty.Linear()}}
	for _, s := range samples(t) {
		for name, k := range kernels {
			for _, weighted := range []bool{false, true} {
				s.check(t, fmt.Sprint(name, weighted), mmd(t, causal.WithKernel(k.core)), weighted,
					func(z *graph.Node, g penalty.Groups) *graph.Node { return penalty.MMD(z, g, k.graph) })
			}
		}
	}
}

func TestWideBandwidthsKeepTheirDigits(t *testing.T) {
	for _, s := range samples(t) {
		want, err := mmd(t, causal.WithKernel(causal.RBF(1000))).Eval(s.z, causal.Batch{V: s.v, W: s.w},
			tensor.Matrix[float64]{})
		require.NoError(t, err)
		got, _ := s.value(t, 0, func(z, _, v, w *graph.Node) *graph.Node {
			return penalty.MMD(z, penalty.Groups{V: v, Levels: s.levels, W: w}, penalty.RBF(1000))
		})
		assert.InEpsilon(t, want.Value, got, 1e-4, s.name)
	}
}

func TestConditionalMMDIsThatOfTheCore(t *testing.T) {
	for _, s := range samples(t) {
		for _, c := range []causal.ClassWeighting{causal.Prior, causal.Uniform, causal.Total} {
			p := mmd(t, causal.WithKernel(causal.RBF(1)), causal.WithConditional(c))
			b := causal.Batch{Y: s.y, V: s.v, W: s.w}
			want := tensor.NewMatrix[float64](s.z.Rows, s.z.Cols)
			r, err := p.Eval(s.z, b, want)
			require.NoError(t, err)
			got, grad := s.value(t, 0, func(z, y, v, w *graph.Node) *graph.Node {
				return penalty.MMD(z, penalty.Groups{V: v, Levels: s.levels, W: w, Y: y, Classes: s.classes, Weighting: c},
					penalty.RBF(1))
			})
			assert.InDelta(t, r.Value, got, 1e-5, "%s %v", s.name, c)
			golden.Close(t, fmt.Sprint(s.name, " ", c), grad, want.Data, 0, 1e-5)
		}
	}
}

func TestCORALIsThatOfTheCore(t *testing.T) {
	for _, s := range samples(t) {
		for _, c := range []causal.CORALConvention{causal.MeanAndCovariance, causal.DeepCORAL} {
			for _, weighted := range []bool{false, true} {
				s.check(t, fmt.Sprint(c, weighted), causal.CORAL[float64]{Convention: c}, weighted,
					func(z *graph.Node, g penalty.Groups) *graph.Node { return penalty.CORAL(z, g, c) })
			}
		}
	}
}

func features(t *testing.T, dim int) *causal.Fourier[float32] {
	t.Helper()
	f, err := causal.NewFourier[float32](dim, 256, 2, 7)
	require.NoError(t, err)
	return f
}

func TestFourierMMDIsThatOfTheCore(t *testing.T) {
	for _, s := range samples(t) {
		f := features(t, s.z.Cols)
		omega, phase := f.Frequencies()
		wide := tensor.NewMatrix[float64](omega.Rows, omega.Cols)
		phases := make([]float64, len(phase))
		for i, v := range omega.Data {
			wide.Data[i] = float64(v)
		}
		for i, v := range phase {
			phases[i] = float64(v)
		}
		core, err := causal.NewFourierOf(wide, phases)
		require.NoError(t, err)
		want := tensor.NewMatrix[float64](s.z.Rows, s.z.Cols)
		r, err := core.Eval(s.z, causal.Batch{V: s.v, W: s.w}, want)
		require.NoError(t, err)
		got, grad := s.value(t, 0, func(z, _, v, w *graph.Node) *graph.Node {
			return penalty.FourierMMD(penalty.FourierSums(z, penalty.Groups{V: v, Levels: s.levels, W: w}, f))
		})
		assert.InDelta(t, r.Value, got, 1e-5, s.name)
		golden.Close(t, s.name, grad, want.Data, 0, 1e-5)
	}
}

func TestABatchThatCannotTell(t *testing.T) {
	s := samples(t)[0]
	s.v = make([]int, len(s.v))
	f := features(t, s.z.Cols)
	for name, p := range map[string]func(z *graph.Node, g penalty.Groups) *graph.Node{
		"MMD":   func(z *graph.Node, g penalty.Groups) *graph.Node { return penalty.MMD(z, g, penalty.RBF(1)) },
		"CORAL": func(z *graph.Node, g penalty.Groups) *graph.Node { return penalty.CORAL(z, g, 0) },
		"Fourier": func(z *graph.Node, g penalty.Groups) *graph.Node {
			return penalty.FourierMMD(penalty.FourierSums(z, g, f))
		},
		"conditional": func(z *graph.Node, g penalty.Groups) *graph.Node {
			g.Y, g.Classes, g.Weighting = g.V, 2, causal.Uniform
			return penalty.MMD(z, g, penalty.RBF(1))
		}} {
		for _, zero := range []bool{false, true} {
			got, grad := s.value(t, 0, func(z, _, v, w *graph.Node) *graph.Node {
				if zero {
					w = graph.ZerosLike(w)
				}
				return p(z, penalty.Groups{V: v, Levels: 2, W: w})
			})
			assert.Zero(t, got, name)
			assert.Equal(t, make([]float32, len(grad)), grad, name)
		}
	}
}

// Halves of a batch as devices under SPMD have them: features add up, the penalty of a kernel does not.
func TestWhatAddsUpOverDevices(t *testing.T) {
	b := gxtest.Backend(t)
	s := samples(t)[4]
	f := features(t, s.z.Cols)
	mesh, err := distributed.NewDeviceMesh([]int{2}, []string{"data"})
	require.NoError(t, err)
	spec, err := distributed.BuildSpec(mesh).S("data").Done()
	require.NoError(t, err)
	z := make([]float32, len(s.z.Data))
	w, v := make([]float32, len(s.w)), make([]int32, len(s.v))
	for i, x := range s.z.Data {
		z[i] = float32(x)
	}
	for i := range s.w {
		w[i], v[i] = float32(s.w[i]), int32(s.v[i])
	}
	whole := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(z, s.z.Rows, s.z.Cols),
		tensors.FromFlatDataAndDimensions(v, len(v)), tensors.FromFlatDataAndDimensions(w, len(w))}
	var halves [2][]any
	for _, x := range whole {
		d, err := dtensor.ShardTensor(spec, x)
		require.NoError(t, err)
		for k, shard := range d.Shards() {
			halves[k] = append(halves[k], shard)
		}
	}
	sums := graph.MustNewExec(b, func(z, v, w *graph.Node) []*graph.Node {
		g := penalty.Groups{V: v, Levels: s.levels, W: w}
		sums, weights := penalty.FourierSums(z, g, f)
		return []*graph.Node{sums, weights, penalty.FourierMMD(sums, weights), penalty.MMD(z, g, penalty.RBF(2))}
	})
	all := sums.MustCall(whole[0], whole[1], whole[2])
	one, two := sums.MustCall(halves[0]...), sums.MustCall(halves[1]...)
	merged := graph.MustNewExec(b, func(s1, w1, s2, w2 *graph.Node) *graph.Node { // as an AllReduce adds them
		return penalty.FourierMMD(graph.Add(s1, s2), graph.Add(w1, w2))
	}).MustCall(one[0], one[1], two[0], two[1])[0]
	assert.InDelta(t, all[2].Value(), merged.Value(), 1e-5)
	for _, at := range []int{2, 3} { // the mean of the penalties of the halves is another number
		mean := (one[at].Value().(float32) + two[at].Value().(float32)) / 2
		assert.Greater(t, math.Abs(float64(mean-all[at].Value().(float32))), .02)
	}
	// The core merges the same sums.
	var core causal.FourierSums
	for k := range 2 {
		var part causal.FourierSums
		lo, hi := 20*k, 20*k+20
		require.NoError(t, f.Add(&part, tensor.Of(20, s.z.Cols, z[lo*s.z.Cols:hi*s.z.Cols]), causal.Batch{V: s.v[lo:hi],
			W: s.w[lo:hi]}))
		require.NoError(t, core.Merge(part))
	}
	value, ok := core.MMD()
	require.True(t, ok)
	assert.InDelta(t, value, merged.Value(), 1e-5)
}

func TestWhatSPMDRefuses(t *testing.T) {
	f := features(t, 2)
	z := [][]float32{{1, 2}, {3, 4}, {5, 6}, {7, 9}}
	v := []int32{0, 1, 0, 1}
	under := func(p func(z *graph.Node, g penalty.Groups) *graph.Node) error {
		return gxtest.UnderSPMD(t, func(_ *model.Scope, z, v *graph.Node) *graph.Node {
			return p(z, penalty.Groups{V: v, Levels: 2})
		}, z, v)
	}
	assert.ErrorIs(t, under(func(z *graph.Node, g penalty.Groups) *graph.Node {
		return penalty.MMD(z, g, penalty.RBF(1))
	}), tensor.ErrConflict)
	assert.ErrorIs(t, under(func(z *graph.Node, g penalty.Groups) *graph.Node {
		return penalty.CORAL(z, g, causal.DeepCORAL)
	}), tensor.ErrConflict)
	err := under(func(z *graph.Node, g penalty.Groups) *graph.Node {
		return penalty.FourierMMD(penalty.FourierSums(z, g, f))
	})
	assert.NotErrorIs(t, err, tensor.ErrConflict, "sums add up") // what this backend says after that is its own
}

func TestWhatIsRefused(t *testing.T) {
	b := gxtest.Backend(t)
	fails := func(want error, p func(z, v, w *graph.Node) *graph.Node) {
		t.Helper()
		_, err := graph.MustNewExec(b, p).Call([][]float32{{1, 2}, {3, 4}}, []int32{0, 1}, []float32{1, 1})
		assert.ErrorIs(t, err, want)
	}
	fails(causal.ErrBandwidth, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: v, Levels: 2}, penalty.RBF(0))
	})
	fails(causal.ErrBandwidth, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: v, Levels: 2}, penalty.IMQ(-1))
	})
	fails(tensor.ErrEmpty, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: v, Levels: 2}, nil)
	})
	fails(tensor.ErrRange, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: v, Levels: 1}, penalty.RBF(1))
	})
	fails(tensor.ErrEmpty, func(z, _, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{Levels: 2}, penalty.RBF(1))
	})
	fails(tensor.ErrShape, func(z, _, w *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: w, Levels: 2}, penalty.RBF(1))
	})
	fails(tensor.ErrShape, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(graph.InsertAxes(z, 0), penalty.Groups{V: v, Levels: 2}, penalty.RBF(1))
	})
	fails(tensor.ErrRange, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.MMD(z, penalty.Groups{V: v, Levels: 2, Y: v, Classes: 2}, penalty.RBF(1))
	})
	fails(tensor.ErrConflict, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.CORAL(z, penalty.Groups{V: v, Levels: 2, Y: v, Classes: 2}, causal.DeepCORAL)
	})
	fails(tensor.ErrRange, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.CORAL(z, penalty.Groups{V: v, Levels: 2}, 9)
	})
	fails(tensor.ErrShape, func(z, v, _ *graph.Node) *graph.Node {
		return penalty.FourierMMD(penalty.FourierSums(z, penalty.Groups{V: v, Levels: 2}, features(t, 3)))
	})
	fails(tensor.ErrShape, func(z, _, w *graph.Node) *graph.Node { return penalty.Surrogate(z, w, z) })
}
