// Package bags is multiple-instance pooling in the graphs of GoMLX: the gated attention and the mean of the top
// fraction of package mil, of bags of any sizes.
//
//	rows, err := bags.Bucket(b.X.Rows, 256, 1024, 4096)         // few sizes: each is a graph
//	x, place, err := bags.Pad(b, rows, 64)                      // b is a mil.Bags; no bag has more than 64 instances
//	batch := train.Batch{Inputs: []*tensors.Tensor{x, place}, ...}
//
//	func net(scope *model.Scope, in []*graph.Node) []*graph.Node {
//		h := layers.DenseWithBias(scope.In("h"), in[0], 32)     // of all instances at once
//		y, a := bags.Attention(scope.In("pool"), bags.Of(h, in[1], perBatch, 64), 16, bags.WithGate())
//		...
//	}
//
// A batch is a fixed number of bags, whose instances stand one after the other in rows that are padded to the size of a
// bucket. Padding is in a bag of its own behind the others: whatever is in its rows, it changes no result, and no
// gradient reaches it. An empty bag is 0.
//
// Values and gradients are those of package mil to about 1e-6. Variables have the names and shapes of the parameters of
// mil.Attention, so that weights can be carried over.
//
// # On many devices
//
// With AutoSharding the graph is that of the whole batch. Under SPMD a bag may lie on several devices, and neither a
// softmax over it nor its largest instances add up: both poolers refuse it with an error that wraps tensor.ErrConflict.
//
// Functions that build graphs panic with an error, as GoMLX's own do, which executors and trainers return.
package bags
