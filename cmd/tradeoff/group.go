package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// grouping is the keys of comparisons that make rows and columns of a table of speedups.
type grouping struct{ rows, columns []string }

// keys of a comparison.
var keys = []string{"task", "model", "method"}

// newGrouping reads -row and -col; what neither names is a key of the columns if none was given for them, else of the
// rows.
func newGrouping(row, column string) (*grouping, error) {
	if row == "" && column == "" {
		return nil, nil
	}
	g := &grouping{}
	for _, side := range []struct {
		flag, text string
		keys       *[]string
	}{{"-row", row, &g.rows}, {"-col", column, &g.columns}} {
		if side.text == "" {
			continue
		}
		for _, key := range strings.Split(side.text, ",") {
			switch {
			case !slices.Contains(keys, key):
				return nil, fmt.Errorf("%s: no key %q; there are %q", side.flag, key, keys)
			case slices.Contains(g.rows, key) || slices.Contains(g.columns, key):
				return nil, fmt.Errorf("%s: %s is named twice", side.flag, key)
			}
			*side.keys = append(*side.keys, key)
		}
	}
	rest := &g.rows
	if column == "" {
		rest = &g.columns
	}
	for _, key := range keys {
		if !slices.Contains(g.rows, key) && !slices.Contains(g.columns, key) {
			*rest = append(*rest, key)
		}
	}
	return g, nil
}

// name is what a comparison has for keys.
func (one comparison) name(keys []string) string {
	var parts []string
	for _, key := range keys {
		value := map[string]string{"task": one.Task, "model": one.Model, "method": one.Method}[key]
		if value != "" {
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, "/")
}

// geomean is the geometric mean of the speedups of a column.
type geomean struct {
	Column string   `json:"column"`
	Value  *float64 `json:"value"` // null if no row has a speedup
	Rows   int      `json:"rows"`  // that have one
	Of     int      `json:"of"`
}

// table has the speedup of each comparison at its first target, and below several rows their geometric mean.
func (g *grouping) table(all []comparison) (*table, []geomean, error) {
	var rows, columns []string
	cells := map[[2]string]*comparison{}
	for i := range all {
		at := [2]string{all[i].name(g.rows), all[i].name(g.columns)}
		if cells[at] != nil {
			return nil, nil, fmt.Errorf("-row and -col put two comparisons, %s and %s, into one cell", cells[at].name(keys),
				all[i].name(keys))
		}
		cells[at] = &all[i]
		if !slices.Contains(rows, at[0]) {
			rows = append(rows, at[0])
		}
		if !slices.Contains(columns, at[1]) {
			columns = append(columns, at[1])
		}
	}
	t := &table{header: append([]string{strings.Join(g.rows, "/")}, columns...)}
	for _, row := range rows {
		line := []string{row}
		for _, column := range columns {
			text := ""
			if one := cells[[2]string{row, column}]; one != nil {
				text = "none"
				if e := one.Lines[0].Estimate; e != nil {
					text = e.String()
				}
			}
			line = append(line, text)
		}
		t.add(line...)
	}
	var means []geomean
	line := []string{"geomean"}
	for _, column := range columns {
		mean, sum := geomean{Column: column, Of: len(rows)}, 0.0
		for _, row := range rows {
			if one := cells[[2]string{row, column}]; one != nil && one.Lines[0].Estimate != nil {
				mean.Rows++
				sum += math.Log(one.Lines[0].Estimate.Value)
			}
		}
		text := ""
		if mean.Rows > 0 {
			v := math.Exp(sum / float64(mean.Rows))
			mean.Value, text = &v, fmt.Sprintf("%.4g", v)
			if mean.Rows < mean.Of {
				text += fmt.Sprintf(" of %d in %d rows", mean.Rows, mean.Of)
			}
		}
		means, line = append(means, mean), append(line, text)
	}
	if len(rows) > 1 {
		t.add(line...)
	}
	return t, means, nil
}
