// Package importers reads the logs and results that others publish into the types of package tradeoff.
//
//   - AlgoPerf: [ReadAlgoPerf] and [AlgoPerfLogs] read trials, [ReadAlgoPerfTargets] the targets of a version of the benchmark;
//     tradeoff.NewTrialTable scores them.
//   - MLPerf: [ReadMLPerfReferences] reads reference convergence points, against which tradeoff.NewReferences checks submissions.
//
// Input is what came from elsewhere: every error names the line, nothing panics, and no number in a file decides how much memory is taken.
package importers
