// Package tta aggregates what a model says of several views of an input: test-time augmentation with learned weights,
// and a report of what they change (Shanmugam, Blalock, Balakrishnan and Guttag 2021, "Better Aggregation in Test-Time
// Augmentation", arXiv 2011.11156).
//
// The mean over views, which is what test-time augmentation does by default, turns many right answers wrong, and more
// the stranger the views are to the model. Weights of views ([FitAugTTA]) or of views and classes ([FitClassTTA])
// repair that where there are labels enough, and overfit where there are not. [FitBest] finds out by cross-validation
// how much freedom the labels support, down to none at all. [Evaluate] says what was corrected and what was corrupted,
// with tests and intervals. Any model and any type of input will do: the model is a function.
//
//	p, err := tta.Product(                                     // views by factors; package vision has ready ones
//		tta.Factor[Input]{{Name: "identity", Original: true}, {Name: "mirror", Steps: mirror}},
//		tta.Factor[Input]{{Name: "1", Original: true}, {Name: "1.1", Steps: zoom}})
//	outputs, err := tta.CollectLabelled(ctx, model, p, examples, classes)
//	fit, test, err := outputs.Split(0.5, seed)
//	best, report, err := tta.FitBest(ctx, fit)
//	change, err := tta.Evaluate(test, best)
//	fmt.Println(report, change)
//	predictor, err := tta.NewPredictor(model, p, best)         // computes only the views that have a weight
//	views, err := predictor.Predict(ctx, inputs, dst)
//
// # Logits or probabilities
//
// [Outputs] know whether they are logits, log-probabilities or single logits of two classes ([WithProbabilities],
// [WithLogProbs]), and an aggregator that was fitted on one kind refuses another. It matters: of the views (10, 0, 0),
// (0, 3, 0) and (0, 3, 0), the mean of logits is class 0 and the mean of probabilities class 1. Everything is computed
// with logarithms and nothing is clipped.
//
// # How much to expect
//
// Little, and that is the point of measuring: half a point of accuracy and better calibration on the digits of `go run
// ./examples/tta`, which also shows what few labels do (-splits). The rule by which FitBest is careful with fewer than
// 400 examples was set on these digits and a set of letters, so that only other data can judge it: on the outputs of
// another model of digits it loses less than a point on average, and more than one in single splits. RESULTS.md has
// splits of one model's outputs, and ninety models of the digits: what the paper's choice and FitBest gain and cost
// with 1000 labels and with 50, and what becomes of it with views that move nothing and of models that know shifts.
//
// # When not to use it
//
// Without labels that the model was not trained on, there is nothing to fit: take the original view, or views that the
// model was trained with. If views cost too much, [SelectViews] says which few have most of the gain, and early exit
// computes more only where the model is unsure.
//
// # What differs from the reference code
//
// [WithPaper] and [FitPaper] reproduce its training, whose weights are far from the minimum for small data: the losses
// are convex, and the solvers here go there, with the projected gradient as a certificate. Its temperature is wrong,
// since gradients add up over evaluations; [FitTemperature] is the minimum. Its error bars, the spread over subsamples
// of 80 %, are half the standard error; [Report] has paired intervals and McNemar's test.
//
// Dense outputs are merged by [Merger] and [Ballot], taken back by [Geometry]; detections by [FuseBoxes].
package tta
