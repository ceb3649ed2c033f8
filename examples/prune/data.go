package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/espalier-ml/espalier/examples/internal/digits"
)

// images are pictures of size x size pixels, shifted and scaled to mean 0 and standard deviation 1 of the training set.
type images struct {
	size int
	x    []float32
	y    []int
}

func (s *images) add(pixels []float32, label int) {
	s.x = append(s.x, pixels...)
	s.y = append(s.y, label)
}

// loadDigits splits the embedded digits by position: two of five for test and validation, of which this program uses the test part.
func loadDigits() (train, test images, err error) {
	all, err := digits.Load()
	if err != nil {
		return train, test, err
	}
	train.size, test.size = digits.Size, digits.Size
	const n = digits.Size * digits.Size
	for i, y := range all.Y {
		pixels := make([]float32, n)
		for j, v := range all.X[i*n : (i+1)*n] {
			pixels[j] = (v - 0.3049) / 0.3761
		}
		switch i % 5 {
		case 4:
			test.add(pixels, y)
		case 3: // validation
		default:
			train.add(pixels, y)
		}
	}
	return train, test, nil
}

// loadIDX reads the four files of MNIST or Fashion-MNIST, gzipped or not.
func loadIDX(dir string) (train, test images, err error) {
	if train, err = readIDX(dir, "train"); err != nil {
		return train, test, err
	}
	test, err = readIDX(dir, "t10k")
	if err == nil && train.size != test.size {
		err = fmt.Errorf("%s: images of %d and of %d pixels a side", dir, train.size, test.size)
	}
	return train, test, err
}

func readIDX(dir, part string) (s images, err error) {
	pixels, dims, err := readIDXFile(filepath.Join(dir, part+"-images-idx3-ubyte"), 3)
	if err != nil {
		return s, err
	}
	labels, n, err := readIDXFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), 1)
	if err != nil {
		return s, err
	}
	if dims[0] != n[0] || dims[1] != dims[2] {
		return s, fmt.Errorf("%s: %v images and %d labels", dir, dims, n[0])
	}
	s.size = dims[1]
	for _, v := range pixels {
		s.x = append(s.x, (float32(v)/255-0.1307)/0.3081)
	}
	for i, v := range labels {
		if v > 9 {
			return s, fmt.Errorf("%s: label %d is %d", dir, i, v)
		}
		s.y = append(s.y, int(v))
	}
	return s, nil
}

// readIDXFile reads an IDX file of bytes with so many dimensions; see yann.lecun.com/exdb/mnist.
func readIDXFile(path string, dims int) ([]byte, []int, error) {
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
	header := make([]uint32, 1+dims)
	if err := binary.Read(r, binary.BigEndian, header); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if header[0] != 0x800|uint32(dims) {
		return nil, nil, fmt.Errorf("%s: magic number %#x, want %#x", f.Name(), header[0], 0x800|dims)
	}
	shape, n := make([]int, dims), 1
	for i, d := range header[1:] {
		if shape[i] = int(d); d == 0 || d > 1<<20 || n > 1<<30/int(d) {
			return nil, nil, fmt.Errorf("%s: dimensions %v", f.Name(), header[1:])
		}
		n *= int(d)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)+1))
	if err == nil && len(b) != n {
		err = fmt.Errorf("%d bytes for %v", len(b), shape)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return b, shape, nil
}
