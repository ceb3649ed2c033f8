package survival

import (
	"cmp"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// sample is lifetimes in the order of their strata and times, events before censorings of the same time. Everything
// else about a row is looked up by its position in this order.
type sample struct {
	row    []int32 // of the caller, at each position
	event  []bool
	weight []float64 // nil if all are 1
	strata []stratum
	groups []group // the times at which events happened, of all strata

	// upto and from are, of a position, the groups of its stratum and of those before it that ended by its time and by
	// its entry: those in between it was at risk in.
	upto, from []int32
	byEntry    []int32 // positions by stratum, last entry first; nil if all entered at the beginning
	entry      []float64
	time       []float64
}

// stratum is a run of positions, lo up to hi, with the groups first up to end.
type stratum struct{ label, lo, hi, first, end int }

// group is the events of one time in one stratum, at positions lo up to events.
type group struct {
	time       float64
	lo, events int
}

// newSample sorts lifetimes. Times and entries that differ by rounding alone become equal.
func newSample(times []stats.Lifetime, c *config) (*sample, error) {
	n := len(times)
	s := &sample{row: make([]int32, n), event: make([]bool, n), time: make([]float64, n)}
	time, entry := s.sort(times, c)
	for i, e := range entry {
		if e >= time[i] {
			return nil, c.errorf("entry[%d] = %v and times[%d].Time = %v differ by rounding alone: %w",
				i, c.entry[i], i, times[i].Time, tensor.ErrRange)
		}
	}
	if c.weights != nil {
		s.weight = make([]float64, n)
	}
	for at, i := range s.row {
		s.event[at], s.time[at] = times[i].Event, time[i]
		if c.weights != nil {
			s.weight[at] = c.weights[i]
		}
	}
	s.group(c.strata)
	s.enter(entry)
	if len(s.groups) == 0 {
		return nil, c.errorf("all %d lifetimes are censored: %w", n, ErrNoEvents)
	}
	return s, nil
}

// sort finds the order of the positions, and returns times and entries of which those that differ by rounding alone are
// equal.
func (s *sample) sort(times []stats.Lifetime, c *config) (time, entry []float64) {
	n := len(times)
	time = make([]float64, n)
	for i, t := range times {
		time[i] = t.Time + 0 // not -0
	}
	if c.entry != nil {
		time, entry = mergedTimes(time, c.entry)
	}
	s.row = s.row[:0]
	for _, event := range []bool{true, false} { // what is sorted next keeps the order of equal times
		for i, t := range times {
			if t.Event == event {
				s.row = append(s.row, int32(i))
			}
		}
	}
	s.row = sortRows(s.row, time)
	if entry == nil {
		ascending := make([]float64, n)
		for at, i := range s.row {
			ascending[at] = time[i]
		}
		if stats.MergeTimes(ascending) {
			for at, i := range s.row {
				time[i] = ascending[at]
			}
			slices.SortStableFunc(s.row, func(a, b int32) int {
				return cmp.Or(cmp.Compare(time[a], time[b]), cmp.Compare(rank(times[a].Event), rank(times[b].Event)),
					int(a-b))
			})
		}
	}
	if c.strata != nil {
		slices.SortStableFunc(s.row, func(a, b int32) int { return cmp.Compare(c.strata[a], c.strata[b]) })
	}
	return time, entry
}

func rank(event bool) int {
	if event {
		return 0
	}
	return 1
}

// sortRows sorts rows by times of 0 or more, those of equal times in the order in which they are, in six passes of 11
// bits: the bits of such numbers are in their order.
func sortRows(rows []int32, time []float64) []int32 {
	type key struct {
		bits uint64
		row  int32
	}
	const width = 11
	from, to := make([]key, len(rows)), make([]key, len(rows))
	var count [6][1 << width]int32
	for at, i := range rows {
		k := key{math.Float64bits(time[i]), i}
		from[at] = k
		for pass := range count {
			count[pass][k.bits>>(width*pass)%(1<<width)]++
		}
	}
	for pass := range count {
		start, begin := &count[pass], int32(0)
		for d, n := range start {
			start[d] = begin
			begin += n
		}
		for _, k := range from {
			d := k.bits >> (width * pass) % (1 << width)
			to[start[d]] = k
			start[d]++
		}
		from, to = to, from
	}
	for at, k := range from {
		rows[at] = k.row
	}
	return rows
}

// group finds strata and the times of events in them.
func (s *sample) group(strata []int) {
	n := len(s.row)
	s.upto = make([]int32, n)
	events := 0
	for _, e := range s.event {
		if e {
			events++
		}
	}
	s.groups = make([]group, 0, events)
	for lo := 0; lo < n; {
		of := stratum{lo: lo, first: len(s.groups)}
		if strata != nil {
			of.label = strata[s.row[lo]]
		}
		at := lo
		for at < n && (strata == nil || strata[s.row[at]] == of.label) {
			g := group{time: s.time[at], lo: at}
			end := at
			for ; end < n && s.time[end] == g.time && (strata == nil || strata[s.row[end]] == of.label); end++ {
				if s.event[end] {
					g.events++
				}
			}
			if g.events > 0 {
				s.groups = append(s.groups, g)
			}
			for ; at < end; at++ {
				s.upto[at] = int32(len(s.groups))
			}
		}
		of.hi, of.end = at, len(s.groups)
		s.strata = append(s.strata, of)
		lo = at
	}
}

// enter finds the groups that each position has missed.
func (s *sample) enter(entry []float64) {
	s.from = make([]int32, len(s.row))
	if entry != nil {
		s.entry = make([]float64, len(s.row))
		s.byEntry = make([]int32, len(s.row))
		for at, i := range s.row {
			s.entry[at], s.byEntry[at] = entry[i], int32(at)
		}
	}
	for _, of := range s.strata {
		for at := of.lo; at < of.hi; at++ {
			s.from[at] = int32(of.first)
			if entry == nil {
				continue
			}
			groups := s.groups[of.first:of.end]
			missed, _ := slices.BinarySearchFunc(groups, s.entry[at], func(g group, entry float64) int {
				if g.time <= entry {
					return -1
				}
				return 1
			})
			s.from[at] += int32(missed)
		}
		if entry != nil {
			slices.SortFunc(s.byEntry[of.lo:of.hi], func(a, b int32) int {
				return cmp.Or(cmp.Compare(s.entry[b], s.entry[a]), int(a-b))
			})
		}
	}
}

// weightAt is the weight of a position.
func (s *sample) weightAt(at int) float64 {
	if s.weight == nil {
		return 1
	}
	return s.weight[at]
}

// mergedTimes is times and entries of which those that differ by rounding alone are equal.
func mergedTimes(time, entry []float64) (end, begin []float64) {
	all := slices.Concat(time, entry)
	end, begin = slices.Clone(time), slices.Clone(entry)
	slices.Sort(all)
	merged := slices.Clone(all)
	if stats.MergeTimes(merged) {
		for _, list := range [][]float64{end, begin} {
			for i, t := range list {
				at, _ := slices.BinarySearch(all, t)
				list[i] = merged[at]
			}
		}
	}
	return end, begin
}
