// Package blob is the frame of binary forms: a magic, a body and a checksum, and a reader of bodies that cannot be made
// to read beyond them.
package blob

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Seal appends the CRC-32 of b.
func Seal(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }

// Open checks magic and checksum and returns what is between them.
func Open(b []byte, magic string) ([]byte, error) {
	n := len(b) - 4
	if n < len(magic) || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%d bytes do not begin with %q", len(b), magic)
	}
	if sum, want := crc32.ChecksumIEEE(b[:n]), binary.LittleEndian.Uint32(b[n:]); sum != want {
		return nil, fmt.Errorf("checksum %08x over bytes of checksum %08x", want, sum)
	}
	return b[len(magic):n:n], nil
}

// Reader reads a body until something is wrong; from then on everything is empty.
type Reader struct {
	Body []byte
	Bad  bool
}

// Take returns the next n bytes.
func (r *Reader) Take(n int) []byte {
	if r.Bad || n < 0 || n > len(r.Body) {
		r.Bad = true
		return nil
	}
	x := r.Body[:n:n]
	r.Body = r.Body[n:]
	return x
}

// Uvarint reads a varint.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.Body)
	r.Take(max(n, 0))
	r.Bad = r.Bad || n <= 0
	return v
}

// Uint64 reads eight bytes, little-endian.
func (r *Reader) Uint64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Size reads a varint that cannot be more than most.
func (r *Reader) Size(most int) int {
	v := r.Uvarint()
	if v > uint64(most) {
		r.Bad = true
		return 0
	}
	return int(v)
}

// End reports whether all of the body was read, and rightly.
func (r *Reader) End() error {
	if r.Bad || len(r.Body) > 0 {
		return fmt.Errorf("%d bytes too many, or data cut short or inconsistent", len(r.Body))
	}
	return nil
}
