package tta

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/tensor"
)

// The binary form, little-endian: a magic with the version, then as uint32 the length of a header in JSON, the header,
// the outputs as float32 or float16, the labels as int32, and the CRC-32 of all that.
const outputsMagic = "tta.outputs\x01"

type outputsHeader struct {
	N        int      `json:"n"`
	Views    int      `json:"views"`
	Classes  int      `json:"classes"`
	Kind     Kind     `json:"kind"`
	Half     bool     `json:"float16,omitempty"`
	Labelled bool     `json:"labelled,omitempty"`
	Names    []string `json:"names,omitempty"`
	Identity int      `json:"identity"`
	Policy   string   `json:"policy,omitempty"`
}

// MarshalBinary writes the outputs, versioned and checksummed, with labels, names and policy.
func (o *Outputs) MarshalBinary() ([]byte, error) { return o.marshal(false) }

// MarshalFloat16 is MarshalBinary in half the bytes, as the paper's reference code stores outputs. Numbers keep three
// digits: 20.001 and 20.005 both become 20, and whichever class comes first wins. The error wraps [tensor.ErrRange] for
// a number beyond 65504.
func (o *Outputs) MarshalFloat16() ([]byte, error) { return o.marshal(true) }

func (o *Outputs) marshal(half bool) ([]byte, error) {
	header, err := json.Marshal(outputsHeader{o.Len(), o.views, o.classes, o.kind, half, o.labels != nil, o.names,
		o.identity, o.policy})
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	b := make([]byte, 0, len(outputsMagic)+len(header)+8+4*len(o.data)+4*len(o.labels))
	b = append(b, outputsMagic...)
	b = le.AppendUint32(b, uint32(len(header)))
	b = append(b, header...)
	for i, v := range o.data {
		if !half {
			b = le.AppendUint32(b, math.Float32bits(v))
			continue
		}
		h := toHalf(v)
		if h&0x7fff >= 0x7c00 {
			return nil, fmt.Errorf("tta: MarshalFloat16: example %d, view %d, class %d is %v, beyond 65504: %w",
				i/(o.views*o.classes), i/o.classes%o.views, i%o.classes, v, tensor.ErrRange)
		}
		b = le.AppendUint16(b, h)
	}
	for _, y := range o.labels {
		b = le.AppendUint32(b, uint32(y))
	}
	return blob.Seal(b), nil
}

// UnmarshalBinary reads what either of them wrote; o is unchanged by an error, which wraps [ErrFormat]. It takes no
// more memory than a small multiple of the bytes that are there. It must not run beside other calls.
func (o *Outputs) UnmarshalBinary(b []byte) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("tta: Outputs: "+format+": %w", append(args, ErrFormat)...)
	}
	le := binary.LittleEndian
	body, err := blob.Open(b, outputsMagic)
	if err != nil {
		return bad("%v", err)
	}
	if len(body) < 4 {
		return bad("%d bytes are no header", len(b))
	}
	size := uint64(le.Uint32(body))
	if body = body[4:]; size > uint64(len(body)) {
		return bad("header of %d bytes in %d", size, len(body))
	}
	var h outputsHeader
	if err := json.Unmarshal(body[:size], &h); err != nil {
		return bad("header: %v", err)
	}
	body = body[size:]
	width := 4
	if h.Half {
		width = 2
	}
	perExample, err := h.perExample(width)
	if err != nil {
		return bad("%v", err)
	}
	if h.N < 1 || h.N > len(body)/perExample || h.N*perExample != len(body) {
		return bad("%d bytes for %d examples of %d", len(body), h.N, perExample)
	}
	data := make([]float32, h.N*h.Views*h.Classes)
	for i := range data {
		if h.Half {
			data[i] = fromHalf(le.Uint16(body[2*i:]))
		} else {
			data[i] = math.Float32frombits(le.Uint32(body[4*i:]))
		}
	}
	read := Outputs{views: h.Views, classes: h.Classes, kind: h.Kind, data: data, names: h.Names, identity: h.Identity,
		policy: h.Policy}
	if h.Labelled {
		body = body[len(data)*width:]
		read.labels = make([]int, h.N)
		for n := range read.labels {
			read.labels[n] = int(int32(le.Uint32(body[4*n:])))
		}
	}
	if err := read.check("Outputs"); err != nil {
		return bad("%v", err)
	}
	read.warn(false)
	*o = read
	return nil
}

// perExample is the bytes of an example.
func (h outputsHeader) perExample(width int) (int, error) {
	if h.Views < 1 || h.Classes < 1 || h.Views > math.MaxInt32/block/h.Classes || h.Identity < -1 || h.Kind == Any ||
		(h.Kind == Binary) != (h.Classes == 1) {
		return 0, fmt.Errorf("%d views of %d classes, %v, identity %d", h.Views, h.Classes, h.Kind, h.Identity)
	}
	n := h.Views * h.Classes * width
	if h.Labelled {
		n += 4
	}
	return n, nil
}

// toHalf rounds to the nearest half-precision number, ties to even, and to infinity beyond 65520.
func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	exponent, fraction := int(b>>23&0xff)-127+15, b&0x7fffff
	switch {
	case exponent >= 31:
		return sign | 0x7c00
	case exponent <= 0:
		if exponent < -10 {
			return sign
		}
		fraction |= 0x800000
		return sign | uint16(roundShift(fraction, uint(14-exponent)))
	}
	return sign | uint16(roundShift(uint32(exponent)<<23|fraction, 13))
}

// roundShift is v / 2^n to nearest, ties to even.
func roundShift(v uint32, n uint) uint32 {
	out, rest, half := v>>n, v&(1<<n-1), uint32(1)<<(n-1)
	if rest > half || rest == half && out&1 == 1 {
		out++
	}
	return out
}

func fromHalf(h uint16) float32 {
	exponent, fraction := int(h>>10&31), float64(h&0x3ff)
	v := math.Ldexp(fraction, -24)
	switch {
	case exponent == 31 && fraction == 0:
		v = math.Inf(1)
	case exponent == 31:
		v = math.NaN()
	case exponent > 0:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h>>15 == 1 {
		v = -v
	}
	return float32(v)
}
