package tradeoff

import (
	"fmt"
	"os"
)

func ExampleDominates() {
	hours := []float64{1, 2, 4, 8}
	base, _ := NewCurve(hours, []float64{0.71, 0.745, 0.764, 0.769}, HigherBetter)
	method, _ := NewCurve(hours, []float64{0.708, 0.749, 0.770, 0.781}, HigherBetter)
	fmt.Println(Dominates(base, method, 0))
	fmt.Println(Dominates(base, method, 0.005)) // half a point worse at the start does not matter
	// Output:
	// false <nil>
	// true <nil>
}

func ExampleWriteBenchfmt() {
	base, _ := NewCurve([]float64{10, 20}, []float64{0.8, 0.9}, HigherBetter)
	fast, _ := NewCurve([]float64{5, 10}, []float64{0.8, 0.9}, HigherBetter)
	arms := []Arm{{Task: "digits", Runs: Runs{"baseline", []Curve{base}}},
		{Task: "digits", Runs: Runs{"fast", []Curve{fast}}}}
	if err := WriteBenchfmt(os.Stdout, arms, "seconds", "accuracy", 0.85); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Unit accuracy better=higher
	// Unit seconds-to-0.85 better=lower
	// BenchmarkTrain/task=digits/model=none/method=baseline 1 20 seconds-to-0.85 0.9 accuracy
	// BenchmarkTrain/task=digits/model=none/method=fast 1 10 seconds-to-0.85 0.9 accuracy
}

func ExampleRunsNeeded() {
	reach := func(name string, seconds ...float64) Runs {
		r := Runs{Name: name}
		for _, s := range seconds {
			c, err := NewCurve([]float64{s / 2, s}, []float64{0.5, 0.94}, HigherBetter)
			if err != nil {
				panic(err)
			}
			r.Curves = append(r.Curves, c)
		}
		return r
	}
	base, method := reach("base", 310, 340, 295), reach("method", 280, 305, 255)
	e, err := Speedup(base, method, AtQuality(0.94))
	if err != nil {
		panic(err)
	}
	fmt.Println(e) // not yet a claim: the interval has 1 in it
	n, err := RunsNeeded(base, method, AtQuality(0.94), ForSpeedup(1.1))
	if err != nil {
		panic(err)
	}
	fmt.Println(n)
	// Output:
	// 1.126 [0.9334, 1.358] 95% log-t n=3
	// 13 runs of each arm: a speedup of 1.1 is told from 1 with probability 0.82 at level 95% (sd of log times 0.081)
}

func ExampleBranches() {
	var branches Branches
	for _, b := range []struct{ fork, decay, accuracy float64 }{ // epochs
		{1.6, 0.4, 0.877}, {3.2, 0.8, 0.926}, {6.4, 1.6, 0.928}, {12.8, 3.2, 0.931},
	} {
		branches = append(branches, Branch{b.fork, b.decay, b.accuracy})
	}
	curve, err := branches.Curve(HigherBetter)
	if err != nil {
		panic(err)
	}
	fmt.Println(curve.Points())
	fmt.Printf("%.1f epochs instead of %.1f\n", branches.Cost(), branches.SeparateCost())
	// Output:
	// [{2 0.877} {4 0.926} {8 0.928} {16 0.931}]
	// 18.8 epochs instead of 30.0
}
