package ecg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Annotations is an annotation file.
type Annotations struct {
	// Rate is how many samples per second the numbers of samples count, if the file says; else 0, and they count frames
	// of the record.
	Rate  float64
	Items []Annotation
}

// Annotation is a label of a sample.
type Annotation struct {
	Sample  int64
	Code    Code
	Subtype int8
	Channel uint8
	Number  int8
	Aux     string // up to 255 bytes, such as the rhythm that begins
}

// Code is what an annotation says, by its number in WFDB, 1 to 49, or up to 58 for codes of one's own.
type Code uint8

// The codes that this package looks at or writes.
const (
	NormalBeat      Code = 1
	AtrialEarly     Code = 8 // premature atrial beat
	VentricularBeat Code = 5 // premature ventricular beat
	Artifact        Code = 16
	Note            Code = 22
	Rhythm          Code = 28
)

// symbols are what programs of WFDB write for codes.
var symbols = [50]string{1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j",
	12: "/", 13: "Q", 14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: `"`, 23: "=", 24: "p", 25: "B", 26: "^",
	27: "t", 28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(",
	40: ")", 41: "r"}

// String is the symbol, such as "N" or "V", or the number of a code that has none.
func (c Code) String() string {
	if int(c) < len(symbols) && symbols[c] != "" {
		return symbols[c]
	}
	return strconv.Itoa(int(c))
}

// Beat reports whether the annotation is of a beat, and not of a rhythm, a wave or the signal.
func (c Code) Beat() bool {
	return c >= 1 && c <= 13 || c == 25 || c >= 34 && c <= 35 || c == 38 || c == 41 || c == 30
}

// Normal reports whether the beat is one whose intervals count in the variability of the heart rate: normal, or with a
// block of a bundle branch.
func (c Code) Normal() bool { return c >= 1 && c <= 3 || c == 25 }

// What a word of the file means instead of an annotation.
const (
	wordSkip    = 59
	wordNumber  = 60
	wordSubtype = 61
	wordChannel = 62
	wordAux     = 63
)

const (
	resolutionNote = "## time resolution: "
	definitions    = "## annotation type definitions"
	definitionsEnd = "## end of definitions"
)

// ReadAnnotations reads an annotation file. The notes in which it keeps its resolution and definitions of types are no
// annotations. The error wraps [ErrAnnotations] or, with those before, [ErrTruncated] if the end is missing.
func ReadAnnotations(r io.Reader) (Annotations, error) {
	p := annotationParser{r: bufio.NewReader(r)}
	for {
		more, err := p.word()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = ErrTruncated
			}
			return p.result(), fmt.Errorf("ecg: ReadAnnotations: after %d annotations: %w", len(p.items), err)
		}
		if !more {
			return p.result(), nil
		}
	}
}

type annotationParser struct {
	r       *bufio.Reader
	items   []Annotation
	time    int64
	channel uint8
	number  int8
}

// word reads a word and what belongs to it.
func (p *annotationParser) word() (more bool, err error) {
	w, err := p.uint16()
	if err != nil {
		return false, err
	}
	code, value := Code(w>>10), int64(w&0x3FF)
	switch {
	case w == 0:
		return false, nil
	case code == wordSkip:
		high, err := p.uint16()
		if err != nil {
			return false, err
		}
		low, err := p.uint16()
		if err != nil {
			return false, err
		}
		return true, p.advance(int64(int32(uint32(high)<<16 | uint32(low))))
	case code >= wordNumber:
		return true, p.field(code, value)
	}
	if err := p.advance(value); err != nil || code == 0 {
		return true, err
	}
	p.items = append(p.items, Annotation{Sample: p.time, Code: code, Channel: p.channel, Number: p.number})
	return true, nil
}

// advance moves the time.
func (p *annotationParser) advance(by int64) error {
	if by > 0 && p.time > math.MaxInt64-by || by < 0 && p.time < math.MinInt64-by {
		return fmt.Errorf("a time beyond 64 bits: %w", ErrAnnotations)
	}
	p.time += by
	return nil
}

// field reads what is said of the last annotation. Channel and number hold for those that follow.
func (p *annotationParser) field(code Code, value int64) error {
	var aux []byte
	if code == wordAux {
		aux = make([]byte, value+value%2)
		if _, err := io.ReadFull(p.r, aux); err != nil {
			return io.ErrUnexpectedEOF
		}
		aux = aux[:value]
	}
	if len(p.items) == 0 {
		return fmt.Errorf("a field before all annotations: %w", ErrAnnotations)
	}
	last := &p.items[len(p.items)-1]
	switch code {
	case wordNumber:
		p.number = int8(value)
		last.Number = p.number
	case wordSubtype:
		last.Subtype = int8(value)
	case wordChannel:
		p.channel = uint8(value)
		last.Channel = p.channel
	case wordAux:
		if end := bytes.IndexByte(aux, 0); end >= 0 {
			aux = aux[:end]
		}
		last.Aux = string(aux)
	}
	return nil
}

func (p *annotationParser) uint16() (uint16, error) {
	low, err := p.r.ReadByte()
	if err != nil {
		return 0, err
	}
	high, err := p.r.ReadByte()
	if err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	return uint16(low) | uint16(high)<<8, nil
}

// result takes out the notes that are no annotations.
func (p *annotationParser) result() Annotations {
	a := Annotations{}
	inside := false
	for _, item := range p.items {
		note := item.Code == Note && item.Sample == 0
		rate, timed := strings.CutPrefix(item.Aux, resolutionNote)
		switch {
		case note && timed && a.Rate == 0:
			if v, err := strconv.ParseFloat(strings.TrimSpace(rate), 64); err == nil && v > 0 && v-v == 0 {
				a.Rate = v
				continue
			}
		case note && item.Aux == definitions:
			inside = true
			continue
		case note && item.Aux == definitionsEnd:
			inside = false
			continue
		case note && inside:
			continue
		}
		a.Items = append(a.Items, item)
	}
	return a
}

// At returns the annotations with samples counted at another rate, such as that of the record, to the nearest. rate is
// that of the samples if the file did not say. The error wraps [tensor.ErrRange] for a rate that is not above 0.
func (a Annotations) At(rate, to float64) (Annotations, error) {
	if a.Rate > 0 {
		rate = a.Rate
	}
	if !(rate > 0) || !(to > 0) || math.IsInf(rate, 1) || math.IsInf(to, 1) {
		return Annotations{}, fmt.Errorf("ecg: Annotations.At: from %v to %v a second: %w", rate, to, tensor.ErrRange)
	}
	out := Annotations{to, slices.Clone(a.Items)}
	if rate != to {
		for i := range out.Items {
			out.Items[i].Sample = int64(math.Round(float64(out.Items[i].Sample) / rate * to))
		}
	}
	return out, nil
}

// WriteAnnotations writes an annotation file, with a note of the resolution if there is one. The error wraps
// [tensor.ErrRange] for a code, or an interval or text that a file cannot hold, before anything is written.
func WriteAnnotations(w io.Writer, a Annotations) error {
	p := annotationWriter{}
	if a.Rate > 0 {
		p.item(Annotation{Code: Note, Aux: resolutionNote + strconv.FormatFloat(a.Rate, 'g', -1, 64)})
	}
	for i, item := range a.Items {
		by := item.Sample - p.time
		switch {
		case item.Code < 1 || item.Code >= wordSkip:
			return fmt.Errorf("ecg: WriteAnnotations: Items[%d].Code = %d: %w", i, item.Code, tensor.ErrRange)
		case by != int64(int32(by)):
			return fmt.Errorf("ecg: WriteAnnotations: Items[%d].Sample = %d, %d after the one before: %w", i,
				item.Sample, by,
				tensor.ErrRange)
		case len(item.Aux) > 255 || strings.ContainsRune(item.Aux, 0):
			return fmt.Errorf("ecg: WriteAnnotations: Items[%d].Aux = %.40q: %w", i, item.Aux, tensor.ErrRange)
		}
		p.item(item)
	}
	p.put(0, 0)
	_, err := w.Write(p.bytes)
	return err
}

type annotationWriter struct {
	bytes   []byte
	time    int64
	channel uint8
	number  int8
}

func (p *annotationWriter) put(code Code, value int64) {
	w := uint16(code)<<10 | uint16(value)&0x3FF
	p.bytes = append(p.bytes, byte(w), byte(w>>8))
}

// skip moves the time by what a word has no room for.
func (p *annotationWriter) skip(by int64) {
	p.put(wordSkip, 0)
	p.bytes = append(p.bytes, byte(by>>16), byte(by>>24), byte(by), byte(by>>8))
}

func (p *annotationWriter) item(a Annotation) {
	by := a.Sample - p.time
	if by < 0 || by > 0x3FF {
		p.skip(by)
		by = 0
	}
	p.time = a.Sample
	p.put(a.Code, by)
	if a.Subtype != 0 {
		p.put(wordSubtype, int64(uint8(a.Subtype)))
	}
	if a.Channel != p.channel {
		p.channel = a.Channel
		p.put(wordChannel, int64(a.Channel))
	}
	if a.Number != p.number {
		p.number = a.Number
		p.put(wordNumber, int64(uint8(a.Number)))
	}
	if a.Aux != "" {
		p.put(wordAux, int64(len(a.Aux)))
		p.bytes = append(p.bytes, a.Aux...)
		if len(a.Aux)%2 == 1 {
			p.bytes = append(p.bytes, 0)
		}
	}
}
