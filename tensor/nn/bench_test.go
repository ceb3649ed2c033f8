package nn

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/espalier-ml/espalier/tensor"
)

// The models of benchmarks/torch/steps.py, so that the two can be run in turn.

// mlpModel is 784-256-128-10 with ReLU.
func mlpModel[T tensor.Float]() *Sequential[T] {
	rng := tensor.Stream(1)
	first, second := Must(NewLinear[T](784, 256, rng)), Must(NewLinear[T](256, 128, rng))
	first.Act, first.SkipInputGrad, second.Act = tensor.ReLUActivation, true, tensor.ReLUActivation
	return NewSequential[T](NewFlatten[T](), first, second, Must(NewLinear[T](128, 10, rng)))
}

// cnnModel is conv3x3x16, pool, conv3x3x32, pool and a linear head for images of 28x28 pixels.
func cnnModel[T tensor.Float]() *Sequential[T] {
	rng := tensor.Stream(1)
	half := tensor.Window{KH: 2, KW: 2}
	first := Must(NewConv2D[T](tensor.Window{KH: 3, KW: 3, C: 1, PadH: 1, PadW: 1}, 16, rng))
	second := Must(NewConv2D[T](tensor.Window{KH: 3, KW: 3, C: 16, PadH: 1, PadW: 1}, 32, rng))
	first.Act, first.SkipInputGrad, second.Act = tensor.ReLUActivation, true, tensor.ReLUActivation
	return NewSequential[T](first, Must(NewMaxPool2D[T](half)), second, Must(NewMaxPool2D[T](half)), NewFlatten[T](),
		Must(NewLinear[T](7*7*32, 10, rng)))
}

// transformerModel is an encoder of two pre-norm layers, a mean over the steps and a linear head.
func transformerModel[T tensor.Float](dim, heads, hidden int) *Sequential[T] {
	rng := tensor.Stream(1)
	var layers []Layer[T]
	for range 2 {
		wide := Must(NewLinear[T](dim, hidden, rng))
		wide.Act = tensor.ReLUActivation
		layers = append(layers,
			NewResidual[T](Must(NewLayerNorm[T](dim)), Must(NewMultiHeadAttention[T](dim, heads, rng))),
			NewResidual[T](Must(NewLayerNorm[T](dim)), wide, Must(NewLinear[T](hidden, dim, rng))))
	}
	return NewSequential(append(layers, NewGlobalAvgPool[T](), Must(NewLinear[T](dim, 10, rng)))...)
}

// trainer is one model with everything that a step needs.
type trainer[T tensor.Float] struct {
	model  *Sequential[T]
	loss   CrossEntropy[T]
	opt    SGD[T]
	x      tensor.Dense[T]
	labels []int
}

func newTrainer[T tensor.Float](model *Sequential[T], shape ...int) *trainer[T] {
	tr := &trainer[T]{model: model, opt: SGD[T]{LR: 0.01}, x: tensor.NewDense[T](shape...), labels: make([]int, shape[0])}
	normal(tensor.Stream(2), tr.x.Data, 1)
	for i := range tr.labels {
		tr.labels[i] = i % 10
	}
	return tr
}

// step is one whole step of training.
func (tr *trainer[T]) step() (float64, error) {
	y := tr.model.Forward(tr.x, true)
	loss, dy, err := tr.loss.Eval(y, tr.labels)
	if err != nil {
		return 0, err
	}
	ZeroGrad(tr.model.Params())
	tr.model.Backward(dy)
	return loss, tr.opt.Step(tr.model.Params())
}

// benchmarkStep reports median and minimum beside the mean: they are what steps.py prints, and the neighbours on a
// shared machine disturb them less.
func benchmarkStep(b *testing.B, tr *trainer[float32]) {
	times := make([]float64, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if _, err := tr.step(); err != nil {
			b.Fatal(err)
		}
		if len(times) < cap(times) {
			times = append(times, time.Since(start).Seconds())
		}
	}
	slices.Sort(times)
	b.ReportMetric(1e3*times[len(times)/2], "median-ms")
	b.ReportMetric(1e3*times[0], "min-ms")
	b.ReportMetric(float64(len(tr.labels))/times[len(times)/2], "samples/s")
}

func BenchmarkMLPStep(b *testing.B) {
	benchmarkStep(b, newTrainer(mlpModel[float32](), 64, 28, 28, 1))
}

func BenchmarkCNNStep(b *testing.B) {
	benchmarkStep(b, newTrainer(cnnModel[float32](), 64, 28, 28, 1))
}

func BenchmarkTransformerStep(b *testing.B) {
	benchmarkStep(b, newTrainer(transformerModel[float32](128, 4, 512), 16, 32, 128))
}

// Half a million values, so that rows of all lengths compare.
func BenchmarkNorms(b *testing.B) {
	for _, features := range []int{8, 32, 128, 512} {
		x := tensor.NewDense[float32](1<<19/features, features)
		rng := tensor.Stream(1)
		for i := range x.Data {
			x.Data[i] = float32(rng.NormFloat64()) + 0.5
		}
		for name, l := range map[string]Layer[float32]{
			"layer": Must(NewLayerNorm[float32](features)),
			"batch": Must(NewBatchNorm[float32](features)),
		} {
			b.Run(fmt.Sprintf("%s/%d", name, features), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					l.Forward(x, true)
					l.Backward(x)
				}
			})
		}
	}
}
