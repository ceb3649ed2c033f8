package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/mlm/window"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/tensor"
)

const maskingSteps = 300

// Other settings.
const (
	thirdOfRate = "a third of the rate"
	thriceRate  = "three times the rate"
	smallBatch  = "small batches"
)

// The runs of a seed beside those of window.Arms.
const (
	otherMasks   = "constant 15 %, other masks"
	fallingShort = "falling, equal targets"
)

var maskingExperiment = experiment{
	name: "masking",
	about: fmt.Sprintf("a small window model on the source of Go's standard library, %d steps, loss at a masking rate of "+
		"15 %%, differences of runs of one seed.", maskingSteps),
	settings: []setting{{thirdOfRate, "a peak of 0.001 instead of 0.003, Adam's learning rate."},
		{thriceRate, "a peak of 0.009."}, {smallBatch, "of 16 rows instead of 64."}},
	run: masking,
}

// masking is Ankner et al. 2024: a language model on a window of tokens of Go's standard library.
func masking(_ context.Context, t trial) ([]Claim, error) {
	text, err := window.StandardLibrary()
	if err != nil {
		return nil, err
	}
	steps := maskingSteps
	if t.quick {
		steps = 20
		text.Train, text.Test = text.Train[:200_000], text.Test[:8_000]
	}
	corpus, err := window.NewCorpus(text)
	if err != nil {
		return nil, err
	}
	switch t.setting {
	case "":
	case thirdOfRate:
		corpus.Peak /= 3
	case thriceRate:
		corpus.Peak *= 3
	case smallBatch:
		corpus.Rows /= 4
	default:
		return nil, t.unknown()
	}
	runs, err := trainMasked(corpus, t.seeds, steps, t.report)
	if err != nil {
		return nil, err
	}
	loss := func(name string) []float64 {
		var v []float64
		for _, curve := range runs[name] {
			v = append(v, curve[len(curve)-1].Loss)
		}
		return v
	}
	arm := func(k int) string { return window.Arms[k].Name }
	base, high, falling := loss(arm(window.Constant15)), loss(arm(window.Constant30)), loss(arm(window.Linear))
	subset, null := minus(loss(arm(window.Subset)), base), minus(loss(otherMasks), base)
	const nats, sameMasks = "difference of loss", "15 % with other masks, less 15 %"
	return []Claim{
		{Text: "a masking rate that falls from 30 to 15 % beats constant 15 %", Quantity: nats, Bar: below(0),
			Values: minus(falling, base), Control: "as much corruption, targets of 15 % only", ControlValues: subset},
		{Text: "constant 30 % beats constant 15 % at 15 % itself", Quantity: nats, Bar: below(0),
			Values: minus(high, base), Control: sameMasks, ControlValues: null},
		{Text: "falling beats rising", Quantity: nats, Bar: below(0),
			Values:  minus(falling, loss(arm(window.Increasing))),
			Control: sameMasks, ControlValues: null},
		{Text: "fewer steps to the best loss of constant 15 % (1.89 times fewer on GLUE)",
			Quantity: "times, at most 1 if never", Bar: above(1),
			Values:        speedups(runs[arm(window.Constant15)], runs[arm(window.Linear)]),
			Control:       "as much corruption, targets of 15 % only",
			ControlValues: speedups(runs[arm(window.Constant15)], runs[arm(window.Subset)])},
		{Text: "one step down is as good as the line, to 0.03 nats", Quantity: nats, Bar: within(0.03),
			Values: minus(loss(arm(window.Step)), falling), Control: "constant 15 % for the step",
			ControlValues: minus(base, falling)},
		{Text: "more corruption without more targets hurts", Quantity: nats, Bar: above(0), Values: subset,
			Control: sameMasks, ControlValues: null},
		{Text: "the falling rate beats constant 30 % (the paper finds it on GLUE and not in the loss)", Quantity: nats,
			Bar: below(0), Values: minus(falling, high), Control: sameMasks, ControlValues: null},
		{Text: "not in the paper: at equal numbers of targets the falling rate is worse", Quantity: nats, Bar: above(0),
			Values: minus(loss(fallingShort), base), Control: "at equal steps", ControlValues: minus(falling, base),
			Note: "it is what this model pays for, which computes targets only; BERT computes every position."},
	}, nil
}

// trainMasked trains all arms with all seeds on all processors, and returns their curves by name and in the order of
// the seeds.
func trainMasked(c *window.Corpus, seeds []uint64, steps int,
	report func(done, total int)) (map[string][][]window.Point, error) {
	fewer, err := window.Arms[window.Linear].Fewer(steps)
	if err != nil {
		return nil, err
	}
	masks := window.Arms[window.Constant15]
	masks.Name, masks.Masks = otherMasks, 1<<40
	short := window.Arms[window.Linear]
	short.Name = fallingShort
	arms := append(append([]window.Arm{}, window.Arms...), masks, short)
	type job struct {
		arm   window.Arm
		seed  uint64
		curve []window.Point
		err   error
	}
	var jobs []*job
	for _, a := range arms {
		for _, seed := range seeds {
			jobs = append(jobs, &job{arm: a, seed: seed})
		}
	}
	done, end := progress.Start(len(jobs), report)
	tensor.Parallel(len(jobs), 1, func(lo, hi int) {
		for _, j := range jobs[lo:hi] {
			n := steps
			if j.arm.Name == fallingShort {
				n = fewer
			}
			j.curve, j.err = c.Run(j.arm, j.seed, n, func(int) {})
			done()
		}
	})
	end()
	curves := map[string][][]window.Point{}
	for _, j := range jobs {
		if j.err != nil {
			err = errors.Join(err, fmt.Errorf("%s, seed %d: %w", j.arm.Name, j.seed, j.err))
		}
		curves[j.arm.Name] = append(curves[j.arm.Name], j.curve)
	}
	return curves, err
}

// speedups is how many times fewer steps other takes to the best loss of base, seed by seed. One that never gets there
// counts as if it did at its end.
func speedups(base, other [][]window.Point) []float64 {
	var v []float64
	for i := range base {
		best := base[i][0]
		for _, p := range base[i] {
			if p.Loss < best.Loss {
				best = p
			}
		}
		v = append(v, float64(best.Step)/reach(other[i], best.Loss))
	}
	return v
}

// reach interpolates between the first evaluation at or below a loss and the one before it.
func reach(curve []window.Point, loss float64) float64 {
	for i, p := range curve {
		if p.Loss > loss {
			continue
		}
		if i == 0 {
			return float64(p.Step)
		}
		q := curve[i-1]
		return float64(q.Step) + float64(p.Step-q.Step)*(q.Loss-loss)/(q.Loss-p.Loss)
	}
	return float64(curve[len(curve)-1].Step)
}
