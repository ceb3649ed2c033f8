package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	got := Text([]Series{
		{"falling", []Point{{X: 2, Y: 1}, {X: 4, Y: 0.5}, {X: 8, Y: 0}}},
		{"a point", []Point{{X: 4, Y: 0.25}}},
		{"flat", []Point{{X: 2, Y: 0}, {X: 8, Y: 0}}},
	}, "codebooks", "NMSE")
	lines := strings.Split(got, "\n")
	require.Equal(t, []string{"           a falling", "           b a point", "           c flat",
		"      NMSE"}, lines[:4])
	grid := lines[4 : 4+18]
	require.True(t, strings.HasPrefix(grid[0], "         1 │Aa"), grid[0])
	require.True(t, strings.HasPrefix(grid[17], "         0 │Ccc"), grid[17])
	require.Contains(t, strings.Join(grid, ""), "B", "a single point is there too")
	middle := []rune(grid[8] + grid[9])
	require.Contains(t, string(middle), "A", "halfway down where the axis is halfway: it is logarithmic")
	require.Regexp(t, `^ {12}2 +4 +8 codebooks$`, lines[len(lines)-2])
	require.NotPanics(t, func() { Text(nil, "", "") })
	require.NotPanics(t, func() { Text([]Series{{"one", []Point{{X: 1, Y: 0}}}}, "", "") })
}

func TestWriteSVG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.svg")
	require.NoError(t, WriteSVG(path, "title", "codebooks", "NMSE", []Series{
		{"one", []Point{{X: 2, Y: 1, Std: 0.1}, {X: 8, Y: 0}}},
		{"two", []Point{{X: 2, Y: 0.5}, {X: 8, Y: 0.25}}},
	}))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	svg := string(b)
	require.Equal(t, 4, strings.Count(svg, "<circle"))
	require.Contains(t, svg, ">two</text>")
	require.Contains(t, svg, ">4</text>")
	require.True(t, strings.HasSuffix(svg, "</svg>\n"))
	require.Error(t, WriteSVG(filepath.Join(path, "below"), "", "", "", nil))
}
