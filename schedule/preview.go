package schedule

import (
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Table is a text table of s at n times from from to to, both included. The error wraps [tensor.ErrRange] if n is not
// between 2 and 10000, or is that of [Breakpoints].
func Table(s Schedule, from, to float64, n int) (string, error) {
	if _, err := stops(s, from, to); err != nil {
		return "", err
	}
	if err := size("n", n, 2); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%12s  %s\n", "t", "value")
	for k := range n {
		t := between(from, to, k, n-1)
		fmt.Fprintf(&b, "%12.8g  %.6g\n", t, s.Value(t))
	}
	return b.String(), nil
}

// Sparkline draws s over [from, to] as a line of width block characters, the lowest value as the lowest block. A block
// stands for the highest value of its share of the time, so that no peak is lost. The error wraps [tensor.ErrRange] if
// width is not between 1 and 10000, or is that of [Range].
func Sparkline(s Schedule, from, to float64, width int) (string, error) {
	cols, lo, hi, err := columns(s, from, to, width, 1)
	if err != nil {
		return "", err
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, len(cols))
	for i, c := range cols {
		line[i] = blocks[level(c.hi, lo, hi, len(blocks))]
	}
	return string(line), nil
}

// Plot draws s over [from, to] as text, width characters wide and height lines high without the labels of the axes. A
// column covers every value of its share of the time. The error wraps [tensor.ErrRange] if width or height is not
// between 2 and 10000, or is that of [Range].
func Plot(s Schedule, from, to float64, width, height int) (string, error) {
	if err := size("height", height, 2); err != nil {
		return "", err
	}
	cols, lo, hi, err := columns(s, from, to, width, 2)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for row := height - 1; row >= 0; row-- {
		label := ""
		switch row {
		case height - 1:
			label = fmt.Sprintf("%.4g", hi)
		case 0:
			label = fmt.Sprintf("%.4g", lo)
		}
		line := make([]byte, 0, 3*width)
		for _, c := range cols {
			if level(c.lo, lo, hi, height) <= row && row <= level(c.hi, lo, hi, height) {
				line = append(line, "•"...)
			} else {
				line = append(line, ' ')
			}
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%10s │%s", label, line), " ") + "\n")
	}
	end := fmt.Sprintf("%.6g", to)
	start := fmt.Sprintf("%.6g", from)
	fmt.Fprintf(&b, "%10s └%s\n", "", strings.Repeat("─", width))
	fmt.Fprintf(&b, "%10s  %s%*s\n", "", start, max(width-len(start), len(end)+1), end)
	return b.String(), nil
}

// level is the one of n levels from lo to hi that v lies nearest to.
func level(v, lo, hi float64, n int) int {
	if !(hi > lo) {
		return (n - 1) / 2
	}
	x := (v/2 - lo/2) / (hi/2 - lo/2) // halves cannot overflow
	return max(0, min(n-1, int(math.Round(x*float64(n-1)))))
}

func size(name string, n, least int) error {
	const most = 10000
	if n < least || n > most {
		return fmt.Errorf("schedule: %s = %d: want %d to %d: %w", name, n, least, most, tensor.ErrRange)
	}
	return nil
}

// sample is a value and its time.
type sample struct{ t, v float64 }

// column is what happens in one of many equal shares of a window: enough to draw it without losing a peak or a jump
// (Jugel et al. 2014).
type column struct {
	first, low, high, last sample
	lo, hi                 float64
}

func (c *column) see(t, v float64) {
	p := sample{t, v}
	if c.first.t != c.first.t {
		*c = column{p, p, p, p, v, v}
	}
	c.last = p
	if v < c.lo {
		c.low, c.lo = p, v
	}
	if v > c.hi {
		c.high, c.hi = p, v
	}
}

// columns are the n shares of [from, to] and the smallest and the largest value of all.
func columns(s Schedule, from, to float64, n, least int) (cols []column, lo, hi float64, err error) {
	if err := size("width", n, least); err != nil {
		return nil, 0, 0, err
	}
	stops, err := stops(s, from, to)
	if err != nil {
		return nil, 0, 0, err
	}
	cols = make([]column, n)
	lo, hi = math.Inf(1), math.Inf(-1)
	for i := range cols {
		c := &cols[i]
		c.first.t = math.NaN()
		a, b := between(from, to, i, n), between(from, to, i+1, n)
		const more = 4 // samples between two stops or edges
		for a < b {
			next := b
			for len(stops) > 0 && stops[0] <= a {
				stops = stops[1:]
			}
			if len(stops) > 0 {
				next = min(next, stops[0])
			}
			end := math.Nextafter(next, a)
			for k := range more + 1 {
				t := between(a, end, k, more)
				c.see(t, s.Value(t))
			}
			a = next
		}
		if i == n-1 || c.first.t != c.first.t { // the end, and shares too narrow to hold a time
			c.see(b, s.Value(b))
		}
		lo, hi = min(lo, c.lo), max(hi, c.hi)
	}
	if lo-lo != 0 || hi-hi != 0 {
		return nil, 0, 0, fmt.Errorf("schedule: values from %v to %v: %w", lo, hi, tensor.ErrNotFinite)
	}
	return cols, lo, hi, nil
}
