package mil_test

import (
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Instances of bags may lie anywhere in a table.
func ExampleGroupBy() {
	features := tensor.Of(5, 2, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	patient := []string{"Ann", "Bob", "Ann", "Cem", "Bob"}
	bags, names, rows, err := mil.GroupBy(features, patient)
	if err != nil {
		panic(err)
	}
	fmt.Println(names, bags.Offsets, rows)
	fmt.Println(bags.Bag(1).Row(1))
	// Output:
	// [Ann Bob Cem] [0 2 4 5] [0 2 1 4 3]
	// [9 10]
}

// Bags come from padded arrays and go back to them; masks say which places hold instances.
func ExampleFromPadded() {
	padded := tensor.DenseOf([]float64{1, 2, 0, 3, 0, 0}, 2, 3, 1)
	bags := must(mil.FromPadded(padded, []bool{true, true, false, true, false, false}))
	fmt.Println(bags.X.Data, bags.Offsets)
	again, mask, err := bags.Padded(-1)
	check(err)
	fmt.Println(again.Shape, again.Data, mask)
	both := must(mil.Concat(bags, must(mil.Join(tensor.Of(2, 1, []float64{8, 9})))))
	fmt.Println(both.Offsets)
	// Output:
	// [1 2 3] [0 2 3]
	// [2 2 1] [1 2 3 -1] [true true true false]
	// [0 2 3 5]
}

// A pooler makes a row of each bag and takes gradients back to the instances.
func ExampleNewPool() {
	bags := must(mil.New(tensor.Of(5, 1, []float64{1, 4, 2, 3, 7}), []int{0, 3, 5}))
	pool := must(mil.NewPool[float64](mil.TopFraction(0.5)))
	var tape mil.Tape[float64]
	y, dx := tensor.NewMatrix[float64](2, 1), tensor.NewMatrix[float64](5, 1)
	check(pool.Forward(y, bags, &tape))
	check(pool.Backward(dx, tensor.Of(2, 1, []float64{1, 1}), &tape))
	fmt.Println(y.Data, dx.Data)
	// The same offsets hold for whatever a network makes of the instances.
	squares := tensor.Of(5, 1, []float64{1, 16, 4, 9, 49})
	check(pool.Forward(y, bags.With(squares), &tape))
	fmt.Println(y.Data)
	// Output:
	// [3 7] [0 0.5 0.5 0 1]
	// [10 49]
}

// The score of a bag by several rules.
func ExampleScore() {
	p := []float64{0.1, 0.2, 0.8, 0.4, 0.1}
	for _, r := range []mil.Rule{mil.Mean(), mil.Max(), mil.TopFraction(0.2), mil.Quantile(0.5), mil.NoisyOr(),
		mil.LinearSoftmax(), mil.ExpSoftmax()} {
		fmt.Printf("%-16v %.4f\n", r, must(mil.Score(r, p)))
	}
	_, err := mil.Score(mil.Mean(), nil)
	fmt.Println(errors.Is(err, mil.ErrEmptyBag))
	// Output:
	// mean             0.3200
	// max              0.8000
	// top fraction 0.2 0.8000
	// quantile 0.5     0.2000
	// noisy-or         0.9222
	// linear softmax   0.5375
	// auto-pool 1      0.3976
	// true
}

// Two days of heartbeats need not lie in memory together.
func ExampleAccumulator() {
	attention := must(mil.NewAttention[float64](2, 4, mil.WithGate()))
	beats := random(1, 1000, 2)
	whole := tensor.NewMatrix[float64](1, 2)
	check(attention.Forward(whole, mil.Bags[float64]{X: beats, Offsets: []int{0, 1000}}, new(mil.Tape[float64])))

	first, second := must(attention.NewAccumulator(2)), must(attention.NewAccumulator(2))
	check(first.Add(beats.Slice(0, 300, 0, 2)))
	check(second.Add(beats.Slice(300, 1000, 0, 2)))
	check(first.Merge(second))
	y := make([]float64, 2)
	check(first.Value(y))
	fmt.Println(first.Len(), math.Abs(y[0]-whole.Data[0]) < 1e-12)
	// Output: 1000 true
}

// Contributions are signed and add up; attention says only where the model looks.
func ExampleExplain() {
	bag := tensor.Of(3, 1, []float64{2, -4, 0.5})
	e := must(mil.Explain(must(mil.NewPool[float64](mil.Mean())), bag, []float64{3}, 0.5))
	fmt.Println("output", e.Output, "bias", e.Bias)
	fmt.Println("contributions", e.Contributions)
	fmt.Println("alone", e.Alone)
	fmt.Println("without", e.Without)
	// Output:
	// output -1 bias 0.5
	// contributions [2 -4 0.5]
	// alone [6.5 -11.5 2]
	// without [-4.75 4.25 -2.5]
}

// Where one instance outweighs all others there is an answer without it.
func ExampleLeaveOneOut() {
	y := tensor.NewMatrix[float64](3, 1)
	check(mil.LeaveOneOut(y, must(mil.NewPool[float64](mil.LogSumExp(1))), tensor.Of(3, 1, []float64{50, 1, 2})))
	fmt.Printf("%.4f\n", y.Data)
	// Output: [1.6201 49.3069 49.3069]
}

// A sampler serves training on bags and on instances that inherit their labels.
func ExampleSampler() {
	x := tensor.Of(7, 1, []float64{0, 1, 2, 3, 4, 5, 6})
	bags := must(mil.New(x, []int{0, 3, 4, 6, 7}))
	positive := []bool{true, false, false, false}
	s := must(mil.NewSampler(positive, bags.Offsets, mil.WithBalanced(), mil.WithBagsPerBatch(2),
		mil.WithMaxInstances(2, mil.First)))
	fmt.Println(s.Batches(), "batches")
	var part mil.Bags[float64]
	seen := 0
	for batch := range s.Epoch(0) {
		check(mil.Gather(&part, bags, batch))
		seen += part.X.Rows
		fmt.Println(batch.Labels(positive), len(batch.InstanceLabels(positive)) == part.X.Rows)
	}
	fmt.Println(seen, "instances")
	// Output:
	// 3 batches
	// [true false] true
	// [true false] true
	// [true false] true
	// 10 instances
}

// The paper's risk: the mean of the largest fifth of the probabilities of a patient's beats.
func ExampleRisk() {
	logits := tensor.Of(8, 1, []float64{-3, -2, 3, -3, -1, 0, -2, -2})
	bags := must(mil.New(logits, []int{0, 5, 8}))
	risks := must(mil.Risk(bags, func(p []float64, x tensor.Matrix[float64]) error {
		tensor.Sigmoid(p, x.Data)
		return nil
	}, mil.TopFraction(0.2)))
	fmt.Printf("%.3f\n", risks)
	// Output: [0.953 0.500]
}

// Losses give a value and write the gradient.
func ExampleBCE() {
	grad := make([]float64, 2)
	loss := must(mil.BCE[float64]{PosWeight: 3}.Eval(grad, []float64{0, 0}, []bool{true, false}, nil))
	fmt.Printf("%.4f %.2f\n", loss, grad)
	loss = must(mil.BCE[float64]{}.EvalProbabilities(grad, []float64{0.8, 0.1}, []bool{true, false}, nil))
	fmt.Printf("%.4f %.4f\n", loss, grad)
	loss = must(mil.Focal[float64]{Gamma: 2, Alpha: 0.25}.Eval(nil, []float64{2, -1}, []bool{true, false}, nil))
	fmt.Printf("%.5f\n", loss)
	// Output:
	// 1.3863 [-0.75 0.25]
	// 0.1643 [-0.6250 0.5556]
	// 0.00872
}

// Cox's loss ranks the bags of a batch; a batch without events has none.
func ExampleCoxLoss() {
	times := []stats.Lifetime{{Time: 2, Event: true}, {Time: 3}, {Time: 5, Event: true}}
	var loss mil.CoxLoss[float64]
	grad := make([]float64, 3)
	fmt.Printf("%.4f %.4f\n", must(loss.Eval(grad, []float64{1, 0, -1}, times)), grad)
	_, err := loss.Eval(grad, []float64{1, 0, -1}, []stats.Lifetime{{Time: 1}, {Time: 2}, {Time: 3}})
	fmt.Println(err)
	// Output:
	// 0.2038 [-0.1674 0.1224 0.0450]
	// mil: CoxLoss.Eval: all 3 lifetimes are censored: no events
}

// Discrete hazards make survival curves.
func ExampleDiscreteHazard() {
	times := []stats.Lifetime{{Time: 1, Event: true}, {Time: 2, Event: true}, {Time: 4, Event: true}, {Time: 9}}
	h := must(mil.NewDiscreteHazard[float64](times, 2))
	fmt.Println(h.Edges, h.Interval(1), h.Interval(2))
	logits := tensor.NewMatrix[float64](4, 2)
	fmt.Printf("%.4f\n", must(h.Eval(tensor.Matrix[float64]{}, logits, times)))
	check(h.Survival(logits, logits))
	fmt.Println(logits.Row(0))
	// Output:
	// [2] 0 1
	// 1.2130
	// [0.5 0.25]
}

// Ridge regression on a kernel of bags has no seed, and says what it would have said without each bag.
func ExampleFitKernelRidge() {
	x := tensor.Of(8, 1, []float64{0, 0.1, 0.2, 5, 0.1, 5.2, 0, 0.3})
	bags := must(mil.New(x, []int{0, 2, 4, 6, 8}))
	z := must(mil.FitStandardizer(bags, mil.WithClip(3)))
	check(mil.Standardize(z, x, x))
	r := must(mil.FitKernelRidge(mil.AverageKernel(mil.NSK(0), mil.MinMax(0)), bags, []float64{-1, 1, 1, -1},
		mil.WithLambda(0.1, 1), mil.WithWorkers(1)))
	fmt.Printf("lambda %v, fit %.1f, without each %.1f\n", r.Lambda(), must(r.Predict(bags)), r.LeaveOneOut())
	// Output: lambda 0.1, fit [-0.9 0.9 0.9 -0.9], without each [-0.8 0.8 0.8 -0.8]
}
