//go:build amd64 && !purego && !noasm

package kernel

import (
	"unsafe"

	"github.com/espalier-ml/espalier/internal/cpu"
)

//go:generate sh -c "cd _gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say; bias may be nil. Element (i, p) of A is
// a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int, bias *T) {
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
			(*float32)(unsafe.Pointer(c)), ldc, float32(alpha), flags, (*float32)(unsafe.Pointer(bias)), mask)
		return
	}
	var mask *float64
	if cols < width {
		mask = (*float64)(unsafe.Pointer(&ones64[8-cols]))
	}
	tiles64(mr, width, tiles, kc, (*float64)(unsafe.Pointer(a)), ars, acs, (*float64)(unsafe.Pointer(b)), brs,
		(*float64)(unsafe.Pointer(c)), ldc, float64(alpha), flags, (*float64)(unsafe.Pointer(bias)), mask)
}

func tiles32(mr, width, tiles, kc int, a *float32, ars, acs int, b *float32, brs int, c *float32, ldc int, alpha float32, flags int, bias, mask *float32) {
	switch mr*32 + width {
	case 6*32 + 16:
		tile32_6x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 6*32 + 8:
		tile32_6x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 5*32 + 16:
		tile32_5x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 5*32 + 8:
		tile32_5x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 4*32 + 16:
		tile32_4x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 4*32 + 8:
		tile32_4x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 3*32 + 16:
		tile32_3x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 3*32 + 8:
		tile32_3x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 2*32 + 16:
		tile32_2x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 2*32 + 8:
		tile32_2x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 1*32 + 16:
		tile32_1x16(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 1*32 + 8:
		tile32_1x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	}
}

func tiles64(mr, width, tiles, kc int, a *float64, ars, acs int, b *float64, brs int, c *float64, ldc int, alpha float64, flags int, bias, mask *float64) {
	switch mr*32 + width {
	case 6*32 + 8:
		tile64_6x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 6*32 + 4:
		tile64_6x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 5*32 + 8:
		tile64_5x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 5*32 + 4:
		tile64_5x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 4*32 + 8:
		tile64_4x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 4*32 + 4:
		tile64_4x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 3*32 + 8:
		tile64_3x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 3*32 + 4:
		tile64_3x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 2*32 + 8:
		tile64_2x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 2*32 + 4:
		tile64_2x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 1*32 + 8:
		tile64_1x8(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
	case 1*32 + 4:
		tile64_1x4(tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias, mask)
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

// Dots writes the products of four rows of a with x to out: out[r] = sum_j a[r*lda+j]*x[j].
func Dots[T float](n int, a []T, lda int, x []T, out *[4]T) {
	q := 0
	if cpu.AVX2 && n >= 16 {
		q = n &^ 15
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

// Axpys adds four rows of a, multiplied by x, to y: y[j] += sum_r x[r]*a[r*lda+j].
func Axpys[T float](n int, a []T, lda int, x *[4]T, y []T) {
	q := 0
	if cpu.AVX2 && n >= 16 {
		q = n &^ 15
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
