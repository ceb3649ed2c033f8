package main

import (
	"fmt"
	"strings"
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

// section is a record as Markdown: a table of claims, and where each was seen to turn.
func section(r Record) string {
	var b strings.Builder
	flags := fmt.Sprintf("-only %s -seed %d", r.Experiment, r.Seed)
	switch {
	case r.Quick:
		flags += " -quick"
	case len(r.Seeds) != usualSeeds:
		flags += fmt.Sprintf(" -seeds %d", len(r.Seeds))
	}
	fmt.Fprintf(&b, "\n%s\n", wrap(fmt.Sprintf("`go run ./examples/results %s`: %s %d seeds.", flags, r.Setting,
		len(r.Seeds))))
	b.WriteString("\n| | claim | number | mean, 95 % interval | spread | seeds | verdict | control | smallest seen |\n")
	b.WriteString("|--:|---|---|--:|--:|--:|---|---|--:|\n")
	for i, c := range r.Claims {
		o := c.Outcome
		fmt.Fprintf(&b, "| %d | %s | %s, %v | %s [%s, %s] | %s | %d of %d | **%s** | %s: %s [%s, %s] | %s |\n", i+1, c.Text,
			c.Quantity, c.Bar, number(o.Mean.Value), number(o.Mean.Lo), number(o.Mean.Hi), number(o.Spread), o.Held,
			len(c.Values), verdict(c), c.Control, number(o.Control.Value), number(o.Control.Lo), number(o.Control.Hi), power(o))
	}
	b.WriteString(elsewhere(r.Claims))
	b.WriteString("\n")
	return b.String()
}

// elsewhere is what became of the claims in other settings, each remark once with the numbers of its claims.
func elsewhere(claims []Claim) string {
	var remarks []string
	numbers := map[string][]string{}
	for i, c := range claims {
		if c.Turns == "" {
			continue
		}
		if numbers[c.Turns] == nil {
			remarks = append(remarks, c.Turns)
		}
		numbers[c.Turns] = append(numbers[c.Turns], fmt.Sprint(i+1))
	}
	if len(remarks) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nIn other settings:\n\n")
	for _, remark := range remarks {
		line := wrap(fmt.Sprintf("- Claim %s: %s", strings.Join(numbers[remark], ", "), remark))
		b.WriteString(strings.ReplaceAll(line, "\n", "\n  ") + "\n")
	}
	return b.String()
}

// power is the smallest difference that could have been seen. Seeds that all say the same tell nothing of that.
func power(o Outcome) string {
	if o.Spread == 0 {
		return "unknown"
	}
	return number(o.Smallest)
}

// verdict is the verdict with its count where that belongs to it.
func verdict(c Claim) string {
	if c.Outcome.Verdict == HeldIn {
		return fmt.Sprintf("held in %d of %d", c.Outcome.Held, len(c.Values))
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

// text is a record for the terminal.
func text(r Record) string {
	var b strings.Builder
	for _, c := range r.Claims {
		o := c.Outcome
		fmt.Fprintf(&b, "%-22s %s\n", verdict(c), c.Text)
		fmt.Fprintf(&b, "%23s%s, want %v: %s [%s, %s], %d of %d seeds\n", "", c.Quantity, c.Bar, number(o.Mean.Value),
			number(o.Mean.Lo), number(o.Mean.Hi), o.Held, len(c.Values))
		fmt.Fprintf(&b, "%23scontrol, %s: %s [%s, %s]; smallest that could be seen: %s\n", "", c.Control,
			number(o.Control.Value), number(o.Control.Lo), number(o.Control.Hi), power(o))
	}
	return b.String()
}
