// Package amm holds the rivals of MADDNESS: ways to approximate the product of rows with a matrix that is known in
// advance, behind one interface, and the measure that they are compared by.
//
// There are the exact product and scalar quantisation to bytes; projections to few dimensions, learned (principal
// components, the singular value decomposition of the matrix, co-occurring directions) or drawn at random (Gauss,
// Rademacher, CountSketch, OSNAP, FastJL, sampled columns); and quantisation of groups of columns with lookup tables
// (PQ, Bolt, MADDNESS with and without optimised prototypes). [Methods] lists them all. Each is built as its authors
// describe it, and those that multiply do so with tensor.Gemm, as the exact product does, so that times compare
// methods and not implementations; where that is not so, the type says it.
//
//	op, err := maddness.Fit(ctx, train, weights, maddness.WithCodebooks(16))
//	if err != nil {
//		return err
//	}
//	pca, err := amm.FitPCA(train, weights, 8)
//	if err != nil {
//		return err
//	}
//	task := amm.Task{A: test, B: weights, Bias: bias, Labels: labels, Runs: 9}
//	for _, ap := range []amm.Approximator{amm.Maddness{Operator: op}, pca} {
//		report, err := amm.Evaluate(ap, task)
//		if err != nil {
//			return err
//		}
//		fmt.Println(report)
//	}
//
// # When not to use it
//
// Except for Int8, PCA and SVD these are here to be compared with, not to be used: random projections to fewer
// dimensions than there are outputs have errors as large as the outputs, and RowSVD and Directions cost more than the
// product they approximate. Times are of this machine, of float32 and of tensor.Gemm; a product of bytes with
// instructions made for it is the rival of every table and is not here. Compare [Cost] as well.
//
// # Sources
//
// Blalock and Guttag, Multiplying Matrices Without Multiplying, ICML 2021, compare these methods with MADDNESS; the
// authors of each are named at its type. [Report] uses their measures: the mean squared error over the variance of
// all outputs, and the accuracy of a classifier whose last layer is approximated. Left out are sparse principal
// components and optimised product quantisation, which rotates rows with more multiplications than the exact product
// has.
package amm
