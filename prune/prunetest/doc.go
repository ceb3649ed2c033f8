// Package prunetest checks scorers, patterns, distributions and schedules for package prune, importances of channels
// for prune/structured and storage formats for prune/sparse: the user's own in their tests, and ours in our tests.
//
//	func TestMyScore(t *testing.T) {
//		prunetest.CheckScorer(t, MyScore{}, prunetest.Params[float32](1))
//		prunetest.CheckMasks(t, prunetest.Params[float32](1), prune.WithScorer(MyScore{}), prune.WithSparsity(0.8))
//	}
package prunetest
