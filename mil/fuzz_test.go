package mil_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/mil"
)

func FuzzReadKernelRidge(f *testing.F) {
	b := mil.Bags[float64]{X: random(1, 5, 2), Offsets: []int{0, 2, 3, 5}}
	for _, k := range []mil.SetKernel{mil.NSK(0), mil.AverageKernel(mil.NSK(0.5), mil.MinMax(0))} {
		r, err := mil.FitKernelRidge(k, b, []float64{1, -1, 2})
		require.NoError(f, err)
		text, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"version":1,"lambda":1,"columns":1,"x":[1,2],"offsets":[0,1,2],"alpha":[1,1],"left_out":[0,0],` +
		`"kernel":{"name":"average","parts":[{"name":"average","parts":[]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r mil.KernelRidge[float64]
		if json.Unmarshal(text, &r) != nil {
			return
		}
		again, err := json.Marshal(&r)
		require.NoError(t, err)
		var s mil.KernelRidge[float64]
		require.NoError(t, json.Unmarshal(again, &s))
	})
}

func FuzzReadStandardizer(f *testing.F) {
	f.Add([]byte(`{"version":1,"mean":[1,2],"deviation":[0,3],"clip":null}`))
	f.Add([]byte(`{"version":1,"mean":[],"deviation":[],"clip":5}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s mil.Standardizer
		if json.Unmarshal(text, &s) != nil {
			return
		}
		again, err := json.Marshal(&s)
		require.NoError(t, err)
		var r mil.Standardizer
		require.NoError(t, json.Unmarshal(again, &r))
		require.Equal(t, s, r)
	})
}

func TestKernelRidgeIsReadBack(t *testing.T) {
	b, y := someBags(t, 4, 8, 3)
	others, _ := someBags(t, 5, 3, 3)
	r, err := mil.FitKernelRidge(mil.AverageKernel(mil.NSK(0), mil.MinMax(0)), b, y, mil.WithLambda(0.2))
	require.NoError(t, err)
	want, err := r.Predict(others)
	require.NoError(t, err)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var back mil.KernelRidge[float64]
	require.NoError(t, json.Unmarshal(text, &back))
	got, err := back.Predict(others)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, r.LeaveOneOut(), back.LeaveOneOut())
	require.Equal(t, 0.2, back.Lambda())
	for _, bad := range []string{`{}`, `[`, `{"version":1,"lambda":1}`} {
		require.Error(t, json.Unmarshal([]byte(bad), &back))
	}
	again, err := back.Predict(others)
	require.NoError(t, err)
	require.Equal(t, want, again, "a fault changes nothing")
}
