package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/maddness/amm"
)

// The quantities that are shown; NaN is not shown.
func nmse(r result) float64 {
	if r.refit {
		return math.NaN()
	}
	return r.report.NMSE
}

func accuracy(r result) float64 { return 100 * r.report.Accuracy }

func rowMajor(r result) float64 { return positive(r.report.NsPerRow) }

func featureMajor(r result) float64 { return positive(r.report.NsPerRowT) }

func positive(v float64) float64 {
	if v > 0 {
		return v
	}
	return math.NaN()
}

// find returns the result of a method with a size, any size if it has only one.
func find(results []result, method string, size int) (result, bool) {
	for _, r := range results {
		if r.method == method && (r.size == size || r.counted == amm.Fixed) {
			return r, true
		}
	}
	return result{}, false
}

// methods lists the names in the order of their first results.
func methods(results []result) []string {
	var names []string
	for _, r := range results {
		if !slices.Contains(names, r.method) {
			names = append(names, r.method)
		}
	}
	return names
}

// table prints one quantity of all methods and sizes.
func table(s settings, results []result, title string, value func(result) float64) {
	fmt.Printf("\n%s\n%-18s", title, "")
	for _, size := range s.sizes {
		fmt.Printf(" %8d", size)
	}
	fmt.Println()
	for _, name := range methods(results) {
		var line strings.Builder
		any := false
		for _, size := range s.sizes {
			r, ok := find(results, name, size)
			if v := value(r); ok && v == v && (r.counted != amm.Fixed || size == s.sizes[0]) {
				fmt.Fprintf(&line, " %8.4g", v)
				any = true
			} else {
				fmt.Fprintf(&line, " %8s", "")
			}
		}
		if any {
			fmt.Printf("%-18s%s\n", name, strings.TrimRight(line.String(), " "))
		}
	}
}

// costs prints what each method does for a row, at the size in the middle.
func costs(s settings, results []result) {
	size := s.sizes[len(s.sizes)/2]
	fmt.Printf("\nper row at size %d, or the largest below:  multiplies     adds compares  lookups\n", size)
	for _, name := range methods(results) {
		for k := len(s.sizes) / 2; k >= 0; k-- {
			if r, ok := find(results, name, s.sizes[k]); ok {
				c := r.report.Cost
				fmt.Printf("%-42s %10d %8d %8d %8d\n", name, c.Multiplies, c.Adds, c.Compares, c.Lookups)
				break
			}
		}
	}
}

// drawn are the methods whose curves are drawn.
var drawn = []string{ours, labels, paper, "MaddnessPQ", "Bolt", "PCA", "Gauss"}

func curves(s settings, results []result, value func(result) float64) []chart.Series {
	var all []chart.Series
	for _, name := range drawn {
		c := chart.Series{Name: name}
		for _, size := range s.sizes {
			if r, ok := find(results, name, size); ok {
				if v := value(r); v == v {
					c.Points = append(c.Points, chart.Point{X: float64(size), Y: v})
				}
			}
		}
		if len(c.Points) > 1 {
			all = append(all, c)
		}
	}
	return all
}

func logarithm(value func(result) float64) func(result) float64 {
	return func(r result) float64 { return math.Log10(value(r)) }
}

// save writes all results and three pictures.
func save(s settings, results []result) error {
	var csv strings.Builder
	csv.WriteString("method,size,nmse,accuracy,exact_accuracy,agreement,ns_per_row," +
		"ns_per_row_feature_major,multiplies,adds,compares,lookups\n")
	for _, r := range results {
		p, c := r.report, r.report.Cost
		fmt.Fprintf(&csv, "%q,%d,%g,%g,%g,%g,%g,%g,%d,%d,%d,%d\n", r.method, r.size,
			p.NMSE, p.Accuracy, p.ExactAccuracy, p.Agreement, p.NsPerRow, p.NsPerRowT, c.Multiplies, c.Adds, c.Compares,
			c.Lookups)
	}
	picture := func(name, title, y string, value func(result) float64) error {
		return chart.WriteSVG(filepath.Join(s.out, name), title, "codebooks or dimensions", y, curves(s, results, value))
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(s.out, "results.csv"), []byte(csv.String()), 0o644),
		picture("accuracy.svg", "the last layer replaced", "accuracy %", accuracy),
		picture("nmse.svg", "error of the last layer", "log10 NMSE", logarithm(nmse)),
		picture("time.svg", "time of the last layer, feature-major", "log10 ns per row", logarithm(featureMajor)))
	if err == nil {
		fmt.Println("wrote", s.out)
	}
	return err
}
