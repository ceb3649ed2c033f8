package main

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/examples/idx"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

type matrix = tensor.Matrix[float32]

// images are rows of pixels with labels.
type images struct {
	x matrix
	y []int
}

func (s images) width() int { return s.x.Cols }

// load returns the images to train and to test on.
func load(s settings) (train, test images, err error) {
	if s.data != "" {
		first, second, err := idx.Load(s.data)
		if err != nil {
			return train, test, err
		}
		n := first.Size * first.Size
		return images{tensor.Of(len(first.Y), n, first.X), first.Y}, images{tensor.Of(len(second.Y), n, second.X), second.Y},
			nil
	}
	all, err := digits.Load()
	if err != nil {
		return train, test, err
	}
	first, second := all.Split(s.seed, 1297)
	const n = digits.Size * digits.Size
	return images{tensor.Of(first.Len(), n, first.X), first.Y}, images{tensor.Of(second.Len(), n, second.X), second.Y}, nil
}

// network is a perceptron with two hidden layers.
type network struct {
	linear [3]*nn.Linear[float32]
	model  *nn.Sequential[float32]
}

// fit trains the network with Adam.
func fit(s settings, train images) (network, error) {
	rng := tensor.Stream(s.seed, 1)
	l1, err1 := nn.NewLinear[float32](train.width(), s.hidden, rng)
	l2, err2 := nn.NewLinear[float32](s.hidden, s.hidden, rng)
	l3, err3 := nn.NewLinear[float32](s.hidden, 10, rng)
	if err := errors.Join(err1, err2, err3); err != nil {
		return network{}, err
	}
	l1.Act, l2.Act, l1.SkipInputGrad = tensor.ReLUActivation, tensor.ReLUActivation, true
	net := network{[3]*nn.Linear[float32]{l1, l2, l3}, nn.NewSequential[float32](l1, l2, l3)}

	const batch = 64
	opt := nn.NewAdam[float32](1e-3)
	var loss nn.CrossEntropy[float32]
	x, y := tensor.NewDense[float32](batch, train.width()), make([]int, batch)
	steps := len(train.y) / batch
	var order []int
	for step := range s.epochs * steps {
		epoch, at := step/steps, step%steps
		if at == 0 {
			order = tensor.Stream(s.seed, 2, uint64(epoch)).Perm(len(train.y))
		}
		for i, n := range order[at*batch : (at+1)*batch] {
			copy(x.Matrix(1).Row(i), train.x.Row(n))
			y[i] = train.y[n]
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

func (n network) accuracy(set images) float64 {
	logits := n.model.Forward(tensor.DenseOf(set.x.Data, set.x.Rows, set.x.Cols), false).Matrix(1)
	right := 0
	for i, y := range set.y {
		if tensor.ArgMax(logits.Row(i)) == y {
			right++
		}
	}
	return float64(right) / float64(len(set.y))
}

// layer is what replacing a layer needs: its matrix and bias, and the rows that flow into it.
type layer struct {
	b                       matrix // in x out
	bias                    []float32
	train, test             matrix
	trainLabels, testLabels []int
}

// most is how many training rows everything is fitted to at most.
const most = 8000

// layers returns the layers with the rows they see in the trained network.
func (n network) layers(train, test images) [3]layer {
	if train.x.Rows > most {
		train = images{train.x.Slice(0, most, 0, train.width()), train.y[:most]}
	}
	var all [3]layer
	a, t := train.x, test.x
	for i, l := range n.linear {
		out, in := l.Weight.Shape[0], l.Weight.Shape[1]
		b := tensor.NewMatrix[float32](in, out)
		for m := range out {
			for j := range in {
				b.Set(j, m, l.Weight.Data[m*in+j])
			}
		}
		all[i] = layer{b, l.Bias.Data, a, t, train.y, test.y}
		a, t = forward(l, a), forward(l, t)
	}
	return all
}

// forward returns a copy of the layer's result, whose memory is the layer's.
func forward(l *nn.Linear[float32], x matrix) matrix {
	flat := tensor.DenseOf(x.Data[:x.Rows*x.Cols], x.Rows, x.Cols)
	y := l.Forward(flat, false).Matrix(1)
	return tensor.Of(y.Rows, y.Cols, append([]float32(nil), y.Data[:y.Rows*y.Cols]...))
}

// repeated returns the rows over and over, and their labels, at least n of them.
func repeated(x matrix, labels []int, n int) (matrix, []int) {
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
