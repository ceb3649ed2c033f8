package peers

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

// Whatever is installed computes what it should.
func TestProducts(t *testing.T) {
	for _, l := range Installed() {
		t.Run(l.Name, func(t *testing.T) {
			for _, transB := range []bool{false, true} {
				const m, n, k = 5, 7, 9
				a, b := tensor.NewMatrix[float32](m, k), tensor.NewMatrix[float32](k, n)
				c, want := tensor.NewMatrix[float32](m, n), tensor.NewMatrix[float32](m, n)
				for i := range a.Data {
					a.Data[i] = float32(i % 5)
				}
				for i := range b.Data {
					b.Data[i] = float32(i%7) - 3
				}
				if transB {
					b.Rows, b.Cols, b.Stride = n, k, k
				}
				tensor.Gemm(tensor.NoTrans, tensor.Transpose(transB), 1, a, b, 0, want)
				Gemm(l, 2, transB, a, b, c)
				for i := range c.Data {
					if math.Abs(float64(c.Data[i]-want.Data[i])) > 1e-4 {
						t.Fatalf("element %d is %v, want %v", i, c.Data[i], want.Data[i])
					}
				}
			}
		})
	}
}

func TestInt8(t *testing.T) {
	for _, l := range Installed() {
		if !l.HasInt8() {
			continue
		}
		c := make([]int32, 4)
		GemmInt8(l, 1, 2, 2, 3, []uint8{1, 2, 3, 200, 0, 1}, []int8{1, -2, 0, 5, -128, 7}, c)
		if c[0] != 1-384 || c[1] != -2+10+21 || c[2] != 200-128 || c[3] != -400+7 {
			t.Fatal(l.Name, c)
		}
	}
}
