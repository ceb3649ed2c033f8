// Package beats is synthetic patients, of whom heartbeats are known and whether they had an event, and two models that
// learn from the beats who will: one of single instances, which inherit the label of their patient, and one that is
// trained end to end under attention.
package beats

import (
	"errors"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// What is asked, and of what.
const (
	Horizon     = 90.0 // days within which the event counts
	Window      = 128  // samples of a beat
	PerInstance = 2    // neighbouring beats

	mostBeats = 48 // of a patient
)

// Cohort is patients with their instances.
type Cohort struct {
	Bags     mil.Bags[float32] // instances are PerInstance beats of Window samples
	Times    []stats.Lifetime
	Positive []bool    // had the event within the horizon
	Known    []bool    // whether they had is known
	Severity []float64 // what made the events: nothing can be better
	Share    []float64 // of abnormal beats: the best that beats can show
	Hand     []float64 // the score made by hand

	numbers []uint64   // in the cohort that they are of
	of      ecg.Cohort // which makes their leads again
}

// Events is how many had the event within the horizon.
func (c Cohort) Events() int { return count(c.Positive) }

// Simulate makes patients to train on and others to test with. Those to train on of whom the outcome is not known are
// left out, which is one of twenty.
func Simulate(training, testing int, v ecg.Variant, seed uint64) (train, test Cohort, err error) {
	of, err := ecg.NewCohort(ecg.WithSeed(seed), ecg.WithVariant(v), ecg.WithBeats(32, mostBeats))
	if err != nil {
		return train, test, err
	}
	order := tensor.Stream(seed, 1).Perm(training + testing)
	if test, err = gather(of, order[:testing], true); err != nil {
		return train, test, err
	}
	train, err = gather(of, order[testing:], false)
	return train, test, err
}

// gather makes the patients of some numbers, side by side. Those who left before the horizon are kept or dropped: there
// is nothing to train on in them.
func gather(of ecg.Cohort, numbers []int, keep bool) (Cohort, error) {
	n := len(numbers)
	c := Cohort{Times: make([]stats.Lifetime, n), Positive: make([]bool, n), Known: make([]bool, n),
		Severity: make([]float64, n), Share: make([]float64, n), Hand: make([]float64, n), numbers: make([]uint64, n), of: of}
	const room = mostBeats - PerInstance + 1 // instances of a patient, at most
	x, sizes, errs := tensor.NewMatrix[float32](n*room, PerInstance*Window), make([]int, n), make([]error, n)
	tensor.Parallel(n, 8, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			c.numbers[k] = uint64(numbers[k])
			p := of.Patient(c.numbers[k])
			c.Times[k], c.Severity[k] = p.Lifetime, p.Oracle()
			c.Share[k] = float64(count(p.Abnormal)) / float64(len(p.Abnormal))
			c.Positive[k] = p.Lifetime.Event && p.Lifetime.Time < Horizon
			c.Known[k] = c.Positive[k] || p.Lifetime.Time >= Horizon
			pairs, _, err := p.Instances(PerInstance)
			if err == nil {
				c.Hand[k], err = variability(pairs)
			}
			sizes[k], errs[k] = pairs.Rows, err
			copy(x.Data[k*room*x.Cols:], pairs.Data)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return Cohort{}, err
	}
	offsets, at := []int{0}, 0
	for k, size := range sizes { // move up to each other
		if !keep && !c.Known[k] {
			continue
		}
		from, to := offsets[at], offsets[at]+size
		copy(x.Data[from*x.Cols:to*x.Cols], x.Data[k*room*x.Cols:])
		offsets = append(offsets, to)
		c.Times[at], c.Positive[at], c.Known[at], c.numbers[at] = c.Times[k], c.Positive[k], c.Known[k], c.numbers[k]
		c.Severity[at], c.Share[at], c.Hand[at] = c.Severity[k], c.Share[k], c.Hand[k]
		at++
	}
	c.Times, c.Positive, c.Known, c.numbers = c.Times[:at], c.Positive[:at], c.Known[:at], c.numbers[:at]
	c.Severity, c.Share, c.Hand = c.Severity[:at], c.Share[:at], c.Hand[:at]
	var err error
	c.Bags, err = mil.New(x.Slice(0, offsets[at], 0, x.Cols), offsets)
	return c, err
}

func count(list []bool) int {
	n := 0
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// variability is the score made by hand: the 90th percentile of how much neighbouring beats differ when time may be
// stretched, in the way of the morphologic variability of Syed et al. 2009.
func variability(pairs tensor.Matrix[float32]) (float64, error) {
	distances := make([]float64, pairs.Rows)
	a, b := make([]float32, Window/4), make([]float32, Window/4)
	for i := range distances {
		row := pairs.Row(i)
		for j := range a { // every fourth sample is enough
			a[j], b[j] = row[4*j], row[Window+4*j]
		}
		d, err := ecg.WarpDistance(a, b)
		if err != nil {
			return 0, err
		}
		distances[i] = d
	}
	slices.Sort(distances)
	q, err := stats.Quantiles(distances, 0.9)
	if err != nil {
		return math.NaN(), err
	}
	return q[0], nil
}

// AUC is the area under the ROC curve of values, one of each patient, over the patients of whom it is known whether
// they had the event.
func (c Cohort) AUC(values []float64) (stats.Estimate, error) {
	var positive []bool
	var kept []float64
	for i, known := range c.Known {
		if known {
			positive, kept = append(positive, c.Positive[i]), append(kept, values[i])
		}
	}
	return stats.AUC(positive, kept, nil)
}

// Patient makes the lead of patient i again, and is the patient's number among all of the seed.
func (c Cohort) Patient(i int) (number uint64, p ecg.Patient) {
	return c.numbers[i], c.of.Patient(c.numbers[i])
}
