package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
)

func npy(descr, shape string, data any) []byte {
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", descr, shape)
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(h)))
	b.WriteString(h)
	_ = binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestNPY(t *testing.T) {
	a := NPY(t, write(t, "a.npy", npy("<f4", "2, 2", []float32{1, -2, 3.5, 4})))
	require.Equal(t, Array{[]int{2, 2}, []float64{1, -2, 3.5, 4}}, a)
	require.Equal(t, []float64{-1, 300}, NPY(t, write(t, "b.npy", npy("<i2", "2,", []int16{-1, 300}))).Data)
	require.Equal(t, []float64{255, 0}, NPY(t, write(t, "c.npy", npy("|u1", "2,", []uint8{255, 0}))).Data)
	require.Equal(t, []float64{math.Pi}, NPY(t, write(t, "d.npy", npy("<f8", "", []float64{math.Pi}))).Data)
	for want, b := range map[string][]byte{
		"not a npy file":     []byte("PNG and so on"),
		"unsupported header": npy(">f4", "1,", []float32{1}),
		"in a file of":       npy("<f4", "99999999, 99999999", []float32{1}),
		"bytes of data":      npy("<f4", "3,", []float32{1}),
		"unsupported type":   npy("<f2", "1,", []uint16{1}),
	} {
		path := write(t, "bad.npy", b)
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { NPY(tb, path) }), want)
	}
}

func TestJSON(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(`{"name": "x", "shape": [1], "data": [2.5]}`))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	var v Tensor
	JSON(t, write(t, "a.json.gz", packed.Bytes()), &v)
	require.Equal(t, Tensor{"x", []int{1}, []float64{2.5}}, v)
	require.NotEmpty(t, recorder.Failures(t, func(tb testing.TB) { JSON(tb, "missing.json", &v) }))
	require.NotEmpty(t, recorder.Failures(t, func(tb testing.TB) { JSON(tb, write(t, "bad.json", []byte("{")), &v) }))
}

func TestClose(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	Close(t, "x", []float64{1, 100, nan, inf}, []float64{1 + 1e-9, 100 + 1e-7, nan, inf}, 1e-8, 1e-8)
	for _, c := range [][2]float64{{1, 1.1}, {nan, 1}, {1, nan}, {inf, 1}, {1, inf}, {inf, -inf}} {
		got := recorder.Failures(t, func(tb testing.TB) {
			Close(tb, "x", []float64{0, c[0]}, []float64{0, c[1]}, 1e-8,
				1e-8)
		})
		require.Contains(t, got, "x[1] = ", "%v", c)
	}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { Close(tb, "x", []float64{1}, []float64{}, 1, 1) }),
		"1 values, want 0")
	require.NotEmpty(t, recorder.Failures(t, func(tb testing.TB) { Close(tb, "x", []float32{1}, []float32{2}, 0, 0) }),
		"no tolerance is exact")
}

func FuzzNPY(f *testing.F) {
	f.Add(npy("<f4", "2, 2", []float32{1, 2, 3, 4}))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff........"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseNPY(b); err == nil && len(a.Data) > len(b) {
			t.Errorf("%d values of %d bytes", len(a.Data), len(b))
		}
	})
}
