//go:build amd64 && !purego && !noasm

package kernel

import "github.com/espalier-ml/espalier/internal/cpu"

//go:generate sh -c "cd _gen && go run . -out ../panel_amd64.s -stubs ../panel_stubs_amd64.go -pkg kernel"

func panel32(bytes, n int, heads, offsets *uint16, values, x, y *float32, first bool) {
	wide := cpu.AVX512
	switch {
	case bytes == 256 && wide:
		panel32_avx512_256(n, heads, offsets, values, x, y, first)
	case bytes == 256:
		panel32_avx2_256(n, heads, offsets, values, x, y, first)
	case bytes == 128 && wide:
		panel32_avx512_128(n, heads, offsets, values, x, y, first)
	case bytes == 128:
		panel32_avx2_128(n, heads, offsets, values, x, y, first)
	case bytes == 64 && wide:
		panel32_avx512_64(n, heads, offsets, values, x, y, first)
	case bytes == 64:
		panel32_avx2_64(n, heads, offsets, values, x, y, first)
	default:
		panel32_avx2_32(n, heads, offsets, values, x, y, first)
	}
}

func panel64(bytes, n int, heads, offsets *uint16, values, x, y *float64, first bool) {
	wide := cpu.AVX512
	switch {
	case bytes == 256 && wide:
		panel64_avx512_256(n, heads, offsets, values, x, y, first)
	case bytes == 256:
		panel64_avx2_256(n, heads, offsets, values, x, y, first)
	case bytes == 128 && wide:
		panel64_avx512_128(n, heads, offsets, values, x, y, first)
	case bytes == 128:
		panel64_avx2_128(n, heads, offsets, values, x, y, first)
	case bytes == 64 && wide:
		panel64_avx512_64(n, heads, offsets, values, x, y, first)
	case bytes == 64:
		panel64_avx2_64(n, heads, offsets, values, x, y, first)
	default:
		panel64_avx2_32(n, heads, offsets, values, x, y, first)
	}
}
