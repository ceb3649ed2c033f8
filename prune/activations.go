package prune

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// Activations accumulates statistics of the inputs of layers, from which three scores are made: [Activations.Wanda],
// [Activations.Magnitude] and [Activations.ShrinkBench]. The zero value is ready. It is not safe for concurrent use
// while batches are added.
type Activations[T tensor.Float] struct {
	layers map[string]*inputs[T]
}

// inputs are the statistics of one layer's input, per feature: the last dimension.
type inputs[T tensor.Float] struct {
	rows          int // samples, times pixels
	abs, square   []float64
	sum           []T // over samples, per element of a sample; nil once samples of several shapes were seen
	samples       int
	perFeatureInT []T // what the sum comes to, divided by samples and pixels
	meanInT       T   // mean over features, not divided by pixels
}

// Add adds a batch x, [N, ..., features] with channels last, that is the input of the layer whose weight and bias are
// named. Errors wrap tensor.ErrShape, also if the number of features changes, tensor.ErrEmpty and
// tensor.ErrNotFinite; nothing is added then.
func (a *Activations[T]) Add(x tensor.Dense[T], params ...string) error {
	if err := x.Validate(); err != nil {
		return fmt.Errorf("prune: Activations.Add: %w", err)
	}
	if len(x.Shape) < 2 || len(x.Data) == 0 || len(params) == 0 {
		return fmt.Errorf("prune: Activations.Add: input %v for %d parameters: %w", x.Shape, len(params), tensor.ErrEmpty)
	}
	if err := tensor.ValidateFinite("x", x.Data); err != nil {
		return fmt.Errorf("prune: Activations.Add: %q: %w", params[0], err)
	}
	features := x.Shape[len(x.Shape)-1]
	in := a.layers[params[0]]
	if in == nil {
		in = &inputs[T]{abs: make([]float64, features), square: make([]float64, features)}
		in.sum = make([]T, len(x.Data)/x.Shape[0])
	}
	if len(in.abs) != features {
		return fmt.Errorf("prune: Activations.Add: %q has %d features, now %d: %w",
			params[0], len(in.abs), features, tensor.ErrShape)
	}
	if a.layers == nil {
		a.layers = map[string]*inputs[T]{}
	}
	for _, name := range params {
		a.layers[name] = in
	}
	in.add(x, features)
	return nil
}

func (in *inputs[T]) add(x tensor.Dense[T], features int) {
	for i, v := range x.Data {
		f := float64(v)
		in.abs[i%features] += math.Abs(f)
		in.square[i%features] += f * f
	}
	in.rows += len(x.Data) / features
	if size := len(in.sum); size != len(x.Data)/x.Shape[0] {
		in.sum = nil
	} else {
		for n := range x.Shape[0] {
			for i, v := range x.Data[n*size : (n+1)*size] {
				in.sum[i] += v
			}
		}
		in.samples += x.Shape[0]
		in.reduce(features)
	}
}

// reduce computes what ShrinkBench does with the mean sample, in T.
func (in *inputs[T]) reduce(features int) {
	in.perFeatureInT = make([]T, features)
	for i, v := range in.sum {
		v /= T(in.samples)
		in.perFeatureInT[i%features] += max(v, -v)
	}
	in.meanInT = 0
	pixels := T(len(in.sum) / features)
	for i, v := range in.perFeatureInT {
		in.meanInT += v
		in.perFeatureInT[i] = v / pixels
	}
	in.meanInT /= T(features)
}

// Wanda scores |w|·‖x‖₂, the norm being that of the weight's input feature over all samples, divided by the
// root of their number (Sun et al. 2024). Use it with the [PerRow] scope and, as its authors do, layer by layer:
// observe the inputs of a layer once those before it are pruned. Convolutions take the norm of the channel. Biases
// score |b|.
func (a *Activations[T]) Wanda() Scorer[T] {
	return a.scorer(func(in *inputs[T], feature int) float64 { return math.Sqrt(in.square[feature] / float64(in.rows)) },
		func(*inputs[T]) float64 { return 1 })
}

// Magnitude scores |w|·mean|x|, the mean being that of the weight's input feature over samples and pixels. Biases
// score |b| times the mean over all features. Unlike ShrinkBench it takes absolute values before the mean, so that a
// feature that is positive as often as negative does not count as nothing.
func (a *Activations[T]) Magnitude() Scorer[T] {
	return a.scorer(func(in *inputs[T], feature int) float64 { return in.abs[feature] / float64(in.rows) },
		func(in *inputs[T]) float64 {
			mean := 0.0
			for _, v := range in.abs {
				mean += v / float64(in.rows)
			}
			return mean / float64(len(in.abs))
		})
}

// ShrinkBench scores as ShrinkBench's MagAct strategies do, rounding included: the mean over samples is taken before
// the absolute value, and a convolution's bias is not divided by the number of pixels. It is for comparisons with
// published numbers. All samples of a layer must have one shape.
func (a *Activations[T]) ShrinkBench() Scorer[T] {
	score := a.scorer(func(in *inputs[T], feature int) float64 { return float64(in.perFeatureInT[feature]) },
		func(in *inputs[T]) float64 { return float64(in.meanInT) })
	return ScorerFunc[T](func(dst []T, c *Context[T]) error {
		if in := a.layers[c.Info.Name]; in != nil && in.sum == nil {
			return fmt.Errorf("prune: param %q: samples of several shapes have no mean: %w", c.Info.Name, tensor.ErrShape)
		}
		return score.Score(dst, c)
	})
}

func (a *Activations[T]) scorer(weight func(in *inputs[T], feature int) float64,
	bias func(*inputs[T]) float64) Scorer[T] {
	return byInput[T]{a, weight, bias}
}

// byInput scores absolute weights times a number of their input feature.
type byInput[T tensor.Float] struct {
	seen   *Activations[T]
	weight func(in *inputs[T], feature int) float64
	bias   func(*inputs[T]) float64
}

// Score implements [Scorer].
func (s byInput[T]) Score(dst []T, c *Context[T]) error { return scoreByInput(s, dst, c) }

func (s byInput[T]) wide(dst []float64, c *Context[T]) error { return scoreByInput(s, dst, c) }

// scoreByInput multiplies each weight with the number of its input feature, in the type of dst. In a convolution with
// groups, output g reads the features of its own group.
func scoreByInput[T, F tensor.Float](s byInput[T], dst []F, c *Context[T]) error {
	in := s.seen.layers[c.Info.Name]
	if in == nil {
		return fmt.Errorf("prune: param %q: Activations has observed nothing: %w", c.Info.Name, ErrMissingGrad)
	}
	if c.Info.Role != Weight {
		b := F(s.bias(in))
		for i, v := range c.Param.Data {
			dst[i] = F(math.Abs(float64(F(v) * b)))
		}
		return nil
	}
	perFeature := make([]F, len(in.abs))
	for i := range perFeature {
		perFeature[i] = F(s.weight(in, i))
	}
	shape := c.Info.Shape
	features, outs := shape[c.Info.In], shape[c.Info.Out]
	groups := len(perFeature) / max(features, 1)
	if features == 0 || groups*features != len(perFeature) || groups == 0 || outs%groups != 0 {
		return fmt.Errorf("prune: param %q: shape %v does not fit an input of %d features: %w",
			c.Info.Name, shape, len(perFeature), tensor.ErrShape)
	}
	_, _, innerIn := split(shape, c.Info.In)
	_, _, innerOut := split(shape, c.Info.Out)
	for i, w := range c.Param.Data {
		group := i / innerOut % outs / (outs / groups)
		dst[i] = F(math.Abs(float64(F(w) * perFeature[group*features+i/innerIn%features])))
	}
	return nil
}
