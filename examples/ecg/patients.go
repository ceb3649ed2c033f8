package main

import (
	"errors"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

const (
	horizon   = 90.0 // days
	window    = 128  // samples of a beat
	beats     = 2    // in an instance
	mostBeats = 48   // of a patient
)

// cohort is patients with their instances.
type cohort struct {
	bags     mil.Bags[float32]
	times    []stats.Lifetime
	positive []bool      // had the event within the horizon
	known    []bool      // whether they had is known
	oracle   []float64   // the severity behind it all
	share    []float64   // of abnormal beats: the best that beats can show
	hand     []float64   // the score made by hand
	patients []uint64    // in the cohort they are of
	of       *ecg.Cohort // which makes their leads again
}

// events is how many had the event within the horizon.
func (c cohort) events() int {
	n := 0
	for _, p := range c.positive {
		if p {
			n++
		}
	}
	return n
}

// simulate makes patients and splits them.
func simulate(s settings) (train, test cohort, err error) {
	of, err := ecg.NewCohort(ecg.WithSeed(s.seed), ecg.WithVariant(s.variant), ecg.WithBeats(32, mostBeats))
	if err != nil {
		return train, test, err
	}
	order := tensor.Stream(s.seed, 1).Perm(s.patients)
	cut := s.patients * 2 / 5
	if test, err = gather(&of, order[:cut], true); err != nil {
		return train, test, err
	}
	train, err = gather(&of, order[cut:], false)
	return train, test, err
}

// gather makes the patients of some numbers, side by side. Those who left before the horizon are kept or dropped: there
// is nothing to train on in them.
func gather(of *ecg.Cohort, numbers []int, keep bool) (cohort, error) {
	n := len(numbers)
	c := cohort{times: make([]stats.Lifetime, n), positive: make([]bool, n), known: make([]bool, n),
		oracle: make([]float64, n), share: make([]float64, n), hand: make([]float64, n), patients: make([]uint64, n), of: of}
	const room = mostBeats - beats + 1 // instances of a patient, at most
	x, sizes, errs := tensor.NewMatrix[float32](n*room, beats*window), make([]int, n), make([]error, n)
	tensor.Parallel(n, 8, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			c.patients[k] = uint64(numbers[k])
			p := of.Patient(c.patients[k])
			c.times[k], c.oracle[k] = p.Lifetime, p.Oracle()
			c.share[k] = float64(count(p.Abnormal)) / float64(len(p.Abnormal))
			c.positive[k] = p.Lifetime.Event && p.Lifetime.Time < horizon
			c.known[k] = c.positive[k] || p.Lifetime.Time >= horizon
			pairs, _, err := p.Instances(beats)
			if err == nil {
				c.hand[k], err = variability(pairs)
			}
			sizes[k], errs[k] = pairs.Rows, err
			copy(x.Data[k*room*x.Cols:], pairs.Data)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return cohort{}, err
	}
	offsets, at := []int{0}, 0
	for k, size := range sizes { // move up to each other
		if !keep && !c.known[k] {
			continue
		}
		from, to := offsets[at], offsets[at]+size
		copy(x.Data[from*x.Cols:to*x.Cols], x.Data[k*room*x.Cols:])
		offsets = append(offsets, to)
		c.times[at], c.positive[at], c.known[at], c.patients[at] = c.times[k], c.positive[k], c.known[k], c.patients[k]
		c.oracle[at], c.share[at], c.hand[at] = c.oracle[k], c.share[k], c.hand[k]
		at++
	}
	c.times, c.positive, c.known, c.patients = c.times[:at], c.positive[:at], c.known[:at], c.patients[:at]
	c.oracle, c.share, c.hand = c.oracle[:at], c.share[:at], c.hand[:at]
	var err error
	c.bags, err = mil.New(x.Slice(0, offsets[at], 0, x.Cols), offsets)
	return c, err
}

// variability is the score made by hand: the 90th percentile of how much neighbouring beats differ when time may be
// stretched, in the way of the morphologic variability of Syed et al. 2009.
func variability(pairs tensor.Matrix[float32]) (float64, error) {
	distances := make([]float64, pairs.Rows)
	a, b := make([]float32, window/4), make([]float32, window/4)
	for i := range distances {
		row := pairs.Row(i)
		for j := range a { // every fourth sample is enough
			a[j], b[j] = row[4*j], row[window+4*j]
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

// judged is the patients of whom it is known whether they had the event, with their labels and values.
func (c cohort) judged(values []float64) (positive []bool, kept []float64) {
	for i, known := range c.known {
		if known {
			positive, kept = append(positive, c.positive[i]), append(kept, values[i])
		}
	}
	return positive, kept
}
