// Package sparse stores pruned layers so that they are smaller and multiplies them so that they are faster.
//
// A mask makes a model neither: zeros take memory and are multiplied like other numbers. A [Matrix] holds what the
// mask keeps and computes y = W x for one example or many at a time. Its default format cuts the inputs into panels
// of 128, whose values for 64 examples stay in the first-level cache, and orders the rows of a panel by their number
// of elements, so that the processor predicts where they end. Kernels are in assembly for amd64 with AVX2 and
// AVX-512.
//
//	masks, err := prune.ComputeMasks(params, prune.WithSparsity(0.9))
//	...
//	w, report, err := sparse.Auto(weights, masks.Get("fc1.weight"), 64) // outputs by inputs; 64 examples at a time
//	if err != nil {
//		return err
//	}
//	fmt.Print(report)          // every format with its bytes and its time, dense too
//	err = w.MulBatch(dst, x)   // x: examples by inputs; dst: examples by outputs
//
// All formats but [Dense] give the same bits, for any number of goroutines and whatever else is in the batch, because
// every sum is taken from left to right and each step rounded once. What is kept is an element even if it is zero,
// and what is pruned has no product: an infinite input does not spread through it.
//
// # When not to use it
//
// Below half sparsity dense products are as fast, and small layers have too little work to win: [Auto] tells. A
// format can be larger than the dense matrix, as compressed rows of two bytes a column are with more than two thirds
// of the elements kept; [Matrix.Bytes] tells. For products with a batch choose [Panels]: the other formats are for
// memory and are converted at every call. If whole neurons are pruned, cutting them out keeps the speed of dense
// products: that is what package prune/structured does.
//
// Package prune/prunetest checks formats of one's own ([Storage]).
package sparse
