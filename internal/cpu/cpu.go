// Package cpu tells which instruction sets the assembly kernels may use.
package cpu

// Features of the processor and the operating system together. All are false under the purego
// and noasm build tags.
var (
	AVX2   bool // AVX2 and FMA3
	AVX512 bool // AVX-512 F, BW, DQ and VL
	VNNI   bool // AVX-512 VBMI and VNNI on top of AVX512
	NEON   bool // arm64 Advanced SIMD
)
