package idx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path string, data []byte, zipped bool, dims ...uint32) {
	var b bytes.Buffer
	require.NoError(t, binary.Write(&b, binary.BigEndian, append([]uint32{0x800 | uint32(len(dims))}, dims...)))
	b.Write(data)
	if zipped {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err := w.Write(b.Bytes())
		require.NoError(t, err)
		require.NoError(t, w.Close())
		b, path = z, path+".gz"
	}
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("train-images-idx3-ubyte"), bytes.Repeat([]byte{0, 255}, 9), true, 2, 3, 3)
	write(t, at("train-labels-idx1-ubyte"), []byte{7, 1}, true, 2)
	write(t, at("t10k-images-idx3-ubyte"), make([]byte, 9), false, 1, 3, 3)
	write(t, at("t10k-labels-idx1-ubyte"), []byte{9}, false, 1)
	train, test, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, []int{7, 1}, train.Y)
	require.Equal(t, 3, train.Size)
	require.Len(t, train.X, 18)
	require.Equal(t, []float32{0, 1}, train.X[:2])
	require.Equal(t, []int{9}, test.Y)

	for name, spoil := range map[string]func(){
		"bytes for":    func() { write(t, at("t10k-images-idx3-ubyte"), make([]byte, 8), false, 1, 3, 3) },
		"dimensions":   func() { write(t, at("t10k-images-idx3-ubyte"), nil, false, 1<<31, 3, 3) },
		"magic number": func() { write(t, at("t10k-images-idx3-ubyte"), make([]byte, 9), false, 9) },
		"label 0": func() {
			write(t, at("t10k-images-idx3-ubyte"), make([]byte, 9), false, 1, 3, 3)
			write(t, at("t10k-labels-idx1-ubyte"), []byte{10}, false, 1)
		},
		"2 labels": func() { write(t, at("t10k-labels-idx1-ubyte"), []byte{1, 2}, false, 2) },
		"EOF":      func() { require.NoError(t, os.WriteFile(at("t10k-labels-idx1-ubyte"), []byte{0}, 0o644)) },
	} {
		write(t, at("t10k-images-idx3-ubyte"), make([]byte, 9), false, 1, 3, 3)
		write(t, at("t10k-labels-idx1-ubyte"), []byte{9}, false, 1)
		spoil()
		_, _, err := Load(dir)
		require.ErrorContains(t, err, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 2, 7, 9}, 1)
	f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9}, 3)
	f.Add([]byte{0, 0, 8, 1, 255, 255, 255, 255}, 1)
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 2, 7, 9, 1}, 1)
	f.Fuzz(func(t *testing.T, b []byte, dims int) {
		if dims < 1 || dims > 4 {
			return
		}
		pixels, shape, err := parse(bytes.NewReader(b), dims)
		if err != nil {
			return
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		require.Len(t, pixels, n)
		require.Equal(t, b[4+4*dims:], pixels)
	})
}
