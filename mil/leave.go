package mil

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// LeaveOneOut writes row n of y, of as many rows as the bag has instances, with what the pooler makes of the bag
// without instance n. For the rules, [Attention], [DSMIL] and [PMA] it takes time in proportion to the instances, by
// sums over those before and those behind each: nothing is subtracted or divided out, which would leave no digits where
// one instance outweighs all others. For other poolers, and for percentiles and quantiles, it pools as many bags. The
// error is that of Forward, or wraps [ErrEmptyBag] for fewer than two instances: without its only one there is no
// result, whatever [WithEmpty] says.
func LeaveOneOut[T tensor.Float](y tensor.Matrix[T], p Pooler[T], bag tensor.Matrix[T]) error {
	const call = "mil: LeaveOneOut"
	b, err := oneBag(call, bag)
	if err != nil {
		return err
	}
	if bag.Rows < 2 {
		return fmt.Errorf("%s: %d instances, want 2 or more: %w", call, bag.Rows, ErrEmptyBag)
	}
	out, err := p.OutDim(bag.Cols)
	if err != nil {
		return option.Call(call, err)
	}
	if err := checkShape(call, "y", y, bag.Rows, out); err != nil {
		return err
	}
	if y.Overlaps(bag) {
		return fmt.Errorf("%s: y shares memory with the bag: %w", call, tensor.ErrOverlap)
	}
	var tape Tape[T]
	if err := p.Forward(tensor.NewMatrix[T](1, out), b, &tape); err != nil { // finds whatever is wrong
		return option.Call(call, err)
	}
	if pool, ok := p.(*Pool[T]); ok {
		switch pool.rule.kind {
		case topKRule, topFractionRule:
			leaveTop(y, pool.rule, bag)
			return nil
		case quantileRule, percentileMeanRule, percentileSumRule:
			return leaveEach(y, p, bag)
		}
	}
	switch p := p.(type) {
	case streamed[T]:
		leaveSums(y, bag, func() sums[T] { return p.newStream(bag.Cols) })
		return nil
	case *DSMIL[T]:
		return leaveDSMIL(y, p, bag, int(tape.state(0)[tape.engine.stateLen(bag.Cols)-1]))
	}
	return leaveEach(y, p, bag)
}

func oneBag[T tensor.Float](call string, bag tensor.Matrix[T]) (Bags[T], error) {
	b := Bags[T]{bag, []int{0, bag.Rows}}
	return b, b.validate(call)
}

// leaveEach pools the bag without each instance in turn.
func leaveEach[T tensor.Float](y tensor.Matrix[T], p Pooler[T], bag tensor.Matrix[T]) error {
	rest := tensor.NewMatrix[T](bag.Rows-1, bag.Cols)
	copyRows(rest, rowsOf(bag, 1, bag.Rows))
	b := Bags[T]{rest, []int{0, rest.Rows}}
	var tape Tape[T]
	row := tensor.NewMatrix[T](1, y.Cols)
	for n := range bag.Rows {
		if n > 0 {
			copy(rest.Row(n-1), bag.Row(n-1))
		}
		if err := p.Forward(row, b, &tape); err != nil {
			return option.Call("mil: LeaveOneOut", err)
		}
		copy(y.Row(n), row.Data)
	}
	return nil
}

// leaveSums merges the state of what stands before an instance with that of what stands behind it. States of what
// stands behind are kept for every 64th instance and made again between, so that they take little memory.
func leaveSums[T tensor.Float](y, bag tensor.Matrix[T], newSums func() sums[T]) {
	const step = 64
	n, w := bag.Rows, new(work[T])
	fresh := func() sums[T] {
		s := newSums()
		s.reset()
		return s
	}
	one, blocks := fresh(), (n+step-1)/step
	prepend := func(to, behind sums[T], i, count int) { // row i before the count instances of behind
		one.reset()
		one.add(rowsOf(bag, i, i+1), 0, w)
		to.set(one)
		to.merge(behind, 1, count)
	}
	ends := make([]sums[T], blocks+1) // of what stands behind a block
	ends[blocks] = fresh()
	for b := blocks - 1; b >= 0; b-- {
		lo, hi := b*step, min((b+1)*step, n)
		ends[b] = fresh()
		ends[b].add(rowsOf(bag, lo, hi), 0, w)
		if hi < n {
			ends[b].merge(ends[b+1], hi-lo, n-hi)
		}
	}
	before, all := fresh(), fresh()
	behind := make([]sums[T], step+1)
	for i := range behind {
		behind[i] = fresh()
	}
	for b := range blocks {
		lo, hi := b*step, min((b+1)*step, n)
		behind[hi-lo].set(ends[b+1])
		for i := hi - 1; i > lo; i-- {
			if i+1 == n { // nothing to merge with
				behind[i-lo].reset()
				behind[i-lo].add(rowsOf(bag, i, n), 0, w)
			} else {
				prepend(behind[i-lo], behind[i-lo+1], i, n-i-1)
			}
		}
		for i := lo; i < hi; i++ {
			all.set(before)
			if i+1 < n {
				all.merge(behind[i-lo+1], i, n-i-1)
			}
			all.value(y.Row(i), n-1, w)
			before.add(rowsOf(bag, i, i+1), i, w)
		}
	}
}

// leaveTop is the mean of the k largest of the others, from sums over those larger and those smaller.
func leaveTop[T tensor.Float](y tensor.Matrix[T], r Rule, bag tensor.Matrix[T]) {
	n := bag.Rows
	k := r.count(n - 1)
	order, above, below := make([]int, n), make([]float64, k+2), make([]float64, k+2)
	for j := range bag.Cols {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch u, v := bag.At(a, j), bag.At(b, j); {
			case u > v:
				return -1
			case u < v:
				return 1
			}
			return 0
		})
		for i := range k + 1 { // above[i] is the sum of the i largest
			above[i+1] = above[i] + float64(bag.At(order[i], j))
		}
		below[k+1] = 0
		for i := k; i >= 0; i-- { // below[i] is that of the i-th to the k-th largest
			below[i] = below[i+1] + float64(bag.At(order[i], j))
		}
		for place, i := range order {
			sum := above[min(k, place)]
			if place < k {
				sum += below[place+1]
			}
			y.Set(i, j, T(sum/float64(k)))
		}
	}
}

// leaveDSMIL leaves the critical instance out by pooling the others, and each of those with the critical one's query.
func leaveDSMIL[T tensor.Float](y tensor.Matrix[T], d *DSMIL[T], bag tensor.Matrix[T], critical int) error {
	e, w := dsmilEngine[T]{d}, new(work[T])
	query := append([]T(nil), e.queries(rowsOf(bag, critical, critical+1), w).Data...)
	pooled := tensor.NewMatrix[T](bag.Rows, bag.Cols)
	leaveSums(pooled, bag, func() sums[T] { return &queried[T]{e: e, query: query, s: make([]float64, 2+bag.Cols)} })
	for n := range y.Rows {
		y.Set(n, 0, tensor.Dot(bag.Row(critical), d.WI.Data)+d.BI.Data[0])
		y.Set(n, 1, T(dot(d.WB.Data, pooled.Row(n)))+d.BB.Data[0])
	}
	rest := make([]tensor.Matrix[T], 0, 2)
	for _, part := range [][2]int{{0, critical}, {critical + 1, bag.Rows}} {
		rest = append(rest, rowsOf(bag, part[0], part[1]))
	}
	others, err := Join(rest...)
	if err != nil {
		return option.Call("mil: LeaveOneOut", err)
	}
	others.Offsets = []int{0, others.X.Rows}
	err = d.Forward(rowsOf(y, critical, critical+1), others, new(Tape[T]))
	return option.Call("mil: LeaveOneOut", err)
}

// queried is instances weighted by how well they answer a query.
type queried[T tensor.Float] struct {
	e     dsmilEngine[T]
	query []T
	s     []float64
}

func (q *queried[T]) reset()                         { beginHeads(q.s, 1) }
func (q *queried[T]) merge(o sums[T], _, _ int)      { mergeHeads(q.s, o.(*queried[T]).s, 1) }
func (q *queried[T]) set(o sums[T])                  { copy(q.s, o.(*queried[T]).s) }
func (q *queried[T]) value(y []T, _ int, _ *work[T]) { headsValue(y, q.s, 1) }

func (q *queried[T]) add(x tensor.Matrix[T], _ int, w *work[T]) {
	for lo := 0; lo < x.Rows; lo += headTile {
		tile := rowsOf(x, lo, min(lo+headTile, x.Rows))
		l := tensor.Of(tile.Rows, 1, grow(&w.tile, tile.Rows))
		tensor.Gemv(tensor.NoTrans, q.e.scale(), q.e.queries(tile, w), q.query, 0, l.Data)
		w.addHeads(q.s, l, tile)
	}
}
