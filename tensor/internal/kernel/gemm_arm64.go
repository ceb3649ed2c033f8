//go:build arm64 && !purego && !noasm

package kernel

import "unsafe"

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say, or with Resume act(alpha*(C + A*B) + bias); bias may be nil.
// Element (i, p) of A is a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it. next, never nil, is the panel that will be needed next; it is at most fetched.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T,
	flags int, bias, next *T) {
	if cols == width {
		tilesNEON(mr, width, tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias)
		return
	}
	// There are no masked stores: the product of a ragged tile goes through memory of its own.
	var acc [MR * 16]T
	for t := range tiles {
		begin(&acc, mr, cols, offset(c, t*mr*ldc), ldc, flags)
		tilesNEON(mr, width, 1, kc, offset(a, t*mr*ars), ars, acs, b, brs, &acc[0], 16, 1, flags&Resume, nil)
		finish(&acc, mr, cols, offset(c, t*mr*ldc), ldc, alpha, flags, bias)
	}
}

func tilesNEON[T float](mr, width, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int,
	bias *T) {
	if unsafe.Sizeof(alpha) == 4 {
		tiles32(mr, width, tiles, kc, (*float32)(unsafe.Pointer(a)), ars, acs, (*float32)(unsafe.Pointer(b)), brs,
			(*float32)(unsafe.Pointer(c)), ldc, float32(alpha), flags, (*float32)(unsafe.Pointer(bias)))
		return
	}
	tiles64(mr, width, tiles, kc, (*float64)(unsafe.Pointer(a)), ars, acs, (*float64)(unsafe.Pointer(b)), brs,
		(*float64)(unsafe.Pointer(c)), ldc, float64(alpha), flags, (*float64)(unsafe.Pointer(bias)))
}

// Rows computes any number of rows of a panel, full tiles first: like Tiles with as many rows as there are.
func Rows[T float](rows, width, cols, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	rowsOfTiles(rows, width, cols, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, next)
}

// PackTransposed packs cols rows of b, each contiguous in k, as the columns of a panel:
// dst[p*width+j] = b[j*ldb+p]. Columns from cols on are left alone.
func PackTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	var z T
	p := 0
	if unsafe.Sizeof(z) == 4 && width == 16 && cols == 16 && kc >= 4 {
		p = kc &^ 3
		pack32_t16(p, (*float32)(unsafe.Pointer(&b[0])), ldb, (*float32)(unsafe.Pointer(&dst[0])))
	}
	if p < kc {
		packTransposed(kc-p, width, cols, b[p:], ldb, dst[p*width:])
	}
}

// Pack copies cols columns of kc rows of b as the columns of a panel: dst[p*width+j] = b[p*ldb+j]. Columns from
// cols on are left alone.
func Pack[T float](kc, width, cols int, b []T, ldb int, dst []T) { pack(kc, width, cols, b, ldb, dst) }

// Gemv computes y = alpha*A*x + beta*y for a number of rows of A that is a multiple of four; y is not read if beta
// is zero. cols is positive.
func Gemv[T float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	var out [4]T
	for i := 0; i < rows; i += 4 {
		dots(cols, a[i*lda:], lda, x, &out)
		scaleInto(y[i:], alpha, &out, beta)
	}
}

// GemvTrans adds alpha*Aᵀ*x to y for a number of rows of A that is a multiple of four; cols is positive.
func GemvTrans[T float](rows, cols int, alpha T, a []T, lda int, x, y []T) {
	for i := 0; i < rows; i += 4 {
		f := [4]T{alpha * x[i], alpha * x[i+1], alpha * x[i+2], alpha * x[i+3]}
		axpys(cols, a[i*lda:], lda, &f, y)
	}
}

// dots writes the products of four rows of a with x to out: out[r] = sum_j a[r*lda+j]*x[j].
func dots[T float](n int, a []T, lda int, x []T, out *[4]T) {
	q := n &^ 15
	if q > 0 {
		if unsafe.Sizeof(a[0]) == 4 {
			dots32(q, (*float32)(unsafe.Pointer(&a[0])), lda, (*float32)(unsafe.Pointer(&x[0])), (*float32)(unsafe.Pointer(out)))
		} else {
			dots64(q, (*float64)(unsafe.Pointer(&a[0])), lda, (*float64)(unsafe.Pointer(&x[0])), (*float64)(unsafe.Pointer(out)))
		}
	}
	if q == n {
		return
	}
	var tail [4]T
	dotsGo(n-q, a[q:], lda, x[q:], &tail)
	if q > 0 {
		for r := range tail {
			tail[r] += out[r]
		}
	}
	*out = tail
}

// axpys adds four rows of a, multiplied by x, to y: y[j] += sum_r x[r]*a[r*lda+j].
func axpys[T float](n int, a []T, lda int, x *[4]T, y []T) {
	q := n &^ 15
	if q > 0 {
		if unsafe.Sizeof(a[0]) == 4 {
			axpys32(q, (*float32)(unsafe.Pointer(&a[0])), lda, (*float32)(unsafe.Pointer(x)), (*float32)(unsafe.Pointer(&y[0])))
		} else {
			axpys64(q, (*float64)(unsafe.Pointer(&a[0])), lda, (*float64)(unsafe.Pointer(x)), (*float64)(unsafe.Pointer(&y[0])))
		}
	}
	if q < n {
		axpysGo(n-q, a[q:], lda, x, y[q:])
	}
}

//go:noescape
func tiles32(mr, width, tiles, kc int, a *float32, ars, acs int, b *float32, brs int, c *float32, ldc int,
	alpha float32, flags int, bias *float32)

//go:noescape
func tiles64(mr, width, tiles, kc int, a *float64, ars, acs int, b *float64, brs int, c *float64, ldc int,
	alpha float64, flags int, bias *float64)

// dots32 writes out[r] = sum_j a[r*lda+j]*x[j] for 4 rows r; n is a positive multiple of 16.
//
//go:noescape
func dots32(n int, a *float32, lda int, x, out *float32)

// dots64 is dots32 in double precision; n is a positive multiple of 8.
//
//go:noescape
func dots64(n int, a *float64, lda int, x, out *float64)

// axpys32 adds sum_r x[r]*a[r*lda+j] over 4 rows r to y[j]; n is a positive multiple of 16.
//
//go:noescape
func axpys32(n int, a *float32, lda int, x, y *float32)

// axpys64 is axpys32 in double precision; n is a positive multiple of 8.
//
//go:noescape
func axpys64(n int, a *float64, lda int, x, y *float64)

// pack32_t16 writes dst[p*16+j] = b[j*ldb+p] for 16 j and kc p; kc is a positive multiple of 4.
//
//go:noescape
func pack32_t16(kc int, b *float32, ldb int, dst *float32)

// Share is how many multiply-adds are worth waking a goroutine for: what a core does in some 100 µs.
func Share[T float]() int { return 8 << 20 / int(unsafe.Sizeof(T(0))) }

// Paired reports whether [Pairs] may be called.
func Paired() bool { return false }

// Pairs is there for other processors.
func Pairs[T float](rows, cols, kc int, a *T, ars, acs int, b, b1 *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	panic("kernel: no pairs of panels here")
}

// PackFour does nothing here.
func PackFour[T float](kc int, b []T, ldb int, dst []T) bool { return false }
