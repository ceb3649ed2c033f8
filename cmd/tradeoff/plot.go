package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"

	gplot "gonum.org/v1/plot"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
	"github.com/espalier-ml/espalier/tradeoff/plot"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// drawing is the flags of plot.
type drawing struct {
	targets, yrange        numbers
	kind, out, title, base string
	linear, logQuality     bool
	band                   float64
	replicates             int
	seed                   uint64
}

func (d *drawing) register(f *flag.FlagSet) {
	f.StringVar(&d.kind, "kind", "curves", "curves, pareto or survival of one task and model; speedup, of each method "+
		"over the baseline; efficiency, the interquartile mean of all tasks by cost; or scores, the share of the runs that "+
		"are better than each quality")
	f.Var(&d.targets, "target",
		"qualities to mark; of survival and speedup, the one to reach (default the best that all runs of the baseline reach)")
	f.StringVar(&d.out, "o", "", "file to write: .svg, .png or .pdf")
	f.StringVar(&d.title, "title", "", "title (default task and model)")
	f.StringVar(&d.base, "baseline", "", "method that speedups are over (default the one without a name)")
	f.BoolVar(&d.linear, "linear", false, "costs on a linear axis")
	f.BoolVar(&d.logQuality, "logy", false, "qualities on a logarithmic axis")
	f.Var(&d.yrange, "yrange", "qualities to show, as 0.8,1")
	f.Float64Var(&d.band, "band", 0.5, "share of the runs in the band of curves")
	f.IntVar(&d.replicates, "replicates", 2000, "of the bootstrap of efficiency and scores")
	f.Uint64Var(&d.seed, "seed", 0, "of the bootstrap")
}

// kinds of figures by how they are drawn.
var kinds = map[string]func(*drawing, *call, [][]runlog.Arm) (*gplot.Plot, error){"curves": (*drawing).curves,
	"pareto": (*drawing).pareto, "survival": (*drawing).survival, "speedup": (*drawing).speedups,
	"efficiency": (*drawing).efficiency, "scores": (*drawing).scores}

func draw(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	var d drawing
	d.register(c.flags)
	files, err := c.parse(args)
	switch {
	case err != nil:
		return err
	case d.out == "":
		return c.misuse("no file to write; give it with -o")
	case kinds[d.kind] == nil:
		return c.misuse("-kind is %q, want one of %q", d.kind, slices.Sorted(maps.Keys(kinds)))
	case len(d.yrange) > 0 && (len(d.yrange) != 2 || d.yrange[0] >= d.yrange[1]):
		return c.misuse("-yrange is %v, want the lower and the upper end", &d.yrange)
	case (len(d.yrange) > 0 || d.logQuality) && d.kind != "curves" && d.kind != "pareto":
		return c.misuse("-yrange and -logy are for -kind curves and pareto")
	case d.replicates < 1:
		return c.misuse("-replicates must be 1 or more")
	}
	log, err := c.log(files, &s)
	if err != nil {
		return err
	}
	settings, err := c.arms(log, &s)
	if err != nil {
		return err
	}
	p, err := kinds[d.kind](&d, c, settings)
	if err != nil {
		return err
	}
	return plot.Save(p, d.out)
}

// only is the methods of the one task and model there is.
func (d *drawing) only(settings [][]runlog.Arm) ([]runlog.Arm, []tradeoff.Runs, error) {
	if len(settings) > 1 {
		var names []string
		for _, arms := range settings {
			names = append(names, setting(arms[0]))
		}
		return nil, nil, fmt.Errorf("the logs have %d tasks and models, %q: choose one with -task and -model",
			len(settings), names)
	}
	var runs []tradeoff.Runs
	for _, a := range settings[0] {
		runs = append(runs, a.Runs)
	}
	if a := settings[0][0]; d.title == "" && a.Task+a.Model != "" {
		d.title = setting(a)
	}
	return settings[0], runs, nil
}

// costs is the options of figures over costs.
func (d *drawing) costs(x, y string) []plot.CostOption {
	opts := []plot.CostOption{plot.WithTitle(d.title), plot.WithLabels(x, y)}
	if d.linear {
		opts = append(opts, plot.WithLinearCost())
	}
	return opts
}

// fronts is the options of figures of qualities over costs.
func (d *drawing) fronts(x, y string) []plot.FrontOption {
	opts := []plot.FrontOption{plot.WithTargets(d.targets...)}
	for _, o := range d.costs(x, y) {
		opts = append(opts, o)
	}
	if len(d.yrange) == 2 {
		opts = append(opts, plot.WithQualityRange(d.yrange[0], d.yrange[1]))
	}
	if d.logQuality {
		opts = append(opts, plot.WithLogQuality())
	}
	return opts
}

func (d *drawing) curves(_ *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	arms, runs, err := d.only(settings)
	if err != nil {
		return nil, err
	}
	all := []plot.Option{plot.WithBand(d.band)}
	for _, o := range d.fronts(arms[0].Cost, arms[0].Quality) {
		all = append(all, o)
	}
	return plot.TradeoffCurves(runs, all...)
}

func (d *drawing) pareto(c *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	arms, runs, err := d.only(settings)
	if err != nil {
		return nil, err
	}
	measured, err := pareto.Measure(runs...)
	if err != nil {
		return nil, err
	}
	dir := runs[0].Direction()
	standings, err := pareto.Verdicts(measured, dir, pareto.WithResampling(c.resampling(), stats.WithSeed(d.seed)))
	if err != nil {
		return nil, err
	}
	return plot.ParetoFront(standings, dir, d.fronts(arms[0].Cost, arms[0].Quality)...)
}

func (d *drawing) survival(_ *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	arms, runs, err := d.only(settings)
	if err != nil {
		return nil, err
	}
	q := d.target(runs[0])
	var names []string
	var curves []stats.Survival
	for _, r := range runs {
		k, err := stats.KaplanMeier(r.Times(q, tradeoff.FirstHit))
		if err != nil {
			return nil, err
		}
		names, curves = append(names, r.Name), append(curves, k)
	}
	return plot.Survival(names, curves, d.costs(arms[0].Cost, fmt.Sprintf("share of the runs short of %.4g", q))...)
}

// target is the quality to reach.
func (d *drawing) target(base tradeoff.Runs) float64 {
	if len(d.targets) > 0 {
		return d.targets[0]
	}
	return base.CommonBest()
}

// speedups draws an interval for each method of each task and model, and a line at 1.
func (d *drawing) speedups(c *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	var names []string
	var estimates []stats.Estimate
	for _, arms := range settings {
		b := indexOf(arms, d.base)
		if b < 0 {
			return nil, fmt.Errorf("%s has no method %q to compare with; choose -baseline", setting(arms[0]), d.base)
		}
		q := d.target(arms[b].Runs)
		for i, a := range arms {
			if i == b {
				continue
			}
			name := a.Runs.Name
			if len(settings) > 1 {
				name = setting(a) + ", " + name
			}
			e, err := tradeoff.Speedup(arms[b].Runs, a.Runs, tradeoff.AtQuality(q))
			if err != nil {
				fmt.Fprintf(c.stderr, "tradeoff: %s is left out: %s\n", name, plain(err))
				continue
			}
			names, estimates = append(names, name), append(estimates, e)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no method has a speedup over the baseline; -target sets the quality")
	}
	a := settings[0][0]
	return plot.IntervalEstimates(names, estimates, plot.WithLine(1), plot.WithTitle(d.title),
		plot.WithLabels("speedup in "+a.Cost+" to the same "+a.Quality, ""))
}

// efficiency draws the interquartile mean of the best qualities so far, of all runs of all tasks, by cost.
func (d *drawing) efficiency(c *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	methods, err := methodsOf(settings)
	if err != nil {
		return nil, err
	}
	first, last := 0.0, math.Inf(1)
	for _, arms := range settings {
		for _, a := range arms {
			for _, curve := range a.Runs.Curves {
				if curve.Len() == 0 {
					return nil, fmt.Errorf("a run of %s, %s failed before it had a quality", setting(a), a.Runs.Name)
				}
				from, _ := curve.Costs()
				first, last = max(first, from), min(last, curve.Spent())
			}
		}
	}
	const places = 40
	costs := make([]float64, places)
	for k := range costs {
		costs[k] = first * math.Pow(last/first, float64(k)/(places-1))
	}
	if costs[places-1] = last; !(first < last) {
		return nil, fmt.Errorf("no range of %s is common to all runs", settings[0][0].Cost)
	}
	estimates := make([][]stats.Estimate, len(methods))
	for i, name := range methods {
		for _, cost := range costs {
			e, err := d.aggregate(c, settings, name, func(curve tradeoff.Curve) float64 {
				q, _ := curve.Envelope().QualityAt(cost, tradeoff.FirstHit)
				return q
			})
			if err != nil {
				return nil, err
			}
			estimates[i] = append(estimates[i], e)
		}
	}
	a := settings[0][0]
	return plot.EstimateCurves(methods, costs, estimates, d.costs(a.Cost, "interquartile mean of "+a.Quality)...)
}

// scoresOf is the qualities of the runs of a method by task; those that are better when lower are negative.
func scoresOf(settings [][]runlog.Arm, method string, of func(tradeoff.Curve) float64) (score.Scores, error) {
	var tasks []string
	byTask := make([][]float64, len(settings))
	for t, arms := range settings {
		tasks = append(tasks, setting(arms[0]))
		i := slices.IndexFunc(arms, func(a runlog.Arm) bool { return a.Runs.Name == method })
		for _, curve := range arms[i].Runs.Curves {
			q := of(curve)
			if curve.Direction() == tradeoff.LowerBetter {
				q = -q
			}
			byTask[t] = append(byTask[t], q)
		}
	}
	return score.NewScores(tasks, byTask)
}

// aggregate is the interquartile mean of a quality of all runs of a method.
func (d *drawing) aggregate(c *call, settings [][]runlog.Arm, method string,
	of func(tradeoff.Curve) float64) (stats.Estimate, error) {
	s, err := scoresOf(settings, method, of)
	if err != nil {
		return stats.Estimate{}, err
	}
	e, err := s.Interval(context.Background(), score.IQM, d.bootstrap(c))
	if settings[0][0].Runs.Direction() == tradeoff.LowerBetter {
		e.Value, e.Lo, e.Hi = -e.Value, -e.Hi, -e.Lo
	}
	return e, err
}

func (d *drawing) bootstrap(c *call) score.SampleOption {
	return score.WithInterval(stats.WithReplicates(d.replicates), stats.WithSeed(d.seed), c.resampling())
}

// scores draws the share of the runs whose best quality is better than each of 50 values.
func (d *drawing) scores(c *call, settings [][]runlog.Arm) (*gplot.Plot, error) {
	methods, err := methodsOf(settings)
	if err != nil {
		return nil, err
	}
	var all []score.Scores
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, name := range methods {
		s, err := scoresOf(settings, name, func(curve tradeoff.Curve) float64 {
			q := curve.Best().Quality
			sign := curve.Direction().Sign()
			lo, hi = min(lo, sign*q), max(hi, sign*q)
			return q
		})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	const places = 50
	taus := make([]float64, places)
	for k := range taus {
		taus[k] = lo + (hi-lo)*(1.04*float64(k)/(places-1)-0.02)
	}
	if !(lo < hi) {
		return nil, fmt.Errorf("all runs have the same best quality")
	}
	estimates := make([][]stats.Estimate, len(all))
	for i, s := range all {
		if estimates[i], err = s.ProfileIntervals(context.Background(), taus, d.bootstrap(c)); err != nil {
			return nil, err
		}
	}
	a := settings[0][0]
	if a.Runs.Direction() == tradeoff.LowerBetter {
		for k := range taus {
			taus[k] = -taus[k]
		}
		slices.Reverse(taus)
		for i := range estimates {
			slices.Reverse(estimates[i])
		}
	}
	d.linear = true
	return plot.EstimateCurves(methods, taus, estimates,
		d.costs("best "+a.Quality, "share of the runs that are better")...)
}

// methodsOf is the methods, which every task must have.
func methodsOf(settings [][]runlog.Arm) ([]string, error) {
	var names []string
	for _, a := range settings[0] {
		names = append(names, a.Runs.Name)
	}
	for _, arms := range settings[1:] {
		var own []string
		for _, a := range arms {
			own = append(own, a.Runs.Name)
		}
		if !slices.Equal(own, names) {
			return nil, fmt.Errorf("%s has the methods %q and %s has %q: a mean over tasks needs the same for all",
				setting(settings[0][0]), names, setting(arms[0]), own)
		}
	}
	return names, nil
}
