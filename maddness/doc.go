// Package maddness approximates products with a fixed matrix without multiplying: MADDNESS, by D. Blalock and J.
// Guttag.
//
// The columns of the rows that are to be multiplied are divided among C codebooks. In each, a tree of four levels
// compares a row's columns with thresholds, four comparisons that give one of 16 codes. Every code of every codebook
// has a table entry for each of the M outputs, and an output is the sum of C entries. Trees are grown so that rows of
// one leaf contribute alike to the product, and all tables together are the ridge regression of the outputs on the
// codes. Entries are rounded to 8 bits with a scale for each output and added exactly, so that per row 4C comparisons
// and C*M additions of bytes replace D*M multiply-adds; what is left is a multiply-add per output.
//
//	op, err := maddness.Fit(ctx, activations, weights, // N x D rows to learn from, D x M
//		maddness.WithCodebooks(16),
//		maddness.WithBias(bias),
//		maddness.WithReLU())
//	if err != nil {
//		return err // everything that is wrong, at once
//	}
//	fmt.Print(op.Stats()) // the error on the rows it was fitted to; measure your own on others
//	for batch := range batches {
//		if err := op.Mul(dst, batch); err != nil { // any number of rows, no allocation
//			return err
//		}
//		...
//	}
//	blob, err := op.MarshalServing() // and UnmarshalBinary where it is served; MarshalBinary keeps what training needs
//
// # Variants
//
// [Fit] knows the matrix, [FitTargets] only what comes out, be it a product or not, and [FitEncoder] only rows:
// [Encoder.Bind] makes an operator for each matrix that comes later, and all of them share [Codes]. [Operator.Mul]
// takes rows as they usually lie, [Operator.MulT] features as rows, which is faster and lets the output of one layer be
// the input of the next. [Operator.ArgMax] decides between classes and writes no logits; [Operator.MulInt8] and
// [MulInts] are for quantised neighbours, with [Operator.Quantized] if the fit was to floats. [Operator.Encode] and
// [Operator.Lookup] are the two halves, for rows that arrive one by one or are looked up more than once.
//
// Outputs are linear in the tables. [Operator.RefitLUT] fits them to new data, [Operator.RefitLabels] and
// [Operator.RefitSoft] to labels or to another model's probabilities, which is a convex problem; [Operator.LUT] hands
// them out as parameters with gradients for a loss and an optimizer of your own, and [Operator.WithLUT] takes them
// back. Operators do not change: these return new ones.
//
// # Choices
//
// The number of codebooks is the trade-off: the error falls as 1/C or faster, and time rises as C. The rest has
// defaults that did best on data like that below. Columns are grouped by what they contribute, as a normal model of the
// trees predicts ([Contribution]). Where training rows are few, others are added: rows plus 0.3 times the difference of
// two others, whose products are exact since the matrix is known ([WithAddedRows]). Splits lower the error of what
// columns contribute to outputs ([OutputSSE]) and are searched among 256 quantiles ([Binned]). Then each tree is grown
// anew over its own columns and those that explain most of what the others leave ([WithRefine], [WithWide]).
//
// Rows very unlike those of the fit are another matter: with 2 codebooks and filters of another photograph the default
// can be the worse one, so that it is best to compare both there.
//
// [WithSimple] does without groups and added rows, in an eighth to all of the time, and is better at no number of
// codebooks below; with 2 or 4 on digits it is as good. [WithValidation] holds rows out for an estimate of the error;
// on the data below its choice is no better than the defaults. Never choose by the rows that you report. [WithPaper] is
// the paper's method, to the digit of the reference; [WithAggregation] has its averages, and Bolt's clipped sums, to
// compare with.
//
// # When not to use it
//
// Speed-ups assume that the matrix is fixed, that D/C is large, and that rows lie feature-major or come from another
// operator; where they are row-major, reading them costs as much as looking up. They are measured against float32: a
// good product of 8-bit integers has much of the benefit with a far smaller error, so compare with one. Since the error
// falls as 1/C, very small ones are out of reach at a useful C. The last layer of a classifier forgives much, since
// only the largest output matters; errors of hidden layers add up, and whole networks lose accuracy unless the tables
// are trained afterwards, as J. McCarter and N. Dronen found ("Look-ups are not (yet) all you need", arXiv 2207.05808).
// Rows unlike those of the fit fall into leaves that were not made for them: fit to what will come.
//
// # What was measured again
//
// Tests hold the whole fits of the authors' Python code: columns, thresholds, codes, prototypes, tables and averaged
// outputs. Their code separates equal values and then encodes them otherwise than it trained, which doubles the error
// on whole numbers and after ReLU; here equal values are never separated. The test TestErrorOnRealData (go test -run
// ErrorOnRealData -v ./maddness -args -seeds 10) prints the mean squared error over the variance of three real products
// on other rows than those of the fit: medians of ten seeds, with the least and the largest, beside the authors' code
// end to end, which was run once:
//
//	                                         C   default               WithSimple            authors
//	a logistic regression on 8x8 digits      2   .2084 [.2084 .2084]   .2084 [.2084 .2084]   .286
//	                                         4   .1344 [.1319 .1374]   .1346 [.1308 .1379]   .151
//	                                         8   .0701 [.0683 .0712]   .0750 [.0729 .0779]   .126
//	                                        16   .0231 [.0223 .0238]   .0274 [.0269 .0280]   .071
//	                                        32   .0047 [.0046 .0048]   .0144 [.0139 .0150]   .034
//	512 features of a network, 10 outputs    2   .1378 [.1378 .1378]   .1422 [.1422 .1422]   -
//	                                         4   .0780 [.0770 .0826]   .0856 [.0834 .0887]   .115
//	                                         8   .0399 [.0372 .0430]   .0524 [.0478 .0557]   .072
//	                                        16   .0168 [.0159 .0174]   .0311 [.0303 .0325]   .044
//	                                        32   .0065 [.0062 .0069]   .0216 [.0209 .0222]   .028
//	Sobel filters on another photograph      2   .4996 [.4535 .6231]   .6249 [.4816 .7681]   1.100
//	                                         4   .3507 [.2704 .4329]   .6086 [.4399 .7544]   .756
//	                                         8   .1569 [.1114 .2463]   .2647 [.2210 .3126]   .358
//	                                        16   .0576 [.0361 .0778]   .0958 [.0701 .1110]   .120
//
// RESULTS.md has thirty seeds of each, with controls: there half of the authors' most codebooks are enough on the first
// two, and not on the photograph, where what varies is decided by rare rows, unlike those of the fit.
//
// The optimal tables for the squared error are those of the paper, whether prototypes or tables are optimised; it is
// another loss that pays. On the digits with 4 codebooks, 88 % of labels are right with the tables of the fit, 91 %
// after RefitLabels and RefitSoft, where the exact layer has 98 % (go test -run ForLabels -v ./maddness).
//
// # Sources
//
// D. Blalock and J. Guttag, "Multiplying Matrices Without Multiplying", ICML 2021, arXiv 2106.10860. D. Blalock and J.
// Guttag, "Bolt: Accelerated Data Mining with Fast Vector Compression", KDD 2017, arXiv 1706.10283, is where [Saturate]
// is from.
package maddness
