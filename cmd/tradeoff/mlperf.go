package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// convergence is a submission held against MLPerf's reference convergence points.
type convergence struct {
	Benchmark string                  `json:"benchmark"`
	BatchSize int                     `json:"batch_size"`
	Runs      int                     `json:"runs"`
	Converged int                     `json:"converged"`
	Seconds   *float64                `json:"seconds"` // olympic mean, null if too many runs did not converge
	Review    score.ConvergenceReview `json:"review"`
}

// references reviews result files, the runs of one submission, against a file of reference points.
func (c *call) references(file string, trim int, files []string, format string) error {
	var refs []importers.MLPerfReference
	err := c.open(file, func(r *bufio.Reader) (err error) {
		refs, err = importers.ReadMLPerfReferences(r)
		return err
	})
	if err != nil {
		return err
	}
	inputs, err := (&selection{}).inputs(files)
	if err != nil {
		return err
	}
	var runs []importers.MLPerfRun
	for _, in := range inputs {
		err := c.open(in.path, func(r *bufio.Reader) error {
			run, err := importers.ReadMLPerfLog(r)
			runs = append(runs, run)
			return err
		})
		if err != nil {
			return err
		}
	}
	one, err := reviewed(refs, runs, trim)
	if err != nil {
		return err
	}
	if format == "json" {
		return json.NewEncoder(c.stdout).Encode(one)
	}
	verdict := "fails"
	if one.Review.Pass {
		verdict = "passes"
	}
	time := "too many runs did not converge"
	if one.Seconds != nil {
		time = fmt.Sprintf("%.6g", *one.Seconds)
	}
	t := &table{header: []string{"benchmark", "batch size", "runs", "converged", "seconds", "epochs", "reference",
		"fewest allowed", "verdict", "scale of times"}}
	b := one.Review.Bound
	t.add(one.Benchmark, strconv.Itoa(one.BatchSize), strconv.Itoa(one.Runs), strconv.Itoa(one.Converged), time,
		fmt.Sprintf("%.4g", one.Review.Mean), fmt.Sprintf("%.4g", b.Mean), fmt.Sprintf("%.4g", b.Min), verdict,
		fmt.Sprintf("%.4g", one.Review.Scale))
	return t.write(c, format)
}

// reviewed wants runs of one benchmark and batch size.
func reviewed(refs []importers.MLPerfReference, runs []importers.MLPerfRun, trim int) (convergence, error) {
	one := convergence{Benchmark: runs[0].Benchmark, BatchSize: runs[0].BatchSize, Runs: len(runs)}
	var epochs, seconds []float64
	for i, r := range runs {
		if r.Benchmark != one.Benchmark || r.BatchSize != one.BatchSize {
			return one, fmt.Errorf("run %d is of %s with batch size %d, the first of %s with %d: "+
				"give the runs of one submission", i+1, r.Benchmark, r.BatchSize, one.Benchmark, one.BatchSize)
		}
		if epochs, seconds = append(epochs, r.Epochs), append(seconds, r.Seconds); r.Seconds-r.Seconds == 0 {
			one.Converged++
		}
	}
	var names []string
	for _, ref := range refs {
		names = append(names, ref.Benchmark)
		if ref.Benchmark != one.Benchmark {
			continue
		}
		all, err := score.NewReferences(ref.Points, len(runs), score.WithTrim(trim))
		if err != nil {
			return one, err
		}
		if one.Review, err = all.Review(one.BatchSize, epochs); err != nil {
			return one, err
		}
		mean, err := score.OlympicMean(seconds, trim)
		if mean-mean == 0 {
			one.Seconds = &mean
		}
		return one, err
	}
	return one, fmt.Errorf("no reference points of benchmark %q; there are those of %q", one.Benchmark, names)
}
