package maddness

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"unsafe"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// source is where rows come from: one of its views, or codes.
type source struct {
	across bool // feature-major
	a      tensor.Matrix[float32]
	kind   elementKind
	int8   Ints[int8]
	uint8  Ints[uint8]
	int16  Ints[int16]
	codes  *Codes
}

type elementKind uint8

const (
	isFloat elementKind = iota
	isInt8
	isUint8
	isInt16
	isCodes
)

// sink is where results go.
type sink struct {
	kind   sinkKind
	across bool // feature-major
	dst    tensor.Matrix[float32]
	index  []int32
	ints   Ints[int8]
	unit   float32
	packed []byte
}

type sinkKind uint8

const (
	floats sinkKind = iota
	largest
	integers
	packed
)

// run checks both ends and sends all rows through.
func (o *Operator) run(in source, out sink) error {
	rows, err := in.check(o)
	if err == nil {
		err = out.check(o, &in, rows)
	}
	if err != nil || rows == 0 {
		return err
	}
	o.blocks(in, out, rows)
	return nil
}

// encode appends the codes of all rows to dst.
func (o *Operator) encode(dst *Codes, in source) error {
	rows, err := in.check(o)
	switch {
	case err != nil:
		return err
	case dst == nil:
		return fmt.Errorf("maddness: codes are nil: %w", tensor.ErrEmpty)
	case dst.rows > 0 && dst.codebooks != o.codebooks:
		return fmt.Errorf("maddness: dst holds codes of %d codebooks, the operator has %d: %w",
			dst.codebooks, o.codebooks, tensor.ErrShape)
	case rows == 0:
		return nil
	}
	dst.codebooks = o.codebooks
	first := dst.rows
	dst.extend(rows)
	if at := kernel.CodesLen(first, o.codebooks); first%kernel.Block == 0 {
		o.blocks(in, sink{kind: packed, packed: dst.packed[at:]}, rows)
		return nil
	}
	own := buffers.Get().(*buffer)
	bytes := own.bytes(kernel.CodesLen(rows, o.codebooks))
	o.blocks(in, sink{kind: packed, packed: bytes}, rows)
	for i := range rows {
		for c := range o.codebooks {
			kernel.SetCode(dst.packed, dst.rows, o.codebooks, first+i, c, kernel.CodeAt(bytes, rows, o.codebooks, i, c))
		}
	}
	buffers.Put(own)
	return nil
}

// job is one call, whose blocks of rows goroutines share.
type job struct {
	o    *Operator
	in   source
	out  sink
	step func(lo, hi int) // block, bound once so that a call does not allocate
}

var jobs = sync.Pool{New: func() any {
	j := new(job)
	j.step = j.block
	return j
}}

// codeBytes is how much of the second-level cache the codes of a block may take while outputs pass over them, and
// shares how many blocks each goroutine has at least, so that all end together. Below smallWork, counted in table
// entries, a call takes less than some 60 microseconds, and another goroutine would start too late to help. A code
// costs as much as encodeWork entries, or as encodeRowWork where rows must be read from memory in whole, and a result
// as much as writeWork.
const (
	codeBytes     = 64 << 10
	shares        = 4
	encodeWork    = 32
	encodeRowWork = 600
	writeWork     = 4
	smallWork     = 7e6
)

func (o *Operator) blocks(in source, out sink, rows int) {
	workers := o.workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	encode := encodeWork
	if !in.across && in.kind != isCodes {
		encode = encodeRowWork
	}
	work := float64(rows) * float64(o.codebooks*(o.outputs+encode)+writeWork*o.outputs)
	workers = sharing.Workers(workers, work, smallWork)
	blocks := codeBytes / kernel.CodesLen(kernel.Block, o.codebooks)
	if workers > 1 {
		blocks = min(blocks, rows/(shares*workers*kernel.Block))
	}
	j := jobs.Get().(*job)
	j.o, j.in, j.out = o, in, out
	tensor.ParallelWorkers(workers, rows, max(1, blocks)*kernel.Block, j.step)
	j.o, j.in, j.out = nil, source{}, sink{}
	jobs.Put(j)
}

// block sends rows [lo, hi) through; lo is a multiple of kernel.Block.
func (j *job) block(lo, hi int) {
	o, n := j.o, hi-lo
	at, end := kernel.CodesLen(lo, o.codebooks), kernel.CodesLen(hi, o.codebooks)
	switch {
	case j.out.kind == packed:
		j.in.encode(o.encoder, j.out.packed[at:end], lo, n)
	case j.in.kind == isCodes:
		j.out.write(o, j.in.codes.packed[at:end], lo, n)
	default:
		own := buffers.Get().(*buffer)
		bytes := own.bytes(end - at)
		j.in.encode(o.encoder, bytes, lo, n)
		j.out.write(o, bytes, lo, n)
		buffers.Put(own)
	}
}

// encode writes the codes of n rows from lo on.
func (s *source) encode(e *kernel.Encoder, packed []byte, lo, n int) {
	switch s.kind {
	case isFloat:
		if s.across {
			e.Cols(packed, s.a.Data[lo:], s.a.Stride, n)
		} else {
			e.Rows(packed, s.a.Data[lo*s.a.Stride:], s.a.Stride, n)
		}
	case isInt8:
		encodeInts(e, packed, s.int8, s.across, lo, n)
	case isUint8:
		encodeInts(e, packed, s.uint8, s.across, lo, n)
	case isInt16:
		encodeInts(e, packed, s.int16, s.across, lo, n)
	}
}

func encodeInts[T Integer](e *kernel.Encoder, packed []byte, a Ints[T], across bool, lo, n int) {
	if across {
		kernel.ColsInt(e, packed, a.Data[lo:], a.Stride, n)
	} else {
		kernel.RowsInt(e, packed, a.Data[lo*a.Stride:], a.Stride, n)
	}
}

// write writes the outputs for the codes of n rows to rows from lo on.
func (s *sink) write(o *Operator, packed []byte, lo, n int) {
	switch {
	case s.kind == largest:
		o.tables.ArgMax(s.index[lo:lo+n], packed, n, o.scale, o.offset)
	case s.kind == integers && s.across:
		o.tables.ColsInt8(s.ints.Data[lo:], s.ints.Stride, packed, n, o.scale, o.offset, s.unit, o.relu)
	case s.kind == integers:
		o.tables.RowsInt8(s.ints.Data[lo*s.ints.Stride:], s.ints.Stride, packed, n, o.scale, o.offset, s.unit, o.relu)
	case s.across:
		o.tables.Cols(s.dst.Data[lo:], s.dst.Stride, packed, n, o.scale, o.offset, o.relu)
	default:
		o.tables.Rows(s.dst.Data[lo*s.dst.Stride:], s.dst.Stride, packed, n, o.scale, o.offset, o.relu)
	}
}

// check judges the source and returns its number of rows.
func (s *source) check(o *Operator) (rows int, err error) {
	if o.codebooks == 0 {
		return 0, fmt.Errorf("maddness: the operator is its zero value, neither fitted nor read: %w", tensor.ErrEmpty)
	}
	if s.kind == isCodes {
		if s.codes == nil {
			return 0, fmt.Errorf("maddness: codes are nil: %w", tensor.ErrEmpty)
		}
		if s.codes.rows > 0 && s.codes.codebooks != o.codebooks {
			return 0, fmt.Errorf("maddness: codes of %d codebooks, the operator has %d: %w",
				s.codes.codebooks, o.codebooks, tensor.ErrShape)
		}
		return s.codes.rows, nil
	}
	var columns int
	switch s.kind {
	case isFloat:
		rows, columns, err = s.a.Rows, s.a.Cols, s.a.Validate()
	case isInt8:
		rows, columns, err = s.int8.Rows, s.int8.Cols, s.int8.Validate()
	case isUint8:
		rows, columns, err = s.uint8.Rows, s.uint8.Cols, s.uint8.Validate()
	case isInt16:
		rows, columns, err = s.int16.Rows, s.int16.Cols, s.int16.Validate()
	}
	if s.across {
		rows, columns = columns, rows
	}
	if err != nil {
		return 0, fmt.Errorf("maddness: a: %w", err)
	}
	if columns != o.columns {
		return 0, fmt.Errorf("maddness: a has rows of %d columns, the operator was fitted to %d: %w",
			columns, o.columns, tensor.ErrShape)
	}
	return rows, nil
}

// check judges the sink for results of the given number of rows.
func (s *sink) check(o *Operator, in *source, rows int) error {
	r, c, err := s.dst.Rows, s.dst.Cols, error(nil)
	switch s.kind {
	case largest:
		if len(s.index) != rows {
			return fmt.Errorf("maddness: dst has %d elements for %d rows: %w", len(s.index), rows, tensor.ErrShape)
		}
		r, c = rows, o.outputs
	case integers:
		if !(s.unit > 0) || math.IsInf(float64(s.unit), 1) {
			return fmt.Errorf("maddness: unit is %v, want a finite number above 0: %w", s.unit, tensor.ErrRange)
		}
		r, c, err = s.ints.Rows, s.ints.Cols, s.ints.Validate()
	default:
		err = s.dst.Validate()
	}
	if err != nil {
		return fmt.Errorf("maddness: dst: %w", err)
	}
	if s.across {
		r, c = c, r
	}
	if r != rows || c != o.outputs {
		return fmt.Errorf("maddness: dst has %d rows of %d outputs, want %d of %d: %w",
			r, c, rows, o.outputs, tensor.ErrShape)
	}
	if s.memory().overlaps(in.memory()) {
		return fmt.Errorf("maddness: dst shares memory with a: %w", tensor.ErrOverlap)
	}
	return nil
}

// span is where the elements of a view lie.
type span struct {
	start              uintptr
	rows, cols, stride uintptr // in bytes, rows in number
}

func spanOf[T any](rows, cols, stride int, data []T) span {
	size := unsafe.Sizeof(*new(T))
	return span{uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(rows), uintptr(cols) * size,
		uintptr(stride) * size}
}

func (s *source) memory() span {
	switch {
	case s.kind == isCodes:
		return span{}
	case s.kind == isInt8:
		return spanOf(s.int8.Rows, s.int8.Cols, s.int8.Stride, s.int8.Data)
	case s.kind == isUint8:
		return spanOf(s.uint8.Rows, s.uint8.Cols, s.uint8.Stride, s.uint8.Data)
	case s.kind == isInt16:
		return spanOf(s.int16.Rows, s.int16.Cols, s.int16.Stride, s.int16.Data)
	}
	return spanOf(s.a.Rows, s.a.Cols, s.a.Stride, s.a.Data)
}

func (s *sink) memory() span {
	switch s.kind {
	case largest:
		return spanOf(1, len(s.index), len(s.index), s.index)
	case integers:
		return spanOf(s.ints.Rows, s.ints.Cols, s.ints.Stride, s.ints.Data)
	}
	return spanOf(s.dst.Rows, s.dst.Cols, s.dst.Stride, s.dst.Data)
}

// overlaps reports whether two views share an element. Different columns of one parent do not.
func (s span) overlaps(t span) bool {
	if s.rows*s.cols == 0 || t.rows*t.cols == 0 {
		return false
	}
	if t.start < s.start {
		s, t = t, s
	}
	d := t.start - s.start
	if d >= (s.rows-1)*s.stride+s.cols {
		return false
	}
	if s.stride != t.stride || s.rows == 1 || t.rows == 1 {
		return true
	}
	c := d % s.stride
	return c < s.cols || c+t.cols > s.stride
}
