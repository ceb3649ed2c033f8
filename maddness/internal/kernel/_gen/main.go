// Command _gen generates the encoders and scans for amd64: AVX-512 with VBMI and VNNI, and AVX2.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	for _, k := range []kind{columns, streamed, rowwise, bytes} {
		scan512(k)
	}
	max512()
	encode512()
	encodeRows512()
	for _, t := range []struct {
		name, typ string
		size      int
		extend    func(...Op)
	}{{"Int8", "int8", 1, VPMOVSXBD}, {"Uint8", "uint8", 1, VPMOVZXBD}, {"Int16", "int16", 2, VPMOVSXWD}} {
		widen(t.name, t.typ, t.size, t.extend)
	}
	scan2(8)
	scan2(6)
	encode2()
	Generate()
}

func function(name, params, doc string) {
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	Doc(name + " " + doc)
}

// table is constant data of 32-bit words.
func table(name string, words ...uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, w := range words {
		DATA(4*i, U32(w))
	}
	return m
}

// kind is what a scan does with the four sums of each row.
type kind struct{ name, params, doc string }

var (
	columns  = kind{"scanCols512", "dst *float32, stride int", "writes them feature-major."}
	streamed = kind{"scanStream512", "dst *float32, stride int", "writes them feature-major past the caches; dst and stride are multiples of 64 bytes."}
	rowwise  = kind{"scanRows512", "dst *float32, stride int", "writes them row-major."}
	bytes    = kind{"scanBytes512", "dst *int8, stride int, inverse float32", "writes them times inverse, rounded and clipped, feature-major."}
)

// scan512 adds up the entries of four outputs for blocks of 64 rows. A register holds four tables of 16 bytes, and one of
// codes those of four codebooks for 16 rows, side by side, so that a dot product with ones adds a row's four entries.
func scan512(k kind) {
	function(k.name, "blocks int, codes *byte, groups int, lut *int8, scale, offset *float32, floor float32, "+k.params,
		"computes four outputs, not below floor, for blocks of 64 rows from codes [block][group][4][16][4] and tables [4][group][4][16], and\n// "+k.doc)
	blocks, codes := Load(Param("blocks"), GP64()), Load(Param("codes"), GP64())
	groups, lut := Load(Param("groups"), GP64()), Load(Param("lut"), GP64())
	scale, offset := Load(Param("scale"), GP64()), Load(Param("offset"), GP64())
	floor := ZMM()
	VBROADCASTSS(NewParamAddr("floor", 48), floor)
	ones := ZMM()
	one := GP32()
	MOVL(U32(0x01010101), one)
	VPBROADCASTD(one, ones)
	inverse, high, low := ZMM(), ZMM(), ZMM()
	dst, stride, stride3 := GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("stride"), stride)
	if k != bytes {
		SHLQ(Imm(2), stride)
	}
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	if k == bytes {
		VBROADCASTSS(NewParamAddr("inverse", 72), inverse)
		VBROADCASTSS(table("lowest", 0xc3000000), low)   // -128
		VBROADCASTSS(table("highest", 0x42fe0000), high) // 127
	}
	size, size3 := GP64(), GP64() // of an output's tables
	MOVQ(groups, size)
	SHLQ(Imm(6), size)
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	at := func(base, by, by3 reg.GPVirtual, i int) Mem {
		return [4]Mem{{Base: base}, {Base: base, Index: by, Scale: 1}, {Base: base, Index: by, Scale: 2}, {Base: base, Index: by3, Scale: 1}}[i]
	}

	Label("block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	var acc [4][4]reg.VecVirtual
	for t := range acc {
		for r := range acc[t] {
			acc[t][r] = ZMM()
			VPXORD(acc[t][r], acc[t][r], acc[t][r])
		}
	}
	group, entries := GP64(), GP64()
	MOVQ(groups, group)
	MOVQ(lut, entries)
	Label("group")
	var code [4]reg.VecVirtual
	for r := range code {
		code[r] = ZMM()
		VMOVDQU8(Mem{Base: codes, Disp: 64 * r}, code[r])
	}
	for t := range acc {
		tables := ZMM()
		VMOVDQU8(at(entries, size, size3, t), tables)
		for r := range code {
			v := ZMM()
			VPERMB(tables, code[r], v)
			VPDPBUSD(v, ones, acc[t][r])
		}
	}
	ADDQ(U32(256), codes)
	ADDQ(Imm(64), entries)
	DECQ(group)
	JNZ(LabelRef("group"))

	for t := range acc {
		s, o := ZMM(), ZMM()
		VBROADCASTSS(Mem{Base: scale, Disp: 4 * t}, s)
		VBROADCASTSS(Mem{Base: offset, Disp: 4 * t}, o)
		for r, v := range acc[t] {
			VCVTDQ2PS(v, v)
			VMULPS(s, v, v)
			VADDPS(o, v, v)
			to := func(size int) Mem { x := at(dst, stride, stride3, t); x.Disp = size * r; return x }
			switch k {
			case columns:
				VMAXPS(v, floor, v)
				VMOVUPS(v, to(64))
			case streamed:
				VMAXPS(v, floor, v)
				VMOVNTPS(v, to(64))
			case rowwise:
				VMAXPS(v, floor, v)
			case bytes:
				VMAXPS(v, floor, v)
				VMULPS(inverse, v, v)
				VMAXPS(low, v, v)
				VMINPS(high, v, v)
				VCVTPS2DQ(v, v)
				VPMOVSDB(v, to(16))
			}
		}
	}
	switch k {
	case rowwise:
		transpose(acc, dst, stride, stride3)
		rows := GP64()
		MOVQ(stride, rows)
		SHLQ(Imm(6), rows)
		ADDQ(rows, dst)
	case columns, streamed:
		ADDQ(U32(256), dst)
	case bytes:
		ADDQ(Imm(64), dst)
	}
	DECQ(blocks)
	JMP(LabelRef("block"))
	Label("done")
	if k == streamed {
		SFENCE()
	}
	VZEROUPPER()
	RET()
}

// max512 is scan512 for the largest output, which stays in registers with its index while outputs pass.
func max512() {
	function("scanMax512", "fours int, codes *byte, groups int, lut *int8, scale, offset *float32, best *float32, index *int32, m int",
		"updates the largest output of 64 rows, and its index, by fours*4 outputs from m on.")
	fours, codes := Load(Param("fours"), GP64()), Load(Param("codes"), GP64())
	groups, lut := Load(Param("groups"), GP64()), Load(Param("lut"), GP64())
	scale, offset := Load(Param("scale"), GP64()), Load(Param("offset"), GP64())
	m := Load(Param("m"), GP64())
	ones := ZMM()
	one := GP32()
	MOVL(U32(0x01010101), one)
	VPBROADCASTD(one, ones)
	var best, index [4]reg.VecVirtual
	values, indices := Load(Param("best"), GP64()), Load(Param("index"), GP64())
	for r := range best {
		best[r], index[r] = ZMM(), ZMM()
		VMOVUPS(Mem{Base: values, Disp: 64 * r}, best[r])
		VMOVDQU32(Mem{Base: indices, Disp: 64 * r}, index[r])
	}
	size, size3 := GP64(), GP64()
	MOVQ(groups, size)
	SHLQ(Imm(6), size)
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	Label("maxFour")
	var acc [4][4]reg.VecVirtual
	for t := range acc {
		for r := range acc[t] {
			acc[t][r] = ZMM()
			VPXORD(acc[t][r], acc[t][r], acc[t][r])
		}
	}
	group, code := GP64(), GP64()
	MOVQ(groups, group)
	MOVQ(codes, code)
	Label("maxGroup")
	var k [4]reg.VecVirtual
	for r := range k {
		k[r] = ZMM()
		VMOVDQU8(Mem{Base: code, Disp: 64 * r}, k[r])
	}
	for t := range acc {
		tables, at := ZMM(), [4]Mem{{Base: lut}, {Base: lut, Index: size, Scale: 1}, {Base: lut, Index: size, Scale: 2}, {Base: lut, Index: size3, Scale: 1}}[t]
		VMOVDQU8(at, tables)
		for r := range k {
			v := ZMM()
			VPERMB(tables, k[r], v)
			VPDPBUSD(v, ones, acc[t][r])
		}
	}
	ADDQ(U32(256), code)
	ADDQ(Imm(64), lut)
	DECQ(group)
	JNZ(LabelRef("maxGroup"))
	ADDQ(size3, lut) // past the tables of the other three
	for t := range acc {
		number := ZMM()
		VPBROADCASTD(m.(reg.GPVirtual).As32(), number)
		INCQ(m)
		for r, v := range acc[t] {
			larger := K()
			VCVTDQ2PS(v, v)
			VMULPS_BCST(Mem{Base: scale, Disp: 4 * t}, v, v)
			VADDPS_BCST(Mem{Base: offset, Disp: 4 * t}, v, v)
			VCMPPS(Imm(0x1e), best[r], v, larger)
			VMOVAPS(v, larger, best[r])
			VMOVDQA32(number, larger, index[r])
		}
	}
	ADDQ(Imm(16), scale)
	ADDQ(Imm(16), offset)
	DECQ(fours)
	JNZ(LabelRef("maxFour"))
	for r := range best {
		VMOVUPS(best[r], Mem{Base: values, Disp: 64 * r})
		VMOVDQU32(index[r], Mem{Base: indices, Disp: 64 * r})
	}
	VZEROUPPER()
	RET()
}

// transpose writes four outputs of 64 rows as 64 pieces of 16 bytes.
func transpose(acc [4][4]reg.VecVirtual, dst, stride, stride3 reg.GPVirtual) {
	row := GP64()
	MOVQ(dst, row)
	for r := range 4 {
		a, b, c, d := acc[0][r], acc[1][r], acc[2][r], acc[3][r]
		ab, cd := ZMM(), ZMM()
		VUNPCKLPS(b, a, ab)
		VUNPCKHPS(b, a, a)
		VUNPCKLPS(d, c, cd)
		VUNPCKHPS(d, c, c)
		VUNPCKLPD(cd, ab, b) // rows 0, 4, 8, 12
		VUNPCKHPD(cd, ab, d) // 1, 5, ...
		VUNPCKLPD(c, a, ab)  // 2
		VUNPCKHPD(c, a, cd)  // 3
		for lane := range 4 {
			for i, v := range []reg.VecVirtual{b, d, ab, cd} {
				to := [4]Mem{{Base: row}, {Base: row, Index: stride, Scale: 1}, {Base: row, Index: stride, Scale: 2}, {Base: row, Index: stride3, Scale: 1}}[i]
				if lane == 0 {
					VMOVUPS(v.AsX(), to)
				} else {
					VEXTRACTF32X4(Imm(uint64(lane)), v, to)
				}
			}
			LEAQ(Mem{Base: row, Index: stride, Scale: 4}, row)
		}
	}
}

// encode512 walks four trees for 16 rows at a time: the thresholds of a tree are one register, which a row's node indexes.
func encode512() {
	function("encodeCols512", "blocks int, columns **float32, thresholds *float32, dst *byte, step int",
		"encodes blocks of 64 rows with four trees: columns are 16 pointers to the values of the trees' levels, thresholds\n// four heaps, and step the bytes from the codes of a block to the next.")
	blocks, columns := Load(Param("blocks"), GP64()), Load(Param("columns"), GP64())
	heap, dst, step := Load(Param("thresholds"), GP64()), Load(Param("dst"), GP64()), Load(Param("step"), GP64())
	var thresholds [4]reg.VecVirtual
	for c := range thresholds {
		thresholds[c] = ZMM()
		VMOVUPS(Mem{Base: heap, Disp: 64 * c}, thresholds[c])
	}
	constant := func(v uint32) reg.VecVirtual {
		r, z := GP32(), ZMM()
		MOVL(U32(v), r)
		VPBROADCASTD(r, z)
		return z
	}
	one, fifteen, places := constant(1), constant(15), constant(0x30201000)
	row := GP64()
	XORQ(row, row)
	Label("encodeBlock")
	TESTQ(blocks, blocks)
	JZ(LabelRef("encodeDone"))
	for part := range 4 {
		var node [4]reg.VecVirtual
		for c := range node {
			node[c] = ZMM()
			VMOVDQA32(one, node[c])
		}
		for level := range 4 {
			for c := range node {
				column, t, right := GP64(), ZMM(), K()
				MOVQ(Mem{Base: columns, Disp: 8 * (4*c + level)}, column)
				VPERMPS(thresholds[c], node[c], t)
				VCMPPS(Imm(0x11), Mem{Base: column, Index: row, Scale: 1, Disp: 64 * part}, t, right) // t < x
				VPADDD(node[c], node[c], node[c])
				VPADDD(one, node[c], right, node[c])
			}
		}
		for c := range node {
			VPANDD(fifteen, node[c], node[c])
			if c > 0 {
				VPSLLD(Imm(uint64(8*c)), node[c], node[c])
			}
		}
		VPTERNLOGD(Imm(0xfe), node[1], node[2], node[0])
		VPTERNLOGD(Imm(0xfe), places, node[3], node[0])
		VMOVDQU32(node[0], Mem{Base: dst, Disp: 64 * part})
	}
	ADDQ(U32(256), row)
	ADDQ(step, dst)
	DECQ(blocks)
	JMP(LabelRef("encodeBlock"))
	Label("encodeDone")
	VZEROUPPER()
	RET()
}

// encodeRows512 compares a row with all 15 thresholds of a tree at once: its four values spread over the nodes of their
// levels give a mask, of which a table tells the way through the first three levels.
func encodeRows512() {
	function("encodeRows512", "codebooks, rows int, x *float32, stride int, dims *int, thresholds *float32, dst *byte",
		"encodes rows with all trees: dims are four columns of each tree and dst the first row's byte in codes\n// [group][16][4] of a block. Few rows at a time leave memory in the order that it is read in.")
	paths := GLOBL("paths", RODATA|NOPTR)
	for mask := range 256 {
		i := 1
		for range 3 {
			i = 2*i + mask>>i&1
		}
		DATA(mask, U8(uint8(i)))
	}
	stride := Load(Param("stride"), GP64())
	SHLQ(Imm(2), stride)
	dims, heap, dst := Load(Param("dims"), GP64()), Load(Param("thresholds"), GP64()), Load(Param("dst"), GP64())
	var level [4]reg.OpmaskVirtual
	for l, nodes := range []uint32{0, 0x000c, 0x00f0, 0xff00} {
		if l > 0 {
			r := GP32()
			MOVL(U32(nodes), r)
			level[l] = K()
			KMOVW(r, level[l])
		}
	}
	place := GP32() // of the tree in bits 4 and 5, less the node's bit 4
	MOVL(I32(-16), place)
	path := GP64()
	LEAQ(paths, path)
	Label("encodeTree")
	thresholds := ZMM()
	VMOVUPS(Mem{Base: heap}, thresholds)
	var column [4]reg.GPVirtual
	x := Load(Param("x"), GP64())
	for l := range column {
		column[l] = GP64()
		MOVQ(Mem{Base: dims, Disp: 8 * l}, column[l])
		LEAQ(Mem{Base: x, Index: column[l], Scale: 4}, column[l])
	}
	rows := Load(Param("rows"), GP64())
	at := GP64()
	XORQ(at, at)
	Label("encodeRow")
	v := ZMM()
	VBROADCASTSS(Mem{Base: column[0], Index: at, Scale: 1}, v)
	for l := 1; l < 4; l++ {
		VBROADCASTSS(Mem{Base: column[l], Index: at, Scale: 1}, level[l], v)
	}
	right := K()
	VCMPPS(Imm(0x1e), thresholds, v, right)
	mask, node := GP32(), GP32()
	KMOVW(right, mask)
	MOVBLZX(mask.As8(), node)
	MOVBLZX(Mem{Base: path, Index: node.As64(), Scale: 1}, node)
	BTL(node, mask)
	ADCL(node, node)
	ADDL(place, node)
	MOVB(node.As8(), Mem{Base: dst})
	ADDQ(stride, at)
	ADDQ(Imm(4), dst)
	DECQ(rows)
	JNZ(LabelRef("encodeRow"))
	ADDQ(Imm(32), dims)
	ADDQ(Imm(64), heap)
	back := Load(Param("rows"), GP64())
	SHLQ(Imm(2), back)
	SUBQ(back, dst)
	INCQ(dst)
	ADDL(Imm(16), place)
	CMPL(place, Imm(48))
	JNE(LabelRef("sameGroup"))
	MOVL(I32(-16), place)
	ADDQ(U32(252), dst)
	Label("sameGroup")
	DECQ(NewParamAddr("codebooks", 0)) // too many registers are taken
	JNZ(LabelRef("encodeTree"))
	VZEROUPPER()
	RET()
}

func widen(name, typ string, size int, extend func(...Op)) {
	function("widen"+name, "n int, dst *float32, x *"+typ, "converts n numbers, a multiple of 16.")
	n, dst, x := Load(Param("n"), GP64()), Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	label := "widen" + name
	Label(label)
	v := ZMM()
	extend(Mem{Base: x}, v)
	VCVTDQ2PS(v, v)
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(Imm(uint64(16*size)), x)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(16), n)
	JNZ(LabelRef(label))
	VZEROUPPER()
	RET()
}

// scan2 adds up the entries of four outputs for 32 rows at a time with AVX2. Entries are bytes without sign, and 16-bit
// lanes hold the sum of odd rows, and that of even rows with 256 times the odd row's on top; the difference takes it off
// again at the end. Entries of 6 bits are added in fours as bytes before.
func scan2(bits int) {
	name := fmt.Sprintf("scan%dAVX2", bits)
	step := 1
	if bits == 6 {
		step = 4
	}
	function(name, "blocks int, codes *byte, codebooks int, lut *byte, scale, offset *float32, floor float32, excess int32, dst *float32, stride int",
		"computes four outputs, not below floor, for blocks of 64 rows from codes [block][codebook][64] and tables\n// [4][codebook][16], whose sums are too large by excess.")
	blocks, codes := Load(Param("blocks"), GP64()), Load(Param("codes"), GP64())
	codebooks, lut := Load(Param("codebooks"), GP64()), Load(Param("lut"), GP64())
	scale, offset := Load(Param("scale"), GP64()), Load(Param("offset"), GP64())
	dst, stride, stride3 := GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("stride"), stride)
	SHLQ(Imm(2), stride)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	size, size3 := GP64(), GP64()
	MOVQ(codebooks, size)
	SHLQ(Imm(4), size)
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	at := func(base, by, by3 reg.GPVirtual, i, disp int) Mem {
		m := [4]Mem{{Base: base}, {Base: base, Index: by, Scale: 1}, {Base: base, Index: by, Scale: 2}, {Base: base, Index: by3, Scale: 1}}[i]
		m.Disp = disp
		return m
	}
	block := "block" + name
	Label(block)
	TESTQ(blocks, blocks)
	JZ(LabelRef("done" + name))
	for half := range 2 {
		var even, odd [4]reg.VecVirtual
		for t := range even {
			even[t], odd[t] = YMM(), YMM()
			VPXOR(even[t], even[t], even[t])
			VPXOR(odd[t], odd[t], odd[t])
		}
		n, entries, code := GP64(), GP64(), GP64()
		MOVQ(codebooks, n)
		MOVQ(lut, entries)
		MOVQ(codes, code)
		loop := fmt.Sprintf("loop%s%d", name, half)
		Label(loop)
		var k [4]reg.VecVirtual
		for c := range step {
			k[c] = YMM()
			VMOVDQU(Mem{Base: code, Disp: 64*c + 32*half}, k[c])
		}
		for t := range even {
			var sum reg.VecVirtual
			for c := range step {
				v := YMM()
				VBROADCASTI128(at(entries, size, size3, t, 16*c), v)
				VPSHUFB(k[c], v, v)
				if c > 0 {
					VPADDB(v, sum, v)
				}
				sum = v
			}
			high := YMM()
			VPSRLW(Imm(8), sum, high)
			VPADDW(sum, even[t], even[t])
			VPADDW(high, odd[t], odd[t])
		}
		ADDQ(U32(uint32(64*step)), code)
		ADDQ(Imm(uint64(16*step)), entries)
		SUBQ(Imm(uint64(step)), n)
		JNZ(LabelRef(loop))
		excess, floor := YMM(), YMM()
		raised, x := Load(Param("excess"), GP32()), XMM()
		VMOVD(raised, x)
		VPBROADCASTD(x, excess)
		VBROADCASTSS(NewParamAddr("floor", 48), floor)
		for t := range even {
			s, o, high := YMM(), YMM(), YMM()
			VBROADCASTSS(Mem{Base: scale, Disp: 4 * t}, s)
			VBROADCASTSS(Mem{Base: offset, Disp: 4 * t}, o)
			VPSLLW(Imm(8), odd[t], high)
			VPSUBW(high, even[t], even[t])
			VPUNPCKLWD(odd[t], even[t], high) // rows 0-7 and 16-23
			VPUNPCKHWD(odd[t], even[t], even[t])
			for i, v := range []reg.VecVirtual{high, even[t], high, even[t]} {
				w := YMM()
				if i < 2 {
					VPMOVZXWD(v.AsX(), w)
				} else {
					x := XMM()
					VEXTRACTI128(Imm(1), v, x)
					VPMOVZXWD(x, w)
				}
				VPSUBD(excess, w, w)
				VCVTDQ2PS(w, w)
				VMULPS(s, w, w)
				VADDPS(o, w, w)
				VMAXPS(w, floor, w)
				VMOVUPS(w, at(dst, stride, stride3, t, 128*half+32*i))
			}
		}
	}
	bytes := GP64()
	MOVQ(codebooks, bytes)
	SHLQ(Imm(6), bytes)
	ADDQ(bytes, codes)
	ADDQ(U32(256), dst)
	DECQ(blocks)
	JMP(LabelRef(block))
	Label("done" + name)
	VZEROUPPER()
	RET()
}

// encode2 walks one tree for 32 rows at a time with AVX2: the thresholds of a level are at most eight, one register.
func encode2() {
	function("encodeColsAVX2", "blocks int, columns **float32, thresholds *float32, dst *byte, step int",
		"encodes blocks of 64 rows with one tree: columns are 4 pointers to the values of its levels, and step the bytes\n// from the codes of a block to the next.")
	blocks, columns := Load(Param("blocks"), GP64()), Load(Param("columns"), GP64())
	heap, dst, step := Load(Param("thresholds"), GP64()), Load(Param("dst"), GP64()), Load(Param("step"), GP64())
	var column [4]reg.GPVirtual
	var thresholds [4]reg.VecVirtual
	for l := range column {
		column[l], thresholds[l] = GP64(), YMM()
		MOVQ(Mem{Base: columns, Disp: 8 * l}, column[l])
		if l == 0 {
			VBROADCASTSS(Mem{Base: heap, Disp: 4}, thresholds[0])
		} else {
			VMOVUPS(Mem{Base: heap, Disp: 4 << l}, thresholds[l])
		}
	}
	order := YMM()
	VMOVDQU(table("order", 0, 4, 1, 5, 2, 6, 3, 7), order)
	row := GP64()
	XORQ(row, row)
	Label("encode2Block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("encode2Done"))
	for half := range 2 {
		var code [4]reg.VecVirtual
		for l := range 4 {
			for i := range code {
				t, right := thresholds[0], YMM()
				if l > 0 {
					t = YMM()
					VPERMPS(thresholds[l], code[i], t)
				}
				VCMPPS(Imm(0x11), Mem{Base: column[l], Index: row, Scale: 1, Disp: 128*half + 32*i}, t, right) // t < x: all ones, or -1
				if l == 0 {
					code[i] = YMM()
					VPSRLD(Imm(31), right, code[i])
				} else {
					VPADDD(code[i], code[i], code[i])
					VPSUBD(right, code[i], code[i])
				}
			}
		}
		VPACKSSDW(code[1], code[0], code[0])
		VPACKSSDW(code[3], code[2], code[2])
		VPACKUSWB(code[2], code[0], code[0])
		VPERMD(code[0], order, code[0])
		VMOVDQU(code[0], Mem{Base: dst, Disp: 32 * half})
	}
	ADDQ(U32(256), row)
	ADDQ(step, dst)
	DECQ(blocks)
	JMP(LabelRef("encode2Block"))
	Label("encode2Done")
	VZEROUPPER()
	RET()
}
