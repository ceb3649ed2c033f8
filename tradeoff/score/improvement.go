package score

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// ProbabilityOfImprovement is the probability that a run of x has a larger score than a run of y on a task picked at
// random, ties counting half (Agarwal et al. 2021): the mean of the Mann-Whitney statistics of the tasks. The interval
// is that of [Scores.Interval]; runs of x and y are drawn independently, tasks, if at all, together. The error wraps
// [tensor.ErrShape] if the tasks differ.
func ProbabilityOfImprovement(x, y Scores, opts ...SampleOption) (stats.Estimate, error) {
	c, err := configure("ProbabilityOfImprovement", opts)
	switch {
	case err != nil:
		return stats.Estimate{}, err
	case len(x.byTask) == 0 || len(y.byTask) == 0:
		return stats.Estimate{}, c.errorf("the scores have no tasks: %w", tensor.ErrEmpty)
	case !slices.Equal(x.tasks, y.tasks):
		return stats.Estimate{}, c.errorf("tasks %q and %q: want the same in the same order: %w", x.tasks, y.tasks,
			tensor.ErrShape)
	}
	w := allWins(x.byTask, y.byTask)
	settings, err := stats.Read(c.interval...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	replicates, err := w.replicates(c.tasks, settings.Resampling())
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	var without [][]float64
	if settings.Interval == stats.BCa {
		against := func(byTask [][]float64) float64 { return allWins(byTask, y.byTask).improvement() }
		over := func(byTask [][]float64) float64 { return allWins(x.byTask, byTask).improvement() }
		without = [][]float64{x.jackknife(NewStatistic("", against)), y.jackknife(NewStatistic("", over))}
	}
	n := min(x.runs, y.runs)
	e, err := stats.FromReplicates(w.improvement(), replicates, max(2, n), without, c.interval...)
	if err != nil {
		return stats.Estimate{}, c.errorf("%w", err)
	}
	e.N, e.Warnings = n, x.warnings(e.Interval)
	if y.runs < x.runs {
		e.Warnings = y.warnings(e.Interval)
	}
	return e, nil
}

// tasksWon is the wins of all tasks.
type tasksWon []wins

// replicates draws runs of both within each task and, if wanted, tasks: a task that is drawn twice has runs of its own
// each time.
func (w tasksWon) replicates(tasks bool, drawing stats.ResampleOption) ([]float64, error) {
	most := 0
	var sizes []int
	for _, t := range w {
		most = max(most, t.nx, t.ny)
		sizes = append(sizes, t.nx, t.ny)
	}
	if !tasks {
		b, err := stats.ResampleCounts(context.Background(), stats.Samples(sizes...), 1, func() func([]int32, []float64) {
			return func(counts []int32, out []float64) {
				out[0] = 0
				for t := range w {
					nx, ny := counts[:w[t].nx], counts[w[t].nx:w[t].nx+w[t].ny]
					out[0] += w[t].weighted(nx, ny) / float64(len(w))
					counts = counts[len(nx)+len(ny):]
				}
			}
		}, drawing)
		if err != nil {
			return nil, err
		}
		return b.Replicates[0], nil
	}
	r, err := stats.Replicate(context.Background(), 1, func() func(int, *rand.Rand, []float64) {
		cx, cy := make([]int32, most), make([]int32, most)
		return func(_ int, rng *rand.Rand, out []float64) {
			out[0] = 0
			for range w {
				task := &w[rng.IntN(len(w))]
				nx, ny := cx[:task.nx], cy[:task.ny]
				clear(nx)
				clear(ny)
				stats.CountDraws(nx, rng)
				stats.CountDraws(ny, rng)
				out[0] += task.weighted(nx, ny) / float64(len(w))
			}
		}
	}, drawing)
	if err != nil {
		return nil, err
	}
	return r[0], nil
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

func allWins(x, y [][]float64) tasksWon {
	w := make(tasksWon, len(x))
	for t := range w {
		w[t] = newWins(x[t], y[t])
	}
	return w
}

func (w tasksWon) improvement() float64 {
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
