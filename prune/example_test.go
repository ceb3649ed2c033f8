package prune_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// A model is pruned to an eighth of its size while it trains.
func Example() {
	rng := tensor.Stream(1)
	hidden := nn.Must(nn.NewLinear[float32](8, 64, rng))
	hidden.Act = tensor.ReLUActivation
	model := nn.NewSequential[float32](hidden, nn.Must(nn.NewLinear[float32](64, 1, rng)))
	params := model.Params()
	opt := nn.NewAdam[float32](0.01)

	pruner, err := prune.New(params,
		prune.WithCompression(8),
		prune.WithScope(prune.Global),
		prune.WithSchedule(prune.Cubic(50, 350)),
		prune.WithMACs(map[string]int64{"0.weight": prune.LinearMACs(8, 64), "1.weight": prune.LinearMACs(64, 1)}))
	if err != nil {
		fmt.Println(err)
		return
	}
	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) {
		first, second := opt.State(p)
		visit(first)
		visit(second)
	})

	var loss nn.MSE[float32]
	x, y := tensor.NewDense[float32](32, 8), make([]float32, 32)
	for step := range 500 {
		for i := range y {
			row := x.Data[8*i : 8*i+8]
			for j := range row {
				row[j] = float32(rng.NormFloat64())
			}
			y[i] = row[0]*row[1] + row[2]
		}
		_, grad, err := loss.Eval(model.Forward(x, true), y)
		if err != nil {
			fmt.Println(err)
			return
		}
		nn.ZeroGrad(params)
		model.Backward(grad)
		if err := opt.Step(params); err != nil {
			fmt.Println(err)
			return
		}
		if _, err := pruner.Step(step); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := pruner.Finish(); err != nil {
		fmt.Println(err)
		return
	}
	stats := pruner.Stats()
	fmt.Printf("%d of %d parameters, compression %.2f, collapsed layers: %d\n",
		stats.Kept, stats.Size, stats.Compression(), len(stats.Collapsed))
	// Output: 80 of 641 parameters, compression 8.01, collapsed layers: 0
}

// Masks without a pruner: 2:4 sparsity of a trained weight.
func ExampleComputeMasks() {
	w := &tensor.Param[float64]{Name: "fc.weight", Shape: []int{2, 8}, Data: []float64{
		1, -2, 3, -4, 0.1, 0.2, 0.4, 0.3,
		5, 5, 5, 5, -1, 0, 1, 0,
	}}
	masks, err := prune.ComputeMasks([]*tensor.Param[float64]{w}, prune.WithPattern(prune.NM(2, 4)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(masks.Get("fc.weight"))
	// Output: 0011001111001010
}

// A target that cannot be reached says what can.
func ExampleWithCompression() {
	params := []*tensor.Param[float32]{
		{Name: "fc.weight", Shape: []int{10, 90}, Data: make([]float32, 900)},
		{Name: "head.weight", Shape: []int{10, 10}, Data: make([]float32, 100)},
	}
	_, err := prune.New(params, prune.WithFixed("head.weight"), prune.WithCompression(16))
	var infeasible *prune.InfeasibleError
	if errors.As(err, &infeasible) {
		fmt.Printf("%.1f times at most\n", infeasible.MaxFeasible)
	}
	// Output: 9.9 times at most
}

// Any function of the step is a schedule, here one of package schedule.
func ExampleFollow() {
	params := []*tensor.Param[float32]{{Name: "w", Shape: []int{10, 10}, Data: floats(tensorRamp(100))}}
	ramp := schedule.Warmup{Over: 100, Then: schedule.Linear{From: 0.8, To: 0.9, Over: 100}}
	s := prune.Follow(ramp, 0, 200)
	s.Every = 50
	pruner, err := prune.New(params, prune.WithSchedule(s))
	if err != nil {
		fmt.Println(err)
		return
	}
	for step := range 201 {
		info, err := pruner.Step(step)
		if err != nil {
			fmt.Println(err)
			return
		}
		if info.Updated {
			fmt.Printf("%d: %.2f\n", step, info.Sparsity)
		}
	}
	// Output:
	// 0: 0.00
	// 50: 0.40
	// 100: 0.80
	// 150: 0.85
	// 200: 0.90
}

// A score of one's own.
func ExampleScorerFunc() {
	distance := func(initial map[string][]float32) prune.Scorer[float32] {
		return prune.ScorerFunc[float32](func(dst []float32, c *prune.Context[float32]) error {
			for i, w := range c.Param.Data {
				d := w - initial[c.Info.Name][i]
				dst[i] = max(d, -d)
			}
			return nil
		})
	}
	w := &tensor.Param[float32]{Name: "w", Shape: []int{1, 4}, Data: []float32{5, 1, -3, 2}}
	masks, err := prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5),
		prune.WithScorer(distance(map[string][]float32{"w": {5, 0, 0, 2}})))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(masks.Get("w"))
	// Output: 0110
}

// The lottery ticket procedure: prune a fifth of what remains, go back to early weights, train again.
func ExamplePruner_Rewind() {
	w := &tensor.Param[float32]{Name: "w", Shape: []int{5, 20}, Data: floats(tensorRamp(100))}
	train := func() { // stands for an epoch or many
		for i := range w.Data {
			w.Data[i] *= 1.5
		}
	}
	const rounds = 3
	pruner, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(1-0.8*0.8*0.8),
		prune.WithSchedule(prune.Iterative(0, 1, rounds)))
	if err != nil {
		fmt.Println(err)
		return
	}
	early := pruner.Snapshot()
	for round := range rounds {
		train()
		info, err := pruner.Step(round)
		if err == nil {
			err = pruner.Rewind(early)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("round %d: %.2f left\n", round, 1-info.Sparsity)
	}
	fmt.Println(w.Data[99] == early["w"][99], w.Data[0])
	// Output:
	// round 0: 0.80 left
	// round 1: 0.64 left
	// round 2: 0.51 left
	// true 0
}

// The table of a pruned model.
func ExampleStats() {
	params := []*tensor.Param[float32]{
		{Name: "fc.weight", Shape: []int{10, 90}, Data: floats(tensorRamp(900))},
		{Name: "fc.bias", Shape: []int{10}, Data: make([]float32, 10)},
	}
	pruner, err := prune.New(params, prune.WithSpeedup(4),
		prune.WithMACs(map[string]int64{"fc.weight": prune.LinearMACs(90, 10)}))
	if err == nil {
		_, err = pruner.Step(0)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(pruner.Stats().String()) {
		fmt.Println(strings.TrimSpace(line))
	}
	// Output:
	// parameter    shape  size  kept  sparsity  MACs  kept
	// fc.weight  [10 90]   900   225    0.7500   900   225
	// fc.bias     [10]    10    10    0.0000     0     0 not pruned
	// model            910   235    0.7500   900   225
	// compression 3.872, theoretical speedup 4
}
