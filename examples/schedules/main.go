// Schedules prints and plots every family and combinator of package schedule as text: what it is called, its formula,
// how it looks, a few values. It shows the same of a schedule of your own.
//
//	go run ./examples/schedules                       every family
//	go run ./examples/schedules -plot -out plots      with text plots, and one SVG image each
//	go run ./examples/schedules -text "0.3@0, 0.15@1dur linear" -total 70000st
//	go run ./examples/schedules -json lr.json -total 90ep -steps-per-epoch 625
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/schedule"
)

// length is that of the built-in gallery, in steps.
const length = 1000

type entry struct {
	name, formula string
	s             schedule.Schedule
}

func gallery() []entry {
	cosine := schedule.Cosine{From: 1, Over: length}
	line := schedule.Linear{From: 1, To: 0.2, Over: length}
	return []entry{
		{"constant", "v", schedule.Constant{V: 0.15}},
		{"linear", "a + (b-a)x, x = t/T; here the masking rate linear-0.3-0.15",
			schedule.Linear{From: 0.3, To: 0.15, Over: length}},
		{"ramp", "a until start, b from end on", schedule.Ramp{From: 0.5, To: 1, Start: 500, End: 800}},
		{"polynomial", "b + (a-b)(1-x)^k; here a sparsity, k = 3", schedule.Polynomial{To: 0.9, Over: length, Power: 3}},
		{"cosine", "b + (a-b)(1+cos(pi x))/2", cosine},
		{"cosine, k-decay", "the same with x^k, k = 2", schedule.Cosine{From: 1, Over: length, K: 2}},
		{"exponential", "a g^(t/period)", schedule.Exponential{From: 1, Rate: 0.5, Period: 200}},
		{"staircase", "a g^floor(t/period)", schedule.Exponential{From: 1, Rate: 0.5, Period: 200, Staircase: true}},
		{"expInterp", "a (b/a)^x; a learning-rate range test", schedule.ExpInterp{From: 1e-4, To: 1, Over: length}},
		{"inverseSqrt", "a sqrt(T/(t+shift)), after a warmup",
			schedule.Warmup{Over: 100, Then: schedule.InverseSqrt{Peak: 1, Scale: 100, Shift: 100}}},
		{"noam", "d^-1/2 min(s^-1/2, s W^-3/2), s = t+1", schedule.Noam{Scale: 1, Dim: 512, Warmup: 200}},
		{"rex", "b + (a-b)(1-x)/(1/2+(1-x)/2)", schedule.REX{From: 1, Over: length}},
		{"oneMinusSqrt", "b + (a-b)(1-sqrt x)", schedule.OneMinusSqrt{From: 1, Over: length}},
		{"tanh", "b + (a-b)(1-tanh(L(1-x)+Ux))/2", schedule.Tanh{From: 1, Over: length, Lower: -7, Upper: 3}},
		{"step", "a g^floor(t/n)", schedule.Step{From: 1, Gamma: 0.5, Every: 250}},
		{"multiStep", "a g^(milestones <= t)", schedule.MultiStep{From: 1, Gamma: 0.3, At: []float64{500, 800}}},
		{"piecewise", "through knots, here along cosines", schedule.Piecewise{Interp: schedule.CosineInterp,
			Knots: []schedule.Knot{{T: 0, V: 0.1}, {T: 300, V: 1}, {T: 600, V: 0.4}, {T: 1000, V: 0.6}}}},
		{"choice", "one value per interval", schedule.Choice[float64]{Bounds: []float64{300, 700},
			Values: []float64{128, 256, 512}}},
		{"triangular", "up and down, half as high each time",
			schedule.Triangular{Floor: 0.1, Peak: 1, Up: 100, Down: 150, CycleDecay: 0.5}},
		{"oneCycle", "torch's, 30 % up", schedule.TorchOneCycle(1, length)},
		{"cyclic", "warmup, then cosine cycles twice as long each time",
			schedule.Cyclic{Warmup: 60, First: 60, Mult: 2, Peak: 1}},
		{"wsd", "warmup, stable, decay as 1-sqrt",
			schedule.WSD{Peak: 1, Warmup: 100, Stable: 600, Decay: 300, Shape: schedule.OneMinusSqrtShape}},

		{"sequence", "one after the other, each on its own time",
			schedule.Sequence{{Until: 300, S: schedule.Constant{V: 1}}, {S: schedule.Cosine{From: 0.5, Over: 700}}}},
		{"warmup", "a line up to the first value of another",
			schedule.Warmup{Over: 200, Then: schedule.Cosine{From: 1, Over: 800}}},
		{"shift", "later", schedule.Shift{S: cosine, By: 200}},
		{"stretch", "half as long", schedule.Stretch{S: cosine, By: 0.5}},
		{"repeat", "again and again", schedule.Repeat{S: schedule.Linear{From: 1, Over: 200}, Period: 200}},
		{"product", "one times the other", schedule.Product{line,
			schedule.Triangular{Peak: 1, Floor: 0.5, Up: 50, Down: 50}}},
		{"sum", "one plus the other", schedule.Sum{line, cosine}},
		{"min", "the smaller one", schedule.Min{line, schedule.Constant{V: 0.6}}},
		{"max", "the larger one", schedule.Max{cosine, schedule.Constant{V: 0.3}}},
		{"scale", "times a number", schedule.Scale{S: cosine, By: 0.01}},
		{"offset", "plus a number", schedule.Offset{S: cosine, By: 10}},
		{"clamp", "between two numbers", schedule.Clamp{S: cosine, Lo: 0.2, Hi: 0.8}},
		{"quantize", "in multiples, here an image size",
			schedule.Quantize{S: schedule.Ramp{From: 112, To: 224, Start: 300, End: 900}, Multiple: 16}},
	}
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("schedules", flag.ContinueOnError)
	out := flags.String("out", "", "write an SVG image of each schedule to this folder")
	plot := flags.Bool("plot", false, "plot each schedule as text")
	file := flags.String("json", "", "show the schedule in this JSON file")
	text := flags.String("text", "", `show the schedule in this short form: "0.3@0, 0.15@1dur linear"`)
	plan := schedule.Plan{Total: schedule.Duration{Value: length, Unit: schedule.Steps}}
	flags.TextVar(&plan.Total, "total", plan.Total, "length of the run, for -json and -text: 90ep, 70000st, 3e9tok")
	flags.Float64Var(&plan.StepsPerEpoch, "steps-per-epoch", 0, "what an epoch is worth, for durations in ep")
	flags.Float64Var(&plan.SamplesPerStep, "samples-per-step", 0, "batch size, for durations in sp")
	flags.Float64Var(&plan.TokensPerStep, "tokens-per-step", 0, "tokens in a batch, for durations in tok")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "schedules draws every family of schedules in the terminal, or one of your own, with "+
			"its values and its text.\n\nFlags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	entries, end := gallery(), float64(length)
	if *file != "" || *text != "" {
		e, total, err := own(*file, *text, plan)
		if err != nil {
			return err
		}
		entries, end, *plot = []entry{e}, total, true
	}
	if err := cli.Directory(*out); err != nil {
		return err
	}
	for _, e := range entries {
		if err := show(w, e, end, *plot); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if *out != "" {
			if err := save(*out, e, end); err != nil {
				return err
			}
		}
	}
	return nil
}

// own is the user's schedule and the length of the run in steps.
func own(file, text string, plan schedule.Plan) (entry, float64, error) {
	var spec schedule.Spec
	var err error
	name := "schedule"
	switch {
	case file != "" && text != "":
		return entry{}, 0, errors.New("-json and -text exclude each other")
	case text != "":
		spec, err = schedule.ParseText(text)
	default:
		var b []byte
		if b, err = os.ReadFile(file); err == nil {
			spec, err = schedule.ParseJSON(b)
		}
		name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	if err != nil {
		return entry{}, 0, err
	}
	s, err := spec.Compile(plan, schedule.Steps)
	if err != nil {
		return entry{}, 0, err
	}
	total, err := plan.Convert(plan.Total, schedule.Steps)
	return entry{name, spec.String(), s}, total, err
}

func show(w io.Writer, e entry, end float64, plot bool) error {
	line, err := schedule.Sparkline(e.s, 0, end, 60)
	if err != nil {
		return err
	}
	lo, hi, err := schedule.Range(e.s, 0, end)
	if err != nil {
		return err
	}
	at, err := schedule.Breakpoints(e.s, 0, end)
	if err != nil {
		return err
	}
	sum, err := schedule.Integral(e.s, 0, int(end))
	if err != nil {
		return err
	}
	var values []string
	for _, x := range []float64{0, 0.25, 0.5, 0.75, 1} {
		values = append(values, fmt.Sprintf("s(%.6g) = %.4g", x*end, e.s.Value(x*end)))
	}
	fmt.Fprintf(w, "%s: %s\n  %s\n  %s\n", e.name, e.formula, line, strings.Join(values, "   "))
	fmt.Fprintf(w, "  from %.4g to %.4g, mean %.4g, %d breakpoints\n", lo, hi, sum/max(1, float64(int(end))), len(at))
	if plot {
		p, err := schedule.Plot(e.s, 0, end, 60, 10)
		if err != nil {
			return err
		}
		fmt.Fprint(w, p)
	}
	fmt.Fprintln(w)
	return nil
}

func save(dir string, e entry, end float64) error {
	var svg bytes.Buffer
	if err := schedule.WriteSVG(&svg, e.name, e.s, schedule.Steps, 0, end); err != nil {
		return err
	}
	file := strings.NewReplacer(" ", "-", ",", "").Replace(e.name) + ".svg"
	return os.WriteFile(filepath.Join(dir, file), svg.Bytes(), 0o644)
}
