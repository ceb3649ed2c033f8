package eval_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/eval"
	"github.com/espalier-ml/espalier/tensor"
)

func ExampleReadCSV() {
	var b bytes.Buffer
	err := eval.WriteCSV(&b, []eval.Result{{Dataset: "digits", Model: "CNN", Method: "magnitude", Seed: 1, Ratio: 4,
		Top1: .97}})
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := eval.ReadCSV(&b)
	fmt.Println(results[0].Method, results[0].Ratio, err)
	// Output:
	// magnitude 4 <nil>
}

func ExampleReadPublished() {
	table := "paper,method,year,dataset,model,compression_ratio,d_top1\n" +
		"A,m,2018,ImageNet,VGG-16,2,-0.1\nA,m,2018,ImageNet,VGG-16,4,-0.9\n"
	rows, err := eval.ReadPublished(strings.NewReader(table))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(eval.PublishedCurves(rows, "ImageNet", "VGG-16", eval.ByCompression))
	_, err = eval.LoadPublished("no such file")
	fmt.Println(err != nil)
	// Output:
	// eval: no column "theoretical_speedup": out of range
}

func ExampleReduce() {
	curve := []eval.Point{{X: 2, Y: .9}, {X: 4, Y: .7}, {X: 4, Y: .85}, {X: 8, Y: .5}}
	fmt.Println(eval.Reduce(curve, eval.UpperHull))
	_, places, err := eval.Comparison{B: eval.UpperHull}.Compare([]eval.Point{{X: 3, Y: .95}}, curve)
	fmt.Println(places, err)
	point := eval.Summary{Target: 4, X: 4.01, Mean: .85}.Point()
	fmt.Println(point)
	// Output:
	// [{2 0.9} {4 0.85} {8 0.5}]
	// [dominant] <nil>
	// {4.01 0.85}
}

func ExampleMatchedMagnitude() {
	params := []*tensor.Param[float64]{{Name: "w", Shape: []int{1, 4}, Data: []float64{1, -3, 2, 0.5}}}
	masks, err1 := prune.ComputeMasks(params, prune.WithSparsity(0.5), prune.WithScorer(prune.Random[float64]()))
	matched, err2 := eval.MatchedMagnitude(masks, params)
	fmt.Println(matched.Get("w"), errors.Join(err1, err2))
	// Output:
	// 0110 <nil>
}

func ExampleSelectEpoch() {
	best, err := eval.SelectEpoch([]float64{.8, .9, .9, .85})
	fmt.Println(best, err)
	// Output:
	// 1 <nil>
}

func ExampleRules() {
	for _, r := range eval.Rules()[:2] {
		var severity eval.Severity = r.Severity
		fmt.Println(r.ID, severity == eval.Warning, r.Name)
	}
	// Output:
	// P01 false described
	// P02 true settings
}
