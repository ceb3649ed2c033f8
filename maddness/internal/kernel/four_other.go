//go:build (!amd64 && !arm64) || purego || noasm

package kernel

func (t *Tables) four(*[4][Block]int32, []byte, int) { panic(noVectors) }
