// Package window is a small masked language model: a multi-layer perceptron on a window of nine tokens, the text and
// the byte-pair encoding that it learns from, and its training loop.
package window

import (
	"errors"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// The model sees the embeddings of the tokens from reach before a target to reach after it, and has two hidden
// layers. The last layer is tied to the embeddings. It computes targets only, so a step costs in proportion to their
// number.
const (
	reach  = 4
	window = 2*reach + 1
	width  = 32  // of an embedding
	hidden = 128 // of the first hidden layer
)

type model struct {
	embedding *nn.Embedding[float32]
	layers    *nn.Sequential[float32]
	params    []*tensor.Param[float32]
	loss      nn.CrossEntropy[float32]
	opt       *nn.Adam[float32]
}

func newModel(vocab int, seed uint64) (*model, error) {
	rng := tensor.Stream(seed, 1)
	embedding, err1 := nn.NewEmbedding[float32](vocab, width, rng)
	first, err2 := nn.NewLinear[float32](window*width, hidden, rng)
	second, err3 := nn.NewLinear[float32](hidden, width, rng)
	last, err4 := nn.NewLinear[float32](width, vocab, rng)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	first.Act = tensor.ReLUActivation
	for i := range embedding.Weight.Data {
		embedding.Weight.Data[i] *= 0.3 // so that the first logits, products with these vectors, are small
	}
	last.Weight = embedding.Weight
	clear(last.Bias.Data)
	m := &model{embedding: embedding, layers: nn.NewSequential[float32](first, second, last), opt: nn.NewAdam[float32](0)}
	m.params = m.layers.Params() // the embeddings are among them, as the weight of the last layer
	return m, nil
}

// logits takes windows of ids, one per target, and returns [targets, vocab].
func (m *model) logits(windows []int) (tensor.Dense[float32], error) {
	n := len(windows) / window
	x, err := m.embedding.Forward(windows)
	if err != nil {
		return x, err
	}
	return m.layers.Forward(tensor.DenseOf(x.Data, n, window*width), true), nil
}

// step trains on a batch and returns its mean loss.
func (m *model) step(windows, labels []int, lr float64) (float64, error) {
	logits, err := m.logits(windows)
	if err != nil {
		return 0, err
	}
	loss, grad, err := m.loss.Eval(logits, labels)
	if err != nil {
		return 0, err
	}
	nn.ZeroGrad(m.params)
	m.embedding.Backward(m.layers.Backward(grad))
	m.opt.LR = lr
	return loss, m.opt.Step(m.params)
}

// evaluate returns the mean loss over a set.
func (m *model) evaluate(windows, labels []int) (float64, error) {
	const chunk = 1024
	sum := 0.0
	for lo := 0; lo < len(labels); lo += chunk {
		hi := min(lo+chunk, len(labels))
		logits, err := m.logits(windows[lo*window : hi*window])
		if err != nil {
			return 0, err
		}
		loss, err := tensor.SoftmaxCrossEntropy(tensor.Matrix[float32]{}, logits.Matrix(1), labels[lo:hi], 0)
		if err != nil {
			return 0, err
		}
		sum += loss * float64(hi-lo)
	}
	return sum / float64(len(labels)), nil
}
