// Package conformal turns outputs of a classifier, aggregated or not, into sets of classes that hold the label with a
// probability of at least 1 - alpha, whatever the model, as long as calibration and later examples are exchangeable
// (Vovk et al. 2005; Angelopoulos and Bates 2021).
//
//	c, err := conformal.Calibrate(outputs, labels, conformal.APS(), 0.1)
//	set := c.Set(nil, row, 0)                   // classes, surest first
//	r, err := c.Evaluate(testOutputs, testLabels)
//
// The labels must be others than those that the model, its weights or its temperature were fitted on. Scores are [LAC],
// [APS] (Romano et al. 2020) and [RAPS] (Angelopoulos et al. 2021). APS and RAPS are randomised, which they need for
// their coverage to be exact, and no set is empty: the rule without randomisation gives empty sets to exactly the
// surest examples.
//
// # When not to use it
//
// The probability is over calibration and example together, not for each class ([WithClasses] is) and not for each
// example. Under a shift of the data there is no promise.
package conformal
