// Package gomlx brings espalier into training with GoMLX (github.com/gomlx/gomlx, v0.28.8 with compute v0.1.6): the
// same schedules, pruning, masking, penalties, pooling, test-time augmentation, lookups and records, inside its graphs
// and attached to its loop, on one machine or many. This package has the schedules; each of the others is on its own:
//
//   - adapters/gomlx/pruning: masks in the graph, or in the memory of the host, with their state in checkpoints
//   - adapters/gomlx/tokens: masked batches of token ids, of a few lengths
//   - adapters/gomlx/penalty: MMD, CORAL and Fourier features with gradients, and every other penalty by the host
//   - adapters/gomlx/bags: multiple-instance pooling
//   - adapters/gomlx/views: outputs for package tta
//   - adapters/gomlx/lookup: a dense layer by table lookups
//   - adapters/gomlx/record: seconds, evaluations, logs and profiles
//   - adapters/gomlx/cpu: the backend in Go, in a mode that does not hang
//
// # A complete example
//
//	lr, err := gomlx.NewTable(schedule.Warmup{Over: 500, Then: schedule.Cosine{From: 1e-3, To: 1e-5, Over: 9500}}, 10000)
//	opt, err := gomlx.Scheduled(backend, optimizer.Adam().Done(), lr)
//	pruner, err := pruning.New(opt, []string{"/h/dense/weights"}, pruning.WithOptions(prune.WithCompression(8)))
//	trainer := train.NewTrainer(backend, store, net, loss.MeanSquaredError, pruner.Optimizer(), nil, nil)
//	loop := train.NewLoop(trainer)
//	pruner.Attach(loop)
//	clock, err := record.NewClock()
//	_, err = loop.RunToGlobalStep(clock.Attach(loop, data), 10000)
//
// Programs that run are in adapters/gomlx/examples.
//
// # When not to use it
//
// Models that package tensor/nn or a loop of one's own trains do without: every algorithm takes slices. A model that
// is trained elsewhere and only served by GoMLX needs lookup and views at most.
//
// # What users trip over
//
// Fourteen properties of GoMLX make programs wrong without a word. Each is a test here.
//
//  1. The first step without the schedule. NewTrainer deletes the learning rate, and hooks after steps are too late for
//     the first. [Scheduled] sets the rate in the graph of each update, [OnUpdate] calls before the first step too.
//  2. Which step. Four micro-batches are four steps of the loop and one global step; the schedules of GoMLX count those
//     of the last call of Run. Everything here counts global steps. SGD divides the rate by the root of the step:
//     [Scheduled] refuses it without WithDecay(false), and every other optimizer that does not follow the rate.
//  3. bfloat16. Adam with a loss of bfloat16 is NaN after one step. [Scheduled] refuses it and asks for DType(Float32);
//     [SetVariable] writes in the type that a variable has.
//  4. What is trainable. A variable that a checkpoint brings is, whatever it was. Parameters are given by their paths,
//     and the adapters' own variables are marked at every fetch.
//  5. Sharded variables. Their Value is a merged copy. What changes it writes it back (pruning).
//  6. Kept slices. A step takes the memory of variables away. Pruning in place binds it anew in each step.
//  7. Resuming without the state of what was done. pruning.ErrNoState, unless a fresh start is asked for. Parameters in
//     a checkpoint take the place of the program's: a table does not look at the parameter learning_rate.
//  8. The order of hooks. Pruning is before evaluations (50) and checkpoints (100), and its masks are applied before
//     the first forward pass after a restore. Hooks at the end are not called when data end early: all state is up to
//     date after each step. Durations of GoMLX contain the hooks; record.Clock counts steps alone.
//  9. Labels of -100 count in losses, and weights do not divide them. tokens gives labels and a mask, [SelfNormalized]
//     and [WeightedMean] divide by the sum of the weights.
//  10. Shapes. The 33rd is an error. tokens and bags pad to buckets, views pads the last batch, [AllowShapes] allows
//     more.
//  11. Padding and empty bags. An index out of range ends the program on one backend and is left out on others. bags
//     checks on the host, takes such rows for padding in the graph, and knows no NaN.
//  12. Hangs of the backend in Go in its default mode: adapters/gomlx/cpu has the other.
//  13. What that backend cannot do: batch normalisation in training, dense layers with bias and softmax of bfloat16
//     and float16. Nothing here needs them. Under go test -race it dies of checkptr: -gcflags=all=-d=checkptr=0 lets
//     it live.
//  14. Stores that are compared. Metrics have random names, and each resume adds some: compare weights and what the
//     optimizer keeps, as the tests here do.
//
// # On many devices
//
// AutoSharding lets the graph see the whole batch and adds what devices have to tell each other: all of this works as
// on one device. Under SPMD each program sees a part, GoMLX does not add up gradients, and its AllReduce has no
// derivative. What adds up over parts may be reduced by the program: Fourier sums, sums of weights, counts of
// evaluations. What is keyed by a seed and a number agrees without talking: schedules, masks of tokens, masks of
// pruning, the order of a corpus, the frequencies of Fourier features. What is neither is refused there with an error
// that wraps tensor.ErrConflict: penalties of kernels and of covariances, attention and the largest instances of bags,
// and pruning, whose weights would differ. The backend in Go has one device; tests split batches as devices would have
// them.
package gomlx
