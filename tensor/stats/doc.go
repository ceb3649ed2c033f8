// Package stats is what every report of a sample stands on: estimates with intervals, resampling, tests, survival
// curves and ROC curves.
//
// A number that came from a sample is an [Estimate]: the value, the two ends of an interval, its level, how the
// interval was made and reasons to distrust it. Defaults keep their level with as few values as training runs give:
// Student's t for a [Mean], order statistics for a [Median] and any [Quantile], Welch's degrees of freedom for a
// [Difference], the same on logarithms for a [Ratio] and a [GeoMean], Wilson's score for a [Share], DeLong's variance
// for an [AUC]. Percentiles of the bootstrap cover less than they say for fewer than ten values; they are there, with a
// warning.
//
//	e, err := stats.Mean(accuracy)                                          // 94.08 [93.78, 94.38] 95% t n=5
//	d, err := stats.Difference(method, base, stats.WithLevel(0.9))          // Welch's interval
//	t, err := stats.MannWhitney(method, base)                               // exact, ties included
//	b, err := stats.Resample(ctx, stats.Clusters(patient), 1, statistic)    // any statistic of drawn units
//	k, err := stats.KaplanMeier(times)
//	a, err := stats.AUC(positive, score, nil)
//
// # Options
//
// [WithLevel] is a [LevelOption], which closed formulas take. [WithReplicates], [WithSeed], [WithWorkers], [WithDraws]
// and [WithProgress] are a [ResampleOption]. Functions that choose between a formula and the bootstrap take every
// [Option], [WithInterval] among them. An option that means nothing to a function does not compile.
//
// # Resampling
//
// Replicate b is drawn with the stream of (seed, b), whoever draws it: same seed, same bits, for any number of workers.
// A [Design] says what is drawn: single units, several samples apart from each other, strata, clusters, or units within
// drawn clusters. Paired values are drawn together because a statistic gets the indices of units and looks up whatever
// belongs to them.
//
// # What cannot be answered
//
// A function that can meet data without an answer returns an error: [ErrDegenerate] for samples without spread,
// [ErrTooFew] for fewer values than it takes, [ErrOneClass] for an AUC without negatives. None of them answers with
// NaN, 0 or one half. An end that the data do not bound is infinite.
//
// # When not to use it
//
// Regression models, mixed models and Bayesian posteriors are elsewhere; gonum's stat has moments, distances and
// distributions. The values of a sample must have been drawn independently: the steps of one training run are not.
package stats
