package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/espalier-ml/espalier/tradeoff/pipeline"
)

// profile tells what a traced loop waits for.
func profile(c *call, args []string) error {
	warmup := c.flags.Int("warmup", -1, "steps at the beginning to leave out; -1 chooses")
	var peaks pipeline.Peaks
	c.flags.Float64Var(&peaks.Flops, "flops", 0,
		"what the machine can do: operations a second; with -bytes gives a roofline")
	c.flags.Float64Var(&peaks.Bytes, "bytes", 0, "bytes it can move between memory and processor in a second")
	out := c.flags.String("o", "", "draw the steps into this SVG file")
	asJSON := c.flags.Bool("json", false, "print JSON")
	files, err := c.parse(args)
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return c.misuse("one trace at a time, there are %d", len(files))
	}
	if (peaks.Flops > 0) != (peaks.Bytes > 0) {
		return c.misuse("-flops and -bytes go together")
	}
	var trace pipeline.Trace
	err = c.open(files[0], func(r *bufio.Reader) (err error) {
		trace, err = pipeline.ReadTrace(r)
		return err
	})
	if err != nil {
		return err
	}
	var opts []pipeline.ReadingOption
	if *warmup >= 0 {
		opts = append(opts, pipeline.WithWarmup(*warmup))
	}
	if peaks.Flops > 0 {
		opts = append(opts, pipeline.WithRoofline(peaks))
	}
	report, err := pipeline.Judge(trace, opts...)
	if err != nil {
		return err
	}
	if *out != "" {
		if err := drawReport(*out, report); err != nil {
			return err
		}
	}
	if *asJSON {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	fmt.Fprintln(c.stdout, report)
	for _, a := range report.Advice() {
		fmt.Fprintln(c.stdout, "-", a)
	}
	return nil
}

func drawReport(name string, report pipeline.Report) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := report.WriteSVG(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
