package main

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// formats is the values of -format beside json.
var formats = []string{"text", "markdown", "latex", "csv", "json"}

// table is rows under a header.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes a table in a format other than json.
func (t *table) write(c *call, format string) error {
	switch format {
	case "csv":
		w := csv.NewWriter(c.stdout)
		_ = w.Write(t.header) // Flush keeps the error
		_ = w.WriteAll(t.rows)
		return w.Error()
	case "markdown":
		rule := make([]string, len(t.header))
		for i := range rule {
			rule[i] = "---"
		}
		for _, row := range slices.Concat([][]string{t.header, rule}, t.rows) {
			cells := make([]string, len(row))
			for k, cell := range row {
				cells[k] = strings.ReplaceAll(cell, "|", `\|`)
			}
			fmt.Fprintf(c.stdout, "| %s |\n", strings.Join(cells, " | "))
		}
		return nil
	case "latex":
		fmt.Fprintf(c.stdout, "\\begin{tabular}{%s}\n", strings.Repeat("l", len(t.header)))
		for i, row := range append([][]string{t.header}, t.rows...) {
			cells := make([]string, len(row))
			for k, cell := range row {
				cells[k] = latex.Replace(cell)
			}
			fmt.Fprintln(c.stdout, strings.Join(cells, " & ")+` \\`)
			if i == 0 {
				fmt.Fprintln(c.stdout, `\hline`)
			}
		}
		fmt.Fprintln(c.stdout, `\end{tabular}`)
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

var latex = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "_", `\_`, "#", `\#`, "$", `\$`,
	"{", `\{`, "}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`)
