package pareto

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Attainment returns, for each level in (0, 1], the curve that at least that share of the runs attain: at each cost the
// best quality that ceil(level*N) runs have reached (the empirical attainment function of Grunert da Fonseca et al.
// 2001). Level 0.5 is the median run, and 0.25 and 0.75 are the ends of a band around it; these three are the default.
// No grid of costs is needed: a curve has the points at which it improves, and is read with [tradeoff.FirstHit]. Runs
// of unequal length count with their best to the end. The error is that of [tradeoff.NewRuns], or wraps
// [tensor.ErrRange] for a level.
func Attainment(r tradeoff.Runs, levels ...float64) ([]tradeoff.Curve, error) {
	if _, err := tradeoff.NewRuns(r.Name, r.Curves...); err != nil {
		return nil, fmt.Errorf("pareto: Attainment: %w", err)
	}
	if len(levels) == 0 {
		levels = []float64{0.25, 0.5, 0.75}
	}
	ranks := make([]int, len(levels))
	for i, level := range levels {
		if !(level > 0 && level <= 1) {
			return nil, fmt.Errorf("pareto: Attainment: level %d is %v, want a value in (0, 1]: %w", i, level, tensor.ErrRange)
		}
		ranks[i] = attaining(level, len(r.Curves))
	}
	return attained(r, ranks)
}

// attaining is the number of runs that a level asks for.
func attaining(level float64, n int) int {
	return max(1, int(math.Ceil(level*float64(n)-1e-9))) // 0.1*30 is above 3
}

// attained is, for each rank, the best points that so many runs attain.
func attained(r tradeoff.Runs, ranks []int) ([]tradeoff.Curve, error) {
	lines := make([]line, len(ranks))
	sweep(r, func(cost float64, best []float64, byQuality []int) {
		for i, rank := range ranks {
			if rank > len(byQuality) {
				continue
			}
			if q := best[byQuality[rank-1]]; lines[i].rises(q, r.Direction()) {
				lines[i].add(cost, q)
			}
		}
	})
	curves := make([]tradeoff.Curve, len(ranks))
	for i := range lines {
		var err error
		if curves[i], err = lines[i].curve(r.Direction()); err != nil {
			return nil, fmt.Errorf("pareto: Attainment: %d of %d runs of %q: %w", ranks[i], len(r.Curves), r.Name, err)
		}
	}
	return curves, nil
}

// line is the points of a curve by increasing cost.
type line struct{ cost, quality []float64 }

func (l *line) add(cost, quality float64) {
	l.cost, l.quality = append(l.cost, cost), append(l.quality, quality)
}

// rises reports whether a quality is better than the last.
func (l *line) rises(quality float64, dir tradeoff.Direction) bool {
	n := len(l.quality)
	return n == 0 || dir.Better(quality, l.quality[n-1])
}

func (l *line) curve(dir tradeoff.Direction) (tradeoff.Curve, error) {
	return tradeoff.NewCurve(l.cost, l.quality, dir)
}

// sweep visits the costs at which runs improve, in their order: best is the best quality so far by run, and byQuality
// the runs that have one, the best first. f may keep neither.
func sweep(r tradeoff.Runs, f func(cost float64, best []float64, byQuality []int)) {
	type event struct {
		tradeoff.Point
		run int
	}
	var events []event
	for run, c := range r.Curves {
		for _, p := range c.Rises() {
			events = append(events, event{p, run})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.Cost, b.Cost) })
	dir, best, byQuality := r.Direction(), make([]float64, len(r.Curves)), make([]int, 0, len(r.Curves))
	for i, e := range events {
		best[e.run] = e.Quality
		at := slices.Index(byQuality, e.run)
		if at < 0 {
			at = len(byQuality)
			byQuality = append(byQuality, e.run)
		}
		for ; at > 0 && dir.Better(e.Quality, best[byQuality[at-1]]); at-- { // it has only risen
			byQuality[at], byQuality[at-1] = byQuality[at-1], byQuality[at]
		}
		if i+1 == len(events) || events[i+1].Cost != e.Cost {
			f(e.Cost, best, byQuality)
		}
	}
}

// Band is a region that holds a curve.
type Band struct {
	Lower, Upper tradeoff.Curve // of qualities: the worse and the better end, over the same costs
	Level        float64
}

// MedianBand is the median attainment of the runs with a band that holds the whole median curve at the level at once,
// not only each of its points: qualities are drawn apart by the same number of standard deviations everywhere, which
// bootstrap over runs determines. It is taken at the costs of the median curve. Bootstrap draws 2000 replicates
// unless [WithResampling] says otherwise. The error wraps [tradeoff.ErrTooFewRuns] for fewer than 5 runs, of which
// bootstrap cannot make a band that keeps its level.
func MedianBand(r tradeoff.Runs, opts ...BandOption) (median tradeoff.Curve, band Band, err error) {
	c, err := configure("MedianBand", opts)
	if err == nil {
		_, err = tradeoff.NewRuns(r.Name, r.Curves...)
	}
	if err != nil {
		return tradeoff.Curve{}, Band{}, err
	}
	n := len(r.Curves)
	if n < 5 {
		return tradeoff.Curve{}, Band{}, c.errorf("%d runs, want 5 or more: %w", n, tradeoff.ErrTooFewRuns)
	}
	l := attaining(0.5, n)
	// A replicate's median is the quality of one of the runs, so that it takes the order of the runs at each cost and
	// no curve of its own.
	var middle line
	type ranking struct {
		run     int
		quality float64
	}
	var ranked [][]ranking // by point of the median: the runs, the best first
	sweep(r, func(cost float64, best []float64, byQuality []int) {
		if len(byQuality) < l {
			return
		}
		q := best[byQuality[l-1]]
		if !middle.rises(q, r.Direction()) {
			return
		}
		middle.add(cost, q)
		row := make([]ranking, len(byQuality))
		for rank, run := range byQuality {
			row[rank] = ranking{run, best[run]}
		}
		ranked = append(ranked, row)
	})
	k := len(middle.cost)
	replicates, err := stats.Replicate(context.Background(), k, func() func(int, *rand.Rand, []float64) {
		counts := make([]int, n)
		return func(_ int, rng *rand.Rand, out []float64) {
			clear(counts)
			for range n {
				counts[rng.IntN(n)]++
			}
			for i, row := range ranked {
				out[i] = math.NaN() // not yet attained
				have := 0
				for _, r := range row {
					if have += counts[r.run]; have >= l {
						out[i] = r.quality
						break
					}
				}
			}
		}
	}, append([]stats.ResampleOption{stats.WithReplicates(2000)}, c.resampling...)...)
	if err != nil {
		return tradeoff.Curve{}, Band{}, c.errorf("%w", err)
	}
	spread := make([]float64, k)
	for i, x := range replicates {
		known := slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v != v })
		if len(known) > 1 {
			spread[i] = stat.StdDev(known, nil)
		}
	}
	most := make([]float64, len(replicates[0]))
	for b := range most {
		for i, q := range middle.quality {
			if v := replicates[i][b]; v == v && spread[i] > 0 {
				most[b] = max(most[b], math.Abs(v-q)/spread[i])
			}
		}
	}
	q, err := stats.Quantiles(most, c.level)
	if err != nil {
		return tradeoff.Curve{}, Band{}, c.errorf("%w", err)
	}
	dir := r.Direction()
	var lower, upper line
	for i, quality := range middle.quality {
		half := dir.Sign() * q[0] * spread[i]
		lower.add(middle.cost[i], quality-half)
		upper.add(middle.cost[i], quality+half)
	}
	band.Level = c.level
	var faults [3]error
	median, faults[0] = middle.curve(dir)
	band.Lower, faults[1] = lower.curve(dir)
	band.Upper, faults[2] = upper.curve(dir)
	if err := errors.Join(faults[:]...); err != nil {
		return tradeoff.Curve{}, Band{}, c.errorf("%w", err)
	}
	return median, band, nil
}
