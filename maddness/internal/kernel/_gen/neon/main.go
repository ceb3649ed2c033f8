// Command neon generates the kernels for arm64 with Advanced SIMD.
//
// Go's assembler knows neither the arithmetic on vectors of floats nor some conversions; those instructions are emitted
// as words, with what they stand for beside them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
)

// The ways of writing results; the Go side has the same constants.
const (
	rectified = 1
	raw       = 6
)

var out bytes.Buffer

// op writes one line of assembly.
func op(format string, args ...any) { fmt.Fprintf(&out, "\t"+format+"\n", args...) }

func label(name string) { fmt.Fprintf(&out, "%s:\n", name) }

func function(name, signature string, frame int) {
	fmt.Fprintf(&out, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, signature, name, frame)
}

// word writes an instruction with registers d, n and m that Go's assembler lacks.
func word(code uint32, d, n, m int, text string) {
	op("WORD $0x%08x // %s", code|uint32(m)<<16|uint32(n)<<5|uint32(d), text)
}

func three(name string, code uint32, d, n, m int) {
	word(code, d, n, m, fmt.Sprintf("%s V%d.4S, V%d.4S, V%d.4S", name, d, n, m))
}

// constant sets all 32-bit lanes of a register.
func constant(bits uint32, reg int) {
	op("MOVW $0x%08x, R27", bits)
	op("VDUP R27, V%d.S4", reg)
}

// scan generates sums for 32 rows and some outputs: a lookup of 16 bytes is one instruction, and entries are widened
// while they are added.
func scan(outputs int) {
	name := fmt.Sprintf("scanNEON%d", outputs)
	function(name, "(blocks, codebooks int, codes *byte, tables *uint8, starts *int16, dst *byte, stride int, scale, offset *float32, mode int)", 80)
	const blocks, codebooks, codes, tables, starts, dst, stride, scale, offset, mode = "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"
	for i, r := range []string{blocks, codebooks, codes, tables, starts, dst, stride, scale, offset, mode} {
		op("MOVD %s+%d(FP), %s", []string{"blocks", "codebooks", "codes", "tables", "starts", "dst", "stride", "scale", "offset", "mode"}[i], 8*i, r)
	}
	const count, code, table, half, column, at = "R10", "R11", "R12", "R13", "R14", "R15"
	acc := func(t, i int) int { return 16 + 4*t + i }
	op("MOVD $0, %s", half)
	label("half")
	op("MOVD %s, %s", starts, at)
	for t := range outputs {
		op("ADD $2, %s", at) // the second form
		op("VLD1R.P 2(%s), [V%d.H8]", at, acc(t, 0))
		for i := 1; i < 4; i++ {
			op("VORR V%d.B16, V%[1]d.B16, V%d.B16", acc(t, 0), acc(t, i))
		}
	}
	op("MOVD %s, %s", codebooks, count)
	op("ADD %s, %s, %s", half, codes, code)
	op("MOVD %s, %s", tables, table)
	label("codebook")
	op("VLD1 (%s), [V0.B16, V1.B16]", code)
	op("ADD $64, %s", code)
	list := ""
	for t := range outputs {
		if t > 0 {
			list += ", "
		}
		list += fmt.Sprintf("V%d.B16", 2+t)
	}
	op("VLD1 (%s), [%s]", table, list)
	op("ADD $64, %s", table)
	for t := range outputs {
		op("VTBL V0.B16, [V%d.B16], V6.B16", 2+t)
		op("VTBL V1.B16, [V%d.B16], V7.B16", 2+t)
		for i := range 2 {
			op("VUADDW V%d.B8, V%d.H8, V%[2]d.H8", 6+i, acc(t, 2*i))
			op("VUADDW2 V%d.B16, V%d.H8, V%[2]d.H8", 6+i, acc(t, 2*i+1))
		}
	}
	op("SUBS $1, %s", count)
	op("BNE codebook")

	op("MOVD %s, %s", dst, column)
	op("CMP $%d, %s", raw, mode)
	op("BEQ raw")
	for t := range outputs {
		op("ADD $%d, %s, %s", 4*t, scale, at)
		op("VLD1R (%s), [V0.S4]", at)
		op("ADD $%d, %s, %s", 4*t, offset, at)
		op("VLD1R (%s), [V1.S4]", at)
		op("MOVD %s, %s", column, at)
		for i := range 4 {
			widen(acc(t, i))
			for v := 2; v < 4; v++ {
				word(0x4e21d800, v, v, 0, fmt.Sprintf("SCVTF V%d.4S, V%[1]d.4S", v))
				op("VORR V1.B16, V1.B16, V%d.B16", v+2)
				three("FMLA", 0x4e20cc00, v+2, v, 0)
			}
			plain := fmt.Sprintf("plain%d_%d", t, i)
			op("TBZ $0, %s, %s", mode, plain)
			for v := 4; v < 6; v++ { // a maximum with zero would turn -0 into 0
				word(0x4ea0e800, 2, v, 0, fmt.Sprintf("FCMLT V2.4S, V%d.4S, #0.0", v))
				word(0x4e601c00, v, v, 2, fmt.Sprintf("BIC V%d.16B, V%[1]d.16B, V2.16B", v))
			}
			label(plain)
			op("VST1.P [V4.S4, V5.S4], 32(%s)", at)
		}
		op("ADD %s, %s", stride, column)
	}
	op("B next")
	label("raw")
	for t := range outputs {
		op("MOVD %s, %s", column, at)
		for i := range 4 {
			widen(acc(t, i))
			op("VST1.P [V2.S4, V3.S4], 32(%s)", at)
		}
		op("ADD %s, %s", stride, column)
	}
	label("next")
	op("ADD $128, %s", dst)
	op("EOR $32, %s", half)
	op("CBNZ %s, half", half)
	op("ADD %s<<6, %s", codebooks, codes)
	op("SUBS $1, %s", blocks)
	op("BNE half")
	op("RET")
}

// widen extends eight sums to 32 bits in V2 and V3.
func widen(from int) {
	word(0x0f10a400, 2, from, 0, fmt.Sprintf("SXTL V2.4S, V%d.4H", from))
	word(0x4f10a400, 3, from, 0, fmt.Sprintf("SXTL2 V3.4S, V%d.8H", from))
}

// encode generates encoding for 16 rows at a time. A row's node is kept as the places of the four bytes of its
// threshold; those of the children are twice as far, less the place within the threshold, plus 4 on the right.
func encode() {
	function("encodeNEON", "(blocks int, x *float32, offsets *[4]int, thresholds *float32, codes *byte, step int)", 48)
	const blocks, x, offsets, thresholds, codes, step = "R0", "R1", "R2", "R3", "R4", "R5"
	for i, r := range []string{blocks, x, offsets, thresholds, codes, step} {
		op("MOVD %s+%d(FP), %s", []string{"blocks", "x", "offsets", "thresholds", "codes", "step"}[i], 8*i, r)
	}
	const heap, root = 0, 4
	op("VLD1 (%s), [V0.B16, V1.B16, V2.B16, V3.B16]", thresholds)
	op("ADD $4, %s, R27", thresholds)
	op("VLD1R (R27), [V%d.S4]", root)
	const left, right = 5, 8 // of the root, in between, and above the last level, whose thresholds have registers of their own
	for i, bits := range []uint32{0x0b0a0908, 0xfdfeff00, 0xdddedfe0, 0x0f0e0d0c, 0x01020304, 0xe1e2e3e4} {
		constant(bits, left+i)
	}
	column := []string{"R6", "R7", "R8", "R9"}
	for l, r := range column {
		op("MOVD %d(%s), %s", 8*l, offsets, r)
	}
	const strip, out = "R10", "R11"
	node := func(i int) int { return 20 + i }
	mask := func(i int) int { return 24 + i }
	label("block")
	op("MOVD $4, %s", strip)
	op("MOVD %s, %s", codes, out)
	label("strip")
	for l, r := range column {
		op("ADD %s, %s, R12", x, r)
		op("VLD1 (R12), [V16.S4, V17.S4, V18.S4, V19.S4]")
		for i := range 4 {
			threshold := root
			if l > 0 {
				threshold = mask(i)
				first := heap
				if l == 3 {
					first = heap + 2
				}
				op("VTBL V%d.B16, [V%d.B16, V%d.B16], V%d.B16", node(i), first, first+1, threshold)
			}
			three("FCMGT", 0x6ea0e400, mask(i), 16+i, threshold)
			step := []int{0, 1, 2, 1}[l]
			op("VBSL V%d.B16, V%d.B16, V%d.B16", left+step, right+step, mask(i))
			if l == 0 {
				op("VORR V%d.B16, V%[1]d.B16, V%d.B16", mask(i), node(i))
				continue
			}
			op("VADD V%d.B16, V%[1]d.B16, V%[1]d.B16", node(i))
			op("VADD V%d.B16, V%d.B16, V%[2]d.B16", mask(i), node(i))
		}
	}
	op("VUZP1 V%d.B16, V%d.B16, V16.B16", node(1), node(0))
	op("VUZP1 V%d.B16, V%d.B16, V17.B16", node(3), node(2))
	op("VUZP1 V17.B16, V16.B16, V16.B16")
	op("VUSHR $2, V16.B16, V16.B16")
	op("VST1.P [V16.B16], 16(%s)", out)
	op("ADD $64, %s", x)
	op("SUBS $1, %s", strip)
	op("BNE strip")
	op("ADD %s, %s", step, codes)
	op("SUBS $1, %s", blocks)
	op("BNE block")
	op("RET")
}

func main() {
	log.SetFlags(0)
	file := flag.String("out", "", "file to write")
	flag.Parse()
	out.WriteString("// Code generated by command: go run ./neon. DO NOT EDIT.\n\n//go:build arm64 && !purego && !noasm\n\n#include \"textflag.h\"\n")
	for _, outputs := range []int{4, 2, 1} {
		scan(outputs)
	}
	encode()
	if err := os.WriteFile(*file, out.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
}
