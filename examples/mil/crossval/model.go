package crossval

import (
	"fmt"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// Model is a network of instances, a pooling of what it makes of them, and a linear head: the sizes are those that the
// field takes for its classical benchmarks (Wang et al. 2018, Ilse et al. 2018).
type Model struct {
	net    *nn.Sequential[float32]
	pool   mil.Pooler[float32]
	head   *nn.Linear[float32]
	params []*tensor.Param[float32]
	opt    nn.SGD[float32]
	loss   mil.BCE[float32]

	tape          mil.Tape[float32]
	x, y          tensor.Dense[float32]
	dx            []float32
	dLogit        tensor.Dense[float32]
	label         []bool
	logit         [1]float32
	offsets       [2]int
	shapeX, shape [2]int
}

const embedding = 64

// newModel is an untrained model of instances with so many features.
func newModel(in int, pool mil.Pooler[float32], s Settings, seed uint64) (*Model, error) {
	m := &Model{pool: pool, label: make([]bool, 1)}
	var layers []nn.Layer[float32]
	sizes := []int{in, 256, 128, embedding}
	for k := range sizes[1:] {
		l, err := nn.NewLinear[float32](sizes[k], sizes[k+1], tensor.Stream(seed, uint64(k)))
		if err != nil {
			return nil, err
		}
		l.Act, l.SkipInputGrad = tensor.ReLUActivation, k == 0
		d, err := nn.NewDropout[float32](0.5, seed+uint64(k))
		if err != nil {
			return nil, err
		}
		layers = append(layers, l, d)
	}
	m.net = nn.NewSequential(layers...)
	out, err := pool.OutDim(embedding)
	if err != nil {
		return nil, err
	}
	if m.head, err = nn.NewLinear[float32](out, 1, tensor.Stream(seed, 9)); err != nil {
		return nil, err
	}
	m.params = append(append(m.net.Params(), pool.Params()...), m.head.Params()...)
	m.opt = nn.SGD[float32]{LR: s.Rate, Momentum: 0.9, Nesterov: true, WeightDecay: s.Decay}
	m.tape.Workers = 1 // folds are side by side
	m.y = tensor.NewDense[float32](1, out)
	m.dLogit = tensor.NewDense[float32](1, 1)
	return m, nil
}

// Forward is the logit of a bag.
func (m *Model) Forward(bag tensor.Matrix[float32], train bool) (float32, error) {
	m.shapeX = [2]int{bag.Rows, bag.Cols}
	m.x = tensor.Dense[float32]{Shape: m.shapeX[:], Data: bag.Data}
	h := m.net.Forward(m.x, train)
	m.offsets[1] = bag.Rows
	bags := mil.Bags[float32]{X: h.Matrix(1), Offsets: m.offsets[:]}
	if err := m.pool.Forward(m.y.Matrix(1), bags, &m.tape); err != nil {
		return 0, err
	}
	return m.head.Forward(m.y, train).Data[0], nil
}

// Step trains on one bag and returns its loss.
func (m *Model) Step(bag tensor.Matrix[float32], positive bool) (float64, error) {
	logit, err := m.Forward(bag, true)
	if err != nil {
		return 0, err
	}
	m.label[0] = positive
	m.logit[0] = logit
	loss, err := m.loss.Eval(m.dLogit.Data, m.logit[:], m.label, nil)
	if err != nil {
		return 0, err
	}
	nn.ZeroGrad(m.params)
	dy := m.head.Backward(m.dLogit)
	if n := bag.Rows * embedding; cap(m.dx) < n {
		m.dx = make([]float32, n)
	}
	dh := tensor.Of(bag.Rows, embedding, m.dx[:bag.Rows*embedding])
	if err := m.pool.Backward(dh, dy.Matrix(1), &m.tape); err != nil {
		return 0, err
	}
	m.shape = [2]int{bag.Rows, embedding}
	m.net.Backward(tensor.Dense[float32]{Shape: m.shape[:], Data: dh.Data})
	return loss, m.opt.Step(m.params)
}

// Explain is the explanation of a bag's logit by its embedded instances.
func (m *Model) Explain(bag tensor.Matrix[float32]) (mil.Explanation, error) {
	shape := []int{bag.Rows, bag.Cols}
	h := m.net.Forward(tensor.Dense[float32]{Shape: shape, Data: bag.Data}, false)
	return mil.Explain(m.pool, h.Matrix(1), m.head.Weight.Data, m.head.Bias.Data[0])
}

// fit trains on bags, one at a time, in an order that a sampler deals.
func (m *Model) fit(b mil.Bags[float32], positive []bool, s Settings, seed uint64) error {
	sampler, err := mil.NewSampler(positive, b.Offsets, mil.WithSeed(seed))
	if err != nil {
		return err
	}
	for epoch := range uint64(s.Epochs) {
		for batch := range sampler.Epoch(epoch) {
			i := batch.Bags[0]
			if _, err := m.Step(b.Bag(i), positive[i]); err != nil {
				return fmt.Errorf("epoch %d, bag %d: %w", epoch, i, err)
			}
		}
	}
	return nil
}

// NewPool makes the pooling of a name.
func NewPool(name string, seed uint64) (mil.Pooler[float32], error) {
	switch name {
	case "gated":
		return mil.NewAttention[float32](embedding, 64, mil.WithGate(), mil.WithSeed(seed))
	case "attention":
		return mil.NewAttention[float32](embedding, 64, mil.WithSeed(seed))
	case "max":
		return mil.NewPool[float32](mil.Max())
	case "mean":
		return mil.NewPool[float32](mil.Mean())
	case "lse":
		return mil.NewPool[float32](mil.LogSumExp(1))
	}
	return nil, fmt.Errorf("method %q: want gated, attention, max, mean, lse or ridge", name)
}
