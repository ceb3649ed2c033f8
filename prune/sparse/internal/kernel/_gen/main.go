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
	transpose32Wide()
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

// panel generates the product of a panel with tiles of so many bytes. All lanes of a row of y stay in registers while its
// elements pass; each takes one broadcast and as many multiply-adds from memory as there are vectors. Sums wait for the
// sum before them, so that two rows of as many elements, which are mostly neighbours, go side by side where there are
// registers for both. Offsets are fetched four at a time, because loads are what limits the loop.
func panel(p prec, isa string, vector, bytes int) {
	name := fmt.Sprintf("panel%s_%s_%d", p.suffix, isa, bytes)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, heads, offsets *uint16, values, x, y *%s, first bool)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is panelGo for tiles of %d bytes.", name, bytes))
	k := &kernel{p: p, vector: vector, bytes: bytes}
	k.n = Load(Param("n"), GP64())
	k.heads = Load(Param("heads"), GP64())
	k.x = Load(Param("x"), GP64())
	k.count = GP64()
	registers := 16
	if vector == 64 {
		registers = 32
	}
	one := k.newRow(Load(Param("offsets"), GP64()), Load(Param("values"), GP64()))
	rows := []*row{one}
	if pairs := 2*bytes/vector+2 <= registers; pairs {
		rows = append(rows, k.newRow(GP64(), GP64()))
	}
	Label("next")
	TESTQ(k.n, k.n)
	JZ(LabelRef("done"))
	MOVWQZX(Mem{Base: k.heads, Disp: 2}, k.count)
	if len(rows) > 1 {
		CMPQ(k.n, U8(2))
		JLT(LabelRef("single"))
		CMPW(k.count.(reg.GP).As16(), Mem{Base: k.heads, Disp: 6})
		JNE(LabelRef("single"))
		two := rows[1]
		LEAQ(Mem{Base: one.offsets, Index: k.count, Scale: 2}, two.offsets)
		LEAQ(Mem{Base: one.values, Index: k.count, Scale: uint8(p.size)}, two.values)
		k.sums("pair", rows)
		MOVQ(two.offsets, one.offsets)
		MOVQ(two.values, one.values)
		JMP(LabelRef("next"))
		Label("single")
	}
	k.sums("single_row", rows[:1])
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

// kernel is a product while it is generated.
type kernel struct {
	p                  prec
	vector, bytes      int
	n, heads, x, count reg.Register
}

// row is the registers of a row that is summed: where its elements are and where its sums belong, the next offsets, and
// the sums.
type row struct {
	offsets, values, y, four, at reg.Register
	v                            reg.VecVirtual
	acc                          []reg.VecVirtual
}

func (k *kernel) register() reg.VecVirtual {
	if k.vector == 64 {
		return ZMM()
	}
	return YMM()
}

func (k *kernel) newRow(offsets, values reg.Register) *row {
	r := &row{offsets: offsets, values: values, y: GP64(), four: GP64(), at: GP64(), v: k.register()}
	for range k.bytes / k.vector {
		r.acc = append(r.acc, k.register())
	}
	return r
}

// element adds number i of those at hand, whose offset is in at.
func (k *kernel) element(r *row, i int) {
	k.p.bcast(Mem{Base: r.values, Disp: i * k.p.size}, r.v)
	for j := range r.acc {
		k.p.fma(Mem{Base: k.x, Index: r.at, Scale: uint8(k.bytes / 32), Disp: j * k.vector}, r.v, r.acc[j])
	}
}

// sums adds the elements of rows, of which there are count in each, to their sums, and goes on to the next heads.
func (k *kernel) sums(label string, rows []*row) {
	for i, r := range rows {
		MOVWQZX(Mem{Base: k.heads, Disp: 4 * i}, r.y)
		IMUL3Q(U32(uint32(k.bytes)), r.y, r.y)
		ADDQ(NewParamAddr("y", 40), r.y)
	}
	CMPB(NewParamAddr("first", 48), U8(0))
	JNE(LabelRef(label + "_zero"))
	for _, r := range rows {
		for j := range r.acc {
			k.p.load(Mem{Base: r.y, Disp: j * k.vector}, r.acc[j])
		}
	}
	JMP(LabelRef(label + "_start"))
	Label(label + "_zero")
	for _, r := range rows {
		for _, acc := range r.acc {
			if k.vector == 64 {
				VPXORD(acc, acc, acc)
			} else {
				k.p.xor(acc, acc, acc)
			}
		}
	}
	Label(label + "_start")
	SUBQ(U8(4), k.count)
	JLT(LabelRef(label + "_rest"))
	Label(label + "_fours")
	for _, r := range rows {
		MOVQ(Mem{Base: r.offsets}, r.four)
	}
	for i := range 4 {
		for _, r := range rows {
			MOVWQZX(r.four.(reg.GP).As16(), r.at)
			if i < 3 {
				SHRQ(U8(16), r.four)
			}
			k.element(r, i)
		}
	}
	for _, r := range rows {
		ADDQ(U8(8), r.offsets)
		ADDQ(U8(4*k.p.size), r.values)
	}
	SUBQ(U8(4), k.count)
	JGE(LabelRef(label + "_fours"))
	Label(label + "_rest")
	ADDQ(U8(4), k.count)
	JZ(LabelRef(label + "_store"))
	Label(label + "_ones")
	for _, r := range rows {
		MOVWQZX(Mem{Base: r.offsets}, r.at)
		k.element(r, 0)
		ADDQ(U8(2), r.offsets)
		ADDQ(U8(k.p.size), r.values)
	}
	DECQ(k.count)
	JNZ(LabelRef(label + "_ones"))
	Label(label + "_store")
	for _, r := range rows {
		for j := range r.acc {
			k.p.load(r.acc[j], Mem{Base: r.y, Disp: j * k.vector})
		}
	}
	ADDQ(U8(4*len(rows)), k.heads)
	SUBQ(U8(len(rows)), k.n)
}

// transposition is the code around a block: what is between two rows of it, and between two blocks, is measured in
// bytes.
func transposition(name, typ string, rows int, body func(src, dst []Mem)) {
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, src *%[1]s, srcRow, srcNext int, dst *%[1]s, dstRow, dstNext int)", typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s transposes n blocks of %d by %d. Distances are in bytes.", name, rows, rows))
	n := Load(Param("n"), GP64())
	side := func(name string, next Mem) ([]Mem, func()) {
		row := Load(Param(name+"Row"), GP64())
		row3 := GP64()
		LEAQ(Mem{Base: row, Index: row, Scale: 2}, row3)
		var at []Mem
		var bases []reg.Register
		for k := 0; k < rows; k += 4 {
			base := GP64()
			if k == 0 {
				Load(Param(name), base)
			} else {
				LEAQ(Mem{Base: bases[len(bases)-1], Index: row, Scale: 4}, base)
			}
			bases = append(bases, base)
			at = append(at, Mem{Base: base}, Mem{Base: base, Index: row, Scale: 1}, Mem{Base: base, Index: row, Scale: 2},
				Mem{Base: base, Index: row3, Scale: 1})
		}
		return at, func() {
			for _, base := range bases {
				ADDQ(next, base)
			}
		}
	}
	src, srcStep := side("src", NewParamAddr("srcNext", 24))
	dst, dstStep := side("dst", NewParamAddr("dstNext", 48))
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

// transpose32Wide brings rows k, k+4, k+8 and k+12 together while loading, four columns of each, which leaves 4x4
// blocks to exchange in all lanes. It fills whole lines of dst.
func transpose32Wide() {
	transposition("transpose32Wide", "float32", 16, func(src, dst []Mem) {
		for q := 0; q < 16; q += 4 {
			var rows [4]reg.VecVirtual
			for k := range rows {
				rows[k] = ZMM()
				VMOVUPS(src[k].Offset(4*q), rows[k].AsX())
				for lane := 1; lane < 4; lane++ {
					VINSERTF32X4(U8(lane), src[k+4*lane].Offset(4*q), rows[k], rows[k])
				}
			}
			low, high := [2]reg.VecVirtual{ZMM(), ZMM()}, [2]reg.VecVirtual{ZMM(), ZMM()}
			for k := range 2 {
				VUNPCKLPS(rows[2*k+1], rows[2*k], low[k])
				VUNPCKHPS(rows[2*k+1], rows[2*k], high[k])
			}
			for k, pair := range [][2]reg.VecVirtual{low, high} {
				t := ZMM()
				VUNPCKLPD(pair[1], pair[0], t)
				VMOVUPS(t, dst[q+2*k])
				VUNPCKHPD(pair[1], pair[0], pair[0])
				VMOVUPS(pair[0], dst[q+2*k+1])
			}
		}
	})
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
