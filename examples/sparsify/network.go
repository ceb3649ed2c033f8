package main

import (
	"fmt"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// widths are the inputs, hidden neurons and outputs of the perceptron.
var widths = []int{digits.Size * digits.Size, 256, 128, digits.Classes}

// network is a perceptron that can be trained.
type network struct {
	layers []*nn.Linear[float32]
	model  *nn.Sequential[float32]
}

func newNetwork(widths []int, seed uint64) (network, error) {
	var n network
	var layers []nn.Layer[float32]
	rng := tensor.Stream(seed, 1)
	for k := range len(widths) - 1 {
		l, err := nn.NewLinear[float32](widths[k], widths[k+1], rng)
		if err != nil {
			return n, err
		}
		if k < len(widths)-2 {
			l.Act = tensor.ReLUActivation
		}
		l.SkipInputGrad = k == 0
		n.layers, layers = append(n.layers, l), append(layers, l)
	}
	n.model = nn.NewSequential(layers...)
	return n, nil
}

// clone has the same weights in memory of its own.
func (n network) clone() (network, error) {
	var w []int
	for _, l := range n.layers {
		w = append(w, l.Weight.Shape[1])
	}
	c, err := newNetwork(append(w, digits.Classes), 0)
	if err != nil {
		return c, err
	}
	from := n.model.Params()
	for k, p := range c.model.Params() {
		copy(p.Data, from[k].Data)
	}
	return c, nil
}

// train runs epochs of Adam, each step followed by one of the pruner, unless it is nil.
func (n network) train(data digits.Set, epochs int, seed uint64, pruner *prune.Pruner[float32]) error {
	const batch, rate = 64, 1e-3
	opt := nn.NewAdam[float32](rate)
	if pruner != nil {
		pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) {
			first, second := opt.State(p)
			visit(first)
			visit(second)
		})
	}
	var loss nn.CrossEntropy[float32]
	x, y := make([]float32, batch*widths[0]), make([]int, batch)
	for step := range steps(data, epochs) {
		per := steps(data, 1)
		order := tensor.Stream(seed, 2, uint64(step/per)).Perm(data.Len())
		data.Gather(x, y, order[step%per*batch:(step%per+1)*batch])
		_, grad, err := loss.Eval(n.model.Forward(tensor.DenseOf(x, batch, widths[0]), true), y)
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		nn.ZeroGrad(n.model.Params())
		n.model.Backward(grad)
		if err := opt.Step(n.model.Params()); err != nil {
			return err
		}
		if pruner != nil {
			if _, err := pruner.Step(step); err != nil {
				return err
			}
		}
	}
	if pruner != nil {
		return pruner.Finish()
	}
	return nil
}

// steps is how many there are in some epochs.
func steps(data digits.Set, epochs int) int { return epochs * (data.Len() / 64) }
