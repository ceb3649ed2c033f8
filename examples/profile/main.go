// Command profile finds what limits three training loops on handwritten digits: one that waits for a slow loader, one
// with a slow optimizer, and one whose arithmetic takes the time. It names each, tests the verdict by experiment,
// predicts what mending it gains, mends it, and shows the gain that was measured beside the prediction.
//
//	go run ./examples/profile
//	go run ./examples/profile -out DIR    # and draws where the time goes
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/tradeoff/pipeline"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("profile: ")
	steps := flag.Int("steps", 60, "steps of each run, at least 20")
	repeats := flag.Int("repeats", 5, "runs before and after mending, of which the median counts")
	out := flag.String("out", "", "directory for a picture of each loop")
	cli.Usage("profile finds the bottleneck of three training loops, predicts what mending it gains, mends it and " +
		"measures the gain. " +
		"It takes about fifteen seconds.")
	flag.Parse()
	if *steps < 20 || *repeats < 1 {
		log.Fatalf("-steps is %d and -repeats %d, want at least 20 and 1", *steps, *repeats)
	}
	if err := run(context.Background(), *steps, *repeats, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, steps, repeats int, out string) error {
	if err := cli.Directory(out); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "measuring the machine")
	peaks, err := pipeline.MeasurePeaks(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("this machine: %.3g FLOP/s in float32, %.3g bytes a second\n", peaks.Flops, peaks.Bytes)
	for _, s := range scenarios {
		if err := show(ctx, s, peaks, steps, repeats, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// show profiles a loop, mends it and compares.
func show(ctx context.Context, s scenario, peaks pipeline.Peaks, steps, repeats int, out string) error {
	fmt.Printf("\n== %s\n\n", s.name)
	var slow, fast, predicted []float64
	var report pipeline.Report
	for k := range repeats { // in turns, so that what drifts does so for both
		fmt.Fprintf(os.Stderr, "\r%s, %d of %d  ", s.name, k+1, repeats)
		before, err := profile(ctx, s.before, peaks, steps)
		if err != nil {
			return err
		}
		after, err := profile(ctx, s.after, peaks, steps)
		if err != nil {
			return err
		}
		gain, err := before.PredictAll(s.factors)
		if err != nil {
			return err
		}
		slow, fast, predicted = append(slow, seconds(before)), append(fast, seconds(after)), append(predicted, gain)
		report = before
	}
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	fmt.Print(report)
	if err := experiment(ctx, s, report.Verdict, steps); err != nil {
		return err
	}
	verdict := "NOT the one that was built in"
	if strings.HasPrefix(report.Verdict.String(), s.expected) {
		verdict = "the one that was built in"
	}
	got := median(slow) / median(fast)
	fmt.Printf("\nthe verdict, %v, is %s\n", report.Verdict, verdict)
	fmt.Printf("%s: predicted %.3gx, measured %.3gx, off by %+.1f %% (medians of %d)\n", s.mending, median(predicted), got,
		100*(median(predicted)/got-1), repeats)
	if out == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(out, strings.ReplaceAll(s.name, " ", "-")+".svg"))
	if err != nil {
		return err
	}
	if err := report.WriteSVG(f); err != nil {
		return err
	}
	return f.Close()
}

// experiment asks whether the verdict stands.
func experiment(ctx context.Context, s scenario, v pipeline.Bottleneck, steps int) error {
	real, err := newLoop(s.before)
	if err != nil {
		return err
	}
	defer real.close()
	cached, err := newLoop(s.before)
	if err != nil {
		return err
	}
	defer cached.close()
	cached.cache()
	m, err := pipeline.Experiment(ctx, []pipeline.Arm{{Name: pipeline.Real, Step: real.step},
		{Name: pipeline.CachedBatch, Step: cached.step}},
		pipeline.WithBlocks(8, max(2, steps/12)))
	if err != nil {
		return err
	}
	c := m.Confirm(v)
	fmt.Printf("experiment: %v\n", c.Outcome)
	for _, r := range c.Reasons {
		fmt.Printf("  %s\n", r)
	}
	return nil
}

// seconds is the time of a step.
func seconds(r pipeline.Report) float64 { return r.Seconds / float64(r.Steps) }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
