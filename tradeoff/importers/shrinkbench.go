package importers

import (
	"io"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// ReadShrinkBench reads the table of results of ShrinkBench (Blalock et al. 2020), which package prune/eval writes
// too: a record for each pruned model, its method the strategy and its budget the compression that was asked for. Its
// costs are params, macs (those left, which ShrinkBench calls flops_nz), and params_ratio and macs_ratio, the parts
// of the unpruned model that they are. Its qualities are top1 and top5, if they are there. A strategy of "", "none",
// "baseline" or "dense" is the baseline.
func ReadShrinkBench(r io.Reader) ([]runlog.Record, error) {
	l, err := newLines("ShrinkBench", r)
	if err != nil {
		return nil, err
	}
	at, err := l.columns("dataset", "model", "strategy", "compression", "seed", "size", "size_nz", "post_acc1")
	if err != nil {
		return nil, err
	}
	flops, noFlops := l.columns("flops", "flops_nz")
	top5, noTop5 := l.column("post_acc5")
	var records []runlog.Record
	for l.next() {
		record := runlog.Record{Schema: runlog.Schema, Kind: "eval", Task: string(l.fields[at[0]]),
			Dataset: string(l.fields[at[0]]), Model: string(l.fields[at[1]]),
			Seed: l.natural(at[4]), Budget: &runlog.Budget{Unit: "compression", Value: l.float(at[3], false)},
			Cost: map[string]float64{}, Quality: map[string]float64{"top1": l.float(at[7], false)}}
		if s := string(l.fields[at[2]]); s != "" && s != "none" && s != "baseline" && s != "dense" {
			record.Method = []string{s}
		}
		l.part(&record, "params", at[6], at[5])
		if noFlops == nil {
			l.part(&record, "macs", flops[1], flops[0])
		}
		if noTop5 == nil {
			if v := l.float(top5, true); v == v {
				record.Quality["top5"] = v
			}
		}
		record.RunID = strings.Join([]string{record.Task, record.Model, string(l.fields[at[2]]), string(l.fields[at[3]]),
			string(l.fields[at[4]])}, "/")
		if l.err == nil {
			if err := record.Validate(); err != nil {
				return nil, l.errorf("%w", err)
			}
		}
		records = append(records, record)
	}
	if l.err != nil {
		return nil, l.err
	}
	if len(records) == 0 {
		return nil, l.errorf("no results: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// part notes a cost and the part of the whole that it is.
func (l *lines) part(r *runlog.Record, name string, column, whole int) {
	left, all := l.float(column, false), l.float(whole, false)
	if l.err == nil && !(left >= 0 && all > 0 && left <= all) {
		l.err = l.errorf("%s is %v and %s is %v: want 0 <= the one <= the other: %w", l.header[column], left, l.header[whole],
			all, tensor.ErrRange)
	}
	r.Cost[name], r.Cost[name+"_ratio"] = left, left/all
}
