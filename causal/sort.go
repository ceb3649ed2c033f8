package causal

import (
	"math"
	"math/bits"
)

// sorter sorts places by number with a radix sort that keeps its memory.
type sorter struct {
	keys, spare []sortKey
}

// sortKey is a place with the bits of its number, as an integer in the same order.
type sortKey struct {
	bits uint64
	at   int32
}

// sort returns the places of x in increasing order of their numbers, equal ones in their own order.
func (s *sorter) sort(x []float64) []sortKey {
	s.keys, s.spare = grow(s.keys, len(x)), grow(s.spare, len(x))
	var varies uint64 // bits that are not equal in all keys
	for i, v := range x {
		b := math.Float64bits(v + 0) // of -0, those of 0
		b ^= uint64(int64(b)>>63) | 1<<63
		s.keys[i] = sortKey{b, int32(i)}
		varies |= b ^ s.keys[0].bits
	}
	const digit = 11
	var counts [6][1 << digit]int32
	shifts := make([]uint, 0, 6)
	for ; varies != 0; varies = varies >> shifts[len(shifts)-1] >> digit << shifts[len(shifts)-1] << digit {
		shifts = append(shifts, uint(bits.TrailingZeros64(varies)))
	}
	for _, k := range s.keys { // the digits of a key do not change with its place
		for pass, shift := range shifts {
			counts[pass][k.bits>>shift&(1<<digit-1)]++
		}
	}
	for pass, shift := range shifts {
		count := &counts[pass]
		at := int32(0)
		for d, c := range count {
			count[d] = at
			at += c
		}
		for _, k := range s.keys {
			d := k.bits >> shift & (1<<digit - 1)
			s.spare[count[d]] = k
			count[d]++
		}
		s.keys, s.spare = s.spare, s.keys
	}
	return s.keys
}
