// Command gemm generates the matrix-product kernels for amd64 with AVX2 and FMA.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Bits of the flags argument of the tile kernels; the Go side has the same constants.
const (
	accumulate = 1 << iota
	rectify
	scale
)

// prec is one element type: its instructions and sizes.
type prec struct {
	suffix, typ                          string
	size, lanes                          int
	load, xor, bcast, fma, add, mul, max func(...Op)
	mask                                 func(mask, x, y Op) // masked load or store
	shift                                Op
}

var f32 = prec{
	suffix: "32", typ: "float32", size: 4, lanes: 8, shift: Imm(2),
	load: VMOVUPS, xor: VXORPS, bcast: VBROADCASTSS, fma: VFMADD231PS, add: VADDPS, mul: VMULPS, max: VMAXPS, mask: VMASKMOVPS,
}

var f64 = prec{
	suffix: "64", typ: "float64", size: 8, lanes: 4, shift: Imm(3),
	load: VMOVUPD, xor: VXORPD, bcast: VBROADCASTSD, fma: VFMADD231PD, add: VADDPD, mul: VMULPD, max: VMAXPD, mask: VMASKMOVPD,
}

// tile generates a kernel for mr rows and nv vectors of columns. A is read through its strides and
// never packed; both transposes of A are the same code. All tiles of one call share B's panel.
func tile(p prec, mr, nv int) {
	name := fmt.Sprintf("tile%s_%dx%d", p.suffix, mr, nv*p.lanes)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(tiles, kc int, a *%[1]s, ars, acs int, b *%[1]s, brs int, c *%[1]s, ldc int, alpha %[1]s, flags int, bias, mask *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes tiles blocks of %d rows below each other, %d columns wide.", name, mr, nv*p.lanes))
	width := 8 * 4 // bytes of a vector
	tiles := Load(Param("tiles"), GP64())
	arow := Load(Param("a"), GP64())
	ars := Load(Param("ars"), GP64())
	acs := Load(Param("acs"), GP64())
	brs := Load(Param("brs"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	for _, r := range []reg.Register{ars, acs, brs, ldc} {
		SHLQ(p.shift, r)
	}
	Label("tile")
	kc := Load(Param("kc"), GP64())
	b := Load(Param("b"), GP64())
	a := GP64()
	MOVQ(arow, a)
	a3 := GP64()
	if mr > 3 {
		LEAQ(Mem{Base: a, Index: ars, Scale: 2}, a3)
		ADDQ(ars, a3)
	}
	acc := make([][]reg.VecVirtual, mr)
	for i := range acc {
		acc[i] = make([]reg.VecVirtual, nv)
		for j := range acc[i] {
			acc[i][j] = YMM()
			p.xor(acc[i][j], acc[i][j], acc[i][j])
		}
	}
	bv := make([]reg.VecVirtual, nv)
	for j := range bv {
		bv[j] = YMM()
	}
	t := []reg.VecVirtual{YMM(), YMM()}
	step := func() {
		for j := range bv {
			p.load(Mem{Base: b, Disp: width * j}, bv[j])
		}
		for i := range mr {
			m := Mem{Base: a}
			if i >= 3 {
				m.Base = a3
			}
			if i%3 > 0 {
				m.Index, m.Scale = ars, uint8(i%3)
			}
			x := t[i%2]
			p.bcast(m, x)
			for j := range bv {
				p.fma(bv[j], x, acc[i][j])
			}
		}
		ADDQ(acs, a)
		if mr > 3 {
			ADDQ(acs, a3)
		}
		ADDQ(brs, b)
	}
	const unroll = 4
	SUBQ(Imm(unroll), kc)
	JL(LabelRef("tail"))
	Label("unrolled")
	for range unroll {
		step()
	}
	SUBQ(Imm(unroll), kc)
	JGE(LabelRef("unrolled"))
	Label("tail")
	ADDQ(Imm(unroll), kc)
	JE(LabelRef("finish"))
	Label("single")
	step()
	DECQ(kc)
	JNE(LabelRef("single"))

	Label("finish")
	flags := Load(Param("flags"), GP64())
	TESTQ(U32(scale), flags)
	JE(LabelRef("scaled"))
	al, _ := Param("alpha").Resolve()
	p.bcast(al.Addr, t[0])
	for i := range acc {
		for j := range acc[i] {
			p.mul(t[0], acc[i][j], acc[i][j])
		}
	}
	Label("scaled")
	mask := Load(Param("mask"), GP64())
	TESTQ(mask, mask)
	JNE(LabelRef("masked"))
	epilogue(p, acc, bv, t, c, ldc, flags, nil, "")
	JMP(LabelRef("next"))
	Label("masked")
	masks := make([]reg.VecVirtual, nv)
	for j := range masks {
		masks[j] = t[j]
		p.load(Mem{Base: mask, Disp: width * j}, masks[j])
	}
	epilogue(p, acc, bv, t, c, ldc, flags, masks, "m")
	Label("next")
	down := GP64()
	IMUL3Q(Imm(uint64(mr)), ars, down)
	ADDQ(down, arow)
	IMUL3Q(Imm(uint64(mr)), ldc, down)
	ADDQ(down, c)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// epilogue adds C and the bias, rectifies and stores the tile.
func epilogue(p prec, acc [][]reg.VecVirtual, tmp, t []reg.VecVirtual, c, ldc, flags reg.Register, masks []reg.VecVirtual, tag string) {
	const width = 32
	load := func(m Mem, j int) {
		if masks == nil {
			p.load(m, tmp[j])
		} else {
			p.mask(m, masks[j], tmp[j])
		}
	}
	row := GP64()
	TESTQ(U32(accumulate), flags)
	JE(LabelRef(tag + "bias"))
	MOVQ(c, row)
	for i := range acc {
		for j := range acc[i] {
			m := Mem{Base: row, Disp: width * j}
			if masks == nil {
				p.add(m, acc[i][j], acc[i][j])
			} else {
				load(m, j)
				p.add(tmp[j], acc[i][j], acc[i][j])
			}
		}
		ADDQ(ldc, row)
	}
	Label(tag + "bias")
	bias := Load(Param("bias"), GP64())
	TESTQ(bias, bias)
	JE(LabelRef(tag + "act"))
	for j := range tmp {
		load(Mem{Base: bias, Disp: width * j}, j)
	}
	for i := range acc {
		for j := range acc[i] {
			p.add(tmp[j], acc[i][j], acc[i][j])
		}
	}
	Label(tag + "act")
	TESTQ(U32(rectify), flags)
	JE(LabelRef(tag + "store"))
	p.xor(tmp[0], tmp[0], tmp[0])
	for i := range acc {
		for j := range acc[i] { // a NaN of the accumulator, the second source, survives
			p.max(acc[i][j], tmp[0], acc[i][j])
		}
	}
	Label(tag + "store")
	MOVQ(c, row)
	for i := range acc {
		for j := range acc[i] {
			m := Mem{Base: row, Disp: width * j}
			if masks == nil {
				p.load(acc[i][j], m)
			} else {
				p.mask(acc[i][j], masks[j], m)
			}
		}
		ADDQ(ldc, row)
	}
}

// transpose generates the packing of a transposed B: 16 rows of the source, each contiguous in k,
// become the 16 columns of a panel. kc is a multiple of 8.
func transpose() {
	TEXT("pack32_t16", NOSPLIT, "func(kc int, b *float32, ldb int, dst *float32)")
	Pragma("noescape")
	Doc("pack32_t16 writes dst[p*16+j] = b[j*ldb+p] for 16 j and kc p; kc is a multiple of 8.")
	kc := Load(Param("kc"), GP64())
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	dst := Load(Param("dst"), GP64())
	SHLQ(Imm(2), ldb)
	ldb3 := GP64()
	LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	Label("loop")
	CMPQ(kc, Imm(8))
	JL(LabelRef("done"))
	src := GP64()
	MOVQ(b, src)
	for half := range 2 {
		r := make([]reg.VecVirtual, 8)
		for i := range r {
			r[i] = YMM()
		}
		for i := range r {
			m := Mem{Base: src}
			switch i % 4 {
			case 1:
				m.Index, m.Scale = ldb, 1
			case 2:
				m.Index, m.Scale = ldb, 2
			case 3:
				m.Index, m.Scale = ldb3, 1
			}
			VMOVUPS(m, r[i])
			if i%4 == 3 {
				LEAQ(Mem{Base: src, Index: ldb, Scale: 4}, src)
			}
		}
		var s [8]reg.VecVirtual
		for i := 0; i < 8; i += 4 { // pairs, then fours, inside 128-bit lanes
			lo0, hi0, lo1, hi1 := YMM(), YMM(), YMM(), YMM()
			VUNPCKLPS(r[i+1], r[i], lo0)
			VUNPCKHPS(r[i+1], r[i], hi0)
			VUNPCKLPS(r[i+3], r[i+2], lo1)
			VUNPCKHPS(r[i+3], r[i+2], hi1)
			for q := range 4 {
				s[i+q] = YMM()
			}
			VSHUFPS(Imm(0x44), lo1, lo0, s[i])
			VSHUFPS(Imm(0xEE), lo1, lo0, s[i+1])
			VSHUFPS(Imm(0x44), hi1, hi0, s[i+2])
			VSHUFPS(Imm(0xEE), hi1, hi0, s[i+3])
		}
		for q := range 4 {
			o := YMM()
			VPERM2F128(Imm(0x20), s[q+4], s[q], o)
			VMOVUPS(o, Mem{Base: dst, Disp: q*64 + half*32})
			o = YMM()
			VPERM2F128(Imm(0x31), s[q+4], s[q], o)
			VMOVUPS(o, Mem{Base: dst, Disp: (q+4)*64 + half*32})
		}
	}
	ADDQ(Imm(32), b)
	ADDQ(U32(8*64), dst)
	SUBQ(Imm(8), kc)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// dots generates out[r] = sum_j a[r*lda+j]*x[j] for four rows; n is a multiple of two vectors.
func dots(p prec) {
	name := "dots" + p.suffix
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, a *%[1]s, lda int, x, out *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s writes out[r] = sum_j a[r*lda+j]*x[j] for 4 rows r; n is a positive multiple of %d.", name, 2*p.lanes))
	n := Load(Param("n"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	x := Load(Param("x"), GP64())
	SHLQ(p.shift, lda)
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	var acc [4][2]reg.VecVirtual
	for r := range acc {
		for u := range acc[r] {
			acc[r][u] = YMM()
			p.xor(acc[r][u], acc[r][u], acc[r][u])
		}
	}
	Label("loop")
	for u := range 2 {
		xv := YMM()
		p.load(Mem{Base: x, Disp: 32 * u}, xv)
		for r := range acc {
			m := Mem{Base: a, Disp: 32 * u}
			switch r {
			case 1:
				m.Index, m.Scale = lda, 1
			case 2:
				m.Index, m.Scale = lda, 2
			case 3:
				m.Index, m.Scale = lda3, 1
			}
			p.fma(m, xv, acc[r][u])
		}
	}
	ADDQ(Imm(64), a)
	ADDQ(Imm(64), x)
	SUBQ(Imm(uint64(2*p.lanes)), n)
	JG(LabelRef("loop"))
	out := Load(Param("out"), GP64())
	for r := range acc {
		s := acc[r][0]
		p.add(acc[r][1], s, s)
		hi := XMM()
		lo := s.AsX()
		VEXTRACTF128(Imm(1), s, hi)
		if p.size == 4 {
			VADDPS(hi, lo, lo)
			VHADDPS(lo, lo, lo)
			VHADDPS(lo, lo, lo)
			VMOVSS(lo, Mem{Base: out, Disp: 4 * r})
		} else {
			VADDPD(hi, lo, lo)
			VHADDPD(lo, lo, lo)
			VMOVSD(lo, Mem{Base: out, Disp: 8 * r})
		}
	}
	VZEROUPPER()
	RET()
}

// axpys generates y[j] += sum_r x[r]*a[r*lda+j] for four rows; n is a multiple of two vectors.
func axpys(p prec) {
	name := "axpys" + p.suffix
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, a *%[1]s, lda int, x, y *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds sum_r x[r]*a[r*lda+j] over 4 rows r to y[j]; n is a positive multiple of %d.", name, 2*p.lanes))
	n := Load(Param("n"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	x := Load(Param("x"), GP64())
	y := Load(Param("y"), GP64())
	SHLQ(p.shift, lda)
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	var xv [4]reg.VecVirtual
	for r := range xv {
		xv[r] = YMM()
		p.bcast(Mem{Base: x, Disp: r * p.size}, xv[r])
	}
	Label("loop")
	for u := range 2 {
		s := YMM()
		p.load(Mem{Base: y, Disp: 32 * u}, s)
		for r := range xv {
			m := Mem{Base: a, Disp: 32 * u}
			switch r {
			case 1:
				m.Index, m.Scale = lda, 1
			case 2:
				m.Index, m.Scale = lda, 2
			case 3:
				m.Index, m.Scale = lda3, 1
			}
			p.fma(m, xv[r], s)
		}
		p.load(s, Mem{Base: y, Disp: 32 * u})
	}
	ADDQ(Imm(64), a)
	ADDQ(Imm(64), y)
	SUBQ(Imm(uint64(2*p.lanes)), n)
	JG(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	for _, p := range []prec{f32, f64} {
		for mr := 1; mr <= 6; mr++ {
			for nv := 1; nv <= 2; nv++ {
				tile(p, mr, nv)
			}
		}
		dots(p)
		axpys(p)
	}
	transpose()
	Generate()
}
