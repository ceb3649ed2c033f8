//go:build purego || noasm || (!amd64 && !arm64)

package kernel

import "unsafe"

const noAssembly = "kernel: no assembly in this build"

// available is the paths of this build.
func available() []path { return []path{plain} }

func (e *Encoder) together(kind) int { return 0 }

func (e *Encoder) blocks(k kind, c, blocks int, x unsafe.Pointer, offsets *[16]int, codes *byte) {
	panic(noAssembly)
}

func (e *Encoder) strips(codes []byte, x []float32, stride, rows int) int { panic(noAssembly) }

func (t *Tables) run(m, n, blocks int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32,
	inverse float32, how mode) {
	panic(noAssembly)
}

func (t *Tables) lines(m, n, rows int, codes []byte, dst unsafe.Pointer, stride int, scale, offset []float32,
	inverse float32, how mode) {
	panic(noAssembly)
}

func (t *Tables) argMax(dst *int32, blocks int, codes []byte, scale, offset []float32) {
	panic(noAssembly)
}

func (s *sink) takeVectors(m, outputs, first, n int, values *[some * Block]float32) bool {
	return false
}
