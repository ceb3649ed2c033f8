package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Accumulator pools one bag that comes in parts and never lies in memory as a whole: two days of heartbeats, a slide of
// a hundred thousand patches. The result is that of Forward up to rounding, and not an approximation. It keeps a few
// numbers for each column, but for quantiles and shares of the largest elements, for which it keeps all of them. It is
// not safe for concurrent use; several can be merged. Parameters of the pooler must stay as they are until the
// gradients have been taken.
type Accumulator[T tensor.Float] interface {
	// Add adds the instances that are the rows of tile. Errors are those of Forward; nothing is added then.
	Add(tile tensor.Matrix[T]) error

	// Merge adds the instances of another accumulator of the same pooler, which stays as it is, behind those that are
	// there. The error wraps [tensor.ErrConflict] for one of another pooler, or in another pass.
	Merge(behind Accumulator[T]) error

	// Len is the number of instances so far, in the present pass.
	Len() int

	// Next ends a pass over the instances and reports whether another is needed, in which all are added again, in the
	// same order: for [DSMIL] once, otherwise never. Other parts of a bag come to the second pass by being reset, merging
	// what all have found in the first, and Next.
	Next() bool

	// Value writes what Forward makes of all instances. The error wraps [tensor.ErrShape], [ErrEmptyBag], or
	// [tensor.ErrConflict] before the last pass is over.
	Value(y []T) error

	// Backward overwrites dx with the gradient of the instances of tile, given that of the result, and adds to the
	// gradients of parameters. It is called with the tiles in the order in which they were added, all of them, and then
	// may be with all of them again. dx may be empty. Errors wrap [tensor.ErrShape], or [tensor.ErrRange] for more
	// instances than were added.
	Backward(dx, tile tensor.Matrix[T], dy []T) error

	// Reset forgets all instances.
	Reset()
}

// Streamer is a [Pooler] that can pool a bag in parts, as those of this package can, but for [Stack] and [Func].
type Streamer[T tensor.Float] interface {
	Pooler[T]

	// NewAccumulator makes an accumulator of instances of in columns. The error is that of OutDim.
	NewAccumulator(in int) (Accumulator[T], error)
}

// NewAccumulator is described at [Streamer].
func (p *Pool[T]) NewAccumulator(in int) (Accumulator[T], error) {
	out, err := p.OutDim(in)
	if err != nil {
		return nil, err
	}
	check := func(call string, x tensor.Matrix[T]) error {
		if p.rule.probabilities() {
			return checkProbabilities(call, x)
		}
		return p.checkNumbers(call)
	}
	return newAccumulator(p, p.newStream(in), in, out, p.empty, check), nil
}

// NewAccumulator is described at [Streamer].
func (a *Attention[T]) NewAccumulator(in int) (Accumulator[T], error) {
	out, err := a.OutDim(in)
	if err != nil {
		return nil, err
	}
	return newAccumulator(a, a.newStream(in), in, out, a.config.empty, nil), nil
}

// NewAccumulator is described at [Streamer].
func (p *PMA[T]) NewAccumulator(in int) (Accumulator[T], error) {
	out, err := p.OutDim(in)
	if err != nil {
		return nil, err
	}
	return newAccumulator(p, p.newStream(in), in, out, p.config.empty, nil), nil
}

// sums is the state of a bag in parts.
type sums[T tensor.Float] interface {
	reset()
	// add adds the rows of x, which come behind n others.
	add(x tensor.Matrix[T], n int, w *work[T])
	// merge adds the count instances of o, which come behind n others; set makes this one a copy of o.
	merge(o sums[T], n, count int)
	set(o sums[T])
	value(y []T, n int, w *work[T])
}

// stream is what an accumulator has of its pooler.
type stream[T tensor.Float] interface {
	sums[T]
	// back is the gradient of the rows of x, which are those from first on of n.
	back(dx, x tensor.Matrix[T], first int, dy []T, n int, w *work[T])
}

// streamed is a pooler that has a stream whose merges take as long as its state is large, whatever the instances.
type streamed[T tensor.Float] interface{ newStream(in int) stream[T] }

// passing is a stream that takes two passes.
type passing[T tensor.Float] interface {
	next(n int, w *work[T]) bool
	ready(n int) error
	mergeable(o sums[T]) error
}

type accumulator[T tensor.Float] struct {
	by      any
	stream  stream[T]
	in, out int
	empty   emptyRule
	check   func(call string, x tensor.Matrix[T]) error
	n       int
	passed  int // instances whose gradient has been taken
	w       work[T]
}

func newAccumulator[T tensor.Float](by any, s stream[T], in, out int, empty emptyRule,
	check func(string, tensor.Matrix[T]) error) *accumulator[T] {
	a := &accumulator[T]{by: by, stream: s, in: in, out: out, empty: empty, check: check}
	s.reset()
	return a
}

// Len implements [Accumulator].
func (a *accumulator[T]) Len() int { return a.n }

// Next implements [Accumulator].
func (a *accumulator[T]) Next() bool {
	p, ok := a.stream.(passing[T])
	if ok = ok && p.next(a.n, &a.w); ok {
		a.n, a.passed = 0, 0
	}
	return ok
}

// Reset implements [Accumulator].
func (a *accumulator[T]) Reset() {
	a.n, a.passed = 0, 0
	a.stream.reset()
}

// Add implements [Accumulator].
func (a *accumulator[T]) Add(tile tensor.Matrix[T]) error {
	const call = "mil: Accumulator.Add"
	if err := checkShape(call, "tile", tile, tile.Rows, a.in); err != nil {
		return err
	}
	if err := validateFinite(call, "tile", tile); err != nil {
		return err
	}
	if a.check != nil {
		if err := a.check(call, tile); err != nil {
			return option.Call(call, err)
		}
	}
	if tile.Rows > 0 {
		a.stream.add(tile, a.n, &a.w)
		a.n, a.passed = a.n+tile.Rows, 0
	}
	return nil
}

// Merge implements [Accumulator].
func (a *accumulator[T]) Merge(behind Accumulator[T]) error {
	o, ok := behind.(*accumulator[T])
	if !ok || o.by != a.by || o.in != a.in || o == a {
		return fmt.Errorf("mil: Accumulator.Merge: not another accumulator of the same pooler: %w", tensor.ErrConflict)
	}
	if p, ok := a.stream.(passing[T]); ok {
		if err := p.mergeable(o.stream); err != nil {
			return fmt.Errorf("mil: Accumulator.Merge: %w", err)
		}
	}
	if o.n > 0 {
		a.stream.merge(o.stream, a.n, o.n)
		a.n, a.passed = a.n+o.n, 0
	}
	return nil
}

// Value implements [Accumulator].
func (a *accumulator[T]) Value(y []T) error {
	const call = "mil: Accumulator.Value"
	if len(y) != a.out {
		return fmt.Errorf("%s: y has %d elements, want %d: %w", call, len(y), a.out, tensor.ErrShape)
	}
	if err := a.ready(call); err != nil {
		return err
	}
	if a.n > 0 {
		a.stream.value(y, a.n, &a.w)
		return nil
	}
	if !a.empty.given {
		return fmt.Errorf("%s: %w", call, ErrEmptyBag)
	}
	fill(y, T(a.empty.value))
	return nil
}

// ready reports a pass that is not over.
func (a *accumulator[T]) ready(call string) error {
	if p, ok := a.stream.(passing[T]); ok && a.n > 0 {
		if err := p.ready(a.n); err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
	}
	return nil
}

// Backward implements [Accumulator].
func (a *accumulator[T]) Backward(dx, tile tensor.Matrix[T], dy []T) error {
	const call = "mil: Accumulator.Backward"
	if err := checkShape(call, "tile", tile, tile.Rows, a.in); err != nil {
		return err
	}
	if len(dy) != a.out {
		return fmt.Errorf("%s: dy has %d elements, want %d: %w", call, len(dy), a.out, tensor.ErrShape)
	}
	if dx.Data != nil {
		if err := checkShape(call, "dx", dx, tile.Rows, a.in); err != nil {
			return err
		}
		if dx.Overlaps(tile) {
			return fmt.Errorf("%s: dx shares memory with the tile: %w", call, tensor.ErrOverlap)
		}
	}
	if err := a.ready(call); err != nil {
		return err
	}
	if a.passed == a.n {
		a.passed = 0
	}
	if a.passed+tile.Rows > a.n {
		return fmt.Errorf("%s: %d instances behind %d of %d: %w", call, tile.Rows, a.passed, a.n, tensor.ErrRange)
	}
	if tile.Rows > 0 {
		a.stream.back(a.w.output(dx, 0, tile), tile, a.passed, dy, a.n, &a.w)
		a.passed += tile.Rows
	}
	return nil
}

func (p *Pool[T]) newStream(in int) stream[T] {
	if f, ok := p.engine.(folded[T]); ok {
		return &foldStream[T]{f, make([]float64, f.stateLen(in))}
	}
	return &rankedStream[T]{ranked: ranked[T]{p.rule}, in: in}
}

type foldStream[T tensor.Float] struct {
	folded folded[T]
	s      []float64
}

func (f *foldStream[T]) reset()                                    { f.folded.fold.begin(f.s) }
func (f *foldStream[T]) add(x tensor.Matrix[T], n int, w *work[T]) { f.folded.addAll(f.s, x, n, w) }
func (f *foldStream[T]) value(y []T, n int, _ *work[T])            { f.folded.fold.value(y, f.s, n) }
func (f *foldStream[T]) set(o sums[T])                             { copy(f.s, o.(*foldStream[T]).s) }

func (f *foldStream[T]) merge(o sums[T], n, count int) {
	f.folded.fold.merge(f.s, o.(*foldStream[T]).s, n, count)
}

func (f *foldStream[T]) back(dx, x tensor.Matrix[T], first int, dy []T, n int, w *work[T]) {
	w.sums = w.sums[:0]
	f.folded.gradAll(dx, x, first, f.s, dy, n, w)
	f.folded.finish(w)
}

// rankedStream keeps the elements of each column, of the k largest no more than four times as many.
type rankedStream[T tensor.Float] struct {
	ranked  ranked[T]
	in      int
	columns [][]T
	s       []float64
	seen    []float64
	solved  bool
}

func (r *rankedStream[T]) reset() {
	if r.columns == nil {
		r.columns, r.s, r.seen = make([][]T, r.in), make([]float64, r.ranked.stateLen(r.in)), make([]float64, 2*r.in)
	}
	for j := range r.columns {
		r.columns[j] = r.columns[j][:0]
	}
	r.solved = false
}

func (r *rankedStream[T]) add(x tensor.Matrix[T], _ int, _ *work[T]) {
	for j := range r.columns {
		for i := range x.Rows {
			r.columns[j] = append(r.columns[j], x.At(i, j))
		}
	}
	r.shrink()
}

func (r *rankedStream[T]) merge(o sums[T], _, _ int) {
	for j, c := range o.(*rankedStream[T]).columns {
		r.columns[j] = append(r.columns[j], c...)
	}
	r.shrink()
}

// shrink forgets elements that cannot be among the k largest any more.
func (r *rankedStream[T]) shrink() {
	r.solved = false
	if r.ranked.rule.kind != topKRule {
		return
	}
	for j, c := range r.columns {
		if k := r.ranked.rule.count(len(c)); len(c) > max(4*k, 256) {
			tensor.Select(c, len(c)-k)
			r.columns[j] = append(c[:0], c[len(c)-k:]...)
		}
	}
}

func (r *rankedStream[T]) set(o sums[T]) {
	r.reset()
	for j, c := range o.(*rankedStream[T]).columns {
		r.columns[j] = append(r.columns[j], c...)
	}
}

func (r *rankedStream[T]) value(y []T, _ int, w *work[T]) {
	for j, c := range r.columns {
		w.row = append(w.row[:0], c...)
		y[j] = r.ranked.column(w.row, r.s, j, w)
	}
	r.solved = true
}

func (r *rankedStream[T]) back(dx, x tensor.Matrix[T], first int, dy []T, n int, w *work[T]) {
	if !r.solved {
		r.value(make([]T, r.in), n, w)
	}
	if first == 0 {
		clear(r.seen)
	}
	r.ranked.grad(dx, x, r.s, dy, n, r.seen, w)
}

func (a *Attention[T]) newStream(in int) stream[T] {
	return &headStream[T]{heads: a.heads, s: make([]float64, a.heads.stateLen(in))}
}

type headStream[T tensor.Float] struct {
	heads heads[T]
	s     []float64
	e     []T
}

func (h *headStream[T]) reset() { beginHeads(h.s, h.heads.scorer.heads()) }

func (h *headStream[T]) add(x tensor.Matrix[T], _ int, w *work[T]) {
	for lo := 0; lo < x.Rows; lo += headTile {
		tile := rowsOf(x, lo, min(lo+headTile, x.Rows))
		w.addHeads(h.s, h.logits(tile, w), tile)
	}
}

func (h *headStream[T]) logits(tile tensor.Matrix[T], w *work[T]) tensor.Matrix[T] {
	k := h.heads.scorer.heads()
	e := tensor.Of(tile.Rows, k, grow(&h.e, tile.Rows*k))
	h.heads.scorer.logits(e, tile, w)
	return e
}

func (h *headStream[T]) merge(o sums[T], _, _ int) {
	mergeHeads(h.s, o.(*headStream[T]).s, h.heads.scorer.heads())
}

func (h *headStream[T]) set(o sums[T]) { copy(h.s, o.(*headStream[T]).s) }

func (h *headStream[T]) value(y []T, _ int, _ *work[T]) { headsValue(y, h.s, h.heads.scorer.heads()) }

func (h *headStream[T]) back(dx, x tensor.Matrix[T], _ int, dy []T, _ int, w *work[T]) {
	k := h.heads.scorer.heads()
	grad := tensor.Of(k, x.Cols, dy)
	w.reserve(h.heads.scorer.params())
	w.alongHeads(h.s, grad)
	for lo := 0; lo < x.Rows; lo += headTile {
		hi := min(lo+headTile, x.Rows)
		tile := rowsOf(x, lo, hi)
		e := h.logits(tile, w)
		softmaxOf(e, h.s, k)
		part := rowsOf(dx, lo, hi)
		h.heads.scorer.back(part, tile, w.backHeads(part, tile, e, grad), w)
	}
	h.heads.finish(w)
}

func (p *PMA[T]) newStream(in int) stream[T] {
	m := p.memory(new(Tape[T]))
	return &pmaStream[T]{p, m, headStream[T]{heads: m.heads, s: make([]float64, m.heads.stateLen(in))}}
}

// pmaStream is the heads and what is behind them.
type pmaStream[T tensor.Float] struct {
	p    *PMA[T]
	m    *pmaMemory[T]
	head headStream[T]
}

func (s *pmaStream[T]) reset() {
	s.p.fold(s.m.folded)
	s.head.reset()
}

func (s *pmaStream[T]) add(x tensor.Matrix[T], n int, w *work[T]) { s.head.add(x, n, w) }
func (s *pmaStream[T]) merge(o sums[T], n, count int) {
	s.head.merge(&o.(*pmaStream[T]).head, n, count)
}
func (s *pmaStream[T]) set(o sums[T]) { s.head.set(&o.(*pmaStream[T]).head) }

// pooled is the sum of a x of each head.
func (s *pmaStream[T]) pooled(n int, w *work[T]) []T {
	z := grow(&s.m.z, len(s.m.folded.Data))
	s.head.value(z, n, w)
	return z
}

func (s *pmaStream[T]) value(y []T, n int, w *work[T]) { s.p.project(y, s.pooled(n, w)) }

func (s *pmaStream[T]) back(dx, x tensor.Matrix[T], first int, dy []T, n int, w *work[T]) {
	dz := grow(&s.m.dz, len(s.m.folded.Data))
	s.p.backValues(dz, dy, s.pooled(n, w), first == 0)
	clear(s.m.folded.Grad)
	s.head.back(dx, x, first, dz, n, w)
	s.p.unfold(s.m.folded)
}
