package prune_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

func someMasks(t testing.TB) *prune.Masks {
	masks, err := prune.ComputeMasks([]*tensor.Param[float32]{param("fc.weight", []int{7, 11}, tensorRamp(77)),
		param("b", []int{1, 64}, tensorRamp(64))}, prune.WithSparsity(0.4))
	require.NoError(t, err)
	return masks
}

// Whatever is read as masks is written back as it was.
func FuzzMasksBinary(f *testing.F) {
	blob, err := someMasks(f).MarshalBinary()
	require.NoError(f, err)
	f.Add(blob)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, data := range [][]byte{b, prune.Seal(b)} { // a fuzzer does not find checksums
			var m, again prune.Masks
			if m.UnmarshalBinary(data) != nil {
				continue
			}
			out, err := m.MarshalBinary()
			require.NoError(t, err)
			require.NoError(t, again.UnmarshalBinary(out))
			require.True(t, again.Equal(&m))
		}
	})
}

func FuzzMasksJSON(f *testing.F) {
	text, err := json.Marshal(someMasks(f))
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"version":1,"masks":[{"name":"a","size":-1,"kept":""}]}`))
	f.Add([]byte(`{"version":1,"masks":[{"name":"a","size":9223372036854775807,"kept":"AAAAAAAAAAA="}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again prune.Masks
		if json.Unmarshal(b, &m) != nil {
			return
		}
		out, err := json.Marshal(&m)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &again))
		require.True(t, again.Equal(&m))
	})
}

func FuzzPrunerBinary(f *testing.F) {
	p := halfWay(f)
	blob, err := p.MarshalBinary()
	require.NoError(f, err)
	f.Add(blob)
	f.Fuzz(func(t *testing.T, b []byte) {
		q := halfWay(t)
		for _, data := range [][]byte{b, prune.Seal(b)} {
			before := q.Masks()
			if err := q.UnmarshalBinary(data); err != nil {
				require.True(t, before.Equal(q.Masks()), "unchanged after an error")
			}
			_, _ = q.Step(1 << 20)
			require.LessOrEqual(t, q.Masks().Sparsity(), 1.0)
		}
	})
}

// halfWay is a pruner in the middle of its schedule.
func halfWay(t testing.TB) *prune.Pruner[float32] {
	s := prune.Linear(0, 10)
	s.Every = 1
	p, err := prune.New([]*tensor.Param[float32]{param("w", []int{10, 10}, tensorRamp(100))}, prune.WithSparsity(0.8),
		prune.WithSchedule(s))
	require.NoError(t, err)
	for step := range 5 {
		_, err := p.Step(step)
		require.NoError(t, err)
	}
	return p
}

// A run goes on from where it was saved, and nothing else is read as one.
func TestPrunerPersistence(t *testing.T) {
	a := halfWay(t)
	blob, err := a.MarshalBinary()
	require.NoError(t, err)
	s := prune.Linear(0, 10)
	s.Every = 1
	w := param("w", []int{10, 10}, tensorRamp(100))
	b, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.8), prune.WithSchedule(s))
	require.NoError(t, err)
	require.NoError(t, b.UnmarshalBinary(blob))
	require.True(t, a.Masks().Equal(b.Masks()))
	_, err = b.Step(3)
	require.ErrorIs(t, err, prune.ErrStepOrder)
	for step := 5; step <= 10; step++ {
		x, err := a.Step(step)
		require.NoError(t, err)
		y, err := b.Step(step)
		require.NoError(t, err)
		require.Equal(t, x, y)
	}
	require.NoError(t, b.Finish())
	for i := range blob {
		spoiled := slices.Clone(blob)
		spoiled[i] ^= 1
		require.ErrorIs(t, b.UnmarshalBinary(spoiled), tensor.ErrRange)
		require.ErrorIs(t, b.UnmarshalBinary(blob[:i]), tensor.ErrRange)
	}
	other, err := prune.New(smallModel(), prune.WithSparsity(0.5))
	require.NoError(t, err)
	require.ErrorIs(t, other.UnmarshalBinary(blob), tensor.ErrShape)
	require.ErrorIs(t, new(prune.Pruner[float32]).UnmarshalBinary(blob), tensor.ErrEmpty)
}

// The k-th smallest against sorting.
func FuzzKth(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 0, 192, 1, 0, 0, 0}, uint(1))
	f.Fuzz(func(t *testing.T, b []byte, k uint) {
		var x []float32
		for ; len(b) >= 4; b = b[4:] {
			if v := math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24); v == v {
				x = append(x, v)
			}
		}
		if len(x) == 0 {
			return
		}
		k %= uint(len(x))
		got, err := prune.Kth([][]float32{x[:k], x[k:]}, int(k))
		require.NoError(t, err)
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		require.True(t, got == sorted[k])
	})
}
