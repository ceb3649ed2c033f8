package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
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
func score(train, test beats.Cohort, single, attention *beats.Model) ([]method, error) {
	methods := []method{{severity, train.Severity, test.Severity, false},
		{bestPossible, train.Share, test.Share, false},
		{"variability by hand", train.Hand, test.Hand, false}}
	var of [2][2][]float64 // probabilities by each model on either set
	for i, m := range []*beats.Model{single, attention} {
		for k, c := range []beats.Cohort{train, test} {
			var err error
			if of[i][k], err = m.Probabilities(c.Bags); err != nil {
				return nil, err
			}
		}
	}
	rules := []struct {
		name string
		rule mil.Rule
	}{{meanOfScores, mil.Mean()}, {"single beats, top 20 %", mil.TopFraction(0.2)}, {maxOfScores, mil.Max()}}
	for _, r := range rules {
		m := method{name: r.name, learned: true}
		var err1, err2 error
		m.train, err1 = beats.Pool(train.Bags, of[0][0], r.rule)
		m.test, err2 = beats.Pool(test.Bags, of[0][1], r.rule)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		methods = append(methods, m)
	}
	return append(methods, method{"end to end, attention", of[1][0], of[1][1], true}), nil
}

// compare prints how well each method tells who has the event, and returns the best of the learned ones on the training
// patients.
func compare(methods []method, train, test beats.Cohort) (method, error) {
	fmt.Println("area under the ROC curve for the event within 90 days, 95 % intervals, and concordance by Uno")
	fmt.Printf("%-24s %8s %22s %8s\n", "score", "training", "test", "Uno's C")
	censoring, err := survival.FitCensoring(test.Times)
	if err != nil {
		return method{}, err
	}
	best, top, areas := method{}, 0.0, map[string]float64{}
	for _, m := range methods {
		var area [2]stats.Estimate
		for k, values := range [][]float64{m.train, m.test} {
			if area[k], err = []beats.Cohort{train, test}[k].AUC(values); err != nil {
				return method{}, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		c, err := censoring.Uno(test.Times, m.test, beats.Horizon)
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

func verdict(claim string, holds bool) {
	word := "not so here"
	if holds {
		word = "yes"
	}
	fmt.Printf("%s: %s\n", claim, word)
}

// judge prints the report of a score, with groups by thresholds of training scores. Probabilities come from a Cox model
// of the score on the training patients.
func judge(ctx context.Context, m method, train, test beats.Cohort) (risk.Report, error) {
	fmt.Printf("\nthe best on training patients: %s\n\n", m.name)
	logits := func(p []float64) tensor.Matrix[float64] {
		x := tensor.NewMatrix[float64](len(p), 1)
		for i, v := range p {
			v = min(max(v, 1e-9), 1-1e-9)
			x.Data[i] = math.Log(v / (1 - v))
		}
		return x
	}
	cox, err := survival.FitCox(train.Times, logits(m.train), survival.WithNames("score"))
	if err != nil {
		return risk.Report{}, err
	}
	model := cox.Model()
	x := logits(m.test)
	event := make([]float64, x.Rows)
	for i := range event {
		s, err := model.Survival(0, x.Row(i), beats.Horizon)
		if err != nil {
			return risk.Report{}, err
		}
		event[i] = 1 - s
	}
	report, err := risk.Evaluate(ctx, risk.Patients{Score: m.test, Times: test.Times, Horizon: beats.Horizon,
		Train: m.train, Probability: event, Thresholds: []float64{0, .01, .02, .03, .05, .08, .12}},
		stats.WithReplicates(2000))
	if err != nil {
		return risk.Report{}, err
	}
	fmt.Print(report)
	return report, nil
}
