package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
)

// patients is how many there are to train on, and as many others to test with. One in fifty has the event.
const patients = 5000

// The scores of test patients.
const (
	severity = iota // what made the events
	share           // of abnormal beats
	meanBeat        // of single beats
	topBeats        // the mean of the highest fifth of them
	highestBeat
	endToEnd // attention
	shuffledMean
	shuffledEndToEnd // by models that were trained on shuffled labels
	scatteredMean
	scatteredHighest // of scores that were shuffled among the beats of all patients
	scores           // how many there are
)

// Other settings.
const (
	fewPatients = "2000 patients"
	sixEpochs   = "2000 patients, six epochs"
	offPeaks    = "R peaks off"
)

var ecgExperiment = experiment{
	name: "ecg",
	about: fmt.Sprintf("%d synthetic patients to train on for three epochs and %d to test, 32 to 48 heartbeats each, "+
		"area under the ROC curve for the event within 90 days, which one in fifty has; each seed with patients and "+
		"models of its own.", patients, patients),
	settings: []setting{{fewPatients, "to train on instead of 5000, of whom some 40 have the event."},
		{sixEpochs, "instead of three."},
		{offPeaks, "by up to six samples, drawn for each beat."}},
	seeds: 20, few: 5,
	run: heartbeats,
}

// heartbeats is Shanmugam, Blalock and Guttag 2019 on synthetic patients: their trial is not public.
func heartbeats(ctx context.Context, t trial) ([]Claim, error) {
	how := heartbeatsTraining{patients, patients, 3, ecg.Aligned}
	switch t.setting {
	case "":
	case fewPatients:
		how.train = 2000
	case sixEpochs:
		how.train, how.epochs = 2000, 6
	case offPeaks:
		how.variant = ecg.Jittered
	default:
		return nil, t.unknown()
	}
	if t.quick {
		how.train, how.test, how.epochs = 400, 400, 1
	}
	areas := make([][scores]float64, len(t.seeds)) // under the ROC curve
	errs := make([]error, len(t.seeds))
	done, end := progress.Start(len(t.seeds), t.report)
	tensor.Parallel(len(t.seeds), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			areas[i], errs[i] = heartbeatsSeed(ctx, t.seeds[i], how)
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	less := func(a, b int) []float64 {
		var d []float64
		for _, area := range areas {
			d = append(d, area[a]-area[b])
		}
		return d
	}
	const difference, shuffled = "difference of AUC", "trained on shuffled labels"
	return []Claim{
		{Text: "the mean of single beats is no more than 0.07 below the severity that made the events",
			Quantity: difference, Bar: above(-0.07), Values: less(meanBeat, severity), Control: shuffled,
			ControlValues: less(shuffledMean, severity)},
		{Text: "attention trained end to end is no more than 0.05 below the severity", Quantity: difference,
			Bar: above(-0.05), Values: less(endToEnd, severity), Control: shuffled,
			ControlValues: less(shuffledEndToEnd, severity)},
		{Text: "the mean of single beats is no more than 0.05 below the share of abnormal beats, the best that beats can " +
			"show", Quantity: difference, Bar: above(-0.05), Values: less(meanBeat, share), Control: shuffled,
			ControlValues: less(shuffledMean, share)},
		{Text: "attention trained end to end is no more than 0.03 below that share", Quantity: difference,
			Bar: above(-0.03), Values: less(endToEnd, share), Control: shuffled,
			ControlValues: less(shuffledEndToEnd, share)},
		{Text: "the highest beat is at least 0.03 below the mean: risk is how many beats are ill, and not that one is",
			Quantity: difference, Bar: below(-0.03), Values: less(highestBeat, meanBeat),
			Control: "scores shuffled among the beats of all patients", ControlValues: less(scatteredHighest, scatteredMean)},
		{Text: "the fifth of the beats with the highest scores is no more than 0.03 below the mean", Quantity: difference,
			Bar: above(-0.03), Values: less(topBeats, meanBeat), Control: "the highest beat for it",
			ControlValues: less(highestBeat, meanBeat)},
		{Text: "attention trained end to end is no more than 0.02 below the mean of single beats", Quantity: difference,
			Bar: above(-0.02), Values: less(endToEnd, meanBeat), Control: "attention " + shuffled,
			ControlValues: less(shuffledEndToEnd, meanBeat)},
	}, nil
}

// heartbeatsTraining is patients to train on and to test with, and how.
type heartbeatsTraining struct {
	train, test, epochs int
	variant             ecg.Variant
}

// heartbeatsSeed trains on the patients of a seed as they are, and with their labels shuffled, and judges both on
// others.
func heartbeatsSeed(ctx context.Context, seed uint64, how heartbeatsTraining) (areas [scores]float64, err error) {
	train, test, err := beats.Simulate(how.train, how.test, how.variant, seed)
	if err != nil {
		return areas, err
	}
	shuffled := train
	shuffled.Positive = make([]bool, len(train.Positive))
	for i, j := range tensor.Stream(seed, 1<<20).Perm(len(train.Positive)) {
		shuffled.Positive[i] = train.Positive[j]
	}
	single, attention, err := judged(ctx, train, test, how.epochs, seed)
	if err != nil {
		return areas, err
	}
	single0, attention0, err := judged(ctx, shuffled, test, how.epochs, seed)
	if err != nil {
		return areas, err
	}
	scattered := make([]float64, len(single))
	for i, j := range tensor.Stream(seed, 1<<20+1).Perm(len(single)) {
		scattered[i] = single[j]
	}
	pooled := func(p []float64, rule mil.Rule) []float64 {
		risks, err1 := beats.Pool(test.Bags, p, rule)
		err = errors.Join(err, err1)
		return risks
	}
	for k, values := range [scores][]float64{severity: test.Severity, share: test.Share,
		meanBeat: pooled(single, mil.Mean()), topBeats: pooled(single, mil.TopFraction(0.2)),
		highestBeat: pooled(single, mil.Max()), endToEnd: attention, shuffledMean: pooled(single0, mil.Mean()),
		shuffledEndToEnd: attention0, scatteredMean: pooled(scattered, mil.Mean()),
		scatteredHighest: pooled(scattered, mil.Max())} {
		if err != nil {
			return areas, err
		}
		area, err := test.AUC(values)
		if err != nil {
			return areas, err
		}
		areas[k] = area.Value
	}
	return areas, nil
}

// judged trains both models, and is the probabilities of the beats of the test patients by the one and those of the
// patients by the other.
func judged(ctx context.Context, train, test beats.Cohort, epochs int, seed uint64) (single, attention []float64,
	err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	ofBeats, ofPatients, err := beats.Fit(train, epochs, seed, func() {})
	if err != nil {
		return nil, nil, err
	}
	single, err1 := ofBeats.Probabilities(test.Bags)
	attention, err2 := ofPatients.Probabilities(test.Bags)
	return single, attention, errors.Join(err1, err2)
}
