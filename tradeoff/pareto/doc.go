// Package pareto is for cost and quality at once, and for any number of objectives: frontiers and the volumes below
// them ([Frontier], [Ranks], [Hypervolume], [Contributions]), how far one set of points is from another
// ([AdditiveEpsilon], [MultiplicativeEpsilon], [IGDPlus]), and which methods lie on the frontier given the spread of
// their runs ([Verdicts]). Of whole curves, [Dominates] tells whether one is a Pareto improvement over another, and
// [Attainment] and [MedianBand] what a share of the runs attains at each cost.
//
//	standings, err := pareto.Verdicts(methods, tradeoff.HigherBetter)
//
// Results are the same to the last bit for any GOMAXPROCS and number of workers; random draws depend on the seed alone.
package pareto
