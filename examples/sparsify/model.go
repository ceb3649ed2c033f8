package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// model is a perceptron that is served, and what was measured of it.
type model struct {
	layers []layer

	name, remark string
	examples     int
	accuracy     float64
	kept, bytes  int     // weights, and what they and the biases take
	many, one    float64 // microseconds for a batch and for one example
}

// layer is a product with a bias.
type layer struct {
	w    *sparse.Matrix[float32]
	bias []float32
	relu bool
}

// compile stores the weights of parameters NAME.weight and NAME.bias, one pair after the other.
func compile(params []*tensor.Param[float32], masks *prune.Masks, format sparse.Format) (model, error) {
	var m model
	for _, p := range params {
		if strings.HasSuffix(p.Name, ".bias") {
			m.layers[len(m.layers)-1].bias = p.Data
			m.bytes += 4 * len(p.Data)
			continue
		}
		mask := prune.NewMask(len(p.Data))
		if masks != nil && masks.Get(p.Name) != nil {
			mask = masks.Get(p.Name)
		}
		w, err := sparse.New(tensor.Of(p.Shape[0], p.Shape[1], p.Data), mask, sparse.WithFormat(format))
		if err != nil {
			return m, fmt.Errorf("%s: %w", p.Name, err)
		}
		m.layers = append(m.layers, layer{w: w, relu: true})
		m.kept += w.Kept()
		m.bytes += w.Bytes()
	}
	m.layers[len(m.layers)-1].relu = false
	return m, nil
}

// hidden is the number of hidden neurons.
func (m *model) hidden() int {
	n := 0
	for _, l := range m.layers[:len(m.layers)-1] {
		n += l.w.Rows()
	}
	return n
}

// run computes logits; buffers hold the outputs of the layers.
func (m *model) run(x tensor.Matrix[float32], buffers []tensor.Matrix[float32]) error {
	for k, l := range m.layers {
		y := buffers[k]
		if err := l.w.MulBatch(y, x); err != nil {
			return err
		}
		for i := range y.Rows {
			row := y.Row(i)
			tensor.Add(row, row, l.bias)
			if l.relu {
				tensor.ReLU(row, row)
			}
		}
		x = y
	}
	return nil
}

func (m *model) buffers(examples int) []tensor.Matrix[float32] {
	var all []tensor.Matrix[float32]
	for _, l := range m.layers {
		all = append(all, tensor.NewMatrix[float32](examples, l.w.Rows()))
	}
	return all
}

// measure fills in what the tables show.
func (m *model) measure(s settings, test digits.Set) error {
	x := tensor.Of(test.Len(), widths[0], test.X)
	buffers := m.buffers(test.Len())
	if err := m.run(x, buffers); err != nil {
		return err
	}
	m.examples = test.Len()
	for i, y := range test.Y {
		if tensor.ArgMax(buffers[len(buffers)-1].Row(i)) == y {
			m.accuracy += 1 / float64(test.Len())
		}
	}
	for _, n := range []struct {
		examples int
		to       *float64
	}{{s.batch, &m.many}, {1, &m.one}} {
		some, rng := tensor.NewMatrix[float32](n.examples, widths[0]), rand.New(rand.NewPCG(1, 2))
		for i := range some.Rows {
			copy(some.Row(i), x.Row(rng.IntN(x.Rows)))
		}
		buffers := m.buffers(n.examples)
		us, err := microseconds(func() error { return m.run(some, buffers) })
		if err != nil {
			return err
		}
		*n.to = us
	}
	return nil
}

// microseconds is the median of nine runs, each of calls for two milliseconds, after one to warm up.
func microseconds(f func() error) (float64, error) {
	if err := f(); err != nil {
		return 0, err
	}
	var times []float64
	for range 9 {
		calls, start := 0, time.Now()
		for time.Since(start) < 2*time.Millisecond {
			if err := f(); err != nil {
				return 0, err
			}
			calls++
		}
		times = append(times, time.Since(start).Seconds()*1e6/float64(calls))
	}
	q, err := stats.Quantiles(times, 0.5)
	if err != nil {
		return 0, err
	}
	return q[0], nil
}
