// Package kernel multiplies panels of sparse matrices with tiles of dense ones.
//
// A tile holds up to 256 bytes of a few examples' values for each input, input by input. A panel is the elements that
// some rows of a sparse matrix have in some neighbouring columns, row by row. Each row has a head of two numbers, its
// index and how many elements it has, and each element an offset: 32 times its column, so that the instructions'
// own scale by 1, 2, 4 or 8 makes it a distance in bytes in tiles of 32, 64, 128 or 256.
package kernel

import (
	"unsafe"

	"github.com/espalier-ml/espalier/internal/cpu"
)

type float interface{ ~float32 | ~float64 }

const (
	// OffsetUnit is the offset of the second column of a panel.
	OffsetUnit = 32
	// MostColumns is the number of columns of a panel whose offsets fit 16 bits.
	MostColumns = 1 << 16 / OffsetUnit
	// TileBytes is the widest tile.
	TileBytes = 256
)

// Panel adds the product of a panel to y, or writes it if first is set: with lanes elements in a row of a tile, 32 to
// 256 bytes, every row of heads adds value*x[column*lanes+l] of its elements, one after the other, to y[row*lanes+l],
// each product and sum rounded once. x begins at the panel's first column.
func Panel[T float](lanes int, heads, offsets []uint16, values, x, y []T, first bool) {
	if len(heads) == 0 {
		return
	}
	bytes := lanes * int(unsafe.Sizeof(T(0)))
	if !cpu.AVX2 || len(values) == 0 {
		panelGo(lanes, heads, offsets, values, x, y, first)
		return
	}
	if unsafe.Sizeof(T(0)) == 4 {
		panel32(bytes, len(heads)/2, &heads[0], &offsets[0], (*float32)(unsafe.Pointer(&values[0])),
			(*float32)(unsafe.Pointer(&x[0])), (*float32)(unsafe.Pointer(&y[0])), first)
	} else {
		panel64(bytes, len(heads)/2, &heads[0], &offsets[0], (*float64)(unsafe.Pointer(&values[0])),
			(*float64)(unsafe.Pointer(&x[0])), (*float64)(unsafe.Pointer(&y[0])), first)
	}
}

// panelGo is the twin of the assembly.
func panelGo[T float](lanes int, heads, offsets []uint16, values, x, y []T, first bool) {
	at := 0
	for k := 0; k < len(heads); k += 2 {
		row := y[int(heads[k])*lanes:][:lanes]
		if first {
			clear(row)
		}
		for range heads[k+1] {
			addScaled(row, values[at], x[int(offsets[at])/OffsetUnit*lanes:][:lanes])
			at++
		}
	}
}

// Pack writes rows [0, rows) of x, each of columns elements and stride apart, into a tile: column j of row l becomes
// dst[j*lanes+l]. Lanes from rows on are zeros.
func Pack[T float](lanes, rows, columns int, dst, x []T, stride int) {
	if rows < lanes {
		clear(dst[:columns*lanes])
	}
	const chunk = 64 // columns whose part of the tile stays in the first-level cache until all of its lines are full
	for j := 0; j < columns; j += chunk {
		cross(widest[T](), false, rows, min(chunk, columns-j), x[j:], stride, dst[j*lanes:], lanes)
	}
}

// Unpack writes the first lanes of every row of a tile, width elements long, as columns: lane l of row i becomes
// dst[l*stride+i]. It goes down the rows of the tile, because those of dst may all lie in one set of the cache.
func Unpack[T float](rows, width, lanes int, dst []T, stride int, tile []T) {
	cross(widest[T](), true, rows, lanes, tile, width, dst, stride)
}

// widest is the side of the largest square that is transposed at once.
func widest[T float]() int {
	switch {
	case unsafe.Sizeof(T(0)) == 8:
		return 4
	case cpu.AVX512:
		return 16
	}
	return 8
}

// cross writes a matrix transposed, as far as it goes in squares of the given side and the rest in smaller ones, square
// by square along its rows or down.
func cross[T float](side int, down bool, rows, columns int, src []T, srcStride int, dst []T, dstStride int) {
	size := int(unsafe.Sizeof(T(0)))
	if side*size < 32 || !cpu.AVX2 {
		for i := range rows {
			for j := range columns {
				dst[j*dstStride+i] = src[i*srcStride+j]
			}
		}
		return
	}
	tall, wide := rows/side*side, columns/side*side
	switch {
	case tall == 0 || wide == 0:
	case down:
		for j := 0; j < wide; j += side {
			squares(side, tall/side, src[j:], srcStride*size, srcStride*side*size, dst[j*dstStride:], dstStride*size, side*size)
		}
	default:
		for i := 0; i < tall; i += side {
			squares(side, wide/side, src[i*srcStride:], srcStride*size, side*size, dst[i:], dstStride*size, dstStride*side*size)
		}
	}
	if tall > 0 && wide < columns {
		cross(side/2, down, tall, columns-wide, src[wide:], srcStride, dst[wide*dstStride:], dstStride)
	}
	if tall < rows && columns > 0 {
		cross(side/2, down, rows-tall, columns, src[tall*srcStride:], srcStride, dst[tall:], dstStride)
	}
}

// squares transposes n squares of src. Distances are in bytes.
func squares[T float](side, n int, src []T, srcRow, srcNext int, dst []T, dstRow, dstNext int) {
	switch {
	case side == 4:
		transpose64(n, (*float64)(unsafe.Pointer(&src[0])), srcRow, srcNext, (*float64)(unsafe.Pointer(&dst[0])), dstRow,
			dstNext)
	case side == 8:
		transpose32(n, (*float32)(unsafe.Pointer(&src[0])), srcRow, srcNext, (*float32)(unsafe.Pointer(&dst[0])), dstRow,
			dstNext)
	default:
		transpose32Wide(n, (*float32)(unsafe.Pointer(&src[0])), srcRow, srcNext, (*float32)(unsafe.Pointer(&dst[0])), dstRow,
			dstNext)
	}
}
