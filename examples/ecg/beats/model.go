package beats

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

const (
	filters  = 2
	features = 4 * filters // of an instance, in front of the last layer
	together = 32          // patients in a batch
	most     = 16          // instances of a patient in an epoch
	penalty  = 0.01        // times the sum of squares of the filters
)

// extractor is the convolutional network of the paper up to its last layer: two convolutions, each with a largest of
// four behind it.
func extractor(seed uint64) (net *nn.Sequential[float32], weights []*tensor.Param[float32], err error) {
	first := newConv1D(128, 1, filters, true, tensor.Stream(seed, 0))
	second := newConv1D(64, filters, filters, false, tensor.Stream(seed, 1))
	var pools [2]*nn.MaxPool2D[float32]
	for k := range pools {
		if pools[k], err = nn.NewMaxPool2D[float32](tensor.Window{KH: 1, KW: 4, StrideH: 1, StrideW: 4}); err != nil {
			return nil, nil, err
		}
	}
	net = nn.NewSequential[float32](first, pools[0], second, pools[1], nn.NewFlatten[float32]())
	return net, []*tensor.Param[float32]{first.weight, second.weight}, nil
}

// Model is a network of instances, a pooling of what it makes of them, or none, and a linear head. It is for one
// goroutine at a time.
type Model struct {
	net     *nn.Sequential[float32]
	filters []*tensor.Param[float32]
	pool    mil.Pooler[float32] // nil for a model of single instances
	head    *nn.Linear[float32]
	params  []*tensor.Param[float32]
	opt     *nn.Adam[float32]
	tape    mil.Tape[float32]
}

func newModel(pool mil.Pooler[float32], seed uint64) (*Model, error) {
	m := &Model{pool: pool, opt: nn.NewAdam[float32](1e-3)}
	var err error
	if m.net, m.filters, err = extractor(seed); err != nil {
		return nil, err
	}
	if m.head, err = nn.NewLinear[float32](features, 1, tensor.Stream(seed, 2)); err != nil {
		return nil, err
	}
	m.params = append(m.net.Params(), m.head.Params()...)
	if pool != nil {
		m.params = append(m.params, pool.Params()...)
	}
	return m, nil
}

// forward is the logits of the instances, or of the bags.
func (m *Model) forward(b mil.Bags[float32], train bool) ([]float32, error) {
	h := m.embed(b, train)
	if m.pool != nil {
		y := tensor.NewDense[float32](b.Len(), features)
		embedded := mil.Bags[float32]{X: h.Matrix(1), Offsets: b.Offsets}
		if err := m.pool.Forward(y.Matrix(1), embedded, &m.tape); err != nil {
			return nil, err
		}
		h = y
	}
	return m.head.Forward(h, train).Data, nil
}

// step trains on a batch and returns its loss.
func (m *Model) step(b mil.Bags[float32], positive []bool) (float64, error) {
	logits, err := m.forward(b, true)
	if err != nil {
		return 0, err
	}
	d := tensor.NewDense[float32](len(logits), 1)
	loss, err := mil.BCE[float32]{}.Eval(d.Data, logits, positive, nil)
	if err != nil {
		return 0, err
	}
	nn.ZeroGrad(m.params)
	dh := m.head.Backward(d)
	if m.pool != nil {
		instances := tensor.NewDense[float32](b.X.Rows, features)
		if err := m.pool.Backward(instances.Matrix(1), dh.Matrix(1), &m.tape); err != nil {
			return 0, err
		}
		dh = instances
	}
	m.net.Backward(dh)
	for _, p := range m.filters {
		tensor.Axpy(p.Grad, 2*penalty, p.Data)
	}
	return loss, m.opt.Step(m.params)
}

// train runs over the patients, as many with the event as without in each batch.
func (m *Model) train(c Cohort, epochs int, seed uint64, passed func()) error {
	sampler, err := mil.NewSampler(c.Positive, c.Bags.Offsets, mil.WithBalanced(), mil.WithBagsPerBatch(together),
		mil.WithMaxInstances(most, mil.Uniform), mil.WithSeed(seed))
	if err != nil {
		return err
	}
	var x mil.Bags[float32]
	step, batches := 0, sampler.Batches()
	rate := schedule.Cosine{From: 3e-3, Over: float64(batches * epochs)}
	for epoch := range uint64(epochs) {
		for batch := range sampler.Epoch(epoch) {
			m.opt.LR = rate.Value(float64(step))
			step++
			if err := mil.Gather(&x, c.Bags, batch); err != nil {
				return err
			}
			labels := batch.Labels(c.Positive)
			if m.pool == nil {
				labels = batch.InstanceLabels(c.Positive)
			}
			if _, err := m.step(x, labels); err != nil {
				return fmt.Errorf("epoch %d: %w", epoch, err)
			}
		}
		passed()
	}
	return nil
}

// Fit trains both models side by side: that of single instances, and that of patients. passed is called after each
// epoch of either, by any goroutine.
func Fit(train Cohort, epochs int, seed uint64, passed func()) (single, attention *Model, err error) {
	pool, err := mil.NewAttention[float32](features, 16, mil.WithSeed(seed))
	if err != nil {
		return nil, nil, err
	}
	single, err1 := newModel(nil, seed)
	attention, err2 := newModel(pool, seed)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	models, errs := []*Model{single, attention}, make([]error, 2)
	tensor.Parallel(2, 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			errs[k] = models[k].train(train, epochs, seed, passed)
		}
	})
	return single, attention, errors.Join(errs...)
}

// embed is what the network makes of instances.
func (m *Model) embed(b mil.Bags[float32], train bool) tensor.Dense[float32] {
	return m.net.Forward(tensor.Dense[float32]{Shape: []int{b.X.Rows, 1, b.X.Cols, 1}, Data: b.X.Data}, train)
}

// Probabilities are those of instances for the model of single ones, and of bags for the other, some bags at a time.
func (m *Model) Probabilities(b mil.Bags[float32]) ([]float64, error) {
	const some = 64
	var all []float64
	for lo := 0; lo < b.Len(); lo += some {
		hi := min(lo+some, b.Len())
		from, to := b.Offsets[lo], b.Offsets[hi]
		part := mil.Bags[float32]{X: b.X.Slice(from, to, 0, b.X.Cols), Offsets: make([]int, hi-lo+1)}
		for k := range part.Offsets {
			part.Offsets[k] = b.Offsets[lo+k] - from
		}
		logits, err := m.forward(part, false)
		if err != nil {
			return nil, err
		}
		tensor.Sigmoid(logits, logits)
		for _, p := range logits {
			all = append(all, float64(p))
		}
	}
	return all, nil
}

// Pool is what a rule makes of the probabilities of instances in each bag.
func Pool(b mil.Bags[float32], probabilities []float64, r mil.Rule) ([]float64, error) {
	instances := mil.Bags[float64]{X: tensor.Of(len(probabilities), 1, probabilities), Offsets: b.Offsets}
	return mil.Risk(instances, func(p []float64, x tensor.Matrix[float64]) error {
		copy(p, x.Data)
		return nil
	}, r)
}

// Effects is how far the logit of bag i is above what it would be without each of its instances, by the model of
// patients.
func (m *Model) Effects(b mil.Bags[float32], i int) ([]float64, error) {
	bag, err := b.Sub(i)
	if err != nil {
		return nil, err
	}
	e, err := mil.Explain(m.pool, m.embed(bag, false).Matrix(1), m.head.Weight.Data, m.head.Bias.Data[0])
	if err != nil {
		return nil, err
	}
	effects := make([]float64, len(e.Without))
	for n, without := range e.Without {
		effects[n] = e.Output - without
	}
	return effects, nil
}
