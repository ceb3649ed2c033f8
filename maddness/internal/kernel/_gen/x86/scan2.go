package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scan2 generates sums for 32 rows and some outputs with AVX2. Entries are unsigned, and as many codebooks as a group
// has add up to no more than a byte. Sums are kept in words twice: of pairs of rows, the second times 256, and of the
// second row of each pair.
func scan2(outputs, group int) {
	function(fmt.Sprintf("scan2x%dx%d", outputs, group), "blocks, codebooks int, codes *byte, tables *uint8, starts *int16, dst *byte, stride int, scale, offset *float32, mode int",
		fmt.Sprintf("writes the results of %d outputs for blocks of 64 rows, feature-major; entries of %d codebooks add up to 255 at most; codebooks is a multiple of it, stride in bytes.", outputs, group))
	codes, tables, dst, stride := reg.RSI, reg.RDI, reg.RDX, reg.R9
	blocks, codebooks, scale, offset, mode, stride3, starts := reg.RCX, reg.R8, reg.R10, reg.R11, reg.R12, reg.R13, reg.R15
	half := reg.R14
	Load(Param("blocks"), blocks)
	Load(Param("codebooks"), codebooks)
	Load(Param("codes"), codes)
	Load(Param("tables"), tables)
	Load(Param("starts"), starts)
	Load(Param("dst"), dst)
	Load(Param("stride"), stride)
	Load(Param("scale"), scale)
	Load(Param("offset"), offset)
	Load(Param("mode"), mode)
	LEAQ(sum(stride, stride, 2, 0), stride3)
	ADDQ(blocks, blocks)
	XORQ(half, half)
	full := func(t int) reg.VecPhysical { return y[2*t] }
	second := func(t int) reg.VecPhysical { return y[2*t+1] }

	Label("half")
	for t := range outputs {
		VPBROADCASTW(at(starts, 4*t), full(t))
		VPBROADCASTW(at(starts, 4*t+2), second(t))
	}
	MOVQ(tables, reg.RBX)
	MOVQ(codebooks, reg.RAX)
	Label("group")
	for c := range group {
		VMOVDQU(at(codes, 64*c), y[8+c])
	}
	for t := range outputs {
		look := func(c int, into reg.VecPhysical) {
			VBROADCASTI128(at(reg.RBX, 64*c+16*t), into)
			VPSHUFB(y[8+c], into, into)
		}
		look(0, y[12])
		if group > 1 {
			look(1, y[13])
			VPADDB(y[13], y[12], y[12])
		}
		if group > 2 {
			look(2, y[13])
			look(3, y[14])
			VPADDB(y[14], y[13], y[13])
			VPADDB(y[13], y[12], y[12])
		}
		VPSRLW(Imm(8), y[12], y[13])
		VPADDW(y[12], full(t), full(t))
		VPADDW(y[13], second(t), second(t))
	}
	ADDQ(U32(uint32(64*group)), codes)
	ADDQ(U32(uint32(64*group)), reg.RBX)
	SUBQ(U32(uint32(group)), reg.RAX)
	JNE(LabelRef("group"))

	column := func(t, disp int) Mem {
		switch t {
		case 0:
			return at(dst, disp)
		case 3:
			return sum(dst, stride3, 1, disp)
		}
		return sum(dst, stride, uint8(t), disp)
	}
	each := func(value func(v reg.VecPhysical), store func(v reg.VecPhysical, m Mem)) {
		for t := range outputs {
			if value != nil {
				VBROADCASTSS(at(scale, 4*t), y[12])
				VBROADCASTSS(at(offset, 4*t), y[13])
			}
			VPSLLW(Imm(8), second(t), y[8])
			VPSUBW(y[8], full(t), full(t))
			VPUNPCKLWD(second(t), full(t), y[8]) // rows 0..7 and 16..23
			VPUNPCKHWD(second(t), full(t), y[9])
			VPMOVSXWD(x[8], y[10])
			VEXTRACTI128(Imm(1), y[8], x[8])
			VPMOVSXWD(x[9], y[11])
			VEXTRACTI128(Imm(1), y[9], x[9])
			VPMOVSXWD(x[8], y[8])
			VPMOVSXWD(x[9], y[9])
			for i, r := range []int{10, 11, 8, 9} {
				if value != nil {
					value(y[r])
				}
				store(y[r], column(t, 32*i))
			}
		}
	}
	plain := func(v reg.VecPhysical) {
		VCVTDQ2PS(v, v)
		VFMADD213PS(y[13], y[12], v)
	}
	rectify := func(v reg.VecPhysical) {
		plain(v)
		VMAXPS(v, y[14], v)
	}
	ordinary := func(v reg.VecPhysical, m Mem) { VMOVUPS(v, m) }
	around := func(v reg.VecPhysical, m Mem) { VMOVNTPS(v, m) }
	for _, w := range []struct {
		mode  int
		name  string
		value func(reg.VecPhysical)
		store func(reg.VecPhysical, Mem)
	}{{floats, "floats", plain, ordinary}, {rectified, "rectified", rectify, ordinary}, {streamed, "streamed", plain, around},
		{streamed | rectified, "streamed_rectified", rectify, around}, {raw, "raw", nil, ordinary}} {
		if w.mode != raw {
			CMPQ(mode, Imm(uint64(w.mode)))
			JNE(LabelRef("not_" + w.name))
		}
		if w.mode&rectified != 0 {
			VXORPS(y[14], y[14], y[14])
		}
		each(w.value, w.store)
		if w.mode != raw {
			JMP(LabelRef("next"))
			Label("not_" + w.name)
		}
	}
	Label("next")
	// The second half of a block is 32 bytes after the first; the next block begins where the codes end.
	ADDQ(U32(128), dst)
	XORQ(Imm(1), half)
	JE(LabelRef("even"))
	MOVQ(codebooks, reg.RAX)
	SHLQ(Imm(6), reg.RAX)
	SUBQ(reg.RAX, codes)
	ADDQ(Imm(32), codes)
	DECQ(blocks)
	JMP(LabelRef("half"))
	Label("even")
	SUBQ(Imm(32), codes)
	DECQ(blocks)
	JNE(LabelRef("half"))
	VZEROUPPER()
	RET()
}

// finish2 generates what follows a scan into a small matrix of outputs by 64 rows.
func finish2() {
	function("transpose2", "strips int, src *float32, dst *float32, stride int", "writes 8 columns of 64 elements as rows of 8, for strips of 8 rows; stride in bytes.")
	Load(Param("strips"), reg.RCX)
	Load(Param("src"), reg.RSI)
	Load(Param("dst"), reg.RDX)
	Load(Param("stride"), reg.R9)
	Label("strip")
	for i := range 8 {
		VMOVUPS(at(reg.RSI, 256*i), y[i])
	}
	for q := 0; q < 8; q += 4 {
		a, b, c, d := y[q], y[q+1], y[q+2], y[q+3]
		VUNPCKLPS(b, a, y[8])
		VUNPCKHPS(b, a, y[9])
		VUNPCKLPS(d, c, y[10])
		VUNPCKHPS(d, c, y[11])
		VUNPCKLPD(y[10], y[8], a)
		VUNPCKHPD(y[10], y[8], b)
		VUNPCKLPD(y[11], y[9], c)
		VUNPCKHPD(y[11], y[9], d)
	}
	for half := range 2 {
		for j := range 4 {
			VPERM2F128(Imm(uint64(0x20+0x11*half)), y[4+j], y[j], y[8])
			VMOVUPS(y[8], at(reg.RDX, 0))
			ADDQ(reg.R9, reg.RDX)
		}
	}
	ADDQ(Imm(32), reg.RSI)
	DECQ(reg.RCX)
	JNE(LabelRef("strip"))
	VZEROUPPER()
	RET()

	function("argMax2", "outputs, first int, src *float32, best *float32, index *int32",
		"goes through outputs of 64 elements each, numbered from first on, and keeps the first largest; best and index are of the outputs before, unless first is 0.")
	Load(Param("outputs"), reg.RCX)
	Load(Param("first"), reg.R8)
	Load(Param("src"), reg.RSI)
	Load(Param("best"), reg.RDI)
	Load(Param("index"), reg.RDX)
	TESTQ(reg.R8, reg.R8)
	JNE(LabelRef("outputs"))
	VPXOR(y[0], y[0], y[0])
	for i := range 8 {
		VMOVUPS(at(reg.RSI, 32*i), y[1])
		VMOVUPS(y[1], at(reg.RDI, 32*i))
		VMOVDQU(y[0], at(reg.RDX, 32*i))
	}
	Label("outputs")
	for half := range 2 {
		next := fmt.Sprintf("output%d", half)
		MOVQ(reg.RSI, reg.RBX)
		MOVQ(reg.RCX, reg.RAX)
		MOVQ(reg.R8, reg.R9)
		for i := range 4 {
			VMOVUPS(at(reg.RDI, 128*half+32*i), y[i])
			VMOVDQU(at(reg.RDX, 128*half+32*i), y[4+i])
		}
		Label(next)
		VMOVD(reg.R9L, x[8])
		VPBROADCASTD(x[8], y[8])
		for i := range 4 {
			VMOVUPS(at(reg.RBX, 128*half+32*i), y[9])
			VCMPPS(Imm(0x1e), y[i], y[9], y[10]) // greater, ordered
			VBLENDVPS(y[10], y[9], y[i], y[i])
			VBLENDVPS(y[10], y[8], y[4+i], y[4+i])
		}
		ADDQ(U32(256), reg.RBX)
		INCQ(reg.R9)
		DECQ(reg.RAX)
		JNE(LabelRef(next))
		for i := range 4 {
			VMOVUPS(y[i], at(reg.RDI, 128*half+32*i))
			VMOVDQU(y[4+i], at(reg.RDX, 128*half+32*i))
		}
	}
	VZEROUPPER()
	RET()
}

// bytes2 generates the rounding of a column of 64 results.
func bytes2() {
	function("bytes2", "src *float32, dst *int8, inverse float32", "writes 64 elements times inverse, rounded half to even within -128..127, and the least of them for NaN.")
	Load(Param("src"), reg.RSI)
	Load(Param("dst"), reg.RDX)
	m, err := Param("inverse").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(m.Addr, y[8])
	word2(0xc3000000, y[9])  // -128
	word2(0x42fe0000, y[10]) // 127
	VMOVDQU(order2(), y[11])
	for half := range 2 {
		for i := range 4 {
			VMULPS(at(reg.RSI, 128*half+32*i), y[8], y[i])
			VMAXPS(y[9], y[i], y[i])
			VMINPS(y[10], y[i], y[i])
			VCVTPS2DQ(y[i], y[i])
		}
		VPACKSSDW(y[1], y[0], y[0])
		VPACKSSDW(y[3], y[2], y[2])
		VPACKSSWB(y[2], y[0], y[0])
		VPERMD(y[0], y[11], y[0])
		VMOVDQU(y[0], at(reg.RDX, 32*half))
	}
	VZEROUPPER()
	RET()
}

var order *Mem

// order2 is the order of 32 bits in which packing four vectors, each half by itself, leaves their bytes.
func order2() Mem {
	if order == nil {
		m := GLOBL("order", RODATA|NOPTR)
		for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
			DATA(4*i, U32(v))
		}
		order = &m
	}
	return *order
}

// encode2 generates encoding with AVX2 for one codebook, 32 rows at a time.
func encode2() {
	function("encode2", "blocks int, x *float32, offsets *[4]int, thresholds *float32, codes *byte, step int",
		"writes the codes of a codebook for blocks of 64 rows, feature-major; offsets in bytes per level, step between blocks of codes.")
	half, values, offsets, codes, step, blocks := reg.R9, reg.RBX, reg.RSI, reg.RDX, reg.R8, reg.RCX
	Load(Param("thresholds"), reg.RDI)
	VMOVUPS(at(reg.RDI, 0), y[8])
	VMOVUPS(at(reg.RDI, 32), y[9])
	VBROADCASTSS(at(reg.RDI, 4), y[10])
	word2(2, y[11])
	word2(0x0f0f0f0f, y[12])
	VMOVDQU(order2(), y[13])
	Load(Param("x"), values)
	Load(Param("offsets"), offsets)
	Load(Param("codes"), codes)
	Load(Param("step"), step)
	Load(Param("blocks"), blocks)
	columns := []reg.GPPhysical{reg.R11, reg.R12, reg.R13, reg.R15}
	for l := range 4 {
		MOVQ(at(offsets, 8*l), columns[l])
	}
	SUBQ(Imm(32), step)
	XORQ(half, half)
	ADDQ(blocks, blocks)
	Label("half")
	for l := range 4 {
		for i := range 4 {
			threshold := y[4+i]
			switch l {
			case 0:
				threshold = y[10]
			case 3:
				VPERMPS(y[9], y[i], threshold) // by the low three bits
			default:
				VPERMPS(y[8], y[i], threshold)
			}
			VCMPPS(Imm(0x11), sum(columns[l], values, 1, 32*i), threshold, y[4+i]) // less, ordered
			from := y[i]
			if l == 0 {
				from = y[11]
			} else {
				VPADDD(from, from, from)
			}
			VPSUBD(y[4+i], from, y[i])
		}
	}
	VPACKSSDW(y[1], y[0], y[0])
	VPACKSSDW(y[3], y[2], y[2])
	VPACKUSWB(y[2], y[0], y[0])
	VPAND(y[12], y[0], y[0])
	VPERMD(y[0], y[13], y[0])
	VMOVDQU(y[0], at(codes, 0))
	ADDQ(U32(128), values)
	ADDQ(Imm(32), codes)
	XORQ(Imm(1), half)
	JNE(LabelRef("odd"))
	ADDQ(step, codes)
	SUBQ(Imm(32), codes)
	Label("odd")
	DECQ(blocks)
	JNE(LabelRef("half"))
	VZEROUPPER()
	RET()

	function("encodeBytes2", "blocks int, x *byte, offsets *[4]int, thresholds *[16]byte, codes *byte, step int, flip byte",
		"is encode2 for integers of 8 bits; flip is 128 if they have no sign, and thresholds are flipped already.")
	Load(Param("thresholds"), reg.RDI)
	VBROADCASTI128(at(reg.RDI, 0), y[8])
	Load(Param("flip"), reg.EAX)
	VMOVD(reg.EAX, x[9])
	VPBROADCASTB(x[9], y[9])
	word2(0x01010101, y[10])
	word2(0x0f0f0f0f, y[11])
	Load(Param("x"), values)
	Load(Param("offsets"), offsets)
	Load(Param("codes"), codes)
	Load(Param("step"), step)
	Load(Param("blocks"), blocks)
	for l := range 4 {
		MOVQ(at(offsets, 8*l), columns[l])
	}
	Label("block")
	for l := range 4 {
		for i := range 2 {
			from := y[i]
			if l == 0 {
				from = y[10]
			}
			VPXOR(sum(columns[l], values, 1, 32*i), y[9], y[2+i])
			VPSHUFB(from, y[8], y[4+i])
			VPCMPGTB(y[4+i], y[2+i], y[2+i])
			VPADDB(from, from, y[i])
			VPSUBB(y[2+i], y[i], y[i])
		}
	}
	for i := range 2 {
		VPAND(y[11], y[i], y[i])
		VMOVDQU(y[i], at(codes, 32*i))
	}
	ADDQ(Imm(64), values)
	ADDQ(step, codes)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// word2 sets all 32-bit lanes of a 256-bit register.
func word2(bits uint32, v reg.VecPhysical) {
	MOVL(U32(bits), reg.EAX)
	VMOVD(reg.EAX, v.(interface{ AsX() reg.Register }).AsX())
	VPBROADCASTD(v.(interface{ AsX() reg.Register }).AsX(), v)
}
