// Package tensor is the numeric core under the algorithms of this module, and fast enough to be used alone: matrix
// products, vector functions, convolution windows, softmax, selection and ragged segments over plain slices, in float32
// and float64, with seeded random streams and deterministic parallel loops. There is no tensor type to convert to:
// [Matrix] and [Dense] are views over the caller's slices, laid out like gonum's, and [Param] is a view of one
// trainable tensor.
//
//	x := tensor.Of(batch, 784, pixels)                    // no copy
//	w := tensor.Of(256, 784, weights)                     // one row per output
//	y := tensor.NewMatrix[float32](batch, 256)
//	tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, x, w, 0, y, bias, tensor.ReLUActivation)
//
// # Conventions
//
// The destination comes first, or last in [Gemm] and [Gemv] as in BLAS. Functions allocate nothing after warm-up and
// keep nothing of what they are given. Shapes that do not fit are mistakes of the program: inner functions panic with
// an error that wraps [ErrShape], [ErrRange] or [ErrOverlap] and says which argument and value, before anything is
// written. Functions that judge data, such as [SoftmaxCrossEntropy] and [SegmentSum], return such errors instead. NaN
// and infinities propagate as arithmetic has it; [ValidateFinite] finds them.
//
// # Determinism
//
// Results have the same bits for any GOMAXPROCS, any number of workers and any split into batches that [Parallel]
// makes, on one architecture and instruction set. Between those, draws and integers agree and floats agree to
// rounding, because instructions that multiply and add at once round once. [Stream] keys random numbers by what they
// are drawn for and not by who draws them.
//
// # Speed
//
// On amd64 the inner loops are assembly for AVX2 with FMA and, for products, AVX-512, chosen when the program starts.
// On arm64 products use Advanced SIMD. Everywhere else, and under the build tags purego and noasm, they are Go. The
// float32 functions [Exp], [Expm1], [Tanh], [Erf] and [Sigmoid] are within 2 units in the last place. BENCHMARKS.md
// compares the products with OpenBLAS and gonum.
//
// # When not to use it
//
// There is no automatic differentiation, no broadcasting and no graph; those belong to frameworks, whose buffers these
// functions take. For decompositions and solvers use gonum, whose matrices package tensor/gonum converts for
// free.
package tensor
