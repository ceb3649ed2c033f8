package main

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// method is a score of all patients.
type method struct {
	name        string
	train, test []float64
	learned     bool
}

const (
	severity     = "the severity itself"
	bestPossible = "share of abnormal beats"
	meanOfScores = "single beats, mean"
	maxOfScores  = "single beats, highest"
)

// score makes the scores of all methods.
func score(train, test cohort, single, attention *model) ([]method, error) {
	methods := []method{{severity, train.oracle, test.oracle, false},
		{bestPossible, train.share, test.share, false},
		{"variability by hand", train.hand, test.hand, false}}
	rules := []struct {
		name string
		rule mil.Rule
	}{{meanOfScores, mil.Mean()}, {"single beats, top 20 %", mil.TopFraction(0.2)}, {maxOfScores, mil.Max()}}
	beatsOf := make([]mil.Bags[float32], 2) // probabilities
	for k, c := range []cohort{train, test} {
		p, err := single.probabilities(c.bags)
		if err != nil {
			return nil, err
		}
		beatsOf[k] = c.bags.With(tensor.Of(len(p), 1, p))
	}
	for _, r := range rules {
		m := method{name: r.name, learned: true}
		for k, to := range []*[]float64{&m.train, &m.test} {
			var err error
			*to, err = mil.Risk(beatsOf[k], func(p []float32, x tensor.Matrix[float32]) error {
				copy(p, x.Data)
				return nil
			}, r.rule)
			if err != nil {
				return nil, err
			}
		}
		methods = append(methods, m)
	}
	m := method{name: "end to end, attention", learned: true}
	for k, to := range []*[]float64{&m.train, &m.test} {
		p, err := attention.probabilities([]cohort{train, test}[k].bags)
		if err != nil {
			return nil, err
		}
		*to = widen(p)
	}
	return append(methods, m), nil
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// probabilities are those of instances, or of bags, some bags at a time.
func (m *model) probabilities(b mil.Bags[float32]) ([]float32, error) {
	const some = 64
	var all []float32
	for lo := 0; lo < b.Len(); lo += some {
		hi := min(lo+some, b.Len())
		from, to := b.Offsets[lo], b.Offsets[hi]
		part := mil.Bags[float32]{X: b.X.Slice(from, to, 0, b.X.Cols), Offsets: make([]int, hi-lo+1)}
		for k := range part.Offsets {
			part.Offsets[k] = b.Offsets[lo+k] - from
		}
		logits, err := m.forward(part, false)
		if err != nil {
			return nil, err
		}
		at := len(all)
		all = append(all, logits...)
		tensor.Sigmoid(all[at:], all[at:])
	}
	return all, nil
}

// compare prints how well each method tells who has the event, and returns the best of the learned ones on the training
// patients.
func compare(methods []method, train, test cohort) (method, error) {
	fmt.Println("area under the ROC curve for the event within 90 days, 95 % intervals, and concordance by Uno")
	fmt.Printf("%-24s %8s %22s %8s\n", "score", "training", "test", "Uno's C")
	censoring, err := survival.FitCensoring(test.times)
	if err != nil {
		return method{}, err
	}
	best, top, areas := method{}, 0.0, map[string]float64{}
	for _, m := range methods {
		var area [2]stats.Estimate
		for k, values := range [][]float64{m.train, m.test} {
			if area[k], err = areaOf([]cohort{train, test}[k], values); err != nil {
				return method{}, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		c, err := censoring.Uno(test.times, m.test, horizon)
		if err != nil {
			return method{}, fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Printf("%-24s %8.3f %8.3f [%.3f, %.3f] %8.3f\n", m.name, area[0].Value, area[1].Value, area[1].Lo,
			area[1].Hi, c.C())
		areas[m.name] = area[1].Value
		if m.learned && area[0].Value > top {
			best, top = m, area[0].Value
		}
	}
	fmt.Println()
	mean := areas[meanOfScores]
	verdict("the mean of single beats comes within .03 of the best that beats can show", mean >= areas[bestPossible]-0.03)
	verdict("the highest is at least .05 below the mean: risk is how many beats are ill, and not that one is",
		areas[maxOfScores] <= mean-0.05)
	return best, nil
}

// areaOf is the area under the ROC curve of a score, over the patients of whom the answer is known.
func areaOf(c cohort, values []float64) (stats.Estimate, error) {
	positive, kept := c.judged(values)
	return stats.AUC(positive, kept, nil)
}

func verdict(claim string, holds bool) {
	word := "not so here"
	if holds {
		word = "yes"
	}
	fmt.Printf("%s: %s\n", claim, word)
}

// judge prints the report of a score, with groups by thresholds of training scores. Probabilities come from a Cox model
// of the score on the training patients.
func judge(ctx context.Context, m method, train, test cohort) (risk.Report, error) {
	fmt.Printf("\nthe best on training patients: %s\n\n", m.name)
	logits := func(p []float64) tensor.Matrix[float64] {
		x := tensor.NewMatrix[float64](len(p), 1)
		for i, v := range p {
			v = min(max(v, 1e-9), 1-1e-9)
			x.Data[i] = math.Log(v / (1 - v))
		}
		return x
	}
	cox, err := survival.FitCox(train.times, logits(m.train), survival.WithNames("score"))
	if err != nil {
		return risk.Report{}, err
	}
	model := cox.Model()
	x := logits(m.test)
	event := make([]float64, x.Rows)
	for i := range event {
		s, err := model.Survival(0, x.Row(i), horizon)
		if err != nil {
			return risk.Report{}, err
		}
		event[i] = 1 - s
	}
	report, err := risk.Evaluate(ctx, risk.Patients{Score: m.test, Times: test.times, Horizon: horizon, Train: m.train,
		Probability: event, Thresholds: []float64{0, .01, .02, .03, .05, .08, .12}}, stats.WithReplicates(2000))
	if err != nil {
		return risk.Report{}, err
	}
	fmt.Print(report)
	return report, nil
}
