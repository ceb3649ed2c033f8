// Package kernel holds the inner loops of package tensor: assembly where the processor has what it needs
// and pure Go everywhere else. Nothing is checked here; callers have validated shapes and strides.
package kernel

import "unsafe"

type float interface{ ~float32 | ~float64 }

// MR is the number of rows of a full tile of the matrix product.
const MR = 6

// HighestPair is the number of rows of the highest tiles of two panels.
const HighestPair = 14

// NR is the number of columns of a full tile of the matrix product: two 32-byte vectors. Half of
// it is the other width that tiles come in.
func NR[T float]() int {
	var z T
	return 64 / int(unsafe.Sizeof(z))
}

// Flags of [Tiles]; the generator of the assembly has the same constants.
const (
	Accumulate = 1 << iota // add to C instead of overwriting it
	Rectify                // replace negative results by zero, last of all
	Scale                  // multiply the product by alpha
	Resume                 // go on with the sums that C holds
)

// The masks of ragged columns: all ones followed by zeros.
var (
	ones32 = [32]uint32{0: 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1,
		1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}
	ones64 = [16]uint64{1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}
)

// rowsOfTiles computes rows of a panel as full tiles and a lower one for the rest.
func rowsOfTiles[T float](rows, width, cols, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T,
	flags int, bias, next *T) {
	full := rows / MR
	if full > 0 {
		Tiles(MR, width, cols, full, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, next)
	}
	if rest := rows - full*MR; rest > 0 {
		i := full * MR
		Tiles(rest, width, cols, 1, kc, offset(a, i*ars), ars, acs, b, brs, offset(c, i*ldc), ldc, alpha, flags, bias, next)
	}
}

// tilesGo is the pure-Go twin of the assembly tiles. cols is the number of columns that exist, at
// most the width of the panel.
func tilesGo[T float](mr, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int,
	bias *T) {
	var acc [MR * 16]T
	for t := range tiles {
		begin(&acc, mr, cols, offset(c, t*mr*ldc), ldc, flags)
		at := offset(a, t*mr*ars)
		for i := 0; i < mr; i += 2 {
			for j := 0; j < cols; j += 4 {
				block2x4(min(2, mr-i), kc, offset(at, i*ars), ars, acs, offset(b, j), brs, acc[i*16+j:])
			}
		}
		finish(&acc, mr, cols, offset(c, t*mr*ldc), ldc, alpha, flags, bias)
	}
}

// begin sets the accumulators of a tile to zero, or to what they were when C was written.
func begin[T float](acc *[MR * 16]T, mr, cols int, c *T, ldc, flags int) {
	if flags&Resume == 0 {
		clear(acc[:])
		return
	}
	for i := range mr {
		copy(acc[i*16:], unsafe.Slice(offset(c, i*ldc), cols))
	}
}

// block2x4 adds the products of one or two rows and four columns to acc, whose rows are 16 apart.
// The panel of B is readable to the end of its width.
func block2x4[T float](rows, kc int, a *T, ars, acs int, b *T, brs int, acc []T) {
	s00, s01, s02, s03 := acc[0], acc[1], acc[2], acc[3]
	var s10, s11, s12, s13 T
	a1 := a
	if rows > 1 {
		a1 = offset(a, ars)
		s10, s11, s12, s13 = acc[16], acc[17], acc[18], acc[19]
	}
	for p := range kc {
		x0, x1 := *offset(a, p*acs), *offset(a1, p*acs)
		v := (*[4]T)(unsafe.Pointer(offset(b, p*brs)))
		s00 += x0 * v[0]
		s01 += x0 * v[1]
		s02 += x0 * v[2]
		s03 += x0 * v[3]
		s10 += x1 * v[0]
		s11 += x1 * v[1]
		s12 += x1 * v[2]
		s13 += x1 * v[3]
	}
	acc[0], acc[1], acc[2], acc[3] = s00, s01, s02, s03
	if rows > 1 {
		acc[16], acc[17], acc[18], acc[19] = s10, s11, s12, s13
	}
}

// finish scales the accumulators of a tile, adds C and the bias, rectifies and stores.
func finish[T float](acc *[MR * 16]T, mr, cols int, c *T, ldc int, alpha T, flags int, bias *T) {
	for i := range mr {
		row := unsafe.Slice(offset(c, i*ldc), cols)
		s := acc[i*16:][:cols]
		for j, v := range s {
			if flags&Scale != 0 {
				v *= alpha
			}
			if flags&Accumulate != 0 {
				v += row[j]
			}
			if bias != nil {
				v += *offset(bias, j)
			}
			if flags&Rectify != 0 && v < 0 {
				v = 0
			}
			row[j] = v
		}
	}
}

func offset[T float](p *T, n int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p))))
}

// pack is the pure-Go twin of the plain pack.
func pack[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	for p := range kc {
		copy(dst[p*width:][:cols], b[p*ldb:])
	}
}

// packTransposed is the pure-Go twin of the transposing pack: dst[p*width+j] = b[j*ldb+p].
func packTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	for j := 0; j < cols; j += 4 {
		if cols-j < 4 {
			for ; j < cols; j++ {
				for p, v := range b[j*ldb:][:kc] {
					dst[p*width+j] = v
				}
			}
			break
		}
		s0, s1, s2, s3 := b[j*ldb:][:kc], b[(j+1)*ldb:][:kc], b[(j+2)*ldb:][:kc], b[(j+3)*ldb:][:kc]
		q := j
		for p := range s0 {
			d := dst[q : q+4 : q+4]
			d[0], d[1], d[2], d[3] = s0[p], s1[p], s2[p], s3[p]
			q += width
		}
	}
}

// gemvGo is the pure-Go twin of Gemv.
func gemvGo[T float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	var out [4]T
	for i := 0; i < rows; i += 4 {
		dotsGo(cols, a[i*lda:], lda, x, &out)
		scaleInto(y[i:], alpha, &out, beta)
	}
}

// gemvTransGo is the pure-Go twin of GemvTrans.
func gemvTransGo[T float](rows, cols int, alpha T, a []T, lda int, x, y []T) {
	for i := 0; i < rows; i += 4 {
		f := [4]T{alpha * x[i], alpha * x[i+1], alpha * x[i+2], alpha * x[i+3]}
		axpysGo(cols, a[i*lda:], lda, &f, y)
	}
}

// scaleInto writes alpha*v + beta*y to y without reading y if beta is zero.
func scaleInto[T float](y []T, alpha T, v *[4]T, beta T) {
	for r, s := range v {
		s *= alpha
		if beta != 0 {
			s += beta * y[r]
		}
		y[r] = s
	}
}

// dotsGo writes the products of four rows of a with x to out.
func dotsGo[T float](n int, a []T, lda int, x []T, out *[4]T) {
	x = x[:n]
	r0, r1, r2, r3 := a[:n], a[lda:][:n], a[2*lda:][:n], a[3*lda:][:n]
	var s0, s1, s2, s3 T
	for j, v := range x {
		s0 += r0[j] * v
		s1 += r1[j] * v
		s2 += r2[j] * v
		s3 += r3[j] * v
	}
	*out = [4]T{s0, s1, s2, s3}
}

// axpysGo adds four rows of a, multiplied by x, to y.
func axpysGo[T float](n int, a []T, lda int, x *[4]T, y []T) {
	y = y[:n]
	r0, r1, r2, r3 := a[:n], a[lda:][:n], a[2*lda:][:n], a[3*lda:][:n]
	for j := range y {
		y[j] += x[0]*r0[j] + x[1]*r1[j] + x[2]*r2[j] + x[3]*r3[j]
	}
}
