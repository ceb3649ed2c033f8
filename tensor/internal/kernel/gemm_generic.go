//go:build purego || noasm || (!amd64 && !arm64)

package kernel

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say; bias may be nil. Element (i, p) of A is
// a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int, bias *T) {
	tilesGo(mr, cols, tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias)
}

// PackTransposed packs cols rows of b, each contiguous in k, as the columns of a panel:
// dst[p*width+j] = b[j*ldb+p]. Columns from cols on are left alone.
func PackTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	packTransposed(kc, width, cols, b, ldb, dst)
}

// Dots writes the products of four rows of a with x to out: out[r] = sum_j a[r*lda+j]*x[j].
func Dots[T float](n int, a []T, lda int, x []T, out *[4]T) { dotsGo(n, a, lda, x, out) }

// Axpys adds four rows of a, multiplied by x, to y: y[j] += sum_r x[r]*a[r*lda+j].
func Axpys[T float](n int, a []T, lda int, x *[4]T, y []T) { axpysGo(n, a, lda, x, y) }
