// Package network is a perceptron on handwritten digits whose layers are there to be replaced.
package network

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/examples/idx"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// Matrix is a matrix of float32.
type Matrix = tensor.Matrix[float32]

// Images are rows of pixels with labels.
type Images struct {
	X Matrix
	Y []int
}

// Width is the number of columns.
func (s Images) Width() int { return s.X.Cols }

// Load splits the digits by the seed, or reads the IDX files of a directory, into images to train and to test on.
func Load(seed uint64, dir string) (train, test Images, err error) {
	if dir != "" {
		first, second, err := idx.Load(dir)
		if err != nil {
			return train, test, err
		}
		n := first.Size * first.Size
		return Images{tensor.Of(len(first.Y), n, first.X), first.Y}, Images{tensor.Of(len(second.Y), n, second.X), second.Y},
			nil
	}
	all, err := digits.Load()
	if err != nil {
		return train, test, err
	}
	first, second := all.Split(seed, 1297)
	const n = digits.Size * digits.Size
	return Images{tensor.Of(first.Len(), n, first.X), first.Y}, Images{tensor.Of(second.Len(), n, second.X), second.Y}, nil
}

// Network is a perceptron with two hidden layers.
type Network struct {
	linear [3]*nn.Linear[float32]
	model  *nn.Sequential[float32]
}

// Fit trains the network with Adam.
func Fit(train Images, hidden, epochs int, seed uint64) (Network, error) {
	rng := tensor.Stream(seed, 1)
	l1, err1 := nn.NewLinear[float32](train.Width(), hidden, rng)
	l2, err2 := nn.NewLinear[float32](hidden, hidden, rng)
	l3, err3 := nn.NewLinear[float32](hidden, 10, rng)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Network{}, err
	}
	l1.Act, l2.Act, l1.SkipInputGrad = tensor.ReLUActivation, tensor.ReLUActivation, true
	net := Network{[3]*nn.Linear[float32]{l1, l2, l3}, nn.NewSequential[float32](l1, l2, l3)}

	const batch = 64
	opt := nn.NewAdam[float32](1e-3)
	var loss nn.CrossEntropy[float32]
	x, y := tensor.NewDense[float32](batch, train.Width()), make([]int, batch)
	steps := len(train.Y) / batch
	var order []int
	for step := range epochs * steps {
		epoch, at := step/steps, step%steps
		if at == 0 {
			order = tensor.Stream(seed, 2, uint64(epoch)).Perm(len(train.Y))
		}
		for i, n := range order[at*batch : (at+1)*batch] {
			copy(x.Matrix(1).Row(i), train.X.Row(n))
			y[i] = train.Y[n]
		}
		_, grad, err := loss.Eval(net.model.Forward(x, true), y)
		if err != nil {
			return net, fmt.Errorf("step %d: %w", step, err)
		}
		nn.ZeroGrad(net.model.Params())
		net.model.Backward(grad)
		if err := opt.Step(net.model.Params()); err != nil {
			return net, err
		}
	}
	return net, nil
}

// Accuracy is the share of the images that it has right.
func (n Network) Accuracy(set Images) float64 {
	logits := n.model.Forward(tensor.DenseOf(set.X.Data, set.X.Rows, set.X.Cols), false).Matrix(1)
	right := 0
	for i, y := range set.Y {
		if tensor.ArgMax(logits.Row(i)) == y {
			right++
		}
	}
	return float64(right) / float64(len(set.Y))
}

// Layer is what replacing a layer needs: its matrix and bias, and the rows that flow into it.
type Layer struct {
	B                       Matrix // in x out
	Bias                    []float32
	Train, Test             Matrix
	TrainLabels, TestLabels []int
}

// most is how many training rows everything is fitted to at most.
const most = 8000

// Layers returns the layers with the rows they see in the trained network.
func (n Network) Layers(train, test Images) [3]Layer {
	if train.X.Rows > most {
		train = Images{train.X.Slice(0, most, 0, train.Width()), train.Y[:most]}
	}
	var all [3]Layer
	a, t := train.X, test.X
	for i, l := range n.linear {
		out, in := l.Weight.Shape[0], l.Weight.Shape[1]
		b := tensor.NewMatrix[float32](in, out)
		for m := range out {
			for j := range in {
				b.Set(j, m, l.Weight.Data[m*in+j])
			}
		}
		all[i] = Layer{b, l.Bias.Data, a, t, train.Y, test.Y}
		a, t = forward(l, a), forward(l, t)
	}
	return all
}

// forward returns a copy of the layer's result, whose memory is the layer's.
func forward(l *nn.Linear[float32], x Matrix) Matrix {
	flat := tensor.DenseOf(x.Data[:x.Rows*x.Cols], x.Rows, x.Cols)
	y := l.Forward(flat, false).Matrix(1)
	return tensor.Of(y.Rows, y.Cols, append([]float32(nil), y.Data[:y.Rows*y.Cols]...))
}

// Repeated returns the rows over and over, and their labels, at least n of them.
func Repeated(x Matrix, labels []int, n int) (Matrix, []int) {
	times := (n + x.Rows - 1) / x.Rows
	r, y := tensor.NewMatrix[float32](times*x.Rows, x.Cols), make([]int, 0, times*x.Rows)
	for k := range times {
		for i := range x.Rows {
			copy(r.Row(k*x.Rows+i), x.Row(i))
		}
		y = append(y, labels...)
	}
	return r, y
}
