package svg

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWriteIsWellFormed(t *testing.T) {
	points := []Point{{0, 1, 0.5, 1.5}, {1, 2, math.Inf(-1), math.Inf(1)}, {2, math.NaN(), math.NaN(), math.NaN()},
		{3, 1, 1, 1}}
	for _, c := range []Chart{
		{},
		{Title: "a < b & c", X: "x", Y: "y", Series: []Series{{"one", points, Line}, {"two", points, Steps},
			{"", points, Intervals}}, Levels: []Level{{5, "five"}}},
		{Series: []Series{{Points: points[:1]}}},
		{Names: []string{"a", "b"}, Series: []Series{{Points: []Point{{X: 0, Y: 2}, {X: 1, Y: -1}}, Draw: Bars}}},
		{Series: []Series{{Points: []Point{{1e308, -1e308, 0, 0}, {-1e308, 1e308, 0, 0}}}}},
	} {
		var b bytes.Buffer
		assert.NoError(t, Write(&b, c, c))
		assert.NotContains(t, b.String(), "NaN")
		assert.NotContains(t, b.String(), "Inf")
		d := xml.NewDecoder(&b)
		for {
			if _, err := d.Token(); err != nil {
				assert.ErrorIs(t, err, io.EOF)
				break
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWriteReportsErrors(t *testing.T) { assert.Error(t, Write(full{}, Chart{})) }

func TestTicksAreRound(t *testing.T) {
	assert.Equal(t, []float64{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}, Ticks(0, 1))
	assert.Equal(t, []float64{-50, 0, 50, 100}, Ticks(-60, 130))
	assert.Equal(t, []float64{3}, Ticks(3, 3))
	assert.LessOrEqual(t, len(Ticks(0, math.MaxFloat64)), 12)
}

func TestLogTicks(t *testing.T) {
	assert.Equal(t, []float64{2, 4, 8, 16}, LogTicks(2, 16))
	assert.Equal(t, []float64{1, 10, 100, 1000, 10000, 100000, 1e6, 1e7}, LogTicks(1, 1e7))
	assert.Equal(t, []float64{5, 6}, LogTicks(5, 6))
	var b bytes.Buffer
	points := []Point{{X: 1, Y: 1}, {X: 64, Y: 2}}
	assert.NoError(t, Write(&b, Chart{LogX: true, Series: []Series{{Points: points}}}))
	assert.Contains(t, b.String(), ">16</text>")
}
