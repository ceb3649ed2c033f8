package tensor

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor/internal/kernel"
)

// Transpose says whether a product takes a matrix as it is or transposed.
type Transpose bool

// The two values of [Transpose].
const (
	NoTrans Transpose = false
	Trans   Transpose = true
)

// Activation is the element-wise function that [GemmBias] applies to its result while it is in cache.
type Activation uint8

// The activations of [GemmBias].
const (
	Identity          Activation = iota // x
	ReLUActivation                      // max(x, 0); NaN stays NaN
	TanhActivation                      // tanh(x)
	SigmoidActivation                   // 1/(1+exp(-x))
)

// Gemm computes the matrix product
//
//	C = alpha * op(A) * op(B) + beta * C
//
// where op(X) is X or its transpose. op(A) is m by k, op(B) k by n, C m by n; any of m, n and k
// may be zero. With beta 0 the old content of C is not read, so NaN there does not spread; with alpha 0
// A and B are not read. NaN and infinities in A and B propagate as arithmetic has it.
//
// Large products are split over up to GOMAXPROCS goroutines. The terms of an element are always
// added in the same order, so the result has the same bits for any number of them. Gemm does not allocate after
// warm-up. It panics, before anything is written, with an error that wraps [ErrShape] if the shapes do not
// fit and [ErrOverlap] if C shares memory with A or B.
func Gemm[T Float](transA, transB Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	gemmChecked("Gemm", transA, transB, alpha, &a, &b, beta, &c, nil, Identity)
}

// GemmBias is [Gemm] followed by adding bias, one value per column of C, to every row and by the
// activation, all in one pass over C:
//
//	C = act(alpha * op(A) * op(B) + beta * C + 1 * biasᵀ)
//
// A nil bias is none. It panics like Gemm, and with [ErrShape] if a bias has not C.Cols elements.
func GemmBias[T Float](transA, transB Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T], bias []T,
	act Activation) {
	if bias != nil && len(bias) != c.Cols {
		shapePanic(ErrShape, "GemmBias: bias has %d elements, c is %dx%d", len(bias), c.Rows, c.Cols)
	}
	if act > SigmoidActivation {
		shapePanic(ErrRange, "GemmBias: unknown activation %d", act)
	}
	gemmChecked("GemmBias", transA, transB, alpha, &a, &b, beta, &c, bias, act)
}

func gemmChecked[T Float](op string, transA, transB Transpose, alpha T, a, b *Matrix[T], beta T, c *Matrix[T], bias []T,
	act Activation) {
	if !a.valid() || !b.valid() || !c.valid() {
		a.check(op, "a")
		b.check(op, "b")
		c.check(op, "c")
	}
	m, k, ars, acs := a.Rows, a.Cols, a.Stride, 1
	if transA {
		m, k, ars, acs = a.Cols, a.Rows, 1, a.Stride
	}
	inner, n, brs, bcs := b.Rows, b.Cols, b.Stride, 1
	if transB {
		inner, n, brs, bcs = b.Cols, b.Rows, 1, b.Stride
	}
	if k != inner || c.Rows != m || c.Cols != n {
		shapePanic(ErrShape, "%s: op(a) is %dx%d, op(b) is %dx%d, c is %dx%d", op, m, k, inner, n, c.Rows, c.Cols)
	}
	if !(apart(c.Data, a.Data) && apart(c.Data, b.Data)) && (c.overlaps(a) || c.overlaps(b)) {
		shapePanic(ErrOverlap, "%s: c shares memory with a or b", op)
	}
	if len(bias) > 0 && Overlap(bias, c.Data[:c.extent()]) {
		shapePanic(ErrOverlap, "%s: c shares memory with bias", op)
	}
	if m == 0 || n == 0 {
		return
	}
	// vectors, for which the rest would take longer than the work
	if m == 1 && alpha != 0 && bias == nil && act == Identity {
		switch {
		case k == 1 && n == 1:
			set(&c.Data[0], alpha*a.Data[0]*b.Data[0], beta)
			return
		case k > 1 && n == 1 && acs == 1 && brs == 1:
			set(&c.Data[0], alpha*kernel.Dot(a.Data[:k], b.Data[:k]), beta)
			return
		case k == 1 && bcs == 1 && beta == 0:
			kernel.ScaleTo(c.Data[:n], alpha*a.Data[0], b.Data[:n])
			return
		}
	}
	p := matmul[T]{
		m: m, k: k, n: n,
		a: a.Data, ars: ars, acs: acs,
		b: b.Data, brs: brs, bcs: bcs,
		c: c.Data, ldc: c.Stride,
		alpha: alpha, beta: beta, bias: bias, act: act,
	}
	// A derived type runs the code of the type beneath it.
	if unsafe.Sizeof(alpha) == 4 {
		(*matmul[float32])(unsafe.Pointer(&p)).run()
	} else {
		(*matmul[float64])(unsafe.Pointer(&p)).run()
	}
}

// matmul is one matrix product with general strides for A and B: element (i, p) of A is
// a[i*ars+p*acs], element (p, j) of B is b[p*brs+j*bcs].
type matmul[T Float] struct {
	m, n, k     int
	a, b, c     []T
	ars, acs    int
	brs, bcs    int
	ldc         int
	alpha, beta T
	bias        []T
	act         Activation
}

const (
	tinyProduct = 130 // multiply-adds up to which plain loops beat setting up tiles
	longVector  = 32  // unless they run over vectors of this length
	fewDots     = 32  // elements of C up to which dot products beat tiles, which would pack a transposed B
)

func (p *matmul[T]) run() {
	switch {
	case p.k == 0 || p.alpha == 0:
		p.scaleC()
		p.finish(0, p.m, 0, p.n)
	case p.m*p.n*p.k <= tinyProduct && max(p.n, p.k) < longVector:
		p.tiny()
	case p.acs == 1 && (p.m == 1 || p.bcs != 1 && (p.m <= 3 || p.m*p.n <= fewDots)):
		p.rows()
	case p.n == 1 && (p.acs == 1 || p.ars == 1) && p.brs == 1 && p.ldc == 1:
		p.column()
	default:
		if p.beta != 0 && p.beta != 1 {
			p.scaleC()
			p.beta = 1
		}
		if p.small() {
			return
		}
		j := newGemmJob[T]()
		j.matmul = *p
		j.run()
		j.release()
	}
}

// scaleC multiplies C by beta; zero overwrites whatever was there.
func (p *matmul[T]) scaleC() {
	if p.beta == 1 {
		return
	}
	for i := range p.m {
		r := p.c[i*p.ldc:][:p.n]
		if p.beta == 0 {
			clear(r)
			continue
		}
		for j := range r {
			r[j] *= p.beta
		}
	}
}

// finish adds the bias and applies the activation to rows [i0, i1) and columns [j0, j1) of C.
func (p *matmul[T]) finish(i0, i1, j0, j1 int) {
	if p.bias == nil && p.act == Identity {
		return
	}
	for i := i0; i < i1; i++ {
		r := p.c[i*p.ldc:][j0:j1]
		if p.bias != nil {
			Add(r, r, p.bias[j0:j1])
		}
		if p.act == ReLUActivation {
			ReLU(r, r)
		}
		p.activate(r)
	}
}

// activate applies the activations that the tiles leave undone.
func (p *matmul[T]) activate(r []T) {
	switch p.act {
	case TanhActivation:
		Tanh(r, r)
	case SigmoidActivation:
		Sigmoid(r, r)
	}
}

func (p *matmul[T]) tiny() {
	for i := range p.m {
		x, r := p.a[i*p.ars:], p.c[i*p.ldc:][:p.n]
		if p.bcs == 1 && p.n > 2 {
			p.tinyRow(r, x)
		} else {
			p.tinyDots(r, x)
		}
	}
	if p.bias != nil || p.act != Identity {
		p.finish(0, p.m, 0, p.n)
	}
}

// tinyRow adds rows of B, multiplied by a row of A, to a row of C.
func (p *matmul[T]) tinyRow(r, x []T) {
	for q := range p.k {
		f := p.alpha * x[q*p.acs]
		b := p.b[q*p.brs:][:len(r)]
		switch {
		case q > 0 || p.beta == 1:
			for j, v := range b {
				r[j] += f * v
			}
		case p.beta == 0:
			for j, v := range b {
				r[j] = f * v
			}
		default:
			for j, v := range b {
				r[j] = p.beta*r[j] + f*v
			}
		}
	}
}

// tinyDots multiplies a row of A with the columns of B, one after the other.
func (p *matmul[T]) tinyDots(r, x []T) {
	j := 0
	if p.acs == 1 && p.brs == 1 {
		x = x[:p.k]
		for ; j+2 <= len(r); j += 2 {
			b0, b1 := p.b[j*p.bcs:][:len(x)], p.b[(j+1)*p.bcs:][:len(x)]
			var s0, s1 T
			for q, v := range x {
				s0 += v * b0[q]
				s1 += v * b1[q]
			}
			set(&r[j], p.alpha*s0, p.beta)
			set(&r[j+1], p.alpha*s1, p.beta)
		}
	}
	for ; j < len(r); j++ {
		var s T
		y := j * p.bcs
		for q := range p.k {
			s += x[q*p.acs] * p.b[y+q*p.brs]
		}
		set(&r[j], p.alpha*s, p.beta)
	}
}

// rows computes a C of few rows: each is a matrix-vector product with B.
func (p *matmul[T]) rows() {
	for i := range p.m {
		x, y := p.a[i*p.ars:][:p.k], p.c[i*p.ldc:][:p.n]
		if p.bcs == 1 {
			gemvTrans(p.k, p.n, p.alpha, p.b, p.brs, x, p.beta, y)
		} else {
			gemv(p.n, p.k, p.alpha, p.b, p.bcs, x, p.beta, y)
		}
	}
	p.finish(0, p.m, 0, p.n)
}

// column computes a C of one contiguous column.
func (p *matmul[T]) column() {
	x, y := p.b[:p.k], p.c[:p.m]
	if p.acs == 1 {
		gemv(p.m, p.k, p.alpha, p.a, p.ars, x, p.beta, y)
	} else {
		gemvTrans(p.k, p.m, p.alpha, p.a, p.acs, x, p.beta, y)
	}
	p.finish(0, p.m, 0, p.n)
}

// small computes a product of which B is read in place and everything is near, if it is one: without a job, whose
// setting up would take as long as some thousand multiply-adds.
func (p *matmul[T]) small() bool {
	nr := kernel.NR[T]()
	if !kernel.Paired() || p.bcs != 1 || p.n%nr != 0 || p.n > 4*nr || p.k > 128 || p.m > 64 ||
		p.brs*int(unsafe.Sizeof(p.alpha))%4096 == 0 || p.act > ReLUActivation {
		return false
	}
	flags := 0
	if p.beta != 0 {
		flags |= kernel.Accumulate
	}
	if p.alpha != 1 {
		flags |= kernel.Scale
	}
	if p.act == ReLUActivation {
		flags |= kernel.Rectify
	}
	for col := 0; col < p.n; {
		var bias *T
		if p.bias != nil {
			bias = &p.bias[col]
		}
		b, c := &p.b[col], &p.c[col]
		if col+2*nr <= p.n {
			kernel.Pairs(p.m, nr, p.k, &p.a[0], p.ars, p.acs, b, &p.b[col+nr], p.brs, c, p.ldc, p.alpha, flags, bias, b)
			col += 2 * nr
			continue
		}
		kernel.Rows(p.m, nr, nr, p.k, &p.a[0], p.ars, p.acs, b, p.brs, c, p.ldc, p.alpha, flags, bias, b)
		col += nr
	}
	return true
}

// Sizes of the blocks in which a product is computed. A panel of B, kBlock by NR, stays in the
// first-level cache, rowBlock rows of A in the second-level cache.
const (
	kBlock      = 512
	nBlock      = 1024
	rowBlock    = 16        // tiles of A, kernel.MR rows each
	pairBlock   = 7         // tiles of A, kernel.HighestPair rows each
	directBytes = 256 << 10 // of a B that is read in place for any number of rows, see readsB
	copyPanels  = 8         // panels of B for which copying a block of A pays
	packGrain   = 1 << 15   // elements of B that one block of parallel packing holds
)

// gemmJob is a product in progress: the block of B it is at, the panels packed for it, and the grid over
// which its tiles are shared. Jobs are pooled with their buffers and their bound functions.
type gemmJob[T Float] struct {
	matmul[T]
	buf              []T  // the packed panels
	first            int  // of them; those before are read from B itself
	direct           bool // B is one block, of which only a ragged panel is packed
	k0, kb           int  // block of k
	kStep            int  // how much of it a tile adds up at once
	j0, nb           int  // block of columns
	mr, blockTiles   int  // rows of a tile, and tiles of A that stay in the second-level cache
	rowTiles, panels int  // of the whole block
	gridRows         int  // row tiles of one cell of the grid
	gridCols         int  // panels of one cell of the grid
	cells            int  // of the grid

	// What several workers have done of the block so far.
	packing, packed atomic.Int64   // panels that were taken to be packed, and that are there
	unpacked        sync.WaitGroup // panels that are not there
	taken, last     atomic.Int64   // cells, and of them those taken from the back
	packGrain       int            // panels that a worker takes at once
	shareFn         func(lo, hi int)
}

var (
	gemmJobs32 = sync.Pool{New: func() any { return bindGemmJob(new(gemmJob[float32])) }}
	gemmJobs64 = sync.Pool{New: func() any { return bindGemmJob(new(gemmJob[float64])) }}
)

func bindGemmJob[T Float](j *gemmJob[T]) *gemmJob[T] {
	j.shareFn = j.share
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
	procs := 1
	if share, work := kernel.Share[T](), j.work(); work >= 2*share {
		procs = min(runtime.GOMAXPROCS(0), work/share)
	}
	kBlocks := (j.k + kBlock - 1) / kBlock
	j.kStep = ((j.k+kBlocks-1)/kBlocks + 7) &^ 7
	j.rowTiles = (j.m + j.mr - 1) / j.mr
	j.direct = j.readsB()
	kMost, nMost := j.kStep, nBlock
	if j.direct {
		kMost, nMost = j.k, j.n
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
			j.taken.Store(0)
			j.last.Store(0)
			j.packGrain = max(1, packGrain/(nr*j.kb))
			ParallelWorkers(procs, procs, 1, j.shareFn)
		}
	}
}

// work is what the product costs in multiply-adds: those it has, and some for each element that is moved.
func (j *gemmJob[T]) work() int {
	const perElement = 8
	return j.m*j.n*j.k + perElement*(j.m*j.n+j.m*j.k+j.k*j.n)
}

// share is what one of several workers does: it packs while there is something to pack, and then takes cells, the first
// worker from the front and the others from the back, so that in a loop of products a processor finds in its caches
// what it had. Packing and multiplying are one call of Parallel, since waking a processor takes as long as packing.
func (j *gemmJob[T]) share(worker, _ int) {
	for {
		hi := int(j.packing.Add(int64(j.packGrain)))
		lo := hi - j.packGrain
		if lo >= j.panels {
			break
		}
		hi = min(hi, j.panels)
		j.pack(lo, hi)
		j.packed.Add(int64(hi - lo))
		j.unpacked.Add(lo - hi)
	}
	for i := 0; i < patience && j.packed.Load() < int64(j.panels); i++ {
	}
	j.unpacked.Wait()
	for front := 0; j.taken.Add(1) <= int64(j.cells); front++ {
		cell := front
		if worker > 0 {
			cell = j.cells - int(j.last.Add(1))
		}
		j.multiply(cell, cell+1)
	}
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
		}
	}
	j.cells = ((j.rowTiles + j.gridRows - 1) / j.gridRows) * ((j.panels + j.gridCols - 1) / j.gridCols)
}

// readsB reports whether B is read where it lies. To pack it takes as long as to compute some rows of C, so that few
// rows do not pay for it. What reading in place costs is to find the addresses of the pages of a panel anew for every
// tile, and rows that are pages apart share a few sets of the caches. With 40 rows it is 1.2 to 1.4 times as fast.
func (j *gemmJob[T]) readsB() bool {
	const (
		page     = 4096
		rowPages = 40000     // rows of C times pages of a panel up to which packing does not pay,
		farRows  = 14        // rows up to which it does not where those of B are more than a page apart,
		farBytes = 256 << 20 // and bytes of B times rows
	)
	if j.bcs != 1 {
		return false
	}
	size := int(unsafe.Sizeof(j.alpha))
	kb := min(j.kStep, j.k)
	work := j.m * (kb * min(j.brs*size, page) / page)
	switch stride := j.brs * size; {
	case stride < page:
		return work <= rowPages || min(j.n, nBlock)*kb*size <= directBytes
	case stride == page:
		return work <= rowPages/2
	}
	return j.m <= farRows && j.k*j.n <= farBytes/size/j.m
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
	flags := 0
	if k0 > 0 || j.beta != 0 {
		flags |= kernel.Accumulate
	}
	if j.alpha != 1 {
		flags |= kernel.Scale
	}
	last := k0+kb == j.k
	if last && j.act == ReLUActivation {
		flags |= kernel.Rectify
	}
	a, ars, acs := j.a[k0*j.acs+i0*j.ars:], j.ars, j.acs
	conflict := 1024
	if kernel.Paired() { // whose first-level cache has twelve ways
		conflict = 4096
	}
	if q1-q0 >= copyPanels && max(ars, acs)*int(unsafe.Sizeof(j.alpha))%conflict == 0 {
		buf := aBlocks.Get().(*aBlock)
		defer aBlocks.Put(buf)
		a, ars, acs = j.copyA(a, i1-i0, kb, unsafe.Slice((*T)(unsafe.Pointer(buf)), len(buf)))
	}
	paired := kernel.Paired()
	for q := q0; q < q1; {
		col := j.j0 + q*nr
		b, bs, width, cols := j.panel(q, k0)
		var bias *T
		if last && j.bias != nil {
			bias = &j.bias[col]
		}
		step := 1
		var b1 *T
		var cols1 int
		if paired && q+1 < q1 {
			var bs1 int
			if b1, bs1, _, cols1 = j.panel(q+1, k0); bs1 == bs {
				step = 2
			}
		}
		following := q0 // after the last panel comes the first, for the rows below
		if q+step < q1 {
			following = q + step
		}
		next, _, _, _ := j.panel(following, k0)
		c := &j.c[i0*j.ldc+col]
		if step == 2 {
			kernel.Pairs(i1-i0, cols1, kb, &a[0], ars, acs, b, b1, bs, c, j.ldc, j.alpha, flags, bias, next)
		} else {
			kernel.Rows(i1-i0, width, cols, kb, &a[0], ars, acs, b, bs, c, j.ldc, j.alpha, flags, bias, next)
		}
		q += step
	}
	if last && j.act > ReLUActivation {
		c0, c1 := j.j0+q0*nr, j.j0+min(q1*nr, j.nb)
		for i := i0; i < i1; i++ {
			j.activate(j.c[i*j.ldc:][c0:c1])
		}
	}
}

// panel is where a panel of B is read from row k0 on, the stride of its rows, the width of its tiles, and how many of its
// columns there are.
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

// String returns the name of the activation.
func (a Activation) String() string {
	switch a {
	case Identity:
		return "identity"
	case ReLUActivation:
		return "relu"
	case TanhActivation:
		return "tanh"
	case SigmoidActivation:
		return "sigmoid"
	}
	return fmt.Sprintf("Activation(%d)", uint8(a))
}
