// Command x86 generates the kernels for amd64: AVX-512 with VBMI and VNNI, and AVX2.
package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	for _, outputs := range []int{4, 2, 1} {
		scan512(outputs)
	}
	for _, outputs := range []int{16, 12, 8, 4} {
		rows512(outputs)
	}
	argMax512()
	encode512()
	encodeRows512()
	encodeBytes512()
	encodeWords512()
	for _, group := range []int{4, 2, 1} {
		for _, outputs := range []int{4, 2, 1} {
			scan2(outputs, group)
		}
	}
	finish2()
	bytes2()
	encode2()
	Generate()
}

func function(name, params, doc string) {
	TEXT(name, NOSPLIT, "func("+params+")")
	Pragma("noescape")
	var lines []string
	line := name
	for _, word := range strings.Fields(doc) {
		if len(line)+len(word) > 115 {
			lines, line = append(lines, line), word
			continue
		}
		line += " " + word
	}
	Doc(append(lines, line)...)
}

// The ways of writing results; the Go side has the same constants.
const (
	floats    = 0
	rectified = 1
	streamed  = 2
	integers  = 4
	raw       = 6
)

var z = []reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}

var y = []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}

var x = []reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15}

var k = []reg.OpmaskPhysical{reg.K0, reg.K1, reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}

// everywhere sets all 32-bit lanes of a 512-bit register.
func everywhere(bits uint32, v reg.VecPhysical) {
	MOVL(U32(bits), reg.EAX)
	VPBROADCASTD(reg.EAX, v)
}

// at addresses a fixed distance from a register, or from the sum of two of which the second may be scaled.
func at(base reg.Register, disp int) Mem { return Mem{Base: base, Disp: disp} }

func sum(base, index reg.Register, scale uint8, disp int) Mem {
	return Mem{Base: base, Index: index, Scale: scale, Disp: disp}
}
