// Package idx reads the files of MNIST, Fashion-MNIST and other sets of images that are stored like them.
package idx

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Set is a set of images of Size x Size pixels with labels from 0 to 9.
type Set struct {
	Size int
	X    []float32 // pixels in [0, 1], one image after the other
	Y    []int
}

// Load reads the four files of a directory, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte and the
// same of t10k.
func Load(dir string) (train, test Set, err error) {
	if train, err = read(dir, "train"); err != nil {
		return train, test, err
	}
	test, err = read(dir, "t10k")
	if err == nil && train.Size != test.Size {
		err = fmt.Errorf("%s: images of %d and of %d pixels a side", dir, train.Size, test.Size)
	}
	return train, test, err
}

func read(dir, part string) (s Set, err error) {
	pixels, dims, err := readFile(filepath.Join(dir, part+"-images-idx3-ubyte"), 3)
	if err != nil {
		return s, err
	}
	labels, n, err := readFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), 1)
	if err != nil {
		return s, err
	}
	if dims[0] != n[0] || dims[1] != dims[2] {
		return s, fmt.Errorf("%s: %v images and %d labels", dir, dims, n[0])
	}
	s.Size = dims[1]
	for _, v := range pixels {
		s.X = append(s.X, float32(v)/255)
	}
	for i, v := range labels {
		if v > 9 {
			return s, fmt.Errorf("%s: label %d is %d", dir, i, v)
		}
		s.Y = append(s.Y, int(v))
	}
	return s, nil
}

// readFile reads an IDX file of bytes with so many dimensions; see yann.lecun.com/exdb/mnist.
func readFile(path string, dims int) ([]byte, []int, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		f, err = os.Open(path + ".gz")
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(f.Name(), ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	b, shape, err := parse(r, dims)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return b, shape, nil
}

// parse reads bytes in so many dimensions, and nothing after them.
func parse(r io.Reader, dims int) ([]byte, []int, error) {
	header := make([]uint32, 1+dims)
	if err := binary.Read(r, binary.BigEndian, header); err != nil {
		return nil, nil, err
	}
	if header[0] != 0x800|uint32(dims) {
		return nil, nil, fmt.Errorf("magic number %#x, want %#x", header[0], 0x800|dims)
	}
	shape, n := make([]int, dims), 1
	for i, d := range header[1:] {
		if shape[i] = int(d); d == 0 || d > 1<<20 || n > 1<<30/int(d) {
			return nil, nil, fmt.Errorf("dimensions %v", header[1:])
		}
		n *= int(d)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)+1))
	if err == nil && len(b) != n {
		err = fmt.Errorf("%d bytes for %v", len(b), shape)
	}
	return b, shape, err
}
