package prune_test

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

func ExampleParseMask() {
	a, err := prune.ParseMask("1100")
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := prune.ParseMask("1010")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.And(b), a.Or(b), a.Xor(b), a.Not(), a.AndNot(b), a.Count())
	x := []float64{1, 2, 3, 4}
	prune.Apply(a, x)
	fmt.Println(x)
	// Output:
	// 1000 1110 0110 0011 0100 2
	// [1 2 0 0]
}

func ExampleMasks() {
	params := []*tensor.Param[float64]{{Name: "w", Shape: []int{2, 2}, Data: []float64{1, -3, 2, 0.5}}}
	half, err := prune.ComputeMasks(params, prune.WithSparsity(0.5))
	if err != nil {
		fmt.Println(err)
		return
	}
	quarter, err := prune.ComputeMasks(params, prune.WithSparsity(0.25), prune.WithRule(prune.RuleExact),
		prune.WithLayout(prune.LayoutNN))
	if err != nil {
		fmt.Println(err)
		return
	}
	kept, of := half.Count()
	overlap, err := half.Overlap(quarter)
	fmt.Println(half.Names(), half.Get("w"), quarter.Get("w"), kept, of, overlap, err)
	both, err1 := half.And(quarter)
	either, err2 := half.Or(quarter)
	one, err3 := half.Xor(quarter)
	less, err4 := quarter.AndNot(half)
	fmt.Println(both.Get("w"), either.Get("w"), one.Get("w"), less.Get("w"), errors.Join(err1, err2, err3, err4))
	fmt.Println(prune.ApplyMasks(half.Clone(), params), params[0].Data)
	// Output:
	// [w] 0110 1110 2 4 0.6666666666666666 <nil>
	// 0110 1110 1000 1000 <nil>
	// <nil> [0 -3 2 0]
}

func ExamplePruner_Wrap() {
	// Pruning added to an optimizer of one's own, in one line.
	params := []*tensor.Param[float64]{{Name: "w",
		Shape: []int{1, 4}, Data: []float64{1, -3, 2, 0.5}, Grad: make([]float64, 4)}}
	pruner, err := prune.New(params, prune.WithSparsity(0.5), prune.WithScorer(prune.Taylor[float64]()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("gradients are needed in step 0:", pruner.NeedsGrad(0))
	var opt prune.Optimizer[float64] = pruner.Wrap(descent{})
	copy(params[0].Grad, []float64{.1, .2, .1, .1})
	err = opt.Step(params)
	fmt.Println(params[0].Data, err)
	pruner.MaskGrads()
	fmt.Println(params[0].Grad)
	// Output:
	// gradients are needed in step 0: false
	// [0 -3.2 1.9 0] <nil>
	// [0 0.2 0.1 0]
}

// descent is the plainest optimizer.
type descent struct{}

func (descent) Step(params []*tensor.Param[float64]) error {
	for _, p := range params {
		tensor.Axpy(p.Data, -1, p.Grad)
	}
	return nil
}

func ExampleCollapseError() {
	params := []*tensor.Param[float64]{
		{Name: "small", Shape: []int{1, 2}, Data: []float64{.1, .2}},
		{Name: "large", Shape: []int{1, 4}, Data: []float64{1, 2, 3, 4}},
	}
	_, err := prune.ComputeMasks(params, prune.WithSparsity(0.5), prune.WithScope(prune.Global))
	var collapse *prune.CollapseError
	fmt.Println(errors.As(err, &collapse), collapse.Layers)
	// Output:
	// true [small]
}

func ExamplePresets() {
	fmt.Println(prune.Presets()[0])
	// Output:
	// shrinkbench/GlobalMagAct
}

func ExampleQuantile() {
	scores := [][]float64{{3, 1}, {4, 2}}
	median, err1 := prune.Quantile(scores, 0.5)
	second, err2 := prune.Kth(scores, 1)
	fmt.Println(median, second, errors.Join(err1, err2))
	// Output:
	// 2.5 2 <nil>
}

func ExampleReplayFrom() {
	// Learning-rate rewinding: from step 100 on, the rates of step 20 on once more.
	decay := prune.Polynomial{Power: 1}
	lr := prune.ReplayFrom(valuer(func(t float64) float64 { return 1 - decay.At(t/100, 1) }), 100, 20)
	fmt.Printf("%.2f %.2f %.2f\n", lr.Value(99), lr.Value(100), lr.Value(130))
	// Output:
	// 0.01 0.80 0.50
}

type valuer func(t float64) float64

func (f valuer) Value(t float64) float64 { return f(t) }

func ExampleContext() {
	// A score that is a coin, the same whoever draws it.
	coin := prune.ScorerFunc[float64](func(dst []float64, c *prune.Context[float64]) error {
		rng := c.Rand()
		for i := range dst {
			dst[i] = rng.Float64()
		}
		return nil
	})
	params := []*tensor.Param[float64]{{Name: "w", Shape: []int{2, 2}, Data: []float64{1, 1, 1, 1}}}
	masks, err := prune.ComputeMasks(params, prune.WithSparsity(0.5), prune.WithScorer(coin))
	fmt.Println(masks.Get("w").Count(), err)
	// Output:
	// 2 <nil>
}

func ExampleFixedPattern() {
	var p prune.FixedPattern = prune.NM(2, 4)
	fmt.Println(p.Sparsity())
	// Output:
	// 0.5
}
