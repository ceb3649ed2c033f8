package tradeoff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Attainment returns, for each level in (0, 1], the curve that at least that share of the runs attain: at each cost the best quality that ceil(level*N)
// runs have reached (the empirical attainment function of Grunert da Fonseca et al. 2001). Level 0.5 is the median run, and 0.25 and 0.75 are the ends of a
// band around it; no grid of costs is needed. A level that too few runs attain at any cost is an empty curve. The error
// wraps [tensor.ErrRange] for a level or [tensor.ErrEmpty].
func Attainment(r Runs, levels ...float64) ([]Curve, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	curves := make([]Curve, len(levels))
	for i, level := range levels {
		if !(level > 0 && level <= 1) {
			return nil, fmt.Errorf("tradeoff: Attainment: level %d is %v, want a value in (0, 1]: %w", i, level, tensor.ErrRange)
		}
		curves[i] = attainedBy(r.Curves, attaining(level, len(r.Curves)))
	}
	return curves, nil
}

// attaining is the number of runs that a level asks for.
func attaining(level float64, n int) int {
	return max(1, int(math.Ceil(level*float64(n)-1e-9))) // 0.1*30 is above 3
}

// attainedBy is the best points that l curves or more attain.
func attainedBy(curves []Curve, l int) Curve {
	dir := curves[0].direction
	type event struct {
		Point
		curve int
	}
	var events []event
	for k, c := range curves {
		for _, p := range c.rises() {
			events = append(events, event{p, k})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		if a.Cost == b.Cost {
			return 0
		}
		return order(a.Cost, b.Cost)
	})
	worst := -dir.sign() * math.Inf(1)
	best := slices.Repeat([]float64{worst}, len(curves))
	sorted := make([]float64, len(curves))
	result := Curve{direction: dir}
	last := worst
	for i := 0; i < len(events); {
		cost := events[i].Cost
		for ; i < len(events) && events[i].Cost == cost; i++ {
			best[events[i].curve] = events[i].Quality
		}
		copy(sorted, best)
		slices.Sort(sorted)
		q := sorted[len(sorted)-l] // the l-th largest
		if dir == LowerBetter {
			q = sorted[l-1]
		}
		if dir.Better(q, last) {
			result.points = append(result.points, Point{cost, q})
			last = q
		}
	}
	return result
}

// Band is a region that holds a curve.
type Band struct {
	Lower, Upper Curve // of qualities: the worse and the better end, over the same costs
	Level        float64
}

// MedianBand is the median attainment of the runs with a band that holds the whole median curve at the level at once, not only each of its points: qualities are drawn
// apart by the same number of standard deviations everywhere, which bootstrap over runs determines. It is taken at the costs of the median curve. It takes WithLevel,
// WithReplicates (default here 2000), WithSeed and WithWorkers. The error wraps [ErrTooFewRuns] for fewer than 5 runs, of which
// bootstrap cannot make a band that keeps its level.
func MedianBand(r Runs, opts ...Option) (median Curve, band Band, err error) {
	c, err := configure("MedianBand", append([]Option{withDefaultReplicates(2000)}, opts...), "WithLevel", "WithReplicates", "WithSeed", "WithWorkers")
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return Curve{}, Band{}, err
	}
	n := len(r.Curves)
	if n < 5 {
		return Curve{}, Band{}, c.errorf("%d runs, want 5 or more: %w", n, ErrTooFewRuns)
	}
	l := attaining(0.5, n)
	median = attainedBy(r.Curves, l)
	k := median.Len()
	if k == 0 {
		return Curve{}, Band{}, c.errorf("no quality is attained by half of the runs: %w", ErrNoOverlap)
	}
	replicates := c.bootstrap(k, func() func(int, *rand.Rand, []float64) {
		drawn := make([]Curve, n)
		return func(_ int, rng *rand.Rand, out []float64) {
			for i := range drawn {
				drawn[i] = r.Curves[rng.IntN(n)]
			}
			m := attainedBy(drawn, l)
			for i, p := range median.points {
				if q, ok := m.QualityAt(p.Cost, FirstHit); ok {
					out[i] = q
				} else {
					out[i] = math.NaN() // not yet attained
				}
			}
		}
	})
	spread := make([]float64, k)
	for i, x := range replicates {
		known := slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v != v })
		if len(known) > 1 {
			_, variance := moments(known)
			spread[i] = math.Sqrt(variance)
		}
	}
	most := make([]float64, c.replicates)
	for b := range most {
		for i, p := range median.points {
			if v := replicates[i][b]; v == v && spread[i] > 0 {
				most[b] = max(most[b], math.Abs(v-p.Quality)/spread[i])
			}
		}
	}
	slices.Sort(most)
	factor := quantile(most, c.level)
	dir := median.direction
	band = Band{Lower: Curve{direction: dir}, Upper: Curve{direction: dir}, Level: c.level}
	for i, p := range median.points {
		half := dir.sign() * factor * spread[i]
		band.Lower.points = append(band.Lower.points, Point{p.Cost, p.Quality - half})
		band.Upper.points = append(band.Upper.points, Point{p.Cost, p.Quality + half})
	}
	return median, band, nil
}

// withDefaultReplicates changes the default.
func withDefaultReplicates(n int) Option {
	return func(c *config) error {
		c.replicates = n
		return nil
	}
}
