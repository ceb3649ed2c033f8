package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/espalier-ml/espalier/examples/mlm/window"
)

// writeCurves writes the loss at every evaluation: of all runs as a table, and of the whole runs, averaged over the
// seeds, as a picture.
func writeCurves(dir string, runs []result) error {
	var b bytes.Buffer
	b.WriteString("arm,equal_targets,seed,step,targets,loss\n")
	sums := make([][]window.Point, len(window.Arms))
	seeds := 0
	for _, r := range runs {
		for i, p := range r.curve {
			fmt.Fprintf(&b, "%q,%t,%d,%d,%d,%.6f\n", window.Arms[r.arm].Name, r.short, r.seed, p.Step, p.Targets, p.Loss)
			if r.short {
				continue
			}
			if r.seed == 0 {
				sums[r.arm] = append(sums[r.arm], window.Point{Step: p.Step})
			}
			sums[r.arm][i].Loss += p.Loss
		}
		seeds = max(seeds, r.seed+1)
	}
	if err := os.WriteFile(filepath.Join(dir, "curves.csv"), b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "curves.svg"), picture(sums, float64(seeds)), 0o644)
}

func picture(sums [][]window.Point, seeds float64) []byte {
	const width, height, left, bottom, top = 640, 400, 60, 350, 20
	first := len(sums[0]) / 4 // the first losses would take all the height
	lo, hi, last := sums[0][first].Loss, 0.0, float64(sums[0][len(sums[0])-1].Step)
	for _, s := range sums {
		for _, p := range s[first:] {
			lo, hi = min(lo, p.Loss), max(hi, p.Loss)
		}
	}
	x := func(step float64) float64 { return left + step/last*(width-left-20) }
	y := func(sum float64) float64 { return top + (hi-sum)/(hi-lo)*(bottom-top) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+
		"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/><path d="M%d %dV%dH%d" stroke="black" fill="none"/>`+"\n",
		width, height, left, top, bottom, width-20)
	for i := range 5 {
		v, s := lo+(hi-lo)*float64(i)/4, last*float64(i)/4
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%.2f</text>`+
			`<text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n",
			left-6, y(v)+4, v/seeds, x(s), bottom+16, s)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">steps; loss at 15 %%, mean over the seeds</text>`+"\n",
		width/2, height-12)
	for a, s := range sums {
		color := []string{"black", "#d62728", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd"}[a]
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text><polyline fill="none" stroke="%s" points="`, width-180,
			top+16*(a+1), color, window.Arms[a].Name, color)
		for _, p := range s[first:] {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(float64(p.Step)), y(p.Loss))
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
