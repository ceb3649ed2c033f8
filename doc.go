// Package espalier is a library of training algorithms, each from a paper, as small independent packages
// that are wired into a training loop of the user's own. This package holds no code; import the parts:
//
//   - [github.com/espalier-ml/espalier/schedule]: hyper-parameters as pure functions of training time, with
//     [github.com/espalier-ml/espalier/schedule/scheduletest] to test one's own
//   - [github.com/espalier-ml/espalier/schedule/masking]: deterministic masks for masked language models under a
//     schedule
//   - [github.com/espalier-ml/espalier/prune]: pruning over plain slices, with
//     [github.com/espalier-ml/espalier/prune/eval] to compare and check studies,
//     [github.com/espalier-ml/espalier/prune/structured] to cut channels out,
//     [github.com/espalier-ml/espalier/prune/sparse] for products that are faster and
//     [github.com/espalier-ml/espalier/prune/secondorder] to let the rest take over
//   - [github.com/espalier-ml/espalier/maddness]: products with a fixed matrix by hashing and table lookup, with
//     [github.com/espalier-ml/espalier/maddness/amm] to compare with other approximations and
//     [github.com/espalier-ml/espalier/maddness/conv] for convolutions
//   - [github.com/espalier-ml/espalier/tta]: test-time augmentation whose aggregation is learned and does not hurt
//   - [github.com/espalier-ml/espalier/mil]: multiple instance learning on bags of any size, with
//     [github.com/espalier-ml/espalier/mil/survival] for lifetimes,
//     [github.com/espalier-ml/espalier/mil/risk] to judge a risk score and
//     [github.com/espalier-ml/espalier/mil/ecg] for electrocardiograms
//   - [github.com/espalier-ml/espalier/causal]: removal and audit of shortcuts by auxiliary labels
//   - [github.com/espalier-ml/espalier/tradeoff]: curves and comparisons for claims about speed and quality, with
//     [github.com/espalier-ml/espalier/tradeoff/score] for many tasks,
//     [github.com/espalier-ml/espalier/tradeoff/pareto] for frontiers,
//     [github.com/espalier-ml/espalier/tradeoff/runlog] for records and a checklist,
//     [github.com/espalier-ml/espalier/tradeoff/pipeline] for what holds a loop up,
//     [github.com/espalier-ml/espalier/tradeoff/taxonomy] for what can be done about it,
//     [github.com/espalier-ml/espalier/tradeoff/importers] for the logs of others,
//     [github.com/espalier-ml/espalier/tradeoff/plot] to draw them,
//     [github.com/espalier-ml/espalier/tradeoff/tradeofftest] for tests, and the command
//     [github.com/espalier-ml/espalier/cmd/tradeoff]
//   - [github.com/espalier-ml/espalier/tensor]: the numeric core under the algorithms: matrix views, products,
//     vector functions, seeded streams, deterministic parallel loops
//   - [github.com/espalier-ml/espalier/tensor/stats]: estimates with intervals, tests, survival and calibration
//   - [github.com/espalier-ml/espalier/tensor/nn]: layers, losses and optimizers with hand-derived gradients, the
//     substrate of the examples
//
// The programs under examples are complete and made to be copied; quickstart is the one to start with.
//
// An espalier is a plant trained flat against a frame by pruning.
package espalier
