// Package tokens masks batches of token ids in GoMLX's pipeline of data sets, with package schedule/masking, and makes
// batches of texts of a few lengths.
//
//	corpus, err := tokens.NewCorpus(texts, tokens.WithBuckets(32, 128), tokens.WithBatch(64), tokens.WithPad(0))
//	masker, err := masking.New(vocab, maskID, schedule.Linear{From: 0.30, To: 0.15, Over: total}, masking.WithSpecial(0))
//	data, err := tokens.Masked(corpus.From(int(trainer.GlobalStep())), masker)
//	... in the loss: labels[0] are the ids to predict, labels[1] where a prediction counts
//	_, err = loop.RunToGlobalStep(data, total)
//
// What becomes of a row depends on the masker's seed, the epoch, the number of the row and the step, which travel with
// a batch as a tensor ([Ticket]): the same rows are masked alike by any number of workers, on any number of machines,
// and by a run that is resumed. They do not travel in Batch.Spec, of which each new value would be a new graph.
//
// GoMLX compiles a graph for each shape of a batch. Rows are padded to the lengths of the buckets and batches are full,
// so there are as many graphs as buckets.
//
// The labels of masking mark what is not to be predicted by -100, which a GoMLX loss would take for a class and count
// as a row: a loss over one target of two rows would be half of what it is. Here they come as ids that exist, with a
// mask that GoMLX's losses take as a second label, and gomlx.WeightedMean for a loss of one's own.
package tokens
