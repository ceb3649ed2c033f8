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
		crosswise(rows, min(chunk, columns-j), x[j:], stride, dst[j*lanes:], lanes)
	}
}

// crosswise writes a matrix transposed, block by block along its rows, of which there may be many in one set of the
// cache: no more than a block's are at hand at a time.
func crosswise[T float](rows, columns int, src []T, srcStride int, dst []T, dstStride int) {
	size := int(unsafe.Sizeof(T(0)))
	block := blockBytes / size
	i := 0
	if wide := columns / block * block; wide > 0 {
		for ; i+block <= rows; i += block {
			transpose(wide/block, src[i*srcStride:], srcStride*size, blockBytes, dst[i:], dstStride*size, dstStride*blockBytes)
		}
		if wide < columns {
			transposeGo(i, columns-wide, src[wide:], srcStride, dst[wide*dstStride:], dstStride)
		}
	}
	if i < rows {
		transposeGo(rows-i, columns, src[i*srcStride:], srcStride, dst[i:], dstStride)
	}
}

// Unpack writes the first lanes of every row of a tile, width elements long, as columns: lane l of row i becomes
// dst[l*stride+i]. The rows of dst are what may lie in one set of the cache.
func Unpack[T float](rows, width, lanes int, dst []T, stride int, tile []T) {
	size := int(unsafe.Sizeof(T(0)))
	block := blockBytes / size
	l := 0
	if tall := rows / block * block; tall > 0 {
		for ; l+block <= lanes; l += block {
			transpose(tall/block, tile[l:], width*size, width*blockBytes, dst[l*stride:], stride*size, blockBytes)
		}
		if tall < rows {
			transposeGo(rows-tall, l, tile[tall*width:], width, dst[tall:], stride)
		}
	}
	if l < lanes {
		transposeGo(rows, lanes-l, tile[l:], width, dst[l*stride:], stride)
	}
}

// blockBytes is a row of a block that is transposed at once.
const blockBytes = 32

// transpose transposes n square blocks, 32 bytes wide, of src. Distances are in bytes.
func transpose[T float](n int, src []T, srcRow, srcNext int, dst []T, dstRow, dstNext int) {
	switch {
	case !cpu.AVX2:
		size := int(unsafe.Sizeof(T(0)))
		for k := range n {
			transposeGo(blockBytes/size, blockBytes/size, src[k*srcNext/size:], srcRow/size, dst[k*dstNext/size:], dstRow/size)
		}
	case unsafe.Sizeof(T(0)) == 4:
		transpose32(n, (*float32)(unsafe.Pointer(&src[0])), srcRow, srcNext, (*float32)(unsafe.Pointer(&dst[0])), dstRow,
			dstNext)
	default:
		transpose64(n, (*float64)(unsafe.Pointer(&src[0])), srcRow, srcNext, (*float64)(unsafe.Pointer(&dst[0])), dstRow,
			dstNext)
	}
}

func transposeGo[T float](rows, columns int, src []T, srcStride int, dst []T, dstStride int) {
	for i := range rows {
		for j := range columns {
			dst[j*dstStride+i] = src[i*srcStride+j]
		}
	}
}
