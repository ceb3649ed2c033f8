package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// Sizes of the blocks in which a product is computed. A panel of B, kBlock by NR, stays in the
// first-level cache, rowBlock rows of A in the second-level cache.
const (
	kBlock      = 512
	nBlock      = 1024
	rowBlock    = 16        // tiles of A, kernel.MR rows each
	pairBlock   = 7         // tiles of A, kernel.HighestPair rows each
	directBytes = 256 << 10 // of a B with rows of less than a page that any number of rows of C reads in place
	copyPanels  = 8         // panels of B for which copying a block of A pays
	packGrain   = 1 << 15   // elements of B that one block of parallel packing holds
	packedBytes = 2 << 20   // of a B that several goroutines pack at once and not by blocks of k
)

// gemmJob is a product in progress: the block of B it is at, the panels packed for it, and the grid over
// which its tiles are shared. Jobs are pooled with their buffers and their bound functions.
type gemmJob[T Float] struct {
	matmul[T]
	buf              []T  // the packed panels
	first            int  // of them; those before are read from B itself
	direct           bool // B is one block, of which only a ragged panel is packed
	k0, kb           int  // block of k
	kStep            int  // how much of it is summed before it is added to C
	kChunk           int  // and how much of that a tile does at once
	j0, nb           int  // block of columns
	mr, blockTiles   int  // rows of a tile, and tiles of A that stay in the second-level cache
	rowTiles, panels int  // of the whole block
	gridRows         int  // row tiles of one cell of the grid
	gridCols         int  // panels of one cell of the grid
	cells            int  // of the grid

	// What several workers have done of the block so far.
	packing, packed atomic.Int64   // panels that were taken to be packed, and that are there
	unpacked        sync.WaitGroup // panels that are not there
	packGrain       int            // panels that a worker takes at once
	shareFn         func(lo, hi int)
	columnsFn       func(lo, hi int)
}

var (
	gemmJobs32 = sync.Pool{New: func() any { return bindGemmJob(new(gemmJob[float32])) }}
	gemmJobs64 = sync.Pool{New: func() any { return bindGemmJob(new(gemmJob[float64])) }}
)

func bindGemmJob[T Float](j *gemmJob[T]) *gemmJob[T] {
	j.shareFn, j.columnsFn = j.share, j.columns
	return j
}

func newGemmJob[T Float]() *gemmJob[T] {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return (*gemmJob[T])(unsafe.Pointer(gemmJobs32.Get().(*gemmJob[float32])))
	}
	return (*gemmJob[T])(unsafe.Pointer(gemmJobs64.Get().(*gemmJob[float64])))
}

func (j *gemmJob[T]) release() {
	j.matmul = matmul[T]{} // do not keep the caller's memory alive
	var z T
	if unsafe.Sizeof(z) == 4 {
		gemmJobs32.Put((*gemmJob[float32])(unsafe.Pointer(j)))
	} else {
		gemmJobs64.Put((*gemmJob[float64])(unsafe.Pointer(j)))
	}
}

func (j *gemmJob[T]) run() {
	nr := kernel.NR[T]()
	j.mr, j.blockTiles = kernel.MR, rowBlock
	if kernel.Paired() {
		j.mr, j.blockTiles = kernel.HighestPair, pairBlock
	}
	procs := j.procs()
	kBlocks := (j.k + kBlock - 1) / kBlock
	j.kStep = ((j.k+kBlocks-1)/kBlocks + 7) &^ 7
	j.rowTiles = (j.m + j.mr - 1) / j.mr
	j.direct, j.kChunk = j.readsB()
	kMost, nMost := j.kStep, nBlock
	switch size := int(unsafe.Sizeof(j.alpha)); {
	case j.direct:
		kMost, nMost = j.k, j.n
	case procs > 1 && j.k*min(j.n, nBlock)*size <= packedBytes:
		kMost = j.k
	}
	for j.j0 = 0; j.j0 < j.n; j.j0 += nMost {
		j.nb = min(nMost, j.n-j.j0)
		j.panels = (j.nb + nr - 1) / nr
		j.first = 0
		if j.direct {
			j.first = j.nb / nr
		}
		j.plan(nr, procs)
		for j.k0 = 0; j.k0 < j.k; j.k0 += kMost {
			j.kb = min(kMost, j.k-j.k0)
			if need := (j.panels - j.first) * nr * j.kb; cap(j.buf) < need {
				j.buf = make([]T, need)
			}
			j.buf = j.buf[:cap(j.buf)]
			ready := j.first
			if procs == 1 || j.direct {
				j.pack(j.first, j.panels)
				ready = j.panels
			}
			if procs == 1 {
				j.multiply(0, j.cells)
				continue
			}
			j.packing.Store(int64(ready))
			j.packed.Store(int64(ready))
			j.unpacked.Add(j.panels - ready)
			j.packGrain = max(1, packGrain/(nr*j.kb))
			ParallelWorkers(procs, j.cells, 1, j.shareFn)
		}
	}
}

// procs is how many goroutines the product is worth: by its multiply-adds, and some for each element that does not stay
// in the second-level cache.
func (p *matmul[T]) procs() int {
	const (
		perElement = 16
		near       = 2 << 20 // bytes
	)
	m, n, k := float64(p.m), float64(p.n), float64(p.k)
	far := max(0, m*n+m*k+k*n-near/float64(unsafe.Sizeof(p.alpha)))
	shares := (m*n*k + perElement*far) / float64(kernel.Share[T]())
	return int(max(1, min(float64(runtime.GOMAXPROCS(0)), shares)))
}

// share is what one of several workers does: it packs while there is something to pack, and then computes a cell.
// Packing and multiplying are one call of Parallel, since waking a processor takes as long as packing.
func (j *gemmJob[T]) share(cell, end int) {
	for j.packing.Load() < int64(j.panels) {
		hi := int(j.packing.Add(int64(j.packGrain)))
		lo := hi - j.packGrain
		if lo >= j.panels {
			break
		}
		j.packShare(lo, min(hi, j.panels))
	}
	for i := 0; i < patience && j.packed.Load() < int64(j.panels); i++ {
	}
	j.unpacked.Wait()
	j.multiply(cell, end)
}

// packShare packs panels for all workers, which wait for them even if that panics.
func (j *gemmJob[T]) packShare(lo, hi int) {
	defer func() {
		j.unpacked.Add(lo - hi)
		j.packed.Add(int64(hi - lo))
	}()
	j.pack(lo, hi)
}

// plan decides how the tiles are shared.
func (j *gemmJob[T]) plan(nr, procs int) {
	j.gridRows, j.gridCols = j.blockTiles, min(j.panels, nBlock/nr)
	if procs > 1 {
		if j.rowTiles >= 8*procs {
			j.gridRows = evenRows(j.rowTiles, procs, j.blockTiles)
		} else {
			j.gridRows = j.rowTiles
			j.gridCols = max(1, (j.panels+4*procs-1)/(4*procs))
			if kernel.Paired() {
				j.gridCols += j.gridCols % 2
			}
			j.gridCols = min(j.gridCols, nBlock/nr)
		}
	}
	j.cells = ((j.rowTiles + j.gridRows - 1) / j.gridRows) * ((j.panels + j.gridCols - 1) / j.gridCols)
}

// readsB reports whether B is read where it lies, and how many of its rows at a time. To pack it takes as long as to
// compute some rows of C, so that few rows do not pay for it. What reading in place costs is to find the addresses of
// the pages of a panel anew for every tile, and rows that are pages apart share a few sets of the caches: of a B that
// comes from far, a few rows at a time are read, whose lines are then there for all panels. With 40 rows reading in
// place is 1.2 to 1.4 times as fast, with 16 rows and a B of 4096x4096 in chunks 1.8 times.
func (j *gemmJob[T]) readsB() (direct bool, chunk int) {
	const (
		page     = 4096
		near     = 1 << 20   // bytes of a B that caches hold;
		few      = 48        // rows of C up to which another is read in chunks,
		longRow  = page / 2  // if its rows have so many bytes
		tooFew   = 4         // but for these, where AVX-512 would do little else than begin and end tiles,
		far      = 32 << 20  // if it has not so many bytes
		rowPages = 40000     // rows of C times pages of a panel up to which packing does not pay,
		farRows  = 14        // rows up to which it does not where those of B are more than a page apart,
		farBytes = 256 << 20 // and bytes of B times rows
	)
	if j.bcs != 1 {
		return false, j.kStep
	}
	size := int(unsafe.Sizeof(j.alpha))
	stride, bytes := j.brs*size, j.k*j.n*size
	if j.m <= few && j.n*size >= longRow && bytes > near &&
		(j.m > tooFew || bytes > far || !kernel.Paired()) {
		if stride >= 2*page {
			return true, 32
		}
		return true, 64
	}
	kb := min(j.kStep, j.k)
	work := j.m * (kb * min(stride, page) / page)
	switch {
	case stride < page:
		direct = work <= rowPages || min(j.n, nBlock)*kb*size <= directBytes
	case stride == page:
		direct = work <= rowPages/2
	default:
		direct = j.m <= farRows && j.k*j.n <= farBytes/size/j.m
	}
	return direct, j.kStep
}

// evenRows is the number of row tiles of a cell with which procs workers end closest together; of equals, the
// largest, which reads B least often.
func evenRows(tiles, procs, most int) int {
	best, least := 1, tiles
	for rows := 2; rows <= min(most, tiles/(4*procs)); rows++ {
		cells, rest := tiles/rows, tiles%rows
		longest := (cells + procs - 1) / procs * rows
		if cells%procs == 0 {
			longest += rest
		}
		if longest <= least {
			best, least = rows, longest
		}
	}
	return best
}

// pack copies panels [lo, hi) of the current block of B, ragged ones padded with zeros.
func (j *gemmJob[T]) pack(lo, hi int) {
	nr := kernel.NR[T]()
	for q := lo; q < hi; q++ {
		cols := min(nr, j.nb-q*nr)
		width := panelWidth(cols, nr)
		if j.bcs == 1 && q+4 <= hi && (q+4)*nr <= j.nb && kernel.PackFour(j.kb, j.b[j.k0*j.brs+j.j0+q*nr:], j.brs,
			j.buf[(q-j.first)*nr*j.kb:]) {
			q += 3
			continue
		}
		dst := j.buf[(q-j.first)*nr*j.kb:][:width*j.kb]
		src := j.b[j.k0*j.brs+(j.j0+q*nr)*j.bcs:]
		if cols < width {
			clear(dst)
		}
		if j.bcs == 1 {
			kernel.Pack(j.kb, width, cols, src, j.brs, dst)
		} else {
			kernel.PackTransposed(j.kb, width, cols, src, j.bcs, dst)
		}
	}
}

// panelWidth is the narrower of the two widths of tiles that holds cols columns.
func panelWidth(cols, nr int) int {
	if cols <= nr/2 {
		return nr / 2
	}
	return nr
}

// multiply computes cells [lo, hi) of the grid over the current block.
func (j *gemmJob[T]) multiply(lo, hi int) {
	perRow := (j.panels + j.gridCols - 1) / j.gridCols
	for q := lo; q < hi; q++ {
		r, c := q/perRow*j.gridRows, q%perRow*j.gridCols
		rEnd, cEnd := min(r+j.gridRows, j.rowTiles), min(c+j.gridCols, j.panels)
		for ; r < rEnd; r += j.blockTiles {
			for k0 := j.k0; k0 < j.k0+j.kb; k0 += j.kStep {
				j.block(r*j.mr, min(min(r+j.blockTiles, rEnd)*j.mr, j.m), k0, min(j.kStep, j.k0+j.kb-k0), c, cEnd)
			}
		}
	}
}

// block multiplies rows [i0, i1) and columns [k0, k0+kb) of A with panels [q0, q1) of B.
func (j *gemmJob[T]) block(i0, i1, k0, kb, q0, q1 int) {
	nr := kernel.NR[T]()
	t := strip[T]{a: j.a[k0*j.acs+i0*j.ars:], ars: j.ars, acs: j.acs, rows: i1 - i0, k0: k0, kb: kb, q0: q0, q1: q1}
	conflict := 1024
	if kernel.Paired() { // whose first-level cache has twelve ways
		conflict = 4096
	}
	if q1-q0 >= copyPanels && max(j.ars, j.acs)*int(unsafe.Sizeof(j.alpha))%conflict == 0 {
		buf := aBlocks.Get().(*aBlock)
		defer aBlocks.Put(buf)
		t.a, t.ars, t.acs = j.copyA(t.a, t.rows, kb, unsafe.Slice((*T)(unsafe.Pointer(buf)), len(buf)))
	}
	c0, c1 := j.j0+q0*nr, j.j0+min(q1*nr, j.nb)
	t.c, t.ldc = j.c[i0*j.ldc+c0:], j.ldc
	last := k0+kb == j.k
	if j.kChunk < kb {
		j.chunks(t, c1-c0)
		if last {
			j.finish(i0, i1, c0, c1)
		}
		return
	}
	t.alpha = j.alpha
	if k0 > 0 || j.beta != 0 {
		t.flags |= kernel.Accumulate
	}
	if j.alpha != 1 {
		t.flags |= kernel.Scale
	}
	if last {
		if j.act == ReLUActivation {
			t.flags |= kernel.Rectify
		}
		if j.bias != nil {
			t.bias = j.bias[c0:]
		}
	}
	j.strip(&t)
	if last && j.act > ReLUActivation {
		for i := i0; i < i1; i++ {
			j.activate(j.c[i*j.ldc:][c0:c1])
		}
	}
}

// strip is some rows and columns of A, to be multiplied with panels [q0, q1) of B.
type strip[T Float] struct {
	a        []T
	ars, acs int
	rows     int
	k0, kb   int
	q0, q1   int
	c        []T // from the first row and the first column of the panels on
	ldc      int
	alpha    T
	flags    int
	bias     []T
}

// strip multiplies one.
func (j *gemmJob[T]) strip(t *strip[T]) {
	nr := kernel.NR[T]()
	paired := kernel.Paired()
	for q := t.q0; q < t.q1; {
		col := (q - t.q0) * nr
		b, bs, width, cols := j.panel(q, t.k0)
		var bias *T
		if t.bias != nil {
			bias = &t.bias[col]
		}
		step := 1
		var b1 *T
		var cols1 int
		if paired && q+1 < t.q1 {
			var bs1 int
			if b1, bs1, _, cols1 = j.panel(q+1, t.k0); bs1 == bs {
				step = 2
			}
		}
		following := t.q0 // after the last panel comes the first, for the rows below
		if q+step < t.q1 {
			following = q + step
		}
		next, _, _, _ := j.panel(following, t.k0)
		a, c := &t.a[0], &t.c[col]
		if step == 2 {
			kernel.Pairs(t.rows, cols1, t.kb, a, t.ars, t.acs, b, b1, bs, c, t.ldc, t.alpha, t.flags, bias, next)
		} else {
			kernel.Rows(t.rows, width, cols, t.kb, a, t.ars, t.acs, b, bs, c, t.ldc, t.alpha, t.flags, bias, next)
		}
		q += step
	}
}

// chunks multiplies a strip a few columns of A, and rows of B, at a time. The sums go on where they were, so that they
// have the same bits as those of a strip at once.
func (j *gemmJob[T]) chunks(t strip[T], cols int) {
	c, ldc := t.c, t.ldc
	add := t.k0 > 0 || j.beta != 0
	if add { // sums lie beside C
		buf := sumBlocks.Get().(*sumBlock)
		defer sumBlocks.Put(buf)
		t.ldc = cols + aPad
		t.c = unsafe.Slice((*T)(unsafe.Pointer(buf)), len(buf))[:t.rows*t.ldc]
	}
	a, k0, kb := t.a, t.k0, t.kb
	for p := 0; p < kb; p += j.kChunk {
		t.a, t.k0, t.kb = a[p*t.acs:], k0+p, min(j.kChunk, kb-p)
		j.strip(&t)
		t.flags = kernel.Resume
	}
	for i := range t.rows {
		sum := t.c[i*t.ldc:][:cols]
		if j.alpha != 1 {
			kernel.ScaleTo(sum, j.alpha, sum)
		}
		if add {
			r := c[i*ldc:][:cols]
			Add(r, sum, r)
		}
	}
}

// sumBlock holds what chunks add up, of either type.
type sumBlock [max(rowBlock*kernel.MR, pairBlock*kernel.HighestPair) * (nBlock + aPad)]float64

var sumBlocks = sync.Pool{New: func() any { return new(sumBlock) }}

// panel is where a panel of B is read from row k0 on, the stride of its rows, the width of its tiles, and how many of
// its columns there are.
func (j *gemmJob[T]) panel(q, k0 int) (b *T, stride, width, cols int) {
	nr := kernel.NR[T]()
	cols = min(nr, j.nb-q*nr)
	width = panelWidth(cols, nr)
	if q < j.first {
		return &j.b[k0*j.brs+j.j0+q*nr], j.brs, width, cols
	}
	return &j.buf[(q-j.first)*nr*j.kb+(k0-j.k0)*width], width, width, cols
}

// aBlock holds a block of A of either type.
type aBlock [max(rowBlock*kernel.MR, pairBlock*kernel.HighestPair) * (kBlock + aPad)]float64

// aPad is what a row of a copied block has more than columns, so that rows lie in different sets of the cache.
const aPad = 16

var aBlocks = sync.Pool{New: func() any { return new(aBlock) }}

// copyA copies a block of A. Rows, or columns of a transposed A, that are a large power of two apart share a few sets
// of the cache, and those of one tile would evict each other.
func (j *gemmJob[T]) copyA(a []T, rows, kb int, dst []T) (block []T, ars, acs int) {
	if j.acs == 1 {
		ars = kb + aPad
		for i := range rows {
			copy(dst[i*ars:][:kb], a[i*j.ars:])
		}
		return dst, ars, 1
	}
	for p := range kb {
		copy(dst[p*rows:][:rows], a[p*j.acs:])
	}
	return dst, 1, rows
}
