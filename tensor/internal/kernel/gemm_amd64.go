//go:build amd64 && !purego && !noasm

package kernel

import (
	"unsafe"

	"github.com/espalier-ml/espalier/internal/cpu"
)

//go:generate sh -c "cd _gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say, or with Resume act(alpha*(C + A*B) + bias); bias may be nil.
// Element (i, p) of A is a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it. next, never nil, is the panel that will be needed next; it is at most fetched.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T,
	flags int, bias, next *T) {
	if !cpu.AVX2 {
		tilesGo(mr, cols, tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias)
		return
	}
	if unsafe.Sizeof(alpha) == 4 {
		var mask *float32
		if cols < width {
			mask = (*float32)(unsafe.Pointer(&ones32[16-cols]))
		}
		tiles32(mr, width, tiles, kc, (*float32)(unsafe.Pointer(a)), ars, acs, (*float32)(unsafe.Pointer(b)), brs,
			(*float32)(unsafe.Pointer(c)), ldc, float32(alpha), flags, (*float32)(unsafe.Pointer(bias)), mask,
			(*float32)(unsafe.Pointer(next)))
		return
	}
	var mask *float64
	if cols < width {
		mask = (*float64)(unsafe.Pointer(&ones64[8-cols]))
	}
	tiles64(mr, width, tiles, kc, (*float64)(unsafe.Pointer(a)), ars, acs, (*float64)(unsafe.Pointer(b)), brs,
		(*float64)(unsafe.Pointer(c)), ldc, float64(alpha), flags, (*float64)(unsafe.Pointer(bias)), mask,
		(*float64)(unsafe.Pointer(next)))
}

// Rows computes any number of rows of a panel, full tiles first: like Tiles with as many rows as there are.
func Rows[T float](rows, width, cols, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	if !cpu.AVX512 || width < NR[T]() {
		rowsOfTiles(rows, width, cols, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, next)
		return
	}
	const height = 12
	mask := uint32(1)<<cols - 1
	for tiles, mr := rows/height, height; rows > 0; tiles, mr = 1, rows {
		if tiles == 0 {
			continue
		}
		if unsafe.Sizeof(alpha) == 4 {
			wide32(mr, tiles, kc, (*float32)(unsafe.Pointer(a)), ars, acs, (*float32)(unsafe.Pointer(b)), brs,
				(*float32)(unsafe.Pointer(c)), ldc, float32(alpha), flags, (*float32)(unsafe.Pointer(bias)), mask,
				(*float32)(unsafe.Pointer(next)))
		} else {
			wide64(mr, tiles, kc, (*float64)(unsafe.Pointer(a)), ars, acs, (*float64)(unsafe.Pointer(b)), brs,
				(*float64)(unsafe.Pointer(c)), ldc, float64(alpha), flags, (*float64)(unsafe.Pointer(bias)), mask,
				(*float64)(unsafe.Pointer(next)))
		}
		done := mr * tiles
		if rows -= done; rows > 0 {
			a, c = offset(a, done*ars), offset(c, done*ldc)
		}
	}
}

// Share is how many multiply-adds are worth waking a goroutine for: what a core does in some 50 µs, the time that
// waking takes where the other processor sleeps.
func Share[T float]() int {
	size := int(unsafe.Sizeof(T(0)))
	switch {
	case cpu.AVX512:
		return 16 << 20 / size
	case cpu.AVX2:
		return 8 << 20 / size
	}
	return 1 << 17
}

// Paired reports whether [Pairs] may be called.
func Paired() bool { return cpu.AVX512 }

// Pairs computes any number of rows of two panels side by side, b and b1, of which the second has cols of its NR
// columns; all else is as in Rows. The tiles are of one height but for the last, so that none is too low to be fast.
func Pairs[T float](rows, cols, kc int, a *T, ars, acs int, b, b1 *T, brs int, c *T, ldc int, alpha T, flags int,
	bias, next *T) {
	tiles := (rows + HighestPair - 1) / HighestPair
	height := (rows + tiles - 1) / tiles
	mask := uint32(1)<<cols - 1
	for tiles, mr := rows/height, height; rows > 0; tiles, mr = 1, rows {
		if unsafe.Sizeof(alpha) == 4 {
			pairs32(mr, tiles, kc, (*float32)(unsafe.Pointer(a)), ars, acs, (*float32)(unsafe.Pointer(b)),
				(*float32)(unsafe.Pointer(b1)), brs, (*float32)(unsafe.Pointer(c)), ldc, float32(alpha), flags,
				(*float32)(unsafe.Pointer(bias)), mask, (*float32)(unsafe.Pointer(next)))
		} else {
			pairs64(mr, tiles, kc, (*float64)(unsafe.Pointer(a)), ars, acs, (*float64)(unsafe.Pointer(b)),
				(*float64)(unsafe.Pointer(b1)), brs, (*float64)(unsafe.Pointer(c)), ldc, float64(alpha), flags,
				(*float64)(unsafe.Pointer(bias)), mask, (*float64)(unsafe.Pointer(next)))
		}
		done := mr * tiles
		if rows -= done; rows > 0 {
			a, c = offset(a, done*ars), offset(c, done*ldc)
		}
	}
}

func pairs32(mr, tiles, kc int, a *float32, ars, acs int, b, b1 *float32, brs int, c *float32, ldc int,
	alpha float32, flags int, bias *float32, mask uint32, next *float32) {
	switch mr {
	case 14:
		pair32_14(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 13:
		pair32_13(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 12:
		pair32_12(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 11:
		pair32_11(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 10:
		pair32_10(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 9:
		pair32_9(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 8:
		pair32_8(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 7:
		pair32_7(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6:
		pair32_6(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5:
		pair32_5(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4:
		pair32_4(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3:
		pair32_3(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2:
		pair32_2(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1:
		pair32_1(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

func pairs64(mr, tiles, kc int, a *float64, ars, acs int, b, b1 *float64, brs int, c *float64, ldc int,
	alpha float64, flags int, bias *float64, mask uint32, next *float64) {
	switch mr {
	case 14:
		pair64_14(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 13:
		pair64_13(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 12:
		pair64_12(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 11:
		pair64_11(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 10:
		pair64_10(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 9:
		pair64_9(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 8:
		pair64_8(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 7:
		pair64_7(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6:
		pair64_6(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5:
		pair64_5(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4:
		pair64_4(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3:
		pair64_3(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2:
		pair64_2(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1:
		pair64_1(tiles, kc, a, ars, acs, b, b1, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

func wide32(mr, tiles, kc int, a *float32, ars, acs int, b *float32, brs int, c *float32, ldc int, alpha float32,
	flags int, bias *float32, mask uint32, next *float32) {
	switch mr {
	case 12:
		wide32_12(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 11:
		wide32_11(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 10:
		wide32_10(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 9:
		wide32_9(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 8:
		wide32_8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 7:
		wide32_7(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6:
		wide32_6(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5:
		wide32_5(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4:
		wide32_4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3:
		wide32_3(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2:
		wide32_2(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1:
		wide32_1(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

func wide64(mr, tiles, kc int, a *float64, ars, acs int, b *float64, brs int, c *float64, ldc int, alpha float64,
	flags int, bias *float64, mask uint32, next *float64) {
	switch mr {
	case 12:
		wide64_12(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 11:
		wide64_11(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 10:
		wide64_10(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 9:
		wide64_9(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 8:
		wide64_8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 7:
		wide64_7(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6:
		wide64_6(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5:
		wide64_5(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4:
		wide64_4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3:
		wide64_3(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2:
		wide64_2(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1:
		wide64_1(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

func tiles32(mr, width, tiles, kc int, a *float32, ars, acs int, b *float32, brs int, c *float32, ldc int,
	alpha float32, flags int, bias, mask, next *float32) {
	switch mr*32 + width {
	case 6*32 + 16:
		tile32_6x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6*32 + 8:
		tile32_6x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5*32 + 16:
		tile32_5x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5*32 + 8:
		tile32_5x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4*32 + 16:
		tile32_4x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4*32 + 8:
		tile32_4x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3*32 + 16:
		tile32_3x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3*32 + 8:
		tile32_3x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2*32 + 16:
		tile32_2x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2*32 + 8:
		tile32_2x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1*32 + 16:
		tile32_1x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1*32 + 8:
		tile32_1x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

func tiles64(mr, width, tiles, kc int, a *float64, ars, acs int, b *float64, brs int, c *float64, ldc int,
	alpha float64, flags int, bias, mask, next *float64) {
	switch mr*32 + width {
	case 6*32 + 8:
		tile64_6x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 6*32 + 4:
		tile64_6x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5*32 + 8:
		tile64_5x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 5*32 + 4:
		tile64_5x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4*32 + 8:
		tile64_4x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 4*32 + 4:
		tile64_4x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3*32 + 8:
		tile64_3x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 3*32 + 4:
		tile64_3x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2*32 + 8:
		tile64_2x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 2*32 + 4:
		tile64_2x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1*32 + 8:
		tile64_1x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	case 1*32 + 4:
		tile64_1x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask, next)
	}
}

// PackTransposed packs cols rows of b, each contiguous in k, as the columns of a panel:
// dst[p*width+j] = b[j*ldb+p]. Columns from cols on are left alone.
func PackTransposed[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	var z T
	p := 0
	if cpu.AVX2 && unsafe.Sizeof(z) == 4 && width == 16 && cols == 16 && kc >= 8 {
		p = kc &^ 7
		pack32_t16(p, (*float32)(unsafe.Pointer(&b[0])), ldb, (*float32)(unsafe.Pointer(&dst[0])))
	}
	if p < kc {
		packTransposed(kc-p, width, cols, b[p:], ldb, dst[p*width:])
	}
}

// Pack copies cols columns of kc rows of b as the columns of a panel: dst[p*width+j] = b[p*ldb+j]. Columns from
// cols on are left alone.
func Pack[T float](kc, width, cols int, b []T, ldb int, dst []T) {
	if size := int(unsafe.Sizeof(b[0])); cpu.AVX2 && cols*size == 64 && cols == width {
		packRows(kc, (*byte)(unsafe.Pointer(&b[0])), ldb*size, (*byte)(unsafe.Pointer(&dst[0])))
		return
	}
	pack(kc, width, cols, b, ldb, dst)
}

// PackFour copies four full panels of kc rows of b that lie beside each other, each as Pack does, to dst, where they
// lie one behind the other. It reports false, having done nothing, where that is not faster.
func PackFour[T float](kc int, b []T, ldb int, dst []T) bool {
	if !cpu.AVX512 || kc == 0 {
		return false
	}
	packRows4(kc, (*byte)(unsafe.Pointer(&b[0])), ldb*int(unsafe.Sizeof(b[0])), (*byte)(unsafe.Pointer(&dst[0])), 64*kc)
	return true
}

// Gemv computes y = alpha*A*x + beta*y for a number of rows of A that is a multiple of four; y is not read if beta
// is zero. cols is positive.
func Gemv[T float](rows, cols int, alpha T, a []T, lda int, x []T, beta T, y []T) {
	switch {
	case rows == 0:
	case !cpu.AVX2:
		gemvGo(rows, cols, alpha, a, lda, x, beta, y)
	case single[T]():
		gemv32(rows/4, cols, f32(a), lda, f32(x), f32(y), float32(alpha), float32(beta),
			(*float32)(unsafe.Pointer(&ones32[16-cols%8])))
	default:
		gemv64(rows/4, cols, f64(a), lda, f64(x), f64(y), float64(alpha), float64(beta),
			(*float64)(unsafe.Pointer(&ones64[8-cols%4])))
	}
}

// GemvTrans adds alpha*Aᵀ*x to y for a number of rows of A that is a multiple of four; cols is positive.
func GemvTrans[T float](rows, cols int, alpha T, a []T, lda int, x, y []T) {
	switch {
	case rows == 0:
	case !cpu.AVX2:
		gemvTransGo(rows, cols, alpha, a, lda, x, y)
	case single[T]():
		gemvtrans32(rows/4, cols, f32(a), lda, f32(x), f32(y), float32(alpha), (*float32)(unsafe.Pointer(&ones32[16-cols%8])))
	default:
		gemvtrans64(rows/4, cols, f64(a), lda, f64(x), f64(y), float64(alpha), (*float64)(unsafe.Pointer(&ones64[8-cols%4])))
	}
}
