package curves

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// The kinds of runs that a curve consists of: a run of its own for each point, and one for all of them.
const (
	Separate = "separate"
	OneRun   = "cyclic"
)

// Kinds is both.
var Kinds = []string{Separate, OneRun}

// Result is both curves of a recipe and a seed, over steps, by kind.
type Result struct {
	Recipe         string
	Seed           uint64
	Accuracy, Loss map[string]tradeoff.Curve // in %, and the mean negative log-likelihood
}

// Study trains every recipe with every seed once cyclically and once for each length, on all processors.
func Study(how Training, seeds []uint64, recipes []Recipe, report func(done, total int)) ([]Result, error) {
	lengths := how.Schedule().Ends(how.Schedule().TotalFor(cycles))
	type job struct {
		r    Recipe
		seed uint64
		d    Data
		at   int // the result
		end  int // steps; 0 for the cyclic run

		steps              []int // of the evaluations
		accuracies, losses []float64
		curves             [2]tradeoff.Curve // of the cyclic run
		err                error
	}
	var jobs []*job
	var results []Result
	for _, seed := range seeds {
		d, err := Load(how, seed)
		if err != nil {
			return nil, err
		}
		for _, r := range recipes {
			for _, end := range append([]int{0}, lengths...) {
				jobs = append(jobs, &job{r: r, seed: seed, d: d, at: len(results), end: end})
			}
			results = append(results, Result{r.Name, seed, map[string]tradeoff.Curve{}, map[string]tradeoff.Curve{}})
		}
	}
	done, end := progress.Start(len(jobs), report)
	tensor.Parallel(len(jobs), 1, func(lo, hi int) {
		for _, j := range jobs[lo:hi] {
			if j.end == 0 {
				j.curves, j.err = j.r.Single(j.d, how.Schedule(), j.seed)
			} else {
				j.err = j.r.run(j.d, j.seed, how.standard(j.end), j.end, func(step int) bool { return step == j.end-1 },
					func(step int, accuracy, loss float64) error {
						j.steps, j.accuracies, j.losses = append(j.steps, step+1), append(j.accuracies, accuracy), append(j.losses, loss)
						return nil
					})
			}
			done()
		}
	})
	end()
	points := make([]struct{ steps, accuracy, loss []float64 }, len(results))
	var faults []error
	for _, j := range jobs {
		if j.err != nil {
			faults = append(faults, fmt.Errorf("%s, seed %d: %w", j.r.Name, j.seed, j.err))
			continue
		}
		if j.end == 0 {
			results[j.at].Accuracy[OneRun], results[j.at].Loss[OneRun] = j.curves[0], j.curves[1]
			continue
		}
		p := &points[j.at]
		p.steps, p.accuracy, p.loss = append(p.steps, float64(j.steps[0])), append(p.accuracy, j.accuracies[0]),
			append(p.loss, j.losses[0])
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for i, p := range points {
		var err [2]error
		results[i].Accuracy[Separate], err[0] = tradeoff.NewCurve(p.steps, p.accuracy, tradeoff.HigherBetter)
		results[i].Loss[Separate], err[1] = tradeoff.NewCurve(p.steps, p.loss, tradeoff.LowerBetter)
		if err := errors.Join(err[:]...); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// Single is the curves of accuracy and loss that recorders read off one run whose learning rate is cyclic.
func (r Recipe) Single(d Data, lr schedule.Cyclic, seed uint64) (curves [2]tradeoff.Curve, err error) {
	accuracy, err := tradeoff.NewRecorder(lr, tradeoff.HigherBetter)
	if err != nil {
		return curves, err
	}
	loss, err := tradeoff.NewRecorder(lr, tradeoff.LowerBetter)
	if err != nil {
		return curves, err
	}
	err = r.run(d, seed, lr, lr.TotalFor(cycles), lr.IsCycleEnd, func(step int, a, l float64) error {
		return errors.Join(accuracy.Observe(step, float64(step+1), a), loss.Observe(step, float64(step+1), l))
	})
	if err != nil {
		return curves, err
	}
	if curves[0], err = accuracy.Curve(); err == nil {
		curves[1], err = loss.Curve()
	}
	return curves, err
}

// Means is the curve of means over seeds for each recipe.
func Means(results []Result, kind string, curve func(Result) map[string]tradeoff.Curve) (map[string]tradeoff.Curve,
	error) {
	type sums struct {
		cost, quality []float64
		n             int
		dir           tradeoff.Direction
	}
	all := map[string]*sums{}
	for _, r := range results {
		c := curve(r)[kind]
		s := all[r.Recipe]
		if s == nil {
			s = &sums{cost: make([]float64, c.Len()), quality: make([]float64, c.Len()), dir: c.Direction()}
			all[r.Recipe] = s
		}
		for i, p := range c.Points() {
			s.cost[i] = p.Cost
			s.quality[i] += p.Quality
		}
		s.n++
	}
	curves := map[string]tradeoff.Curve{}
	for name, s := range all {
		for i := range s.quality {
			s.quality[i] /= float64(s.n)
		}
		var err error
		if curves[name], err = tradeoff.NewCurve(s.cost, s.quality, s.dir); err != nil {
			return nil, err
		}
	}
	return curves, nil
}
