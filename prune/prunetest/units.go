package prunetest

import (
	"math"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

// Graph returns a small convolutional network with a residual connection, a depthwise convolution and two linear
// layers, of normal weights and gradients. Equal seeds give equal models.
func Graph[T tensor.Float](seed uint64) *structured.Graph[T] {
	at := uint64(0)
	param := func(name string, shape ...int) *tensor.Param[T] {
		d := tensor.NewDense[T](shape...)
		p := &tensor.Param[T]{Name: name, Shape: shape, Data: d.Data, Grad: make([]T, len(d.Data))}
		rng := tensor.Stream(seed, at)
		at++
		for i := range p.Data {
			p.Data[i], p.Grad[i] = T(rng.NormFloat64()), T(rng.NormFloat64())
		}
		return p
	}
	g := structured.NewGraph[T](prune.LayoutNN)
	conv := func(name string, x structured.Node, k, in, out, groups int) structured.Node {
		return g.Conv2D(name, x, param(name+".weight", k, k, in/groups, out), param(name+".bias", out),
			tensor.Window{PadH: k / 2, PadW: k / 2, Groups: groups})
	}
	relu := func(v T) T { return max(v, 0) }
	x := conv("conv1", g.Input("x", 3), 3, 3, 8, 1)
	x = g.Activation(g.BatchNorm("norm", x, structured.BatchNorm[T]{Weight: param("norm.weight", 8),
		Bias: param("norm.bias", 8), Mean: make([]T, 8), Var: slices.Repeat([]T{1}, 8), Eps: 1e-5}), relu)
	x = g.Activation(g.Add(x, conv("conv2", x, 3, 8, 8, 1)), relu)
	x = conv("depthwise", x, 3, 8, 16, 8)
	x = g.Flatten(g.Pool(x, false), 4, structured.ChannelsLast)
	x = g.Activation(g.Linear("fc1", x, param("fc1.weight", 12, 64), param("fc1.bias", 12)), relu)
	g.Output(g.Linear("fc2", x, param("fc2.weight", 5, 12), param("fc2.bias", 5)))
	return g
}

// CheckUnitScorer fails the test for every property that an importance of channels lacks on a graph, which must be
// the one that s was made for if it observes a model, and otherwise may be [Graph]:
//
//   - it writes a number for every unit of every group, whatever was there before;
//   - it changes neither weights nor gradients;
//   - the same call gives the same numbers, in any order of the groups and from several goroutines;
//   - a plan can be made with it, which prunes as many units as were asked for.
func CheckUnitScorer[T tensor.Float](t testing.TB, s structured.Scorer[T], g *structured.Graph[T]) {
	t.Helper()
	groups, err := g.Groups()
	if err != nil {
		t.Fatalf("the graph to check with: %v", err)
	}
	var params []*tensor.Param[T]
	for _, group := range groups {
		for _, m := range group.Members {
			params = append(params, m.Param)
		}
	}
	before := snapshot(params)
	score := func(k int, fill float64) []float64 {
		dst := slices.Repeat([]float64{fill}, groups[k].Units)
		if err := s.Score(dst, &groups[k]); err != nil {
			t.Errorf("Score of group %q: %v", groups[k].Name, err)
			return nil
		}
		return dst
	}
	first := make([][]float64, len(groups))
	for k := range groups {
		if first[k] = score(k, math.NaN()); first[k] == nil {
			return
		}
		for u, v := range first[k] {
			if v != v {
				t.Errorf("the importance of unit %d of group %q is NaN, or was not written\nEvery unit needs a number, so "+
					"that it can be ranked.", u, groups[k].Name)
				return
			}
		}
	}
	if !same(before, snapshot(params)) {
		t.Errorf("Score changed weights or gradients\nIt looks at the user's model and must only read.")
		return
	}
	for k := len(groups) - 1; k >= 0; k-- {
		if !slices.Equal(score(k, 7), first[k]) {
			t.Errorf("importances in group %q differ when taken again, in another order\nThey must depend on the group alone.",
				groups[k].Name)
			return
		}
	}
	equal := make([]bool, 4*len(groups))
	together.Run(len(equal), func(i int) { equal[i] = slices.Equal(score(i%len(groups), 7), first[i%len(groups)]) })
	if slices.Contains(equal, false) {
		t.Errorf("importances differ when several goroutines take them\nKeep no scratch memory in the scorer.")
		return
	}
	plan, err := g.Plan(0.5, structured.WithScorer(s))
	if err != nil {
		t.Errorf("a plan cannot be made with it: %v", err)
		return
	}
	for _, r := range plan.Report().Groups {
		if want := r.Units - (r.Units+1)/2; r.Fixed == 0 && r.Kept != max(want, 1) {
			t.Errorf("a plan keeps %d of %d units of group %q\nHalf should go, whatever the importances are.", r.Kept, r.Units,
				r.Name)
		}
	}
}
