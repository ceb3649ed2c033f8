// Command _gen generates the sparse products for amd64 with AVX2 and AVX-512.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	for _, p := range []prec{f32, f64} {
		for _, bytes := range []int{32, 64, 128, 256} {
			panel(p, "avx2", 32, bytes)
			if bytes > 32 {
				panel(p, "avx512", 64, bytes)
			}
		}
	}
	transpose32()
	transpose64()
	Generate()
}

// prec is one element type: its instructions and sizes.
type prec struct {
	suffix, typ           string
	size                  int
	load, xor, bcast, fma func(...Op)
}

var f32 = prec{suffix: "32", typ: "float32", size: 4, load: VMOVUPS, xor: VXORPS, bcast: VBROADCASTSS, fma: VFMADD231PS}

var f64 = prec{suffix: "64", typ: "float64", size: 8, load: VMOVUPD, xor: VXORPD, bcast: VBROADCASTSD, fma: VFMADD231PD}

// panel generates the product of a panel with tiles of so many bytes. All lanes of a row of y stay in registers while
// its elements pass; each takes one broadcast and as many multiply-adds from memory as there are vectors. Offsets are
// fetched four at a time, because loads are what limits the loop.
func panel(p prec, isa string, vector, bytes int) {
	name := fmt.Sprintf("panel%s_%s_%d", p.suffix, isa, bytes)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, heads, offsets *uint16, values, x, y *%s, first bool)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is panelGo for tiles of %d bytes.", name, bytes))
	scale := uint8(bytes / 32)
	n := Load(Param("n"), GP64())
	heads := Load(Param("heads"), GP64())
	offsets := Load(Param("offsets"), GP64())
	values := Load(Param("values"), GP64())
	x := Load(Param("x"), GP64())
	y := Load(Param("y"), GP64())
	first := GP64()
	MOVBQZX(NewParamAddr("first", 48), first)
	acc := make([]reg.VecVirtual, bytes/vector)
	v := YMM().(reg.VecVirtual)
	if vector == 64 {
		v = ZMM()
	}
	for j := range acc {
		if acc[j] = YMM(); vector == 64 {
			acc[j] = ZMM()
		}
	}
	row, count, four, at := GP64(), GP64(), GP64(), GP64()
	element := func(k int) { // number k of those at offsets, whose own is in at
		p.bcast(Mem{Base: values, Disp: k * p.size}, v)
		for j := range acc {
			p.fma(Mem{Base: x, Index: at, Scale: scale, Disp: j * vector}, v, acc[j])
		}
	}
	Label("row")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	MOVWQZX(Mem{Base: heads}, row)
	MOVWQZX(Mem{Base: heads, Disp: 2}, count)
	IMUL3Q(U32(uint32(bytes)), row, row)
	ADDQ(y, row)
	TESTQ(first, first)
	JNZ(LabelRef("zero"))
	for j := range acc {
		p.load(Mem{Base: row, Disp: j * vector}, acc[j])
	}
	JMP(LabelRef("start"))
	Label("zero")
	for j := range acc {
		if vector == 64 && p.size == 4 {
			VPXORD(acc[j], acc[j], acc[j])
		} else if vector == 64 {
			VPXORQ(acc[j], acc[j], acc[j])
		} else {
			p.xor(acc[j], acc[j], acc[j])
		}
	}
	Label("start")
	SUBQ(U8(4), count)
	JLT(LabelRef("rest"))
	Label("fours")
	MOVQ(Mem{Base: offsets}, four)
	for k := range 4 {
		MOVWQZX(four.As16(), at)
		if k < 3 {
			SHRQ(U8(16), four)
		}
		element(k)
	}
	ADDQ(U8(8), offsets)
	ADDQ(U8(4*p.size), values)
	SUBQ(U8(4), count)
	JGE(LabelRef("fours"))
	Label("rest")
	ADDQ(U8(4), count)
	JZ(LabelRef("store"))
	Label("ones")
	MOVWQZX(Mem{Base: offsets}, at)
	element(0)
	ADDQ(U8(2), offsets)
	ADDQ(U8(p.size), values)
	DECQ(count)
	JNZ(LabelRef("ones"))
	Label("store")
	for j := range acc {
		p.load(acc[j], Mem{Base: row, Disp: j * vector})
	}
	ADDQ(U8(4), heads)
	DECQ(n)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}

// transposition is the code around a block: what is between two rows of it, and between two blocks, is measured in
// bytes.
func transposition(name, typ string, rows int, body func(src, dst []Mem)) {
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, src *%[1]s, srcRow, srcNext int, dst *%[1]s, dstRow, dstNext int)", typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s transposes n blocks of %d by %d. Distances are in bytes.", name, rows, rows))
	n := Load(Param("n"), GP64())
	side := func(name string) ([]Mem, func()) {
		base := Load(Param(name), GP64())
		row := Load(Param(name+"Row"), GP64())
		next := Load(Param(name+"Next"), GP64())
		row3, far := GP64(), GP64()
		LEAQ(Mem{Base: row, Index: row, Scale: 2}, row3)
		at := []Mem{{Base: base}, {Base: base, Index: row, Scale: 1}, {Base: base, Index: row, Scale: 2},
			{Base: base, Index: row3, Scale: 1}}
		if rows == 8 {
			at = append(at, Mem{Base: far}, Mem{Base: far, Index: row, Scale: 1}, Mem{Base: far, Index: row, Scale: 2},
				Mem{Base: far, Index: row3, Scale: 1})
			LEAQ(Mem{Base: base, Index: row, Scale: 4}, far)
		}
		return at, func() {
			ADDQ(next, base)
			ADDQ(next, far)
		}
	}
	src, srcStep := side("src")
	dst, dstStep := side("dst")
	Label("block")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	body(src, dst)
	srcStep()
	dstStep()
	DECQ(n)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// transpose32 brings the halves of rows k and k+4 together while loading, which leaves 4x4 blocks to exchange in both
// lanes.
func transpose32() {
	transposition("transpose32", "float32", 8, func(src, dst []Mem) {
		var half [8]reg.VecVirtual // lanes: rows k and k+4, columns 0 to 3; from 4 on, columns 4 to 7
		for k := range 8 {
			half[k] = YMM()
			column := 16 * (k / 4)
			VMOVUPS(src[k%4].Offset(column), half[k].AsX())
			VINSERTF128(U8(1), src[k%4+4].Offset(column), half[k], half[k])
		}
		for q := 0; q < 8; q += 4 {
			a, b, c, d := half[q], half[q+1], half[q+2], half[q+3]
			ab0, ab1, cd0, cd1, t := YMM(), YMM(), YMM(), YMM(), YMM()
			VUNPCKLPS(b, a, ab0)
			VUNPCKHPS(b, a, ab1)
			VUNPCKLPS(d, c, cd0)
			VUNPCKHPS(d, c, cd1)
			for i, pair := range [][2]reg.VecVirtual{{ab0, cd0}, {ab1, cd1}} {
				VUNPCKLPD(pair[1], pair[0], t)
				VMOVUPS(t, dst[q+2*i])
				VUNPCKHPD(pair[1], pair[0], t)
				VMOVUPS(t, dst[q+2*i+1])
			}
		}
	})
}

func transpose64() {
	transposition("transpose64", "float64", 4, func(src, dst []Mem) {
		var half [4]reg.VecVirtual // lanes: rows k and k+2, columns 0 and 1; from 2 on, columns 2 and 3
		t := YMM()
		for k := range 4 {
			half[k] = YMM()
			column := 16 * (k / 2)
			VMOVUPD(src[k%2].Offset(column), half[k].AsX())
			VINSERTF128(U8(1), src[k%2+2].Offset(column), half[k], half[k])
		}
		for q := 0; q < 4; q += 2 {
			VUNPCKLPD(half[q+1], half[q], t)
			VMOVUPD(t, dst[q])
			VUNPCKHPD(half[q+1], half[q], t)
			VMOVUPD(t, dst[q+1])
		}
	})
}
