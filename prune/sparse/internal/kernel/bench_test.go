package kernel

import "testing"

func BenchmarkPack(b *testing.B) {
	x, tile := make([]float32, 64*1024), make([]float32, 64*1024)
	b.SetBytes(2 * 4 * 64 * 1024)
	for b.Loop() {
		Pack(64, 64, 1024, tile, x, 1024)
	}
}

func BenchmarkUnpack(b *testing.B) {
	dst, tile := make([]float32, 64*1024), make([]float32, 64*256)
	b.SetBytes(2 * 4 * 64 * 1024)
	for b.Loop() {
		for k := range 4 {
			Unpack(256, 64, 64, dst[256*k:], 1024, tile)
		}
	}
}
