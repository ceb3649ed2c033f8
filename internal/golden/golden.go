// Package golden reads reference data: JSON and NumPy arrays, plain or gzipped.
package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// JSON decodes the file into v and fails the test if it cannot. Files ending in .gz are unpacked.
func JSON(tb testing.TB, path string, v any) {
	tb.Helper()
	if err := ReadJSON(path, v); err != nil {
		tb.Fatalf("golden: %v", err)
	}
}

// ReadJSON decodes the file into v. Files ending in .gz are unpacked.
func ReadJSON(path string, v any) error {
	b, err := read(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Tensor is the form in which arrays stand in the JSON files.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float64
}

// Array is a NumPy array, its elements converted to float64 in C order.
type Array struct {
	Shape []int
	Data  []float64
}

// NPY reads a .npy or .npy.gz file (format 1 to 3, little-endian numbers, C order) and fails the test if
// it cannot.
func NPY(tb testing.TB, path string) Array {
	tb.Helper()
	a, err := ReadNPY(path)
	if err != nil {
		tb.Fatalf("golden: %v", err)
	}
	return a
}

// ReadNPY reads what [NPY] does.
func ReadNPY(path string) (Array, error) {
	b, err := read(path)
	if err != nil {
		return Array{}, err
	}
	a, err := parseNPY(b)
	if err != nil {
		return Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Close fails the test if lengths differ or if an element is further from want than
// atol + rtol*|want|. It reports the worst element. NaN equals only NaN and an infinity only itself.
func Close[G, W ~float32 | ~float64](tb testing.TB, name string, got []G, want []W, rtol, atol float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	worst, at := 0.0, -1
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		e := math.Abs(g-w) / (atol + rtol*math.Abs(w))
		if math.IsNaN(e) || math.IsInf(w, 0) {
			e = math.Inf(1)
		}
		if e > worst {
			worst, at = e, i
		}
	}
	if worst > 1 {
		tb.Errorf("%s[%d] = %v, want %v: off by %.3g times the tolerance (rtol %g, atol %g)",
			name, at, got[at], want[at], worst, rtol, atol)
	}
}

func read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

var header = regexp.MustCompile(`'descr':\s*'([<|=])([fiu])(\d)',\s*'fortran_order':\s*(False|True),\s*` +
	`'shape':\s*\(([\d, ]*)\)`)

func parseNPY(b []byte) (Array, error) {
	if len(b) < 12 || string(b[:6]) != "\x93NUMPY" {
		return Array{}, fmt.Errorf("not a npy file")
	}
	start, n := 10, int(binary.LittleEndian.Uint16(b[8:]))
	if b[6] >= 2 {
		start, n = 12, int(binary.LittleEndian.Uint32(b[8:]))
	}
	if n < 0 || n > len(b)-start {
		return Array{}, fmt.Errorf("header of %d bytes in a file of %d", n, len(b))
	}
	h := header.FindSubmatch(b[start : start+n])
	if h == nil || string(h[4]) == "True" {
		return Array{}, fmt.Errorf("unsupported header %q", b[start:start+n])
	}
	var a Array
	count := 1
	for s := range strings.SplitSeq(string(h[5]), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil || d > 0 && count > len(b)/d {
			return Array{}, fmt.Errorf("shape (%s) in a file of %d bytes", h[5], len(b))
		}
		a.Shape = append(a.Shape, d)
		count *= d
	}
	kind, size := h[2][0], int(h[3][0]-'0')
	body := b[start+n:]
	if len(body) != count*size {
		return Array{}, fmt.Errorf("%d bytes of data for shape (%s) of %c%d", len(body), h[5], kind, size)
	}
	a.Data = make([]float64, count)
	for i := range a.Data {
		v, err := element(kind, body[i*size:(i+1)*size])
		if err != nil {
			return Array{}, err
		}
		a.Data[i] = v
	}
	return a, nil
}

func element(kind byte, b []byte) (float64, error) {
	var u uint64
	for i, c := range b {
		u |= uint64(c) << (8 * i)
	}
	shift := 64 - 8*len(b)
	switch {
	case kind == 'f' && len(b) == 4:
		return float64(math.Float32frombits(uint32(u))), nil
	case kind == 'f' && len(b) == 8:
		return math.Float64frombits(u), nil
	case kind == 'u':
		return float64(u), nil
	case kind == 'i':
		return float64(int64(u<<shift) >> shift), nil
	}
	return 0, fmt.Errorf("unsupported type %c%d", kind, len(b))
}
