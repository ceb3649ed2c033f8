package prune_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

func ExampleFill() {
	m, _ := prune.ParseMask("0110")
	x := make([]float32, 4)
	prune.Fill(m, x)
	fmt.Println(x)
	// Output: [0 1 1 0]
}

func ExamplePruner_Due() {
	w := &tensor.Param[float32]{Name: "w", Shape: []int{1, 4}, Data: []float32{1, -3, 2, 0.5}}
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5), prune.WithSchedule(prune.OneShot(2)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for step := range 4 {
		due := p.Due(step)
		if _, err := p.Step(step); err != nil {
			fmt.Println(err)
		}
		fmt.Println(step, due, w.Data)
	}
	// Output:
	// 0 false [1 -3 2 0.5]
	// 1 false [1 -3 2 0.5]
	// 2 true [0 -3 2 0]
	// 3 false [0 -3 2 0]
}

// The second weight is that of a transposed layer, which holds its inputs first.
func ExampleWithLayouts() {
	params := []*tensor.Param[float32]{
		{Name: "encoder.weight", Shape: []int{2, 4}, Data: []float32{1, 2, 3, 4, 9, 9, 9, 9}},
		{Name: "decoder.weight", Shape: []int{4, 2}, Data: []float32{1, 9, 2, 9, 3, 9, 4, 9}},
	}
	masks, err := prune.ComputeMasks(params, prune.WithSparsity(0.5), prune.WithScope(prune.PerRow),
		prune.WithLayouts(map[string]prune.Layout{"decoder.weight": prune.OutputLast}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for name, mask := range masks.All() {
		fmt.Println(name, mask)
	}
	// Output:
	// encoder.weight 00111100
	// decoder.weight 01011010
}
