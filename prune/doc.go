// Package prune removes weights from neural networks in the user's own training loop and says exactly what was removed.
//
// A scorer says how important each weight is ([Magnitude], [Taylor], [SNIP], [SynFlow], [Movement], [Fisher], [LAMP],
// [Activations]). A scope says which scores are compared with each other ([Global], [PerTensor], [PerRow]), a pattern
// what goes together ([Unstructured], [NM], [Block], [Channel]), and a distribution how sparse each tensor becomes
// ([Uniform], [ERK]). A schedule says when masks change ([OneShot], [Cubic], [Iterative], any function of the step).
// A target says how far: a sparsity, or a compression ratio, a number of nonzeros or a theoretical speedup of the
// whole model, which is met or refused with the most that can be had. Each is a value or an interface of one method,
// small enough to write anew, and a [Pruner] puts them together: after every step of the optimizer it sets pruned
// weights and their optimizer state to zero.
//
//	pruner, err := prune.New(model.Params(),
//		prune.WithCompression(16),
//		prune.WithScope(prune.Global),
//		prune.WithSchedule(prune.Cubic(0, 4000)),
//		prune.WithFixed("head.weight"))
//	if err != nil {
//		return err // everything that is wrong, at once
//	}
//	pruner.Track(func(p *tensor.Param[float32], visit func([]float32)) { visit(opt.State(p)) })
//	for step := range steps {
//		... // forward, backward
//		if err := opt.Step(model.Params()); err != nil {
//			return err
//		}
//		if _, err := pruner.Step(step); err != nil {
//			return err
//		}
//	}
//	if err := pruner.Finish(); err != nil {
//		return err // the run was shorter than the schedule
//	}
//	fmt.Print(pruner.Stats())
//
// Parameters are views over the caller's slices, float32 or float64. Those of two or more dimensions are pruned unless
// options say otherwise; all of them count in sizes and ratios. Results have the same bits for any number of
// goroutines, and random choices belong to the seed, the parameter's name and the step.
//
// # Which score
//
// Magnitude under the global scope is the baseline that every other choice must beat: start there, with a [Cubic]
// schedule if training goes on anyway. Scores that look at gradients need them in Grad: [Taylor] those of one batch,
// [SNIP] of a few at initialisation, [Fisher] of single examples. [SynFlow] needs no data but a hundred rounds.
// [Movement] is for fine-tuning a pretrained model, where weights that were large need not be useful.
// [Activations.Wanda] is for large models that will not be trained again; on small ones it is worse than magnitude
// from 70 % on (test TestGoldenDigits). [SET] and [RigL] train sparse from the beginning, normally with [ERK].
//
// # When not to use it
//
// Masks make a model neither smaller nor faster by themselves: tensors keep their shapes and zeros are multiplied
// like other numbers. What helps then is a sparse format, an N:M kernel, or channels that are cut out. If a smaller
// dense architecture is at hand, compare with it: pruned networks rarely beat the next better architecture at equal
// size (figure 1 of the paper). Do not quote compression alone: the same compression can be 4.9 or 9.1 times fewer
// multiply-adds.
//
// # What was measured again
//
// The method of evaluation is that of D. Blalock, J. J. Gonzalez Ortiz, J. Frankle and J. Guttag, "What is the State
// of Neural Network Pruning?", MLSys 2020, arXiv 2003.03033. Tests hold the masks, thresholds and sizes of their
// framework ShrinkBench to the bit ([WithPreset]), and those of torch, jaxpruner, Synaptic-Flow, Torch-Pruning's LAMP
// and Wanda; where the framework errs, a test named after the defect shows what is right: multiply-adds of padded,
// grouped and dilated convolutions, accuracy over batches of unequal size, masks that random seeds do not reach,
// weights that drift off zero, selection on the test set.
//
// The command go run ./examples/prune trains a small convolutional network on 8x8 digits with three seeds, which were
// run for the first time after all settings were fixed. Global magnitude pruning beat the layerwise kind at
// compression 4, 8 and 16 (97.5 against 87.5 % at 8) with about half the theoretical speedup, beat gradient scores,
// and beat random pruning with its own layer proportions (80.0 %), which in turn beat uniform random pruning (50.0
// %): most of the distance between random and magnitude is the proportions alone. On a perceptron layerwise pruning
// won at compression 16 and 32, and layerwise pruning of well trained weights beat global pruning of worse ones. The
// paper's finding that layerwise pruning is the better at equal speedup did not show before accuracy had collapsed.
// RESULTS.md has thirty seeds, with a control for each statement, and a table of what became of it with other batches
// and other lengths of training.
package prune
