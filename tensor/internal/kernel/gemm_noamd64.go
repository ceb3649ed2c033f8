//go:build purego || noasm || !amd64

package kernel

// PackTransposed packs cols rows of b, each contiguous in k, as the columns of a panel:
// dst[p*width+j] = b[j*ldb+p]. Columns from cols on are left alone.
func PackTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	packTransposed(kc, width, cols, b, ldb, dst)
}

// Dots writes the products of four rows of a with x to out: out[r] = sum_j a[r*lda+j]*x[j].
func Dots[T float](n int, a []T, lda int, x []T, out *[4]T) { dotsGo(n, a, lda, x, out) }

// Axpys adds four rows of a, multiplied by x, to y: y[j] += sum_r x[r]*a[r*lda+j].
func Axpys[T float](n int, a []T, lda int, x *[4]T, y []T) { axpysGo(n, a, lda, x, y) }
