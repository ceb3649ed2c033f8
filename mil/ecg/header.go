package ecg

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Header is what a WFDB header file says of a record.
type Header struct {
	Name     string
	Segments []Segment // of a record in several; nil otherwise
	Signals  []Signal  // nil of a record in segments
	Count    int       // of signals; of a record in segments there are no others to count
	Rate     float64   // frames per second; 250 if the header does not say
	Frames   int       // 0 if the header does not say

	CounterRate, CounterBase float64 // of another clock, such as a tape's; the rate and 0 if the header does not say

	Clock string // time of day at the start, as written; "" if there is none
	Date  string // as written; "" if there is none

	Comments []string // without their marks
	Warnings []string // what could be left aside: a date that is no date
}

// Segment is a part of a record: a record of its own, or a gap.
type Segment struct {
	Name   string // "~" for a gap
	Frames int    // 0 of the first one if it holds the layout of the others
}

// Gap reports whether nothing was recorded.
func (s Segment) Gap() bool { return s.Name == "~" }

// Signal is what a header says of a signal.
type Signal struct {
	File     string // "~" of a signal that is not there
	Format   Format
	PerFrame int     // samples in a frame
	Skew     int     // frames by which the stored samples are late
	Offset   int64   // bytes before the first sample in the file
	Gain     float64 // digital units per physical unit, 200 if the header does not say; may be negative
	Baseline int     // digital value of 0 physical units
	Units    string  // "mV" if the header does not say
	Bits     int     // resolution of the converter; 0 if the header does not say
	Zero     int     // digital value in the middle of its range
	Initial  int     // first sample
	Checksum *uint16 // of all stored samples, modulo 65536; nil if the header does not say
	Block    int     // size of blocks that the file must be read in; 0 for any
	Name     string  // "" if the header does not say
}

const (
	maxHeader     = 16 << 20 // bytes
	defaultRate   = 250
	defaultGain   = 200
	maxPerFrame   = 1 << 16
	maxFrameWidth = 1 << 20 // samples of all signals

	maxFrames int64 = 1 << 40 // so that products with the width are 64-bit numbers
)

// ReadHeader reads a header file. The error wraps [ErrHeader] and names the line; a date or time of day that cannot be
// read is a warning, since many are written wrongly.
func ReadHeader(r io.Reader) (Header, error) {
	p := headerParser{}
	lines := bufio.NewScanner(io.LimitReader(r, maxHeader+1))
	lines.Buffer(nil, 1<<20)
	read := 0
	for lines.Scan() {
		p.line++
		if read += len(lines.Bytes()) + 1; read > maxHeader {
			return Header{}, fmt.Errorf("ecg: ReadHeader: more than %d bytes: %w", maxHeader, ErrHeader)
		}
		if err := p.parse(strings.TrimSpace(lines.Text())); err != nil {
			return Header{}, fmt.Errorf("ecg: ReadHeader: line %d: %w", p.line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Header{}, fmt.Errorf("ecg: ReadHeader: after line %d: %w", p.line, err)
	}
	if err := p.finish(); err != nil {
		return Header{}, fmt.Errorf("ecg: ReadHeader: %w", err)
	}
	return p.h, nil
}

type headerParser struct {
	h    Header
	line int
	segs int // how many the record line says
}

func (p *headerParser) parse(line string) error {
	switch {
	case line == "":
		return nil
	case line[0] == '#':
		p.h.Comments = append(p.h.Comments, strings.TrimLeft(line, "# \t"))
		return nil
	case p.h.Name == "":
		return p.record(line)
	case p.segs > 0:
		return p.segment(line)
	case len(p.h.Signals) == p.h.Count:
		return fmt.Errorf("%.60q after %d signals: %w", line, p.h.Count, ErrHeader)
	}
	s, err := parseSignal(line)
	p.h.Signals = append(p.h.Signals, s)
	return err
}

// record reads the line with the name, the counts, the rates and the start.
func (p *headerParser) record(line string) error {
	fields := strings.Fields(line)
	name, segments, several := strings.Cut(fields[0], "/")
	h := &p.h
	h.Name, h.Rate = name, defaultRate
	var err error
	if several {
		if p.segs, err = count("number of segments", segments, 1); err != nil {
			return err
		}
	}
	if name == "" || len(fields) < 2 {
		return fmt.Errorf("%.60q, want a name and a number of signals: %w", line, ErrHeader)
	}
	if h.Count, err = count("number of signals", fields[1], 0); err != nil {
		return err
	}
	fields = fields[2:]
	if len(fields) > 0 {
		if err := h.rates(fields[0]); err != nil {
			return err
		}
		fields = fields[1:]
	}
	if h.CounterRate == 0 {
		h.CounterRate = h.Rate
	}
	if len(fields) > 0 && !strings.ContainsAny(fields[0], ":/-") {
		if h.Frames, err = count("number of frames", fields[0], 0); err != nil {
			return err
		}
		fields = fields[1:]
	}
	for _, f := range fields { // in either order
		if strings.Contains(f, ":") && h.Clock == "" {
			h.Clock = f
		} else {
			h.Date = strings.TrimSpace(h.Date + " " + f)
		}
	}
	if _, ok := parseClock(h.Clock); !ok && h.Clock != "" {
		h.Warnings = append(h.Warnings, fmt.Sprintf("time of day %.40q is none", h.Clock))
	}
	if _, ok := parseDate(h.Date); !ok && h.Date != "" {
		h.Warnings = append(h.Warnings, fmt.Sprintf("date %.40q is none that can be told", h.Date))
	}
	return nil
}

// rates reads frames per second, and those of a counter with its base in brackets.
func (h *Header) rates(field string) error {
	rate, counter, other := strings.Cut(field, "/")
	var err error
	if h.Rate, err = positive("rate", rate); err != nil {
		return err
	}
	if !other {
		return nil
	}
	counter, base, based := strings.Cut(counter, "(")
	if h.CounterRate, err = positive("rate of the counter", counter); err != nil {
		return err
	}
	if based {
		h.CounterBase, err = number("base of the counter", strings.TrimSuffix(base, ")"))
	}
	return err
}

func (p *headerParser) segment(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 2 {
		return fmt.Errorf("%.60q, want the name of a segment and its length: %w", line, ErrHeader)
	}
	n, err := count("length of the segment", fields[1], 0)
	if len(p.h.Segments) == p.segs {
		return fmt.Errorf("segment %q after %d segments: %w", fields[0], p.segs, ErrHeader)
	}
	p.h.Segments = append(p.h.Segments, Segment{fields[0], n})
	return err
}

func (p *headerParser) finish() error {
	h := &p.h
	switch {
	case h.Name == "":
		return fmt.Errorf("no line for the record: %w", ErrHeader)
	case len(h.Segments) != p.segs:
		return fmt.Errorf("record %s says %d segments and lists %d: %w", h.Name, p.segs, len(h.Segments), ErrHeader)
	case p.segs == 0 && len(h.Signals) != h.Count:
		return fmt.Errorf("record %s says %d signals and lists %d: %w", h.Name, h.Count, len(h.Signals), ErrHeader)
	}
	width, total := 0, 0
	for _, s := range h.Signals {
		width += s.PerFrame
	}
	if width > maxFrameWidth {
		return fmt.Errorf("%d samples in a frame: %w", width, ErrHeader)
	}
	for i, s := range h.Segments {
		if s.Frames == 0 && (i > 0 || s.Gap()) {
			return fmt.Errorf("segment %d, %s, has no length: %w", i, s.Name, ErrHeader)
		}
		if int64(s.Frames) > maxFrames || int64(total) > min(maxFrames, math.MaxInt)-int64(s.Frames) {
			return fmt.Errorf("segment %d, %s, has %d frames: %w", i, s.Name, s.Frames, ErrHeader)
		}
		total += s.Frames
	}
	if int64(h.Frames) > maxFrames {
		return fmt.Errorf("record %s says %d frames: %w", h.Name, h.Frames, ErrHeader)
	}
	if p.segs > 0 && h.Frames > 0 && total != h.Frames {
		return fmt.Errorf("record %s says %d frames and its segments have %d: %w", h.Name, h.Frames, total, ErrHeader)
	}
	if p.segs > 0 {
		h.Frames = total
	}
	return nil
}

// parseSignal reads the line of a signal. All fields after the format may be missing, and the last is the rest.
func parseSignal(line string) (Signal, error) {
	s := Signal{PerFrame: 1, Gain: defaultGain, Units: "mV"}
	var fields [8]string
	n := 0
	for rest := line; n < len(fields) && rest != ""; n++ {
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		fields[n] = rest[:end]
		rest = strings.TrimLeft(rest[end:], " \t")
		s.Name = rest
	}
	if n < 2 {
		return s, fmt.Errorf("%.60q, want a file and a format: %w", line, ErrHeader)
	}
	s.File = fields[0]
	if err := s.format(fields[1]); err != nil {
		return s, err
	}
	based, err := s.scale(fields[2])
	if err != nil {
		return s, err
	}
	for i, to := range map[int]*int{3: &s.Bits, 4: &s.Zero, 5: &s.Initial, 7: &s.Block} {
		if *to, err = integer(fields[i]); err != nil {
			return s, err
		}
	}
	if n < 6 {
		s.Initial = s.Zero
	}
	if !based {
		s.Baseline = s.Zero
	}
	if fields[6] != "" {
		sum, err := integer(fields[6])
		if err != nil {
			return s, err
		}
		stored := uint16(sum)
		s.Checksum = &stored
	}
	return s, nil
}

// format reads "212x4:3+24": the format, samples in a frame, skew and offset.
func (s *Signal) format(field string) error {
	rest := field
	var err error
	take := func(mark byte) string {
		at := strings.LastIndexByte(rest, mark)
		if at < 0 {
			return ""
		}
		value := rest[at+1:]
		rest = rest[:at]
		return value
	}
	if offset := take('+'); offset != "" {
		if s.Offset, err = strconv.ParseInt(offset, 10, 64); err != nil || s.Offset < 0 {
			return fmt.Errorf("format %.40q has no offset: %w", field, ErrHeader)
		}
	}
	if skew := take(':'); skew != "" {
		if s.Skew, err = count("skew", skew, 0); err != nil {
			return err
		}
	}
	if per := take('x'); per != "" {
		if s.PerFrame, err = count("samples in a frame", per, 1); err != nil || s.PerFrame > maxPerFrame {
			return fmt.Errorf("format %.40q has no samples in a frame: %w", field, ErrHeader)
		}
	}
	code, err := count("format", rest, 0)
	if err != nil || code > math.MaxUint16 {
		return fmt.Errorf("format %.40q is no number: %w", field, ErrHeader)
	}
	s.Format = Format(code)
	return nil
}

// scale reads "5948.85(1)/l/min": the gain, the baseline and units.
func (s *Signal) scale(field string) (based bool, err error) {
	if field == "" {
		return false, nil
	}
	gain, units, named := strings.Cut(field, "/")
	if named {
		s.Units = units
	}
	gain, base, based := strings.Cut(gain, "(")
	if based {
		if s.Baseline, err = integer(strings.TrimSuffix(base, ")")); err != nil {
			return based, err
		}
	}
	if s.Gain, err = number("gain", gain); err != nil {
		return based, err
	}
	if s.Gain == 0 {
		s.Gain = defaultGain
	}
	return based, nil
}

func count(name, text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s %.40q, want a whole number of %d or more: %w", name, text, least, ErrHeader)
	}
	return n, nil
}

// integer is a number of 32 bits, 0 if there is none.
func integer(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%.40q, want a whole number of 32 bits: %w", text, ErrHeader)
	}
	return int(n), nil
}

func number(name, text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v-v != 0 {
		return 0, fmt.Errorf("%s %.40q, want a number: %w", name, text, ErrHeader)
	}
	return v, nil
}

func positive(name, text string) (float64, error) {
	v, err := number(name, text)
	if err == nil && v <= 0 {
		err = fmt.Errorf("%s %v, want more than 0: %w", name, v, ErrHeader)
	}
	return v, err
}

// Start is when the record begins, in an unnamed zone. It is false unless the header has both a time of day and a date
// with day, month and a year of four digits.
func (h Header) Start() (time.Time, bool) {
	date, dated := parseDate(h.Date)
	clock, timed := parseClock(h.Clock)
	if !dated || !timed {
		return time.Time{}, false
	}
	return date.Add(clock), true
}

// parseClock reads "8:26:04", "1:56:25.894", "31:25.894" (minutes and seconds) and "0:00".
func parseClock(text string) (time.Duration, bool) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	seconds := 0.0
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		last := i == len(parts)-1
		if err != nil || !(v >= 0 && v < 1e6) || !last && v != math.Trunc(v) || i > 0 && v >= 60 {
			return 0, false
		}
		seconds = 60*seconds + v
	}
	return time.Duration(math.Round(seconds * 1e9)), seconds < 1e8
}

// parseDate reads "26/10/1994" and "05-May-2020".
func parseDate(text string) (time.Time, bool) {
	for _, layout := range []string{"2/1/2006", "2-Jan-2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
