// Package penalty is penalties of package causal in the graphs of GoMLX, with gradients by its differentiation: the
// weighted, and conditional, maximum mean discrepancy, CORAL, and random Fourier features. Every other penalty works
// too, computed by the host: [Host].
//
//	func loss(labels, predictions []*graph.Node) *graph.Node { // labels: y, v, w; predictions: logits, z
//		rows := penalty.Groups{V: labels[1], Levels: 2, W: labels[2]}
//		own := gomlx.SelfNormalized(loss.BinaryCrossentropyLogits)([]*graph.Node{labels[0], labels[2]}, predictions[:1])
//		return graph.Add(own, penalty.MMD(predictions[1], rows, penalty.RBF(1)))
//	}
//
// Weights of rows are those of causal.FitWeights, which a data set hands out beside the labels. Values and gradients
// are those of package causal to about 1e-6 of the largest, in float32: kernels are computed less their value at 0,
// and rows are centred first, so that neither wide bandwidths nor a far origin cost digits. A batch without one of the
// groups has the value 0 and no gradient.
//
// # On many devices
//
// With AutoSharding the graph is that of the whole batch, and penalties are what they are on one device. Under SPMD
// each program sees its part of the batch. [FourierSums] add up over parts: the features are drawn from a seed, alike
// everywhere, and the sums of all parts make the penalty of the whole. A penalty of a kernel does not add up, and the
// mean of those of the parts is another number: [MMD] and [CORAL] refuse SPMD, with an error that wraps
// tensor.ErrConflict. GoMLX does not differentiate its AllReduce, so that under SPMD the sums give a value to look at
// and no gradient.
//
// Functions that build graphs panic with an error, as GoMLX's own do, which executors and trainers return.
package penalty
