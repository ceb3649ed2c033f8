// Package score makes one number of runs of many tasks, with an interval.
//
// [Scores] are normalised scores of tasks, with the robust aggregates of Agarwal et al. 2021 ([IQM], [OptimalityGap],
// [ProbabilityOfImprovement]). [TimeTable] are times to target of many workloads, with performance profiles and the
// scores of AlgoPerf, which come out to its last digit, and with the intervals that its leaderboard lacks. [References]
// are the reference convergence points that MLPerf holds submissions against.
//
//	s, err := score.NewScores(tasks, byTask)
//	e, err := s.Interval(ctx, score.IQM, score.WithInterval(stats.WithSeed(1)))
//
// Tasks weigh the same. A score on these tasks says of others only what [WithTasks] draws from them. Results are the
// same to the last bit for any GOMAXPROCS and number of workers; random draws depend on the seed alone.
package score
