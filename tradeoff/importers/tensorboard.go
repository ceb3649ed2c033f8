package importers

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// largestEvent is the number of bytes that an event may have. Images and graphs are events too.
const largestEvent = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of the framing of event files.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// isEvents reports whether a file begins as an event file does: a length and its checksum.
func isEvents(head []byte) bool {
	return len(head) >= 12 && masked(head[:8]) == binary.LittleEndian.Uint32(head[8:])
}

// events reads the scalars of an event file of TensorBoard. The run is the folder, seconds count from the first event
// of the file. An event at the end that was cut off is left out: the file of a run that goes on ends anywhere.
func (s Source) events(r io.Reader) ([]runlog.Record, error) {
	var records []runlog.Record
	var frame [12]byte
	start := math.NaN()
	for at := int64(0); ; {
		if _, err := io.ReadFull(r, frame[:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			return nil, s.errorf(": byte %d: %w", at, err)
		}
		if !isEvents(frame[:]) {
			return nil, s.errorf(": byte %d: the checksum of a length does not hold: %w", at, tensor.ErrShape)
		}
		size := binary.LittleEndian.Uint64(frame[:8])
		if size > largestEvent {
			return nil, s.errorf(": byte %d: an event of %d bytes, more than %d: %w", at, size, largestEvent, tensor.ErrRange)
		}
		data, err := io.ReadAll(io.LimitReader(r, int64(size)+4))
		if err != nil {
			return nil, s.errorf(": byte %d: %w", at, err)
		}
		if uint64(len(data)) < size+4 {
			break
		}
		if masked(data[:size]) != binary.LittleEndian.Uint32(data[size:]) {
			return nil, s.errorf(": byte %d: the checksum of an event does not hold: %w", at, tensor.ErrShape)
		}
		var e scalars
		if err := e.parse(data[:size]); err != nil {
			return nil, s.errorf(": byte %d: %w", at, err)
		}
		at += int64(size) + 16
		if start != start {
			start = e.time
		}
		record := evaluation(s.Run())
		if e.step < 0 || e.step > math.MaxInt32 {
			return nil, s.errorf(": byte %d: step is %d: %w", at, e.step, tensor.ErrRange)
		}
		record.Step = int(e.step)
		if seconds := e.time - start; seconds >= 0 {
			record.Cost["seconds"] = seconds
		}
		for _, v := range e.values {
			s.set(&record, v.tag, v.value)
		}
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, s.errorf(": no scalars: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// scalars is what an Event of TensorBoard tells of scalars.
type scalars struct {
	time   float64
	step   int64
	values []scalar
}

type scalar struct {
	tag   string
	value float64
	ok    bool
}

var errWire = errors.New("no message of protocol buffers")

// fields calls f with each field of a message: its number, and its bytes or bits.
func fields(b []byte, f func(n protowire.Number, bits uint64, data []byte) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errWire
		}
		b = b[size:]
		var bits uint64
		var data []byte
		switch kind {
		case protowire.VarintType:
			bits, size = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			bits, size = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, size = protowire.ConsumeFixed32(b)
			bits = uint64(v)
		case protowire.BytesType:
			data, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return errWire
		}
		if err := f(n, bits, data); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// parse reads wall_time (1), step (2) and summary (5) with its values (1).
func (e *scalars) parse(b []byte) error {
	return fields(b, func(n protowire.Number, bits uint64, data []byte) error {
		switch n {
		case 1:
			e.time = math.Float64frombits(bits)
		case 2:
			e.step = int64(bits)
		case 5:
			return fields(data, func(n protowire.Number, _ uint64, data []byte) error {
				if n != 1 {
					return nil
				}
				var v scalar
				err := v.parse(data)
				if v.ok {
					e.values = append(e.values, v)
				}
				return err
			})
		}
		return nil
	})
}

// parse reads tag (1), simple_value (2) and tensor (8) with float_val (5), double_val (6) or tensor_content (4) of one
// number; dtype (1) is 1 for float and 2 for double.
func (v *scalar) parse(b []byte) error {
	return fields(b, func(n protowire.Number, bits uint64, data []byte) error {
		switch n {
		case 1:
			v.tag = string(data)
		case 2:
			v.value, v.ok = float64(math.Float32frombits(uint32(bits))), true
		case 8:
			return v.tensor(data)
		}
		return nil
	})
}

func (v *scalar) tensor(b []byte) error {
	return fields(b, func(n protowire.Number, bits uint64, data []byte) error {
		switch {
		case n == 5 && data == nil:
			v.value, v.ok = float64(math.Float32frombits(uint32(bits))), true
		case n == 6 && data == nil:
			v.value, v.ok = math.Float64frombits(bits), true
		case (n == 4 || n == 5) && len(data) == 4:
			v.value, v.ok = float64(math.Float32frombits(binary.LittleEndian.Uint32(data))), true
		case (n == 4 || n == 6) && len(data) == 8:
			v.value, v.ok = math.Float64frombits(binary.LittleEndian.Uint64(data)), true
		}
		return nil
	})
}
