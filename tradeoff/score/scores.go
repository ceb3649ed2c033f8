package score

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Scores is the normalised scores of a method, the larger the better: runs of tasks, for the aggregate statistics of
// Agarwal et al. 2021. Tasks may have different numbers of runs. It is immutable.
type Scores struct {
	tasks  []string
	byTask [][]float64
	runs   int // the smallest number

	// All scores in order, with their tasks and weights in the mean of task means.
	values  []float64
	task    []int
	weights []float64
	order   []int32 // where each stands when the runs of all tasks are counted on
}

// NewScores makes Scores of byTask[t], the runs of task t; it copies them. The error wraps [tensor.ErrEmpty] if there
// are no tasks or one has no runs, [tensor.ErrShape] if the lengths differ, [tensor.ErrConflict] if two tasks have one
// name and [tensor.ErrNotFinite] for the first score that is not finite.
func NewScores(tasks []string, byTask [][]float64) (Scores, error) {
	if len(tasks) != len(byTask) {
		return Scores{}, fmt.Errorf("score: NewScores: %d names and runs of %d tasks: %w", len(tasks), len(byTask),
			tensor.ErrShape)
	}
	if len(tasks) == 0 {
		return Scores{}, fmt.Errorf("score: NewScores: no tasks: %w", tensor.ErrEmpty)
	}
	s := Scores{tasks: slices.Clone(tasks), runs: len(byTask[0])}
	type cell struct{ task, run, at int }
	var cells []cell
	for t, runs := range byTask {
		if slices.Contains(tasks[:t], tasks[t]) {
			return Scores{}, fmt.Errorf("score: NewScores: task %q is there twice: %w", tasks[t], tensor.ErrConflict)
		}
		if len(runs) == 0 {
			return Scores{}, fmt.Errorf("score: NewScores: task %q has no runs: %w", tasks[t], tensor.ErrEmpty)
		}
		for i, v := range runs {
			if v-v != 0 {
				return Scores{}, fmt.Errorf("score: NewScores: task %q, run %d: score %v: %w", tasks[t], i, v,
					tensor.ErrNotFinite)
			}
			cells = append(cells, cell{t, i, len(cells)})
		}
		s.byTask = append(s.byTask, slices.Clone(runs))
		s.runs = min(s.runs, len(runs))
	}
	slices.SortStableFunc(cells, func(a, b cell) int {
		if x, y := byTask[a.task][a.run], byTask[b.task][b.run]; x != y {
			return cmp.Compare(x, y)
		}
		return 0
	})
	for _, c := range cells {
		s.values = append(s.values, byTask[c.task][c.run])
		s.task = append(s.task, c.task)
		s.weights = append(s.weights, 1/float64(len(tasks)*len(byTask[c.task])))
		s.order = append(s.order, int32(c.at))
	}
	return s, nil
}

// Tasks returns the names of the tasks.
func (s Scores) Tasks() []string { return slices.Clone(s.tasks) }

// Mean is the mean of the tasks' means.
func (s Scores) Mean() float64 { return MeanScore.of(s.byTask) }

// Median is the median of the tasks' means.
func (s Scores) Median() float64 { return MedianScore.of(s.byTask) }

// IQM is the interquartile mean: the mean of the middle half of all scores, which is more robust than the mean and more
// efficient than the median.
func (s Scores) IQM() float64 { return IQM.of(s.byTask) }

// OptimalityGap is by how much scores fall short of gamma on average, where those above gamma count as gamma.
func (s Scores) OptimalityGap(gamma float64) float64 { return OptimalityGap(gamma).of(s.byTask) }

// Profile is, for each tau, the fraction of all scores above it, every task counting the same.
func (s Scores) Profile(taus []float64) []float64 {
	p := make([]float64, len(taus))
	for k, tau := range taus {
		for _, runs := range s.byTask {
			p[k] += above(runs, tau) / float64(len(s.byTask))
		}
	}
	return p
}

// ProfileIntervals is [Scores.Profile] with an interval at each tau, for plot.EstimateCurves. The error is that of
// [Scores.Interval], or wraps [tensor.ErrNotFinite] for a tau that is not finite.
func (s Scores) ProfileIntervals(ctx context.Context, taus []float64, opts ...SampleOption) ([]stats.Estimate, error) {
	estimates := make([]stats.Estimate, len(taus))
	for k, tau := range taus {
		if tau-tau != 0 {
			return nil, fmt.Errorf("score: ProfileIntervals: taus[%d] = %v: %w", k, tau, tensor.ErrNotFinite)
		}
		var err error
		if estimates[k], err = s.Interval(ctx, shareAbove(tau), opts...); err != nil {
			return nil, err
		}
	}
	return estimates, nil
}

// MeanProfile is, for each tau, the fraction of the tasks whose mean score is above it.
func (s Scores) MeanProfile(taus []float64) []float64 {
	means := taskMeans(s.byTask)
	p := make([]float64, len(taus))
	for k, tau := range taus {
		p[k] = above(means, tau)
	}
	return p
}

func above(x []float64, tau float64) float64 {
	n := 0
	for _, v := range x {
		if v > tau {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

// Interval is a statistic of the scores with a bootstrap interval: runs are drawn with replacement within each task
// (stratified). Intervals are percentiles, or by [WithInterval] others; stats.BCa leaves out one run of all tasks at a
// time. Draws that are handed in count the runs task by task. The error wraps that of ctx if it ends first.
func (s Scores) Interval(ctx context.Context, stat Statistic, opts ...SampleOption) (stats.Estimate, error) {
	c, err := configure("Interval", opts)
	switch {
	case err != nil:
		return stats.Estimate{}, err
	case len(s.byTask) == 0:
		return stats.Estimate{}, c.errorf("the scores have no tasks: %w", tensor.ErrEmpty)
	case stat.of == nil:
		return stats.Estimate{}, c.errorf("no statistic: %w", tensor.ErrEmpty)
	}
	value := stat.of(s.byTask)
	if value-value != 0 {
		return stats.Estimate{}, c.errorf("the %v of the scores is %v: %w", stat, value, tensor.ErrNotFinite)
	}
	settings, err := stats.Read(c.interval...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	replicates, err := s.replicates(ctx, c.tasks, stat, settings.Resampling())
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	var without [][]float64
	if settings.Interval == stats.BCa {
		without = [][]float64{s.jackknife(stat)}
	}
	e, err := stats.FromReplicates(value, replicates, max(2, s.runs), without, c.interval...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	e.N, e.Warnings = s.runs, s.warnings(e.Interval)
	return e, nil
}

// fewPerTask is the number of runs of each of several tasks from which stratified intervals come near their level.
// Drawing n runs with replacement has 1-1/n of the variance of n other runs, however many tasks there are.
const fewPerTask = 5

func (s Scores) warnings(how stats.Interval) []error {
	var w []error
	switch {
	case s.runs < 2 || len(s.tasks) == 1:
		w = fewRuns(s.runs)
	case s.runs < fewPerTask:
		narrow := 100 * (1 - math.Sqrt(1-1/float64(s.runs)))
		w = []error{fmt.Errorf("%v intervals of %d runs of a task are up to %.0f%% too narrow; run %d: %w",
			how, s.runs, narrow, fewPerTask, stats.ErrTooFew)}
	}
	if s.values[0] == s.values[len(s.values)-1] && len(s.values) > 1 {
		w = append(w, fmt.Errorf("all runs are equal: %w", stats.ErrDegenerate))
	}
	return w
}

// replicates of a statistic, by counts of the sorted scores where it can: then a replicate needs no sorting.
func (s Scores) replicates(
	ctx context.Context, tasks bool, stat Statistic, drawing stats.ResampleOption,
) ([]float64, error) {
	if stat.counted == nil || tasks {
		b, err := stats.Resample(ctx, s.design(tasks), 1, func() func([]int, []float64) {
			sample := s.sampler()
			return func(drawn []int, out []float64) { out[0] = stat.of(sample(drawn)) }
		}, drawing)
		if err != nil {
			return nil, err
		}
		return b.Replicates[0], nil
	}
	b, err := stats.ResampleCounts(ctx, s.design(false), 1, func() func([]int32, []float64) {
		scratch := make([]float64, len(s.tasks))
		return func(counts []int32, out []float64) { out[0] = stat.counted(&s, counts, scratch) }
	}, drawing)
	if err != nil {
		return nil, err
	}
	return b.Replicates[0], nil
}

// design draws runs within tasks or, nested, tasks and runs within them.
func (s Scores) design(nested bool) stats.Design {
	sizes, of := make([]int, len(s.byTask)), make([]int, 0, len(s.values))
	for t, runs := range s.byTask {
		sizes[t] = len(runs)
		for range runs {
			of = append(of, t)
		}
	}
	if nested {
		return stats.Nested(of)
	}
	return stats.Samples(sizes...)
}

// sampler returns a function that makes scores by task of drawn runs, in memory of its own. Draws come task by task, as
// many runs of each as it has.
func (s Scores) sampler() func(drawn []int) [][]float64 {
	all, task := slices.Concat(s.byTask...), make([]int, 0, len(s.values))
	for t, runs := range s.byTask {
		for range runs {
			task = append(task, t)
		}
	}
	var room []float64
	sample := make([][]float64, 0, len(s.byTask))
	return func(drawn []int) [][]float64 {
		room, sample = room[:0], sample[:0]
		for _, run := range drawn {
			room = append(room, all[run])
		}
		for from := 0; from < len(drawn); {
			to := min(from+len(s.byTask[task[drawn[from]]]), len(drawn))
			sample = append(sample, room[from:to:to])
			from = to
		}
		return sample
	}
}

// jackknife is the statistic without each run of all tasks that have it and another.
func (s Scores) jackknife(stat Statistic) []float64 {
	most := 0
	for _, runs := range s.byTask {
		most = max(most, len(runs))
	}
	without := make([]float64, most)
	for i := range without {
		rest := make([][]float64, len(s.byTask))
		for t, runs := range s.byTask {
			rest[t] = slices.Clone(runs)
			if i < len(runs) && len(runs) > 1 {
				rest[t] = slices.Delete(rest[t], i, i+1)
			}
		}
		without[i] = stat.of(rest)
	}
	return without
}

// taskMeans is the mean of each task.
func taskMeans(byTask [][]float64) []float64 {
	means := make([]float64, len(byTask))
	for t, runs := range byTask {
		means[t] = stat.Mean(runs, nil)
	}
	return means
}
