package prune_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// normals are n numbers of which a share is rounded, so that many tie.
func normals(n int, seed uint64, ties bool) []float64 {
	rng := tensor.Stream(seed)
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
		if ties {
			x[i] = math.Round(2*x[i]) / 2
		}
	}
	return x
}

// The k-th smallest and numpy's quantile against sorting, for both types, however the numbers are divided.
func TestKth(t *testing.T) {
	for _, n := range []int{1, 2, 3, 17, 1000, 300000} {
		for _, ties := range []bool{false, true} {
			x := normals(n, uint64(n), ties)
			x[n/2] = math.Inf(1)
			x[n/3] = math.Inf(-1)
			y := floats(x)
			a, b := slices.Clone(x), slices.Clone(y)
			slices.Sort(a)
			slices.Sort(b)
			for _, k := range []int{0, n / 7, n / 2, n - 1} {
				cut := n / 3
				got, err := prune.Kth([][]float64{x[:cut], nil, x[cut:]}, k)
				require.NoError(t, err)
				require.True(t, got == a[k])
				got32, err := prune.Kth([][]float32{y[cut:], y[:cut]}, k)
				require.NoError(t, err)
				require.True(t, got32 == b[k])
			}
		}
	}
	negativeZero := math.Copysign(0, -1)
	zero, err := prune.Quantile([][]float64{{1, 0}, {negativeZero}}, 0.25) // half way between the two zeros
	require.NoError(t, err)
	require.Zero(t, zero)
	for _, k := range []int{-1, 3} {
		_, err := prune.Kth([][]float32{{1, 2, 3}}, k)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = prune.Kth([][]float64{{}, nil}, 0)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		_, err := prune.Quantile([][]float64{{1}}, q)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	_, err = prune.Quantile([][]float64{{}}, 0.5)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

// Large inputs whose evenly spaced elements say nothing of the rest, or most of which are equal.
func TestKthOfOddLargeInputs(t *testing.T) {
	const n = 300000
	x := normals(n, 1, false)
	for name, at := range map[string]func(i int) float64{
		"spaced":   func(i int) float64 { return map[bool]float64{true: 1, false: x[i]}[i%(n/8192) == 0] },
		"zeros":    func(i int) float64 { return map[bool]float64{true: x[i], false: 0}[i%20 == 0] },
		"constant": func(int) float64 { return 2 },
		"sorted":   func(i int) float64 { return float64(i) },
	} {
		y := make([]float64, n)
		for i := range y {
			y[i] = at(i)
		}
		sorted := slices.Clone(y)
		slices.Sort(sorted)
		for _, k := range []int{0, 1, n / 20, n / 2, n - 2, n - 1} {
			got, err := prune.Kth([][]float64{y}, k)
			require.NoError(t, err)
			require.Equal(t, sorted[k], got, "%s %d", name, k)
			if k+1 < n {
				h := (float64(k) + 0.5) / (n - 1)
				q, err := prune.Quantile([][]float64{y}, h)
				require.NoError(t, err)
				require.InDelta(t, (sorted[k]+sorted[k+1])/2, q, 1e-9*max(1, math.Abs(q)), "%s %d", name, k)
			}
		}
	}
}

// Counts are exact for every size, sparsity and scope, ties or not, for any number of workers.
func TestCountsAreExact(t *testing.T) {
	for _, ties := range []bool{false, true} {
		for n := range 40 {
			params := []*tensor.Param[float64]{
				{Name: "a", Shape: []int{1, n}, Data: normals(n, 1, ties)}, {Name: "b",
					Shape: []int{2, 9}, Data: normals(18, 2, ties)}, {Name: "c", Shape: []int{7}, Data: normals(7, 3, ties)}}
			all := n + 18
			for kept := 2; kept <= all+7; kept += 3 {
				for _, scope := range []prune.Scope{prune.Global, prune.PerTensor} {
					opts := []prune.MaskOption{prune.WithScope(scope), prune.WithNonzeros(kept), prune.WithCollapse()}
					masks, err := prune.ComputeMasks(params, opts...)
					least := 7
					if scope == prune.PerTensor {
						least += 1 + min(n, 1)
					}
					if kept < least {
						var infeasible *prune.InfeasibleError
						require.ErrorAs(t, err, &infeasible)
						require.Equal(t, float64(least), infeasible.MaxFeasible)
						continue
					}
					require.NoError(t, err)
					have, _ := masks.Count()
					require.Equal(t, kept-7, have, "%d elements, %v", n, scope)
					again, err := prune.ComputeMasks(params, append(opts, prune.WithWorkers(3))...)
					require.NoError(t, err)
					require.True(t, masks.Equal(again))
				}
			}
		}
	}
}

// What is kept is never smaller than what goes.
func TestLowestGo(t *testing.T) {
	params := []*tensor.Param[float32]{param("a", []int{30, 40}, normals(1200, 1, true)), param("b",
		[]int{50, 20}, normals(1000, 2, false))}
	masks, err := prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithSparsity(0.7))
	require.NoError(t, err)
	least, most := float32(math.Inf(1)), float32(0)
	for _, p := range params {
		for i, w := range p.Data {
			if masks.Get(p.Name).Keep(i) {
				least = min(least, max(w, -w))
			} else {
				most = max(most, max(w, -w))
			}
		}
	}
	require.GreaterOrEqual(t, least, most)
}

// The order of parameters changes no mask: not where they share a threshold and scores differ, nor where remainders are
// divided among them, nor where draws are random.
func TestOrderOfParameters(t *testing.T) {
	var params []*tensor.Param[float64]
	for i := range 7 {
		n := 11 + 3*(i%3)
		params = append(params, &tensor.Param[float64]{Name: fmt.Sprint(i), Shape: []int{1, n},
			Data: normals(n, uint64(i), false)})
	}
	reversed := slices.Clone(params)
	slices.Reverse(reversed)
	for name, opts := range map[string][]prune.MaskOption{
		"global": {prune.WithScope(prune.Global), prune.WithSparsity(0.6)},
		"tensor": {prune.WithNonzeros(31)},
		"ERK":    {prune.WithDistribution(prune.ERK{}), prune.WithCompression(2.7)},
		"random": {prune.WithScorer(prune.Random[float64]()), prune.WithCompression(2.7)},
		"groups": {prune.WithGroups(func(i prune.Info) string { return fmt.Sprint(i.Size) }), prune.WithSparsity(0.37)},
	} {
		a, err := prune.ComputeMasks(params, opts...)
		require.NoError(t, err)
		b, err := prune.ComputeMasks(reversed, opts...)
		require.NoError(t, err)
		for n, m := range a.All() {
			require.True(t, m.Equal(b.Get(n)), "%s %s", name, n)
		}
	}
}

// widened is options of masks as options of a pruner.
func widened(opts []prune.MaskOption) []prune.Option {
	var all []prune.Option
	for _, o := range opts {
		all = append(all, o)
	}
	return all
}

// Speedup and compression are solved for every scope and pattern: the least pruning that is at least the target. What
// cannot be reached is refused with what can.
func TestTargetsAreSolved(t *testing.T) {
	params := []*tensor.Param[float32]{param("conv", []int{3, 3, 4, 8}, normals(288, 1, false)), param("fc",
		[]int{16, 32}, normals(512, 2, false)), param("head", []int{4, 16}, normals(64, 3, false))}
	macs := map[string]int64{"conv": 288 * 64, "fc": 512, "head": 64}
	for name, opts := range map[string][]prune.MaskOption{
		"global":   {prune.WithScope(prune.Global)},
		"tensor":   nil,
		"rows":     {prune.WithScope(prune.PerRow)},
		"ERK":      {prune.WithDistribution(prune.ERK{})},
		"layers":   {prune.WithDistribution(prune.PerLayer{Fixed: map[string]float64{"fc": 0.5}})},
		"blocks":   {prune.WithPattern(prune.Block(2, 2, prune.Max))},
		"channels": {prune.WithPattern(prune.Channel(prune.L2))},
		"groups":   {prune.WithGroups(func(i prune.Info) string { return i.Name })},
	} {
		opts = append(opts, prune.WithMACs(macs), prune.WithFixed("head"), prune.WithCollapse())
		p, err := prune.New(params, widened(append(opts, prune.WithSpeedup(3)))...)
		require.NoError(t, err)
		_, err = p.Step(0)
		require.NoError(t, err, name)
		require.NoError(t, p.Finish())
		unit := 1.0 // multiply-adds of what can be pruned least
		switch name {
		case "rows", "channels":
			unit = 8 * 36 // one element or channel per row
		case "blocks":
			unit = 12 * 32
		}
		kept := p.Stats().KeptMACs
		require.LessOrEqual(t, float64(kept), 19008/3.0)
		require.Greater(t, float64(kept), 19008/3.0-64*2*unit, name)

		if name == "layers" {
			continue
		}
		masks, err := prune.ComputeMasks(params, append(opts, prune.WithCompression(2))...)
		require.NoError(t, err, name)
		stats, err := prune.StatsOf(params, masks, nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, stats.Compression(), 1.998, name)
		require.Less(t, stats.Compression(), 2.35, name)
		_, err = prune.New(params, widened(append(opts, prune.WithSpeedup(1e9)))...)
		var infeasible *prune.InfeasibleError
		require.ErrorAs(t, err, &infeasible, name)
		if name == "global" {
			require.Equal(t, 297.0, infeasible.MaxFeasible)
		}
	}
	// A layer whose sparsity is set can make a target of the whole model impossible: an error, not a smaller ratio.
	_, err := prune.ComputeMasks(params, prune.WithDistribution(prune.PerLayer{Fixed: map[string]float64{"fc": 0}}),
		prune.WithCompression(4))
	require.ErrorIs(t, err, prune.ErrInfeasible)
}

// Set algebra of masks, and what they are written as.
func TestMaskAlgebra(t *testing.T) {
	for n := range 200 {
		rng := tensor.Stream(uint64(n))
		random := func() *prune.Mask {
			m := prune.NewMask(n)
			for i := range n {
				m.Set(i, rng.IntN(2) == 0)
			}
			return m
		}
		a, b, c := random(), random(), random()
		require.True(t, a.And(b.Or(c)).Equal(a.And(b).Or(a.And(c))))
		require.True(t, a.And(b).Not().Equal(a.Not().Or(b.Not())))
		require.True(t, a.Xor(b).Equal(a.Or(b).AndNot(a.And(b))))
		require.True(t, a.Not().Not().Equal(a))
		require.Equal(t, n, a.Count()+a.Not().Count())
		require.Equal(t, a.Count()+b.Count(), a.Or(b).Count()+a.And(b).Count())
		again, err := prune.ParseMask(a.String())
		require.NoError(t, err)
		require.True(t, again.Equal(a))
		d := a.Clone()
		if n > 0 {
			d.Set(0, !d.Keep(0))
			require.False(t, d.Equal(a))
		}

		var masks, back, fromJSON prune.Masks
		require.NoError(t, masks.Add("a", a))
		require.NoError(t, masks.Add("b", b))
		require.ErrorIs(t, masks.Add("b", b), prune.ErrDuplicateName)
		require.ErrorIs(t, masks.Add("c", nil), tensor.ErrEmpty)
		blob, err := masks.MarshalBinary()
		require.NoError(t, err)
		require.Less(t, len(blob), 40+2*(n/8+8), "one bit per element")
		require.NoError(t, back.UnmarshalBinary(blob))
		require.True(t, back.Equal(&masks))
		text, err := json.Marshal(&masks)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &fromJSON))
		require.True(t, fromJSON.Equal(&masks))
		for i := range blob { // any bit
			spoiled := slices.Clone(blob)
			spoiled[i] ^= 4
			require.ErrorIs(t, back.UnmarshalBinary(spoiled), tensor.ErrRange)
			require.ErrorIs(t, back.UnmarshalBinary(blob[:i]), tensor.ErrRange)
		}
		require.True(t, back.Equal(&masks), "unchanged after errors")
		overlap, err := masks.Overlap(&back)
		require.NoError(t, err)
		require.Equal(t, 1.0, overlap)
		other := new(prune.Masks)
		require.NoError(t, other.Add("a", a.Not()))
		_, err = masks.And(other)
		require.ErrorIs(t, err, tensor.ErrShape)
		require.NoError(t, other.Add("b", b.Not()))
		overlap, err = masks.Overlap(other)
		require.NoError(t, err)
		if n > 0 {
			require.Zero(t, overlap)
		}
	}
	require.Panics(t, func() { prune.NewMask(3).And(prune.NewMask(4)) })
	require.Panics(t, func() { prune.NewMask(3).Keep(3) })
	require.Panics(t, func() { prune.NewMask(3).Set(-1, true) })
	require.Panics(t, func() { prune.Apply(prune.NewMask(3), make([]float32, 4)) })
	_, err := prune.ParseMask("10x")
	require.ErrorIs(t, err, tensor.ErrRange)
}

// Applying a mask is the same as going through its elements, for every length and density, and clears NaN.
func TestApply(t *testing.T) {
	for n := range 300 {
		for _, density := range []float64{0, 0.02, 0.3, 0.9, 1} {
			rng := tensor.Stream(uint64(n), math.Float64bits(density))
			m := prune.NewMask(n)
			x, y := make([]float32, n), make([]float64, n)
			for i := range n {
				m.Set(i, rng.Float64() < density)
				x[i], y[i] = float32(math.NaN()), math.Inf(-1)
				if m.Keep(i) {
					x[i], y[i] = float32(i)+1, -float64(i)-1
				}
			}
			prune.Apply(m, x)
			prune.Apply(m, y)
			for i := range n {
				if m.Keep(i) {
					require.Equal(t, []float64{float64(i) + 1, -float64(i) - 1}, []float64{float64(x[i]), y[i]})
				} else {
					require.Equal(t, []uint64{0, 0}, []uint64{uint64(math.Float32bits(x[i])), math.Float64bits(y[i])})
				}
			}
		}
	}
}

// LAMP chooses between layers as its paper says: with one layer ten times the other, magnitude empties the smaller,
// LAMP treats them alike.
func TestLAMPIsScaleFree(t *testing.T) {
	w := normals(200, 5, false)
	big := make([]float64, 200)
	for i, v := range w {
		big[i] = 100 * v
	}
	params := []*tensor.Param[float64]{{Name: "a", Shape: []int{10, 20}, Data: w}, {Name: "b",
		Shape: []int{10, 20}, Data: big}}
	masks, err := prune.ComputeMasks(params, prune.WithScorer(prune.LAMP[float64]()), prune.WithScope(prune.Global),
		prune.WithSparsity(0.9))
	require.NoError(t, err)
	require.Equal(t, masks.Get("a").Count(), masks.Get("b").Count())
	_, err = prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithSparsity(0.5))
	require.NoError(t, err)
	_, err = prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithSparsity(0.6))
	var collapse *prune.CollapseError
	require.ErrorAs(t, err, &collapse)
	require.Equal(t, []string{"a"}, collapse.Layers)
	require.ErrorIs(t, err, prune.ErrCollapse)
	masks, err = prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithSparsity(0.6), prune.WithMinKeep(5))
	require.NoError(t, err)
	require.Equal(t, []int{5, 155}, []int{masks.Get("a").Count(), masks.Get("b").Count()})
}

// For a perceptron without biases SynFlow has a closed form: with two layers, |W1[i,j]| times the column sum of |W2|.
func TestSynFlowClosedForm(t *testing.T) {
	w1 := &tensor.Param[float64]{Name: "1", Shape: []int{2, 2}, Data: []float64{1, -2, 3, 4}, Grad: make([]float64, 4)}
	w2 := &tensor.Param[float64]{Name: "2", Shape: []int{1, 2}, Data: []float64{-5, 6}, Grad: make([]float64, 2)}
	flow, err := prune.NewSynFlow([]*tensor.Param[float64]{w1, w2}, func() error {
		for i := range 2 { // of hidden unit i, with input ones
			for j := range 2 {
				w1.Grad[2*i+j] += w2.Data[i]
				w2.Grad[i] += w1.Data[2*i+j]
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, flow.Prepare(nil))
	dst := make([]float64, 4)
	require.NoError(t, flow.Score(dst, &prune.Context[float64]{Param: w1}))
	require.Equal(t, []float64{5, 10, 18, 24}, dst)
	require.NoError(t, flow.Score(dst[:2], &prune.Context[float64]{Param: w2}))
	require.Equal(t, []float64{15, 42}, dst[:2])
	// What flows into a layer is what flows out of it.
	require.Equal(t, 5.0+10+18+24, 15.0+42)
}

// Rewinding restores weights, keeps masks and forgets the optimizer's state; learning rates are replayed.
func TestRewind(t *testing.T) {
	w := param("w", []int{4, 5}, tensorRamp(20))
	velocity := make([]float32, 20)
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5), prune.WithSchedule(prune.OneShot(10)))
	require.NoError(t, err)
	p.Track(func(_ *tensor.Param[float32], visit func([]float32)) { visit(velocity) })
	early := p.Snapshot()
	for i := range w.Data {
		w.Data[i] += 0.25
		velocity[i] = 1
	}
	_, err = p.Step(10)
	require.NoError(t, err)
	masks := p.Masks()
	require.NoError(t, p.Rewind(early))
	require.True(t, masks.Equal(p.Masks()))
	for i, v := range w.Data {
		if masks.Get("w").Keep(i) {
			require.Equal(t, early["w"][i], v)
		} else {
			require.Zero(t, v)
		}
		require.Zero(t, velocity[i])
	}
	require.ErrorIs(t, p.Rewind(prune.Snapshot[float32]{"w": nil}), tensor.ErrShape)

	twice := prune.ReplayFrom(prune.ReplayFrom(ramp{}, 100, 20), 200, 20)
	require.Equal(t, []float64{99, 20, 119, 20, 30}, []float64{twice.Value(99), twice.Value(100), twice.Value(199),
		twice.Value(200), twice.Value(210)})
}

type ramp struct{}

func (ramp) Value(t float64) float64 { return t }

type state struct{ velocity []float32 }

// A step that changes no mask allocates nothing, on one processor or several.
func TestStepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations mean nothing under the race detector")
	}
	const n = 1 << 18 // several blocks
	w := &tensor.Param[float32]{Name: "w", Shape: []int{n / 64, 64}, Data: floats(normals(n, 1, false)),
		Grad: make([]float32, n)}
	s := &state{make([]float32, n)}
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.9))
	require.NoError(t, err)
	p.Track(func(_ *tensor.Param[float32], visit func([]float32)) { visit(s.velocity) })
	_, err = p.Step(0)
	require.NoError(t, err)
	step := func() {
		if _, err := p.Step(1); err != nil {
			t.Fatal(err)
		}
		p.MaskGrads()
	}
	require.Zero(t, testing.AllocsPerRun(10, step))
	require.Zero(t, allocs.PerCall(step), "on all processors")
}

// Masks only shrink, also where the counts of single parameters are divided anew, and after masks from elsewhere.
func TestMasksAreMonotone(t *testing.T) {
	params := []*tensor.Param[float64]{}
	for i := range 6 {
		n := 7 + 5*i
		params = append(params, &tensor.Param[float64]{Name: fmt.Sprint(i), Shape: []int{1, n},
			Data: normals(n, uint64(i), true)})
	}
	for _, opts := range [][]prune.Option{{prune.WithNonzeros(20)},
		{prune.WithDistribution(prune.ERK{}), prune.WithNonzeros(20)},
		{prune.WithScope(prune.Global), prune.WithCollapse(), prune.WithNonzeros(20)},
		{prune.WithRule(prune.RuleQuantile), prune.WithSparsity(0.8), prune.WithCollapse()}} {
		s := prune.Linear(0, 110)
		s.Every = 1
		p, err := prune.New(params, append(opts, prune.WithSchedule(s))...)
		require.NoError(t, err)
		given := p.Masks()
		given.Get("3").Set(4, false)
		require.NoError(t, p.SetMasks(given))
		last := p.Masks()
		for step := range 111 {
			_, err := p.Step(step)
			require.NoError(t, err)
			now := p.Masks()
			grown, err := now.AndNot(last)
			require.NoError(t, err)
			require.Equal(t, 1.0, grown.Sparsity(), "step %d", step)
			last = now
		}
		require.NoError(t, p.Finish())
	}
}

// Wrap prunes in a loop that only knows an optimizer.
func TestWrap(t *testing.T) {
	w := param("w", []int{4, 6}, tensorRamp(24))
	w.Grad = make([]float32, 24)
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5), prune.WithSchedule(prune.Linear(0, 3)))
	require.NoError(t, err)
	opt := p.Wrap(&nn.SGD[float32]{LR: 0.1})
	for step := range 4 {
		require.NoError(t, opt.Step([]*tensor.Param[float32]{w}))
		require.Equal(t, step, opt.Info.Step)
	}
	require.Equal(t, 0.5, opt.Info.Sparsity)
	require.NoError(t, p.Finish())
	w.Grad[0] = float32(math.NaN())
	require.ErrorIs(t, opt.Step([]*tensor.Param[float32]{w}), tensor.ErrNotFinite)
}

// Masks, masked weights, gradients and the state of optimizers are the same for any number of goroutines.
func TestSameWeightsForAnyNumberOfWorkers(t *testing.T) {
	defer sharing.Everything()()
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		p := &tensor.Param[float32]{Name: "w", Shape: []int{500, 600}, Data: floats(normals(300000, 1, false)),
			Grad: floats(normals(300000, 2, false))}
		momentum := floats(normals(300000, 3, false))
		pruner, err := prune.New([]*tensor.Param[float32]{p}, prune.WithSparsity(0.7), prune.WithWorkers(workers))
		require.NoError(t, err)
		pruner.Track(func(_ *tensor.Param[float32], slot func([]float32)) { slot(momentum) })
		_, err = pruner.Step(0)
		require.NoError(t, err)
		pruner.MaskGrads()
		got := slices.Concat(p.Data, p.Grad, momentum)
		if want == nil {
			want = got
		}
		require.True(t, slices.Equal(want, got), "%d workers", workers)
	}
}
