// Package chart draws curves over the logarithm of a ratio or a size, in the terminal and as SVG.
package chart

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/espalier-ml/espalier/internal/svg"
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

// The size of the drawing in characters.
const (
	width, height = 64, 18
	few           = 12 // points up to which each is marked
)

// Text draws curves for the terminal, with a letter each: lines in small letters and, where there are few, the points
// themselves in capital ones. Axes have ticks at round numbers; x and y are their names, with units.
func Text(all []Series, x, y string) string {
	x0, x1, y0, y1 := bounds(all)
	column := func(v float64) int { return int(math.Round((math.Log2(v) - x0) / (x1 - x0) * (width - 1))) }
	row := func(v float64) int { return height - 1 - int(math.Round((v-y0)/(y1-y0)*(height-1))) }
	grid := make([][]byte, height)
	for i := range grid {
		grid[i] = bytes.Repeat([]byte(" "), width)
	}
	var b strings.Builder
	for k, s := range all {
		mark := byte('a' + k%26)
		fmt.Fprintf(&b, "%12c %s\n", mark, s.Name)
		for i := range len(s.Points) - 1 {
			p, q := s.Points[i], s.Points[i+1]
			from, to := column(p.X), column(q.X)
			for c := from; c <= to; c++ {
				f := float64(c-from) / float64(max(to-from, 1))
				grid[row(p.Y*(1-f)+q.Y*f)][c] = mark
			}
		}
	}
	for k, s := range all {
		for _, p := range s.Points {
			if len(s.Points) <= few {
				grid[row(p.Y)][column(p.X)] = byte('A' + k%26)
			}
		}
	}
	labels := map[int]string{}
	for _, v := range svg.Ticks(y0, y1) {
		labels[row(v)] = fmt.Sprintf("%.4g", v)
	}
	fmt.Fprintf(&b, "%10s\n", y)
	for i, line := range grid {
		fmt.Fprintf(&b, "%10s │%s\n", labels[i], strings.TrimRight(string(line), " "))
	}
	ticks := bytes.Repeat([]byte(" "), width+8)
	for _, v := range svg.LogTicks(math.Exp2(x0), math.Exp2(x1)) {
		at := column(v)
		if text := fmt.Sprintf("%.4g", v); strings.TrimSpace(string(ticks[max(at-1, 0):at+len(text)])) == "" {
			copy(ticks[at:], text)
		}
	}
	fmt.Fprintf(&b, "%10s └%s\n%12s%s %s\n", "", strings.Repeat("─", width), "",
		strings.TrimRight(string(ticks), " "), x)
	return b.String()
}

// bounds is the range of log2 X and Y, with room around a single number.
func bounds(all []Series) (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, p := range s.Points {
			x0, x1 = min(x0, math.Log2(p.X)), max(x1, math.Log2(p.X))
			y0, y1 = min(y0, p.Y), max(y1, p.Y)
		}
	}
	switch {
	case x0 > x1: // no points
		return 0, 1, 0, 1
	case x0 == x1:
		x0, x1 = x0-1, x1+1
	}
	if y0 == y1 {
		y0, y1 = y0-1, y1+1
	}
	return x0, x1, y0, y1
}

// WriteSVG draws curves, points and standard deviations to a file; x and y are the names of the axes, with units.
func WriteSVG(path, title, x, y string, all []Series) error {
	c := svg.Chart{Title: title, X: x, Y: y, LogX: true}
	for _, s := range all {
		curve := svg.Series{Name: s.Name}
		for _, p := range s.Points {
			curve.Points = append(curve.Points, svg.Point{X: p.X, Y: p.Y, Lo: p.Y - p.Std, Hi: p.Y + p.Std})
		}
		c.Series = append(c.Series, curve)
	}
	var b bytes.Buffer
	if err := svg.Write(&b, c); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
