package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tree512 keeps four codebooks' thresholds in z16 to z19 and constants in z24 to z26.
func tree512(thresholds reg.Register) {
	for c := range 4 {
		VMOVUPS(at(thresholds, 64*c), z[16+c])
	}
}

func treeConstants() {
	everywhere(1, z[24])
	everywhere(15, z[25])
	everywhere(0x30201000, z[26])
}

// level512 goes down a level in codebook c: greater compares the threshold in its argument with 16 values into k[1+c].
func level512(c int, first bool, greater func(threshold reg.VecPhysical)) {
	node := z[c]
	if first {
		node = z[24]
	}
	VPERMPS(z[16+c], node, z[4+c])
	greater(z[4+c])
	VPADDD(node, node, z[c])
	VPADDD(z[24], z[c], k[1+c], z[c])
}

// join512 makes the codes of 16 rows of the nodes in z0 to z3: four adjacent bytes are a row's codebooks, each code
// with the number of its quarter of the tables above it.
func join512(out Mem) {
	for c := range 4 {
		VPANDD(z[25], z[c], z[c])
	}
	VPSLLD(Imm(8), z[1], z[1])
	VPSLLD(Imm(16), z[2], z[2])
	VPSLLD(Imm(24), z[3], z[3])
	VPTERNLOGD(Imm(0xfe), z[1], z[2], z[0])
	VPTERNLOGD(Imm(0xfe), z[26], z[3], z[0])
	VMOVDQU32(z[0], out)
}

func encode512() {
	function("encode512", "blocks int, x *float32, offsets *[16]int, thresholds *float32, codes *byte, step int",
		"writes the codes of four codebooks for blocks of 64 rows, feature-major; offsets are in bytes, per codebook and level, step is between blocks of codes.")
	values, offsets, codes, step, blocks, strip := reg.RBX, reg.RSI, reg.RDX, reg.R8, reg.RCX, reg.R9
	Load(Param("thresholds"), reg.RDI)
	tree512(reg.RDI)
	treeConstants()
	Load(Param("x"), values)
	Load(Param("offsets"), offsets)
	Load(Param("codes"), codes)
	Load(Param("step"), step)
	Load(Param("blocks"), blocks)
	columns := []reg.GPPhysical{reg.R11, reg.R12, reg.R13, reg.R15}
	Label("block")
	MOVQ(U32(4), strip)
	MOVQ(codes, reg.R10)
	Label("strip")
	for l := range 4 {
		for c := range 4 {
			MOVQ(at(offsets, 8*(4*c+l)), columns[c])
		}
		for c := range 4 {
			level512(c, l == 0, func(t reg.VecPhysical) {
				VCMPPS(Imm(0x11), sum(columns[c], values, 1, 0), t, k[1+c]) // less, ordered
			})
		}
	}
	join512(at(reg.R10, 0))
	ADDQ(Imm(64), reg.R10)
	ADDQ(Imm(64), values)
	DECQ(strip)
	JNE(LabelRef("strip"))
	ADDQ(step, codes)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// encodeRows512 generates the encoding of row-major rows. Their values are collected in a panel first, for four rows
// at a time.
func encodeRows512() {
	function("encodeRows512", "groups int, x *float32, stride int, offsets *int, thresholds *float32, codes *byte, panel *float32",
		"writes the codes of 16 rows for groups of four codebooks; stride and offsets, of which there are 16 per group, are in bytes. The panel has 16 elements per offset.")
	groups, offsets, thresholds, codes, panel := reg.RCX, reg.RSI, reg.RDI, reg.RDX, reg.R11
	stride, stride3, first := reg.R8, reg.R9, reg.R10
	treeConstants()
	Load(Param("groups"), groups)
	Load(Param("x"), first)
	Load(Param("stride"), stride)
	Load(Param("panel"), panel)
	LEAQ(sum(stride, stride, 2, 0), stride3)
	count, to, quad := reg.R12, reg.R13, reg.R15
	MOVQ(panel, quad)
	end := reg.RDI
	LEAQ(at(panel, 64), end)
	Label("quad")
	Load(Param("offsets"), offsets)
	MOVQ(groups, count)
	SHLQ(Imm(3), count)
	MOVQ(quad, to)
	Label("pair")
	for i, base := range []reg.GPPhysical{reg.RAX, reg.RBX} {
		v := x[i]
		MOVQ(at(offsets, 8*i), base)
		ADDQ(first, base)
		VMOVSS(at(base, 0), v)
		VINSERTPS(Imm(0x10), sum(base, stride, 1, 0), v, v)
		VINSERTPS(Imm(0x20), sum(base, stride, 2, 0), v, v)
		VINSERTPS(Imm(0x30), sum(base, stride3, 1, 0), v, v)
		VMOVUPS(v, at(to, 64*i))
	}
	ADDQ(Imm(16), offsets)
	ADDQ(U32(128), to)
	DECQ(count)
	JNE(LabelRef("pair"))
	LEAQ(sum(first, stride, 4, 0), first)
	ADDQ(Imm(16), quad)
	CMPQ(quad, end)
	JNE(LabelRef("quad"))

	Load(Param("thresholds"), thresholds)
	Load(Param("codes"), codes)
	Label("group")
	tree512(thresholds)
	for l := range 4 {
		for c := range 4 {
			level512(c, l == 0, func(t reg.VecPhysical) {
				VCMPPS(Imm(0x11), at(panel, 64*(4*c+l)), t, k[1+c]) // less, ordered
			})
		}
	}
	join512(at(codes, 0))
	ADDQ(U32(groupBytes), codes)
	ADDQ(U32(256), thresholds)
	ADDQ(U32(1024), panel)
	DECQ(groups)
	JNE(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// integers512 loads what encoding integers shares.
func integers512() (blocks, values, offsets, thresholds, codes, step reg.GPPhysical) {
	blocks, values, offsets, thresholds, codes, step = reg.RCX, reg.RBX, reg.RSI, reg.RDI, reg.RDX, reg.R8
	Load(Param("x"), values)
	Load(Param("offsets"), offsets)
	Load(Param("thresholds"), thresholds)
	Load(Param("codes"), codes)
	Load(Param("step"), step)
	Load(Param("blocks"), blocks)
	return
}

// interleave512 writes the codes of 64 rows, of which z0 to z3 hold one codebook each.
func interleave512(codes reg.Register) {
	for c := range 4 {
		VPANDD(z[25], z[c], z[c])
		if c > 0 {
			VPORD(z[28+c], z[c], z[c])
		}
	}
	VPUNPCKLBW(z[1], z[0], z[4])
	VPUNPCKHBW(z[1], z[0], z[5])
	VPUNPCKLBW(z[3], z[2], z[6])
	VPUNPCKHBW(z[3], z[2], z[7])
	VPUNPCKLWD(z[6], z[4], z[0]) // rows 0..3 of each sixteen
	VPUNPCKHWD(z[6], z[4], z[1])
	VPUNPCKLWD(z[7], z[5], z[2])
	VPUNPCKHWD(z[7], z[5], z[3])
	for part := range 4 {
		for sixteen := range 4 {
			VEXTRACTI32X4(Imm(uint64(sixteen)), z[part], at(codes, 64*sixteen+16*part))
		}
	}
}

func interleaveConstants() {
	everywhere(0x0f0f0f0f, z[25])
	for c := 1; c < 4; c++ {
		everywhere(0x10101010*uint32(c), z[28+c])
	}
}

// encodeBytes512 generates the encoding of bytes, 64 rows in a vector.
func encodeBytes512() {
	function("encodeBytes512", "blocks int, x *byte, offsets *[16]int, thresholds *[64]byte, codes *byte, step int, flip byte",
		"is encode512 for integers of 8 bits; flip is 128 if they have no sign, and thresholds are flipped already.")
	blocks, values, offsets, thresholds, codes, step := integers512()
	Load(Param("flip"), reg.EAX)
	VPBROADCASTB(reg.EAX, z[28])
	for c := range 4 {
		VBROADCASTI32X4(at(thresholds, 16*c), z[16+c])
	}
	everywhere(0x01010101, z[24])
	interleaveConstants()
	Label("block")
	for l := range 4 {
		for c := range 4 {
			node := z[c]
			if l == 0 {
				node = z[24]
			}
			MOVQ(at(offsets, 8*(4*c+l)), reg.RAX)
			VPXORD(sum(reg.RAX, values, 1, 0), z[28], z[8+c])
			VPSHUFB(node, z[16+c], z[4+c])
			VPCMPGTB(z[4+c], z[8+c], k[1+c])
			VPADDB(node, node, z[c])
			VPADDB(z[24], z[c], k[1+c], z[c])
		}
	}
	interleave512(codes)
	ADDQ(Imm(64), values)
	ADDQ(step, codes)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// encodeWords512 generates the encoding of integers of 16 bits, 32 rows in a vector.
func encodeWords512() {
	function("encodeWords512", "blocks int, x *int16, offsets *[16]int, thresholds *[64]int16, codes *byte, step int",
		"is encode512 for integers of 16 bits.")
	blocks, values, offsets, thresholds, codes, step := integers512()
	for c := range 4 {
		VMOVDQU(at(thresholds, 32*c), y[8+c]) // entries 16 and up are never looked up
	}
	everywhere(0x00010001, z[24])
	interleaveConstants()
	node := func(c, half int) reg.VecPhysical { return z[16+2*c+half] }
	Label("block")
	for l := range 4 {
		for c := range 4 {
			MOVQ(at(offsets, 8*(4*c+l)), reg.RAX)
			for half := range 2 {
				n := node(c, half)
				from := n
				if l == 0 {
					from = z[24]
				}
				VMOVDQU16(sum(reg.RAX, values, 1, 64*half), z[14+half])
				VPERMW(z[8+c], from, z[12+half])
				VPCMPGTW(z[12+half], z[14+half], k[1+half])
				VPADDW(from, from, n)
				VPADDW(z[24], n, k[1+half], n)
			}
		}
	}
	for c := range 4 {
		VPMOVWB(node(c, 0), y[12])
		VPMOVWB(node(c, 1), y[13])
		VINSERTI64X4(Imm(1), y[13], z[12], z[c])
	}
	interleave512(codes)
	ADDQ(U32(128), values)
	ADDQ(step, codes)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}
