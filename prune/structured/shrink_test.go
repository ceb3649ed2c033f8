package structured_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// A model masked by a plan computes what the shrunk one does, and all that is coupled was coupled.
func TestShrunkIsMasked(t *testing.T) {
	for seed := range uint64(24) {
		f := randomFlow(t, seed)
		var opts []structured.Option
		if seed%3 == 1 {
			opts = append(opts, structured.WithGlobal())
		}
		if seed%4 == 1 {
			opts = append(opts, structured.WithRoundTo(2))
		}
		plan, err := f.g.Plan([]float64{0.3, 0.5, 0.9}[seed%3], opts...)
		require.NoError(t, err)
		s := plan.Shrink()
		require.Less(t, s.Report.Left, s.Report.Size)
		size := 0
		for _, p := range s.Params {
			require.NoError(t, p.Validate())
			if !slices.Contains([]string{"bn1.mean", "bn1.var", "bn2.mean", "bn2.var"}, p.Name) {
				size += len(p.Data)
			}
		}
		require.Equal(t, s.Report.Left, size)
		f.equal(4, 4, f.masked(plan.Masks()), s.Get, fmt.Sprint("seed ", seed))
		for _, p := range f.params { // state follows
			m, ok := s.Map(p.Name)
			require.True(t, ok, p.Name)
			taken, err := structured.Take(m, p.Data)
			require.NoError(t, err)
			require.Equal(t, s.Get(p.Name).Data, taken)
		}
	}
}

func TestNormGoesOnEmittingItsShift(t *testing.T) {
	f := newFlow(t, 1)
	x := f.input(1)
	h := f.batchNorm("bn", f.linear("first", x, 1, 2), 2)
	f.g.Output(f.nodes[f.linear("second", h, 2, 1)])
	set := func(name string, v ...float64) { copy(f.get(name).Data, v) }
	set("first.weight", 2, 3)
	set("first.bias", 0, 0)
	set("bn.weight", 1, 1)
	set("bn.bias", .5, .25)
	set("bn.mean", 0, -1)
	set("bn.var", 1-1e-5, 1-1e-5)
	set("second.weight", 1, 4)
	set("second.bias", 0)
	one := image{1, 1, 1, []float64{1}}
	require.InDelta(t, 19.5, f.run(one, f.get)[0], 1e-12)
	weights := prune.NewMask(2)
	weights.Set(1, false)
	masks := new(prune.Masks)
	require.NoError(t, masks.Add("first.weight", weights))
	require.InDelta(t, 7.5, f.run(one, f.masked(masks))[0], 1e-12)

	compact, err := f.g.Compact(masks)
	require.NoError(t, err)
	require.InDelta(t, 7.5, f.run(one, compact.Get)[0], 1e-12)
	require.Equal(t, []int{1, 1}, compact.Get("first.weight").Shape)
	require.InDelta(t, 5, compact.Get("second.bias").Data[0], 1e-12)

	plan, err := f.g.PlanOutputs(map[string][]int{"first": {1}})
	require.NoError(t, err)
	require.InDelta(t, 2.5, f.run(one, plan.Shrink().Get)[0], 1e-12)
	require.InDelta(t, 2.5, f.run(one, f.masked(plan.Masks()))[0], 1e-12)
	require.False(t, plan.Masks().Get("bn.bias").Keep(1))
}

func TestFlattenOrder(t *testing.T) {
	for order, want := range map[structured.Order][]int{
		structured.ChannelsLast:  {0, 2, 3, 5, 6, 8, 9, 11},
		structured.ChannelsFirst: {0, 1, 2, 3, 8, 9, 10, 11},
	} {
		f := newFlow(t, 1)
		h := f.flatten(f.conv("conv", f.input(1), 1, 1, 3, 0, 1, 1), 4, order)
		f.g.Output(f.nodes[f.linear("fc", h, 12, 1)])
		plan, err := f.g.PlanOutputs(map[string][]int{"conv": {1}})
		require.NoError(t, err)
		m, _ := plan.Shrink().Map("fc.weight")
		require.Equal(t, want, m.Kept[1], "%v", order)
		f.equal(2, 2, f.masked(plan.Masks()), plan.Shrink().Get, order.String())
	}
}

func TestConcat(t *testing.T) {
	f := newFlow(t, 1)
	a := f.linear("a", f.input(2), 2, 4)
	f.g.Output(f.nodes[f.linear("twice", f.concat(a, a), 8, 1)])
	plan, err := f.g.PlanOutputs(map[string][]int{"a": {1, 3}})
	require.NoError(t, err)
	m, _ := plan.Shrink().Map("twice.weight")
	require.Equal(t, []int{0, 2, 4, 6}, m.Kept[1])

	f = newFlow(t, 1)
	x := f.input(2)
	c := f.concat(f.linear("a", x, 2, 3), f.linear("b", x, 2, 2))
	f.g.Output(f.nodes[f.linear("y", c, 5, 1)])
	copy(f.get("y.weight").Data, []float64{10, 11, 12, 13, 14})
	plan, err = f.g.PlanOutputs(map[string][]int{"b": {1}, "a": {0}})
	require.NoError(t, err)
	require.Equal(t, []float64{11, 12, 13}, plan.Shrink().Get("y.weight").Data)
}

func keptOf(r structured.Report) map[string]int {
	kept := map[string]int{}
	for _, g := range r.Groups {
		kept[g.Name] = g.Kept
	}
	return kept
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		channels, round, want int
		ratio                 float64
	}{{10, 1, 1, 0.9}, {100, 1, 20, 0.8}, {64, 1, 44, 0.3}, {12, 8, 8, 0.5}, {12, 16, 12, 0.5}, {20, 8, 16, 0.5},
		{8, 1, 8, 0}, {8, 1, 1, 1}, {3, 1, 1, 0.5}} {
		f := newFlow(t, 1)
		f.g.Output(f.nodes[f.linear("y", f.linear("h", f.input(2), 2, c.channels), c.channels, 2)])
		plan, err := f.g.Plan(c.ratio, structured.WithRoundTo(c.round))
		require.NoError(t, err)
		require.Equal(t, map[string]int{"h": c.want, "y": 2}, keptOf(plan.Report()), "%+v", c)
	}
}

func TestTiesAcrossGroups(t *testing.T) {
	f := newFlow(t, 1)
	x := f.input(2)
	a, b := f.linear("a", x, 2, 4), f.linear("b", x, 2, 4)
	f.g.Output(f.nodes[f.linear("y", f.concat(a, b), 8, 1)])
	for _, p := range f.params {
		for i := range p.Data {
			p.Data[i] = 1
		}
	}
	plan, err := f.g.Plan(0.5, structured.WithGlobal())
	require.NoError(t, err)
	kept := keptOf(plan.Report())
	require.Equal(t, 4, kept["a"]+kept["b"])
	require.Positive(t, kept["a"])
	require.Positive(t, kept["b"])
	plan, err = f.g.Plan(1, structured.WithGlobal(), structured.WithMinKeep(2))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 2, "b": 2, "y": 1}, keptOf(plan.Report()))
	require.Contains(t, plan.Report().String(), "no more can go: 2 stay at least")
}

func TestDepthwise(t *testing.T) {
	f := newFlow(t, 1)
	a := f.conv("a", f.input(2), 1, 2, 4, 0, 1, 1)
	d := f.conv("d", a, 3, 4, 8, 1, 1, 4)
	f.g.Output(f.nodes[f.conv("y", d, 1, 8, 1, 0, 1, 1)])
	plan, err := f.g.PlanOutputs(map[string][]int{"a": {1}})
	require.NoError(t, err)
	s := plan.Shrink()
	m, _ := s.Map("d.weight")
	require.Equal(t, []int{0, 1, 4, 5, 6, 7}, m.Kept[3])
	require.Equal(t, []int{0}, m.Kept[2])
	layer := plan.Report().Layers[1]
	require.Equal(t, structured.LayerReport{Name: "d", Outputs: 8, Inputs: 4, Groups: 4, NewOutputs: 6, NewInputs: 3,
		NewGroups: 3}, layer)
	f.equal(3, 3, f.masked(plan.Masks()), s.Get, "depthwise")

	// one input, one output and one group is an ordinary convolution: its output goes by itself
	f = newFlow(t, 1)
	a = f.conv("a", f.input(1), 1, 1, 1, 0, 1, 1)
	b := f.conv("b", a, 1, 1, 3, 0, 1, 1)
	f.g.Output(f.nodes[f.conv("y", b, 1, 3, 1, 0, 1, 1)])
	groups, err := f.g.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 3)
}

func TestGroupsOfUnequalSize(t *testing.T) {
	f := newFlow(t, 1)
	f.g.Output(f.nodes[f.conv("y", f.conv("grouped", f.input(4), 1, 4, 6, 0, 1, 2), 1, 6, 1, 0, 1, 1)])
	_, err := f.g.PlanOutputs(map[string][]int{"grouped": {0, 1}})
	require.ErrorIs(t, err, tensor.ErrShape)
	require.ErrorContains(t, err, `layer "grouped": its groups would keep [1 3] outputs`)
	_, err = f.g.PlanOutputs(map[string][]int{"grouped": {0, 4}})
	require.ErrorIs(t, err, tensor.ErrShape)
	require.ErrorContains(t, err, "output 1, the same of its group as one that goes, would go too")
	plan, err := f.g.PlanOutputs(map[string][]int{"grouped": {0, 3}})
	require.NoError(t, err)
	f.equal(2, 2, f.masked(plan.Masks()), plan.Shrink().Get, "grouped")
}

func TestCoupledTwice(t *testing.T) {
	f := newFlow(t, 1)
	a := f.linear("a", f.input(3), 3, 64)
	b := f.act(f.linear("b", a, 64, 64), relu)
	f.g.Output(f.nodes[f.linear("y", f.add(f.add(a, b), a), 64, 2)])
	groups, err := f.g.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 2)
	require.Len(t, groups[0].Members, 4, "a outputs, b outputs, b inputs, y inputs")
	plan, err := f.g.Plan(0.3)
	require.NoError(t, err)
	require.Equal(t, 44, plan.Report().Groups[0].Kept)
	f.equal(1, 1, f.masked(plan.Masks()), plan.Shrink().Get, "residual")
}

func TestRecurrent(t *testing.T) {
	g := structured.NewGraph[float32](prune.OutputFirst)
	p := func(name string, shape ...int) *tensor.Param[float32] {
		d := tensor.NewDense[float32](shape...)
		for i := range d.Data {
			d.Data[i] = float32(i%7) - 3
		}
		return &tensor.Param[float32]{Name: name, Shape: shape, Data: d.Data}
	}
	x, state := g.Input("x", 3), g.State(8)
	next := g.Activation(g.Linear("cell", g.Concat(x, state), p("w", 8, 11), p("b", 8)), nil)
	g.Couple(state, next)
	g.Output(g.Linear("y", next, p("wy", 2, 8), nil))
	plan, err := g.Plan(0.5)
	require.NoError(t, err)
	s := plan.Shrink()
	require.Equal(t, []int{4, 7}, s.Get("w").Shape)
	m, _ := s.Map("w")
	for k, o := range m.Kept[0] {
		require.Equal(t, o+3, m.Kept[1][3+k])
	}
	require.Equal(t, []int{2, 4}, s.Get("wy").Shape)
}

func TestFixed(t *testing.T) {
	f := newFlow(t, 1)
	h := f.linear("b", f.linear("a", f.input(3), 3, 8), 8, 6)
	f.g.Output(f.nodes[f.linear("y", h, 6, 2)])
	plan, err := f.g.Plan(0.5, structured.WithFixed("b"))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 4, "b": 6, "y": 2}, keptOf(plan.Report()), "its inputs shrink")
	text := plan.Report().String()
	require.Contains(t, text, `6 stay: outputs of "b", which is fixed`)
	require.Contains(t, text, "2 stay: an output of the model")
	plan, err = f.g.Plan(0.5, structured.WithRatios(map[string]float64{"a": 0.25}))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 6, "b": 3, "y": 2}, keptOf(plan.Report()))
}

// What norms over several channels see changes with the channels that are left, which is said.
func TestInexactNorms(t *testing.T) {
	g := structured.NewGraph[float64](prune.LayoutNN)
	p := func(name string, shape ...int) *tensor.Param[float64] {
		d := tensor.NewDense[float64](shape...)
		for i := range d.Data {
			d.Data[i] = float64(i%5) + 1
		}
		return &tensor.Param[float64]{Name: name, Shape: shape, Data: d.Data}
	}
	x := g.Linear("a", g.Input("x", 3), p("a", 8, 3), nil)
	x = g.LayerNorm("ln", x, p("gamma", 8), p("beta", 8))
	x = g.GroupNorm("gn", g.Linear("b", x, p("bw", 6, 8), nil), 3, nil, nil)
	g.Output(g.Linear("y", x, p("y", 1, 6), nil))
	plan, err := g.Plan(0.5)
	require.NoError(t, err)
	r := plan.Report()
	require.Equal(t, []string{"ln"}, r.Groups[0].Inexact)
	require.Equal(t, []string{"gn"}, r.Groups[1].Inexact)
	require.Equal(t, []string{"a outputs", "ln", "b inputs"}, r.Groups[0].Members)
	require.Contains(t, r.String(), "inexact through ln")
	m, _ := plan.Shrink().Map("bw")
	require.Len(t, m.Kept[0], 3)
	for k, o := range m.Kept[0] { // one of each group, at the same place
		require.Equal(t, m.Kept[0][0]+2*k, o)
	}
	masks := new(prune.Masks)
	require.NoError(t, masks.Add("bw", prune.NewMask(48).Not()))
	s, err := g.Compact(masks)
	require.NoError(t, err)
	require.Equal(t, []int{6, 8}, s.Get("bw").Shape, "both norms keep the channels that they look at")
}

func TestSharedLayer(t *testing.T) {
	g := structured.NewGraph[float64](prune.LayoutNN)
	w := &tensor.Param[float64]{Name: "w", Shape: []int{4, 4}, Data: make([]float64, 16), Grad: make([]float64, 16)}
	for i := range w.Data {
		w.Data[i] = float64(i*i%11) - 4
	}
	same := &tensor.Param[float64]{Name: "w, again", Shape: []int{4, 4}, Data: w.Data, Grad: w.Grad}
	in := &tensor.Param[float64]{Name: "in", Shape: []int{4, 2}, Data: []float64{1, 2, 3, 4, 5, 6, 7, 8}}
	out := &tensor.Param[float64]{Name: "out", Shape: []int{1, 4}, Data: []float64{1, 2, 3, 4}}
	h := g.Linear("second", g.Linear("first", g.Linear("in", g.Input("x", 2), in, nil), w, nil), same, nil)
	g.Output(g.Linear("out", h, out, nil))
	plan, err := g.Plan(0.5)
	require.NoError(t, err)
	require.Len(t, plan.Report().Groups, 2, "all four channels are one group")
	require.Equal(t, 16+8+4, plan.Report().Size)
	s := plan.Shrink()
	require.Equal(t, []int{2, 2}, s.Get("w").Shape)
	require.True(t, tensor.Overlap(s.Get("w").Data, s.Get("w, again").Data))
	require.Len(t, s.Get("w").Grad, 4)
}

func TestMagnitudeAndUsersScorer(t *testing.T) {
	f := newFlow(t, 1)
	f.g.Output(f.nodes[f.linear("y", f.linear("h", f.input(2), 2, 4), 4, 2)])
	last := scorerFunc(func(dst []float64, g *structured.Group[float64]) error {
		for u := range dst {
			dst[u] = float64(u)
		}
		return nil
	})
	plan, err := f.g.Plan(0.5, structured.WithScorer[float64](last))
	require.NoError(t, err)
	m, _ := plan.Shrink().Map("h.weight")
	require.Equal(t, []int{2, 3}, m.Kept[0])
}

type scorerFunc func(dst []float64, g *structured.Group[float64]) error

func (f scorerFunc) Score(dst []float64, g *structured.Group[float64]) error { return f(dst, g) }

// Removing a channel changes what a layer norm makes of the others, which is why such groups are reported as inexact.
func TestLayerNormOfFewerChannels(t *testing.T) {
	norm := func(x ...float64) []float64 {
		l, err := nn.NewLayerNorm[float64](len(x))
		require.NoError(t, err)
		return l.Forward(tensor.DenseOf(x, 1, len(x)), false).Data
	}
	require.InDeltaSlice(t, []float64{-.267, 1.336, -1.069}, norm(1, 3, 0), 5e-4)
	require.InDeltaSlice(t, []float64{-1, 1}, norm(1, 3), 1e-4)
}
