package structured_test

import (
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

func param(name string, data []float32, shape ...int) *tensor.Param[float32] {
	return &tensor.Param[float32]{Name: name, Shape: shape, Data: data}
}

// A perceptron loses half of its hidden neurons, and the momentum of its weights follows.
func Example() {
	w1 := param("fc1.weight", []float32{1, 0, 0, 9, 8, 0, 0, 1}, 4, 2)
	b1 := param("fc1.bias", []float32{0, 1, 2, 3}, 4)
	w2 := param("fc2.weight", []float32{1, 2, 3, 1}, 1, 4)
	momentum := []float32{10, 20, 30, 40}

	g := structured.NewGraph[float32](prune.LayoutNN)
	h := g.Activation(g.Linear("fc1", g.Input("x", 2), w1, b1), func(v float32) float32 { return max(v, 0) })
	g.Output(g.Linear("fc2", h, w2, nil))
	plan, err := g.Plan(0.5)
	if err != nil {
		log.Fatal(err)
	}
	small := plan.Shrink()
	fmt.Println(small.Get("fc1.weight").Data, small.Get("fc1.bias").Data, small.Get("fc2.weight").Data)
	where, _ := small.Map("fc2.weight")
	moved, err := structured.Take(where, momentum)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(moved)
	fmt.Print(plan.Report())
	// Output:
	// [0 9 8 0] [1 2] [2 3]
	// [20 30]
	// group  channels  kept  coupled                  remarks
	// fc1    4         2     fc1 outputs, fc2 inputs
	// fc2    1         1     fc2 outputs              1 stay: an output of the model
	// 8 of 16 parameters are left, compression 2
}

// A neuron whose weights are all pruned is a constant, relu(3), which the next bias takes in.
func ExampleGraph_Compact() {
	w1 := param("fc1.weight", []float32{1, 2, 7, 7}, 2, 2)
	b1 := param("fc1.bias", []float32{0, 3}, 2)
	w2 := param("fc2.weight", []float32{5, 10}, 1, 2)
	b2 := param("fc2.bias", []float32{1}, 1)
	g := structured.NewGraph[float32](prune.LayoutNN)
	h := g.Activation(g.Linear("fc1", g.Input("x", 2), w1, b1), func(v float32) float32 { return max(v, 0) })
	g.Output(g.Linear("fc2", h, w2, b2))

	mask, err := prune.ParseMask("1100")
	if err != nil {
		log.Fatal(err)
	}
	masks := new(prune.Masks)
	if err := masks.Add("fc1.weight", mask); err != nil {
		log.Fatal(err)
	}
	small, err := g.Compact(masks)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(small.Get("fc1.weight").Data, small.Get("fc2.weight").Data, small.Get("fc2.bias").Data)
	fmt.Printf("%v %d of %d, effective compression %.1f\n", small.Masks.Get("fc1.weight"), small.Report.Left,
		small.Report.Size, small.Report.EffectiveCompression())
	// Output:
	// [1 2] [5] [31]
	// 11 5 of 9, effective compression 1.8
}

// The groups of a residual block, and an importance of one's own: the largest weight that a channel has anywhere.
func ExampleScorer() {
	g := structured.NewGraph[float32](prune.LayoutNN)
	x := g.Linear("a", g.Input("x", 1), param("a", []float32{1, 2, 3}, 3, 1), nil)
	y := g.Linear("b", x, param("b", []float32{9, 0, 0, 0, 0, 0, 0, 0, 0}, 3, 3), nil)
	g.Output(g.Linear("c", g.Add(x, y), param("c", []float32{1, 1, 1}, 1, 3), nil))
	groups, err := g.Groups()
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range groups[0].Members {
		fmt.Println(groups[0].Name, m.Layer, m.Side)
	}
	plan, err := g.Plan(1, structured.WithScorer[float32](largest{}), structured.WithMinKeep(2))
	if err != nil {
		log.Fatal(err)
	}
	kept, _ := plan.Shrink().Map("a")
	fmt.Println(kept.Kept[0], plan.Masks().Get("a"))
	// Output:
	// a a outputs
	// a b outputs
	// a b inputs
	// a c inputs
	// [0 2] 101
}

type largest struct{}

func (largest) Score(dst []float64, g *structured.Group[float32]) error {
	clear(dst)
	for _, m := range g.Members {
		m.Each(func(unit, element int) {
			w := float64(m.Param.Data[element])
			dst[unit] = max(dst[unit], w, -w)
		})
	}
	return nil
}

// Layers by name, global comparison, and channels that are chosen by hand.
func ExampleGraph_PlanOutputs() {
	build := func() *structured.Graph[float32] {
		g := structured.NewGraph[float32](prune.OutputFirst)
		x := g.Linear("a", g.Input("x", 1), param("a", []float32{1, 2, 3, 4}, 4, 1), nil)
		state := g.State(2)
		x = g.Linear("b", g.Concat(x, state), param("b", make([]float32, 12), 2, 6), nil)
		g.Couple(state, x)
		x = g.GroupNorm("gn", g.LayerNorm("ln", x, nil, nil), 1, nil, nil)
		g.Output(g.Linear("c", x, param("c", []float32{1, 2}, 1, 2), nil))
		if err := g.Err(); err != nil {
			log.Fatal(err)
		}
		return g
	}
	plan, err := build().PlanOutputs(map[string][]int{"a": {0, 3}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Shrink().Get("a").Data, plan.Report().Compression())
	plan, err = build().Plan(0.5, structured.WithGlobal(), structured.WithFixed("b"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Shrink().Get("a").Data, plan.Report().Layers[0].NewOutputs, plan.Report().Groups[1].Inexact)
	plan, err = build().Plan(0.5, structured.WithRatios(map[string]float64{"b": 0}), structured.WithRoundTo(3))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Report().Groups[0].Kept, plan.Report().Groups[1].Kept)
	// Output:
	// [2 3] 1.5
	// [3 4] 2 [ln gn]
	// 3 2
}
