// Package kernel holds the inner loops of package maddness: encoding rows with hash trees and adding up table entries.
// Rows are worked on in blocks of 64. Every function takes any number of rows, codebooks and outputs and neither
// allocates nor writes beyond what it is given; results have the same bits on every processor. Outputs pass over the
// codes again and again: callers hand over as many blocks as stay in the first-level cache.
package kernel

// path is the set of instructions that is used.
type path int

const (
	plain path = iota
	neon
	avx2
	avx512
)

func (p path) String() string { return [...]string{"plain", "neon", "avx2", "avx512"}[p] }

// current is the path of everything. Tests change it; what was packed for one path is of no use to another.
var current = available()[0]

// mode is how sums are written, in bits; the generators have the same constants.
type mode int

const (
	floats    mode = 0
	rectified mode = 1 // negative results are 0; with floats, streamed and integers
	streamed  mode = 2 // floats, around the caches
	integers  mode = 4 // of 8 bits
	raw       mode = 6 // sums as they are, int32
)

func choose(m mode, relu bool) mode {
	if relu {
		return m | rectified
	}
	return m
}
