package maddness

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/blob"
)

// The binary form, numbers little-endian: a magic with the version, then as uint32 the columns D, outputs M, codebooks
// C, bits, aggregation, grouping, passes and flags, as uint64 the training rows, as float64 the two errors of Stats and
// the C entropies, for each tree four uint32 columns and 15 float32 thresholds, the float32 tables [M, C, 16] and the M
// offsets, and the CRC-32 of all that. Tables are stored before rounding, so that they can be trained on; reading
// rounds them to the same integers.
const (
	operatorMagic = "maddness.operator\x01"
	encoderMagic  = "maddness.encoder\x01"

	headerBytes = 8*4 + 4*8
	treeBytes   = 8 + 4*4 + 15*4
	flagReLU    = 1
)

// MarshalBinary writes the operator: versioned, checksummed, 64 bytes per output and codebook. The number of workers is
// not part of it: see [Operator.WithWorkers]. What was read in the form of [Operator.MarshalServing] is written in it.
func (o *Operator) MarshalBinary() ([]byte, error) {
	if o.rounded != nil {
		return o.MarshalServing()
	}
	return o.marshal(operatorMagic), nil
}

// UnmarshalBinary reads what MarshalBinary or [Operator.MarshalServing] wrote; o is unchanged by an error, which wraps
// [ErrFormat]. It takes no more
// memory than a small multiple of the bytes that are there. It must not run beside other calls.
func (o *Operator) UnmarshalBinary(b []byte) error {
	read := func(b []byte) (*Operator, error) { return unmarshal(b, operatorMagic) }
	if bytes.HasPrefix(b, []byte(servingMagic)) {
		read = unmarshalServing
	}
	op, err := read(b)
	if err == nil {
		*o = *op
	}
	return err
}

func (o *Operator) marshal(magic string) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, len(magic)+headerBytes+o.codebooks*treeBytes+o.outputs*(o.codebooks*64+4)+4)
	b = append(b, magic...)
	for _, v := range []uint32{uint32(o.columns), uint32(o.outputs), uint32(o.codebooks), uint32(o.bits),
		uint32(o.aggregation),
		uint32(o.stats.Grouping), uint32(o.stats.Refine), o.flags()} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, uint64(o.stats.TrainRows))
	for _, v := range append([]float64{o.stats.Ridge, o.stats.TrainNMSE, o.stats.HeldOutNMSE}, o.stats.Entropy...) {
		b = le.AppendUint64(b, math.Float64bits(v))
	}
	b = appendTrees(b, o.trees)
	b = appendFloats(b, o.lut.Table.Data)
	b = appendFloats(b, o.lut.Offset.Data)
	return blob.Seal(b)
}

func (o *Operator) flags() uint32 {
	if o.relu {
		return flagReLU
	}
	return 0
}

func appendTrees(b []byte, t Trees) []byte {
	for c, dims := range t.Dims {
		for _, d := range dims {
			b = binary.LittleEndian.AppendUint32(b, uint32(d))
		}
		b = appendFloats(b, t.Thresholds[c][1:])
	}
	return b
}

func appendFloats(b []byte, x []float32) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func unmarshal(b []byte, magic string) (*Operator, error) {
	bad := func(format string, args ...any) (*Operator, error) {
		return nil, fmt.Errorf("maddness: "+format+": %w", append(args, ErrFormat)...)
	}
	body, err := blob.Open(b, magic)
	if err != nil {
		return bad("%v", err)
	}
	if len(body) < headerBytes {
		return bad("%d bytes are no header", len(b))
	}
	r := reader(body)
	d, m, c := uint64(r.uint32()), uint64(r.uint32()), uint64(r.uint32())
	bits, aggregation, grouping, refine, flags := r.uint32(), Aggregation(r.uint32()), r.uint32(), r.uint32(), r.uint32()
	o := &config{bits: int(bits), aggregation: aggregation, grouping: Grouping(grouping), refine: int(refine),
		relu: flags&flagReLU != 0}
	rows := r.uint64()
	o.ridge = r.float64()
	trained, heldOut := r.float64(), r.float64()
	left := uint64(len(r))
	if d < 1 || m < 1 || c < 1 || c > left/treeBytes || m > (left-c*treeBytes)/(c*64+4) ||
		left != c*treeBytes+m*(c*64+4) || d > math.MaxInt32 {
		return bad("%d bytes for %d columns, %d outputs and %d codebooks", len(b), d, m, c)
	}
	if bits < 2 || bits > 8 || bits < 8 && aggregation != Exact || aggregation.validate(int(c)) != nil ||
		grouping > uint32(Contribution) || refine > math.MaxInt32 || flags > flagReLU || rows > math.MaxInt32 ||
		!(o.ridge >= 0) || math.IsInf(o.ridge, 1) {
		return bad("settings out of range: %d bits, aggregation %d, grouping %d, %d passes, flags %d, %d rows, ridge %v",
			bits, aggregation, grouping, refine, flags, rows, o.ridge)
	}
	o.codebooks = int(c)
	f := fitted{columns: int(d), lut: newLUT(int(m), int(c)),
		rows: int(rows), entropy: make([]float64, c)}
	for i := range f.entropy {
		f.entropy[i] = r.float64()
	}
	f.trees = r.trees(int(c))
	r.floats(f.lut.Table.Data)
	r.floats(f.lut.Offset.Data)
	if err := f.validate(); err != nil {
		return bad("%v", err)
	}
	op, err := newOperator(o, f)
	if err != nil {
		return bad("%v", err)
	}
	op.stats.TrainNMSE, op.stats.HeldOutNMSE = trained, heldOut
	return op, nil
}

// reader takes numbers off the front of bytes whose length was checked.
type reader []byte

func (r *reader) uint32() uint32 {
	v := binary.LittleEndian.Uint32(*r)
	*r = (*r)[4:]
	return v
}

func (r *reader) uint64() uint64 {
	v := binary.LittleEndian.Uint64(*r)
	*r = (*r)[8:]
	return v
}

func (r *reader) float64() float64 { return math.Float64frombits(r.uint64()) }

func (r *reader) trees(count int) Trees {
	t := Trees{make([][4]int, count), make([][16]float32, count)}
	for c := range count {
		for l := range 4 {
			t.Dims[c][l] = int(r.uint32())
		}
		r.floats(t.Thresholds[c][1:])
	}
	return t
}

func (r *reader) floats(x []float32) {
	for i := range x {
		x[i] = math.Float32frombits(r.uint32())
	}
}
