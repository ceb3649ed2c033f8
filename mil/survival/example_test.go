package survival_test

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// patients are fourteen with the score of a model and their age.
func patients() ([]stats.Lifetime, tensor.Matrix[float64]) {
	times, err := stats.Lifetimes(
		[]float64{90, 12, 365, 200, 365, 31, 365, 150, 300, 365, 60, 365, 365, 240},
		[]float64{1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1})
	if err != nil {
		panic(err)
	}
	return times, tensor.Of(14, 2, []float64{
		.7, 71, .6, 66, .2, 58, .3, 75, .1, 63, .9, 69, .4, 60, .2, 72, .8, 65, .5, 70, .4, 74, .3, 55, .1, 68, .6, 61})
}

func ExampleFitCox() {
	times, x := patients()
	m, err := survival.FitCox(times, x, survival.WithNames("score", "age"))
	if err != nil {
		panic(err)
	}
	s, err := m.Summary()
	if err != nil {
		panic(err)
	}
	for _, c := range s.Coefficients {
		fmt.Printf("%-5s %.2f, se %.2f, p %.3f\n", c.Name, c.Value, c.SE, c.P)
	}
	fmt.Printf("likelihood ratio %.2f on %d df\n", s.Likelihood.Statistic, s.Likelihood.DF)
	fmt.Println(s.Warnings[0])
	p, err := m.Model().Survival(0, []float64{.9, 70}, 100)
	if err != nil {
		panic(err)
	}
	fmt.Printf("without an event after 100 days: %.2f\n", p)
	// Output:
	// score 4.55, se 2.04, p 0.026
	// age   0.20, se 0.12, p 0.091
	// likelihood ratio 10.27 on 2 df
	// 7 events for 2 columns: intervals hold from about 20 on
	// without an event after 100 days: 0.09
}

// A row for each time during which the covariates of a patient stay as they are.
func ExampleWithEntry() {
	entry := []float64{0, 0, 30, 0, 0, 45, 0}
	times, err := stats.Lifetimes([]float64{20, 30, 80, 90, 45, 100, 60}, []float64{1, 0, 1, 0, 0, 0, 1})
	if err != nil {
		panic(err)
	}
	patient := []int{0, 1, 1, 2, 3, 3, 4}
	treated := tensor.Of(7, 1, []float64{0, 0, 1, 1, 0, 1, 0})
	m, err := survival.FitCox(times, treated, survival.WithEntry(entry), survival.WithClusters(patient),
		survival.WithRidge(0.1))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f\n", m.Coefficients()[0])
	// Output: -2.387
}

func ExampleConcord() {
	times, x := patients()
	score := make([]float64, len(times))
	for i := range score {
		score[i] = x.Row(i)[0]
	}
	c, err := survival.Concord(times, score)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%v of %v pairs, %v tied\n", c.Concordant, c.Concordant+c.Discordant+c.TiedRisk, c.TiedRisk)
	e, err := c.Estimate()
	if err != nil {
		panic(err)
	}
	fmt.Println(e)
	// Output:
	// 51 of 67 pairs, 3 tied
	// 0.7836 [0.6351, 0.932] 95% normal n=14
}

func ExampleFitCensoring() {
	times, x := patients()
	score, predicted := make([]float64, len(times)), make([]float64, len(times))
	for i := range score {
		score[i] = x.Row(i)[0]
		predicted[i] = 1 - score[i]
	}
	g, err := survival.FitCensoring(times)
	if err != nil {
		panic(err)
	}
	uno, err := g.Uno(times, score, 250)
	if err != nil {
		panic(err)
	}
	area, err := g.AUC(times, score, 250)
	if err != nil {
		panic(err)
	}
	brier, err := g.Brier(times, predicted, 250)
	if err != nil {
		panic(err)
	}
	fmt.Printf("C %.3f, AUC at 250 days %.3f, Brier score %.3f\n", uno.C(), area.Value, brier.Value)
	// Output: C 0.755, AUC at 250 days 0.782, Brier score 0.191
}

// Survival curves for the outputs of a network that was trained with Cox's loss.
func ExampleFitBaseline() {
	times, x := patients()
	output := make([]float64, len(times))
	for i := range output {
		output[i] = 3 * (x.Row(i)[0] - .5)
	}
	base, err := survival.FitBaseline(times, output)
	if err != nil {
		panic(err)
	}
	for _, score := range []float64{-1, 0, 1} {
		p, err := base[0].Survival(score, 180)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%2v: %.2f\n", score, p)
	}
	// Output:
	// -1: 0.88
	//  0: 0.72
	//  1: 0.41
}

func ExampleCox_Proportional() {
	times, x := patients()
	m, err := survival.FitCox(times, x, survival.WithNames("score", "age"), survival.WithTies(survival.Breslow))
	if err != nil {
		panic(err)
	}
	var r survival.Proportionality
	r, err = m.Proportional(nil)
	if err != nil {
		panic(err)
	}
	for _, column := range append(r.Columns, survival.ColumnTest{Name: "all", Test: r.Global}) {
		fmt.Printf("%-5s %.2f on %d df, p %.2f\n", column.Name, column.Test.Statistic, column.Test.DF, column.Test.P)
	}
	// Output:
	// score 0.03 on 1 df, p 0.86
	// age   0.00 on 1 df, p 0.98
	// all   0.03 on 2 df, p 0.98
}

// What the rows have to do with the fit.
func ExampleCox_Martingale() {
	times, x := patients()
	m, err := survival.FitCox(times, x)
	if err != nil {
		panic(err)
	}
	influence := m.DFBeta()
	fmt.Printf("first row: martingale %.3f, deviance %.3f, moves the coefficients by %.3f\n",
		m.Martingale()[0], m.Deviance()[0], influence.Row(0))
	var s survival.Schoenfeld = m.Schoenfeld()
	fmt.Printf("first event: row %d at %v, %.3f from the mean of those at risk\n", s.Rows[0], s.Times[0],
		s.Residuals.Row(0))
	// Output:
	// first row: martingale -0.171, deviance -0.162, moves the coefficients by [0.046 0.002]
	// first event: row 1 at 12, [-0.078 -3.699] from the mean of those at risk
}

// Two centres that are not compared with each other, and rows that stand for several.
func ExampleWithStrata() {
	times, x := patients()
	centre := []int{1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2}
	weights := []float64{1, 2, 1, 1, 1, 1.5, 1, 1, 1, 1, 1, 1, 2, 1}
	m, err := survival.FitCox(times, x, survival.WithStrata(centre), survival.WithWeights(weights),
		survival.WithRobust())
	if err != nil {
		panic(err)
	}
	null, fitted := m.LogLikelihood()
	fmt.Printf("log-likelihood from %.3f to %.3f\n", null, fitted)
	fmt.Printf("variance %.3f, robust %.3f\n", m.Covariance().Row(0)[0], m.RobustCovariance().Row(0)[0])
	// Output:
	// log-likelihood from -15.564 to -11.266
	// variance 3.127, robust 1.683
}

// A model that says how likely each is to be without an event at several times.
func ExampleCensoring_IntegratedBrier() {
	times, x := patients()
	m, err := survival.FitCox(times, x)
	if err != nil {
		panic(err)
	}
	model := m.Model()
	at := []float64{50, 100, 200, 300}
	predicted := tensor.NewMatrix[float64](len(times), len(at))
	for i := range len(times) {
		score, err := model.Score(x.Row(i))
		if err != nil {
			panic(err)
		}
		for k, t := range at {
			h, err := model.Baselines[0].Hazard(score, t)
			if err != nil {
				panic(err)
			}
			predicted.Row(i)[k] = math.Exp(-h)
		}
	}
	g, err := survival.FitCensoring(times)
	if err != nil {
		panic(err)
	}
	b, err := g.IntegratedBrier(times, predicted, at)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f on the data of the fit\n", b)
	// Output: 0.106 on the data of the fit
}
