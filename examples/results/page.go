package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// Marks hold the sections of RESULTS.md that this program writes; what stands outside of them is written by people.
func marks(experiment string) (begin, end string) {
	return fmt.Sprintf("<!-- %s: written by examples/results -->\n", experiment),
		fmt.Sprintf("<!-- end of %s -->\n", experiment)
}

// find is the text between the marks of an experiment, and where it begins and ends.
func find(page, experiment string) (lo, hi int, ok bool) {
	begin, end := marks(experiment)
	lo = strings.Index(page, begin)
	if lo < 0 {
		return 0, 0, false
	}
	lo += len(begin)
	length := strings.Index(page[lo:], end)
	return lo, lo + length, length >= 0
}

// replace puts the section of a record between its marks. A page without them gets both at its end.
func replace(page string, r Record) string {
	if lo, hi, ok := find(page, r.Experiment); ok {
		return page[:lo] + section(r) + page[hi:]
	}
	begin, end := marks(r.Experiment)
	return page + "\n" + begin + section(r) + end
}

// seeds is what there is a number of for each claim, as a rule.
const seeds = "seeds"

// unit is what there is a number of for each claim.
func (r Run) unit() string { return cmp.Or(r.Unit, seeds) }

// section is a record as Markdown: a table of claims, what the numbers do not say, and a table of other settings.
func section(r Record) string {
	var b strings.Builder
	about := r.About
	if i := slices.Index(names(), r.Experiment); i >= 0 && len(experiments[i].needs) > 0 {
		about += " DIR has " + strings.Join(experiments[i].needs, ", ") + "."
	}
	if r.unit() == seeds && len(r.Claims) > 0 {
		about += fmt.Sprintf(" %d seeds.", len(r.Seeds))
	}
	fmt.Fprintf(&b, "\n%s\n", wrap(fmt.Sprintf("`%s`: %s", command(r.Experiment, r.Run, false), about)))
	b.WriteString(exactTable(r.Exact))
	if len(r.Claims) > 0 {
		fmt.Fprintf(&b, "\n| | claim | number | mean, 99.9 %% interval | spread | %s | verdict | control | smallest seen |\n",
			r.unit())
		b.WriteString("|--:|---|---|--:|--:|--:|---|---|--:|\n")
	}
	for i, c := range r.Claims {
		o := c.Outcome
		fmt.Fprintf(&b, "| %d | %s | %s, %v | %s | %s | %d of %d | **%s** | %s: %s | %s |\n", i+1, c.Text, c.Quantity, c.Bar,
			interval(o.Mean), number(o.Spread), o.Held, len(c.Values), verdict(c), c.Control, interval(o.Control), power(c))
	}
	b.WriteString(notes(r.Claims))
	b.WriteString(elsewhere(r))
	b.WriteString("\n")
	return b.String()
}

// command is what writes a run again.
func command(experiment string, r Run, elsewhere bool) string {
	c := fmt.Sprintf("go run ./examples/results -only %s -seed %d", experiment, r.Seed)
	usual := usualSeeds
	if elsewhere {
		c, usual = c+" -settings", fewSeeds
	}
	if i := slices.Index(names(), experiment); i >= 0 {
		usual = experiments[i].usual(elsewhere)
		if len(experiments[i].needs) > 0 {
			c += " -data DIR"
		}
	}
	switch {
	case r.Quick:
		c += " -quick"
	case len(r.Seeds) != usual:
		c += fmt.Sprintf(" -seeds %d", len(r.Seeds))
	}
	return c
}

// notes is each note once, with the numbers of its claims.
func notes(claims []Claim) string {
	var list []string
	numbers := map[string][]string{}
	for i, c := range claims {
		if c.Note == "" {
			continue
		}
		if numbers[c.Note] == nil {
			list = append(list, c.Note)
		}
		numbers[c.Note] = append(numbers[c.Note], fmt.Sprint(i+1))
	}
	var b strings.Builder
	for i, note := range list {
		if i == 0 {
			b.WriteString("\n")
		}
		line := wrap(fmt.Sprintf("- Claim %s: %s", strings.Join(numbers[note], ", "), note))
		b.WriteString(strings.ReplaceAll(line, "\n", "\n  ") + "\n")
	}
	return b.String()
}

// elsewhere is the claims of a record in other settings, a column for each.
func elsewhere(r Record) string {
	if len(r.Elsewhere) == 0 {
		return ""
	}
	first := r.Elsewhere[0].Run
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", wrap(fmt.Sprintf("The same in other settings, `%s`, %d seeds each:",
		command(r.Experiment, first, true), len(first.Seeds))))
	for _, e := range r.Elsewhere {
		b.WriteString(strings.ReplaceAll(wrap(fmt.Sprintf("- *%s*: %s", e.Setting, e.Text)), "\n", "\n  ") + "\n")
	}
	b.WriteString("\n| |")
	for _, e := range r.Elsewhere {
		fmt.Fprintf(&b, " %s |", e.Setting)
	}
	b.WriteString("\n|--:|" + strings.Repeat("---|", len(r.Elsewhere)) + "\n")
	for i := range r.Claims {
		fmt.Fprintf(&b, "| %d |", i+1)
		for _, e := range r.Elsewhere {
			c := e.Claims[i]
			fmt.Fprintf(&b, " %s, %d of %d, **%s** |", interval(c.Outcome.Mean), c.Outcome.Held, len(c.Values),
				c.Outcome.Verdict)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// interval is an estimate with its interval.
func interval(e stats.Estimate) string {
	return fmt.Sprintf("%s [%s, %s]", number(e.Value), number(e.Lo), number(e.Hi))
}

// power is the smallest difference that would have been seen in four of five repetitions. Of seeds that all say the
// same it is the share of others among all seeds, of which at least one would have been drawn as often.
func power(c Claim) string {
	if n := len(c.Values); c.Outcome.Spread == 0 {
		return fmt.Sprintf("1 seed in %.0f that differs", 1/(1-math.Pow(0.2, 1/float64(n))))
	}
	return number(c.Outcome.Smallest)
}

// verdict is the verdict, with its count if some seeds differ from their mean.
func verdict(c Claim) string {
	if n := len(c.Values); c.Outcome.Verdict == Held && c.Outcome.Held < n {
		return fmt.Sprintf("held in %d of %d", c.Outcome.Held, n)
	}
	return string(c.Outcome.Verdict)
}

// wrap breaks a text into lines of at most 116 columns, which leaves room to indent them.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case column+1+n > 116:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// text is a run for the terminal.
func text(r Run) string {
	var b strings.Builder
	b.WriteString(exactText(r.Exact))
	for _, c := range r.Claims {
		o := c.Outcome
		fmt.Fprintf(&b, "%-24s%s\n", verdict(c), c.Text)
		fmt.Fprintf(&b, "%24s%s, want %v: %s, %d of %d %s\n", "", c.Quantity, c.Bar, interval(o.Mean), o.Held,
			len(c.Values), r.unit())
		fmt.Fprintf(&b, "%24scontrol, %s: %s; smallest that could be seen: %s\n", "", c.Control, interval(o.Control),
			power(c))
	}
	return b.String()
}
