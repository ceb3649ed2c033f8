package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/plot"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

func scoring(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	file := c.flags.String("targets", "",
		"AlgoPerf's JSON file of targets; files are then AlgoPerf tables or directories of logs")
	without := c.flags.String("without", "", "workloads to leave out, with commas between")
	goals := c.flags.String("target", "",
		"quality to reach on each task of other logs, as digits=0.95,text=0.8 (default the records' targets)")
	algoPerf := c.flags.Bool("algoperf", false, "score as the benchmark's own code does, to the last digit")
	byTime := c.flags.Bool("bytime", false,
		"of the trials of a study take the fastest and not the one with the fewest evaluations")
	ratio := c.flags.Float64("max-ratio", 4, "largest ratio to the fastest that counts")
	workloads := c.flags.Bool("workloads", false, "draw workloads too, for intervals")
	replicates := c.flags.Int("replicates", 10_000, "of the bootstrap")
	seed := c.flags.Uint64("seed", 0, "of the bootstrap")
	out := c.flags.String("o", "", "file for the performance profiles: .svg, .png or .pdf")
	asJSON := c.flags.Bool("json", false, "print JSON")
	files, err := c.parse(args)
	if err != nil {
		return err
	}
	if *replicates < 1 || !(*ratio > 1) {
		return c.misuse("-replicates must be 1 or more and -max-ratio above 1")
	}
	var table score.TimeTable
	if *file != "" {
		table, err = c.algoPerf(*file, strings.Split(*without, ","), *byTime, files)
	} else {
		table, err = c.times(&s, *goals, files)
	}
	if err != nil {
		return err
	}
	profile := []score.ProfileOption{score.WithMaxRatio(*ratio)}
	if *algoPerf {
		profile = append(profile, score.AlgoPerf())
	}
	opts := []score.Option{score.WithInterval(stats.WithReplicates(*replicates), stats.WithSeed(*seed), c.resampling())}
	for _, o := range profile {
		opts = append(opts, o)
	}
	if *workloads {
		opts = append(opts, score.WithTasks())
	}
	scores, err := table.Scores(opts...)
	if err != nil {
		return err
	}
	slices.SortStableFunc(scores, func(a, b score.SubmissionScore) int {
		switch {
		case a.Score.Value > b.Score.Value:
			return -1
		case a.Score.Value < b.Score.Value:
			return 1
		}
		return strings.Compare(a.Submission, b.Submission)
	})
	if *out != "" {
		p, err := table.Profile(profile...)
		if err != nil {
			return err
		}
		figure, err := plot.PerformanceProfile(p)
		if err != nil {
			return err
		}
		if err := plot.Save(figure, *out); err != nil {
			return err
		}
	}
	for _, name := range nobodyRan(table) {
		fmt.Fprintf(c.stderr, "tradeoff: nobody ran %s, which counts against all; leave it out with -without\n", name)
	}
	if *asJSON {
		return json.NewEncoder(c.stdout).Encode(scores)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "submission\tscore\t95% interval\tfirst in")
	for _, one := range scores {
		fmt.Fprintf(w, "%s\t%.4f\t%.3f to %.3f\t%.0f%%\n", one.Submission, one.Score.Value, one.Score.Lo, one.Score.Hi,
			100*one.First)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var notes []string
	for _, one := range scores {
		for _, warning := range one.Score.Warnings {
			if !slices.Contains(notes, warning.Error()) {
				notes = append(notes, warning.Error())
				fmt.Fprintln(c.stdout, "*", warning)
			}
		}
	}
	return nil
}

// algoPerf reads AlgoPerf's tables and trees of logs.
func (c *call) algoPerf(file string, without []string, byTime bool, files []string) (score.TimeTable, error) {
	var targets importers.AlgoPerfTargets
	err := c.open(file, func(r *bufio.Reader) (err error) {
		targets, err = importers.ReadAlgoPerfTargets(r)
		return err
	})
	if err != nil {
		return score.TimeTable{}, err
	}
	for _, name := range without {
		if _, ok := targets.Metric[name]; name != "" && !ok {
			return score.TimeTable{}, fmt.Errorf("-without: no workload %q; there are %q", name,
				slices.Sorted(maps.Keys(targets.Metric)))
		}
	}
	targets = targets.Without(without...)
	var trials []score.Trial
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			more, err := importers.AlgoPerfLogs(os.DirFS(name), targets)
			if err != nil {
				return score.TimeTable{}, fmt.Errorf("%s: %w", name, err)
			}
			trials = append(trials, more...)
			continue
		}
		err := c.open(name, func(r *bufio.Reader) error {
			more, err := importers.ReadAlgoPerf(r, targets)
			trials = append(trials, more...)
			return err
		})
		if err != nil {
			return score.TimeTable{}, err
		}
	}
	var opts []score.TrialOption
	if byTime {
		opts = append(opts, score.ByTime())
	}
	return score.NewTrialTable(trials, targets.Workloads, opts...)
}

// times makes a table of ordinary logs: methods are submissions, tasks and models workloads, and runs studies.
func (c *call) times(s *selection, goals string, files []string) (score.TimeTable, error) {
	log, err := c.log(files, s)
	if err != nil {
		return score.TimeTable{}, err
	}
	settings, err := c.arms(log, s)
	if err != nil {
		return score.TimeTable{}, err
	}
	given, err := pairs(goals)
	if err != nil {
		return score.TimeTable{}, c.misuse("-target: %v", err)
	}
	var names []string
	var loads []score.Workload
	for _, arms := range settings {
		load := score.Workload{Name: setting(arms[0]), Direction: arms[0].Runs.Direction()}
		var ok bool
		if load.Target, ok = target(arms[0], given); !ok {
			return score.TimeTable{}, fmt.Errorf("no target for %s: give it with -target %s=QUALITY", load.Name, arms[0].Task)
		}
		loads = append(loads, load)
		for _, a := range arms {
			if !slices.Contains(names, a.Runs.Name) {
				names = append(names, a.Runs.Name)
			}
		}
	}
	studies := make([][][]float64, len(names))
	for i := range studies {
		studies[i] = make([][]float64, len(settings))
	}
	for w, arms := range settings {
		for _, a := range arms {
			i := slices.Index(names, a.Runs.Name)
			for _, t := range a.Runs.Times(loads[w].Target, tradeoff.FirstHit) {
				if !t.Event {
					t.Time = math.Inf(1)
				}
				studies[i][w] = append(studies[i][w], t.Time)
			}
		}
	}
	return score.NewTimeTable(names, loads, studies)
}

// target is the quality that a task is to reach, by the flag or by its records.
func target(a runlog.Arm, given map[string]string) (float64, bool) {
	for _, name := range []string{setting(a), a.Task} {
		var q float64
		if text, ok := given[name]; ok {
			if _, err := fmt.Sscan(text, &q); err == nil {
				return q, true
			}
		}
	}
	if q, ok := a.Target[a.Quality]; ok {
		return q, true
	}
	return 0, false
}

// nobodyRan is the workloads that no submission has a time of.
func nobodyRan(t score.TimeTable) []string {
	times := t.Times()
	var names []string
	for w, load := range t.Workloads() {
		if !slices.ContainsFunc(times, func(row []float64) bool { return row[w] == row[w] }) {
			names = append(names, load.Name)
		}
	}
	return names
}
