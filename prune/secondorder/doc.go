// Package secondorder prunes trained layers by what their inputs say, without training again: the weights that stay
// are adjusted so that the outputs change least.
//
// A [Gram] accumulates the inputs of a layer, in batches of any size. [SparseGPT] prunes a layer in one pass, a
// fraction of all weights or n of every m neighbours; [OBS] removes one weight at a time, each the cheapest, which is
// better and for small layers. Both solve least squares problems with the matrix of the inputs, H = (2/N) XᵀX, to
// which a little is added so that it has an inverse.
//
//	gram, err := secondorder.NewGram[float32](inputs)
//	for batch := range calibration {
//		if err := gram.Add(inputsOf(layer, batch)); err != nil { // a row for each example, token or patch
//			return err
//		}
//	}
//	mask, report, err := secondorder.SparseGPT(ctx, weights, gram, secondorder.Sparsity(0.5)) // weights: out by in
//	if err != nil {
//		return err
//	}
//	fmt.Println(report) // how much the outputs changed
//
// Prune layers in the order of the network and feed each the outputs of those pruned before it: it then makes up for
// their errors too. A few hundred samples per input are plenty; fewer than inputs rely on the damping.
//
// # When not to use it
//
// If the model is trained on after pruning, magnitude with a gradual schedule is simpler and as good. On a small
// perceptron for digits, pruned without training, SparseGPT got 348, 342, 318 and 219 of 359 right at 50, 70, 80 and
// 90 %, magnitude 343, 335, 324 and 306, and with 2:4 they got 346 and 337 (test TestGoldenDigits): beyond about 70 %
// it is the worse choice there.
//
// # What was measured again
//
// Tests hold the paper's code to its masks, and its weights to 7e-4, which is the rounding of its float32; where it
// prunes one weight too many in each block, adds the damping of dead inputs to that of others, or lets a second pass
// revive what the first has pruned, a test shows what is right. OBS is held to the constrained least squares solution
// to 1e-8.
//
// E. Frantar and D. Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot", ICML 2023.
// B. Hassibi and D. Stork, "Second order derivatives for network pruning: Optimal Brain Surgeon", NIPS 1993.
package secondorder
