package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/examples/mlm/window"
)

// report prints what came out and what it says about the paper.
func report(w io.Writer, p plan, runs []result) error {
	t := newTable(runs, p.seeds)
	fmt.Fprintf(w, "Loss on held-out text, %.0f %% of it masked, in nats; mean and standard deviation over %d seeds.\n",
		100*window.TestRate, p.seeds)
	fmt.Fprintf(w, "Step speedup: steps that constant 15 %% takes to its best loss, divided "+
		"by those to the same loss.\n\n")
	fmt.Fprintf(w, "%-22s %6s %8s  %-16s %-20s %s\n", "equal steps", "steps", "targets", "loss", "minus constant 15 %",
		"step speedup")
	for a := range window.Arms {
		t.row(w, a, false)
	}
	fmt.Fprintf(w, "\n%-22s %6s %8s  %-16s %s\n", "equal targets", "steps", "targets", "loss", "minus constant 15 %")
	for a := range window.Arms {
		t.row(w, a, true)
	}
	fmt.Fprint(w, `
This model computes targets only, so its steps cost in proportion to their number: the second table compares at equal
cost. BERT computes every position, and a step of it costs the same at any rate: the first table does. The paper counts
steps.

What the paper says, and what these runs say. A difference counts if it has the sign in a one-sided paired t-test at
5 %.

`)
	for _, s := range t.statements() {
		fmt.Fprintf(w, "%-23s %s\n%24s%s\n", s.verdict, s.claim, "", s.measured)
	}
	return nil
}

// table is the results by arm, in the order of the seeds.
type table struct {
	whole, short [][]result
	seeds        int
}

func newTable(runs []result, seeds int) table {
	t := table{make([][]result, len(window.Arms)), make([][]result, len(window.Arms)), seeds}
	for _, r := range runs {
		if r.short {
			t.short[r.arm] = append(t.short[r.arm], r)
		} else {
			t.whole[r.arm] = append(t.whole[r.arm], r)
		}
	}
	for a := range window.Arms {
		if t.short[a] == nil { // has this number of targets anyway
			t.short[a] = t.whole[a]
		}
	}
	return t
}

func (t table) row(w io.Writer, a int, short bool) {
	runs := t.whole
	if short {
		runs = t.short
	}
	targets := 0
	for _, r := range runs[a] {
		targets += r.last().Targets / t.seeds
	}
	line := fmt.Sprintf("%-22s %6d %7dk  %-16s",
		window.Arms[a].Name, runs[a][0].last().Step, (targets+500)/1000, spread(losses(runs[a]), "%.3f ± %.3f"))
	if a != window.Constant15 {
		line += fmt.Sprintf(" %-20s", spread(minus(losses(runs[a]), losses(t.whole[window.Constant15])), "%+.3f ± %.3f"))
		if !short {
			if s, ok := t.speedups(a); ok {
				line += spread(s, " %.2f ± %.2f")
			} else {
				line += " not reached"
			}
		}
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

func losses(runs []result) []float64 {
	var v []float64
	for _, r := range runs {
		v = append(v, r.last().Loss)
	}
	return v
}

func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// speedups compares the runs of every seed, if all of them get there.
func (t table) speedups(a int) ([]float64, bool) {
	var v []float64
	for i, base := range t.whole[window.Constant15] {
		best := base.curve[0]
		for _, p := range base.curve {
			if p.Loss < best.Loss {
				best = p
			}
		}
		steps, ok := reaches(t.whole[a][i].curve, best.Loss)
		if !ok {
			return nil, false
		}
		v = append(v, float64(best.Step)/steps)
	}
	return v, true
}

// reaches interpolates between the first evaluation at or below a loss and the one before it.
func reaches(curve []window.Point, loss float64) (float64, bool) {
	for i, p := range curve {
		switch {
		case p.Loss > loss:
		case i == 0:
			return float64(p.Step), true
		default:
			q := curve[i-1]
			return float64(q.Step) + float64(p.Step-q.Step)*(q.Loss-loss)/(q.Loss-p.Loss), true
		}
	}
	return 0, false
}

// statement is something that the paper says.
type statement struct{ verdict, claim, measured string }

const (
	confirmed = "confirmed"
	opposite  = "the opposite here"
	undecided = "not at this scale"
)

func (t table) statements() []statement {
	loss := make([][]float64, len(window.Arms))
	for a := range window.Arms {
		loss[a] = losses(t.whole[a])
	}
	lower := func(a, b int, claim string) statement {
		d := minus(loss[a], loss[b])
		return statement{sign(d), claim, fmt.Sprintf("loss of %s minus %s: %s",
			window.Arms[a].Name, window.Arms[b].Name, spread(d, "%+.3f ± %.3f"))}
	}
	gain := minus(loss[window.Linear], loss[window.Constant15])
	list := []statement{
		lower(window.Linear, window.Constant15, "linear 30 -> 15 % beats constant 15 % (by 0.46 points of GLUE, BERT-base)"),
		lower(window.Constant30, window.Constant15, "constant 30 % has a lower loss at 15 % than constant 15 % itself"),
		lower(window.Linear, window.Increasing, "decreasing beats increasing"),
	}

	fast := statement{undecided, "linear 30 -> 15 % needs fewer steps to the result of constant 15 % (1.89 times " +
		"fewer, BERT-base on GLUE)", "its loss is not reached by all seeds"}
	if s, ok := t.speedups(window.Linear); ok {
		fast.measured = fmt.Sprintf("step speedup on the loss: %s; 1.89 on GLUE is out of reach here",
			spread(s, "%.2f ± %.2f"))
		fast.verdict = sign(minus(make([]float64, len(s)), minus(s, ones(len(s)))))
	}

	d := minus(loss[window.Step], loss[window.Linear])
	alike := statement{undecided, "one step from 30 to 15 % is about as good as the line",
		fmt.Sprintf("difference of loss: %s, gain of the line over constant 15 %%: %s",
			spread(d, "%+.3f ± %.3f"), spread(gain, "%+.3f ± %.3f"))}
	if math.Abs(mean(d)) < 0.25*math.Abs(mean(gain)) {
		alike.verdict = confirmed
	}

	d = minus(loss[window.Subset], loss[window.Constant15])
	control := statement{undecided, "more corruption without more targets does not help",
		fmt.Sprintf("loss of the subset minus constant 15 %%: %s", spread(d, "%+.3f ± %.3f"))}
	switch {
	case sign(d) == confirmed:
		control.verdict = opposite
	case mean(d) > 0:
		control.verdict = confirmed
	}

	d = minus(loss[window.Linear], loss[window.Constant30])
	best := statement{undecided, "linear 30 -> 15 % beats constant 30 % too, on GLUE, at about the same loss",
		fmt.Sprintf("there is no GLUE here; difference of loss: %s", spread(d, "%+.3f ± %.3f"))}

	costly := minus(losses(t.short[window.Linear]), loss[window.Constant15])
	cost := statement{"not in the paper", "at equal numbers of targets",
		fmt.Sprintf("loss of linear minus constant 15 %%: %s, of constant 30 %%: %s", spread(costly, "%+.3f ± %.3f"),
			spread(minus(losses(t.short[window.Constant30]), loss[window.Constant15]), "%+.3f ± %.3f"))}
	rest := statement{undecided, "BERT-large, BLiMP and random token substitution gain as well", "not tried"}
	return append(list, fast, alike, control, best, rest, cost)
}

// sign tests whether differences are negative.
func sign(d []float64) string {
	// 95 % quantiles of Student's t for 1, 2, ... degrees of freedom; a few more change little.
	quantiles := []float64{6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83}
	limit := quantiles[min(len(d)-1, len(quantiles))-1] * deviation(d) / math.Sqrt(float64(len(d)))
	switch m := mean(d); {
	case m < -limit:
		return confirmed
	case m > limit:
		return opposite
	}
	return undecided
}

func spread(v []float64, format string) string { return fmt.Sprintf(format, mean(v), deviation(v)) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// deviation is the standard deviation of the sample.
func deviation(v []float64) float64 {
	m, sum := mean(v), 0.0
	for _, x := range v {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(v)-1))
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}
