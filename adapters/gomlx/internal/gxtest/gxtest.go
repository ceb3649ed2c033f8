// Package gxtest is what the tests of the adapters share: a backend that does not hang, a limit of time, and data.
package gxtest

import (
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/tensor"
)

var shared = sync.OnceValues(func() (compute.Backend, error) { return compute.NewWithConfig(cpu.Sequential) })

// Backend is the backend of all tests of a package. It limits the time of the test.
func Backend(t testing.TB) compute.Backend {
	t.Helper()
	Limit(t)
	b, err := shared()
	require.NoError(t, err)
	return b
}

// Limit ends the program, with what all goroutines do, if a test takes much longer than it should.
func Limit(t testing.TB) {
	name := t.Name()
	timer := time.AfterFunc(2*time.Minute, func() { panic(name + " hangs") })
	t.Cleanup(func() { timer.Stop() })
}

// Sizes of the data and of the model.
const (
	Rows    = 16
	Columns = 8
	Hidden  = 12
)

// Data is a data set without an end whose batch of a step depends on the step alone, from step From on.
type Data struct{ From int }

// Name implements train.Dataset.
func (Data) Name() string { return "synthetic" }

// Iter implements train.Dataset.
func (d Data) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for step := d.From; yield(Batch(step), nil); step++ {
		}
	}
}

// Batch is rows of normal numbers, and a linear function of each.
func Batch(step int) train.Batch {
	rng := tensor.Stream(7, uint64(step))
	x, y := make([]float32, Rows*Columns), make([]float32, Rows)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		y[i/Columns] += x[i] * float32(i%3)
	}
	return train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, Rows, Columns)},
		Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(y, Rows, 1)}}
}

// Net is two layers, whose weights are /h/dense/weights and /o/dense/weights.
func Net(scope *model.Scope, x *graph.Node) *graph.Node {
	h := graph.Tanh(layers.DenseWithBias(scope.In("h"), x, Hidden))
	return layers.DenseWithBias(scope.In("o"), h, 1)
}

// Weights are the paths of the weights of Net.
var Weights = []string{"/h/dense/weights", "/o/dense/weights"}

// Store is an empty store with a seed.
func Store(t testing.TB) *model.Store {
	t.Helper()
	s := model.NewStore()
	require.NoError(t, s.SetRNGStateFromSeed(1))
	return s
}

// Values copies the values of a variable.
func Values(t testing.TB, s *model.Store, path string) []float32 {
	t.Helper()
	v := s.GetVariable(path)
	require.NotNil(t, v, path)
	x, err := tensors.CopyFlatData[float32](v.MustValue())
	require.NoError(t, err, path)
	return x
}
