package schedule_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func TestPreviewsOfEveryFamily(t *testing.T) {
	for _, f := range families() {
		for _, to := range []float64{0, 1, 1000, 1e5} {
			line, err := s.Sparkline(f.s, 0, to, 40)
			require.NoError(t, err, f.name)
			require.Equal(t, 40, utf8.RuneCountInString(line))
			plot, err := s.Plot(f.s, 0, to, 40, 10)
			require.NoError(t, err, f.name)
			require.Equal(t, 12, strings.Count(plot, "\n"))
			require.NotContains(t, plot, " \n")
			var svg bytes.Buffer
			require.NoError(t, s.WriteSVG(&svg, f.name, f.s, s.Steps, 0, to))
			wellFormed(t, svg.Bytes())
			require.NotContains(t, svg.String(), "NaN")
			require.Less(t, svg.Len(), 40000)
		}
	}
}

func wellFormed(t *testing.T, b []byte) {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}

func TestPreviewKeepsPeaks(t *testing.T) {
	// Half a step wide in a run of a million.
	narrow := s.Piecewise{Knots: []s.Knot{{T: 777777, V: 0}, {T: 777777.25, V: 1}, {T: 777777.5, V: 0}},
		Interp: s.LinearInterp}
	line, err := s.Sparkline(narrow, 0, 1e6, 10)
	require.NoError(t, err)
	require.Equal(t, "▁▁▁▁▁▁▁█▁▁", line)
	plot, err := s.Plot(narrow, 0, 1e6, 10, 3)
	require.NoError(t, err)
	require.Equal(t, ""+
		"         1 │       •\n"+
		"           │       •\n"+
		"         0 │••••••••••\n"+
		"           └──────────\n"+
		"            0    1e+06\n", plot)
	var svg bytes.Buffer
	require.NoError(t, s.WriteSVG(&svg, "a < b & c\x00", narrow, s.Tokens, 0, 1e6))
	require.Contains(t, svg.String(), ",20.0 ", "the top of the image")
	require.Contains(t, svg.String(), "a &lt; b &amp; c\uFFFD</text>")
	require.Contains(t, svg.String(), ">tokens</text>")
	wellFormed(t, svg.Bytes())

	line, err = s.Sparkline(s.Constant{V: 3}, 0, 1, 5)
	require.NoError(t, err)
	require.Equal(t, "▄▄▄▄▄", line)
	table, err := s.Table(s.Linear{From: 0.3, To: 0.15, Over: 100}, 0, 100, 3)
	require.NoError(t, err)
	require.Equal(t, "           t  value\n           0  0.3\n          50  0.225\n         100  0.15\n", table)
	// The whole range of numbers.
	huge := s.Piecewise{Knots: []s.Knot{{T: 0, V: -math.MaxFloat64}, {T: 1, V: math.MaxFloat64}}}
	line, err = s.Sparkline(huge, 0, 2, 2)
	require.NoError(t, err)
	require.Equal(t, "▁█", line)
	svg.Reset()
	require.NoError(t, s.WriteSVG(&svg, "huge", huge, s.Steps, 0, 2))
	require.NotContains(t, svg.String(), "NaN")
	require.NotContains(t, svg.String(), "Inf")
	line, err = s.Sparkline(s.Linear{From: 0, To: 1, Over: 1}, 1e17, 1e17+16, 4) // times one cannot tell apart
	require.NoError(t, err)
	require.Equal(t, "▄▄▄▄", line)
}

func TestPreviewErrors(t *testing.T) {
	line := s.Linear{From: 1, Over: 10}
	_, err := s.Table(line, 0, 10, 1)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "n = 1: want 2 to 10000")
	_, err = s.Sparkline(line, 0, 10, 0)
	require.ErrorContains(t, err, "width = 0: want 1 to 10000")
	_, err = s.Plot(line, 0, 10, 1e6, 5)
	require.ErrorContains(t, err, "width = 1000000: want 2 to 10000")
	_, err = s.Plot(line, 0, 10, 10, 1)
	require.ErrorContains(t, err, "height = 1: want 2 to 10000")
	_, err = s.Table(line, 10, 0, 5)
	require.ErrorContains(t, err, "window [10, 0] ends before it starts")
	_, err = s.Sparkline(line, 0, math.Inf(1), 5)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	_, err = s.Sparkline(line, -math.MaxFloat64, math.MaxFloat64, 5)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = s.Sparkline(s.Linear{}, 0, 10, 5)
	require.ErrorContains(t, err, "Linear.Over = 0")
	_, err = s.Sparkline(s.Func(func(float64) float64 { return math.Inf(1) }), 0, 10, 5)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	_, _, err = s.Range(s.Step{From: 1, Gamma: 0.5, Every: 1}, 0, 1e9)
	require.ErrorContains(t, err, "more than 1048576 breakpoints")
	require.ErrorIs(t, s.WriteSVG(io.Discard, "", line, s.Unit(9), 0, 1), tensor.ErrRange)
	require.ErrorIs(t, s.WriteSVG(io.Discard, "", line, s.Steps, 1, 0), tensor.ErrRange)
	require.ErrorIs(t, s.WriteSVG(full{}, "", line, s.Steps, 0, 1), errFull)
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
