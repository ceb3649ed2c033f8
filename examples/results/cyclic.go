package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/examples/cyclic/curves"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Other settings.
const (
	twiceRate  = "twice the rate"
	largeBatch = "batches of 60"
	tinyBatch  = "batches of 15"
)

var cyclicExperiment = experiment{
	name: "cyclic",
	about: "a perceptron on 600 handwritten digits, six recipes, lengths of 2 to 64 epochs, each seed with a split of " +
		"its own.",
	settings: []setting{{twiceRate, "a peak of 0.2 instead of 0.1."}, {largeBatch, "instead of 30."},
		{tinyBatch, "instead of 30."}},
	run: cyclic,
}

// cyclic is Portes et al. 2022: curves of single cyclic runs beside those of separate runs.
func cyclic(_ context.Context, t trial) ([]Claim, error) {
	recipes := curves.Recipes
	if t.quick {
		recipes = recipes[:1:1]
		recipes = append(recipes, curves.Recipes[2], curves.Recipes[3])
	}
	how := curves.Usual
	switch t.setting {
	case "":
	case twiceRate:
		how.Peak *= 2
	case largeBatch:
		how.Batch *= 2
	case tinyBatch:
		how.Batch /= 2
	default:
		return nil, t.unknown()
	}
	var claims []Claim
	for _, labels := range []labelling{
		{"clean labels", 0, "a point and a half", 1.5},
		{"a fifth of the labels wrong", 0.2, "two points", 2}} {
		how.Noise = labels.noise
		results, err := curves.Study(how, t.seeds, recipes, t.report)
		if err != nil {
			return nil, err
		}
		flat, err := undecayed(how, t.seeds, recipes, t.report)
		if err != nil {
			return nil, err
		}
		more, err := compareCyclic(labels, t.seeds, results, flat)
		if err != nil {
			return nil, err
		}
		claims = append(claims, more...)
		if t.quick {
			break
		}
	}
	return claims, nil
}

// undecayed is the runs that stay at the peak rate and are read where cycles would end.
func undecayed(how curves.Training, seeds []uint64, recipes []curves.Recipe,
	report func(done, total int)) ([]curves.Result, error) {
	flat := how.Schedule()
	flat.Floor = flat.Peak
	results := make([]curves.Result, len(seeds)*len(recipes))
	errs := make([]error, len(results))
	done, end := progress.Start(len(results), report)
	tensor.Parallel(len(results), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			r, seed := recipes[k%len(recipes)], seeds[k/len(recipes)]
			results[k] = curves.Result{Recipe: r.Name, Seed: seed}
			d, err := curves.Load(how, seed)
			if err == nil {
				var both [2]tradeoff.Curve
				both, err = r.Single(d, flat, seed)
				results[k].Accuracy = map[string]tradeoff.Curve{curves.OneRun: both[0]}
				results[k].Loss = map[string]tradeoff.Curve{curves.OneRun: both[1]}
			}
			errs[k] = err
			done()
		}
	})
	end()
	return results, errors.Join(errs...)
}

// qualities is the points of every recipe, [recipe][length], of one seed.
type qualities [][]float64

func of(results []curves.Result, seed uint64, curve func(curves.Result) tradeoff.Curve) qualities {
	var q qualities
	for _, r := range results {
		if r.Seed != seed {
			continue
		}
		var points []float64
		for _, p := range curve(r).Points() {
			points = append(points, p.Quality)
		}
		q = append(q, points)
	}
	return q
}

func accuracyOf(kind string) func(curves.Result) tradeoff.Curve {
	return func(r curves.Result) tradeoff.Curve { return r.Accuracy[kind] }
}

func lossOf(kind string) func(curves.Result) tradeoff.Curve {
	return func(r curves.Result) tradeoff.Curve { return r.Loss[kind] }
}

// labelling is a kind of labels, and how far the curves of a single seed may be apart.
type labelling struct {
	name  string
	noise float64
	agree string
	rmse  float64
}

// compareCyclic is the claims about one kind of labels.
func compareCyclic(labels labelling, seeds []uint64, results, flat []curves.Result) ([]Claim, error) {
	bias := Claim{Text: "the curve of one cyclic run is that of separate runs, to half a point in the mean",
		Quantity: "points, cyclic less separate", Bar: within(0.5), Control: "no decay at the ends of cycles"}
	distance := Claim{Text: "the curves of a single seed agree to " + labels.agree, Quantity: "RMSE in points",
		Bar: below(labels.rmse), Control: bias.Control}
	rank := Claim{Text: "it ranks the recipes alike by loss", Quantity: "tau-b, mean over lengths", Bar: above(0.7),
		Control: "recipes shuffled"}
	pairs := Claim{Text: "recipes that are a point apart in separate runs keep their order in four pairs of five",
		Quantity: "share of pairs", Bar: above(0.8), Control: rank.Control}
	regret := Claim{Text: "training a recipe as long as its cyclic curve says costs less than half a point",
		Quantity: "points below the best length, by the separate runs of other seeds, mean over recipes",
		Bar:      below(0.5), Control: "a length at random, its mean"}
	for k, seed := range seeds {
		rng := tensor.Stream(seed, 1<<20)
		sep, one := of(results, seed, accuracyOf(curves.Separate)), of(results, seed, accuracyOf(curves.OneRun))
		bare := of(flat, seed, accuracyOf(curves.OneRun))
		add(&bias, meanDifference(one, sep), meanDifference(bare, sep))
		add(&distance, rmse(one, sep), rmse(bare, sep))
		order := rng.Perm(len(sep))
		sepLoss, oneLoss := of(results, seed, lossOf(curves.Separate)), of(results, seed, lossOf(curves.OneRun))
		tau, err1 := meanTau(oneLoss, sepLoss)
		none, err2 := meanTau(permuted(oneLoss, order), sepLoss)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		add(&rank, tau, none)
		add(&pairs, kept(one, sep, 1), kept(permuted(one, order), sep, 1))
		var cost, chance float64
		for r, read := range one {
			truth := others(results, seeds, k, r)
			cost += loss(truth, read) / float64(len(one))
			chance += meanLoss(truth) / float64(len(one))
		}
		add(&regret, cost, chance)
	}
	claims := []Claim{bias, distance, rank, pairs, regret}
	for i := range claims {
		claims[i].Text += ", " + labels.name
	}
	return claims, nil
}

func add(c *Claim, value, control float64) {
	c.Values, c.ControlValues = append(c.Values, value), append(c.ControlValues, control)
}

// meanDifference is a less b, over all recipes and all lengths but the first, at which both are the same run.
func meanDifference(a, b qualities) float64 {
	sum, n := 0.0, 0
	for r := range a {
		for i := 1; i < len(a[r]); i++ {
			sum += a[r][i] - b[r][i]
			n++
		}
	}
	return sum / float64(n)
}

func rmse(a, b qualities) float64 {
	sum, n := 0.0, 0
	for r := range a {
		for i := 1; i < len(a[r]); i++ {
			sum += (a[r][i] - b[r][i]) * (a[r][i] - b[r][i])
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}

// meanTau is the mean over lengths of the rank correlation of recipes.
func meanTau(a, b qualities) (float64, error) {
	sum := 0.0
	for i := 1; i < len(a[0]); i++ {
		var x, y []float64
		for r := range a {
			x, y = append(x, a[r][i]), append(y, b[r][i])
		}
		tau, err := stats.KendallTau(x, y)
		if err != nil {
			return 0, fmt.Errorf("length %d: %w", i, err)
		}
		sum += tau / float64(len(a[0])-1)
	}
	return sum, nil
}

// kept is the share of pairs more than gap apart in b that have the same order in a; ties count half. It is 1 if there
// is no such pair.
func kept(a, b qualities, gap float64) float64 {
	right, n := 0.0, 0
	for i := 1; i < len(a[0]); i++ {
		for r := range a {
			for s := range r {
				if d := b[r][i] - b[s][i]; math.Abs(d) > gap {
					n++
					switch e := (a[r][i] - a[s][i]) * d; {
					case e > 0:
						right++
					case e == 0:
						right += 0.5
					}
				}
			}
		}
	}
	if n == 0 {
		return 1
	}
	return right / float64(n)
}

func permuted(q qualities, order []int) qualities {
	p := make(qualities, len(q))
	for i, j := range order {
		p[i] = q[j]
	}
	return p
}

// others is a recipe's mean curve of separate runs over all seeds but one.
func others(results []curves.Result, seeds []uint64, but, recipe int) []float64 {
	var mean []float64
	for k, seed := range seeds {
		if k == but {
			continue
		}
		curve := of(results, seed, accuracyOf(curves.Separate))[recipe]
		if mean == nil {
			mean = make([]float64, len(curve))
		}
		for i, v := range curve {
			mean[i] += v / float64(len(seeds)-1)
		}
	}
	return mean
}

// loss is how far the length at which read is highest lies below the best one.
func loss(truth, read []float64) float64 {
	return truth[tensor.ArgMax(truth)] - truth[tensor.ArgMax(read)]
}

// meanLoss is the mean of that over all lengths.
func meanLoss(truth []float64) float64 {
	sum := 0.0
	for _, v := range truth {
		sum += truth[tensor.ArgMax(truth)] - v
	}
	return sum / float64(len(truth))
}
