package signal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/ttatest"
)

func ramp(t, valid int) Signal {
	s := Signal{T: t, C: 1, Samples: make([]float32, t), Valid: valid}
	for i := range valid {
		s.Samples[i] = float32(i + 1)
	}
	return s
}

func TestPaddingStaysOutside(t *testing.T) {
	for name, c := range map[string]struct {
		t    tta.Transform[Signal]
		want []float32
	}{
		"later":   {Shift(1), []float32{0, 1, 2, 0, 0}},
		"earlier": {Shift(-1), []float32{2, 3, 0, 0, 0}},
		"far":     {Shift(9), []float32{0, 0, 0, 0, 0}},
		"roll":    {Roll(-1), []float32{2, 3, 1, 0, 0}},
		"scale":   {Scale(2), []float32{2, 4, 6, 0, 0}},
		"reverse": {Reverse(), []float32{3, 2, 1, 0, 0}},
		"crop":    {Crop(2, 1), []float32{2, 3}},
		"long":    {Crop(4, 0.5), []float32{1, 2, 3, 0}},
	} {
		got, err := c.t.Apply(ramp(5, 3))
		require.NoError(t, err)
		assert.Equal(t, c.want, got.Samples, name)
	}
	got, err := Crop(4, 0.5).Apply(ramp(5, 3))
	require.NoError(t, err)
	assert.Equal(t, 3, got.Valid)
}

func TestTransformsKeepTheContract(t *testing.T) {
	for _, tr := range []tta.Transform[Signal]{Shift(2), Roll(3), Scale(.5), Reverse(), Noise(.1), Crop(3, .5)} {
		ttatest.CheckTransform(t, tr, func(seed uint64) Signal { return ramp(5+int(seed), 5) })
	}
	s, err := Reverse().Apply(ramp(6, 4))
	require.NoError(t, err)
	s, err = Reverse().Apply(s)
	require.NoError(t, err)
	assert.Equal(t, ramp(6, 4), s)
}

func TestBadSignals(t *testing.T) {
	for _, s := range []Signal{{}, {T: 2, C: 1, Samples: make([]float32, 3)}, {T: 2, C: 1, Samples: make([]float32, 2),
		Valid: 3}} {
		_, err := Reverse().Apply(s)
		assert.ErrorIs(t, err, tensor.ErrShape)
	}
	_, err := Crop(0, 0).Apply(ramp(3, 3))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = Noise(-1).Apply(ramp(3, 3))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = Windows(3, 2)
	assert.ErrorIs(t, err, tensor.ErrRange)
	p, err := Windows(3, 3)
	require.NoError(t, err)
	i, ok := p.Identity()
	assert.Equal(t, []any{1, true, 3}, []any{i, ok, p.Len()})
}
