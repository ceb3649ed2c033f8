package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// tally is how many verdicts of a run are those of results.json.
type tally struct{ same, of int }

// add compares the runs of an experiment with its record, which it has, and prints each claim.
func (t *tally) add(all Results, experiment string, runs []Elsewhere) error {
	record := all.of(experiment)
	kept := append([]Elsewhere{{Run: record.Run}}, record.Elsewhere...)
	for _, run := range runs {
		i := slices.IndexFunc(kept, func(e Elsewhere) bool { return e.Setting == run.Setting })
		if i < 0 {
			return fmt.Errorf("-check: %s has no %s, %s", resultsFile, experiment, run.Setting)
		}
		if kept[i].Quick != run.Quick {
			return fmt.Errorf("-check: one of %s and this run is -quick, and the other is not", resultsFile)
		}
		if kept[i].Seed == run.Seed {
			fmt.Printf("seed %d is that of %s: the same numbers say nothing new\n", run.Seed, resultsFile)
		}
		same, of, report := compare(kept[i].Claims, run.Claims)
		more, ofMore, exact := compareExact(kept[i].Exact, run.Exact)
		same, of, report = same+more, of+ofMore, exact+report
		t.same, t.of = t.same+same, t.of+of
		fmt.Printf("%s: %d of %d verdicts are those of %s\n%s\n", experiment, same, of, resultsFile, report)
	}
	return nil
}

// judge prints the sum, and is an error if a verdict is not the same.
func (t tally) judge() error {
	fmt.Printf("%d of %d verdicts are those of %s\n", t.same, t.of, resultsFile)
	if t.same < t.of {
		return fmt.Errorf("-check: %d of %d verdicts turned", t.of-t.same, t.of)
	}
	return nil
}

// turned is what another run of the same claim says otherwise, or empty: the verdict, or a number of seeds that chance
// does not explain.
func (c Claim) turned(again Claim) string {
	switch n, m := len(c.Values), len(again.Values); {
	case c.Text != again.Text || c.Bar.String() != again.Bar.String():
		return fmt.Sprintf("another claim in %s: %s, %v", resultsFile, c.Text, c.Bar)
	case c.Outcome.Verdict != again.Outcome.Verdict:
		return "was " + verdict(c)
	case fisher(c.Outcome.Held, n, again.Outcome.Held, m) < 1-level:
		return fmt.Sprintf("was so in %d of %d seeds", c.Outcome.Held, n)
	}
	return ""
}

// compare is what a run says of the claims of another, how many of how many say the same, line by line.
func compare(was, is []Claim) (same, of int, report string) {
	var b strings.Builder
	for i, c := range is {
		change := "not in " + resultsFile
		if i < len(was) {
			change = was[i].turned(c)
		}
		if change == "" {
			same++
			fmt.Fprintf(&b, "  the same: %s: %s\n", verdict(c), c.Text)
			continue
		}
		fmt.Fprintf(&b, "  TURNED:   %s, %s: %s\n", verdict(c), change, c.Text)
	}
	for _, c := range was[min(len(is), len(was)):] {
		fmt.Fprintf(&b, "  GONE:     was %s: %s\n", verdict(c), c.Text)
	}
	return same, max(len(was), len(is)), b.String()
}

// compareExact is the same of statements without chance.
func compareExact(was, is []Exact) (same, of int, report string) {
	var b strings.Builder
	for i, e := range is {
		switch {
		case i >= len(was) || was[i].Text != e.Text:
			fmt.Fprintf(&b, "  TURNED:   %s, not in %s: %s\n", e.Verdict, resultsFile, e.Text)
		case was[i].Verdict != e.Verdict || was[i].Found.Agree != e.Found.Agree:
			fmt.Fprintf(&b, "  TURNED:   %s, %d of %d agree, was %s, %d: %s\n", e.Verdict, e.Found.Agree, e.Found.Values,
				was[i].Verdict, was[i].Found.Agree, e.Text)
		default:
			same++
			fmt.Fprintf(&b, "  the same: %s: %s\n", e.Verdict, e.Text)
		}
	}
	for _, e := range was[min(len(is), len(was)):] {
		fmt.Fprintf(&b, "  GONE:     was %s: %s\n", e.Verdict, e.Text)
	}
	return same, max(len(was), len(is)), b.String()
}

// fisher is the two-sided p value of Fisher's exact test of a of n against b of m.
func fisher(a, n, b, m int) float64 {
	total := a + b
	table := func(k int) float64 { // log of the probability of k of n, given the sums
		return logChoose(n, k) + logChoose(m, total-k) - logChoose(n+m, total)
	}
	p, seen := 0.0, table(a)
	for k := max(0, total-m); k <= min(n, total); k++ {
		if l := table(k); l <= seen+1e-9 {
			p += math.Exp(l)
		}
	}
	return min(p, 1)
}

func logChoose(n, k int) float64 {
	factorial := func(n int) float64 { v, _ := math.Lgamma(float64(n) + 1); return v }
	return factorial(n) - factorial(k) - factorial(n-k)
}
