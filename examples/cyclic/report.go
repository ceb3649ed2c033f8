package main

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/examples/cyclic/curves"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

func accuracyOf(r curves.Result) map[string]tradeoff.Curve { return r.Accuracy }
func lossOf(r curves.Result) map[string]tradeoff.Curve     { return r.Loss }

// fidelity compares the mean curves of both kinds.
func fidelity(results []curves.Result, curve func(curves.Result) map[string]tradeoff.Curve) (tradeoff.Fidelity, error) {
	std, err := curves.Means(results, curves.Separate, curve)
	if err != nil {
		return tradeoff.Fidelity{}, err
	}
	cyc, err := curves.Means(results, curves.OneRun, curve)
	if err != nil {
		return tradeoff.Fidelity{}, err
	}
	return tradeoff.CompareCurves(std, cyc, tradeoff.WithBaseline(curves.Recipes[0].Name))
}

// report prints both curves, how they differ, and what was claimed.
func report(results []curves.Result) error {
	std, err := curves.Means(results, curves.Separate, accuracyOf)
	if err != nil {
		return err
	}
	cyc, err := curves.Means(results, curves.OneRun, accuracyOf)
	if err != nil {
		return err
	}
	var series []chart.Series
	fmt.Printf("\naccuracy in %%, separate runs | one cyclic run, after %v epochs\n", epochs(std[results[0].Recipe]))
	for _, r := range curves.Recipes {
		if _, ok := std[r.Name]; !ok {
			continue
		}
		fmt.Printf("  %-16s", r.Name)
		for i, of := range []map[string]tradeoff.Curve{std, cyc} {
			if i > 0 {
				fmt.Print("  |")
			}
			for _, p := range of[r.Name].Points() {
				fmt.Printf(" %5.2f", p.Quality)
			}
		}
		fmt.Println()
		if r.Name == curves.Recipes[0].Name {
			series = append(series, points("separate runs", std[r.Name]), points("one cyclic run", cyc[r.Name]))
		}
	}
	fmt.Printf("\n%s\n%s", curves.Recipes[0].Name, chart.Text(series, "steps", "accuracy %"))
	accuracy, err := fidelity(results, accuracyOf)
	if err != nil {
		return err
	}
	loss, err := fidelity(results, lossOf)
	if err != nil {
		return err
	}
	fmt.Printf("\naccuracy of separate runs less that of the cyclic run, in points\n%v\nloss\n%v", accuracy, loss)
	verdicts(accuracy, loss, std, cyc)
	return reliability(results)
}

func epochs(c tradeoff.Curve) []float64 {
	var e []float64
	for _, p := range c.Points() {
		e = append(e, p.Cost/curves.EpochSteps)
	}
	return e
}

func points(name string, c tradeoff.Curve) chart.Series {
	s := chart.Series{Name: name}
	for _, p := range c.Points() {
		s.Points = append(s.Points, chart.Point{X: p.Cost, Y: p.Quality})
	}
	return s
}

// verdicts prints what the paper and this project claim and whether it was found just now.
func verdicts(accuracy, loss tradeoff.Fidelity, std, cyc map[string]tradeoff.Curve) {
	say := func(ok bool, text string, args ...any) {
		word := "confirmed    "
		if !ok {
			word = "NOT confirmed"
		}
		fmt.Printf("  %s  %s\n", word, fmt.Sprintf(text, args...))
	}
	fmt.Println()
	say(accuracy.RMSE < 0.6, "one run's curve is that of separate runs: accuracy within 0.6 points (RMSE %.2f, most %.2f)",
		accuracy.RMSE, accuracy.MaxAbs)
	tau := leastTau(loss)
	say(tau >= 0.8, "it puts the recipes in the same order by loss at every length (least tau-b %.2f, want 0.8)", tau)
	gap := 0.3
	agree, pairs := accuracy.PairAgreement(gap)
	say(pairs == 0 || float64(agree) >= 0.95*float64(pairs),
		"pairs of recipes more than %.1f points apart keep their order (%d of %d)", gap, agree, pairs)
	ratio := accuracy.Recipes[0].CostRatio
	say(math.Abs(ratio-1.969) < 0.001, "six separate runs take 1.97 times the steps of one cyclic run (%.3f)", ratio)
	base := curves.Recipes[0].Name
	lost, read := lostBy(std[base], cyc[base])
	say(lost < 0.5, "training the %s recipe as long as the cyclic curve says, %g epochs, costs less than half a point "+
		"(%.2f)", base, read/curves.EpochSteps, lost)
}

// lostBy is how far a run of the length at which the cyclic curve is best lies below the best of the separate runs, and
// that length in steps.
func lostBy(std, cyc tradeoff.Curve) (lost, steps float64) {
	best := cyc.Best()
	i := slices.IndexFunc(cyc.Points(), func(p tradeoff.Point) bool { return p == best })
	return std.Best().Quality - std.Points()[i].Quality, best.Cost
}

// leastTau is the least rank agreement over lengths.
func leastTau(f tradeoff.Fidelity) float64 {
	least := math.Inf(1)
	for _, b := range f.Budgets {
		least = min(least, b.KendallTau)
	}
	return least
}

// reliability prints how well the curves of a single seed rank the recipes, of either kind, against the means of
// separate runs.
func reliability(results []curves.Result) error {
	for _, k := range []struct {
		name  string
		curve func(curves.Result) map[string]tradeoff.Curve
	}{{"accuracy", accuracyOf}, {"loss", lossOf}} {
		truth, err := curves.Means(results, curves.Separate, k.curve)
		if err != nil {
			return err
		}
		bySeed := map[uint64][]curves.Result{}
		for _, r := range results {
			bySeed[r.Seed] = append(bySeed[r.Seed], r)
		}
		mean := map[string]float64{}
		for _, kind := range curves.Kinds {
			n := 0
			for _, seed := range slices.Sorted(maps.Keys(bySeed)) {
				for i := range truth[results[0].Recipe].Len() {
					var x, y []float64
					for _, r := range bySeed[seed] {
						x = append(x, truth[r.Recipe].Points()[i].Quality)
						y = append(y, k.curve(r)[kind].Points()[i].Quality)
					}
					if tau, err := stats.KendallTau(x, y); err == nil {
						mean[kind] += tau
						n++
					}
				}
			}
			mean[kind] /= float64(n)
		}
		fmt.Printf("  one seed ranks by %s: tau-b %.2f from a cyclic run, %.2f from a sweep of separate runs, which is "+
			"one of those it is judged by\n", k.name, mean[curves.OneRun], mean[curves.Separate])
	}
	return nil
}
