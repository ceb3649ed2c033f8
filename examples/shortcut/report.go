package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/examples/shortcut/stripes"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// values is the AUC of every seed at an agreement.
func values(results []stripes.Outcome, agreement float64) []float64 {
	var x []float64
	for _, o := range results {
		x = append(x, o.At(agreement))
	}
	return x
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// report prints the curves and what the paper claims.
func report(results map[string][]stripes.Outcome) error {
	fmt.Printf("AUC of the digit on test data, by how often the stripes go with it (training: %.1f); mean over seeds\n",
		stripes.Agreement)
	fmt.Printf("%-22s %6s %6s %6s   %-10s %s\n", "", ".1", ".5", ".9", "tells v", "audits")
	for _, m := range stripes.Methods {
		own := results[m.Name]
		tells := 0.0
		verdicts := map[causal.Verdict]int{}
		for _, o := range own {
			tells += o.Tells / float64(len(own))
			verdicts[o.Verdict]++
		}
		fmt.Printf("%-22s %6.3f %6.3f %6.3f   %-10.3f %s\n",
			m.Name, mean(values(own, .1)), mean(values(own, .5)), mean(values(own, .9)), tells,
			counts(verdicts))
	}
	fmt.Println("\nThe column tells v is the AUC of the stripes by the score among images of one class: 0.5 tells " +
		"nothing of them.")
	return claims(results)
}

func counts(verdicts map[causal.Verdict]int) string {
	var parts []string
	for _, v := range []causal.Verdict{causal.Clean, causal.UsesShortcut, causal.OverCorrected, causal.CannotTell} {
		if n := verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// claims prints what the paper says and whether it was found just now.
func claims(results map[string][]stripes.Outcome) error {
	if len(results[stripes.Plain]) < 2 {
		return nil
	}
	gain := func(a, b string) (stats.Estimate, error) {
		return stats.PairedDifference(values(results[a], .1), values(results[b], .1))
	}
	full, err1 := gain(stripes.Ours, stripes.Plain)
	alone, err2 := gain(stripes.WeightsOnly, stripes.Plain)
	penalty, err3 := gain(stripes.Ours, stripes.WeightsOnly)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	say := func(lo, hi float64, text string, args ...any) {
		verdict := "cannot be told with so few seeds"
		switch {
		case lo > 0:
			verdict = "confirmed"
		case hi < 0:
			verdict = "NOT confirmed"
		}
		fmt.Printf("  %s: %s\n", fmt.Sprintf(text, args...), verdict)
	}
	fmt.Println("\nWith the stripes against the label in nine images of ten, differences of AUC with 95 % intervals " +
		"over seeds:")
	say(full.Lo, full.Hi, "weights and penalty beat plain training, by %v", full)
	say(penalty.Lo, penalty.Hi, "the penalty adds to the weights, by %v", penalty)
	fmt.Printf("  weights alone are %.0f %% of the gain: %v\n", 100*alone.Value/full.Value, alone)
	inverted := mean(values(results[stripes.PenaltyOnly], .1)) - mean(values(results[stripes.PenaltyOnly], .9))
	say(inverted, inverted, "without weights the penalty over-corrects: AUC %.3f against and %.3f with the stripes",
		mean(values(results[stripes.PenaltyOnly], .1)), mean(values(results[stripes.PenaltyOnly], .9)))
	return nil
}

// save writes all curves.
func save(dir string, results map[string][]stripes.Outcome) error {
	csv := "method,seed,agreement,auc\n"
	var series []chart.Series
	for _, m := range stripes.Methods {
		s := chart.Series{Name: m.Name}
		for k, o := range results[m.Name] {
			for i, a := range stripes.Agreements {
				csv += fmt.Sprintf("%q,%d,%g,%g\n", m.Name, k, a, o.AUC[i])
			}
		}
		for _, a := range stripes.Agreements {
			s.Points = append(s.Points, chart.Point{X: a, Y: mean(values(results[m.Name], a))})
		}
		series = append(series, s)
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "results.csv"), []byte(csv), 0o644),
		chart.WriteSVG(filepath.Join(dir, "auc.svg"), "trained at 0.9", "P(v=y) of the test data", "AUC", series))
}
