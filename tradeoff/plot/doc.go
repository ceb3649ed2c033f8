// Package plot draws the figures of package tradeoff with gonum.org/v1/plot, as SVG, PNG or PDF: tradeoff curves with
// their bands, Pareto fronts with verdicts, performance profiles, intervals, probabilities of improvement, survival,
// phases of a step and rooflines. It is the only package of the module that needs a plotter.
//
//	p, err := plot.TradeoffCurves([]tradeoff.Runs{baseline, method},
//		plot.WithLabels("hours", "accuracy"), plot.WithTargets(0.94))
//	if err != nil {
//		return err
//	}
//	return plot.Save(p, "curves.svg")
//
// What functions return is a plot of gonum, to which titles and data of one's own can be added.
package plot
