// Command neon generates the matrix-product kernels for arm64 with Advanced SIMD.
//
// Go's assembler knows neither the arithmetic on vectors of floats nor FMLA by element; those
// instructions are emitted as words, with what they stand for beside them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
)

// Bits of the flags argument of the tile kernels; the Go side has the same constants.
const (
	accumulateBit = iota
	rectifyBit
	scaleBit
	resumeBit
)

// prec is one element type.
type prec struct {
	suffix string // of function names
	size   int    // bytes of an element
	shift  int    // its logarithm
	lanes  int    // elements of a vector
	arr    string // the arrangement of a vector in Go's syntax
	arm    string // and in the manual's
	lane   string // how an element is named
	load   string // of one element
	double uint32 // the bit that makes an instruction double precision
}

var (
	f32 = prec{suffix: "32", size: 4, shift: 2, lanes: 4, arr: "S4", arm: "4S", lane: "S", load: "FMOVS"}
	f64 = prec{suffix: "64", size: 8, shift: 3, lanes: 2, arr: "D2", arm: "2D", lane: "D", load: "FMOVD", double: 1 << 22}
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

// vector writes the three-operand instruction d = n op m on whole vectors.
func (p prec) vector(name string, code uint32, d, n, m int) {
	word(code|p.double, d, n, m, fmt.Sprintf("%s V%d.%[5]s, V%[3]d.%[5]s, V%[4]d.%[5]s", name, d, n, m, p.arm))
}

func (p prec) add(d, n, m int)      { p.vector("FADD", 0x4e20d400, d, n, m) }
func (p prec) addPairs(d, n, m int) { p.vector("FADDP", 0x6e20d400, d, n, m) }

// byElement writes d = n op m[lane].
func (p prec) byElement(name string, code uint32, d, n, m, lane int) {
	high, low := uint32(lane>>1), uint32(lane&1)
	if p.size == 8 {
		high, low = low, 0
	}
	word(code|p.double|high<<11|low<<21, d, n, m, fmt.Sprintf("%s V%d.%[6]s, V%[3]d.%[6]s, V%[4]d.%[7]s[%[5]d]",
		name, d, n, m, lane, p.arm, p.lane))
}

func (p prec) fma(d, n, m, lane int) { p.byElement("FMLA", 0x4f801000, d, n, m, lane) }
func (p prec) mul(d, n, m, lane int) { p.byElement("FMUL", 0x4f809000, d, n, m, lane) }

// rectify zeroes what is negative in d. The maximum with zero would turn -0 into 0, which the
// pure-Go twin does not. NaN is not negative.
func (p prec) rectify(d, tmp int) {
	word(0x4ea0e800|p.double, tmp, d, 0, fmt.Sprintf("FCMLT V%d.%[3]s, V%[2]d.%[3]s, #0.0", tmp, d, p.arm))
	word(0x4e601c00, d, d, tmp, fmt.Sprintf("BIC V%d.16B, V%[1]d.16B, V%d.16B", d, tmp))
}

// list is the operand for n vectors in consecutive registers.
func (p prec) list(first, n int) string {
	var r []string
	for i := range n {
		r = append(r, fmt.Sprintf("V%d.%s", first+i, p.arr))
	}
	return "[" + strings.Join(r, ", ") + "]"
}

func zero(reg int) { op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", reg) }

// Registers of the tiles. V0 to V3 hold a row of B and whatever else is a row of the tile, V4 to V7
// elements of A, the rest the tile itself.
const (
	tiles, kc, arow, acs, b0, brs, c, ldc, flags, bias = "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"
	a, b, count, row                                   = "R10", "R11", "R12", "R13"

	firstA   = 4
	firstAcc = 8
	maxRows  = 6
)

// down[i] holds the distance from a row of A to the one i below, in bytes.
var down = [maxRows]string{"", "R14", "R15", "R19", "R20", "R21"}

// tileKernels generates all tiles of one element type as a single function, which spares the caller
// a switch over two dozen of them.
func tileKernels(p prec) {
	function("tiles"+p.suffix, fmt.Sprintf("(mr, width, tiles, kc int, a *float%[1]s, ars, acs int, b *float%[1]s, brs "+
		"int, c *float%[1]s, ldc int, alpha float%[1]s, flags int, bias *float%[1]s)", p.suffix), 112)
	for _, arg := range []struct {
		name string
		at   int
		reg  string
	}{
		{"tiles", 16, tiles}, {"kc", 24, kc}, {"a", 32, arow}, {"ars", 40, down[1]}, {"acs", 48, acs}, {"b", 56, b0},
		{"brs", 64, brs}, {"c", 72, c}, {"ldc", 80, ldc}, {"flags", 96, flags}, {"bias", 104, bias},
	} {
		op("MOVD %s+%d(FP), %s", arg.name, arg.at, arg.reg)
	}
	for _, r := range []string{down[1], acs, brs, ldc} {
		op("LSL $%d, %s, %[2]s", p.shift, r)
	}
	for i := 2; i < maxRows; i++ {
		op("ADD %s, %s, %s", down[1], down[i-1], down[i])
	}
	op("MOVD mr+0(FP), R22")
	op("MOVD width+8(FP), R23")
	for mr := maxRows; mr > 0; mr-- {
		next := fmt.Sprintf("not%d", mr)
		op("CMP $%d, R22", mr)
		op("BNE %s", next)
		op("CMP $%d, R23", 4*p.lanes)
		op("BNE t%dx%d", mr, 2*p.lanes)
		tile(p, mr, 4)
		tile(p, mr, 2)
		label(next)
	}
	op("RET")
}

// tile generates the kernel for mr rows and nv vectors of columns. A is read through its strides and
// never packed; both transposes of A are the same code. All tiles of one call share B's panel.
func tile(p prec, mr, nv int) {
	name := fmt.Sprintf("t%dx%d", mr, nv*p.lanes)
	acc := func(i, j int) int { return firstAcc + i*nv + j }
	each := func(f func(i, j int)) {
		for i := range mr {
			for j := range nv {
				f(i, j)
			}
		}
	}
	label(name)
	op("TBZ $%d, %s, %szero", resumeBit, flags, name)
	op("MOVD %s, %s", c, row)
	for i := range mr {
		op("VLD1.P (%s)(%s), %s", row, ldc, p.list(acc(i, 0), nv))
	}
	op("B %sready", name)
	label(name + "zero")
	each(func(i, j int) { zero(acc(i, j)) })
	label(name + "ready")
	op("CBZ %s, %sscale", kc, name)
	op("MOVD %s, %s", arow, a)
	op("MOVD %s, %s", b0, b)
	op("MOVD %s, %s", kc, count)
	label(name + "loop") // not unrolled: a full tile has 24 multiply-adds to hide the counting behind
	op("VLD1.P (%s)(%s), %s", b, brs, p.list(0, nv))
	for i := range mr {
		x := firstA + i%4
		if i == 0 {
			op("%s (%s), F%d", p.load, a, x)
		} else {
			op("%s (%s)(%s), F%d", p.load, a, down[i], x)
		}
		for j := range nv {
			p.fma(acc(i, j), j, x, 0)
		}
	}
	op("ADD %s, %s", acs, a)
	op("SUBS $1, %s", count)
	op("BNE %sloop", name)

	label(name + "scale")
	op("TBZ $%d, %s, %sadd", scaleBit, flags, name)
	op("%s alpha+88(FP), F%d", p.load, firstA)
	each(func(i, j int) { p.mul(acc(i, j), acc(i, j), firstA, 0) })

	label(name + "add")
	op("TBZ $%d, %s, %sbias", accumulateBit, flags, name)
	op("MOVD %s, %s", c, row)
	for i := range mr {
		op("VLD1.P (%s)(%s), %s", row, ldc, p.list(0, nv))
		for j := range nv {
			p.add(acc(i, j), acc(i, j), j)
		}
	}

	label(name + "bias")
	op("CBZ %s, %sact", bias, name)
	op("VLD1 (%s), %s", bias, p.list(0, nv))
	each(func(i, j int) { p.add(acc(i, j), acc(i, j), j) })

	label(name + "act")
	op("TBZ $%d, %s, %sstore", rectifyBit, flags, name)
	each(func(i, j int) { p.rectify(acc(i, j), j) })

	label(name + "store")
	for i := range mr {
		op("VST1.P %s, (%s)(%s)", p.list(acc(i, 0), nv), c, ldc)
	}
	op("ADD %s, %s", down[1], arow)
	if mr > 1 {
		op("ADD %s, %s", down[mr-1], arow)
	}
	op("SUBS $1, %s", tiles)
	op("BNE %s", name)
	op("RET")
}

// fourRows loads what the vector kernels share: the length to R0, rows of a to R1 to R4, the two
// other pointers to R5 and R6.
func fourRows(p prec, x, y string) {
	op("MOVD n+0(FP), R0")
	op("MOVD a+8(FP), R1")
	op("MOVD lda+16(FP), R2")
	op("LSL $%d, R2, R7", p.shift)
	for r := 2; r <= 4; r++ {
		op("ADD R7, R%d, R%d", r-1, r)
	}
	op("MOVD %s+24(FP), R5", x)
	op("MOVD %s+32(FP), R6", y)
}

// dots generates out[r] = sum_j a[r*lda+j]*x[j] for four rows; n is a positive multiple of four vectors.
func dots(p prec) {
	function("dots"+p.suffix, fmt.Sprintf("(n int, a *float%[1]s, lda int, x, out *float%[1]s)", p.suffix), 40)
	fourRows(p, "x", "out")
	acc := func(r int) int { return 16 + 4*r }
	for r := range 4 {
		for u := range 4 {
			zero(acc(r) + u)
		}
	}
	label("loop")
	op("VLD1.P 64(R5), %s", p.list(0, 4))
	for r := range 4 {
		op("VLD1.P 64(R%d), %s", 1+r, p.list(4, 4))
		for u := range 4 {
			op("VFMLA V%d.%[4]s, V%[2]d.%[4]s, V%[3]d.%[4]s", 4+u, u, acc(r)+u, p.arr)
		}
	}
	op("SUBS $%d, R0", 4*p.lanes)
	op("BNE loop")
	for r := range 4 {
		s := acc(r)
		p.add(s, s, s+1)
		p.add(s+2, s+2, s+3)
		p.add(s, s, s+2)
	}
	p.addPairs(0, acc(0), acc(1))
	p.addPairs(1, acc(2), acc(3))
	if p.size == 4 {
		p.addPairs(0, 0, 1)
		op("VST1 [V0.S4], (R6)")
	} else {
		op("VST1 [V0.D2, V1.D2], (R6)")
	}
	op("RET")
}

// axpys generates y[j] += sum_r x[r]*a[r*lda+j] for four rows; n is a positive multiple of four vectors.
func axpys(p prec) {
	function("axpys"+p.suffix, fmt.Sprintf("(n int, a *float%[1]s, lda int, x, y *float%[1]s)", p.suffix), 40)
	fourRows(p, "x", "y")
	op("VLD1 (R5), %s", p.list(8, p.size/4))
	label("loop")
	op("VLD1 (R6), %s", p.list(0, 4))
	for r := range 4 {
		op("VLD1.P 64(R%d), %s", 1+r, p.list(4, 4))
		for u := range 4 {
			p.fma(u, 4+u, 8+r/p.lanes, r%p.lanes)
		}
	}
	op("VST1.P %s, 64(R6)", p.list(0, 4))
	op("SUBS $%d, R0", 4*p.lanes)
	op("BNE loop")
	op("RET")
}

// transpose generates the packing of a transposed B: 16 rows of the source, each contiguous in k,
// become the 16 columns of a panel. kc is a positive multiple of 4.
func transpose() {
	function("pack32_t16", "(kc int, b *float32, ldb int, dst *float32)", 32)
	op("MOVD kc+0(FP), R0")
	op("MOVD b+8(FP), R1")
	op("MOVD ldb+16(FP), R2")
	op("MOVD dst+24(FP), R3")
	op("LSL $2, R2, R2")
	label("loop")
	op("MOVD R1, R4")
	for g := range 4 { // blocks of 4 by 4, each transposed in the registers it was loaded to
		reg := func(i int) int { return 4*i + g }
		for i := range 4 {
			op("VLD1.P (R4)(R2), [V%d.S4]", reg(i))
		}
		zip := func(half, m, n, d int) { op("VZIP%d V%d.S4, V%d.S4, V%d.S4", half, m, n, d) }
		zip(1, reg(2), reg(0), 16)
		zip(1, reg(3), reg(1), 17)
		zip(2, reg(2), reg(0), 18)
		zip(2, reg(3), reg(1), 19)
		zip(1, 17, 16, reg(0))
		zip(2, 17, 16, reg(1))
		zip(1, 19, 18, reg(2))
		zip(2, 19, 18, reg(3))
	}
	for q := range 4 {
		op("VST1.P %s, 64(R3)", f32.list(4*q, 4))
	}
	op("ADD $16, R1")
	op("SUBS $4, R0")
	op("BNE loop")
	op("RET")
}

func main() {
	log.SetFlags(0)
	file := flag.String("out", "", "file to write")
	flag.Parse()
	out.WriteString("// Code generated by command: go run ./neon. DO NOT EDIT.\n\n//go:build arm64 && !purego && " +
		"!noasm\n\n#include \"textflag.h\"\n")
	for _, p := range []prec{f32, f64} {
		tileKernels(p)
		dots(p)
		axpys(p)
	}
	transpose()
	if err := os.WriteFile(*file, out.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
}
