package pareto

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Measured is the runs of a method at one point: cost and quality of each run.
type Measured struct {
	Name    string    `json:"name"`
	Cost    []float64 `json:"cost"`
	Quality []float64 `json:"quality"`
	Failed  int       `json:"failed,omitempty"` // how many of them failed; [Standing] warns of it
}

// Measure makes the points of methods: of each run its best quality and the cost that reached it. A run that failed
// counts with the cost that it had spent and with the worst quality that any run of any method had, and is not dropped.
// The error is that of [tradeoff.NewRuns], or wraps [tensor.ErrEmpty] without methods.
func Measure(methods ...tradeoff.Runs) ([]Measured, error) {
	if len(methods) == 0 {
		return nil, fmt.Errorf("pareto: Measure: no methods: %w", tensor.ErrEmpty)
	}
	dir, worst := methods[0].Direction(), math.NaN()
	for _, r := range methods {
		if _, err := tradeoff.NewRuns(r.Name, r.Curves...); err != nil {
			return nil, fmt.Errorf("pareto: Measure: %w", err)
		}
		if r.Direction() != dir {
			return nil, fmt.Errorf("pareto: Measure: the quality of %q is better when %v, that of %q when %v: %w", r.Name,
				r.Direction(), methods[0].Name, dir, tensor.ErrShape)
		}
		for _, c := range r.Curves {
			for _, p := range c.Points() {
				if worst != worst || dir.Better(worst, p.Quality) {
					worst = p.Quality
				}
			}
		}
	}
	measured := make([]Measured, len(methods))
	for i, r := range methods {
		m := Measured{Name: r.Name, Failed: r.Failed()}
		for _, c := range r.Curves {
			p := c.Best()
			if c.Failed() {
				p = tradeoff.Point{Cost: c.Spent(), Quality: worst}
			}
			m.Cost, m.Quality = append(m.Cost, p.Cost), append(m.Quality, p.Quality)
		}
		measured[i] = m
	}
	return measured, nil
}

// Verdict is where a method lies relative to the others, given the spread of its runs.
type Verdict uint8

// The verdicts.
const (
	OnFrontier Verdict = iota // no other method has a mean that dominates its mean
	Ambiguous                 // another has, but the runs do not confirm it
	Dominated                 // another dominates it at the level, corrected for the number of methods
)

var verdicts = enum.Of[Verdict]("verdict", "frontier", "ambiguous", "dominated")

// String is the name used in reports.
func (v Verdict) String() string { return verdicts.String(v) }

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return verdicts.Marshal(v) }

// UnmarshalText reads a name.
func (v *Verdict) UnmarshalText(text []byte) error { return verdicts.Unmarshal(v, text) }

// Standing is a method with its verdict.
type Standing struct {
	Name          string
	Cost, Quality float64   // means
	Optimal       float64   // share of the replicates in which no method dominates it
	DominatedBy   []float64 // share of the replicates in which each method dominates it, in the order of the methods
	Verdict       Verdict
	Warnings      []error // [stats.ErrTooFew] for fewer runs than quantiles of the bootstrap need
}

type standingJSON struct {
	Name        string    `json:"name"`
	Cost        float64   `json:"cost"`
	Quality     float64   `json:"quality"`
	Optimal     float64   `json:"optimal"`
	DominatedBy []float64 `json:"dominated_by"`
	Verdict     Verdict   `json:"verdict"`
	Warnings    []string  `json:"warnings,omitempty"`
}

// MarshalJSON writes warnings as texts.
func (s Standing) MarshalJSON() ([]byte, error) {
	return json.Marshal(standingJSON{s.Name, s.Cost, s.Quality, s.Optimal, s.DominatedBy, s.Verdict,
		report.Texts(s.Warnings)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Standing) UnmarshalJSON(b []byte) error {
	var j standingJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Standing{j.Name, j.Cost, j.Quality, j.Optimal, j.DominatedBy, j.Verdict, report.Warnings(j.Warnings,
		stats.ErrTooFew, tradeoff.ErrFailed)}
	return nil
}

// Verdicts tells which methods lie on the frontier of cost and quality, and which are dominated beyond the chance
// of their runs. The runs of each method are drawn with replacement, cost and quality of a run together; a method is
// dominated if another one dominates its mean in at least 1 - alpha/(k-1) of the replicates, alpha being 1 less the
// level, and at most ambiguous if either has a single run. The error wraps [tensor.ErrEmpty], [tensor.ErrShape],
// [tensor.ErrRange] or [tensor.ErrNotFinite].
func Verdicts(methods []Measured, dir tradeoff.Direction, opts ...BandOption) ([]Standing, error) {
	c, err := configure("Verdicts", opts)
	if err != nil {
		return nil, err
	}
	if len(methods) == 0 {
		return nil, c.errorf("no methods: %w", tensor.ErrEmpty)
	}
	if dir > tradeoff.LowerBetter {
		return nil, c.errorf("direction is %v: %w", dir, tensor.ErrRange)
	}
	k := len(methods)
	sizes, standings := make([]int, k), make([]Standing, k)
	for i, m := range methods {
		if len(m.Cost) != len(m.Quality) {
			return nil, c.errorf("method %q has %d costs and %d qualities: %w", m.Name, len(m.Cost), len(m.Quality),
				tensor.ErrShape)
		}
		if err := c.checkSample(fmt.Sprintf("the cost of %q", m.Name), m.Cost); err != nil {
			return nil, err
		}
		if err := c.checkSample(fmt.Sprintf("the quality of %q", m.Name), m.Quality); err != nil {
			return nil, err
		}
		sizes[i] = len(m.Cost)
		cost := stat.Mean(m.Cost, nil)
		quality := stat.Mean(m.Quality, nil)
		standings[i] = Standing{Name: m.Name, Cost: cost, Quality: quality, DominatedBy: make([]float64, k),
			Warnings: fewRuns(sizes[i])}
		if m.Failed > 0 {
			standings[i].Warnings = append(standings[i].Warnings, fmt.Errorf("%d of %d runs of %q failed and count with the "+
				"worst quality: %w", m.Failed, sizes[i], m.Name, tradeoff.ErrFailed))
		}
	}
	dominates := func(ci, qi, cj, qj float64) bool {
		return ci <= cj && !dir.Better(qj, qi) && (ci < cj || qi != qj)
	}
	boot, err := stats.Resample(context.Background(), stats.Samples(sizes...), 2*k, func() func([]int, []float64) {
		return func(drawn []int, out []float64) {
			from := 0 // runs of all methods are numbered on
			for i, m := range methods {
				cost, quality := 0.0, 0.0
				for _, run := range drawn[:sizes[i]] {
					cost += m.Cost[run-from]
					quality += m.Quality[run-from]
				}
				drawn, from = drawn[sizes[i]:], from+sizes[i]
				out[2*i], out[2*i+1] = cost/float64(sizes[i]), quality/float64(sizes[i])
			}
		}
	}, widest(c.resampling)...)
	if err != nil {
		return nil, c.errorf("%w", err)
	}
	replicates := boot.Replicates
	n := len(replicates[0])
	counts, optimal := make([]int, k*k), make([]int, k)
	for b := range n {
		for i := range k {
			free := true
			for j := range k {
				if dominates(replicates[2*j][b], replicates[2*j+1][b], replicates[2*i][b], replicates[2*i+1][b]) {
					counts[i*k+j]++
					free = false
				}
			}
			if free {
				optimal[i]++
			}
		}
	}
	for i := range standings {
		s := &standings[i]
		s.Optimal = float64(optimal[i]) / float64(n)
		for j, other := range standings {
			s.DominatedBy[j] = float64(counts[i*k+j]) / float64(n)
			if dominates(other.Cost, other.Quality, s.Cost, s.Quality) {
				s.Verdict = max(s.Verdict, Ambiguous)
			}
			confirmed := sizes[i] > 1 && sizes[j] > 1 // single runs tell nothing of chance
			if confirmed && k > 1 && s.DominatedBy[j] >= 1-(1-c.level)/float64(k-1) {
				s.Verdict = Dominated
			}
		}
	}
	return standings, nil
}

// fewRuns is the warning of fewer runs than quantiles of the bootstrap need.
func fewRuns(n int) []error {
	const enough = 10
	switch {
	case n < 2:
		return []error{fmt.Errorf("%d run cannot tell anything of the spread; run 3 seeds or more: %w", n, stats.ErrTooFew)}
	case n < enough:
		return []error{fmt.Errorf("bootstrap of %d runs covers less than its level; run %d: %w", n, enough, stats.ErrTooFew)}
	}
	return nil
}
