package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// comparison is what compare tells of a method against the baseline.
type comparison struct {
	Task           string             `json:"task"`
	Model          string             `json:"model"`
	Method         string             `json:"method"`
	Baseline       string             `json:"baseline"`
	BaselineRuns   int                `json:"baseline_runs"`
	MethodRuns     int                `json:"method_runs"`
	BaselineFailed int                `json:"baseline_failed"`
	MethodFailed   int                `json:"method_failed"`
	Cost           string             `json:"cost"`
	Quality        string             `json:"quality"`
	Direction      tradeoff.Direction `json:"direction"`
	Guessed        bool               `json:"direction_guessed"` // by the name of the quality
	Lines          []statement        `json:"results"`
	P              *float64           `json:"p,omitempty"`      // of the U test of the best qualities
	PHolm          *float64           `json:"p_holm,omitempty"` // adjusted for all comparisons
}

// statement is one result: an estimate, a text, or why there is none.
type statement struct {
	Name     string          `json:"name"`
	Target   *float64        `json:"target,omitempty"` // the quality of a speedup
	Over     *span           `json:"over,omitempty"`   // of a gain or an average
	Estimate *stats.Estimate `json:"estimate,omitempty"`
	Text     string          `json:"text,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// span is the costs or qualities that a result is over, from and to the same if it is at one.
type span struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// settings of a comparison.
type comparing struct {
	targets    numbers
	margin     float64
	level      float64
	seed       uint64
	replicates int
	power      float64
	smallest   float64
	reading    tradeoff.Interpolation
}

func compare(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	var k comparing
	var show showing
	base := c.flags.String("baseline", "", "method to compare with (default the one without a name)")
	methods := c.flags.String("method", "", "methods to compare, with commas between (default all others)")
	how := k.register(c.flags)
	show.register(c.flags)
	files, err := c.parse(args)
	if err != nil {
		return err
	}
	if err := show.check(c); err != nil {
		return err
	}
	var ok bool
	if k.reading, ok = map[string]tradeoff.Interpolation{"first": tradeoff.FirstHit, "linear": tradeoff.Linear,
		"log": tradeoff.LogCost}[*how]; !ok {
		return c.misuse("-interpolation is %q, want first, linear or log", *how)
	}
	if !(k.level > 0 && k.level < 1) || k.replicates < 1 || k.margin < 0 {
		return c.misuse("-level must lie between 0 and 1, -replicates be 1 or more, -margin 0 or more")
	}
	log, err := c.thinLog(files, &s)
	if err != nil {
		return err
	}
	settings, err := c.arms(log, &s)
	if err != nil {
		return err
	}
	var all []comparison
	for _, arms := range settings {
		more, err := k.setting(c, arms, *base, *methods)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	if err := holm(all); err != nil {
		return err
	}
	findings, err := log.Review()
	if err != nil {
		return err
	}
	return show.write(c, all, findings)
}

func (k *comparing) register(f *flag.FlagSet) (interpolation *string) {
	f.Var(&k.targets, "target",
		"qualities to compare times at, with commas between (default the best that all runs of the baseline reach)")
	f.Float64Var(&k.margin, "margin", 0, "by how much the method may be worse: of the test of non-inferiority")
	f.Float64Var(&k.level, "level", 0.95, "of intervals and verdicts")
	f.Uint64Var(&k.seed, "seed", 0, "of the bootstrap")
	f.IntVar(&k.replicates, "replicates", 10_000, "of the bootstrap")
	f.Float64Var(&k.power, "power", 0.8, "with which the speedup is to be told from 1 by the runs needed")
	f.Float64Var(&k.smallest, "speedup", 0,
		"the smallest speedup that matters, for the runs needed (default the one measured)")
	return f.String("interpolation", "first", "reading of curves: first (hit), linear or log")
}

// showing is how comparisons are printed.
type showing struct {
	json                       bool
	format, list, row, columns string
	group                      *grouping
}

func (s *showing) register(f *flag.FlagSet) {
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVar(&s.format, "format", "text", "text, markdown, latex, csv or json (as -json)")
	f.StringVar(&s.row, "row", "",
		"keys that make the rows of a table of speedups: task, model or method, with commas between")
	f.StringVar(&s.columns, "col", "", "keys that make its columns (default those that -row does not name)")
	f.StringVar(&s.list, "checklist", "summary", "full, summary (errors, and how many others) or none")
}

func (s *showing) check(c *call) (err error) {
	if !slices.Contains(formats, s.format) {
		return c.misuse("-format is %q, want one of %q", s.format, formats)
	}
	if s.list != "full" && s.list != "summary" && s.list != "none" {
		return c.misuse("-checklist is %q, want full, summary or none", s.list)
	}
	if s.group, err = newGrouping(s.row, s.columns); err != nil {
		return c.misuse("%v", err)
	}
	return nil
}

func (s *showing) write(c *call, all []comparison, findings []runlog.Finding) (err error) {
	var speedups *table
	var means []geomean
	if s.group != nil {
		if speedups, means, err = s.group.table(all); err != nil {
			return err
		}
	}
	switch {
	case s.json || s.format == "json":
		return json.NewEncoder(c.stdout).Encode(struct {
			Comparisons []comparison     `json:"comparisons"`
			Geomeans    []geomean        `json:"geomeans,omitempty"`
			Checklist   []runlog.Finding `json:"checklist"`
		}{all, means, append([]runlog.Finding{}, findings...)})
	case s.format != "text" && s.group == nil:
		return results(all).write(c, s.format)
	case s.group != nil:
		if err := speedups.write(c, s.format); err != nil || s.format != "text" {
			return err
		}
	default:
		for _, one := range all {
			one.print(c)
		}
	}
	c.checklist(findings, s.list)
	return nil
}

// checklist prints findings: all, or errors and how many others.
func (c *call) checklist(findings []runlog.Finding, how string) {
	if how == "none" {
		return
	}
	fmt.Fprintln(c.stdout, "checklist")
	rest := map[runlog.Severity]int{}
	for _, f := range findings {
		if how == "full" || f.Severity == runlog.Error {
			fmt.Fprintln(c.stdout, " ", f)
			continue
		}
		rest[f.Severity]++
	}
	if len(rest) > 0 {
		fmt.Fprintf(c.stdout, "  %d warnings and %d undecided: -checklist full lists them\n", rest[runlog.Warning],
			rest[runlog.Undecided])
	}
}

// setting compares the methods of a task and model.
func (k *comparing) setting(c *call, arms []runlog.Arm, base, methods string) ([]comparison, error) {
	find := func(name string) int { return indexOf(arms, name) }
	b := find(base)
	var names []string
	for _, a := range arms {
		names = append(names, a.Runs.Name)
	}
	if b < 0 {
		return nil, fmt.Errorf("%s has no method %q to compare with; choose -baseline from %q", setting(arms[0]), base, names)
	}
	verdicts, err := k.verdicts(c, arms)
	if err != nil {
		return nil, err
	}
	var wanted []string
	if methods != "" {
		wanted = strings.Split(methods, ",")
	}
	for _, name := range wanted {
		if find(name) < 0 {
			return nil, fmt.Errorf("%s has no method %q; there are %q", setting(arms[0]), name, names)
		}
	}
	var all []comparison
	for i, a := range arms {
		if i != b && (wanted == nil || slices.Contains(wanted, a.Runs.Name)) {
			one := k.pair(c, arms[b], a)
			one.Lines = append(one.Lines, statement{Name: "verdict", Text: verdicts[i]})
			all = append(all, one)
		}
	}
	return all, nil
}

// indexOf is where a method is among arms, -1 if it is not.
func indexOf(arms []runlog.Arm, name string) int {
	return slices.IndexFunc(arms, func(a runlog.Arm) bool { return a.Method == name || a.Runs.Name == name })
}

// verdicts is the standing of each method by the cost of its runs and their best quality.
func (k *comparing) verdicts(c *call, arms []runlog.Arm) ([]string, error) {
	var runs []tradeoff.Runs
	for _, a := range arms {
		runs = append(runs, a.Runs)
	}
	measured, err := pareto.Measure(runs...)
	if err != nil {
		return nil, err
	}
	standings, err := pareto.Verdicts(measured, arms[0].Runs.Direction(), pareto.WithLevel(k.level),
		pareto.WithResampling(stats.WithSeed(k.seed), stats.WithReplicates(k.replicates), c.resampling()))
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, s := range standings {
		text := fmt.Sprintf("%v at cost %.4g, quality %.4g: on the frontier in %.0f%% of replicates", s.Verdict, s.Cost,
			s.Quality, 100*s.Optimal)
		texts = append(texts, text)
	}
	return texts, nil
}

// ranked is the best quality of each run of both arms, for tests of ranks: runs that failed are behind all others.
func ranked(base, method tradeoff.Runs) (b, m []float64) {
	dir := base.Direction()
	worst := math.Inf(1)
	for _, r := range []tradeoff.Runs{base, method} {
		for _, q := range best(r) {
			worst = min(worst, dir.Sign()*q)
		}
	}
	last := dir.Sign() * (worst - 1 - math.Abs(worst))
	of := func(r tradeoff.Runs) (q []float64) {
		for _, c := range r.Curves {
			if c.Failed() {
				q = append(q, last)
			} else {
				q = append(q, c.Best().Quality)
			}
		}
		return q
	}
	return of(base), of(method)
}

// pair compares a method with the baseline.
func (k *comparing) pair(c *call, base, method runlog.Arm) comparison {
	b, m := base.Runs, method.Runs
	one := comparison{Task: method.Task, Model: method.Model, Method: m.Name, Baseline: b.Name,
		BaselineRuns: len(b.Curves), MethodRuns: len(m.Curves), BaselineFailed: b.Failed(),
		MethodFailed: m.Failed(), Cost: method.Cost, Quality: method.Quality, Direction: m.Direction(),
		Guessed: base.Guessed || method.Guessed}
	estimate := func(name string, e stats.Estimate, err error) {
		if err != nil {
			one.Lines = append(one.Lines, statement{Name: name, Error: plain(err)})
			return
		}
		one.Lines = append(one.Lines, statement{Name: name, Estimate: &e})
	}
	over := func(name string, from, to float64) {
		if from-from == 0 && to-to == 0 {
			one.Lines[len(one.Lines)-1].Over = &span{name, from, to}
		}
	}
	bootstrap := []stats.Option{stats.WithLevel(k.level), stats.WithSeed(k.seed), stats.WithReplicates(k.replicates),
		c.resampling()}
	interval, reading := tradeoff.WithInterval(bootstrap...), tradeoff.WithInterpolation(k.reading)
	targets := k.targets
	if len(targets) == 0 {
		targets = numbers{b.CommonBest()}
	}
	for _, q := range targets {
		e, err := tradeoff.Speedup(b, m, tradeoff.AtQuality(q), reading, interval)
		estimate(fmt.Sprintf("speedup at %v", q), e, err)
		one.Lines[len(one.Lines)-1].Target = &q
		if errors.Is(err, tradeoff.ErrNotReached) {
			one.Lines = append(one.Lines, survival(b, m, q, k.reading))
		}
	}
	e, err := tradeoff.AverageSpeedup(b, m, interval)
	worst, best := tradeoff.CommonQualities(b, m)
	estimate("average speedup"+between(method.Quality, worst, best), e, err)
	over(method.Quality, worst, best)
	first, last := tradeoff.CommonCosts(b, m)
	e, err = tradeoff.Gain(b, m, reading, interval)
	estimate(fmt.Sprintf("gain at %s %.6g", method.Cost, last), e, err)
	over(method.Cost, last, last)
	e, err = tradeoff.AverageGain(b, m, bootstrap...)
	estimate("average gain"+between(method.Cost, first, last), e, err)
	over(method.Cost, first, last)
	if n, err := tradeoff.NonInferior(b, m, k.margin, stats.WithLevel(k.level)); err != nil {
		one.Lines = append(one.Lines, statement{Name: "best quality", Error: plain(err)})
	} else {
		one.Lines = append(one.Lines, statement{Name: fmt.Sprintf("best quality, margin %.4g", k.margin), Text: n.String()})
	}
	if u, err := stats.MannWhitney(ranked(b, m)); err == nil {
		one.P = &u.P
		one.Lines = append(one.Lines, statement{Name: "best quality, U test", Text: u.String()})
	}
	options := []tradeoff.NeededOption{tradeoff.AtQuality(targets[0]), tradeoff.WithInterpolation(k.reading),
		tradeoff.WithLevel(k.level), tradeoff.WithPower(k.power)}
	if k.smallest != 0 {
		options = append(options, tradeoff.ForSpeedup(k.smallest))
	}
	if n, err := tradeoff.RunsNeeded(b, m, options...); err != nil {
		one.Lines = append(one.Lines, statement{Name: "runs needed", Error: plain(err)})
	} else {
		one.Lines = append(one.Lines, statement{Name: "runs needed", Text: n.String()})
	}
	return one
}

// between names the range that an average is over.
func between(name string, from, to float64) string {
	if from-from != 0 || to-to != 0 {
		return ""
	}
	return fmt.Sprintf(", %s %.4g to %.4g", name, from, to)
}

// survival compares times that not all runs have.
func survival(base, method tradeoff.Runs, q float64, how tradeoff.Interpolation) statement {
	a, b := base.Times(q, how), method.Times(q, how)
	reached := func(times []stats.Lifetime) (n int) {
		for _, t := range times {
			if t.Event {
				n++
			}
		}
		return n
	}
	s := statement{Name: fmt.Sprintf("runs that reach %v", q),
		Text: fmt.Sprintf("%d of %d of the baseline, %d of %d of the method", reached(a), len(a), reached(b), len(b))}
	if test, err := stats.LogRank(a, b); err == nil {
		s.Text += fmt.Sprintf("; log-rank p=%.3f", test.P)
	}
	return s
}

// holm adjusts the P values of all comparisons.
func holm(all []comparison) error {
	var p []float64
	var at []int
	for i, one := range all {
		if one.P != nil {
			p, at = append(p, *one.P), append(at, i)
		}
	}
	adjusted, err := stats.Holm(p)
	if err != nil {
		return err
	}
	for i, k := range at {
		all[k].PHolm = &adjusted[i]
	}
	return nil
}

func (one comparison) print(c *call) {
	fmt.Fprintf(c.stdout, "%s: %s against %s, %d and %d runs, %s over %s, %s\n",
		setting(runlog.Arm{Task: one.Task, Model: one.Model}), one.Method, one.Baseline, one.MethodRuns, one.BaselineRuns,
		one.Quality, one.Cost, better(one.Direction, one.Guessed))
	if one.MethodFailed+one.BaselineFailed > 0 {
		fmt.Fprintf(c.stdout, "  failed: %d of %d runs of %s, %d of %d of %s\n", one.MethodFailed, one.MethodRuns, one.Method,
			one.BaselineFailed, one.BaselineRuns, one.Baseline)
	}
	var notes []string
	for _, l := range one.Lines {
		switch {
		case l.Error != "":
			fmt.Fprintf(c.stdout, "  %-42s none: %s\n", l.Name, l.Error)
		case l.Estimate != nil:
			fmt.Fprintf(c.stdout, "  %-42s %v\n", l.Name, *l.Estimate)
			for _, w := range l.Estimate.Warnings {
				if text := plain(w); !slices.Contains(notes, text) {
					notes = append(notes, text)
				}
			}
		default:
			fmt.Fprintf(c.stdout, "  %-42s %s\n", l.Name, l.Text)
		}
	}
	if one.PHolm != nil && *one.PHolm != *one.P {
		fmt.Fprintf(c.stdout, "  %-42s p=%.3f for all comparisons (Holm)\n", "", *one.PHolm)
	}
	for _, n := range notes {
		fmt.Fprintf(c.stdout, "  * %s\n", n)
	}
	fmt.Fprintln(c.stdout)
}

// better says which way a quality improves, and where it has been guessed.
func better(d tradeoff.Direction, guessed bool) string {
	text := d.String() + " is better"
	if guessed {
		text += " (guessed by its name)"
	}
	return text
}

// results is a row for each result, numbers with all digits.
func results(all []comparison) *table {
	t := &table{header: []string{"task", "model", "method", "baseline", "cost", "quality", "runs", "baseline_runs",
		"failed", "baseline_failed", "result", "over", "from", "to", "value", "lo", "hi", "interval", "text"}}
	for _, one := range all {
		for _, l := range one.Lines {
			row := []string{one.Task, one.Model, one.Method, one.Baseline, one.Cost, one.Quality, fmt.Sprint(one.MethodRuns),
				fmt.Sprint(one.BaselineRuns), fmt.Sprint(one.MethodFailed), fmt.Sprint(one.BaselineFailed), l.Name}
			if l.Over != nil {
				row = append(row, l.Over.Name, fmt.Sprint(l.Over.From), fmt.Sprint(l.Over.To))
			} else if l.Target != nil {
				row = append(row, one.Quality, fmt.Sprint(*l.Target), fmt.Sprint(*l.Target))
			} else {
				row = append(row, "", "", "")
			}
			if e := l.Estimate; e != nil {
				row = append(row, fmt.Sprint(e.Value), fmt.Sprint(e.Lo), fmt.Sprint(e.Hi), e.Interval.String(), "")
			} else {
				row = append(row, "", "", "", "", l.Text+l.Error)
			}
			t.add(row...)
		}
	}
	return t
}
