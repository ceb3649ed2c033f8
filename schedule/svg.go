package schedule

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
)

// WriteSVG draws s over [from, to] as a self-contained SVG image. name labels the vertical axis ("learning rate") and
// axis the horizontal one. The error is that of [Range] or of w.
func WriteSVG(w io.Writer, name string, s Schedule, axis Unit, from, to float64) error {
	const (
		width, height            = 640, 320
		left, right, top, bottom = 80, 20, 20, 50
	)
	if err := (Duration{0, axis}).Validate(); err != nil {
		return err
	}
	cols, lo, hi, err := columns(s, from, to, (width-left-right)/2, 1)
	if err != nil {
		return err
	}
	x := func(t float64) float64 { return scaled(t, from, to, left, width-right) }
	y := func(v float64) float64 { return scaled(v, lo, hi, height-bottom, top) }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	for _, t := range ticks(from, to) {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%.6g</text>`+"\n",
			x(t), top, height-bottom, x(t), height-bottom+16, t)
	}
	for _, v := range ticks(lo, hi) {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.4g</text>`+"\n",
			left, y(v), width-right, left-6, y(v)+4, v)
	}
	fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" stroke="black" fill="none"/>`+"\n", left, top, height-bottom, width-right)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n",
		(left+width-right)/2, height-12, unitTitles[axis])
	fmt.Fprintf(&b, `<text x="16" y="%d" text-anchor="middle" transform="rotate(-90 16 %d)">`, (top+height-bottom)/2,
		(top+height-bottom)/2)
	if err := xml.EscapeText(&b, []byte(name)); err != nil {
		return err
	}
	b.WriteString("</text>\n" +
		`<polyline fill="none" stroke="#1f77b4" stroke-width="1.5" stroke-linejoin="round" points="`)
	for _, c := range cols {
		a, z := c.low, c.high
		if a.t > z.t {
			a, z = z, a
		}
		var last [2]float64
		for _, p := range []sample{c.first, a, z, c.last} {
			if at := [2]float64{x(p.t), y(p.v)}; at != last {
				fmt.Fprintf(&b, "%.1f,%.1f ", at[0], at[1])
				last = at
			}
		}
	}
	b.WriteString("\"/>\n</svg>\n")
	_, err = w.Write(b.Bytes())
	return err
}

// unitTitles are the units as the title of an axis.
var unitTitles = []string{"optimizer steps", "epochs", "samples", "tokens", "fraction of the run"}

// scaled maps [lo, hi] to [a, b], and all of an empty interval to the middle.
func scaled(v, lo, hi, a, b float64) float64 {
	if !(hi > lo) {
		return (a + b) / 2
	}
	return a + (b-a)*((v/2-lo/2)/(hi/2-lo/2)) // halves cannot overflow
}

// ticks are about five round numbers in [lo, hi], or its only number.
func ticks(lo, hi float64) []float64 {
	if !(hi > lo) {
		return []float64{lo}
	}
	rough := hi/5 - lo/5
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	switch {
	case rough >= 5*step:
		step *= 5
	case rough >= 2*step:
		step *= 2
	}
	var at []float64
	for k := math.Ceil(lo / step); k*step <= hi && len(at) < 12; k++ {
		at = append(at, k*step+0) // not -0
	}
	return at
}
