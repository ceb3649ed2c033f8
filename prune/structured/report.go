package structured

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report is what a plan, or a compaction, does to a model.
type Report struct {
	Groups []GroupReport `json:"groups"`
	Layers []LayerReport `json:"layers"`
	Size   int           `json:"size"` // parameters before, statistics of norms not counted
	Left   int           `json:"left"` // and after

	// Of a compaction: how many parameters the masks kept, and how many of those are left.
	Masked    int `json:"masked,omitempty"`
	Effective int `json:"effective,omitempty"`
}

// GroupReport is one group of channels.
type GroupReport struct {
	Name    string   `json:"name"`
	Members []string `json:"members"` // what is coupled: layers with what they have to do with the channels
	Units   int      `json:"units"`
	Kept    int      `json:"kept"`
	// Fixed is how many units must stay, and FixedWhy the reasons.
	Fixed    int      `json:"fixed,omitempty"`
	FixedWhy []string `json:"fixed_why,omitempty"`
	// Inexact names norms that look at several channels at once, so that a model without some of these computes
	// something else than one where they are zero.
	Inexact []string `json:"inexact,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// LayerReport is the sizes of a layer, before and after.
type LayerReport struct {
	Name       string `json:"name"`
	Outputs    int    `json:"outputs"`
	Inputs     int    `json:"inputs"`
	Groups     int    `json:"groups"` // of a convolution or a group norm; 0 for others
	NewOutputs int    `json:"new_outputs"`
	NewInputs  int    `json:"new_inputs"`
	NewGroups  int    `json:"new_groups"`
}

// Compression is the size before over the size after; infinite if nothing is left.
func (r Report) Compression() float64 { return float64(r.Size) / float64(r.Left) }

// EffectiveCompression is the size before over the number of parameters that masks kept and that matter, of a
// compaction (Vysogorets and Kempe 2023); that of channels without masks otherwise.
func (r Report) EffectiveCompression() float64 {
	if r.Masked == 0 {
		return r.Compression()
	}
	return float64(r.Size) / float64(r.Effective)
}

// String is a table with a line for each group.
func (r Report) String() string {
	var table, b strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "group\tchannels\tkept\tcoupled\tremarks")
	for _, g := range r.Groups {
		var remarks []string
		if g.Fixed > 0 {
			remarks = append(remarks, fmt.Sprintf("%d stay: %s", g.Fixed, strings.Join(g.FixedWhy, ", ")))
		}
		if len(g.Inexact) > 0 {
			remarks = append(remarks, "inexact through "+strings.Join(g.Inexact, ", "))
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\n", g.Name, g.Units, g.Kept, strings.Join(g.Members, ", "),
			strings.Join(append(remarks, g.Notes...), "; "))
	}
	w.Flush()
	for line := range strings.Lines(table.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	fmt.Fprintf(&b, "%d of %d parameters are left", r.Left, r.Size)
	if r.Left > 0 {
		fmt.Fprintf(&b, ", compression %.3g", r.Compression())
	}
	if r.Masked > 0 {
		fmt.Fprintf(&b, "; masks kept %d, of which %d matter", r.Masked, r.Effective)
		if r.Effective > 0 {
			fmt.Fprintf(&b, ", effective compression %.3g", r.EffectiveCompression())
		}
	}
	return b.String() + "\n"
}

// report describes a model without some sets of channels.
func (g *Graph[T]) report(groups []Group[T], gone map[int]bool) Report {
	var r Report
	for k := range groups {
		r.Groups = append(r.Groups, g.groupReport(&groups[k], gone))
	}
	left := func(ids []int) int {
		n := 0
		for _, id := range ids {
			if !gone[g.links.find(id)] {
				n++
			}
		}
		return n
	}
	for _, l := range g.layers {
		line := LayerReport{Name: l.name, Outputs: len(l.out), Inputs: len(l.in), NewOutputs: left(l.out),
			NewInputs: left(l.in)}
		if l.kind == convNode || l.kind == groupNormNode {
			line.Groups, line.NewGroups = l.groups, l.groups
		}
		if l.depthwise {
			line.NewGroups = line.NewInputs
		}
		r.Layers = append(r.Layers, line)
	}
	seen := map[*T]bool{}
	for _, q := range g.tensors() {
		if q.statistic || len(q.param.Data) == 0 || seen[&q.param.Data[0]] {
			continue
		}
		seen[&q.param.Data[0]] = true
		r.Size += len(q.param.Data)
		r.Left += q.sizeWithout(func(id int) bool { return gone[g.links.find(id)] })
	}
	return r
}

func (g *Graph[T]) groupReport(group *Group[T], gone map[int]bool) GroupReport {
	r := GroupReport{Name: group.Name, Units: group.Units}
	for u, set := range group.units {
		if !gone[set] {
			r.Kept++
		}
		if why := group.kept[u]; why != "" {
			r.Fixed++
			if !slices.Contains(r.FixedWhy, why) {
				r.FixedWhy = append(r.FixedWhy, why)
			}
		}
	}
	units := map[int]bool{}
	for _, set := range group.units {
		units[set] = true
	}
	mine := func(ids []int) bool {
		return slices.ContainsFunc(ids, func(id int) bool { return units[g.links.find(id)] })
	}
	for _, l := range g.layers {
		out, in := mine(l.out), mine(l.in)
		switch {
		case l.kind == linearNode || l.kind == convNode:
			if out {
				r.Members = append(r.Members, l.name+" outputs")
			}
			if in && !l.depthwise {
				r.Members = append(r.Members, l.name+" inputs")
			}
		case out:
			r.Members = append(r.Members, l.name)
			if l.kind != batchNormNode {
				r.Inexact = append(r.Inexact, l.name)
			}
		}
	}
	return r
}
