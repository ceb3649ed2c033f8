package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/tradeoff/pipeline"
	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// A loop that waits for its batches, on a clock that the example moves.
func ExampleNew() {
	var now time.Duration
	p, err := pipeline.New(pipeline.WithClock(func() time.Duration { return now }), pipeline.WithWarmup(2),
		pipeline.WithSteps(100))
	if err != nil {
		fmt.Println(err)
		return
	}
	load := p.Stage("load", 2, "")
	loader := func(yield func(int) bool) {
		for b := range 42 {
			load.Do(func() { now += 60 * time.Millisecond }) // this example has no background
			if !yield(b) {
				return
			}
		}
	}
	for range pipeline.WatchSeq(p, loader) {
		s := p.Begin(pipeline.Forward)
		now += 30 * time.Millisecond
		s.End()
		s = p.Begin(pipeline.Optimizer)
		now += 10 * time.Millisecond
		s.End()
		p.EndStep(64)
	}
	r := p.Report()
	fmt.Println(r.Verdict, r.Severity, r.Pattern)
	fmt.Println(r.Evidence)
	gain, err := r.Predict("wait", 2)
	fmt.Printf("half the waiting: %.3gx %v\n", gain, err)
	gain, err = r.PredictAll(map[string]float64{"forward": 2, "load": 2})
	fmt.Printf("half of forward and loading: %.3gx %v\n", gain, err)
	fmt.Println(r.Advice()[0])
	// Output:
	// input/load critical steady
	// waiting for batches takes 60 % of the time; of the background work for a batch load has the most, 0.06 worker-seconds
	// half the waiting: 1.43x <nil>
	// half of forward and loading: 4x <nil>
	// keep decoded data in memory, or read ahead with more readers if the disk is not the limit
}

// Spans that a loop in another language wrote.
func ExampleReadTrace() {
	var lines strings.Builder
	for i := range 24 {
		t := float64(i)
		fmt.Fprintf(&lines, `{"step":%d,"phase":"wait","start":%g,"end":%g,"samples":32}`+"\n", i, t, t+.05)
		fmt.Fprintf(&lines, `{"step":%d,"phase":"forward","start":%g,"end":%g}`+"\n", i, t+.05, t+1)
	}
	trace, err := pipeline.ReadTrace(strings.NewReader(lines.String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	trace.Flops, trace.Bytes = 1e9, 1e7
	r, err := pipeline.Judge(trace, pipeline.WithWarmup(2),
		pipeline.WithRoofline(pipeline.Peaks{Flops: 1e11, Bytes: 2e10}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Verdict, r.Steps)
	fmt.Println(r.Roofline)
	var b bytes.Buffer
	fmt.Println(r.WriteSVG(&b))
	// Output:
	// compute 22
	// roofline: 100 operations a byte (ridge 5), 1.05e+09 of at most 1e+11 FLOP/s: 1 % of what is possible, 1 % of the peak
	// <nil>
}

// A verdict is tested by running the loop without what it accuses.
func ExampleExperiment() {
	var now time.Duration
	arm := func(name string, step time.Duration) pipeline.Arm {
		i := 0
		return pipeline.Arm{Name: name, Step: func() error {
			i++
			now += step + time.Duration(i%3)*time.Millisecond
			return nil
		}}
	}
	m, err := pipeline.Experiment(context.Background(), []pipeline.Arm{
		arm(pipeline.Real, 100*time.Millisecond), arm(pipeline.CachedBatch, 60*time.Millisecond),
		arm(pipeline.DoubleBatch, 190*time.Millisecond),
		arm(pipeline.NoOpModel, 99*time.Millisecond),
	}, pipeline.WithStepClock(func() time.Duration { return now }), pipeline.WithBlocks(8, 3), pipeline.WithWarmupSteps(0),
		pipeline.WithProgress(func(done, total int) {}))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := m.Confirm(taxonomy.Input)
	fmt.Println(c.Outcome)
	for _, r := range c.Reasons {
		fmt.Println(r)
	}
	// Output:
	// confirmed
	// on a cached batch a step is 1.66 times as fast: that much is to be gained from the input
	// without the model a step takes as long: the input is the ceiling
}

func ExampleDenseWork() {
	flops, bytes := pipeline.DenseWork(64, 256, 784, 4, true)
	p, err := pipeline.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Work(flops, bytes) // in every step
	p.Reset()
	fmt.Println(flops, bytes)
	// Output:
	// 77070336 3207168
}

func ExampleMeasurePeaks() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := pipeline.MeasurePeaks(ctx) // with another context it takes a second
	fmt.Println(err)
	// Output:
	// pipeline: MeasurePeaks: context canceled
}

func ExampleWatch() {
	p, err := pipeline.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	batches := make(chan int, 3)
	for i := range 3 {
		batches <- i
	}
	close(batches)
	for b := range pipeline.Watch(p, batches) {
		fmt.Println(b)
		p.EndStep(1)
	}
	// Output:
	// 0
	// 1
	// 2
}
