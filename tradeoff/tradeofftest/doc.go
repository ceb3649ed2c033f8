// Package tradeofftest tests training algorithms as a test tests functions: that a method is faster than its
// baseline, or not slower, with the statistics that a handful of runs takes; and statistics of one's own for package
// tradeoff.
//
//	func TestRecipe(t *testing.T) {
//		base, method := train(t, baseline, 5), train(t, recipe, 5) // tradeoff.Runs of 5 seeds
//		tradeofftest.RequireFaster(t, base, method, 1.2, tradeoff.AtQuality(0.94))
//	}
//
// Seconds of a shared machine vary by more than most methods gain. Tests of every commit had better count steps or
// FLOPs, which are the same everywhere.
package tradeofftest
