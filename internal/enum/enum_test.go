package enum

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/espalier-ml/espalier/tensor"
)

type side uint8

const (
	left side = iota + 1
	right
)

var sides = Of[side]("side", "", "left", "right")

func (s side) String() string                { return sides.String(s) }
func (s side) MarshalText() ([]byte, error)  { return sides.Marshal(s) }
func (s *side) UnmarshalText(b []byte) error { return sides.Unmarshal(s, b) }

func TestJSONReadsBack(t *testing.T) {
	in := map[side]side{left: right, right: left}
	b, err := json.Marshal(in)
	assert.NoError(t, err)
	assert.JSONEq(t, `{"left": "right", "right": "left"}`, string(b))
	var out map[side]side
	assert.NoError(t, json.Unmarshal(b, &out))
	assert.Equal(t, in, out)
}

func TestValuesWithoutAName(t *testing.T) {
	assert.Equal(t, "side(7)", side(7).String())
	assert.Equal(t, "side(0)", side(0).String())
	_, err := json.Marshal(side(7))
	assert.ErrorIs(t, err, tensor.ErrRange)
	assert.NoError(t, sides.Option("WithSide", right))
	assert.EqualError(t, sides.Option("WithSide", 7), `WithSide(7): want "left" or "right": out of range`)
	s := left
	err = json.Unmarshal([]byte(`"up"`), &s)
	assert.EqualError(t, err, `side "up": want "left" or "right": out of range`)
	assert.ErrorIs(t, json.Unmarshal([]byte(`""`), &s), tensor.ErrRange)
	assert.Equal(t, left, s)
	assert.Equal(t, []string{"left", "right"}, sides.All())
}
