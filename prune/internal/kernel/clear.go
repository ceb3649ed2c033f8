// Package kernel clears the pruned elements of a tensor.
package kernel

import (
	"math/bits"
	"unsafe"

	"github.com/espalier-ml/espalier/internal/cpu"
)

// Clear sets the elements of x whose bit is 0 to zero, on their bit patterns: NaN and infinities go too, and no
// negative zero is left. Element i has bit i%64 of word i/64; x may end within a word.
func Clear[U uint32 | uint64](words []uint64, x []U) {
	n := len(x) / 64
	if n > 0 && cpu.AVX2 {
		if unsafe.Sizeof(x[0]) == 4 {
			clear32(n, &words[0], (*uint32)(unsafe.Pointer(&x[0])))
		} else {
			clear64(n, &words[0], (*uint64)(unsafe.Pointer(&x[0])))
		}
	} else {
		clearBlocks(words, x)
	}
	for j, v := range x[64*n:] {
		x[64*n+j] = v & -U(words[n]>>j&1)
	}
}

// clearBlocks is the twin of the assembly.
func clearBlocks[U uint32 | uint64](words []uint64, x []U) {
	for ; len(x) >= 64; x, words = x[64:], words[1:] {
		b := (*[64]U)(x)
		w := words[0]
		switch n := bits.OnesCount64(w); {
		case n == 64:
		case n <= 3: // few stay: save them, clear all, put them back
			var saved [4]U
			for k, z := 0, w; z != 0; k, z = k+1, z&(z-1) {
				saved[k&3] = b[bits.TrailingZeros64(z)&63]
			}
			*b = [64]U{}
			for k, z := 0, w; z != 0; k, z = k+1, z&(z-1) {
				b[bits.TrailingZeros64(z)&63] = saved[k&3]
			}
		case unsafe.Sizeof(x[0]) == 4:
			clearPairs(w, (*[64]uint32)(unsafe.Pointer(b)))
		default:
			for j := range b {
				b[j] &= -U(w & 1)
				w >>= 1
			}
		}
	}
}

// pairs are the masks of two neighbours by their bits, in memory order.
var pairs = [4][2]uint32{{0, 0}, {1<<32 - 1, 0}, {0, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}}

// clearPairs clears two elements with one instruction.
func clearPairs(w uint64, b *[64]uint32) {
	two := (*[32]uint64)(unsafe.Pointer(b))
	m := (*[4]uint64)(unsafe.Pointer(&pairs))
	for j := 0; j < 32; j += 4 {
		two[j] &= m[w&3]
		two[j+1] &= m[w>>2&3]
		two[j+2] &= m[w>>4&3]
		two[j+3] &= m[w>>6&3]
		w >>= 8
	}
}
