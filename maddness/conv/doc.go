// Package conv approximates convolutions by package maddness: each output pixel is a product of the patch under the
// window with the weights, so that patches are hashed and tables looked up instead.
//
// [Fit] learns from images and weights, and [Conv2D.Apply] convolves other images of any size, with stride, padding
// and dilation. Of a patch only the pixels that hash functions look at are gathered, at most four for each codebook,
// which saves most of laying out the columns of a matrix product.
//
//	same := tensor.Window{PadH: 1, PadW: 1}
//	filter, err := conv.Fit(ctx, images, weights, same, maddness.WithCodebooks(8), maddness.WithBias(bias))
//	if err != nil {
//		return err
//	}
//	y := tensor.NewDense[float32](filter.OutShape(x)...)
//	if err := filter.Apply(y, x); err != nil {
//		return err
//	}
//
// # When not to use it
//
// A patch of 27 values for two filters, the Sobel filter of a colour image, leaves little to save: at 8 codebooks
// there are 32 comparisons and 16 lookups instead of 54 multiplications, which BenchmarkConv finds about twice as
// fast as the exact product, for an error of a quarter of the variance on another photograph (TestSobel). What pays
// are many channels and many filters. Filters that react to differences between neighbours, as edge filters do, are
// the hard case, since most of what patches have in common is what the filter ignores. And images unlike the training
// images have larger errors: compare with [Exact] on images that nothing was fitted to.
//
// # Sources
//
// Blalock and Guttag, Multiplying Matrices Without Multiplying, ICML 2021, arXiv 2106.10860, whose code filters images
// with 3x3 Sobel and 5x5 Gauss filters this way. The test of this package repeats the Sobel case on two photographs.
package conv
