package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Bytes of a block of codes and of the tables of four outputs, for a group of four codebooks.
const groupBytes = 256

// scan512 generates sums for 64 rows and some outputs. Four adjacent bytes of codes are the four codebooks of a row,
// whose tables are the quarters of a vector, so that a permutation of bytes looks all of them up and a product with
// ones adds them to the row's 32 bits. The processor renames registers, so that two are enough for entries on their
// way, and scales and offsets stay in others. Integers of 8 bits are 1 over the unit times the value, rounded half to
// even.
func scan512(outputs int) {
	function(fmt.Sprintf("scan512x%d", outputs), "blocks, groups int, codes *byte, tables *int8, dst *byte, stride int, scale, offset *float32, inverse float32, mode int",
		fmt.Sprintf("writes the results of %d outputs for blocks of 64 rows, feature-major; stride in bytes.", outputs))
	codes, tables, dst, stride := reg.RSI, reg.RDI, reg.RDX, reg.R9
	blocks, groups, mode, stride3 := reg.RCX, reg.R8, reg.R12, reg.R13
	left, tableAt := reg.RAX, reg.RBX
	Load(Param("blocks"), blocks)
	Load(Param("groups"), groups)
	Load(Param("codes"), codes)
	Load(Param("tables"), tables)
	Load(Param("dst"), dst)
	Load(Param("stride"), stride)
	Load(Param("scale"), reg.R10)
	Load(Param("offset"), reg.R11)
	Load(Param("mode"), mode)
	LEAQ(sum(stride, stride, 2, 0), stride3)
	acc := func(t, r int) reg.VecPhysical { return z[4*t+r] }
	code, table, looked, ones := z[16:20], z[20], z[21:23], z[23]
	scale := func(t int) reg.VecPhysical { return z[24+t] }
	offset := func(t int) reg.VecPhysical { return z[28+t] }
	everywhere(0x01010101, ones)
	CMPQ(mode, Imm(raw))
	JE(LabelRef("block"))
	for t := range outputs {
		VBROADCASTSS(at(reg.R10, 4*t), scale(t))
		VBROADCASTSS(at(reg.R11, 4*t), offset(t))
	}
	readCodes := func() {
		for r := range 4 {
			VMOVDQU8(at(codes, 64*r), code[r])
		}
	}
	look := func(t int, beside func(r int)) {
		VMOVDQU8(at(tableAt, 64*t), table)
		for r := 0; r < 4; r += 2 {
			VPERMB(table, code[r], looked[0])
			VPERMB(table, code[r+1], looked[1])
			VPDPBUSD(looked[0], ones, acc(t, r))
			VPDPBUSD(looked[1], ones, acc(t, r+1))
			if beside != nil {
				beside(r)
				beside(r + 1)
			}
		}
	}

	Label("block")
	for i := range 4 * outputs {
		VPXORD(z[i], z[i], z[i])
	}
	MOVQ(tables, tableAt)
	MOVQ(groups, left)
	DECQ(left)
	JE(LabelRef("last"))
	Label("group")
	readCodes()
	for t := range outputs {
		look(t, nil)
	}
	ADDQ(U32(groupBytes), codes)
	ADDQ(U32(groupBytes), tableAt)
	DECQ(left)
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
	next := func(bytes uint32) {
		ADDQ(U32(groupBytes), codes)
		ADDQ(U32(bytes), dst)
		DECQ(blocks)
		JNE(LabelRef("block"))
		JMP(LabelRef("done"))
	}
	// beside finishes the results of an output while the next one's entries are looked up, which keeps other units
	// busy.
	beside := func(finish func(t, r int)) {
		readCodes()
		look(0, nil)
		for t := 1; t < outputs; t++ {
			look(t, func(r int) { finish(t-1, r) })
		}
		for r := range 4 {
			finish(outputs-1, r)
		}
		next(256)
	}
	value := func(t, r int, rectify bool) {
		v := acc(t, r)
		VCVTDQ2PS(v, v)
		VFMADD213PS(offset(t), scale(t), v)
		if rectify {
			VPXORD(looked[0], looked[0], looked[0])
			VMAXPS(v, looked[0], v)
		}
	}
	way := func(which int, name string, body func()) {
		CMPQ(mode, Imm(uint64(which)))
		JNE(LabelRef("not_" + name))
		body()
		Label("not_" + name)
	}
	Label("last")
	for _, rectify := range []bool{false, true} {
		suffix, extra := "", 0
		if rectify {
			suffix, extra = "_rectified", 1
		}
		way(floats+extra, "floats"+suffix, func() {
			beside(func(t, r int) {
				value(t, r, rectify)
				VMOVUPS(acc(t, r), column(t, 64*r))
			})
		})
		way(streamed+extra, "streamed"+suffix, func() {
			beside(func(t, r int) {
				value(t, r, rectify)
				VMOVNTPS(acc(t, r), column(t, 64*r))
			})
		})
		way(integers+extra, "integers"+suffix, func() {
			readCodes()
			for t := range outputs {
				look(t, nil)
			}
			small := newSmall(16) // codes are not needed any more
			for i := range 4 * outputs {
				value(i/4, i%4, rectify)
				small.round(z[i])
				VPMOVSDB(z[i], column(i/4, 16*(i%4)))
			}
			next(64)
		})
	}
	beside(func(t, r int) { VMOVDQU32(acc(t, r), column(t, 64*r)) }) // raw
	Label("done")
	SFENCE()
	VZEROUPPER()
	RET()
}

// small rounds to integers of 8 bits with constants in three registers from the given one on.
type small struct{ inverse, low, high reg.VecPhysical }

func newSmall(first int) small {
	s := small{z[first], z[first+1], z[first+2]}
	m, err := Param("inverse").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(m.Addr, s.inverse)
	everywhere(0xc3000000, s.low)  // -128
	everywhere(0x42fe0000, s.high) // 127
	return s
}

// round turns values into integers within range; NaN is the least, as the second operand of a maximum is its result
// then.
func (s small) round(v reg.VecPhysical) {
	VMULPS(s.inverse, v, v)
	VMAXPS(s.low, v, v)
	VMINPS(s.high, v, v)
	VCVTPS2DQ(v, v)
}

// rows512 generates results for 16 rows at a time and some outputs, row-major: a vector is the sums of an output for
// the rows, and a transposition in registers makes vectors of outputs for a row of them.
func rows512(outputs int) {
	function(fmt.Sprintf("rows512x%d", outputs), "rows, groups int, codes *byte, tables *int8, tableStride int, dst *byte, stride int, scale, offset *float32, mask uint16, inverse float32, mode int",
		fmt.Sprintf("writes the results of up to %d outputs for rows, row-major; stride in bytes, mask has the outputs to write, tableStride is between tables of four outputs.", outputs))
	codes, tables, dst, stride := reg.RSI, reg.RDI, reg.RDX, reg.R9
	rows, groups, mode, strip, table3, block := reg.RCX, reg.R8, reg.R12, reg.R13, reg.R14, reg.R15
	Load(Param("rows"), rows)
	Load(Param("groups"), groups)
	Load(Param("codes"), codes)
	Load(Param("tables"), tables)
	Load(Param("tableStride"), reg.R11)
	Load(Param("dst"), dst)
	Load(Param("stride"), stride)
	Load(Param("mode"), mode)
	Load(Param("mask"), reg.EAX)
	KMOVW(reg.EAX, k[1])
	LEAQ(sum(reg.R11, reg.R11, 2, 0), table3)
	Load(Param("scale"), reg.RAX)
	Load(Param("offset"), reg.RBX)
	scale, offset, zero, ones, code := z[28], z[29], z[31], z[30], z[16]
	VMOVUPS_Z(at(reg.RAX, 0), k[1], scale)
	VMOVUPS_Z(at(reg.RBX, 0), k[1], offset)
	VPXORD(zero, zero, zero)
	everywhere(0x01010101, ones)
	small := newSmall(25)
	XORQ(strip, strip)
	MOVQ(codes, block)

	Label("strip")
	for i := range 16 {
		VPXORD(z[i], z[i], z[i])
	}
	MOVQ(tables, reg.RBX)
	MOVQ(block, codes)
	MOVQ(groups, reg.RAX)
	Label("group")
	VMOVDQU8(at(codes, 0), code)
	for t := 0; t < outputs; t += 4 {
		for i := range 4 {
			m := at(reg.RBX, 64*i)
			switch t / 4 {
			case 1, 2:
				m = sum(reg.RBX, reg.R11, uint8(t/4), 64*i)
			case 3:
				m = sum(reg.RBX, table3, 1, 64*i)
			}
			VPERMB(m, code, z[17+i])
		}
		for i := range 4 {
			VPDPBUSD(z[17+i], ones, z[t+i])
		}
	}
	ADDQ(U32(groupBytes), codes)
	ADDQ(U32(groupBytes), reg.RBX)
	DECQ(reg.RAX)
	JNE(LabelRef("group"))
	ADDQ(Imm(64), block)
	INCQ(strip)
	CMPQ(strip, Imm(4))
	JNE(LabelRef("transpose"))
	XORQ(strip, strip)
	LEAQ(at(codes, -192), block) // the last strip of a block ends where the next block starts
	Label("transpose")
	transposed := transpose(outputs)
	way := func(which int, name string, last bool, body func(v reg.VecPhysical)) {
		if !last {
			CMPQ(mode, Imm(uint64(which)))
			JNE(LabelRef("not_" + name))
		}
		for _, v := range transposed {
			VCVTDQ2PS(v, v)
			VFMADD213PS(offset, scale, v)
			body(v)
			ADDQ(stride, dst)
			DECQ(rows)
			JE(LabelRef("done"))
		}
		JMP(LabelRef("strip"))
		Label("not_" + name)
	}
	way(floats, "floats", false, func(v reg.VecPhysical) { VMOVUPS(v, k[1], at(dst, 0)) })
	way(rectified, "rectified", false, func(v reg.VecPhysical) {
		VMAXPS(v, zero, v)
		VMOVUPS(v, k[1], at(dst, 0))
	})
	way(integers, "integers", false, func(v reg.VecPhysical) {
		small.round(v)
		VPMOVSDB(v, k[1], at(dst, 0))
	})
	way(integers|rectified, "integers_rectified", true, func(v reg.VecPhysical) {
		VMAXPS(v, zero, v)
		small.round(v)
		VPMOVSDB(v, k[1], at(dst, 0))
	})
	Label("done")
	VZEROUPPER()
	RET()
}

// transpose turns 16 vectors of 16 in z0 to z15, of which those from outputs on are not needed, and returns the
// registers of the result in order. It overwrites z16 to z24 too.
func transpose(outputs int) []reg.VecPhysical {
	// Pairs of outputs, then fours: afterwards z[4q+j] holds in each quarter L the outputs 4q..4q+3 of row 4L+j.
	for q := 0; q < outputs; q += 4 {
		a, b, c, d := z[q], z[q+1], z[q+2], z[q+3]
		VUNPCKLPS(b, a, z[16])
		VUNPCKHPS(b, a, z[17])
		VUNPCKLPS(d, c, z[18])
		VUNPCKHPS(d, c, z[19])
		VUNPCKLPD(z[18], z[16], a)
		VUNPCKHPD(z[18], z[16], b)
		VUNPCKLPD(z[19], z[17], c)
		VUNPCKHPD(z[19], z[17], d)
	}
	rows := make([]reg.VecPhysical, 16)
	for j := range 4 {
		a, b, c, d := z[j], z[4+j], z[8+j], z[12+j]
		VSHUFF32X4(Imm(0x44), b, a, z[16]) // a0 a1 b0 b1
		VSHUFF32X4(Imm(0xee), b, a, z[17]) // a2 a3 b2 b3
		VSHUFF32X4(Imm(0x44), d, c, z[18])
		VSHUFF32X4(Imm(0xee), d, c, z[19])
		VSHUFF32X4(Imm(0x88), z[18], z[16], a) // a0 b0 c0 d0
		VSHUFF32X4(Imm(0xdd), z[18], z[16], b)
		VSHUFF32X4(Imm(0x88), z[19], z[17], c)
		VSHUFF32X4(Imm(0xdd), z[19], z[17], d)
		rows[j], rows[4+j], rows[8+j], rows[12+j] = a, b, c, d
	}
	return rows
}

// argMax512 generates the index of the largest result: two outputs at a time while the best so far stay in registers,
// and their indices, as words, too.
func argMax512() {
	function("argMax512", "blocks, groups, outputs int, codes *byte, tables *int8, dst *int32, scale, offset *float32",
		"writes the index of the first largest of the outputs, at most 65536, for blocks of 64 rows. Tables are readable for an even number of outputs.")
	codes, tables, dst := reg.RSI, reg.RDI, reg.RDX
	blocks, groups, scale, offset, outputs := reg.RCX, reg.R8, reg.R10, reg.R11, reg.R9
	Load(Param("blocks"), blocks)
	Load(Param("groups"), groups)
	Load(Param("codes"), codes)
	Load(Param("tables"), tables)
	Load(Param("dst"), dst)
	Load(Param("scale"), scale)
	Load(Param("offset"), offset)
	Load(Param("outputs"), outputs)
	ones, index, table := z[31], z[30], z[12]
	everywhere(0x01010101, ones)
	best := func(r int) reg.VecPhysical { return z[20+r] }
	which := z[24:26]
	acc := func(t, r int) reg.VecPhysical { return z[4*t+r] }
	m, tableAt, codeAt := reg.R12, reg.R13, reg.R15

	Label("block")
	XORQ(m, m)
	MOVQ(tables, tableAt)
	Label("pair")
	for i := range 8 {
		VPXORD(z[i], z[i], z[i])
	}
	MOVQ(tableAt, reg.RBX)
	MOVQ(codes, codeAt)
	MOVQ(groups, reg.RAX)
	Label("group")
	for r := range 4 {
		VMOVDQU8(at(codeAt, 64*r), z[16+r])
	}
	for t := range 2 {
		VMOVDQU8(at(reg.RBX, 64*t), table)
		for r := range 4 {
			VPERMB(table, z[16+r], z[8+r])
		}
		for r := range 4 {
			VPDPBUSD(z[8+r], ones, acc(t, r))
		}
	}
	ADDQ(U32(groupBytes), codeAt)
	ADDQ(U32(groupBytes), reg.RBX)
	DECQ(reg.RAX)
	JNE(LabelRef("group"))
	// The tables of four outputs lie together: every other pair starts 128 bytes later, the next four after the groups.
	value := func(t int) {
		VBROADCASTSS(sum(scale, m, 4, 0), z[13])
		VBROADCASTSS(sum(offset, m, 4, 0), z[14])
		for r := range 4 {
			VCVTDQ2PS(acc(t, r), acc(t, r))
			VFMADD213PS(z[14], z[13], acc(t, r))
		}
	}
	better := func(t int) {
		VPBROADCASTW(reg.R12L, index)
		for r := range 4 {
			VCMPPS(Imm(0x1e), best(r), acc(t, r), k[1+r]) // greater, ordered
			VMAXPS(best(r), acc(t, r), best(r))           // the best so far if equal or one is NaN
		}
		for i, w := range which {
			KUNPCKWD(k[1+2*i], k[2+2*i], k[1+2*i])
			VMOVDQU16(index, k[1+2*i], w)
		}
	}
	value(0)
	TESTQ(m, m)
	JNE(LabelRef("later"))
	for r := range 4 {
		VMOVAPS(acc(0, r), best(r))
	}
	for _, w := range which {
		VPXORD(w, w, w)
	}
	JMP(LabelRef("second"))
	Label("later")
	better(0)
	Label("second")
	INCQ(m)
	CMPQ(m, outputs)
	JE(LabelRef("store"))
	value(1)
	better(1)
	INCQ(m)
	CMPQ(m, outputs)
	JE(LabelRef("store"))
	ADDQ(U32(128), tableAt)
	TESTQ(U32(2), m)
	JNE(LabelRef("pair"))
	LEAQ(at(reg.RBX, -128), tableAt)
	JMP(LabelRef("pair"))
	Label("store")
	VPMOVZXWD(reg.Y24, z[0])
	VPMOVZXWD(reg.Y25, z[2])
	VEXTRACTI64X4(Imm(1), reg.Z24, y[1])
	VEXTRACTI64X4(Imm(1), reg.Z25, y[3])
	VPMOVZXWD(y[1], z[1])
	VPMOVZXWD(y[3], z[3])
	for r := range 4 {
		VMOVDQU32(z[r], at(dst, 64*r))
	}
	ADDQ(U32(256), dst)
	MOVQ(codeAt, codes)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}
