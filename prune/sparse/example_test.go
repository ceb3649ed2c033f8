package sparse_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// A layer of three outputs and four inputs, half pruned by magnitude.
func Example() {
	w := &tensor.Param[float32]{Name: "fc", Shape: []int{3, 4}, Data: []float32{5, 1, -4, 2, 0.5, 6, 1, -7, 3, 2, 8, 1}}
	masks, err := prune.ComputeMasks([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5))
	if err != nil {
		log.Fatal(err)
	}
	m, err := sparse.New(tensor.Of(3, 4, w.Data), masks.Get("fc"))
	if err != nil {
		log.Fatal(err)
	}
	x := tensor.Of(2, 4, []float32{1, 1, 1, 1, 1, 0, 2, 0})
	dst := tensor.NewMatrix[float32](2, 3)
	if err := m.MulBatch(dst, x); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Kept(), "of", m.Rows()*m.Cols(), "kept:", dst.Row(0), dst.Row(1))
	// Output: 6 of 12 kept: [1 -1 11] [-3 0 19]
}

// Two of every four neighbours take 9/16 of the dense bytes, and nothing says how fast that is: the default format
// can be made of it at any time.
func ExampleMatrix_Convert() {
	w := tensor.Of(1, 8, []float32{1, 0, 0, 2, 0, 3, 4, 0})
	small, err := sparse.New(w, nil, sparse.WithNM(2, 4))
	if err != nil {
		log.Fatal(err)
	}
	fast, err := small.Convert(sparse.WithFormat(sparse.Panels), sparse.WithWorkers(1))
	if err != nil {
		log.Fatal(err)
	}
	y := make([]float32, 1)
	if err := fast.MulVec(y, []float32{1, 1, 1, 1, 1, 1, 1, 1}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(small.Format(), fast.Format(), fast.Dense().Data, y)
	// Output: n:m panels [1 0 0 2 0 3 4 0] [10]
}

// The arrays of scipy.sparse.csr_matrix in, indices as ONNX has them out.
func ExampleFromCSR() {
	m, err := sparse.FromCSR(sparse.CSR[float64]{Rows: 2, Cols: 3, Indptr: []int{0, 2, 3}, Indices: []int{0, 2, 1},
		Data: []float64{1, 2, 3}}, sparse.WithFormat(sparse.Compressed))
	if err != nil {
		log.Fatal(err)
	}
	o := m.ONNX()
	fmt.Println(o.Dims, o.Values, o.Indices)
	again, err := sparse.FromONNX(o)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Cols(), again.CSR().Indptr, m.Mask(), m.Bytes(), "bytes")
	// Output:
	// [2 3] [1 2 3] [0 0 0 2 1 1]
	// 3 [0 2 3] 101010 42 bytes
}

// Auto times the product in every format, dense among them, and takes the fastest.
func ExampleAuto() {
	w := tensor.NewMatrix[float32](256, 256)
	rng := tensor.Stream(1)
	for i := range w.Data {
		if rng.Float64() < 0.1 {
			w.Data[i] = float32(rng.NormFloat64())
		}
	}
	m, report, err := sparse.Auto(w, nil, 64)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Format() == report.Best, len(report.Lines) >= 4, report.Lines[0].Format)
	b, err := m.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	var served sparse.Matrix[float32]
	if err := served.UnmarshalBinary(b); err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(served.Format())
	fmt.Println(served.Kept() == m.Kept(), len(text) > 0, err)
	// Output:
	// true true dense
	// true true <nil>
}
