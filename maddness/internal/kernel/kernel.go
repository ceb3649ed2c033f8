// Package kernel holds the inner loops of package maddness: encoding rows with hash trees and adding up table entries.
// Rows are worked on in blocks of 64. Every function takes any number of rows, codebooks and outputs and neither
// allocates nor writes beyond what it is given. All paths give the same bits.
package kernel

import "github.com/espalier-ml/espalier/internal/cpu"

// Block is the number of rows that are encoded and looked up together. Memory for codes begins at a multiple of it.
const Block = 64

// path is a way to encode and to scan. Codes, encoders and tables of one path do not fit another: the features of package
// cpu, which decide, are the same throughout a program, and tests that change them make everything anew.
type path uint8

const (
	generic path = iota
	neon
	avx2
	avx512
)

func current() path {
	switch {
	case cpu.VNNI:
		return avx512
	case cpu.AVX2:
		return avx2
	case cpu.NEON:
		return neon
	}
	return generic
}

// Codes lie in memory by block, codebook and row, a byte each; for AVX-512 by block, four codebooks, 16 rows, row and
// codebook, with the number of the codebook within the four in bits 4 and 5: four neighbours are those of one row, and
// a byte is its entry's place in four tables side by side. Codebooks are filled up to fours there.

// CodesLen is how many bytes the codes of that many rows take.
func CodesLen(rows, codebooks int) int {
	if current() == avx512 {
		codebooks = upTo4(codebooks)
	}
	return (rows + Block - 1) / Block * Block * codebooks
}

// CodeAt returns a code.
func CodeAt(codes []byte, rows, codebooks, row, codebook int) int {
	return int(codes[index(codebooks, row, codebook)] & 15)
}

// SetCode writes a code. Codes that are set one by one are complete when those of the last codebook are.
func SetCode(codes []byte, rows, codebooks, row, codebook, code int) {
	at := index(codebooks, row, codebook)
	if current() != avx512 {
		codes[at] = byte(code)
		return
	}
	codes[at] = byte(code | codebook&3<<4)
	if codebook == codebooks-1 {
		for c := codebook&3 + 1; c < 4; c++ {
			codes[at&^3|c] = byte(c << 4)
		}
	}
}

func index(codebooks, row, codebook int) int {
	if current() == avx512 {
		return (row/Block*upTo4(codebooks)+codebook&^3)*Block + row%Block*4 + codebook&3
	}
	return (row/Block*codebooks+codebook)*Block + row%Block
}

func upTo4(n int) int { return (n + 3) &^ 3 }
