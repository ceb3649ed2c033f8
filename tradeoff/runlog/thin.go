package runlog

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrOrder reports evaluations that a thinned log ([Log.Thin]) cannot judge: read the files again into one that is not.
var ErrOrder = errors.New("evaluations out of order")

// Thin has a log keep, of the evaluations that it reads from now on, those that readings of the best quality so far
// need: the first and the last of each run, each that is better or worse than all before, with the one before it, and
// those around a quality that is not finite. Times to a quality, speedups, gains, the best qualities and the checklist
// come out the same to the last bit, and averages over costs but for rounding, in memory that hardly grows with the
// number of evaluations. What reads a curve as it was measured, such as a plot of its points, needs the whole log.
//
// That holds where the evaluations of a run come in order and with the same costs and qualities: steps and costs that
// rise. Others are an error of [Log.Add] and [Log.ReadJSONL] that wraps [ErrOrder].
func (l *Log) Thin() { l.thin = true }

// thinned is what a run that is thinned remembers of what was left out.
type thinned struct {
	last      snapshot
	spare     snapshot  // memory for the next
	kept      bool      // last is among those that are kept
	after     bool      // the next is kept: last is before training, or has a quality that is not finite
	high, low []float64 // of each quality so far
	lost      []int     // evaluations in a row without a finite value of each quality
	count     int       // of all evaluations
	sums      []uint64  // of each cost, over all evaluations
}

// snapshot is one evaluation, in the order of the columns.
type snapshot struct {
	step           int
	costs, quality []float64
}

// thinly adds an evaluation to a run.
func (r *loggedRun) thinly(o *Record) error {
	if r.thinned == nil {
		r.begin(o)
		return nil
	}
	t := r.thinned
	next := t.spare
	next.step = o.Step
	if !fill(next.costs, r.costs, o.Cost) || !fill(next.quality, r.quality, o.Quality) {
		return fmt.Errorf("run %s: step %d has other costs or qualities than step %d: %w", r.label(), o.Step, t.last.step,
			ErrOrder)
	}
	ordered := o.Step > t.last.step || o.Step == 0 && t.last.step == 0 && len(next.costs) > 0
	for k, c := range next.costs {
		ordered = ordered && c > t.last.costs[k] && c-c == 0
	}
	if !ordered {
		return fmt.Errorf("run %s: step %d after step %d, or a cost that does not rise: %w", r.label(), o.Step, t.last.step,
			ErrOrder)
	}
	keep, finite := t.after, true
	for k, q := range next.quality {
		if q-q != 0 { // of many in a row, which are a failure, two tell it
			finite = finite && t.lost[k] > 1
			t.lost[k]++
		} else {
			t.lost[k] = 0
			keep = keep || !(q <= t.high[k] && q >= t.low[k])
			t.high[k], t.low[k] = math.Max(t.high[k], q), math.Min(t.low[k], q)
		}
	}
	if (keep || !finite) && !t.kept {
		r.keep(t.last)
	}
	if t.kept = keep || !finite; t.kept {
		r.keep(next)
	}
	t.last, t.spare, t.after = next, t.last, !finite || before(next.costs)
	t.counted(next.costs)
	return nil
}

// begin keeps the first evaluation, which tells the columns.
func (r *loggedRun) begin(o *Record) {
	for name, v := range o.Cost {
		r.costs.add(name, 0, v)
	}
	for name, v := range o.Quality {
		r.quality.add(name, 0, v)
	}
	r.steps = append(r.steps, o.Step)
	t := &thinned{kept: true, sums: make([]uint64, len(r.costs))}
	t.last = snapshot{o.Step, make([]float64, len(r.costs)), make([]float64, len(r.quality))}
	for k, c := range r.costs {
		t.last.costs[k] = c.value[0]
	}
	for k, c := range r.quality {
		q := c.value[0]
		t.last.quality[k] = q
		t.lost = append(t.lost, 0)
		if t.high, t.low = append(t.high, q), append(t.low, q); q-q != 0 {
			t.high[k], t.low[k], t.lost[k], t.after = math.Inf(-1), math.Inf(1), 1, true
		}
	}
	t.after = t.after || before(t.last.costs)
	t.counted(t.last.costs)
	t.spare = snapshot{0, slices.Clone(t.last.costs), slices.Clone(t.last.quality)}
	r.thinned = t
}

// before reports whether an evaluation was made before training, of which some cost is 0.
func before(costs []float64) bool {
	return slices.ContainsFunc(costs, func(c float64) bool { return c <= 0 })
}

// fill puts values in the order of columns, and reports whether the names are the same.
func fill(dst []float64, c columns, values map[string]float64) bool {
	if len(values) != len(c) {
		return false
	}
	for k := range c {
		v, ok := values[c[k].name]
		if !ok {
			return false
		}
		dst[k] = v
	}
	return true
}

// keep adds an evaluation to the columns.
func (r *loggedRun) keep(e snapshot) {
	at := int32(len(r.steps))
	r.steps = append(r.steps, e.step)
	for k, v := range e.costs {
		r.costs[k].at, r.costs[k].value = append(r.costs[k].at, at), append(r.costs[k].value, v)
	}
	for k, v := range e.quality {
		r.quality[k].at, r.quality[k].value = append(r.quality[k].at, at), append(r.quality[k].value, v)
	}
}

// counted notes the costs of an evaluation that may be left out.
func (t *thinned) counted(costs []float64) {
	t.count++
	for k, c := range costs {
		t.sums[k] = (t.sums[k] ^ math.Float64bits(c)) * 1099511628211 // FNV-1a
	}
}

// finish keeps the last evaluation.
func (r *loggedRun) finish() {
	if t := r.thinned; t != nil && !t.kept {
		r.keep(t.last)
		t.kept = true
	}
}

// sameCosts reports whether two runs have the same values of a cost, of all evaluations.
func (r *loggedRun) sameCosts(o *loggedRun, cost string) bool {
	a, b := r.costs.of(cost), o.costs.of(cost)
	if r.thinned == nil || o.thinned == nil {
		return slices.Equal(a.value, b.value)
	}
	i, j := r.costs.index(cost), o.costs.index(cost)
	return i >= 0 && j >= 0 && r.thinned.count == o.thinned.count && r.thinned.sums[i] == o.thinned.sums[j]
}
