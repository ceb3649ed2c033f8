package amm_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// reference is the last layer of a network on MNIST, and what the authors' code makes of it.
type reference struct {
	Rows   int           `json:"rows_train"`
	Scale  float64       `json:"scale"`
	YTest  golden.Tensor `json:"y_test"`
	W      golden.Tensor
	Bias   golden.Tensor
	Curves []struct {
		C  int
		PQ struct{ NMSE, Acc, Acc0 float64 } `json:"reference_maddness_pq"`
	}
}

func numbers(t golden.Tensor) []float32 {
	x := make([]float32, len(t.Data))
	for i, v := range t.Data {
		x[i] = float32(v)
	}
	return x
}

// Without optimised prototypes the authors' code and this one differ in ties and in the rounding of thresholds only:
// errors are within 4 %, accuracies within what 380 images can tell.
func TestMaddnessPQReference(t *testing.T) {
	var g reference
	golden.JSON(t, "../testdata/mnist_relu_features.json.gz", &g)
	a := golden.NPY(t, "../testdata/mnist_relu_features_u8.npy.gz")
	x := tensor.NewMatrix[float32](a.Shape[0], a.Shape[1])
	for i, v := range a.Data {
		x.Data[i] = float32(g.Scale * v)
	}
	task := amm.Task{A: x.Slice(g.Rows, x.Rows, 0, x.Cols), B: tensor.Of(x.Cols, 10, numbers(g.W)), Bias: numbers(g.Bias)}
	for _, y := range g.YTest.Data {
		task.Labels = append(task.Labels, int(y))
	}
	for _, c := range g.Curves {
		t.Run(fmt.Sprint(c.C), func(t *testing.T) {
			op, err := amm.FitMaddnessPQ(context.Background(), x.Slice(0, g.Rows, 0, x.Cols), task.B, c.C)
			require.NoError(t, err)
			r, err := amm.Evaluate(op, task)
			require.NoError(t, err)
			require.InEpsilon(t, c.PQ.NMSE, r.NMSE, 0.04)
			require.InDelta(t, c.PQ.Acc, r.Accuracy, 0.02)
			require.InDelta(t, c.PQ.Acc0, r.ExactAccuracy, 1e-9)
		})
	}
	require.Len(t, g.Curves, 4)
}
