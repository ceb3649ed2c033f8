package pipeline

import (
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// Advice is a way to relieve the bottleneck.
type Advice struct {
	Text    string            `json:"text"`
	Cell    *taxonomy.Cell    `json:"cell,omitempty"` // nil for changes of the implementation
	Methods []taxonomy.Method `json:"methods,omitempty"`
}

// String is one line.
func (a Advice) String() string {
	var names []string
	for _, m := range a.Methods {
		names = append(names, m.Package+"."+m.Symbol)
	}
	s := a.Text
	if a.Cell != nil {
		s += fmt.Sprintf(" (%v)", *a.Cell)
	}
	if len(names) > 0 {
		s += ": " + strings.Join(names, ", ")
	}
	return s
}

// Advice says what can be done about the verdict: changes of the implementation first, since they change no result,
// then this module's methods by the cell of the taxonomy that they stand in. None of them is known to make the
// verdict's bottleneck worse; what else they may make one, their notes say.
func (r Report) Advice() []Advice {
	var all []Advice
	for _, text := range remedies[r.Verdict] {
		all = append(all, Advice{Text: text})
	}
	if r.Pattern == Intermittent {
		all = append(all, Advice{Text: "the time lies in few steps: look for what happens then (a new file, a full queue, " +
			"another program) before anything else"})
	}
	for _, b := range related(r.Verdict) {
		for _, m := range taxonomy.Find(taxonomy.Helping(b)) {
			if m.Phase == taxonomy.Inference || m.Phase == taxonomy.Measuring && r.Verdict != taxonomy.Evaluation {
				continue // it does not make training faster
			}
			at := -1
			for i, a := range all {
				if a.Cell != nil && *a.Cell == m.Cells[0] {
					at = i
				}
			}
			if at < 0 {
				cell := m.Cells[0]
				all = append(all, Advice{Text: actions[cell.Action], Cell: &cell})
				at = len(all) - 1
			}
			all[at].Methods = append(all[at].Methods, m)
		}
	}
	return all
}

// related is a verdict and what it is a kind of.
func related(b Bottleneck) []Bottleneck {
	if b == taxonomy.InputLoad || b == taxonomy.InputPreprocess {
		return []Bottleneck{b, taxonomy.Input}
	}
	return []Bottleneck{b}
}

var actions = map[taxonomy.Action]string{
	taxonomy.Remove:   "remove what is not needed",
	taxonomy.Restrict: "restrict size or fidelity",
	taxonomy.Reorder:  "do it at another time",
	taxonomy.Replace:  "replace it by something cheaper",
	taxonomy.Retrofit: "add what makes fewer steps enough",
}

// remedies change the implementation and no result.
var remedies = map[Bottleneck][]string{
	taxonomy.Insufficient: {"run longer: twenty steps after the warm-up tell most"},
	taxonomy.Input: {"prefetch batches in the background, and count its stages to see which is slow",
		"confirm with an Experiment on a cached batch"},
	taxonomy.InputLoad: {"keep decoded data in memory, or read ahead with more readers if the disk is not the limit",
		"shuffle shards and read them in order"},
	taxonomy.InputPreprocess: {"more workers, if processors are idle; cache what does not change",
		"do for whole batches what is done for each example"},
	taxonomy.Transfer: {"copy the next batch while this one is computed; send smaller types"},
	taxonomy.Compute:  {"compare with the roofline: faster kernels first, then fewer operations"},
	taxonomy.MemoryBandwidth: {"fuse passes over the same numbers; smaller types; larger batches reuse weights",
		"fewer operations alone will not help"},
	taxonomy.Optimizer:     {"fuse the update into one pass over the weights; accumulate gradients over more examples"},
	taxonomy.Communication: {"exchange while computing; accumulate gradients over more examples"},
	taxonomy.Overhead: {"larger batches, fewer and larger operations",
		"look at a CPU profile of what lies between the spans"},
	taxonomy.Evaluation: {"evaluate less often, or on fewer examples, or beside the training"},
	taxonomy.Checkpoint: {"save and log less often, or in the background from a copy"},
	taxonomy.GC:         {"preallocate what each step makes; compare with GOGC=400, and set GOMEMLIMIT"},
}
