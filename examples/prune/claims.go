package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/examples/prune/study"
	"github.com/espalier-ml/espalier/prune/eval"
)

// claim is an assertion about the results that must hold for every seed and every compression it names.
type claim struct {
	text string
	at   []float64
	test func(f study.Finder, c float64) bool
}

func beats(a, b string) func(study.Finder, float64) bool {
	return func(f study.Finder, c float64) bool { return f.Accuracy(a, c) > f.Accuracy(b, c) }
}

func noWorse(a, b string) func(study.Finder, float64) bool {
	return func(f study.Finder, c float64) bool { return f.Accuracy(a, c) >= f.Accuracy(b, c) }
}

// convolutional are the claims about the convolutional network. The two about weights A and B compare a worse method on
// better weights with a better method on worse ones.
var convolutional = []claim{
	{"global beats layerwise magnitude", []float64{4, 8, 16},
		beats(study.GlobalMagnitude, study.LayerMagnitude)},
	{"magnitude is no worse than gradient", []float64{4, 8, 16},
		noWorse(study.GlobalMagnitude, study.GlobalGradient)},
	{"layerwise magnitude beats random", []float64{4, 8, 16},
		beats(study.LayerMagnitude, study.Random)},
	{"global magnitude beats random with its proportions",
		[]float64{4, 8, 16}, beats(study.GlobalMagnitude, study.Matched)},
	{"random with its proportions beats uniform random",
		[]float64{4, 8, 16}, beats(study.Matched, study.Random)},
	{"layerwise has 1.4 times the speedup of global", []float64{4, 8, 16}, func(f study.Finder, c float64) bool {
		return f.Get(study.LayerMagnitude, c).Speedup >= 1.4*f.Get(study.GlobalMagnitude, c).Speedup
	}},
	{"global beats layerwise with weights B too",
		[]float64{4, 8, 16}, beats(study.GlobalB, study.LayerB)},
	{"yet layerwise on weights A beats global on weights B",
		[]float64{4}, beats(study.LayerMagnitude, study.GlobalB)},
	{"and the change of accuracy favours weights B instead", []float64{4}, func(f study.Finder, c float64) bool {
		a, b := f.Get(study.GlobalMagnitude, c), f.Get(study.GlobalB, c)
		return b.Top1-f.Start(b) > a.Top1-f.Start(a)
	}},
}

var perceptron = []claim{
	{"layerwise beats global magnitude: the sign depends on the network",
		[]float64{16, 32}, beats(study.LayerMagnitude, study.GlobalMagnitude)},
	{"global magnitude on weights B loses a whole layer, and it is noticed",
		[]float64{16}, func(f study.Finder, c float64) bool { return len(f.Get(study.GlobalB, c).Collapsed) > 0 }},
}

var leNet = []claim{
	{"global magnitude is no worse than global gradient",
		study.Compressions, noWorse(study.GlobalMagnitude, study.GlobalGradient)},
	{"global magnitude is no worse than random",
		study.Compressions, noWorse(study.GlobalMagnitude, study.Random)},
	{"global magnitude is no worse than random with its proportions",
		study.Compressions, noWorse(study.GlobalMagnitude, study.Matched)},
	{"random with its proportions is no worse than uniform random",
		study.Compressions, noWorse(study.Matched, study.Random)},
	{"layerwise magnitude is no worse than random",
		[]float64{4, 8, 16, 32}, noWorse(study.LayerMagnitude, study.Random)},
	{"global beats layerwise magnitude", []float64{32}, beats(study.GlobalMagnitude, study.LayerMagnitude)},
}

// verdicts prints what was claimed and what was found just now.
func verdicts(results []eval.Result, model string, claims []claim, seeds []uint64) {
	fmt.Printf("\nClaims about the %s, each for %d seeds:\n", model, len(seeds))
	for _, c := range claims {
		held, of := 0, 0
		var misses []string
		for _, x := range c.at {
			for _, seed := range seeds {
				of++
				if c.test(study.Finder{Results: results, Model: model, Seed: seed}, x) {
					held++
				} else {
					misses = append(misses, fmt.Sprintf("%v/seed %d", x, seed))
				}
			}
		}
		word := "confirmed"
		if held < of {
			word = "NOT confirmed"
		}
		at := strings.Trim(fmt.Sprint(c.at), "[]")
		fmt.Printf("  %-14s %2d/%-2d  %s (compression %s)", word, held, of, c.text, at)
		if len(misses) > 0 {
			fmt.Printf(", not at %s", strings.Join(misses[:min(4, len(misses))], ", "))
		}
		fmt.Println()
	}
}

// table prints mean accuracies, and theoretical speedups where they are told apart.
func table(s *eval.Study, dataset, model string) {
	fmt.Printf("\n%s, test accuracy in %% over seeds: mean, and sample standard deviation\n%-22s", model, "")
	for _, c := range study.Compressions {
		fmt.Printf(" %12v", c)
	}
	fmt.Printf("  speedup at 8, 16\n")
	for _, st := range study.Strategies {
		curve := s.Curve(dataset, model, st.Name, eval.ByCompression)
		if len(curve) == 0 {
			continue
		}
		fmt.Printf("%-22s", st.Name)
		if curve[0].Target == 1 {
			fmt.Printf("  %5.1f ±%4.1f  (not pruned)\n", 100*curve[0].Mean, 100*curve[0].Std)
			continue
		}
		for _, p := range curve {
			fmt.Printf("  %5.1f ±%4.1f", 100*p.Mean, 100*p.Std)
		}
		for _, p := range s.Curve(dataset, model, st.Name, eval.BySpeedup) {
			if p.Target == 8 || p.Target == 16 {
				fmt.Printf(" %5.1f", p.X)
			}
		}
		fmt.Println()
	}
}

// collapses prints the layers that lost all of their weights.
func collapses(results []eval.Result) {
	seen := map[string]int{}
	var order []string
	for _, r := range results {
		if len(r.Collapsed) > 0 {
			k := fmt.Sprintf("%s, %s at %v: %s", r.Model, r.Method, r.Target, strings.Join(r.Collapsed, ", "))
			if r.EffectiveRatio > 0 {
				k += fmt.Sprintf(", so that only 1 weight in %.0f is on a path", r.EffectiveRatio)
			}
			if seen[k]++; !slices.Contains(order, k) {
				order = append(order, k)
			}
		}
	}
	if len(order) > 0 {
		fmt.Println("\nLayers without a single weight left:")
	}
	for _, k := range order {
		fmt.Printf("  %s (%d runs)\n", k, seen[k])
	}
}
