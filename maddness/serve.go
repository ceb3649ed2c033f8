package maddness

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Quantized returns the operator for rows that come as integers q where it was fitted to x = unit*(q-zero): [MulInts]
// and [EncodeInts] compare q with thresholds that are divided by unit, moved by zero and rounded down, which decides as
// x does but where rounding of x decides. Outputs are those of x. Errors wrap tensor.ErrRange: unit is not a finite
// number above 0, or zero is no int16.
func (o *Operator) Quantized(unit float32, zero int) (*Operator, error) {
	if !(unit > 0) || math.IsInf(float64(unit), 1) {
		return nil, fmt.Errorf("maddness: Quantized: unit is %v, want a finite number above 0: %w", unit, tensor.ErrRange)
	}
	if zero < math.MinInt16 || zero > math.MaxInt16 {
		return nil, fmt.Errorf("maddness: Quantized: zero is %d, want -32768 to 32767: %w", zero, tensor.ErrRange)
	}
	q := *o
	q.trees = o.trees.clone()
	for c := range q.trees.Thresholds {
		for i, v := range o.trees.Thresholds[c] {
			q.trees.Thresholds[c][i] = float32(math.Floor(float64(v)/float64(unit)) + float64(zero))
		}
	}
	q.encoder = kernel.NewEncoder(kernel.Trees(q.trees), q.columns)
	return &q, nil
}

// WithWorkers returns the operator with another number of goroutines for its products, 0 for GOMAXPROCS: that of one
// that was loaded. A negative number is an error that wraps tensor.ErrRange.
func (o *Operator) WithWorkers(n int) (*Operator, error) {
	if err := option.Workers(n); err != nil {
		return nil, option.Call("maddness: Operator", err)
	}
	w := *o
	w.workers = n
	return &w, nil
}

// MulChecked is [Operator.Mul] for rows that may hold what is no number. Elsewhere NaN goes left in every comparison,
// and outputs do not show that it was there; here an error that wraps tensor.ErrNotFinite names the first NaN or
// infinity, and nothing is written. It reads all columns.
func (o *Operator) MulChecked(dst, a tensor.Matrix[float32]) error {
	if a.Rows > 0 {
		if err := checkView("a", a); err != nil {
			return err
		}
	}
	return o.Mul(dst, a)
}

// The serving form, numbers little-endian: a magic with the version, then as uint32 the columns D, outputs M, codebooks
// C, bits and flags, for each tree four uint32 columns and 15 float32 thresholds, the M scales and M offsets as
// float32, the tables [M, C, 16] as int8, and the CRC-32 of all that.
const (
	servingMagic       = "maddness.serving\x01"
	servingHeaderBytes = 5 * 4
)

// MarshalServing writes what products need and no more: 16 bytes per output and codebook, a quarter of MarshalBinary.
// [Operator.UnmarshalBinary] reads it, to the same outputs; what it makes has the rounded tables for its LUT, and
// statistics without those of the fit. Aggregations other than [Exact], which are there to compare with, have no such
// form: the error wraps tensor.ErrConflict.
func (o *Operator) MarshalServing() ([]byte, error) {
	if o.aggregation != Exact {
		return nil, fmt.Errorf("maddness: MarshalServing of an operator with %v, want %v: %w", o.aggregation, Exact,
			tensor.ErrConflict)
	}
	r := o.rounded
	if r == nil {
		made := roundSigned(o.lut, o.bits)
		r = &made
	}
	le := binary.LittleEndian
	b := make([]byte, 0, len(servingMagic)+servingHeaderBytes+o.codebooks*(treeBytes-8)+o.outputs*(o.codebooks*16+8)+4)
	b = append(b, servingMagic...)
	for _, v := range []int{o.columns, o.outputs, o.codebooks, o.bits} {
		b = le.AppendUint32(b, uint32(v))
	}
	b = le.AppendUint32(b, o.flags())
	b = appendTrees(b, o.trees)
	b = appendFloats(b, r.scale)
	b = appendFloats(b, r.offset)
	for _, q := range r.signed {
		b = append(b, byte(q))
	}
	return blob.Seal(b), nil
}

// unmarshalServing reads what MarshalServing wrote.
func unmarshalServing(b []byte) (*Operator, error) {
	bad := func(format string, args ...any) (*Operator, error) {
		return nil, fmt.Errorf("maddness: "+format+": %w", append(args, ErrFormat)...)
	}
	body, err := blob.Open(b, servingMagic)
	if err != nil {
		return bad("%v", err)
	}
	if len(body) < servingHeaderBytes {
		return bad("%d bytes are no header", len(b))
	}
	r := reader(body)
	d, m, c, bits, flags := uint64(r.uint32()), uint64(r.uint32()), uint64(r.uint32()), r.uint32(), r.uint32()
	left := uint64(len(r))
	const tree = treeBytes - 8 // no entropy
	if d < 1 || m < 1 || c < 1 || c > left/tree || m > (left-c*tree)/(c*16+8) || left != c*tree+m*(c*16+8) ||
		d > math.MaxInt32 {
		return bad("%d bytes for %d columns, %d outputs and %d codebooks", len(b), d, m, c)
	}
	if bits < 2 || bits > 8 || flags > flagReLU {
		return bad("settings out of range: %d bits, flags %d", bits, flags)
	}
	f := fitted{columns: int(d), trees: r.trees(int(c)), lut: newLUT(int(m), int(c)),
		rounded: &rounded{signed: make([]int8, m*c*16), scale: make([]float32, m), offset: make([]float32, m)}}
	r.floats(f.rounded.scale)
	r.floats(f.rounded.offset)
	limit := int8(1<<(bits-1) - 1)
	for i, v := range r {
		q := int8(v)
		if q < -limit || q > limit {
			return bad("table entry %d is %d, with %d bits", i, q, bits)
		}
		f.rounded.signed[i] = q
		f.lut.Table.Data[i] = float32(q) * f.rounded.scale[i/(16*int(c))]
	}
	copy(f.lut.Offset.Data, f.rounded.offset)
	for i, s := range f.rounded.scale {
		if !(s >= 0) || math.IsInf(float64(s), 1) {
			return bad("scale %d is %v", i, s)
		}
	}
	if err := f.validate(); err != nil {
		return bad("%v", err)
	}
	op, err := newOperator(&config{codebooks: int(c), bits: int(bits), relu: flags&flagReLU != 0}, f)
	if err != nil {
		return bad("%v", err)
	}
	return op, nil
}
