package maddness

import (
	"testing"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

// task is a matrix product on real data; testdata/README.md says where it is from.
type task struct {
	name                    string
	reference               map[int]float64 // by codebooks: the error of the authors' code
	train, test, b, exact   tensor.Matrix[float32]
	bias                    []float32
	trainLabels, testLabels []int
}

// curves are errors by the number of codebooks.
type curves []struct {
	C         int
	Reference struct{ NMSE float64 } `json:"reference_maddness"`
}

func newTask(name string, train, test, b tensor.Matrix[float32], known curves) task {
	k := task{name: name, reference: map[int]float64{}, train: train, test: test, b: b,
		exact: tensor.NewMatrix[float32](test.Rows, b.Cols)}
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, test, b, 0, k.exact)
	for _, c := range known {
		k.reference[c.C] = c.Reference.NMSE
	}
	return k
}

// nmse is the error of an operator without bias on the test rows.
func (k task) nmse(tb testing.TB, op *Operator) float64 {
	tb.Helper()
	y := tensor.NewMatrix[float32](k.test.Rows, k.b.Cols)
	if err := op.Mul(y, k.test); err != nil {
		tb.Fatal(err)
	}
	return nmse(y.Data, k.exact.Data)
}

// accuracy is that of the operator, whose bias is the layer's, on the test rows.
func (k task) accuracy(tb testing.TB, op *Operator) float64 {
	tb.Helper()
	got := make([]int32, k.test.Rows)
	if err := op.ArgMax(got, k.test); err != nil {
		tb.Fatal(err)
	}
	right := 0.0
	for i, label := range k.testLabels {
		if int(got[i]) == label {
			right++
		}
	}
	return right / float64(len(got))
}

func ints(t golden.Tensor) []int {
	y := make([]int, len(t.Data))
	for i, v := range t.Data {
		y[i] = int(v)
	}
	return y
}

// digitsTask is a logistic regression on 8x8 digits: 64 columns with many equal values, 10 outputs, 1200 and 597 rows.
func digitsTask(tb testing.TB) task {
	var g struct {
		XTrain  golden.Tensor `json:"X_train"`
		XTest   golden.Tensor `json:"X_test"`
		YTrain  golden.Tensor `json:"y_train"`
		YTest   golden.Tensor `json:"y_test"`
		W, Bias golden.Tensor
		Curves  curves
	}
	golden.JSON(tb, "testdata/digits_softmax.json.gz", &g)
	k := newTask("digits", matrix32(g.XTrain), matrix32(g.XTest), matrix32(g.W), g.Curves)
	k.bias, k.trainLabels, k.testLabels = floats32(g.Bias.Data), ints(g.YTrain), ints(g.YTest)
	return k
}

// mnistTask is the last layer of a convolutional network: 512 columns, many of them 0, 10 outputs, 1500 and 380 rows.
func mnistTask(tb testing.TB) task {
	var g struct {
		Rows    int           `json:"rows_train"`
		Scale   float64       `json:"scale"`
		YTrain  golden.Tensor `json:"y_train"`
		YTest   golden.Tensor `json:"y_test"`
		W, Bias golden.Tensor
		Curves  curves
	}
	golden.JSON(tb, "testdata/mnist_relu_features.json.gz", &g)
	x := pixels(golden.NPY(tb, "testdata/mnist_relu_features_u8.npy.gz"), g.Scale)
	k := newTask("features", x.Slice(0, g.Rows, 0, x.Cols), x.Slice(g.Rows, x.Rows, 0, x.Cols), matrix32(g.W), g.Curves)
	k.bias, k.trainLabels, k.testLabels = floats32(g.Bias.Data), ints(g.YTrain), ints(g.YTest)
	return k
}

// sobelTask is an image filter: 27 columns, 2 outputs, 5000 rows of one photograph and 4000 of another.
func sobelTask(tb testing.TB) task {
	var g struct {
		Rows   int `json:"rows_train"`
		W      golden.Tensor
		Curves curves
	}
	golden.JSON(tb, "testdata/img_sobel.json.gz", &g)
	x := pixels(golden.NPY(tb, "testdata/img_sobel_u8.npy.gz"), 1)
	return newTask("sobel", x.Slice(0, g.Rows, 0, x.Cols), x.Slice(g.Rows, x.Rows, 0, x.Cols), matrix32(g.W), g.Curves)
}

func pixels(a golden.Array, scale float64) tensor.Matrix[float32] {
	x := tensor.NewMatrix[float32](a.Shape[0], a.Shape[1])
	for i, v := range a.Data {
		x.Data[i] = float32(scale * v)
	}
	return x
}
