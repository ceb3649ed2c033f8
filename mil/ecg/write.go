package ecg

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// WriteRecord writes a record in one segment, all signals in one file: header gets the header and data the samples of
// signals, in physical units, NaN where nothing was recorded. h has a name, a rate and for each signal its format, the
// same for all; a gain of 0 is 200 per unit, and no units are millivolts. Frames, files, first samples and checksums
// are filled in. Skews and offsets are not written.
//
// The error wraps [tensor.ErrShape], [ErrFormat], or [tensor.ErrRange] for a value that the format cannot hold, before
// anything is written.
func WriteRecord[T tensor.Float](header, data io.Writer, h Header, samples [][]T) error {
	lengths := make([]int, len(samples))
	for i, list := range samples {
		lengths[i] = len(list)
	}
	w, err := newRecordWriter(h, lengths)
	if err != nil {
		return err
	}
	digital := make([][]int32, len(samples))
	for i, list := range samples {
		if digital[i], err = w.quantise(i, func(at int) float64 { return float64(list[at]) }, len(list)); err != nil {
			return err
		}
	}
	if err := w.interleave(digital); err != nil {
		return err
	}
	if _, err := io.WriteString(header, w.text()); err != nil {
		return err
	}
	_, err = data.Write(w.bytes)
	return err
}

type recordWriter struct {
	h     Header
	bytes []byte
}

func newRecordWriter(h Header, lengths []int) (*recordWriter, error) {
	w := &recordWriter{h: h}
	w.h.Signals = slices.Clone(h.Signals)
	if len(h.Signals) != len(lengths) {
		return nil, fmt.Errorf("ecg: WriteRecord: %d signals and samples of %d: %w", len(h.Signals), len(lengths),
			tensor.ErrShape)
	}
	if h.Name == "" || strings.ContainsAny(h.Name, " \t\r\n/#") {
		return nil, fmt.Errorf("ecg: WriteRecord: name %q: %w", h.Name, tensor.ErrRange)
	}
	if !(h.Rate > 0) || math.IsInf(h.Rate, 1) {
		return nil, fmt.Errorf("ecg: WriteRecord: %v frames per second: %w", h.Rate, tensor.ErrRange)
	}
	for i, n := range lengths {
		s := &w.h.Signals[i]
		s.PerFrame = max(1, s.PerFrame)
		if i == 0 {
			w.h.Frames = n / s.PerFrame
		}
		if s.Gain == 0 {
			s.Gain = defaultGain
		}
		if s.Units == "" {
			s.Units = "mV"
		}
		s.Skew, s.Offset, s.File = 0, 0, h.Name+".dat"
		err := s.Format.check()
		switch {
		case err != nil:
			return nil, fmt.Errorf("ecg: WriteRecord: signal %d: %w", i, err)
		case n != w.h.Frames*s.PerFrame:
			return nil, fmt.Errorf("ecg: WriteRecord: signal %d has %d samples for %d frames of %d: %w", i, n,
				w.h.Frames,
				s.PerFrame, tensor.ErrShape)
		case s.Format != w.h.Signals[0].Format:
			return nil, fmt.Errorf("ecg: WriteRecord: formats %v and %v in one file: %w", w.h.Signals[0].Format,
				s.Format,
				tensor.ErrConflict)
		case s.Gain-s.Gain != 0 || strings.ContainsAny(s.Units, " \t\r\n") || strings.ContainsAny(s.Name, "\r\n"):
			return nil, fmt.Errorf("ecg: WriteRecord: signal %d, %q, gain %v in %q: %w", i, s.Name, s.Gain, s.Units,
				tensor.ErrRange)
		}
	}
	for _, text := range append([]string{h.Clock, h.Date}, h.Comments...) {
		if strings.ContainsAny(text, "\r\n") {
			return nil, fmt.Errorf("ecg: WriteRecord: %q is more than a line: %w", text, tensor.ErrRange)
		}
	}
	return w, nil
}

// quantise is the samples of a signal in its digital units.
func (w *recordWriter) quantise(signal int, at func(i int) float64, n int) ([]int32, error) {
	s := &w.h.Signals[signal]
	p := packings[s.Format]
	out := make([]int32, n)
	sum := uint16(0)
	for i := range out {
		v := at(i)
		d := math.Round(v*s.Gain) + float64(s.Baseline)
		switch {
		case v != v && p.valid:
			d = float64(p.invalid)
		case !(math.Abs(d) <= float64(p.most)):
			return nil, fmt.Errorf("ecg: WriteRecord: signal %d, sample %d: %v is %v in format %v of up to %d: %w",
				signal, i, v,
				d, s.Format, p.most, tensor.ErrRange)
		}
		out[i] = int32(d)
		sum += uint16(out[i])
	}
	if n > 0 {
		s.Initial = int(out[0])
	}
	s.Checksum = &sum
	return out, nil
}

// interleave encodes frames.
func (w *recordWriter) interleave(digital [][]int32) error {
	var all []int32
	last := make([]int32, len(digital))
	for i, s := range w.h.Signals {
		last[i] = int32(s.Initial)
	}
	for f := range w.h.Frames {
		for i, s := range w.h.Signals {
			for _, v := range digital[i][f*s.PerFrame : (f+1)*s.PerFrame] {
				if s.Format == 8 {
					d := int64(v) - int64(last[i])
					if d != int64(int8(d)) {
						return fmt.Errorf("ecg: WriteRecord: signal %d moves by %d in frame %d, more than format 8 has room for: %w",
							i, d, f, tensor.ErrRange)
					}
					v, last[i] = int32(d), v
				}
				all = append(all, v)
			}
		}
	}
	if len(w.h.Signals) > 0 {
		w.bytes = w.h.Signals[0].Format.append(nil, all)
	}
	return nil
}

// text is the header.
func (w *recordWriter) text() string {
	var b strings.Builder
	float := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	fmt.Fprintf(&b, "%s %d %s", w.h.Name, len(w.h.Signals), float(w.h.Rate))
	if w.h.CounterRate > 0 && (w.h.CounterRate != w.h.Rate || w.h.CounterBase != 0) {
		fmt.Fprintf(&b, "/%s(%s)", float(w.h.CounterRate), float(w.h.CounterBase))
	}
	fmt.Fprintf(&b, " %d", w.h.Frames)
	for _, text := range []string{w.h.Clock, w.h.Date} {
		if text != "" {
			b.WriteString(" " + text)
		}
	}
	b.WriteByte('\n')
	for _, s := range w.h.Signals {
		fmt.Fprintf(&b, "%s %v", s.File, s.Format)
		if s.PerFrame > 1 {
			fmt.Fprintf(&b, "x%d", s.PerFrame)
		}
		fmt.Fprintf(&b, " %s(%d)/%s %d %d %d %d %d", float(s.Gain), s.Baseline, s.Units, s.Bits, s.Zero, s.Initial,
			int16(*s.Checksum), s.Block)
		if s.Name != "" {
			b.WriteString(" " + s.Name)
		}
		b.WriteByte('\n')
	}
	for _, c := range w.h.Comments {
		b.WriteString("# " + c + "\n")
	}
	return b.String()
}
