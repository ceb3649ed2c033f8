// Command _gen generates the clearing of pruned elements for amd64 with AVX2.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	clear32()
	clear64()
	Generate()
}

// block is the code around one word of a mask and its 64 elements of so many bytes: a word of ones needs no work, and the
// bits of others go to body.
func block(name, elem string, size int, body func(words, x Mem)) {
	TEXT(name, NOSPLIT, "func(n int, words *uint64, x *"+elem+")")
	Pragma("noescape")
	Doc(name + " clears the elements of x, 64 per word of n, whose bit is 0.")
	n := Load(Param("n"), GP64())
	words := Mem{Base: Load(Param("words"), GP64())}
	x := Mem{Base: Load(Param("x"), GP64())}
	w := GP64()
	Label("loop")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	MOVQ(words, w)
	CMPQ(w, I8(-1))
	JE(LabelRef("next"))
	body(words, x)
	Label("next")
	ADDQ(U8(8), words.Base)
	ADDQ(U32(64*size), x.Base)
	DECQ(n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// A masked load reads zeros where the sign of the mask's lane is clear, so shifting the bits of a word through the signs
// clears without comparing. Shifting left takes the elements from the last to the first.

func clear32() {
	shift := GLOBL("lanes32", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(uint32(7-i)))
	}
	lanes, bits, v := YMM(), YMM(), YMM()
	block("clear32", "uint32", 4, func(words, x Mem) {
		VMOVDQU(shift, lanes)
		for half := 1; half >= 0; half-- {
			VPBROADCASTD(words.Offset(4*half), bits)
			VPSLLVD(lanes, bits, bits)
			for k := 3; k >= 0; k-- {
				at := x.Offset(4 * (32*half + 8*k))
				VMASKMOVPS(at, bits, v)
				VMOVUPS(v, at)
				if k > 0 {
					VPSLLD(U8(8), bits, bits)
				}
			}
		}
	})
}

func clear64() {
	shift := GLOBL("lanes64", RODATA|NOPTR)
	for i := range 4 {
		DATA(8*i, U64(uint64(3-i)))
	}
	lanes, bits, v := YMM(), YMM(), YMM()
	block("clear64", "uint64", 8, func(words, x Mem) {
		VMOVDQU(shift, lanes)
		VPBROADCASTQ(words, bits)
		VPSLLVQ(lanes, bits, bits)
		for k := 15; k >= 0; k-- {
			at := x.Offset(8 * 4 * k)
			VMASKMOVPD(at, bits, v)
			VMOVUPD(v, at)
			if k > 0 {
				VPSLLQ(U8(4), bits, bits)
			}
		}
	})
}
