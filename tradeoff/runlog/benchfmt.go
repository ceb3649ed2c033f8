package runlog

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// WriteBenchfmt writes arms in the format of Go benchmarks, a line for each run, so that benchstat and what else
// reads it compare them:
//
//	Unit accuracy better=higher
//	BenchmarkTrain/task=digits/model=mlp/method=baseline 1 81.2 seconds-to-0.9 0.91 accuracy
//
// Each run has its best quality and, if targets are given, its cost to each that it reaches; one that it does not
// reach is not on its line, since the format has no censored values. The names of cost and quality are units.
// "benchstat -col /method FILE" puts methods side by side. The error wraps [tensor.ErrEmpty] without arms or names.
func WriteBenchfmt(w io.Writer, arms []Arm, cost, quality string, targets ...float64) error {
	if len(arms) == 0 || cost == "" || quality == "" {
		return fmt.Errorf("runlog: WriteBenchfmt: %d arms, cost %q and quality %q: %w", len(arms), cost, quality,
			tensor.ErrEmpty)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "Unit %s better=%v\n", word(quality), arms[0].Runs.Direction())
	units := make([]string, len(targets))
	for i, q := range targets {
		units[i] = word(cost) + "-to-" + strconv.FormatFloat(q, 'g', -1, 64)
		fmt.Fprintf(b, "Unit %s better=lower\n", units[i])
	}
	for _, a := range arms {
		name := "BenchmarkTrain/task=" + word(cmp.Or(a.Task, "none")) + "/model=" + word(cmp.Or(a.Model,
			"none")) + "/method=" + word(a.Runs.Name)
		for _, c := range a.Runs.Curves {
			b.WriteString(name + " 1")
			for i, q := range targets {
				if t, ok := c.TimeToQuality(q, tradeoff.FirstHit); ok {
					b.WriteString(" " + strconv.FormatFloat(t, 'g', -1, 64) + " " + units[i])
				}
			}
			b.WriteString(" " + strconv.FormatFloat(c.Best().Quality, 'g', -1, 64) + " " + word(quality) + "\n")
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("runlog: WriteBenchfmt: %w", err)
	}
	return nil
}

// word is s without what ends words in the format.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '/' || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, s)
}

// FormatDelta is the change from old to new in percent, such as "-3.21%", or "~" if p is above 0.05, as benchstat has
// it. It is "?" if old is 0 or one is above 0 and the other below.
func FormatDelta(old, new, p float64) string {
	switch {
	case !(p <= 0.05):
		return "~"
	case old == new:
		return "0.00%"
	case old == 0 || old > 0 && new < 0 || old < 0 && new > 0:
		return "?"
	}
	return fmt.Sprintf("%+.2f%%", 100*(new-old)/math.Abs(old))
}
