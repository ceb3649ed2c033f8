// Package svg draws small charts of numbers as self-contained SVG images: lines, steps, bands and intervals over a
// linear axis with round ticks. Packages whose reports people would rather look at use it; drawing more is a task for
// a plotting library.
package svg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Chart is one set of axes with what is drawn on them.
type Chart struct {
	Title, X, Y string // of the chart and its axes, with units
	Series      []Series
	Levels      []Level // horizontal lines to compare with

	// The range of an axis; of equal ends it is that of the points.
	XRange, YRange [2]float64
	LogX           bool // equal factors are equal distances; for X above 0

	Names []string // of the places 0, 1, ... on the horizontal axis, instead of numbers
}

// Series is one curve. Points with a NaN are left out.
type Series struct {
	Name   string // for the legend; "" is not in it
	Points []Point
	Draw   Style
}

// Point is a point of a curve. Lo and Hi are the ends of an interval around Y; equal ends are none.
type Point struct{ X, Y, Lo, Hi float64 }

// Style is how a series is drawn.
type Style uint8

// The styles.
const (
	Line      Style = iota // a line, with a band for intervals and dots where there are few points
	Steps                  // a line that keeps its height up to the next point, with a band
	Intervals              // dots with lines for intervals
	Bars                   // from 0
)

// Level is a horizontal line.
type Level struct {
	Y    float64
	Name string
}

const (
	width, height            = 640, 320
	left, right, top, bottom = 80, 24, 36, 50
	legend                   = 150 // width of a legend beside the data, for more than two names
	fewPoints                = 30
)

// colours that people with any kind of colour vision can tell apart (Okabe and Ito 2008).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// Write draws charts, one below the other.
func Write(w io.Writer, charts ...Chart) error {
	var b bytes.Buffer
	const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`
	fmt.Fprintf(&b, head+"\n", width, height*len(charts))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height*len(charts))
	for i, c := range charts {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*height)
		newCanvas(&b, c).draw(c)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// canvas maps numbers to places.
type canvas struct {
	*bytes.Buffer
	x, y  [2]float64
	log   bool
	right float64 // end of the data
	names float64 // where the legend is
}

func newCanvas(b *bytes.Buffer, c Chart) *canvas {
	v := &canvas{Buffer: b, x: c.XRange, y: c.YRange, log: c.LogX, right: width - right, names: left + 10}
	named := 0
	for _, s := range c.Series {
		if s.Name != "" {
			named++
		}
	}
	if named > 2 {
		v.right -= legend
		v.names = v.right + 10
	}
	if n := len(c.Names); n > 0 {
		v.x = [2]float64{-0.5, float64(n) - 0.5}
	}
	if v.x[0] == v.x[1] {
		v.x = spread(c, func(p Point) []float64 { return []float64{p.X} })
	}
	if v.y[0] == v.y[1] {
		v.y = spread(c, func(p Point) []float64 { return []float64{p.Y, p.Lo, p.Hi} })
		for _, s := range c.Series {
			if s.Draw == Bars {
				v.y = [2]float64{min(v.y[0], 0), max(v.y[1], 0)}
			}
		}
		for _, l := range c.Levels {
			v.y = [2]float64{min(v.y[0], l.Y), max(v.y[1], l.Y)}
		}
	}
	return v
}

// spread is the range of the finite numbers of all points, with room around a single one.
func spread(c Chart, of func(Point) []float64) [2]float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for _, p := range s.Points {
			numbers := of(p)
			if len(numbers) > 1 && p.Lo == p.Hi {
				numbers = numbers[:1]
			}
			for _, n := range numbers {
				if n-n == 0 {
					lo, hi = min(lo, n), max(hi, n)
				}
			}
		}
	}
	switch {
	case lo > hi:
		return [2]float64{0, 1}
	case lo == hi:
		room := max(math.Abs(lo)/10, 0.5)
		return [2]float64{lo - room, hi + room}
	}
	return [2]float64{lo, hi}
}

// px and py clip to the axes, so that infinite ends reach their border.
func (v *canvas) px(x float64) float64 {
	if v.log {
		return place(math.Log(x), [2]float64{math.Log(v.x[0]), math.Log(v.x[1])}, left, v.right)
	}
	return place(x, v.x, left, v.right)
}

func (v *canvas) py(y float64) float64 { return place(y, v.y, height-bottom, top) }

func place(n float64, of [2]float64, a, b float64) float64 {
	f := (n/2 - of[0]/2) / (of[1]/2 - of[0]/2) // halves cannot overflow
	return a + (b-a)*min(max(f, 0), 1)
}

func (v *canvas) draw(c Chart) {
	ticks := Ticks
	if v.log {
		ticks = LogTicks
	}
	for i, name := range c.Names {
		v.text(v.px(float64(i)), height-bottom+16, "middle", name)
	}
	if len(c.Names) == 0 {
		for _, x := range ticks(v.x[0], v.x[1]) {
			fmt.Fprintf(v, `<path d="M%.1f %dV%d" stroke="#ddd"/>`, v.px(x), top, height-bottom)
			v.text(v.px(x), height-bottom+16, "middle", fmt.Sprintf("%.6g", x))
		}
	}
	for _, y := range Ticks(v.y[0], v.y[1]) {
		fmt.Fprintf(v, `<path d="M%d %.1fH%.0f" stroke="#ddd"/>`, left, v.py(y), v.right)
		v.text(left-6, v.py(y)+4, "end", fmt.Sprintf("%.4g", y))
	}
	fmt.Fprintf(v, `<path d="M%d %dV%dH%.0f" stroke="black" fill="none"/>`+"\n", left, top, height-bottom, v.right)
	v.text((left+v.right)/2, height-12, "middle", c.X)
	v.text(left, 20, "start", c.Title)
	fmt.Fprintf(v, `<g transform="rotate(-90 16 %d)">`, (top+height-bottom)/2)
	v.text(16, float64(top+height-bottom)/2, "middle", c.Y)
	v.WriteString("</g>\n")
	for _, l := range c.Levels {
		fmt.Fprintf(v, `<path d="M%d %.1fH%.0f" stroke="#666" stroke-dasharray="4 3"/>`, left, v.py(l.Y), v.right)
		v.text(v.right-4, v.py(l.Y)-4, "end", l.Name)
	}
	line := 0
	for i, s := range c.Series {
		s.Points = slices.DeleteFunc(slices.Clone(s.Points),
			func(p Point) bool { return p.X != p.X || p.Y != p.Y || p.Lo != p.Lo || p.Hi != p.Hi })
		colour := colours[i%len(colours)]
		v.series(s, colour)
		if s.Name != "" {
			fmt.Fprintf(v, `<rect x="%.0f" y="%d" width="10" height="10" fill="%s"/>`, v.names, top+8+16*line, colour)
			v.text(v.names+16, float64(top+17+16*line), "start", s.Name)
			line++
		}
	}
}

func (v *canvas) text(x, y float64, anchor, s string) {
	fmt.Fprintf(v, `<text x="%.1f" y="%.1f" text-anchor="%s">`, x, y, anchor)
	xml.EscapeText(v, []byte(s)) // a buffer does not fail
	v.WriteString("</text>\n")
}

func (v *canvas) series(s Series, colour string) {
	if s.Draw == Bars {
		for _, p := range s.Points {
			x0, x1, y0, y1 := v.px(p.X-0.35), v.px(p.X+0.35), v.py(max(p.Y, 0)), v.py(min(p.Y, 0))
			fmt.Fprintf(v, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x0, y0, x1-x0, y1-y0, colour)
		}
		return
	}
	if s.Draw != Intervals {
		if band := v.band(s); band != "" {
			fmt.Fprintf(v, `<path d="%s" fill="%s" opacity="0.2"/>`+"\n", band, colour)
		}
		fmt.Fprintf(v, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linejoin="round"/>`+"\n",
			v.line(s), colour)
	}
	for _, p := range s.Points {
		if s.Draw == Intervals && p.Lo != p.Hi {
			fmt.Fprintf(v, `<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-width="2"/>`+"\n",
				v.px(p.X), v.py(p.Lo), v.py(p.Hi), colour)
		}
		if s.Draw == Intervals || s.Draw == Line && len(s.Points) <= fewPoints {
			fmt.Fprintf(v, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", v.px(p.X), v.py(p.Y), colour)
		}
	}
}

// line is the path of the values.
func (v *canvas) line(s Series) string {
	var b strings.Builder
	for i, p := range s.Points {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "M%.1f %.1f", v.px(p.X), v.py(p.Y))
		case s.Draw == Steps:
			fmt.Fprintf(&b, "H%.1fV%.1f", v.px(p.X), v.py(p.Y))
		default:
			fmt.Fprintf(&b, "L%.1f %.1f", v.px(p.X), v.py(p.Y))
		}
	}
	return b.String()
}

// band is the area between the ends of the intervals, "" if there are none.
func (v *canvas) band(s Series) string {
	var upper, lower []string
	any := false
	for i, p := range s.Points {
		any = any || p.Lo != p.Hi
		if s.Draw == Steps && i > 0 {
			before := s.Points[i-1]
			upper = append(upper, fmt.Sprintf("%.1f %.1f", v.px(p.X), v.py(before.Hi)))
			lower = append(lower, fmt.Sprintf("%.1f %.1f", v.px(p.X), v.py(before.Lo)))
		}
		upper = append(upper, fmt.Sprintf("%.1f %.1f", v.px(p.X), v.py(p.Hi)))
		lower = append(lower, fmt.Sprintf("%.1f %.1f", v.px(p.X), v.py(p.Lo)))
	}
	if !any {
		return ""
	}
	for i := len(lower) - 1; i >= 0; i-- {
		upper = append(upper, lower[i])
	}
	return "M" + strings.Join(upper, "L") + "Z"
}

// Ticks are about five round numbers in [lo, hi], or its only number.
func Ticks(lo, hi float64) []float64 {
	if !(hi > lo) {
		return []float64{lo}
	}
	rough := hi/5 - lo/5
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	switch {
	case rough > 5*step:
		step *= 10
	case rough > 2*step:
		step *= 5
	case rough > step:
		step *= 2
	}
	var at []float64
	for k := math.Ceil(lo / step); k*step <= hi && len(at) < 12; k++ {
		at = append(at, k*step+0) // not -0
	}
	return at
}

// LogTicks are powers of two in [lo, hi], of a wide range every so many and of a very wide one powers of ten; the
// ends if there are fewer than two.
func LogTicks(lo, hi float64) []float64 {
	base := 2.0
	switch octaves := math.Log2(hi / lo); {
	case octaves > 40:
		base = math.Pow(10, math.Ceil(octaves/40))
	case octaves > 20:
		base = 10
	case octaves > 10:
		base = 4
	}
	var at []float64
	for k := math.Ceil(math.Log(lo)/math.Log(base) - 1e-9); len(at) < 24; k++ {
		x := math.Pow(base, k)
		if x > hi*(1+1e-9) {
			break
		}
		at = append(at, x)
	}
	if len(at) < 2 {
		return []float64{lo, hi}
	}
	return at
}
