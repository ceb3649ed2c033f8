package sparse

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/prune/sparse/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

const (
	groupBytes  = 4 << 20 // of tiles that are packed before they are multiplied; one is the least
	tilesPerRun = 4       // tiles for which rows are converted once
	// parallelWork is worth waking a goroutine for, some 80 µs: an element takes about as long as elementLanes lanes of
	// a tile.
	parallelWork = 6 << 20
	elementLanes = 32
)

// job is a product in progress. Examples are taken as many at a time as fit a tile; the sums of some rows and a tile
// are one piece of work, and every sum is computed by one goroutine from left to right.
type job[T tensor.Float] struct {
	m           *Matrix[T]
	dst, x      tensor.Matrix[T]
	tile, tiles int // of the group at hand
	run         int // tiles of a piece
	packed      []T
	ready       []once // of each tile
	workFn      func(lo, hi int)
	pieces      sync.Pool // of *piece[T]
}

// once is how far a tile is: the goroutine that needs it first packs it, and others wait as short as that takes.
type once struct{ state atomic.Int32 }

const (
	busy = 1 + iota
	done
)

func (o *once) do(pack func()) {
	if o.state.Load() == done {
		return
	}
	if o.state.CompareAndSwap(0, busy) {
		defer o.state.Store(done) // after a panic too, which the caller gets
		pack()
		return
	}
	for i := 1; o.state.Load() != done; i++ {
		if i%(1<<16) == 0 { // the other one has lost its processor
			runtime.Gosched()
		}
	}
}

// piece is the memory that one goroutine needs.
type piece[T tensor.Float] struct {
	y     []T
	rows  CSR[T]
	block block[T]
}

func newJob[T tensor.Float]() *job[T] {
	j := &job[T]{pieces: sync.Pool{New: func() any { return new(piece[T]) }}}
	j.workFn = j.work
	return j
}

// mul computes dst = x Wᵀ for shapes that fit.
func (m *Matrix[T]) mul(dst, x tensor.Matrix[T]) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	if s, ok := m.store.(*dense[T]); ok && x.Cols > 0 {
		s.mul(dst, x)
		return
	}
	j := m.jobs.Get().(*job[T])
	j.m, j.dst, j.x = m, dst, x
	j.run = 1
	if m.config.format != Panels {
		j.run = tilesPerRun
	}
	most := kernel.TileBytes / sizeOf[T]()
	all := (x.Rows + most - 1) / most
	workers := sharing.Workers(m.config.workers,
		float64(m.kept)*float64(all)*float64(elementLanes+lanesFor[T](x.Rows)), parallelWork)
	blocks := (m.rows + blockRows - 1) / blockRows
	group := max(1, groupBytes/(kernel.TileBytes*max(m.cols, 1)))
	for j.tile = 0; j.tile < all; j.tile += group {
		j.tiles = min(group, all-j.tile)
		if need := min(j.tiles*most, lanesFor[T](x.Rows)*j.tiles) * m.cols; len(j.packed) < need {
			j.packed = make([]T, need)
		}
		if len(j.ready) < j.tiles {
			j.ready = make([]once, j.tiles)
		}
		for t := range j.ready {
			j.ready[t].state.Store(0)
		}
		tensor.ParallelWorkers(workers, blocks*((j.tiles+j.run-1)/j.run), 1, j.workFn)
	}
	j.m, j.dst, j.x = nil, tensor.Matrix[T]{}, tensor.Matrix[T]{} // do not keep the caller's memory alive
	m.jobs.Put(j)
}

// lanesFor is the width of the narrowest tile that holds so many examples, or of the widest.
func lanesFor[T tensor.Float](examples int) int {
	lanes := 32 / sizeOf[T]()
	for lanes < examples && lanes < kernel.TileBytes/sizeOf[T]() {
		lanes *= 2
	}
	return lanes
}

// at is what tile t of the group holds: examples from first on, and the packed tile with its lanes.
func (j *job[T]) at(t int) (first, examples, lanes int, tile []T) {
	most := kernel.TileBytes / sizeOf[T]()
	first = (j.tile + t) * most
	examples = min(most, j.x.Rows-first)
	lanes = lanesFor[T](examples)
	return first, examples, lanes, j.packed[t*most*j.m.cols:][:lanes*j.m.cols]
}

func (j *job[T]) pack(t int) {
	first, examples, lanes, tile := j.at(t)
	if len(tile) > 0 {
		kernel.Pack(lanes, examples, j.m.cols, tile, j.x.Data[first*j.x.Stride:], j.x.Stride)
	}
}

// work computes pieces [lo, hi): a piece is the rows of a block and a run of tiles. Pieces of the same tiles follow
// each other, so that goroutines that begin at both ends pack different ones.
func (j *job[T]) work(lo, hi int) {
	p := j.pieces.Get().(*piece[T])
	defer j.pieces.Put(p)
	blocks := (j.m.rows + blockRows - 1) / blockRows
	for k := lo; k < hi; k++ {
		number := k % blocks
		b := p.of(j, number)
		for t := k / blocks * j.run; t < min((k/blocks+1)*j.run, j.tiles); t++ {
			j.ready[t].do(func() { j.pack(t) })
			first, examples, lanes, tile := j.at(t)
			if need := b.rows * lanes; len(p.y) < need {
				p.y = make([]T, need)
			}
			b.mul(p.y, tile, lanes)
			kernel.Unpack(b.rows, lanes, examples, j.dst.Data[first*j.dst.Stride+number*blockRows:], j.dst.Stride, p.y)
		}
	}
}

// of returns a block of rows, which p holds unless the matrix does.
func (p *piece[T]) of(j *job[T], number int) *block[T] {
	if s, ok := j.m.store.(panels[T]); ok {
		return &s[number]
	}
	m := j.m
	lo := number * blockRows
	hi := min(lo+blockRows, m.rows)
	p.rows.reset()
	m.store.appendRows(&p.rows, lo, hi)
	width := panelWidth(m.kept, m.rows, m.cols)
	if j.tiles <= tilesPerRun {
		width = kernel.MostColumns // cutting narrow panels takes longer than they save
	}
	p.block.fill(&p.rows, 0, hi-lo, width)
	return &p.block
}
