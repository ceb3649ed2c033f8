package importers_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// A table of evaluations, usually a file and gzipped, scored as AlgoPerf does. [importers.AlgoPerfLogs] reads the tree
// of logs that the benchmark itself writes.
func ExampleReadAlgoPerf() {
	targets, err := importers.ReadAlgoPerfTargets(strings.NewReader(`{
		"base_workloads": ["wmt"],
		"workloads": {"wmt": {"target_metric_name": "bleu", "validation_target_value": 30.8}}}`))
	if err != nil {
		log.Fatal(err)
	}
	trials, err := importers.ReadAlgoPerf(strings.NewReader(`submission,workload,study,trial,eval_index,score,value
nadamw,wmt_jax,study_0,trial_1,0,900,29.5
nadamw,wmt_jax,study_0,trial_1,1,1800,30.9
nadamw,wmt_jax,study_1,trial_1,0,900,30.1
nadamw,wmt_jax,study_1,trial_1,1,1700,31.0
shampoo,wmt_jax,study_0,trial_1,0,1000,30.2
shampoo,wmt_jax,study_0,trial_1,1,1500,31.1
shampoo,wmt_jax,study_1,trial_1,0,1000,29.9
shampoo,wmt_jax,study_1,trial_1,1,1300,30.8
`), targets)
	if err != nil {
		log.Fatal(err)
	}
	table, err := score.NewTrialTable(trials, targets.Workloads)
	if err != nil {
		log.Fatal(err)
	}
	profile, err := table.Profile(score.AlgoPerf())
	if err != nil {
		log.Fatal(err)
	}
	for s, name := range profile.Submissions() {
		fmt.Printf("%-8s %.0f s, score %.4f\n", name, table.Times()[s][0], profile.BenchmarkScores()[s])
	}
	// Output:
	// nadamw   1750 s, score 0.9141
	// shampoo  1400 s, score 1.0000
}

// Reference convergence points, and the fewest epochs that a submission of five runs may take on average.
func ExampleReadMLPerfReferences() {
	refs, err := importers.ReadMLPerfReferences(strings.NewReader(`{
		"resnet_ref_4096": {"Benchmark": "resnet", "BS": 4096,
			"Epochs to converge": [39, 40, 40, 41, 40, 39, 41, 40, 40, 39]},
		"resnet_ref_8192": {"Benchmark": "resnet", "BS": 8192,
			"Epochs to converge": [42, 41, 43, 42, 42, 43, 41, 42, 42, 43]}}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range refs {
		checked, err := score.NewReferences(r.Points, 5)
		if err != nil {
			log.Fatal(err)
		}
		for _, batch := range []int{4096, 6144, 8192} {
			bound, err := checked.At(batch)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s at %d: %.2f epochs, at least %.2f\n", r.Benchmark, batch, bound.Mean, bound.Min)
		}
	}
	// Output:
	// resnet at 4096: 39.88 epochs, at least 39.01
	// resnet at 6144: 41.00 epochs, at least 40.17
	// resnet at 8192: 42.12 epochs, at least 41.26
}

// A result file becomes the time to train, what it took to converge, and a curve.
func ExampleReadMLPerfLog() {
	run, err := importers.ReadMLPerfLog(strings.NewReader(`
:::MLLOG {"time_ms": 100, "key": "submission_benchmark", "value": "resnet", "metadata": {}}
:::MLLOG {"time_ms": 200, "key": "global_batch_size", "value": 4096, "metadata": {}}
:::MLLOG {"time_ms": 1000, "key": "run_start", "value": null, "metadata": {}}
epoch 36 done
:::MLLOG {"time_ms": 901000, "key": "eval_accuracy", "value": 0.757, "metadata": {"epoch_num": 36}}
:::MLLOG {"time_ms": 1001000, "key": "eval_accuracy", "value": 0.760, "metadata": {"epoch_num": 40}}
:::MLLOG {"time_ms": 1002000, "key": "run_stop", "value": null, "metadata": {"status": "success"}}
`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s with batches of %d: %v epochs, %v s\n", run.Benchmark, run.BatchSize, run.Epochs, run.Seconds)
	curve, err := run.Curve(tradeoff.HigherBetter)
	if err != nil {
		log.Fatal(err)
	}
	cost, reached := curve.TimeToQuality(0.759, tradeoff.FirstHit)
	fmt.Println(cost, reached)
	// Output:
	// resnet with batches of 4096: 40 epochs, 1001 s
	// 1000 true
}

// A detector must be good at boxes and at masks at once.
func ExampleMLPerfRun_FirstPass() {
	run, err := importers.ReadMLPerfLog(strings.NewReader(`
:::MLLOG {"time_ms": 0, "key": "run_start", "value": null, "metadata": {}}
:::MLLOG {"time_ms": 900, "key": "eval_accuracy", "value": {"BBOX": 0.38, "SEGM": 0.33}, "metadata": {"epoch_num": 11}}
:::MLLOG {"time_ms": 990, "key": "eval_accuracy", "value": {"BBOX": 0.38, "SEGM": 0.34}, "metadata": {"epoch_num": 12}}
`))
	if err != nil {
		log.Fatal(err)
	}
	pass, ok := run.FirstPass(tradeoff.HigherBetter, map[string]float64{"BBOX": 0.377, "SEGM": 0.339})
	fmt.Println(pass.Epochs, ok)
	// Output: 12 true
}
