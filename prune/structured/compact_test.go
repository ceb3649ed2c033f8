package structured_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

// randomMasks prune single weights, most of them, and whole channels here and there.
func (f *flow) randomMasks(density float64) *prune.Masks {
	masks := new(prune.Masks)
	for _, p := range f.params {
		if f.rng.IntN(4) == 0 || len(p.Name) > 4 && (p.Name[3:] == ".mean" || p.Name[3:] == ".var") {
			continue
		}
		m := prune.NewMask(len(p.Data))
		out := p.Shape[0]
		if len(p.Shape) == 4 {
			out = p.Shape[3]
		}
		gone := make([]bool, out)
		for o := range gone {
			gone[o] = f.rng.Float64() > density
		}
		for i := range p.Data {
			o := i / (len(p.Data) / out)
			if len(p.Shape) == 4 {
				o = i % out
			}
			m.Set(i, !gone[o] && f.rng.Float64() < 0.7)
		}
		require.NoError(f.t, masks.Add(p.Name, m))
	}
	return masks
}

func TestCompactIsTheMaskedModel(t *testing.T) {
	smaller := 0
	for seed := range uint64(60) {
		f := randomFlow(t, seed)
		masks := f.randomMasks([]float64{0.9, 0.6, 0.3, 0}[seed%4])
		s, err := f.g.Compact(masks)
		require.NoError(t, err)
		f.same(4, 4, f.masked(masks), s.Get, fmt.Sprint("seed ", seed))
		require.LessOrEqual(t, s.Report.Effective, s.Report.Left)
		require.LessOrEqual(t, s.Report.Effective, s.Report.Masked+20, "biases may take constants in")
		if s.Report.Left < s.Report.Size/2 {
			smaller++
		}
		for name, m := range s.Masks.All() { // what is left is pruned as before
			p := s.Get(name)
			require.Equal(t, len(p.Data), m.Len())
			for i, v := range p.Data {
				require.True(t, v == 0 || m.Keep(i))
			}
		}
		again, err := f.g.Compact(masks)
		require.NoError(t, err)
		require.Equal(t, s.Params, again.Params)
	}
	require.Greater(t, smaller, 20)
}

func TestCompactOfNothing(t *testing.T) {
	f := randomFlow(t, 1)
	s, err := f.g.Compact(nil)
	require.NoError(t, err)
	require.Equal(t, s.Report.Size, s.Report.Left)
	for _, p := range f.params {
		require.Equal(t, p.Data, s.Get(p.Name).Data)
	}
}

// A channel of one constant, and what a convolution with zeros around makes of it.
func TestConstantBehindPadding(t *testing.T) {
	for _, pad := range []int{0, 1} {
		f := newFlow(t, 1)
		a := f.conv("a", f.input(1), 1, 1, 2, 0, 1, 1)
		y := f.conv("y", a, 3, 2, 1, pad, 1, 1)
		f.g.Output(f.nodes[y])
		copy(f.get("a.weight").Data, []float64{2, 3})
		copy(f.get("a.bias").Data, []float64{0, 1.25})
		for i := range f.get("y.weight").Data {
			f.get("y.weight").Data[i] = float64(i % 2) // reads the second only
		}
		f.get("y.bias").Data[0] = 0
		masks := new(prune.Masks)
		m := prune.NewMask(2)
		m.Set(1, false)
		require.NoError(t, masks.Add("a.weight", m))
		s, err := f.g.Compact(masks)
		require.NoError(t, err)
		f.same(3, 3, f.masked(masks), s.Get, fmt.Sprint("padding ", pad))
		if pad == 0 {
			require.Equal(t, []int{1, 1, 1, 1}, s.Get("a.weight").Shape, "the constant went into the bias")
			require.Equal(t, []float64{11.25}, s.Get("y.bias").Data)
			continue
		}
		require.Equal(t, []int{1, 1, 1, 2}, s.Get("a.weight").Shape, "the constant stays")
		got := f.run(f.example(3, 3), s.Get)
		zero := f.run(f.example(3, 3), func(name string) *tensor.Param[float64] {
			p := *s.Get(name)
			if name == "y.weight" {
				p.Data = append([]float64(nil), p.Data...)
				for i := 0; i < len(p.Data); i += 2 {
					p.Data[i] = 0
				}
			}
			return &p
		})
		require.InDeltaSlice(t, []float64{5, 7.5, 5, 7.5, 11.25, 7.5, 5, 7.5, 5}, zero, 1e-12)
		require.Len(t, got, 9)
		// a constant of zero is one behind padding too
		f.get("a.bias").Data[1] = 0
		s, err = f.g.Compact(masks)
		require.NoError(t, err)
		require.Equal(t, []int{1, 1, 1, 1}, s.Get("a.weight").Shape)
	}
}

func TestDeadNeurons(t *testing.T) {
	f := newFlow(t, 3)
	h := f.act(f.linear("fc2", f.act(f.linear("fc1", f.input(4), 4, 6), math.Tanh), 6, 5), relu)
	f.g.Output(f.nodes[f.linear("fc3", h, 5, 2)])
	first, second, third := prune.NewMask(24), prune.NewMask(30), prune.NewMask(10)
	for k := range 6 {
		second.Set(6*1+k, false) // neuron 1 of fc2 has no inputs
		second.Set(6*2+k, k == 3)
	}
	for k := range 4 {
		first.Set(4*3+k, false) // neuron 3 of fc1 has none: what neuron 2 of fc2 has is a constant
	}
	for k := range 2 {
		third.Set(5*k+4, false) // nobody reads neuron 4 of fc2
	}
	for k := range 5 {
		second.Set(6*k+0, k == 4) // only that one reads neuron 0 of fc1
	}
	masks := new(prune.Masks)
	require.NoError(t, masks.Add("fc1.weight", first))
	require.NoError(t, masks.Add("fc2.weight", second))
	require.NoError(t, masks.Add("fc3.weight", third))
	s, err := f.g.Compact(masks)
	require.NoError(t, err)
	require.Equal(t, []int{4, 4}, s.Get("fc1.weight").Shape)
	require.Equal(t, []int{2, 4}, s.Get("fc2.weight").Shape)
	require.Equal(t, []int{2, 2}, s.Get("fc3.weight").Shape)
	f.same(1, 1, f.masked(masks), s.Get, "dead neurons")
	require.Equal(t, 24+6+30+5+10+2, s.Report.Size)
	require.Equal(t, 16+4+8+2+4+2, s.Report.Left)
	require.Equal(t, s.Report.Left, s.Report.Effective)
	require.Contains(t, s.Report.String(), "36 of 77 parameters are left, compression 2.14")
	text, err := json.Marshal(s.Report)
	require.NoError(t, err)
	var again structured.Report
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, s.Report, again)
}

// With everything pruned the outputs are constants, and of every group one channel stays.
func TestAllPruned(t *testing.T) {
	f := randomFlow(t, 2)
	masks := new(prune.Masks)
	for _, p := range f.params {
		if len(p.Shape) > 1 {
			require.NoError(t, masks.Add(p.Name, prune.NewMask(len(p.Data)).Not()))
		}
	}
	s, err := f.g.Compact(masks)
	require.NoError(t, err)
	f.same(4, 4, f.masked(masks), s.Get, "all pruned")
	for _, g := range s.Report.Groups {
		if g.Fixed == 0 {
			require.Equal(t, 1, g.Kept)
		}
	}
}

func TestConstantsWithNowhereToGo(t *testing.T) {
	for _, shared := range []bool{false, true} {
		g := structured.NewGraph[float64](prune.LayoutNN)
		p := func(name string, shape []int, data ...float64) *tensor.Param[float64] {
			return &tensor.Param[float64]{Name: name, Shape: shape, Data: data}
		}
		a := g.Linear("a", g.Input("x", 1), p("a", []int{2, 1}, 1, 2), p("ab", []int{2}, 3, 4))
		bias := p("yb", []int{1}, 0)
		if !shared {
			bias = nil
		}
		g.Output(g.Linear("y", a, p("y", []int{1, 2}, 5, 6), bias))
		if shared {
			g.Output(g.Linear("z", a, p("z", []int{1, 2}, 7, 8), bias))
		}
		masks := new(prune.Masks)
		m := prune.NewMask(2)
		m.Set(1, false)
		require.NoError(t, masks.Add("a", m))
		s, err := g.Compact(masks)
		require.NoError(t, err)
		require.Equal(t, []int{2, 1}, s.Get("a").Shape)
	}
}

func TestRefusals(t *testing.T) {
	p := func(name string, shape ...int) *tensor.Param[float32] {
		return &tensor.Param[float32]{Name: name, Shape: shape, Data: tensor.NewDense[float32](shape...).Data}
	}
	nan := p("nan", 2, 3)
	nan.Data[4] = float32(math.NaN())
	type graph = *structured.Graph[float32]
	for name, c := range map[string]struct {
		build func(g graph, x structured.Node)
		is    error
		text  string
	}{
		"no layers": {func(graph, structured.Node) {}, tensor.ErrEmpty, "the graph has no layers"},
		"no weight": {func(g graph, x structured.Node) {
			g.Linear("a", x, nil, nil)
		}, tensor.ErrEmpty, `Linear "a": the weight is nil`},
		"inputs": {func(g graph, x structured.Node) {
			g.Linear("a", x, p("w", 2, 4), nil)
		}, tensor.ErrShape, "for 3 inputs"},
		"dimensions": {func(g graph, x structured.Node) {
			g.Linear("a", x, p("w", 2, 3, 1), nil)
		}, tensor.ErrShape, "want 2 dimensions"},
		"bias": {func(g graph, x structured.Node) {
			g.Linear("a", x, p("w", 2, 3), p("b", 3))
		}, tensor.ErrShape, "a bias of shape [3] for 2"},
		"groups": {func(g graph, x structured.Node) {
			g.Conv2D("a", x, p("w", 1, 1, 1, 2), nil, tensor.Window{Groups: 2})
		}, tensor.ErrShape, "in 2 groups for 3 inputs"},
		"name": {func(g graph, x structured.Node) {
			g.Linear("a", g.Linear("a", x, p("w", 2, 3), nil), p("v", 2, 2), nil)
		}, prune.ErrDuplicateName, `"a"`},
		"parameter": {func(g graph, x structured.Node) {
			g.Linear("b", g.Linear("a", x, p("w", 2, 3), nil), p("w", 2, 2), nil)
		}, prune.ErrDuplicateName, `two parameters are named "w"`},
		"not finite": {func(g graph, x structured.Node) {
			g.Linear("a", x, nan, nil)
		}, tensor.ErrNotFinite, `param "nan": element 4 is NaN`},
		"node":      {func(g graph, x structured.Node) { g.Activation(x+7, nil) }, tensor.ErrRange, "node 7 of 1"},
		"nothing":   {func(g graph, x structured.Node) { g.Add() }, tensor.ErrEmpty, "Add: no nodes"},
		"no concat": {func(g graph, x structured.Node) { g.Concat() }, tensor.ErrEmpty, "Concat: no nodes"},
		"sizes": {func(g graph, x structured.Node) {
			g.Add(x, g.Input("y", 4))
		}, tensor.ErrShape, "3 channels and 4"},
		"input":   {func(g graph, x structured.Node) { g.Input("y", 0) }, tensor.ErrRange, `Input "y": 0 channels`},
		"state":   {func(g graph, x structured.Node) { g.State(0) }, tensor.ErrRange, "State: 0 channels"},
		"flatten": {func(g graph, x structured.Node) { g.Flatten(x, 0, 0) }, tensor.ErrRange, "0 positions"},
		"order":   {func(g graph, x structured.Node) { g.Flatten(x, 1, 7) }, tensor.ErrRange, "order(7)"},
		"norm": {func(g graph, x structured.Node) {
			g.LayerNorm("ln", x, p("w", 4), nil)
		}, tensor.ErrShape, "for 3 channels"},
		"group norm": {func(g graph, x structured.Node) {
			g.GroupNorm("gn", x, 2, nil, nil)
		}, tensor.ErrShape, "3 channels in 2 groups"},
		"statistics": {func(g graph, x structured.Node) {
			g.BatchNorm("bn", x, structured.BatchNorm[float32]{Mean: make([]float32, 3)})
		}, tensor.ErrShape, "3 means, 0 variances"},
		"overlap": {func(g graph, x structured.Node) {
			w := p("w", 3, 3)
			part := &tensor.Param[float32]{Name: "part", Shape: []int{2, 3}, Data: w.Data[3:]}
			g.Linear("b", g.Linear("a", x, w, nil), part, nil)
		}, tensor.ErrOverlap, "share some"},
	} {
		g := structured.NewGraph[float32](prune.LayoutNN)
		c.build(g, g.Input("x", 3))
		err := g.Err()
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.text, name)
		_, groups := g.Groups()
		require.ErrorIs(t, groups, c.is, name)
		_, plan := g.Plan(0.5)
		require.ErrorIs(t, plan, c.is, name)
		_, drop := g.PlanOutputs(nil)
		require.ErrorIs(t, drop, c.is, name)
		_, compact := g.Compact(nil)
		require.ErrorIs(t, compact, c.is, name)
	}
	require.ErrorIs(t, structured.NewGraph[float32](9).Err(), tensor.ErrRange)
}

func TestRefusalsOfPlans(t *testing.T) {
	f := newFlow(t, 1)
	f.g.Output(f.nodes[f.linear("y", f.linear("h", f.input(2), 2, 4), 4, 2)])
	type g32 = structured.Magnitude[float32]
	plan := func(ratio float64, opts ...structured.Option) error { _, err := f.g.Plan(ratio, opts...); return err }
	drop := func(layer string, o ...int) error { _, err := f.g.PlanOutputs(map[string][]int{layer: o}); return err }
	compact := func(name string, n int) error {
		m := new(prune.Masks)
		require.NoError(t, m.Add(name, prune.NewMask(n)))
		_, err := f.g.Compact(m)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"ratio": {plan(1.5), tensor.ErrRange, "structured: Plan: ratio(1.5): want 0 to 1"},
		"all options": {plan(0.5, structured.WithRoundTo(0), structured.WithMinKeep(0),
			structured.WithRatios(map[string]float64{"h": 2}), nil), tensor.ErrEmpty,
			"structured: Plan: WithRoundTo(0): want 1 or more: out of range\n" +
				"structured: Plan: WithMinKeep(0): want 1 or more: out of range\n" +
				"structured: Plan: WithRatios(\"h\": 2): want 0 to 1: out of range\n" +
				"structured: Plan: option 3 is nil: empty input"},
		"global": {plan(0.5, structured.WithGlobal(), structured.WithRatios(map[string]float64{"h": 1})),
			tensor.ErrConflict, "WithGlobal beside WithRatios"},
		"type":      {plan(0.5, structured.WithScorer[float32](g32{})), tensor.ErrConflict, "of another type"},
		"no scorer": {plan(0.5, structured.WithScorer[float64](nil)), tensor.ErrEmpty, "WithScorer(nil)"},
		"power": {plan(0.5, structured.WithScorer[float64](structured.Magnitude[float64]{P: -1})),
			tensor.ErrRange, "P is -1"},
		"fixed":  {plan(0.5, structured.WithFixed("z")), tensor.ErrRange, `WithFixed: no layer "z"`},
		"ratios": {plan(0.5, structured.WithRatios(map[string]float64{"z": 0})), tensor.ErrRange, `no group "z"`},
		"NaN": {plan(0.5, structured.WithScorer[float64](scorerFunc(func(dst []float64, _ *structured.Group[float64]) error {
			dst[1] = math.NaN()
			return nil
		}))), tensor.ErrNotFinite, `group "h": importance of unit 1 is NaN`},
		"layer":       {drop("z", 1), tensor.ErrRange, `structured: PlanOutputs: no layer "z"`},
		"output":      {drop("h", 4), tensor.ErrRange, `layer "h": output 4 of 4`},
		"stays":       {drop("y", 1), tensor.ErrRange, "output 1 goes with an output of the model"},
		"everything":  {drop("h", 0, 1, 2, 3), prune.ErrCollapse, `all 4 units of group "h"`},
		"mask":        {compact("h.weight", 3), tensor.ErrShape, "8 elements and a mask of 3"},
		"orphan mask": {compact("z", 3), tensor.ErrRange, `structured: Compact: no parameter for the mask of "z"`},
	} {
		require.ErrorIs(t, c.err, c.is, name)
		require.ErrorContains(t, c.err, c.text, name)
	}
	_, err := structured.Take(structured.IndexMap{Shape: []int{3}, Kept: [][]int{{5}}}, make([]float32, 3))
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = structured.Take(structured.IndexMap{Shape: []int{3}, Kept: [][]int{{1}}}, make([]float32, 2))
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = structured.Take(structured.IndexMap{Shape: []int{3}}, make([]float32, 3))
	require.ErrorIs(t, err, tensor.ErrShape)
}

type goldenNet struct {
	Kind   string
	P      float64
	Ratio  float64
	Global bool
	X      golden.Tensor
	Dense  golden.Tensor `json:"dense_output"`
	State  []golden.Tensor
	Groups []struct {
		Members []struct {
			Layer, Fn string
			NIdx      int `json:"n_idx"`
		}
		Importance    golden.Tensor
		ImportanceRaw golden.Tensor `json:"importance_raw"`
	}
	Pruned []struct {
		Root string
		Idxs []int
	}
	PrunedState  []golden.Tensor `json:"pruned_state"`
	PrunedOutput golden.Tensor   `json:"pruned_output"`
}

// build makes the graph of a golden network, in torch's layouts.
func (d *goldenNet) build() *structured.Graph[float64] {
	g := structured.NewGraph[float64](prune.OutputFirst)
	p := func(name string) *tensor.Param[float64] {
		for _, s := range d.State {
			if s.Name == name {
				return &tensor.Param[float64]{Name: name, Shape: s.Shape, Data: s.Data}
			}
		}
		return nil
	}
	if d.Kind == "mlp" {
		h := g.Input("x", 5)
		for _, l := range []string{"0", "2", "4"} {
			h = g.Linear(l, h, p(l+".weight"), p(l+".bias"))
			if l != "4" {
				h = g.Activation(h, relu)
			}
		}
		g.Output(h)
		return g
	}
	norm := func(l string, x structured.Node) structured.Node {
		return g.BatchNorm(l, x, structured.BatchNorm[float64]{Weight: p(l + ".weight"), Bias: p(l + ".bias"),
			Mean: p(l + ".running_mean").Data, Var: p(l + ".running_var").Data, Eps: 1e-5})
	}
	conv := func(l string, x structured.Node) structured.Node {
		return g.Conv2D(l, x, p(l+".weight"), p(l+".bias"), tensor.Window{PadH: 1, PadW: 1})
	}
	x := g.Activation(norm("bn1", conv("conv1", g.Input("x", 3))), relu)
	y := g.Activation(g.Add(x, norm("bn2", conv("conv2", x))), relu)
	h := g.Flatten(g.Activation(conv("conv3", y), relu), 4, structured.ChannelsFirst)
	g.Output(g.Linear("fc", h, p("fc.weight"), p("fc.bias")))
	return g
}

func TestGoldenTorchPruning(t *testing.T) {
	for _, name := range []string{"structured_res", "structured_res_global", "structured_mlp"} {
		var d goldenNet
		golden.JSON(t, "testdata/"+name+".json.gz", &d)
		g := d.build()
		groups, err := g.Groups()
		require.NoError(t, err)
		require.Len(t, groups, len(d.Groups)+1, "and the outputs")
		scorer := structured.Magnitude[float64]{P: d.P}
		for k, want := range d.Groups {
			at := len(d.Groups) - 1 - k // the reference begins at the end
			scores := make([]float64, groups[at].Units)
			require.NoError(t, scorer.Score(scores, &groups[at]))
			require.Len(t, groups[at].Members, len(want.Members), name)
			golden.Close(t, name, scores, want.ImportanceRaw.Data, 1e-5, 0)
			mean := 0.0
			for _, v := range scores {
				mean += v / float64(len(scores))
			}
			for u := range scores {
				scores[u] /= mean
			}
			golden.Close(t, name, scores, want.Importance.Data, 1e-5, 0)
		}
		opts := []structured.Option{structured.WithScorer[float64](scorer)}
		if d.Global {
			opts = append(opts, structured.WithGlobal())
		}
		plan, err := g.Plan(d.Ratio, opts...)
		require.NoError(t, err)
		s := plan.Shrink()
		for _, want := range d.PrunedState {
			name := want.Name
			for from, to := range map[string]string{"bn1.running_": "bn1.", "bn2.running_": "bn2."} {
				if len(name) > len(from) && name[:len(from)] == from {
					name = to + name[len(from):]
				}
			}
			if p := s.Get(name); p != nil {
				require.Equal(t, want.Shape, p.Shape, name)
				require.Equal(t, want.Data, p.Data, name)
			} else {
				require.Contains(t, name, "num_batches_tracked")
			}
		}
		checkGoldenOutput(t, &d, s)
	}
}

// checkGoldenOutput computes the network with torch's layouts turned to those of the test's own model.
func checkGoldenOutput(t *testing.T, d *goldenNet, s *structured.Shrunk[float64]) {
	f := newFlow(t, 1)
	hwio := func(p *tensor.Param[float64]) *tensor.Param[float64] {
		if len(p.Shape) != 4 {
			return p
		}
		o, i, k := p.Shape[0], p.Shape[1], p.Shape[2]*p.Shape[3]
		q := &tensor.Param[float64]{Name: p.Name, Shape: []int{p.Shape[2], p.Shape[3], i, o}}
		q.Data = make([]float64, len(p.Data))
		for a := range o {
			for b := range i {
				for c := range k {
					q.Data[(c*i+b)*o+a] = p.Data[(a*i+b)*k+c]
				}
			}
		}
		return q
	}
	get := func(name string) *tensor.Param[float64] {
		if p := s.Get(name); p != nil {
			return hwio(p)
		}
		out := s.Get(strings.TrimSuffix(name, ".bias") + ".weight").Shape[0] // a convolution without a bias
		return &tensor.Param[float64]{Name: name, Shape: []int{out}, Data: make([]float64, out)}
	}
	c, hw := d.X.Shape[1], 1
	if d.Kind == "mlp" {
		h := f.act(f.linear("0", f.input(5), 5, 8), relu)
		f.linear("4", f.act(f.linear("2", h, 8, 6), relu), 6, 3)
	} else {
		hw = 16
		x := f.act(f.batchNorm("bn1", f.conv("conv1", f.input(3), 3, 3, 6, 1, 1, 1), 6), relu)
		y := f.act(f.add(x, f.batchNorm("bn2", f.conv("conv2", x, 3, 6, 6, 1, 1, 1), 6)), relu)
		h := f.flatten(f.act(f.conv("conv3", y, 3, 6, 12, 1, 2, 1), relu), 4, structured.ChannelsFirst)
		f.linear("fc", h, 48, 4)
	}
	var got []float64
	for n := range d.X.Shape[0] {
		x := image{int(math.Sqrt(float64(hw))), int(math.Sqrt(float64(hw))), c, make([]float64, c*hw)}
		for i := range c {
			for p := range hw {
				x.data[p*c+i] = d.X.Data[(n*c+i)*hw+p]
			}
		}
		got = append(got, f.run(x, get)...)
	}
	golden.Close(t, d.Kind, got, d.PrunedOutput.Data, 1e-5, 1e-5)
}
