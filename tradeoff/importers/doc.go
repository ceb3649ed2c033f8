// Package importers reads the logs and results that others publish into the types of packages runlog and score.
//
//   - [Source]: the logs of Hugging Face, Lightning, Keras, TensorBoard, Weights & Biases, MLflow and go test -bench,
//     recognised by their content, and plain text by a pattern, as records;
//   - [ReadCSV]: evaluations in any table with a header, as records;
//   - [ReadShrinkBench]: results of pruning, as records;
//   - AlgoPerf: [ReadAlgoPerf] and [AlgoPerfLogs] read trials, [ReadAlgoPerfTargets] the targets of a version of the
//     benchmark; score.NewTrialTable scores them;
//   - MLPerf: [ReadMLPerfLog] reads runs, and [ReadMLPerfReferences] the reference convergence points that
//     score.NewReferences holds them against.
//
// Input is what came from elsewhere: every error names the line or the entry, nothing panics, and no number in a file
// decides how much memory is taken.
package importers
