// Package eval compares pruning methods as Blalock et al. 2020, "What is the State of Neural Network Pruning?", ask
// for: with raw accuracy, both ratios, several seeds, a control, random and magnitude baselines with the same layer
// proportions, and identical initial weights.
//
// Fill a [Study] with one [Result] per trained model and ask it: [Study.Review] applies the twenty rules,
// [Study.Curve] gives mean and sample standard deviation per operating point, [Compare] says which points of one
// tradeoff curve lie above another, and [WriteCSV] writes ShrinkBench's columns. [MatchedRandom] and
// [MatchedMagnitude] make the two controls that separate a choice of weights from a choice of layer proportions.
// [Meter] counts accuracy over batches of any size.
//
// It is not a test of significance: with three seeds there is none. It says whether a comparison was made fairly, not
// whether a method is good.
package eval
