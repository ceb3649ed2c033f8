package sparse

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/tensor"
)

// Binary form: a magic, the size of a value in bytes, the format, n and m of NM, rows, columns and the number of
// elements; which are kept; their values in order; then the CRC-32 of everything before it. Numbers are varints,
// values little-endian. Formats that have a place for every element say which are kept by a bit for each, the others
// by the number in each row and how many each leaves out before it.
const magic = "prune.sparse\x01"

// MarshalBinary writes the matrix, versioned and checksummed: the elements kept and, of [Panels] and [Compressed],
// about a byte more for each, of the other formats a bit for each element kept or not.
func (m *Matrix[T]) MarshalBinary() ([]byte, error) {
	c := m.CSR()
	b := append(make([]byte, 0, len(magic)+len(c.Data)*(sizeOf[T]()+1)+m.rows+64), magic...)
	b = append(b, byte(sizeOf[T]()), byte(m.config.format))
	for _, v := range []int{m.config.n, m.config.m, m.rows, m.cols, m.kept} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	if m.config.format.everyPlace() {
		for _, w := range newBitmask(c).words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	} else {
		for i := range m.rows {
			row := c.Indices[c.Indptr[i]:c.Indptr[i+1]]
			b = binary.AppendUvarint(b, uint64(len(row)))
			next := 0
			for _, j := range row {
				b = binary.AppendUvarint(b, uint64(j-next))
				next = j + 1
			}
		}
	}
	for _, v := range c.Data {
		if sizeOf[T]() == 4 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		} else {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
		}
	}
	return blob.Seal(b), nil
}

// everyPlace tells the formats whose size grows with the elements that are pruned too.
func (f Format) everyPlace() bool { return f == Bitmask || f == NM || f == Dense }

// UnmarshalBinary reads what MarshalBinary wrote, in the same format and with the default workers. The error wraps
// tensor.ErrRange for anything else, values of the other type among it; m is unchanged then.
func (m *Matrix[T]) UnmarshalBinary(b []byte) error {
	const call = "sparse: UnmarshalBinary"
	body, err := blob.Open(b, magic)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", call, err, tensor.ErrRange)
	}
	d := &blob.Reader{Body: body}
	if size := int(d.Byte()); size != sizeOf[T]() {
		return fmt.Errorf("%s: values of %d bytes, want %d: %w", call, size, sizeOf[T](), tensor.ErrRange)
	}
	c := config{format: Format(d.Byte()), n: d.Size(256), m: d.Size(256)}
	e := &CSR[T]{Rows: d.Size(math.MaxInt32), Cols: d.Size(math.MaxInt)}
	kept := d.Size(len(d.Body) / sizeOf[T]())
	if d.Bad || !formats.Valid(c.format) || c.format == NM && !(c.n >= 1 && c.n <= c.m) || !fits(e.Rows, e.Cols) {
		return fmt.Errorf("%s: format %d, %d of %d, %dx%d: %w", call, c.format, c.n, c.m, e.Rows, e.Cols, tensor.ErrRange)
	}
	if c.format.everyPlace() {
		readBits(d, e)
	} else {
		readGaps(d, e)
	}
	if d.Bad || len(e.Indices) != kept || len(d.Body) != kept*sizeOf[T]() {
		return fmt.Errorf("%s: data cut short or inconsistent: %w", call, tensor.ErrRange)
	}
	e.Data = make([]T, kept)
	for k := range e.Data {
		if sizeOf[T]() == 4 {
			e.Data[k] = T(math.Float32frombits(binary.LittleEndian.Uint32(d.Take(4))))
		} else {
			e.Data[k] = T(math.Float64frombits(d.Uint64()))
		}
	}
	if err := e.Validate(); err != nil {
		return fmt.Errorf("%s: %w: %w", call, err, tensor.ErrRange)
	}
	read, err := build(call, e, c)
	if err != nil {
		return err
	}
	*m = *read
	return nil
}

func readBits[T tensor.Float](d *blob.Reader, e *CSR[T]) {
	n := e.Rows * e.Cols
	if n/8 > len(d.Body) || e.Cols == 0 && e.Rows > mostRows {
		d.Bad = true
		return
	}
	words := make([]uint64, n/64+min(n%64, 1))
	for k := range words {
		words[k] = d.Uint64()
	}
	if r := n % 64; r != 0 && words[len(words)-1]>>r != 0 {
		d.Bad = true
	}
	if d.Bad {
		return
	}
	e.Indptr = append(e.Indptr, 0)
	for i := range e.Rows {
		e.Indices = appendBits(e.Indices, words, i*e.Cols, (i+1)*e.Cols)
		e.Indptr = append(e.Indptr, len(e.Indices))
	}
}

func readGaps[T tensor.Float](d *blob.Reader, e *CSR[T]) {
	if e.Rows > len(d.Body) {
		d.Bad = true
		return
	}
	e.Indptr = append(e.Indptr, 0)
	for i := 0; i < e.Rows && !d.Bad; i++ {
		next := 0
		for n := d.Size(min(e.Cols, len(d.Body))); n > 0 && !d.Bad; n-- {
			j := next + d.Size(e.Cols-1-next)
			e.Indices = append(e.Indices, j)
			next = j + 1
		}
		e.Indptr = append(e.Indptr, len(e.Indices))
	}
}
