// Package prune removes weights from neural networks in the user's own training loop and says exactly what was removed.
//
// A scorer says how important each weight is ([Magnitude], [Taylor], [SNIP], [SynFlow], [Movement], [Fisher], [LAMP],
// [Activations]). A scope says which scores are compared ([Global], [PerTensor], [PerRow]), a pattern what goes together
// ([Unstructured], [NM], [Block], [Channel]), and a distribution how sparse each tensor becomes ([Uniform], [ERK]). A schedule says
// when masks change ([OneShot], [Cubic], [Iterative], any function of the step). A target says how far: a sparsity, or a
// compression ratio, number of nonzeros or theoretical speedup of the whole model, which is met or refused with the most that
// can be had. Each is a value or an interface of one method, and a [Pruner] puts them together.
package prune
