package nn

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/espalier-ml/espalier/internal/blob"
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
	return blob.Seal(b)
}

// unmarshalState reads what marshalState wrote for the same parameters, each with so many slots.
func unmarshalState[T tensor.Float](magic string, params []*tensor.Param[T], n int, b []byte) ([]slots[T], error) {
	body, err := blob.Open(b, magic)
	if err != nil {
		return nil, fmt.Errorf("nn: state: %w: %w", err, tensor.ErrRange)
	}
	r := blob.Reader{Body: body}
	size := int(r.Byte())
	if want := int(unsafe.Sizeof(T(0))); size != want {
		return nil, fmt.Errorf("nn: state: elements of %d bytes, those of the parameters have %d: %w",
			size, want, tensor.ErrShape)
	}
	if count := r.Uvarint(); count != uint64(len(params)) {
		return nil, fmt.Errorf("nn: state: of %d parameters, there are %d: %w", count, len(params), tensor.ErrShape)
	}
	all := make([]slots[T], len(params))
	for i, p := range params {
		name := string(r.Take(r.Size(len(body))))
		length := r.Uvarint()
		if !r.Bad && (name != p.Name || length != uint64(len(p.Data))) {
			return nil, fmt.Errorf("nn: state: parameter %d is %q of %d elements, want %q of %d: %w",
				i, name, length, p.Name, len(p.Data), tensor.ErrShape)
		}
		all[i] = slots[T]{steps: r.Uvarint(), data: make([][]T, n)}
		for k := range all[i].data {
			if r.Byte() == 0 {
				continue
			}
			words := r.Take(len(p.Data) * size)
			if r.Bad {
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
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("nn: state: %w: %w", err, tensor.ErrRange)
	}
	return all, nil
}
