package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/espalier-ml/espalier/examples/cyclic/curves"
	"github.com/espalier-ml/espalier/internal/peers"
	"github.com/espalier-ml/espalier/schedule"
)

var schedulesExperiment = experiment{
	name: "schedules",
	about: "arithmetic, the same for every seed. The sums are those that Portes et al. logged, the values of other " +
		"libraries those in schedule/testdata.",
	compare: arithmetic,
}

// scheduleData is the values of other libraries, from the root of the repository.
var scheduleData = filepath.Join("schedule", "testdata")

func arithmetic(trial) ([]Exact, error) {
	sums, err1 := paperSums()
	cost, err2 := halfCost()
	others, err3 := otherLibraries()
	return []Exact{sums, cost, others}, errors.Join(err1, err2, err3)
}

// paperSums is the sums of learning rates that Portes et al. 2022 logged for their run of 512 epochs of 625 steps.
func paperSums() (Exact, error) {
	want := []float64{10240.24985, 20481.7738, 40963.79775, 81926.8217, 163851.84565, 327700.8696}
	lr := schedule.Cyclic{Warmup: 5000, First: 5000, Mult: 2, Peak: 2.048, Floor: 1e-4}
	bare := lr
	bare.Warmup = 0
	sums := func(lr schedule.Cyclic) (all []float64, err error) {
		for _, end := range lr.Ends(512 * 625) {
			sum, err1 := schedule.Integral(lr, 0, end-1)
			all, err = append(all, sum), errors.Join(err, err1)
		}
		return all, err
	}
	got, err1 := sums(lr)
	without, err2 := sums(bare)
	if err := errors.Join(err1, err2); err != nil {
		return Exact{}, err
	}
	return exact("the sums of the learning rate up to the ends of the six cycles of their run of 512 epochs are those of "+
		"their log", 1e-9, got, want, "without the warmup", without, want)
}

// halfCost is how many times the steps of one cyclic run the runs take that it stands for.
func halfCost() (Exact, error) {
	ratio := func(lr schedule.Cyclic, points int) float64 {
		sum := 0
		ends := lr.Ends(lr.TotalFor(points))
		for _, end := range ends {
			sum += end
		}
		return float64(sum) / float64(ends[len(ends)-1])
	}
	const first = 23 // steps, of any length
	quickstart := schedule.Cyclic{Warmup: first, First: first, Mult: 2, Peak: 1}
	equal, same := quickstart, curves.Usual.Schedule()
	equal.Mult, same.Mult = 1, 1
	got := []float64{ratio(quickstart, 5), ratio(curves.Usual.Schedule(), 6)}
	twice := []float64{2, 2}
	text := fmt.Sprintf("the runs that one cyclic run stands for cost twice as much, to a twentieth: %s times for the "+
		"five points of quickstart, %s for the six of examples/cyclic", number(got[0]), number(got[1]))
	return exact(text, 0.05, got, twice, "cycles of equal length", []float64{ratio(equal, 5), ratio(same, 6)}, twice)
}

// otherLibraries is how many schedules have all of their values.
func otherLibraries() (Exact, error) {
	e := Exact{Text: "schedules of torch 1.13, optax, timm, Hugging Face, fastai and Composer, with their closed " +
		"forms and momenta, have the values that those have", Tolerance: 1e-12,
		Control: "the values of the next library's schedule"}
	all, err := peers.Read(scheduleData)
	if err != nil {
		return e, fmt.Errorf("run it at the root of the repository: %w", err)
	}
	byLibrary := map[string][]peers.Case{}
	for _, c := range all {
		byLibrary[c.Library] = append(byLibrary[c.Library], c)
	}
	for k, library := range peers.Libraries {
		next := byLibrary[peers.Libraries[(k+1)%len(peers.Libraries)]]
		for i, c := range byLibrary[library] {
			other := next[i%len(next)].Want
			n := min(len(c.Got), len(other))
			err1 := e.Found.whole(c.Got, c.Want, e.Tolerance)
			err2 := e.Changed.whole(c.Got[:n], other[:n], e.Tolerance)
			if err := errors.Join(err1, err2); err != nil {
				return e, fmt.Errorf("%s, %s: %w", library, c.Name, err)
			}
		}
	}
	e.Least = e.Found.Values
	return e, nil
}

// whole adds a list of values as one: it agrees if all of them do.
func (m *Match) whole(got, want []float64, tolerance float64) error {
	list, err := matched(got, want, tolerance)
	if err != nil {
		return err
	}
	return m.differ(list.Greatest, tolerance)
}
