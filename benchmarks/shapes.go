package benchmarks

import "fmt"

// Shape is a matrix product: A is M by K, B is K by N, or N by K if it is transposed.
type Shape struct {
	M, N, K int
	TransB  bool
	Bar     float64 // the speed, relative to OpenBLAS, that the library is held to; zero for none
}

// String is MxNxK, with a t if B is transposed.
func (s Shape) String() string {
	t := ""
	if s.TransB {
		t = "t"
	}
	return fmt.Sprintf("%dx%dx%d%s", s.M, s.N, s.K, t)
}

// Flops is the number of floating-point operations of one product.
func (s Shape) Flops() float64 { return 2 * float64(s.M) * float64(s.N) * float64(s.K) }

// Products32 are the float32 products that training loops and servers are made of: squares, fully connected layers,
// convolutions as products of patches, attention heads, and a few examples against large layers.
var Products32 = []Shape{
	{32, 32, 32, false, 0.95},
	{128, 128, 128, false, 0.95},
	{256, 256, 256, false, 1},
	{512, 512, 512, false, 1},
	{1024, 1024, 1024, false, 1},
	{64, 512, 512, false, 1},
	{64, 256, 784, true, 0.85},
	{512, 512, 128, true, 1},
	{1000, 128, 512, true, 1},
	{12544, 32, 144, true, 1},
	{50176, 16, 9, true, 1},
	{1, 4096, 4096, false, 1},
	{8, 1024, 1024, false, 1},
	{16, 4096, 4096, false, 1},
}

// Products64 are the float64 products.
var Products64 = []Shape{
	{32, 32, 32, false, 0},
	{128, 128, 128, false, 0},
	{512, 512, 512, false, 1},
	{512, 512, 128, true, 0},
}

// Small are the products that no library should lose to plain loops on.
func Small() []Shape {
	var s []Shape
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64} {
		s = append(s, Shape{M: n, N: n, K: n})
	}
	for _, d := range [][3]int{
		{1, 64, 64}, {64, 1, 64}, {64, 64, 1}, {1, 1, 64}, {1, 64, 1}, {64, 1, 1}, {2, 64, 64}, {64, 2, 64}, {64, 64, 2},
		{1, 512, 512}, {512, 1, 512}, {4, 4, 256}, {3, 5, 7}, {17, 13, 11}, {100, 3, 9},
	} {
		s = append(s, Shape{M: d[0], N: d[1], K: d[2]})
	}
	for _, v := range s[:len(s):len(s)] {
		if v.N > 1 || v.K > 1 {
			v.TransB = true
			s = append(s, v)
		}
	}
	return s
}

// Vector is a matrix-vector product.
type Vector struct {
	Rows, Cols int
	Trans      bool
	Bar        float64
}

// String is ROWSxCOLS, with a t if the matrix is transposed.
func (v Vector) String() string {
	t := ""
	if v.Trans {
		t = "t"
	}
	return fmt.Sprintf("%dx%d%s", v.Rows, v.Cols, t)
}

// Vectors are the matrix-vector products, from what fits the first-level cache to what fits none.
var Vectors = []Vector{
	{64, 64, false, 0.7}, {64, 64, true, 0.7},
	{128, 784, false, 0.7}, {128, 784, true, 0.7},
	{512, 512, false, 0.7}, {512, 512, true, 0.7},
	{2048, 2048, false, 0.7}, {2048, 2048, true, 0.7},
}
