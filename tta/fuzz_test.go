package tta

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/blob"
)

func FuzzOutputs(f *testing.F) {
	o, err := NewOutputs(2, 2, []float32{1, 2, 3, 4, 5, 6, 7, 8}, WithLabels([]int{0, 1}), WithIdentity(1),
		WithNames("a", "b"))
	require.NoError(f, err)
	for _, marshal := range []func() ([]byte, error){o.MarshalBinary, o.MarshalFloat16} {
		b, err := marshal()
		require.NoError(f, err)
		f.Add(b)
		f.Add(b[:len(b)-5])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o Outputs
		if o.UnmarshalBinary(b) != nil {
			require.Equal(t, Outputs{}, o)
			return
		}
		again, err := o.MarshalBinary()
		require.NoError(t, err)
		var same Outputs
		require.NoError(t, same.UnmarshalBinary(again))
		require.Equal(t, o, same)
	})
}

func FuzzFitted(f *testing.F) {
	o, err := NewOutputs(2, 2, []float32{1, 2, 3, 4})
	require.NoError(f, err)
	for _, a := range []*Fitted{newFitted(AugTTA, o, []float32{1, 0}, false), newFitted(Mixing, o, []float32{1, 0}, true),
		newFitted(ClassTTA, o, []float32{1, 0, 2, 3}, false)} {
		b, err := json.Marshal(a)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Fitted
		if json.Unmarshal(b, &a) != nil {
			return
		}
		s := a.Shape()
		if s.Views*s.Classes > 1<<16 {
			return
		}
		a.Aggregate(make([]float32, s.Classes), make([]float32, s.Views*s.Classes))
	})
}

func FuzzMemoryCache(f *testing.F) {
	var c MemoryCache
	c.Store(CacheKey{3, "hflip"}, []float32{1, 2})
	c.Store(CacheKey{0, ""}, nil)
	b, err := c.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(cacheMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, data := range [][]byte{b, blob.Seal(append([]byte(cacheMagic), b...))} { // most die of their checksum
			var c MemoryCache
			if c.UnmarshalBinary(data) != nil {
				continue
			}
			out, err := c.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var d MemoryCache
			if err := d.UnmarshalBinary(out); err != nil || c.Len() != d.Len() {
				t.Fatal(err)
			}
		}
	})
}
