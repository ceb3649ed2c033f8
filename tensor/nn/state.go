package nn

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// slots is what an optimizer remembers of one parameter.
type slots[T tensor.Float] struct {
	steps uint64
	data  [][]T // each as long as the parameter, or nil
}

// marshalState writes a magic, the size of an element, and of each parameter its name, length, steps and slots, numbers
// being varints and elements the bits of their little-endian words; then the CRC-32 of everything before it.
func marshalState[T tensor.Float](magic string, params []*tensor.Param[T], of func(*tensor.Param[T]) slots[T]) []byte {
	b := append([]byte(magic), byte(unsafe.Sizeof(T(0))))
	b = binary.AppendUvarint(b, uint64(len(params)))
	for _, p := range params {
		b = binary.AppendUvarint(b, uint64(len(p.Name)))
		b = append(b, p.Name...)
		b = binary.AppendUvarint(b, uint64(len(p.Data)))
		s := of(p)
		b = binary.AppendUvarint(b, s.steps)
		for _, x := range s.data {
			if len(x) != len(p.Data) {
				b = append(b, 0)
				continue
			}
			b = append(b, 1)
			for _, v := range x {
				if unsafe.Sizeof(v) == 4 {
					b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
				} else {
					b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
				}
			}
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// unmarshalState reads what marshalState wrote for the same parameters, each with so many slots.
func unmarshalState[T tensor.Float](magic string, params []*tensor.Param[T], n int, b []byte) ([]slots[T], error) {
	end := len(b) - 4
	if end < len(magic)+1 || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("nn: state: %d bytes that do not start with %q: %w", len(b), magic, tensor.ErrRange)
	}
	if sum := crc32.ChecksumIEEE(b[:end]); sum != binary.LittleEndian.Uint32(b[end:]) {
		return nil, fmt.Errorf("nn: state: the checksum does not fit the data: %w", tensor.ErrRange)
	}
	size := int(b[len(magic)])
	if want := int(unsafe.Sizeof(T(0))); size != want {
		return nil, fmt.Errorf("nn: state: elements of %d bytes, those of the parameters have %d: %w",
			size, want, tensor.ErrShape)
	}
	r := reader{b: b[len(magic)+1 : end]}
	if count := r.uvarint(); count != uint64(len(params)) {
		return nil, fmt.Errorf("nn: state: of %d parameters, there are %d: %w", count, len(params), tensor.ErrShape)
	}
	all := make([]slots[T], len(params))
	for i, p := range params {
		name := string(r.take(r.uvarint()))
		length := r.uvarint()
		if !r.bad && (name != p.Name || length != uint64(len(p.Data))) {
			return nil, fmt.Errorf("nn: state: parameter %d is %q of %d elements, want %q of %d: %w",
				i, name, length, p.Name, len(p.Data), tensor.ErrShape)
		}
		all[i] = slots[T]{steps: r.uvarint(), data: make([][]T, n)}
		for k := range all[i].data {
			if flag := r.take(1); len(flag) == 0 || flag[0] == 0 {
				continue
			}
			words := r.take(length * uint64(size))
			if r.bad {
				break
			}
			x := make([]T, len(p.Data))
			for j := range x {
				if size == 4 {
					x[j] = T(math.Float32frombits(binary.LittleEndian.Uint32(words[4*j:])))
				} else {
					x[j] = T(math.Float64frombits(binary.LittleEndian.Uint64(words[8*j:])))
				}
			}
			all[i].data[k] = x
		}
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("nn: state: data cut short, or %d bytes too many: %w", len(r.b), tensor.ErrRange)
	}
	return all, nil
}

// reader reads from b until something is wrong; then everything is empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(uint64(max(n, 0)))
	r.bad = r.bad || n <= 0
	return v
}
