package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

type numbers struct {
	Value Number `json:"value"`
	Lo    Lower  `json:"lo"`
	Hi    Upper  `json:"hi"`
}

func TestNumbersReadBack(t *testing.T) {
	for _, n := range []numbers{{1.5, 1, 2}, {0, Lower(math.Inf(-1)), Upper(math.Inf(1))}, {-0.1, 1e-300, 1e300}} {
		b, err := json.Marshal(n)
		assert.NoError(t, err)
		out := numbers{7, 7, 7}
		assert.NoError(t, json.Unmarshal(b, &out))
		assert.Equal(t, n, out, string(b))
	}
	b, err := json.Marshal(numbers{Value: Number(math.NaN())})
	assert.NoError(t, err)
	assert.Equal(t, `{"value":null,"lo":0,"hi":0}`, string(b))
	out := numbers{Value: 7}
	assert.NoError(t, json.Unmarshal(b, &out))
	assert.True(t, math.IsNaN(float64(out.Value)))
	assert.Error(t, json.Unmarshal([]byte(`{"value":"1"}`), &out))
}

func TestWarningsReadBack(t *testing.T) {
	few := errors.New("too few")
	in := []error{fmt.Errorf("2 runs: %w", few), errors.New("odd")}
	out := Warnings(Texts(in), few)
	assert.EqualError(t, out[0], "2 runs: too few")
	assert.ErrorIs(t, out[0], few)
	assert.EqualError(t, out[1], "odd")
	assert.Nil(t, Warnings(nil, few))
}
