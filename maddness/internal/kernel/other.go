//go:build !amd64 || purego || noasm

package kernel

const noVectors = "no vector kernels in this build"

func (e *Encoder) vectorCols(path, []byte, []float32, int, int) { panic(noVectors) }
func (e *Encoder) vectorRows(path, []byte, []float32, int, int) { panic(noVectors) }

func vectorInts[T int8 | uint8 | int16](path, *Encoder, []byte, []T, int, int, int) {
	panic(noVectors)
}

func (t *Tables) vectorCols([]float32, int, []byte, int, []float32, []float32, bool) {
	panic(noVectors)
}
func (t *Tables) vectorRows([]float32, int, []byte, int, []float32, []float32, bool) {
	panic(noVectors)
}
func (t *Tables) vectorMax([]int32, []byte, int, []float32, []float32) { panic(noVectors) }

func (t *Tables) vectorBytes([]int8, int, []byte, int, []float32, []float32, float32, bool) {
	panic(noVectors)
}
