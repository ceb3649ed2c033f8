package tensor

import (
	"fmt"
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
	procs := p.procs()
	if procs == 1 && p.m == 1 {
		p.columns(0, p.n)
		return
	}
	const (
		near    = 128 << 10 // bytes of B that are there again for the next row of C
		longRow = 1024      // elements of a row of B that are read in one go
	)
	grain := min(longRow, max(64, (p.n/4+63)&^63))
	if p.bcs != 1 {
		grain = max(4, near/(p.k*int(unsafe.Sizeof(p.alpha)))&^3) // whole fours, which Gemv works on
	}
	if procs == 1 {
		for lo := 0; lo < p.n; lo += grain {
			p.columns(lo, min(lo+grain, p.n))
		}
		return
	}
	j := newGemmJob[T]()
	j.matmul = *p
	ParallelWorkers(procs, p.n, grain, j.columnsFn)
	j.release()
}

// columns computes columns [lo, hi) of a C of few rows.
func (p *matmul[T]) columns(lo, hi int) {
	for i := range p.m {
		x, y := p.a[i*p.ars:][:p.k], p.c[i*p.ldc:][lo:hi]
		if p.bcs == 1 {
			gemvTrans(p.k, hi-lo, p.alpha, p.b[lo:], p.brs, x, p.beta, y)
		} else {
			gemv(hi-lo, p.k, p.alpha, p.b[lo*p.bcs:], p.bcs, x, p.beta, y)
		}
	}
	p.finish(0, p.m, lo, hi)
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
