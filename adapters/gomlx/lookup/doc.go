// Package lookup serves a GoMLX model with one of its dense layers replaced by table lookups of package maddness.
//
// The model is written as what comes before the layer, the layer, and what comes after it; training composes the three.
//
//	func before(s *model.Scope, x *graph.Node) *graph.Node {
//		return activation.Relu(layers.DenseWithBias(s.In("h1"), x, 128))
//	}
//
//	func after(s *model.Scope, y *graph.Node) *graph.Node {
//		return layers.DenseWithBias(s.In("out"), activation.Relu(y), 10)
//	}
//
//	prefix, err := model.NewExec(backend, store, before)
//	suffix, err := model.NewExec(backend, store, after)
//	op, err := lookup.Fit(ctx, prefix, "/h2/dense", calibration, maddness.WithCodebooks(32))
//	server, err := lookup.NewServer(prefix, op, suffix)
//	logits, err := server.Call(x)
//
// The weights of a dense layer of GoMLX, [in, out], are what maddness.Fit wants, and rows of activations are read and
// written where they are. Operators work on the processor: on another device activations travel to the host and back,
// which seldom pays. A layer that was pruned is fitted as it is, zeros and all; the fit does not get cheaper by them.
package lookup
