// Package structured makes pruned models smaller: it cuts channels out of all layers that share them and gives new,
// dense tensors, which every framework runs at full speed.
//
// A [Graph] says how layers hang together, built by a call for each. Channels that an addition, a norm, a depthwise
// or grouped convolution ties together are one unit and go together; layers that give the same channels are a
// [Group]. [Graph.Plan] chooses units of least importance, [Plan.Report] says what was coupled, kept and refused, and
// [Plan.Shrink] makes the tensors, with index maps by which the optimizer's state follows.
//
//	g := structured.NewGraph[float32](prune.LayoutNN)
//	x := g.Input("images", 3)
//	x = g.Conv2D("conv1", x, conv1.Weight, conv1.Bias, conv1.Window)
//	x = g.Activation(g.BatchNorm("bn1", x, structured.BatchNorm[float32]{...}), relu)
//	x = g.Flatten(x, 8*8, structured.ChannelsLast)
//	g.Output(g.Linear("fc", x, fc.Weight, fc.Bias))
//	plan, err := g.Plan(0.5, structured.WithRoundTo(8))
//	if err != nil {
//		return err
//	}
//	fmt.Print(plan.Report())
//	small := plan.Shrink()
//	conv1.Weight = small.Get("conv1.weight") // and so on, and layers of the sizes in the report
//
// [Graph.Compact] does the same for masks of single weights: neurons that they leave without inputs are constants and
// go into the next biases, those without outputs just go, and the model computes what it did. Of the perceptron of
// examples/sparsify, with ten seeds, 220 to 235 of 256 and 92 to 107 of 128 hidden neurons were left at 90 %.
//
// # When not to use it
//
// Pruning channels may cost more accuracy than pruning as many single weights, which package prune/sparse makes fast
// too; on easy tasks it does not, and is the faster. The ratio is one of channels: half of them leaves about a quarter
// of the parameters between two pruned layers. Shrunk models differ from the trained one and want training on; only
// Compact changes nothing. Norms over several channels compute something else without some of them, and groups that
// pass through one are reported as inexact.
//
// # What was measured again
//
// Tests hold Torch-Pruning 1.6.1 to its groups, importances, chosen channels, tensors and outputs on a residual
// network and a perceptron, and random networks of all kinds of layers to their masked selves. Exact counts differ
// from it where its arithmetic in floating point prunes one channel more than was asked for, or all of a layer.
//
// G. Fang, X. Ma, M. Song, M. B. Mi and X. Wang, "DepGraph: Towards Any Structural Pruning", CVPR 2023. A. Vysogorets
// and J. Kempe, "Connectivity Matters: Neural Network Pruning Through the Lens of Effective Sparsity", JMLR 2023.
package structured
