// Package masking corrupts token sequences for masked language modelling, at a rate that follows a schedule.
//
// # The method
//
// Ankner et al. (2024) pretrain BERT with a masking rate that falls from 0.30 to 0.15 in a straight line, instead of a
// constant one. At step t every token that is not special is selected with probability p(t); of the selected tokens 8
// in 10 become the mask id, 1 in 10 becomes a random id and 1 in 10 stays, and the model is to predict the original of
// all of them. A [Masker] does that to batches of ids, with p a [schedule.Schedule], in units of tokens, whole words,
// spans or T5's spans, and for random token substitution. Every draw is a hash of seed, epoch, sample and position,
// and a position is selected if its number is below p, so masks have no state: batch size, workers, order and
// resuming do not change them. Masks are nested: what is selected at one rate is selected at every larger one and
// becomes the same there, so that two runs with different schedules differ by the schedule and not by luck.
//
// # A complete example
//
//	rate := schedule.Linear{From: 0.30, To: 0.15, Over: steps}
//	masker, err := masking.New(vocab, maskID, rate, masking.WithSpecial(padID, clsID, sepID), masking.WithSeed(1))
//	if err != nil {
//		log.Fatal(err)
//	}
//	ids, labels := make([]int32, rows*cols), make([]int32, rows*cols)
//	for step := start; step < steps; step++ { // start is not 0 when resuming, and that is all
//		batch, sampleIDs, epoch := load(step) // rows*cols ids, one row after the other
//		n, err := masker.MaskBatch(ids, labels, batch, masking.Key{Epoch: epoch, Samples: sampleIDs}, step)
//		if err != nil {
//			log.Fatal(err)
//		}
//		// forward and backward pass on ids, cross-entropy with labels over the n targets, ignoring -100
//	}
//
// Evaluate at a fixed rate, whatever the schedule: with another masker, of another seed and a constant rate.
//
// # What is here
//
//   - Forms: [Masker.Mask] and [Masker.MaskBatch] write ids and labels, on one goroutine and on several;
//     [Masker.MaskSparse] lists the targets, for models that compute only these; [Masker.MaskSentinels] makes T5's
//     pairs of input and target; [Masker.MaskDraws] takes the random numbers of another program.
//   - Units: single tokens, [WithWords], [WithWordPositions], [WithSpans], [WithPoissonSpans], [WithFixedSpans],
//     [WithT5Spans], [WithRoll]; [WithExactCount], [WithMinTargets] and
//     [WithMaxTargets] for their number.
//   - Replacement: [WithReplaceProbs], [WithRandomRange], [WithRandomExclude], [WithSpecial], [WithRTS],
//     [WithTargetRate].
//   - Compatibility: [WithHFCompatible], [WithIgnoreIndex].
//   - To test a masker of one's own: package maskingtest.
//
// Tokens, whole words and spans are nested across rates, tokens also with [WithExactCount], [WithMinTargets] or
// [WithMaxTargets]. Whole words by count are not, since a larger budget may have room for a word that a smaller one had
// to leave out; nor are T5's spans, whose number depends on the rate.
//
// The paper's schedules are [schedule.Linear], [schedule.Cosine], [schedule.Constant] and, for one change in the
// middle, [schedule.Choice]. Its authors set the rate through a variable shared with the data workers, which lags
// behind the step by as many batches as are prefetched; here the rate belongs to the step that consumes the batch.
//
// # The draws
//
// Other programs can compute the same masks. With mix the finaliser of SplitMix64, G = 0x9E3779B97F4A7C15 and
// everything modulo 2^64, position i of a row has
//
//	key  = mix(mix(mix(seed + G) + G*(epoch+1)) + G*(sample+1))
//	b    = byte i%8 of mix(key + G*(i/8+1)), byte 0 the lowest
//	tie  = mix(mix(key ^ 0x165667B19E3779F9) + G*(i+1)) >> 8
//	v    = mix(mix(key ^ 0xC2B2AE3D27D4EB4F) + G*(i+1))
//
// It is selected if b<<56 | tie is less than floor(p * 2^64), or p is 1. The lower half of v decides what becomes of
// it: the mask id below floor(0.8 * 2^32), a random id below floor(0.9 * 2^32), otherwise itself. The upper half h
// chooses number h*n>>32 of the n ids that random replacement may write, in increasing order.
//
// # When not to use it
//
// Not for autoregressive models, and not where tokens exist only on an accelerator. The ids of a batch are int32 in
// rows of equal length; rows of other lengths are batches of one. Expect to save steps and not work, unless a step
// costs the same at any rate, as in BERT: where only targets are computed, a higher rate costs as much more as it has
// targets.
//
// # What was re-measured
//
// The tests hold the results of Hugging Face's torch_mask_tokens and _whole_word_mask, the authors' subset and random
// token substitution, T5's random_spans_noise_mask and the rates of the paper.
//
// The command go run ./examples/mlm trains a small model without attention on Go's standard library, with three
// seeds. Falling from 30 to 15 % it reaches the loss of constant 15 % with 1.46 times fewer steps and ends 0.15 nats
// lower; rising from 15 to 30 % it ends 0.09 higher than with the fall; with labels on a subset of 15 % it ends 0.09
// higher than constant 15 %, and one step in the middle does as well as the line. The paper says the same. Its
// advantage of the line over constant 30 % is one of GLUE, which the example does not have: in loss constant 30 % is
// ahead by 0.02 there. At equal numbers of targets instead of steps, constant 15 % is best.
//
// Masking 32 rows of 512 tokens takes one goroutine 1/16 of the time of the same operations in torch 1.13 on one
// thread at 15 %, and 1/11 at 30 % (benchmarks/torch/collator.py).
//
// # Sources
//
// Ankner et al. 2024, Dynamic masking rate schedules for MLM pretraining, EACL, arXiv 2305.15096. Devlin et al. 2019,
// BERT, NAACL. Joshi et al. 2020, SpanBERT, TACL 8. Raffel et al. 2020, Exploring the limits of transfer learning with
// a unified text-to-text transformer, JMLR 21. Lewis et al. 2020, BART, ACL. Steele, Lea and Flood 2014, Fast
// splittable pseudorandom number generators, OOPSLA.
package masking
