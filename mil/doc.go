// Package mil learns from bags of instances of which only the bags have labels: a patient's heartbeats, the patches of
// a slide, the shapes of a molecule. That is multiple instance learning; the package holds what its methods have in
// common and is made to be wired into a training loop of one's own.
//
// Bags are the rows of one matrix with offsets, so that nothing is padded: a network takes all instances at once, and a
// [Pooler] makes one row of each bag, whatever its size. There are the rules of the field ([Max], [Mean],
// [TopFraction], [LogSumExp], [NoisyOr] and others) and learned ones ([Attention], [DSMIL], [PMA]), all with exact
// gradients; [FromFunc] makes one of two functions, and package miltest tests it.
//
//	bags, keys, _, err := mil.GroupBy(features, patient)         // one row per instance, scattered as they may be
//	pool, err := mil.NewAttention[float32](64, 64, mil.WithGate(), mil.WithSeed(1))
//	sampler, err := mil.NewSampler(positive, bags.Offsets, mil.WithBalanced(), mil.WithBagsPerBatch(8))
//	var tape mil.Tape[float32]
//	var part mil.Bags[float32]
//	loss := mil.BCE[float32]{}
//	for batch := range sampler.Epoch(epoch) {
//		err := mil.Gather(&part, bags, batch)
//		h := net.Forward(part.X)                                  // any framework: a row for each instance
//		err = pool.Forward(z, part.With(h), &tape)                // a row for each bag
//		logits := head.Forward(z)
//		value, err := loss.Eval(dLogits, logits, batch.Labels(positive), nil)
//		err = pool.Backward(dh, head.Backward(dLogits), &tape)    // adds to the gradients of pool.Params()
//		net.Backward(dh)
//	}
//	why, err := mil.Explain(pool, bag, headWeights, bias)         // signed contributions, and the output without each
//
// # Two ways to train
//
// The paper this began with (Shanmugam, Blalock and Guttag 2019, "Multiple instance learning for ECG risk
// stratification") gives every instance the label of its bag, trains on instances, and takes the mean of the largest
// fifth of their probabilities as the risk of the bag: [Batch.InstanceLabels] and [Risk]. That works where the classes
// differ by how many of their instances are positive, as far as theory says, which the tests of miltest hold it to.
// Losses of bags through a pooler train end to end, as above. On the synthetic patients of examples/ecg that gained
// 0.01 of AUC with a hundred events to learn from (RESULTS.md). [CoxLoss] and [DiscreteHazard] do the same for
// lifetimes.
//
// # Without a network
//
// [FitKernelRidge] on the mean of [NSK] and [MinMax] is solved exactly, in a second for some hundred bags. On MUSK1 it
// is as accurate as gated attention, and that as the mean embedding (RESULTS.md); which bags are in which fold moves
// all of them by a point or two. Where few of many instances matter, as in the bags of examples/mil, networks are far
// ahead. Standardize features first, and let [FitStandardizer] clip them.
//
// # What to rely on
//
// A bag has the same bits alone and among others, for any number of workers. Empty bags are an error unless [WithEmpty]
// says what they are worth. Elements that are not finite are errors. Nothing is allocated after the first pass with a
// [Tape]. An [Accumulator] pools bags that never lie in memory as a whole, gradients included, without approximation.
//
// # When not to use it
//
// If instances have labels, train on them. If the order of instances matters, a sequence model is what you want. For
// bags of one instance this is classification with extra steps.
//
// # References
//
// Gärtner et al. 2002 for set kernels; Keeler, Rumelhart and Leow 1991, Kraus, Ba and Frey 2016, McFee, Salamon and
// Bello 2018, Wang, Li and Metze 2019 for rules; Ilse, Tomczak and Welling 2018, Li, Li and Eliceiri 2021, Lee et al.
// 2019 for learned poolers; Wang et al. 2018 for networks of bags; Lin et al. 2017, Katzman et al. 2018, Zadeh and
// Schmid 2021 for losses.
package mil
