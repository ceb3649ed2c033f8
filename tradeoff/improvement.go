package tradeoff

import (
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// ProbabilityOfImprovement is the probability that a run of x has a larger score than a run of y on a task picked at
// random, ties counting half (Agarwal et al. 2021): the mean of the Mann-Whitney statistics of the tasks. The interval
// is that of [Scores.Interval]; runs of x and y are drawn independently, tasks, if at all, together. The error wraps
// [tensor.ErrShape] if the tasks differ.
func ProbabilityOfImprovement(x, y Scores, opts ...Option) (Estimate, error) {
	c, err := configure("ProbabilityOfImprovement", opts, append([]string{"WithTasks"}, bootstrapOptions...)...)
	switch {
	case err != nil:
		return Estimate{}, err
	case len(x.byTask) == 0 || len(y.byTask) == 0:
		return Estimate{}, c.errorf("the scores have no tasks: %w", tensor.ErrEmpty)
	case !slices.Equal(x.tasks, y.tasks):
		return Estimate{}, c.errorf("tasks %q and %q: want the same in the same order: %w", x.tasks, y.tasks, tensor.ErrShape)
	}
	w := allWins(x.byTask, y.byTask)
	e := Estimate{Level: c.level, Method: c.method, N: min(x.runs, y.runs)}
	if e.Method == Auto {
		e.Method = Percentile
	}
	e.Value = improvement(w)
	var influence [][]float64
	if e.Method == BCa {
		influence = [][]float64{
			influences(x.jackknife(NewStatistic("", func(byTask [][]float64) float64 { return improvement(allWins(byTask, y.byTask)) }))),
			influences(y.jackknife(NewStatistic("", func(byTask [][]float64) float64 { return improvement(allWins(x.byTask, byTask)) }))),
		}
	}
	replicates := c.bootstrap(1, func() func(int, *rand.Rand, []float64) {
		most := 0
		for _, t := range w {
			most = max(most, t.nx, t.ny)
		}
		cx, cy, each := make([]int32, most), make([]int32, most), make([]int32, most)
		for i := range each {
			each[i] = int32(i)
		}
		return func(b int, rng *rand.Rand, out []float64) {
			out[0] = 0
			for t := range w {
				k := t
				if c.tasks {
					k = rng.IntN(len(w))
				}
				task := &w[k]
				nx, ny := cx[:task.nx], cy[:task.ny]
				clear(nx)
				clear(ny)
				if c.drawPair != nil {
					c.drawPair(b, t, nx, ny)
				} else {
					count(nx, each[:task.nx], rng)
					count(ny, each[:task.ny], rng)
				}
				out[0] += task.weighted(nx, ny) / float64(len(w))
			}
		}
	})[0]
	if e.Lo, e.Hi, err = c.fromReplicates(e.Method, e.Value, replicates, influence); err != nil {
		return Estimate{}, c.errorf("%w", err)
	}
	e.Warnings = x.warnings(e.Method)
	if y.runs < x.runs {
		e.Warnings = y.warnings(e.Method)
	}
	return e, nil
}

// wins is who wins each pair of runs of a task: 2 for x, 1 for a tie, 0 for y.
type wins struct {
	nx, ny int
	points []uint8 // [nx][ny]
}

func newWins(x, y []float64) wins {
	w := wins{len(x), len(y), make([]uint8, len(x)*len(y))}
	for i, a := range x {
		for j, b := range y {
			switch {
			case a > b:
				w.points[i*len(y)+j] = 2
			case a == b:
				w.points[i*len(y)+j] = 1
			}
		}
	}
	return w
}

func allWins(x, y [][]float64) []wins {
	w := make([]wins, len(x))
	for t := range w {
		w[t] = newWins(x[t], y[t])
	}
	return w
}

func improvement(w []wins) float64 {
	p := 0.0
	for _, t := range w {
		total := 0
		for _, v := range t.points {
			total += int(v)
		}
		p += float64(total) / float64(2*t.nx*t.ny*len(w))
	}
	return p
}

// weighted is the share of wins in a sample that has so many of each run.
func (w *wins) weighted(nx, ny []int32) float64 {
	total := 0
	for i, n := range nx {
		if n == 0 {
			continue
		}
		row := int32(0)
		for j, v := range w.points[i*w.ny:][:w.ny] {
			row += ny[j] * int32(v)
		}
		total += int(n) * int(row)
	}
	return float64(total) / float64(2*w.nx*w.ny)
}
