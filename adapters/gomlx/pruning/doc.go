// Package pruning prunes a model while GoMLX trains it, with package prune: scores, patterns, schedules and targets are
// that package's, the loop, the optimizer and checkpoints GoMLX's.
//
//	pruner, err := pruning.New(optimizer.Adam().Done(), []string{"/h/dense/weights", "/o/dense/weights"},
//		pruning.WithOptions(prune.WithCompression(16), prune.WithSchedule(prune.Cubic(0, 4000))))
//	trainer := train.NewTrainer(backend, store, net, loss.MeanSquaredError, pruner.Optimizer(), nil, nil)
//	loop := train.NewLoop(trainer)
//	pruner.Attach(loop)
//	checkpoint.Build(store) ... loop.OnEnd("save", 100, ...) // after the pruner's hooks, which have a priority of 0
//	_, err = loop.RunToGlobalStep(dataset, total)
//	err = pruner.Finish()
//
// Masks are variables of the model's store, by which each update multiplies weights and what the optimizer keeps of
// them, in the graph. The host reads weights only in the steps that may change masks and writes masks then. Nothing
// else moves, and a model on a device stays there. [WithInPlace] is the other form, for weights that are in the memory
// of the host anyway: it has no masks in the graph and gives the same numbers.
//
// Scores see weights and, with [WithGradients], the gradients of an update. Those that collect over many steps from
// parameters of their own, as prune.Movement, prune.Fisher and prune.SynFlow do, have no place here.
//
// Steps are updates: micro-batches that are accumulated for one count once. The step of prune.Pruner.Step is the global
// step of GoMLX less one, so that the first update is step 0 as everywhere.
//
// # Checkpoints
//
// The state of the pruner is a parameter of the store, which checkpoints hold, masks are variables, and a run that is
// resumed is the run that was not interrupted, to the bit. A checkpoint without the state, of a program that did not
// prune or one that was made with ExcludeAllParams, is refused with [ErrNoState] instead of being pruned anew from its
// first step; if that is what is wanted, say [WithFreshStart].
//
// Parameters are given by their paths. What is trainable, and in which order a store lists its variables, differs
// between a new model and one from a checkpoint.
//
// # On many devices
//
// Masks depend on weights, schedule and seed alone, which all devices have the same of, so they agree without talking.
// Variables that are sharded are read as a whole and written back as a whole. SPMD is refused: GoMLX does not add up
// gradients there.
package pruning
