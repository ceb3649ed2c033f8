package kernel

// Block is the number of rows that are encoded and looked up together. Memory for codes begins at a multiple of it.
const Block = 64

// Codes lie in memory by block, codebook and row, a byte each; the number of codebooks is rounded up to fours. For
// AVX-512 the codes of four codebooks alternate instead, with the codebook's number modulo 4 in the bits above the
// code: a permutation of bytes then finds the entry in four adjacent tables.

// CodesLen is how many bytes the codes of that many rows take.
func CodesLen(rows, codebooks int) int {
	return (rows + Block - 1) / Block * Block * padded(codebooks)
}

// CodeAt returns a code.
func CodeAt(codes []byte, rows, codebooks, row, codebook int) int {
	return int(codes[index(codebooks, row, codebook)] & 15)
}

// SetCode writes a code. Codes are complete when they are set for every codebook.
func SetCode(codes []byte, rows, codebooks, row, codebook, code int) {
	codes[index(codebooks, row, codebook)] = byte(code) | tag(codebook)
	if codebook == codebooks-1 {
		for c := codebooks; c < padded(codebooks); c++ {
			codes[index(codebooks, row, c)] = tag(c)
		}
	}
}

// padded rounds a number of codebooks or outputs up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }

// index is where a code lies.
func index(codebooks, row, codebook int) int {
	first := row / Block * Block * padded(codebooks)
	if current == avx512 {
		return first + codebook&^3*Block + row%Block*4 + codebook&3
	}
	return first + codebook*Block + row%Block
}

// tag is what is above a code.
func tag(codebook int) byte {
	if current == avx512 {
		return byte(codebook&3) << 4
	}
	return 0
}

// apart is the distance from the code of a row to the next row's.
func apart() int {
	if current == avx512 {
		return 4
	}
	return 1
}
