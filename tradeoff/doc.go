// Package tradeoff turns the logs of training runs into claims about speed and quality that hold: whether a method
// is faster at the same quality, by how much, and how sure one can be.
//
// A run is a [Curve] of quality over cost. A method is [Runs], a curve for each seed. [Speedup] compares the times
// of two methods to the same quality, [AverageSpeedup] over all qualities that both reach, [Gain] and [AverageGain]
// the qualities at the same cost; each is a [stats.Estimate] with an interval and with the reasons to distrust it. Runs
// that never reach the target are censored, never dropped. The speedup of training is what J. Portes et al. 2022
// ("Fast Benchmarking of Accuracy vs. Training Time with Cyclic Learning Rates", arXiv 2206.00832) measure, and the
// care is what B. Bartoldson et al. 2023 ("Compute-Efficient Deep Learning", arXiv 2210.06640) ask for.
//
//	base, err := tradeoff.NewRuns("baseline", curvesOfTheBaseline...) // one per seed
//	fast, err := tradeoff.NewRuns("fast", curvesOfTheMethod...)
//	s, err := tradeoff.Speedup(base, fast, tradeoff.AtQuality(0.94))
//	if err != nil {
//		return err // a target that half of the runs do not reach, curves without a common range, ...
//	}
//	fmt.Println(s)          // 1.54 [1.31, 1.80] 95% log-t n=5
//	fmt.Println(s.Warnings) // few runs, censored runs, first evaluations that came too late
//
// # One run, one curve
//
// A tradeoff curve has the results of runs of several lengths, each with a learning rate that decays to its end; an
// evaluation in the middle of a longer decay says little of what a shorter run would have reached. [Recorder] reads
// such a curve off one run with a cyclic learning rate, at the ends of its cycles; [CompareCurves] tells how well
// it stands for separate runs. It is an instrument to rank recipes with and to find the length from which nothing
// is gained: differences below half a point are within its error, and the last number should come from a run of its
// own. [Branches] are the curve of decays that leave a common trunk, exact for that recipe. examples/cyclic runs
// both on handwritten digits.
//
// # Statistics
//
// They are those of package [stats]: t intervals for means, t intervals of logarithms for ratios and times, by default,
// and with [WithInterval] others. Percentiles of the bootstrap, which papers like to show, cover far less than they say
// for fewer than ten runs; they are there, with a warning. [NonInferior] tests that nothing was lost,
// [stats.MannWhitney] is exact with ties, [stats.Holm] and [stats.Hochberg] pay for several comparisons, and
// [RunsNeeded] tells how many seeds it would take. [Runs.Times] are what [stats.KaplanMeier] and [stats.LogRank] take,
// some of them censored. Results are the same to the last bit for any GOMAXPROCS and number of workers; random draws
// depend on the seed alone.
//
// # Options
//
// Each function takes options of its own, such as [SpeedupOption], and one that means nothing to it does not compile.
// Those of intervals and of the bootstrap are handed to package stats:
//
//	tradeoff.Speedup(base, fast, tradeoff.AtQuality(0.94), tradeoff.WithInterval(stats.WithLevel(0.9)))
//
// # Around it
//
// Package runlog writes and reads logs, makes runs of them and holds them against a checklist; package importers reads
// the logs of other tools. Package pareto has frontiers, attainment and verdicts, package score many tasks at once,
// package plot draws, package tradeofftest has the comparisons as tests, and the command in cmd/tradeoff does all this
// for logs of programs in any language.
//
// # From folders of logs to a comparison
//
// Whose loop is not Go has logs. With a folder of runs of Lightning and one of TensorBoard,
//
//	tradeoff summarize baseline/ fast/                           # what is there: runs, costs, qualities, failures
//	tradeoff compare -cost step -quality acc baseline/ fast/     # speedups, gains, tests, a checklist
//	tradeoff plot -cost step -quality acc -o curves.svg baseline/ fast/
//
// each folder is a method of its name, and -arm NAME=GLOB names others. A clock that starts again when a run is resumed
// is an error until -resume-clock continues it, a run that diverges is counted, and what was left out is said.
//
// # When not to use it
//
// Nothing here helps a single run: without a second seed there is no spread, and the estimate says so. Costs must
// be comparable; FLOPs are not seconds, and seconds of different machines are not either ([RefClock] is one way
// out). A speedup on one task and model says nothing of others.
package tradeoff
