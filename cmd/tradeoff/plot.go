package main

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
	"github.com/espalier-ml/espalier/tradeoff/plot"
)

func draw(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	var targets numbers
	c.flags.Var(&targets, "target",
		"qualities to mark; of survival, the one to reach (default the best that all runs of the first method reach)")
	kind := c.flags.String("kind", "curves", "curves, pareto or survival")
	out := c.flags.String("o", "", "file to write: .svg, .png or .pdf")
	title := c.flags.String("title", "", "title (default task and model)")
	linear := c.flags.Bool("linear", false, "costs on a linear axis")
	band := c.flags.Float64("band", 0.5, "share of the runs in the band of curves")
	files, err := c.parse(args)
	switch {
	case err != nil:
		return err
	case *out == "":
		return c.misuse("no file to write; give it with -o")
	case *kind != "curves" && *kind != "pareto" && *kind != "survival":
		return c.misuse("-kind is %q, want curves, pareto or survival", *kind)
	}
	log, err := c.log(files, &s)
	if err != nil {
		return err
	}
	settings, err := c.arms(log, &s)
	if err != nil {
		return err
	}
	if len(settings) > 1 {
		var names []string
		for _, arms := range settings {
			names = append(names, setting(arms[0]))
		}
		return fmt.Errorf("the logs have %d tasks and models, %q: choose one with -task and -model", len(settings), names)
	}
	arms := settings[0]
	var runs []tradeoff.Runs
	for _, a := range arms {
		runs = append(runs, a.Runs)
	}
	x, y := arms[0].Cost, arms[0].Quality
	if *title == "" && arms[0].Task+arms[0].Model != "" {
		*title = setting(arms[0])
	}
	opts := []plot.CostOption{plot.WithTitle(*title)}
	if *linear {
		opts = append(opts, plot.WithLinearCost())
	}
	front := []plot.FrontOption{plot.WithLabels(x, y), plot.WithTargets(targets...)}
	for _, o := range opts {
		front = append(front, o)
	}
	switch *kind {
	case "curves":
		all := []plot.Option{plot.WithBand(*band)}
		for _, o := range front {
			all = append(all, o)
		}
		p, err := plot.TradeoffCurves(runs, all...)
		if err != nil {
			return err
		}
		return plot.Save(p, *out)
	case "pareto":
		measured, err := pareto.Measure(runs...)
		if err != nil {
			return err
		}
		standings, err := pareto.Verdicts(measured, runs[0].Direction())
		if err != nil {
			return err
		}
		p, err := plot.ParetoFront(standings, runs[0].Direction(), front...)
		if err != nil {
			return err
		}
		return plot.Save(p, *out)
	}
	q := runs[0].CommonBest()
	if len(targets) > 0 {
		q = targets[0]
	}
	var names []string
	var curves []stats.Survival
	for _, r := range runs {
		k, err := stats.KaplanMeier(r.Times(q, tradeoff.FirstHit))
		if err != nil {
			return err
		}
		names, curves = append(names, r.Name), append(curves, k)
	}
	p, err := plot.Survival(names, curves, append(opts, plot.WithLabels(x, fmt.Sprintf("share of the runs short of %.4g",
		q)))...)
	if err != nil {
		return err
	}
	return plot.Save(p, *out)
}
