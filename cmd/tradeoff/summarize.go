package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// summary is what summarize tells of an arm.
type summary struct {
	Task      string                     `json:"task"`
	Model     string                     `json:"model"`
	Method    string                     `json:"method"`
	Runs      int                        `json:"runs"`
	Failed    int                        `json:"failed"` // of the runs; their best qualities are those before
	Points    int                        `json:"points"`
	FirstCost float64                    `json:"first_cost"`
	LastCost  float64                    `json:"last_cost"`
	Direction tradeoff.Direction         `json:"direction"`
	Guessed   bool                       `json:"direction_guessed"` // by the name of the quality
	Best      stats.Estimate             `json:"best"`
	Times     map[string]*stats.Estimate `json:"times,omitempty"`   // to the targets; null if a run does not reach it
	Reached   map[string]int             `json:"reached,omitempty"` // runs that reach each target
}

func summarize(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	var targets numbers
	c.flags.Var(&targets, "target", "qualities whose times to list, with commas between")
	asJSON := c.flags.Bool("json", false, "print JSON")
	format := c.flags.String("format", "text", "text, markdown, latex, csv or json (as -json)")
	bench := c.flags.Bool("bench", false, "print runs as Go benchmarks, for benchstat -col /method")
	files, err := c.parse(args)
	if err != nil {
		return err
	}
	if !slices.Contains(formats, *format) {
		return c.misuse("-format is %q, want one of %q", *format, formats)
	}
	log, err := c.log(files, &s)
	if err != nil {
		return err
	}
	settings, err := c.arms(log, &s)
	if err != nil {
		return err
	}
	if *bench {
		if s.cost == "" || s.quality == "" {
			return c.misuse("-bench needs -cost and -quality: they are the units")
		}
		return runlog.WriteBenchfmt(c.stdout, slices.Concat(settings...), s.cost, s.quality, targets...)
	}
	var all []summary
	for _, arms := range settings {
		for _, a := range arms {
			one, err := summaryOf(a, targets)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
	}
	if *asJSON || *format == "json" {
		return json.NewEncoder(c.stdout).Encode(all)
	}
	t := &table{header: []string{"task", "model", "method", "runs", "failed", "points", "costs", "best quality"}}
	for _, q := range targets {
		t.header = append(t.header, fmt.Sprintf("time to %g", q))
	}
	for _, one := range all {
		row := []string{one.Task, one.Model, one.Method, fmt.Sprint(one.Runs), fmt.Sprint(one.Failed),
			fmt.Sprint(one.Points), fmt.Sprintf("%.4g to %.4g", one.FirstCost, one.LastCost),
			fmt.Sprintf("%v (%s)", one.Best, better(one.Direction, one.Guessed))}
		for _, q := range targets {
			key := fmt.Sprint(q)
			if e := one.Times[key]; e != nil {
				row = append(row, e.String())
			} else {
				row = append(row, fmt.Sprintf("%d of %d reach it", one.Reached[key], one.Runs))
			}
		}
		t.add(row...)
	}
	return t.write(c, *format)
}

func summaryOf(a runlog.Arm, targets []float64) (summary, error) {
	one := summary{Task: a.Task, Model: a.Model, Method: a.Runs.Name, Runs: len(a.Runs.Curves), Failed: a.Runs.Failed(),
		Direction: a.Runs.Direction(), Guessed: a.Guessed,
		FirstCost: math.Inf(1), Times: map[string]*stats.Estimate{}, Reached: map[string]int{}}
	for _, curve := range a.Runs.Curves {
		one.Points += curve.Len()
		one.LastCost = max(one.LastCost, curve.Spent())
		if first, _ := curve.Costs(); curve.Len() > 0 {
			one.FirstCost = min(one.FirstCost, first)
		}
	}
	var err error
	if one.Best, err = stats.Mean(best(a.Runs)); err != nil {
		return one, err
	}
	for _, q := range targets {
		key := fmt.Sprint(q)
		var costs []float64
		for _, t := range a.Runs.Times(q, tradeoff.FirstHit) {
			if t.Event {
				one.Reached[key]++
				costs = append(costs, t.Time)
			}
		}
		if one.Times[key] = nil; len(costs) == one.Runs {
			e, err := stats.GeoMean(costs)
			if err != nil {
				return one, err
			}
			one.Times[key] = &e
		}
	}
	return one, nil
}

// best is the best quality of each run.
func best(r tradeoff.Runs) []float64 {
	var q []float64
	for _, c := range r.Curves {
		if c.Len() > 0 {
			q = append(q, c.Best().Quality)
		}
	}
	return q
}
