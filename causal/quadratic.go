package causal

import (
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Every penalty of this package is a quadratic form of a kernel matrix,
//
//	q = sum_ij M_ij k(z_i, z_j),  M_ij = p_i p_j c_ij,
//
// with a symmetric M whose elements sum to zero and that does not depend on z. For a kernel of the squared distance,
// k less its value at zero gives the same q, and without the cancellation that makes float32 useless at wide
// bandwidths. The gradient is
//
//	dq/dz_i = 4 p_i sum_j p_j c_ij k'(d²_ij) (z_i - z_j),
//
// and 2 p_i sum_j p_j c_ij k'(z_i·z_j) z_j for a kernel of the inner product. Both need one product of matrices for
// the distances and one for the gradient. They are computed a tile at a time, so memory grows with n and not with
// n².

// form is the M of a problem on some rows of a batch, those of a group together.
type form struct {
	rows  []int     // of the batch
	start []int     // group g is rows[start[g]:start[g+1]]
	p     []float64 // by row

	// coef[g*groups+h] is c_ij for a row i of group g and j of group h; nil if fill gives it.
	coef []float64
	// fill writes c_ij for row i and columns lo to hi; scratch has four times as many elements.
	fill func(i, lo, hi int, dst, scratch []float64)

	distinct bool    // pairs of a row with itself do not count
	scale    float64 // of the whole form
}

func (f *form) reset() {
	f.rows, f.p, f.coef = f.rows[:0], f.p[:0], f.coef[:0]
	f.start = append(f.start[:0], 0)
	f.fill, f.distinct, f.scale = nil, false, 1
}

// quadratic evaluates forms. It keeps its memory from one evaluation to the next and is not safe for concurrent use.
type quadratic[T tensor.Float] struct {
	profile profile[T]
	dot     bool
	workers int

	f      *form
	z      tensor.Matrix[T] // the batch
	x, g   tensor.Matrix[T] // the rows that take part, and their gradients
	norms  []T
	center []T
	blocks []rowBlock
	sums   []blockSums
	want   bool // the gradient

	mu   sync.Mutex
	free []*tile[T]
	run  func(lo, hi int) // block by block; bound once, so that it does not allocate
}

// rowBlock is rows lo to hi.
type rowBlock struct{ lo, hi int }

// blockSums is what the rows of a block add to the value and the mean kernels.
type blockSums struct{ value, off, diagonal, trace float64 }

// evaluation is the sums over all pairs.
type evaluation struct {
	value    float64
	off      float64 // mean of the kernel, less its value at zero, over pairs of different rows
	expected float64 // mean of the value over all permutations of the rows
}

const (
	tileRows = 128
	tileCols = 256
)

// tile is the scratch of one goroutine.
type tile[T tensor.Float] struct {
	group           int // that coef is of; -1 for none
	coef, scratch   []float64
	narrow          []T
	x, k, dk, spare []T
	rowSum          [tileRows]float64
}

// eval returns the sums of the form for rows of z, and adds the gradient to grad unless that is empty.
func (q *quadratic[T]) eval(f *form, z, grad tensor.Matrix[T]) evaluation {
	q.prepare(f, z)
	q.want = grad.Rows > 0
	if q.run == nil {
		q.run = func(lo, hi int) {
			for b := lo; b < hi; b++ {
				q.block(b)
			}
		}
	}
	tensor.ParallelWorkers(q.workers, len(q.blocks), 1, q.run)
	var e evaluation
	var s blockSums
	for _, b := range q.sums {
		s.value += b.value
		s.off += b.off
		s.diagonal += b.diagonal
		s.trace += b.trace
	}
	n := float64(len(f.rows))
	e.value = f.scale * s.value
	e.off = s.off / max(n*(n-1), 1)
	if !f.distinct {
		e.expected = f.scale * s.trace * (s.diagonal/n - e.off)
	}
	if q.want {
		for k, row := range f.rows {
			tensor.Axpy(grad.Row(row), T(f.scale), q.g.Row(k))
		}
	}
	return e
}

// prepare gathers the rows, centred if only distances count, and divides them into blocks.
func (q *quadratic[T]) prepare(f *form, z tensor.Matrix[T]) {
	q.f, q.z = f, z
	n, d := len(f.rows), z.Cols
	q.x, q.g = resize(q.x, n, d), resize(q.g, n, d)
	q.norms = grow(q.norms, n)
	q.center = grow(q.center, d)
	clear(q.center)
	if !q.dot { // near the centre distances lose fewer digits
		for _, row := range f.rows {
			tensor.Add(q.center, q.center, z.Row(row))
		}
		tensor.Scale(q.center, T(1/float64(n)), q.center)
	}
	for k, row := range f.rows {
		x := q.x.Row(k)
		tensor.Sub(x, z.Row(row), q.center)
		q.norms[k] = tensor.Dot(x, x)
	}
	q.blocks = q.blocks[:0]
	for lo := 0; lo < n; lo += tileRows {
		q.blocks = append(q.blocks, rowBlock{lo, min(lo+tileRows, n)})
	}
	q.sums = grow(q.sums, len(q.blocks))
}

// block evaluates one block of rows against all rows.
func (q *quadratic[T]) block(b int) {
	t := q.take()
	defer q.give(t)
	r := q.blocks[b]
	n := len(q.f.rows)
	q.sums[b] = blockSums{}
	clear(t.rowSum[:])
	t.coef, t.narrow, t.scratch = grow(t.coef, tileCols), grow(t.narrow, tileCols), grow(t.scratch, 4*tileCols)
	g := q.g.Slice(r.lo, r.hi, 0, q.g.Cols)
	for lo := 0; lo < n; lo += tileCols {
		hi := min(lo+tileCols, n)
		q.tile(t, r, lo, hi, &q.sums[b])
		if q.want {
			beta := T(1)
			if lo == 0 {
				beta = 0
			}
			dk := tensor.Of(r.hi-r.lo, hi-lo, t.dk[:(r.hi-r.lo)*(hi-lo)])
			tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, dk, q.x.Slice(lo, hi, 0, q.x.Cols), beta, g)
		}
	}
	if q.want {
		q.finish(t, r, g)
	}
}

// tile evaluates the kernel for a block of rows and columns lo to hi, adds to the sums and leaves k'(..) p_j c_ij in
// t.dk.
func (q *quadratic[T]) tile(t *tile[T], r rowBlock, lo, hi int, s *blockSums) {
	rows, cols := r.hi-r.lo, hi-lo
	size := rows * cols
	t.x, t.k, t.dk, t.spare = grow(t.x, size), grow(t.k, size), grow(t.dk, size), grow(t.spare, size)
	x := tensor.Of(rows, cols, t.x)
	scale := T(-2)
	if q.dot {
		scale = 1
	}
	tensor.Gemm(tensor.NoTrans, tensor.Trans, scale, q.x.Slice(r.lo, r.hi, 0, q.x.Cols), q.x.Slice(lo, hi, 0, q.x.Cols), 0,
		x)
	if !q.dot {
		for i := range rows {
			q.distances(r.lo+i, lo, x.Row(i))
		}
	}
	q.profile(t.k, t.dk, t.spare, t.x)
	t.group = -1
	for i := range rows {
		at := i * cols
		q.row(t, r.lo+i, lo, hi, t.k[at:at+cols], t.dk[at:at+cols], &t.rowSum[i], s)
	}
}

// distances turns row i of -2xx', from column lo on, into squared distances. Those that the subtraction leaves few
// digits of, in float32, are computed again from the differences.
func (q *quadratic[T]) distances(i, lo int, d2 []T) {
	own := q.norms[i]
	norms := q.norms[lo : lo+len(d2)]
	const digits = 1e-3
	for j, v := range d2 {
		sum := own + norms[j]
		if v += sum; v < digits*sum {
			v = T(squaredDistance(q.z.Row(q.f.rows[i]), q.z.Row(q.f.rows[lo+j])))
		}
		d2[j] = v
	}
}

// row adds row i to the sums.
func (q *quadratic[T]) row(t *tile[T], i, lo, hi int, k, dk []T, rowSum *float64, s *blockSums) {
	q.coefficients(t, i, lo, hi)
	coef, narrow := t.coef[:hi-lo], t.narrow[:hi-lo]
	s.off += tensor.Sum(k)
	if own := i - lo; own >= 0 && own < len(k) {
		s.off -= float64(k[own])
		s.diagonal += float64(k[own])
		s.trace += q.f.p[i] * coef[own]
		switch {
		case !q.dot: // z_i - z_i is zero, and need not be left to rounding
			dk[own] = 0
		case q.f.distinct:
			k[own], dk[own] = 0, 0
		}
	}
	var a, b float64
	j := 0
	for ; j+2 <= len(k); j += 2 {
		a += float64(coef[j] * float64(k[j]))
		b += float64(coef[j+1] * float64(k[j+1]))
	}
	if j < len(k) {
		a += float64(coef[j] * float64(k[j]))
	}
	s.value += q.f.p[i] * (a + b)
	if q.want {
		tensor.Mul(dk, dk, narrow)
		if !q.dot {
			*rowSum += tensor.Sum(dk)
		}
	}
}

// coefficients fills in p_j c_ij of row i for columns lo to hi. Rows of one group, which lie together, have the same.
func (q *quadratic[T]) coefficients(t *tile[T], i, lo, hi int) {
	coef, f := t.coef[:hi-lo], q.f
	if f.fill != nil {
		f.fill(i, lo, hi, coef, t.scratch)
		for j := range coef {
			coef[j] *= f.p[lo+j]
			t.narrow[j] = T(coef[j])
		}
		return
	}
	if t.group >= 0 && i < f.start[t.group+1] {
		return
	}
	for t.group = max(t.group, 0); i >= f.start[t.group+1]; {
		t.group++
	}
	groups := len(f.start) - 1
	for h := range groups {
		c := f.coef[t.group*groups+h]
		for j := max(lo, f.start[h]); j < min(hi, f.start[h+1]); j++ {
			coef[j-lo] = c * f.p[j]
			t.narrow[j-lo] = T(coef[j-lo])
		}
	}
}

// finish turns sum_j p_j c_ij k'_ij z_j into the gradient.
func (q *quadratic[T]) finish(t *tile[T], r rowBlock, g tensor.Matrix[T]) {
	for i := range r.hi - r.lo {
		row, p := g.Row(i), q.f.p[r.lo+i]
		if q.dot {
			tensor.Scale(row, T(2*p), row)
			continue
		}
		tensor.Scale(row, T(-4*p), row)
		tensor.Axpy(row, T(4*p*t.rowSum[i]), q.x.Row(r.lo+i))
	}
}

func (q *quadratic[T]) take() *tile[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.free); n > 0 {
		t := q.free[n-1]
		q.free = q.free[:n-1]
		return t
	}
	return &tile[T]{}
}

func (q *quadratic[T]) give(t *tile[T]) {
	q.mu.Lock()
	q.free = append(q.free, t)
	q.mu.Unlock()
}

// grow returns x with n elements, in its own memory if there is enough.
func grow[E any](x []E, n int) []E {
	if cap(x) < n {
		return make([]E, n)
	}
	return x[:n]
}

func resize[T tensor.Float](m tensor.Matrix[T], rows, cols int) tensor.Matrix[T] {
	return tensor.Of(rows, cols, grow(m.Data, rows*cols))
}
