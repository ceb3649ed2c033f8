// Package chart draws curves over the binary logarithm of a ratio or a size, in the terminal and as SVG.
package chart

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
)

// Series is one curve.
type Series struct {
	Name   string
	Points []Point // by increasing X
}

// Point is a point of a curve.
type Point struct {
	X   float64 // greater than 0
	Y   float64
	Std float64 // standard deviation of Y, 0 for none
}

func bounds(all []Series) (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, p := range s.Points {
			x0, x1 = min(x0, math.Log2(p.X)), max(x1, math.Log2(p.X))
			y0, y1 = min(y0, p.Y), max(y1, p.Y)
		}
	}
	if x0 > x1 { // no points
		return 0, 1, 0, 1
	}
	return x0, max(x1, x0+1e-9), y0, max(y1, y0+1e-9)
}

// Text draws curves for the terminal, with a letter each.
func Text(all []Series, axis string) string {
	const width, height = 64, 18
	x0, x1, y0, y1 := bounds(all)
	grid := make([][]byte, height)
	for i := range grid {
		grid[i] = bytes.Repeat([]byte(" "), width)
	}
	var b strings.Builder
	for k, s := range all {
		mark := byte('a' + k)
		fmt.Fprintf(&b, "%12c %s\n", mark, s.Name)
		for i := range len(s.Points) - 1 {
			p, q := s.Points[i], s.Points[i+1]
			for t := range width + 1 {
				f := float64(t) / width
				x, y := math.Log2(p.X)*(1-f)+math.Log2(q.X)*f, p.Y*(1-f)+q.Y*f
				grid[height-1-int(math.Round((y-y0)/(y1-y0)*(height-1)))][int(math.Round((x-x0)/(x1-x0)*(width-1)))] = mark
			}
		}
	}
	for i, line := range grid {
		label := ""
		if i%4 == 0 || i == height-1 {
			label = fmt.Sprintf("%.3f", y1-(y1-y0)*float64(i)/(height-1))
		}
		fmt.Fprintf(&b, "%10s │%s\n", label, strings.TrimRight(string(line), " "))
	}
	fmt.Fprintf(&b, "%10s └%s\n%11s %-8.3g%*.3g  %s\n", "", strings.Repeat("─", width), "", math.Exp2(x0), width-8, math.Exp2(x1), axis)
	return b.String()
}

// WriteSVG draws curves and standard deviations to a file.
func WriteSVG(path, title, axis string, all []Series) error {
	const width, height, left, right, top, bottom = 760, 420, 70, 220, 40, 50
	x0, x1, y0, y1 := bounds(all)
	px := func(x float64) float64 { return left + (math.Log2(x)-x0)/(x1-x0)*(width-left-right) }
	py := func(y float64) float64 { return height - bottom - (y-y0)/(y1-y0)*(height-top-bottom) }
	colours := []string{"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/><text x="%d" y="24" font-size="14">%s</text>`+"\n", width, height, left, title)
	for i := range 6 {
		y := y0 + (y1-y0)*float64(i)/5
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.3f</text>`+"\n", left, py(y), width-right, left-6, py(y)+4, y)
	}
	for e := math.Ceil(x0); e <= x1; e++ {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", px(math.Exp2(e)), top, height-bottom, px(math.Exp2(e)), height-bottom+16, math.Exp2(e))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-12, axis)
	for k, s := range all {
		colour := colours[k%len(colours)]
		var line strings.Builder
		for _, p := range s.Points {
			fmt.Fprintf(&line, "%.1f,%.1f ", px(p.X), py(p.Y))
			if p.Std > 0 {
				fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1f" stroke="%s" opacity="0.5"/>`+"\n", px(p.X), py(max(y0, p.Y-p.Std)), py(min(y1, p.Y+p.Std)), colour)
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", line.String(), colour)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", width-right+16, top+16*k+8, colour, s.Name)
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(path, b.Bytes(), 0o644)
}
