package eval_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/prune/eval"
)

// Where the points of one tradeoff curve lie relative to another.
func ExampleCompare() {
	ours := []eval.Point{{X: 2, Y: 0.95}, {X: 3, Y: 0.91}, {X: 6, Y: 0.86}, {X: 64, Y: 0.3}}
	other := []eval.Point{{X: 1, Y: 0.95}, {X: 4, Y: 0.92}, {X: 8, Y: 0.85}, {X: 16, Y: 0.7}}
	points, places, err := eval.Compare(ours, other)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, p := range points {
		fmt.Println(p, places[i])
	}
	// Output:
	// {2 0.95} dominant
	// {3 0.91} dominated
	// {6 0.86} below
	// {64 0.3} incomparable
}

// The checklist on a study that has hardly begun.
func ExampleStudy_Review() {
	s := eval.Study{
		Library: "espalier", Hardware: "a laptop", Code: "example.org/code", Year: 2024,
		Datasets: map[string]eval.Dataset{"MNIST": {Classes: 10, Toy: true}},
		Methods:  map[string]eval.Method{"ours": {Roles: []eval.Role{eval.Proposed}, Provenance: eval.Ours}},
		Results: []eval.Result{{Dataset: "MNIST", Model: "LeNet-5", Method: "ours", Target: 4, Size: 400, Kept: 100, Ratio: 4,
			MACs: 900, MACsNZ: 300, Speedup: 3, Top1: 0.98, Selection: eval.Last, InitialHash: "a", ConfigHash: "b"}},
	}
	findings, err := s.Review()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		if f.Severity == eval.Error {
			fmt.Println(f)
		}
	}
	// Output:
	// P05 error: the unpruned model of every seed as a control: MNIST/LeNet-5 seed 0
	// P06 error: five operating points per curve, the largest 8* times the smallest: MNIST/LeNet-5 ours has 1 points from 4 to 4
	// P09 error: three* runs or more per point, with separate seeds: MNIST/LeNet-5 ours at 4 has 1
	// P10 error: random pruning as a baseline, uniform and with the method's own layer proportions: MNIST/LeNet-5 has no uniform one; MNIST/LeNet-5 has no matched one
	// P11 error: magnitude pruning as a baseline, global or uniform and with the method's own layer proportions: MNIST/LeNet-5 has no global or uniform one; MNIST/LeNet-5 has no matched one
}
