package tradeoff

import "fmt"

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
