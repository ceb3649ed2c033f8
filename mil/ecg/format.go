package ecg

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Format is how samples are stored, by its number in WFDB. Those that are read and written are 8 (differences of one
// byte), 16, 24, 32 and 61 (16 with the high byte first), 80 and 160 (8 and 16 bits with an offset), 212 (two of 12
// bits in three bytes), 310 and 311 (three of 10 bits in four).
type Format uint16

// String is the number.
func (f Format) String() string { return strconv.Itoa(int(f)) }

// packing is what a format takes.
type packing struct {
	samples, bytes int // in a group
	invalid        int32
	valid          bool    // false if there is no sample that stands for none
	most           int32   // largest sample; the smallest is the one below -most, or that
	part           [4]int8 // samples in the first bytes of a group
}

var packings = map[Format]packing{
	8:   {1, 1, 0, false, math.MaxInt32, [4]int8{}},
	16:  {1, 2, -1 << 15, true, 1<<15 - 1, [4]int8{}},
	24:  {1, 3, -1 << 23, true, 1<<23 - 1, [4]int8{}},
	32:  {1, 4, -1 << 31, true, 1<<31 - 1, [4]int8{}},
	61:  {1, 2, -1 << 15, true, 1<<15 - 1, [4]int8{}},
	80:  {1, 1, -1 << 7, true, 1<<7 - 1, [4]int8{}},
	160: {1, 2, -1 << 15, true, 1<<15 - 1, [4]int8{}},
	212: {2, 3, -1 << 11, true, 1<<11 - 1, [4]int8{0, 0, 1, 0}},
	310: {3, 4, -1 << 9, true, 1<<9 - 1, [4]int8{0, 0, 1, 1}},
	311: {3, 4, -1 << 9, true, 1<<9 - 1, [4]int8{0, 0, 1, 2}},
}

func (f Format) check() error {
	switch _, known := packings[f]; {
	case known:
		return nil
	case f == 508 || f == 516 || f == 524:
		return fmt.Errorf("format %d is FLAC, which has to be converted with the programs of WFDB: %w", f, ErrFormat)
	}
	return fmt.Errorf("format %d: %w", f, ErrFormat)
}

// samplesIn is how many whole samples a number of bytes holds. A file may end within a group.
func (p packing) samplesIn(bytes int64) int64 {
	n, rest := bytes/int64(p.bytes)*int64(p.samples), bytes%int64(p.bytes)
	if p.samples > 1 {
		n += int64(p.part[rest])
	}
	return n
}

// decode decodes whole groups: dst has as many samples as src holds. Format 8 gives differences.
func (f Format) decode(dst []int32, src []byte) {
	switch f {
	case 8:
		for i := range dst {
			dst[i] = int32(int8(src[i]))
		}
	case 16:
		for i := range dst {
			dst[i] = int32(int16(binary.LittleEndian.Uint16(src[2*i:])))
		}
	case 61:
		for i := range dst {
			dst[i] = int32(int16(binary.BigEndian.Uint16(src[2*i:])))
		}
	case 24:
		for i := range dst {
			b := src[3*i : 3*i+3]
			dst[i] = int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24) >> 8
		}
	case 32:
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case 80:
		for i := range dst {
			dst[i] = int32(src[i]) - 128
		}
	case 160:
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint16(src[2*i:])) - 1<<15
		}
	case 212:
		for i := 0; i+1 < len(dst); i += 2 {
			b := src[i/2*3 : i/2*3+3]
			dst[i] = int32(uint32(b[0])<<20|uint32(b[1])<<28) >> 20
			dst[i+1] = int32(uint32(b[2])<<20|uint32(b[1]&0xF0)<<24) >> 20
		}
	case 310:
		for i := 0; i+2 < len(dst); i += 3 {
			low, high := binary.LittleEndian.Uint16(src[i/3*4:]), binary.LittleEndian.Uint16(src[i/3*4+2:])
			dst[i], dst[i+1] = tenBits(uint32(low>>1)), tenBits(uint32(high>>1))
			dst[i+2] = tenBits(uint32(low>>11 | high>>11<<5))
		}
	case 311:
		for i := 0; i+2 < len(dst); i += 3 {
			w := binary.LittleEndian.Uint32(src[i/3*4:])
			dst[i], dst[i+1], dst[i+2] = tenBits(w), tenBits(w>>10), tenBits(w>>20)
		}
	}
}

func tenBits(w uint32) int32 { return int32(w<<22) >> 22 }

// append encodes samples that fit the format, of which the last group may be cut. Format 8 takes differences.
func (f Format) append(dst []byte, samples []int32) []byte {
	le, p := binary.LittleEndian, packings[f]
	for len(samples) > 0 {
		var s [3]uint32
		n := min(len(samples), p.samples)
		for i, v := range samples[:n] {
			s[i] = uint32(v)
		}
		start := len(dst)
		switch f {
		case 8:
			dst = append(dst, byte(s[0]))
		case 16:
			dst = le.AppendUint16(dst, uint16(s[0]))
		case 61:
			dst = binary.BigEndian.AppendUint16(dst, uint16(s[0]))
		case 24:
			dst = append(dst, byte(s[0]), byte(s[0]>>8), byte(s[0]>>16))
		case 32:
			dst = le.AppendUint32(dst, s[0])
		case 80:
			dst = append(dst, byte(s[0]+128))
		case 160:
			dst = le.AppendUint16(dst, uint16(s[0]+1<<15))
		case 212:
			dst = append(dst, byte(s[0]), byte(s[0]>>8&0x0F|s[1]>>4&0xF0), byte(s[1]))
		case 310:
			dst = le.AppendUint16(dst, uint16(s[0]&0x3FF<<1|s[2]&0x1F<<11))
			dst = le.AppendUint16(dst, uint16(s[1]&0x3FF<<1|s[2]>>5&0x1F<<11))
		case 311:
			dst = le.AppendUint32(dst, s[0]&0x3FF|s[1]&0x3FF<<10|s[2]&0x3FF<<20)
		}
		if n < p.samples { // only the bytes that hold what there is
			bytes := 0
			for p.samplesIn(int64(bytes)) < int64(n) {
				bytes++
			}
			dst = dst[:start+bytes]
		}
		samples = samples[n:]
	}
	return dst
}
