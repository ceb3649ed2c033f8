// Package maddnesstest checks approximators, operators and split searches for package maddness: the user's own in
// their tests, and those of packages maddness and amm in its tests.
//
//	func TestMine(t *testing.T) {
//		fit := func(a, b tensor.Matrix[float32]) (amm.Approximator, error) { return mine.Fit(a, b) }
//		maddnesstest.CheckApproximator(t, fit, maddnesstest.WithNMSE(0.1))
//		maddnesstest.CheckSplitter(t, mine.Search{})
//	}
//
// The checks change GOMAXPROCS for moments, so they cannot be called from parallel tests.
package maddnesstest
