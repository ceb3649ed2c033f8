// Package nn is a small kit of neural network layers with hand-derived gradients: the substrate of this module's
// examples, made to be copied and not a framework. There is no graph and no tape; a model is a [Layer], its
// parameters are [tensor.Param] values, and the loop is the caller's:
//
//	y := model.Forward(x, true)
//	value, dy, err := loss.Eval(y, labels)
//	nn.ZeroGrad(model.Params())
//	model.Backward(dy)
//	err = opt.Step(model.Params())
//
// Results have the same bits for any GOMAXPROCS. Layers, losses and optimizers serve one goroutine at a time.
package nn
