package risk_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// The published top quartile of the paper: of 312 patients 19 died within 90 days, of the other 935 nine.
func ExampleTable() {
	t := risk.Table{HighEvents: 19, HighOthers: 293, LowEvents: 9, LowOthers: 926}
	fmt.Println("risk ratio", must(t.RiskRatio()))
	fmt.Println("odds ratio", must(t.OddsRatio()))
	fmt.Printf("Fisher's P %.2g\n", must(t.Fisher()))
	// Output:
	// risk ratio 6.327 [2.892, 13.84] 95% normal n=312
	// odds ratio 6.672 [2.986, 14.91] 95% normal n=312
	// Fisher's P 1.7e-06
}

// Thresholds are fixed on training scores and applied to test scores.
func ExampleFitStrata() {
	s := must(risk.FitStrata([]float64{1, 2, 3, 4, 5}, 0.5, 0.75))
	fmt.Println(s.Cuts(), s.Of(3), s.Of(4.5))
	groups := must(s.Groups([]float64{1, 2, 3.5, 6, 7}, []bool{false, false, true, false, true}))
	for _, g := range groups {
		fmt.Println(g.Events, "of", g.N)
	}
	_, err := s.Groups([]float64{1, 2}, []bool{true, false})
	fmt.Println(err)
	high := must(risk.CutAt(3))
	test := []float64{1, 5}
	table := must(risk.NewTable([]bool{high.Of(test[0]) == 1, high.Of(test[1]) == 1}, []bool{false, true}))
	fmt.Println(table.HighEvents, table.LowOthers)
	// Output:
	// [3 4] 0 2
	// 0 of 2
	// 1 of 1
	// 1 of 2
	// risk: Strata.Groups: none of 2 scores is above 3 and up to 4, and 0 are equal to 4: nobody in a group
	// 1 1
}

// A change counts only if it is larger than rounding.
func ExampleNRI() {
	old, new := []float64{0.2, 0.3, 0.6, 0.4, 0.5}, []float64{0.4, 0.3, 0.7, 0.3, 0.6}
	event := []bool{true, true, true, false, false}
	m := must(risk.NRI(old, new, event, 1e-9))
	fmt.Printf("%.3f among events, %.3f among others, p=%.2f\n", m.Events.Value, m.NonEvents.Value, m.P)
	m = must(risk.CategoryNRI(old, new, event, []float64{0.25, 0.5}))
	fmt.Printf("%.3f %.3f\n", m.Events.Value, m.NonEvents.Value)
	m = must(risk.IDI(old, new, event))
	fmt.Printf("%.3f\n", m.Total.Value)
	// Output:
	// 0.667 among events, 0.000 among others, p=0.38
	// 0.333 0.000
	// 0.100
}

// Probabilities of 0.2 and 0.6 that are right on average.
func ExampleHosmerLemeshow() {
	p := []float64{0.1, 0.1, 0.1, 0.4, 0.4, 0.4, 0.8, 0.8, 0.8}
	event := []bool{false, false, true, false, true, false, true, true, false}
	h := must(risk.HosmerLemeshow(p, event, 3, risk.WithSplitTies()))
	fmt.Printf("%.3f df=%d\n", h.Statistic, h.DF)
	for _, g := range h.Groups {
		fmt.Printf("%d of %d, %.1f expected\n", g.Observed, g.N, g.Expected)
	}
	r := must(risk.Recalibrate(p, event))
	fmt.Printf("slope %.2f\n", r.Slope.Value)
	// Output:
	// 2.204 df=1
	// 1 of 3, 0.3 expected
	// 1 of 3, 1.2 expected
	// 2 of 3, 2.4 expected
	// slope 0.39
}

// What acting on a probability is worth, in true positives per patient.
func ExampleDecisionCurve() {
	event := []bool{true, false, true, false, false, true, false, false, false, false}
	p := []float64{.9, .8, .6, .5, .3, .2, .2, .1, 0, 0}
	for _, d := range must(risk.DecisionCurve(p, event, 0, 0.2)) {
		fmt.Printf("%.1f: treat %d, worth %.3f, treating all %.3f\n", d.Threshold, d.Treated, d.NetBenefit, d.TreatAll)
	}
	times := make([]stats.Lifetime, len(event))
	for i, e := range event {
		times[i] = stats.Lifetime{Time: 3, Event: e}
	}
	fmt.Printf("%.3f\n", must(risk.CensoredDecisionCurve(p, times, 3, 0.2))[0].NetBenefit)
	worse := []float64{.9, .8, .1, .5, .3, .2, .2, .1, 0, 0}
	diff := must(risk.CompareDecisions(context.Background(), p, worse, event, []float64{0.2}, stats.WithReplicates(100)))
	fmt.Printf("%.3f\n", diff[0].Value)
	// Output:
	// 0.0: treat 10, worth 0.300, treating all 0.300
	// 0.2: treat 7, worth 0.200, treating all 0.125
	// 0.200
	// 0.100
}

// The whole report in one call.
func ExampleEvaluate() {
	r := must(risk.Evaluate(context.Background(), cohort(600), stats.WithReplicates(200)))
	for line := range strings.Lines(r.String()) {
		if strings.HasPrefix(line, "group") || strings.Contains(line, "patients,") {
			counts, _, _ := strings.Cut(strings.TrimSpace(line), ":") // and its share with an interval
			fmt.Println(counts)
		}
	}
	var image strings.Builder
	if err := r.WriteSVG(&image); err != nil {
		panic(err)
	}
	fmt.Println(strings.Contains(image.String(), "sensitivity"))
	// Output:
	// 600 patients, 480 with an answer, 235 events
	// group 1, up to -0.6526  20 of 113 had the event
	// group 2, above -0.6526  38 of 107 had the event
	// group 3, above -0.02141 71 of 123 had the event
	// group 4, above 0.6676   106 of 137 had the event
	// true
}

// Resamples are of patients, with all of their beats.
func ExampleBootstrap() {
	patient := []int{0, 0, 0, 1, 1, 2, 2, 3, 4, 5} // of each beat
	abnormal := []float64{1, 1, 1, 0, 0, 1, 0, 0, 0, 1}
	r := must(risk.Bootstrap(context.Background(), stats.Clusters(patient), func(beats []int) (float64, error) {
		sum := 0.0
		for _, i := range beats {
			sum += abnormal[i]
		}
		return sum / float64(len(beats)), nil
	}, stats.WithReplicates(500)))
	fmt.Println(r.Estimate.Value, r.Estimate.N, r.Used, r.Skipped)
	// Output: 0.5 6 500 0
}
