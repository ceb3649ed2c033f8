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
		{"a point", []Point{{X: 4, Y: 0.25}}}, // is not drawn: there is no line
		{"flat", []Point{{X: 2, Y: 0}, {X: 8, Y: 0}}},
	}, "codebooks")
	lines := strings.Split(got, "\n")
	require.Equal(t, []string{"           a falling", "           b a point", "           c flat"}, lines[:3])
	grid := lines[3 : 3+18]
	require.Equal(t, "     1.000 │aa", grid[0][:len("     1.000 │aa")])
	require.True(t, strings.HasPrefix(grid[17], "     0.000 │ccc"))
	require.NotContains(t, strings.Join(grid, ""), "b")
	middle := []rune(grid[9])
	require.Contains(t, string(middle[12+28:12+36]), "a", "halfway down where the axis is halfway: it is logarithmic")
	require.Contains(t, lines[len(lines)-2], "2 ")
	require.Contains(t, lines[len(lines)-2], "8  codebooks")
}

func TestWriteSVG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.svg")
	require.NoError(t, WriteSVG(path, "title", "codebooks", []Series{
		{"one", []Point{{X: 2, Y: 1, Std: 0.1}, {X: 8, Y: 0}}},
		{"two", []Point{{X: 2, Y: 0.5}, {X: 8, Y: 0.25}}},
	}))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	svg := string(b)
	require.Equal(t, 2, strings.Count(svg, "<polyline"))
	require.Contains(t, svg, `points="70.0,40.0 540.0,370.0 "`)
	require.Contains(t, svg, ">two</text>")
	require.True(t, strings.HasSuffix(svg, "</svg>\n"))
	require.Error(t, WriteSVG(filepath.Join(path, "below"), "", "", nil))
}
