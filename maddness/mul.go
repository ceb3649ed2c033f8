package maddness

import "github.com/espalier-ml/espalier/tensor"

// The products below take any number of rows, 0 included, work on blocks of them on up to WithWorkers goroutines, and
// give the same bits for any number of those, any split into calls and any kernel. They do not allocate after warm-up.
// NaN goes left in every comparison, and infinities are numbers like others. Errors wrap tensor.ErrShape,
// tensor.ErrRange and tensor.ErrOverlap; nothing is written then.

// Mul sets row n of dst, N x M, to the outputs for row n of a, N x D: both row-major, as activations usually are. Only
// the columns that trees look at are read. NaN goes left in every comparison: [Operator.MulChecked] refuses it.
func (o *Operator) Mul(dst, a tensor.Matrix[float32]) error {
	return o.run(source{a: a}, sink{dst: dst})
}

// MulT sets column n of dst, M x N, to the outputs for column n of a, D x N: both feature-major, which is the fastest
// layout and makes the result of one operator the input of the next.
func (o *Operator) MulT(dst, a tensor.Matrix[float32]) error {
	return o.run(source{a: a, across: true}, sink{dst: dst, across: true})
}

// ArgMax sets dst[n] to the index of the largest output for row n of a, N x D, the first of equals: a classifier's
// decision without its logits. dst has N elements.
func (o *Operator) ArgMax(dst []int32, a tensor.Matrix[float32]) error {
	return o.run(source{a: a}, sink{kind: largest, index: dst})
}

// ArgMaxT is [Operator.ArgMax] for the columns of a, D x N.
func (o *Operator) ArgMaxT(dst []int32, a tensor.Matrix[float32]) error {
	return o.run(source{a: a, across: true}, sink{kind: largest, index: dst})
}

// MulInt8 is [Operator.Mul] with outputs rounded to multiples of unit, which is greater than 0: dst, N x M, is y
// times 1/unit, rounded half to even and clipped to -128..127. A next operator that was fitted to such integers takes
// them with [EncodeInts].
func (o *Operator) MulInt8(dst Ints[int8], a tensor.Matrix[float32], unit float32) error {
	return o.run(source{a: a}, sink{kind: integers, ints: dst, unit: unit})
}

// MulInt8T is [Operator.MulInt8] for the columns of a, D x N, with dst M x N.
func (o *Operator) MulInt8T(dst Ints[int8], a tensor.Matrix[float32], unit float32) error {
	return o.run(source{a: a, across: true}, sink{kind: integers, ints: dst, unit: unit, across: true})
}

// Lookup sets row n of dst, N x M, to the outputs for row n of codes. Operators bound to one [Encoder] share codes.
func (o *Operator) Lookup(dst tensor.Matrix[float32], codes *Codes) error {
	return o.run(source{kind: isCodes, codes: codes}, sink{dst: dst})
}

// LookupT sets column n of dst, M x N, to the outputs for row n of codes.
func (o *Operator) LookupT(dst tensor.Matrix[float32], codes *Codes) error {
	return o.run(source{kind: isCodes, codes: codes}, sink{dst: dst, across: true})
}

// LookupArgMax is [Operator.ArgMax] for codes.
func (o *Operator) LookupArgMax(dst []int32, codes *Codes) error {
	return o.run(source{kind: isCodes, codes: codes}, sink{kind: largest, index: dst})
}

// LookupInt8 is [Operator.MulInt8] for codes.
func (o *Operator) LookupInt8(dst Ints[int8], codes *Codes, unit float32) error {
	return o.run(source{kind: isCodes, codes: codes}, sink{kind: integers, ints: dst, unit: unit})
}

// LookupInt8T is [Operator.MulInt8T] for codes.
func (o *Operator) LookupInt8T(dst Ints[int8], codes *Codes, unit float32) error {
	return o.run(source{kind: isCodes, codes: codes}, sink{kind: integers, ints: dst, unit: unit, across: true})
}

// Encode appends the codes of the rows of a, N x D, to dst. Appending is fastest while dst holds a multiple of 64 rows.
// Errors wrap tensor.ErrShape, also if dst holds rows of another number of codebooks, and leave dst unchanged.
func (o *Operator) Encode(dst *Codes, a tensor.Matrix[float32]) error {
	return o.encode(dst, source{a: a})
}

// EncodeT appends the codes of the columns of a, D x N, to dst, like [Operator.Encode].
func (o *Operator) EncodeT(dst *Codes, a tensor.Matrix[float32]) error {
	return o.encode(dst, source{a: a, across: true})
}
