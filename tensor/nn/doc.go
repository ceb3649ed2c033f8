// Package nn is a small kit of neural network layers with hand-derived gradients: the substrate of this module's
// examples, made to be copied. There is no graph and no tape. A model is a [Layer], its parameters are [tensor.Param]
// values that pruners and penalties accept as they are, and the loop is the caller's:
//
//	rng := tensor.Stream(seed)
//	hidden := nn.Must(nn.NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 1, PadH: 1, PadW: 1}, 16, rng))
//	hidden.Act, hidden.SkipInputGrad = tensor.ReLUActivation, true
//	model := nn.NewSequential[float32](
//		hidden,
//		nn.Must(nn.NewMaxPool2D[float32](tensor.Window{KH: 2, KW: 2})),
//		nn.NewFlatten[float32](),
//		nn.Must(nn.NewLinear[float32](14*14*16, 10, rng)),
//	)
//	loss := nn.CrossEntropy[float32]{}
//	opt := nn.SGD[float32]{LR: 0.1, Momentum: 0.9}
//	for step := range steps {
//		x, labels := batch(step) // [64, 28, 28, 1] and 64 classes
//		y := model.Forward(x, true)
//		value, dy, err := loss.Eval(y, labels)
//		if err != nil {
//			return err
//		}
//		nn.ZeroGrad(model.Params())
//		model.Backward(dy)
//		if err := opt.Step(model.Params()); err != nil {
//			return err
//		}
//	}
//
// # What there is
//
// [Linear], [Conv2D], [MaxPool2D], [AvgPool2D], [GlobalAvgPool], [BatchNorm], [LayerNorm], [MultiHeadAttention],
// [Dropout], [Activation] (ReLU, GELU, SiLU, tanh, sigmoid), [Flatten], [Sequential] and [Residual] are layers;
// [Embedding] turns ids into the input of one. [CrossEntropy], [BCEWithLogits] and [MSE] are losses, [SGD] and [Adam]
// optimizers. Images are NHWC, sequences [batch, step, feature], convolution weights HWIO; everything else, initial
// values included, is as in torch. Convolution, pooling, norms, attention, activations, losses and optimizers are
// tested against torch's numbers in float64 and float32, and every layer against finite differences. Anything with
// the three methods of Layer takes part.
//
// # What to rely on
//
// Results have the same bits for any GOMAXPROCS. The first step allocates the buffers and later ones use them again;
// what a layer returns is its own until its next call. Layers, losses and optimizers serve one goroutine at a time.
// Input of the wrong shape is a programmer's error: Forward and Backward panic with an error that wraps
// tensor.ErrShape or tensor.ErrRange, before anything is modified. NaN and infinities are data: layers pass them on,
// losses return them as errors that wrap tensor.ErrNotFinite, and optimizers refuse them in gradients, so that a step
// which ends in an error leaves the parameters as they were.
//
// # When not to use it
//
// It has no GPU, no automatic differentiation, no mixed precision and no model files, and it serves models up to some
// millions of parameters. A group of a grouped convolution is a product of its own, so a depthwise one is slow. Where
// there is a framework already, keep it: no other package of this module depends on this one.
package nn
