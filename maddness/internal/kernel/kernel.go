// Package kernel holds the inner loops of package maddness: encoding rows with hash trees and adding up table entries.
// Rows are worked on in blocks of 64; codes lie in memory by block, codebook and row. Every function takes any number
// of rows, codebooks and outputs and neither allocates nor writes beyond what it is given.
package kernel

// Block is the number of rows that are encoded and looked up together. Memory for codes begins at a multiple of it.
const Block = 64

// CodesLen is how many bytes the codes of that many rows take.
func CodesLen(rows, codebooks int) int { return (rows + Block - 1) / Block * Block * codebooks }

// CodeAt returns a code.
func CodeAt(codes []byte, rows, codebooks, row, codebook int) int {
	return int(codes[index(codebooks, row, codebook)])
}

// SetCode writes a code.
func SetCode(codes []byte, rows, codebooks, row, codebook, code int) {
	codes[index(codebooks, row, codebook)] = byte(code)
}

func index(codebooks, row, codebook int) int {
	return (row/Block*codebooks+codebook)*Block + row%Block
}
