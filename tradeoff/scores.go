package tradeoff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Scores is the normalised scores of a method, the larger the better: runs of tasks, for the aggregate statistics of
// Agarwal et al. 2021. Tasks may have different numbers of runs. It is immutable.
type Scores struct {
	tasks  []string
	byTask [][]float64
	runs   int // the smallest number

	// All scores in order, with their tasks, weights in the mean of task means, and where each task's runs stand.
	values  []float64
	task    []int
	weights []float64
	ranks   [][]int32
}

// NewScores makes Scores of byTask[t], the runs of task t; it copies them. The error wraps [tensor.ErrEmpty] if there
// are no tasks or one has no runs, [tensor.ErrShape] if the lengths differ, [ErrConflict] if two tasks have one name
// and [tensor.ErrNotFinite] for the first score that is not finite.
func NewScores(tasks []string, byTask [][]float64) (Scores, error) {
	if len(tasks) != len(byTask) {
		return Scores{}, fmt.Errorf("tradeoff: NewScores: %d names and runs of %d tasks: %w", len(tasks), len(byTask), tensor.ErrShape)
	}
	if len(tasks) == 0 {
		return Scores{}, fmt.Errorf("tradeoff: NewScores: no tasks: %w", tensor.ErrEmpty)
	}
	s := Scores{tasks: slices.Clone(tasks), runs: len(byTask[0])}
	type cell struct{ task, run int }
	var cells []cell
	for t, runs := range byTask {
		if slices.Contains(tasks[:t], tasks[t]) {
			return Scores{}, fmt.Errorf("tradeoff: NewScores: task %q is there twice: %w", tasks[t], ErrConflict)
		}
		if len(runs) == 0 {
			return Scores{}, fmt.Errorf("tradeoff: NewScores: task %q has no runs: %w", tasks[t], tensor.ErrEmpty)
		}
		for i, v := range runs {
			if v-v != 0 {
				return Scores{}, fmt.Errorf("tradeoff: NewScores: task %q, run %d: score %v: %w", tasks[t], i, v, tensor.ErrNotFinite)
			}
			cells = append(cells, cell{t, i})
		}
		s.byTask = append(s.byTask, slices.Clone(runs))
		s.ranks = append(s.ranks, make([]int32, len(runs)))
		s.runs = min(s.runs, len(runs))
	}
	slices.SortStableFunc(cells, func(a, b cell) int {
		if x, y := byTask[a.task][a.run], byTask[b.task][b.run]; x != y {
			return order(x, y)
		}
		return 0
	})
	for rank, c := range cells {
		s.values = append(s.values, byTask[c.task][c.run])
		s.task = append(s.task, c.task)
		s.weights = append(s.weights, 1/float64(len(tasks)*len(byTask[c.task])))
		s.ranks[c.task][c.run] = int32(rank)
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

// WithTasks has [Scores.Interval] and [ProbabilityOfImprovement] draw tasks too: the interval is then for tasks like
// these and not for just these.
func WithTasks() Option {
	return func(c *config) error {
		c.given = append(c.given, "WithTasks")
		c.tasks = true
		return nil
	}
}

// Interval is a statistic of the scores with a bootstrap interval: runs are drawn with replacement within each task
// (stratified). It takes WithTasks, WithMethod(Percentile, Basic, BC or BCa) and the other options of the bootstrap; by
// default intervals are percentiles. BCa leaves out one run of all tasks at a time.
func (s Scores) Interval(stat Statistic, opts ...Option) (Estimate, error) {
	c, err := configure("Interval", opts, append([]string{"WithTasks"}, bootstrapOptions...)...)
	switch {
	case err != nil:
		return Estimate{}, err
	case len(s.byTask) == 0:
		return Estimate{}, c.errorf("the scores have no tasks: %w", tensor.ErrEmpty)
	case stat.of == nil:
		return Estimate{}, c.errorf("no statistic: %w", tensor.ErrEmpty)
	}
	e := Estimate{Value: stat.of(s.byTask), Level: c.level, Method: c.method, N: s.runs}
	if e.Value != e.Value {
		return Estimate{}, c.errorf("the %v of the scores is NaN: %w", stat, tensor.ErrNotFinite)
	}
	if e.Method == Auto {
		e.Method = Percentile
	}
	var influence [][]float64
	if e.Method == BCa {
		influence = [][]float64{influences(s.jackknife(stat))}
	}
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, s.replicates(&c, stat), influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	e.Warnings = s.warnings(e.Method)
	return e, nil
}

// fewPerTask is the number of runs of each of several tasks from which stratified intervals come near their level.
// Drawing n runs with replacement has 1-1/n of the variance of n other runs, however many tasks there are.
const fewPerTask = 5

func (s Scores) warnings(m Method) []error {
	constant := s.values[0] == s.values[len(s.values)-1]
	if len(s.tasks) == 1 || s.runs < 2 {
		return warnings(m, s.runs, constant)
	}
	w := warnings(Auto, max(s.runs, 3), constant)
	if s.runs < fewPerTask {
		narrow := 100 * (1 - math.Sqrt(1-1/float64(s.runs)))
		w = append(w, fmt.Errorf("intervals of %d runs of a task are up to %.0f%% too narrow; run %d: %w", s.runs, narrow, fewPerTask, ErrTooFewRuns))
	}
	return w
}

// replicates of a statistic, by counts of the sorted scores where it can: then a replicate needs no sorting.
func (s Scores) replicates(c *config, stat Statistic) []float64 {
	if stat.counted == nil || c.tasks {
		return s.drawn(c, func(byTask [][]float64) float64 { return stat.of(byTask) })
	}
	return c.bootstrap(1, func() func(int, *rand.Rand, []float64) {
		counts := make([]int32, len(s.values))
		scratch := make([]float64, len(s.tasks))
		drawn := s.sized()
		return func(b int, rng *rand.Rand, out []float64) {
			clear(counts)
			if c.draws != nil {
				c.draws(b, drawn)
				for t, runs := range drawn {
					for _, i := range runs {
						counts[s.ranks[t][i]]++
					}
				}
			} else {
				for _, ranks := range s.ranks {
					count(counts, ranks, rng)
				}
			}
			out[0] = stat.counted(&s, counts, scratch)
		}
	})[0]
}

// count draws as many ranks as there are and counts them. Two draws share 64 random bits.
func count(counts, ranks []int32, rng *rand.Rand) {
	n := uint64(len(ranks))
	for i := 0; i < len(ranks); i += 2 {
		bits := rng.Uint64()
		counts[ranks[bits>>32*n>>32]]++
		if i+1 < len(ranks) {
			counts[ranks[bits&(1<<32-1)*n>>32]]++
		}
	}
}

// sized has room for the indices of a draw.
func (s Scores) sized() [][]int {
	drawn := make([][]int, len(s.byTask))
	for t, runs := range s.byTask {
		drawn[t] = make([]int, len(runs))
	}
	return drawn
}

// drawn bootstraps any statistic of scores, which may reorder them, with tasks drawn too if wanted.
func (s Scores) drawn(c *config, stat func(byTask [][]float64) float64) []float64 {
	return c.bootstrap(1, func() func(int, *rand.Rand, []float64) {
		room, sample := make([][]float64, len(s.byTask)), make([][]float64, len(s.byTask))
		for t := range room {
			room[t] = make([]float64, 0, len(s.byTask[t]))
		}
		drawn := s.sized()
		return func(b int, rng *rand.Rand, out []float64) {
			if c.draws != nil && !c.tasks {
				c.draws(b, drawn)
			}
			for t := range sample {
				from := s.byTask[t]
				if c.tasks {
					k := rng.IntN(len(s.byTask))
					if c.drawTask != nil {
						k = c.drawTask(b, t)
					}
					from = s.byTask[k]
				}
				y := room[t][:0]
				for i := range from {
					k := rng.IntN(len(from))
					switch {
					case c.drawRun != nil:
						k = c.drawRun(b, t, i)
					case c.draws != nil && !c.tasks:
						k = drawn[t][i]
					}
					y = append(y, from[k])
				}
				room[t], sample[t] = y, y
			}
			out[0] = stat(sample)
		}
	})[0]
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
		means[t], _ = moments(runs)
	}
	return means
}
