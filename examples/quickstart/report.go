package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/schedule"
)

// point is what the model had become at the end of a cycle, and what it had cost.
type point struct {
	epochs        int
	seconds       float64
	accuracy, nll float64
}

// preview draws the learning rate of the whole run.
func preview(lr schedule.Cyclic, total int) error {
	line, err := schedule.Sparkline(lr, 0, float64(total-1), 72)
	if err != nil {
		return err
	}
	fmt.Printf("learning rate  %s\n", line)
	return nil
}

// report draws the tradeoff curve and says what it cost.
func report(points []point) {
	last := points[len(points)-1]
	fmt.Printf("\nread off this one run:\n%s", chart.Text([]chart.Series{curveOf(points)}, "epochs", "accuracy %"))
	best, sum := points[0], 0
	for _, p := range points {
		sum += p.epochs
		if p.accuracy > best.accuracy {
			best = p
		}
	}
	fmt.Printf("\nBest accuracy %.2f%% after %d epochs and %.2f s of training.\n",
		100*best.accuracy, best.epochs, best.seconds)
	fmt.Printf("The curve cost %d epochs; a run of its own for each point would have cost %d, %.2f times as many.\n",
		last.epochs, sum, float64(sum)/float64(last.epochs))
}

// compare says whether a point of the curve is what a run of its own gives, as Portes et al. claim of cycles that
// double in length, and how small a difference n images can show. The standard error is that of the difference of two
// accuracies on n images; one 2.8 times as large is beyond two standard errors in four of five test sets.
func compare(cyclic, own point, n int) {
	variance := func(p point) float64 { return p.accuracy * (1 - p.accuracy) / float64(n) }
	sigma := math.Sqrt(variance(cyclic) + variance(own))
	verdict := "no difference seen"
	if math.Abs(cyclic.accuracy-own.accuracy) > 2*sigma {
		verdict = "they differ"
	}
	fmt.Printf("\nPortes et al. 2022 claim that the end of a cycle stands for a run of its own of that length.\n")
	fmt.Printf("After %d epochs the cyclic run has %.2f%%, a run of its own %.2f%%: %s.\n", own.epochs,
		100*cyclic.accuracy, 100*own.accuracy, verdict)
	fmt.Printf("Two standard errors are %.2f points, and %d test images show a difference of %.2f points four times in "+
		"five: one\nrun cannot tell more. RESULTS.md has thirty seeds.\n", 200*sigma, n, 280*sigma)
}

// curveOf is accuracy in per cent over epochs.
func curveOf(points []point) chart.Series {
	curve := chart.Series{Name: "at the ends of cycles"}
	for _, p := range points {
		curve.Points = append(curve.Points, chart.Point{X: float64(p.epochs), Y: 100 * p.accuracy})
	}
	return curve
}

// save writes curve.csv, curve.svg and lr.svg.
func save(points []point, lr schedule.Cyclic, total int, dir string) error {
	var csv strings.Builder
	csv.WriteString("epochs,seconds,accuracy,nll\n")
	for _, p := range points {
		fmt.Fprintf(&csv, "%d,%.3f,%.6f,%.6f\n", p.epochs, p.seconds, p.accuracy, p.nll)
	}
	var rate bytes.Buffer
	if err := schedule.WriteSVG(&rate, "learning rate", lr, schedule.Steps, 0, float64(total-1)); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"curve.csv", []byte(csv.String())}, {"lr.svg", rate.Bytes()}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", filepath.Join(dir, f.name))
	}
	name := filepath.Join(dir, "curve.svg")
	fmt.Println("wrote", name)
	return chart.WriteSVG(name, "tradeoff curve of one run", "epochs", "accuracy %", []chart.Series{curveOf(points)})
}
