package secondorder_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/tensor"
)

// digitsNet is a trained perceptron 64-64-32-10 and what the reference implementations made of it.
type digitsNet struct {
	Preprocess struct{ Mean, Std float64 }
	Params     []golden.Tensor
	Rows       []struct {
		Method   string
		Sparsity any
		Correct  int `json:"test_correct"`
	}
}

// pixels are the digits that the examples embed, which only examples may import: those to calibrate with and those to
// test on.
func (d *digitsNet) pixels(t testing.TB) (train, test tensor.Matrix[float32], labels []int) {
	f, err := os.Open("../../examples/digits/digits.csv.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	train.Cols, train.Stride, test.Cols, test.Stride = 64, 64, 64, 64
	for i, row := range rows {
		to := &train
		if i%5 == 4 {
			to = &test
			y, err := strconv.Atoi(row[64])
			require.NoError(t, err)
			labels = append(labels, y)
		} else if i%5 == 3 {
			continue
		}
		to.Rows++
		for _, field := range row[:64] {
			v, err := strconv.ParseFloat(field, 64)
			require.NoError(t, err)
			to.Data = append(to.Data, float32((v/16-d.Preprocess.Mean)/d.Preprocess.Std))
		}
	}
	return train, test, labels
}

type matrix32 = tensor.Matrix[float32]

// layer is a weight and what it makes of inputs.
func (d *digitsNet) layer(k int) (w matrix32, forward func(x matrix32) matrix32) {
	weight, bias := d.Params[2*k], make([]float32, len(d.Params[2*k+1].Data))
	for i, v := range d.Params[2*k+1].Data {
		bias[i] = float32(v)
	}
	w = tensor.Convert[float32](matrixOf(weight))
	act := tensor.ReLUActivation
	if k == 2 {
		act = tensor.Identity
	}
	return w, func(x matrix32) matrix32 {
		y := tensor.NewMatrix[float32](x.Rows, w.Rows)
		tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, w, 0, y, bias, act)
		return y
	}
}

// Hidden layers pruned one after the other, without training, get as many digits right as the reference's. That prunes
// one weight more in each, which matters where few are left, and is asked for here.
func TestGoldenDigits(t *testing.T) {
	var d digitsNet
	golden.JSON(t, "../testdata/digits_pretrained_mlp.json.gz", &d)
	train, test, labels := d.pixels(t)
	magnitude, compared := map[any]int{}, 0
	for _, row := range d.Rows {
		if row.Method == "magnitude_layerwise" {
			magnitude[row.Sparsity] = row.Correct
		}
		if row.Method != "sparsegpt" {
			continue
		}
		x, y := train, test
		for k := range 3 {
			w, forward := d.layer(k)
			if k < 2 {
				target := secondorder.NM(2, 4)
				if s, ok := row.Sparsity.(float64); ok {
					n := float64(len(w.Data))
					target = secondorder.Sparsity((math.Floor(n*s) + 1) / n)
				}
				_, _, err := secondorder.SparseGPT(ctx, w, gramOf(t, x), target)
				require.NoError(t, err)
			}
			x, y = forward(x), forward(y)
		}
		correct := 0
		for i, label := range labels {
			if tensor.ArgMax(y.Row(i)) == label {
				correct++
			}
		}
		t.Logf("%v: %d correct, the reference %d, magnitude %d", row.Sparsity, correct, row.Correct, magnitude[row.Sparsity])
		require.LessOrEqual(t, math.Abs(float64(correct-row.Correct)), 2., "%v", row.Sparsity)
		compared++
	}
	require.Equal(t, 5, compared)
}
