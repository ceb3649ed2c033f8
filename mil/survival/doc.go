// Package survival is regression and evaluation for times until an event, of which some are censored: Cox's
// proportional hazards model (Cox 1972), survival curves from any risk score, and measures of how well a score orders
// and predicts lifetimes. Times are [stats.Lifetime]; curves, log-rank tests and restricted means of groups are in
// package stats.
//
//	times, err := stats.Lifetimes(days, died)              // 0 or 1; anything else is an error
//	m, err := survival.FitCox(times, x, survival.WithNames("age", "score"))
//	s, err := m.Summary()
//	fmt.Print(s)                                           // hazard ratios with intervals, tests, concordance
//	test, err := m.Proportional(nil)                       // do hazard ratios stay as they are in time?
//	p, err := m.Model().Survival(0, row, 365)              // probability of no event within a year
//
//	// A score from elsewhere, such as the output of a network trained with Cox's loss.
//	c, err := survival.Concord(times, score)               // Harrell's C
//	base, err := survival.FitBaseline(times, score)        // survival curves for scores
//	g, err := survival.FitCensoring(times)
//	u, err := g.Uno(times, score, 365)                     // C that does not depend on the censoring
//	a, err := g.AUC(times, score, 365)                     // who has had the event within a year?
//	b, err := g.Brier(times, predicted, 365)
//
// # Method
//
// The partial likelihood is maximised by Newton's method on standardised columns, from sums over those at risk that are
// kept while time is walked back once: O(n p^2) an iteration, after a sort in linear time. Ties follow Efron's rule in
// everything that rests on them: coefficients, hazards, residuals and robust errors; Breslow's is an option. Times that
// differ by rounding alone are ties, as in R's survival, whose numbers these are to 1e-8: the tests hold fits with
// strata, weights, late entry and heavy ties against it. Pairs are counted in a tree of prefix sums, O(n log n).
//
// # What goes wrong
//
// A column that is constant or a combination of others is named by an error that wraps [ErrSingular]. One that
// separates those with an event from those without, so that its hazard ratio is infinite, is named by [ErrMonotone]. A
// ridge makes both finite, and biased. Lifetimes without an event are [ErrNoEvents], a concordance without pairs
// [ErrNoPairs], and never a 0 or one half. Risks are higher for earlier events: predicted times have to be negated, and
// nothing is turned round behind the caller's back. Beyond the last lifetime, and where censoring leaves nobody, there
// is an error that says up to when there is an answer.
//
// # When not to use it
//
// For competing risks, frailties, parametric models and covariates whose effect changes in time there are R and
// lifelines; rows that are split in time by [WithEntry] carry covariates that change. With fewer than ten events for
// each column intervals do not keep their level. Harrell's C rises with the censoring of late times: use
// [Censoring.Uno] to compare studies.
//
// # References
//
// Cox 1972, "Regression models and life-tables". Efron 1977, Breslow 1974 for ties. Lin and Wei 1989 for robust errors.
// Grambsch and Therneau 1994 for the test of proportionality. Harrell et al. 1982, Uno et al. 2011 for concordance.
// Graf et al. 1999, Uno et al. 2007 for measures weighted by the censoring.
package survival
