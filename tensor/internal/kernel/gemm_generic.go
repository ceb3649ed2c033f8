//go:build purego || noasm || (!amd64 && !arm64)

package kernel

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say, or with Resume act(alpha*(C + A*B) + bias); bias may be nil.
// Element (i, p) of A is a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it. next, never nil, is the panel that will be needed next; it is at most fetched.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T,
	flags int, bias, next *T) {
	tilesGo(mr, cols, tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias)
}

// Rows computes any number of rows of a panel, full tiles first: like Tiles with as many rows as there are.
func Rows[T float](rows, width, cols, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	rowsOfTiles(rows, width, cols, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, next)
}

// PackTransposed packs cols rows of b, each contiguous in k, as the columns of a panel:
// dst[p*width+j] = b[j*ldb+p]. Columns from cols on are left alone.
func PackTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	packTransposed(kc, width, cols, b, ldb, dst)
}

// Pack copies cols columns of kc rows of b as the columns of a panel: dst[p*width+j] = b[p*ldb+j]. Columns from
// cols on are left alone.
func Pack[T float](kc, width, cols int, b []T, ldb int, dst []T) { pack(kc, width, cols, b, ldb, dst) }

// Gemv computes y = alpha*A*x + beta*y for a number of rows of A that is a multiple of four; y is not read if beta
// is zero. cols is positive.
func Gemv[T float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	gemvGo(rows, cols, alpha, a, lda, x, beta, y)
}

// GemvTrans adds alpha*Aᵀ*x to y for a number of rows of A that is a multiple of four; cols is positive.
func GemvTrans[T float](rows, cols int, alpha T, a []T, lda int, x, y []T) {
	gemvTransGo(rows, cols, alpha, a, lda, x, y)
}

// Share is how many multiply-adds are worth waking a goroutine for: what a core does in some 50 µs.
func Share[T float]() int { return 1 << 17 }

// Paired reports whether [Pairs] may be called.
func Paired() bool { return false }

// Pairs is there for other processors.
func Pairs[T float](rows, cols, kc int, a *T, ars, acs int, b, b1 *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	panic("kernel: no pairs of panels here")
}

// PackFour does nothing here.
func PackFour[T float](kc int, b []T, ldb int, dst []T) bool { return false }
