package ecg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Record is an opened WFDB record, of which ranges are read by [Read]. It keeps no file open and is safe for concurrent
// use if its files are.
type Record struct {
	header  Header
	signals []Signal // of a record in segments those of its layout
	open    func(name string) (io.ReadCloser, error)
}

// Open reads the header of a record: name is that of its header file, with its directory and without ".hea". Other
// files are looked for in the same directory. The error wraps [ErrHeader] or that of opening.
func Open(fsys fs.FS, name string) (*Record, error) {
	dir := path.Dir(name)
	return OpenFunc(path.Base(name), func(file string) (io.ReadCloser, error) {
		return fsys.Open(path.Join(dir,
			file))
	})
}

// OpenFunc is [Open] for files that come from anywhere: open is called with the name of the header file and of the
// files that it names. Files that have the method Stat of [fs.File] are measured, and those that have Seek of
// [io.Seeker] are not read up to where a range begins.
func OpenFunc(name string, open func(name string) (io.ReadCloser, error)) (*Record, error) {
	r := &Record{open: open}
	if err := r.readHeader(name); err != nil {
		return nil, err
	}
	r.signals = r.header.Signals
	if r.header.Segments == nil {
		return r, nil
	}
	for _, s := range r.header.Segments {
		if s.Gap() {
			continue
		}
		layout, err := r.segment(s.Name)
		if err != nil {
			return nil, err
		}
		r.signals = layout.header.Signals
		break
	}
	if len(r.signals) != r.header.Count {
		return nil, fmt.Errorf("ecg: Open: record %s says %d signals and its first segment has %d: %w", name,
			r.header.Count, len(r.signals), ErrHeader)
	}
	return r, nil
}

func (r *Record) readHeader(name string) error {
	file, err := r.file(name + ".hea")
	if err != nil {
		return err
	}
	defer file.Close()
	r.header, err = ReadHeader(file)
	if err != nil {
		return fmt.Errorf("ecg: Open: %s.hea: %w", name, bare(err))
	}
	return nil
}

// bare takes the call off an error that another call passes on.
func bare(err error) error {
	text := strings.TrimPrefix(err.Error(), "ecg: ReadHeader: ")
	return &passed{text, err}
}

type passed struct {
	text string
	err  error
}

func (p *passed) Error() string { return p.text }
func (p *passed) Unwrap() error { return p.err }

// segment is a segment as a record of its own.
func (r *Record) segment(name string) (*Record, error) {
	s := &Record{open: r.open}
	if err := s.readHeader(name); err != nil {
		return nil, err
	}
	if s.header.Segments != nil {
		return nil, fmt.Errorf("ecg: Open: segment %s of %s is in segments itself: %w", name, r.header.Name, ErrHeader)
	}
	s.signals = s.header.Signals
	return s, nil
}

func (r *Record) file(name string) (io.ReadCloser, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("ecg: Open: file %.60q: %w", name, ErrHeader)
	}
	file, err := r.open(name)
	if err != nil {
		return nil, fmt.Errorf("ecg: Open: %w", err)
	}
	return file, nil
}

// Header is what the header file says.
func (r *Record) Header() Header { return r.header }

// Signals are those of the record; of one in segments, those that its layout has, or else its first segment.
func (r *Record) Signals() []Signal { return append([]Signal(nil), r.signals...) }

// Frames is how many there are: what the header says, or else what the first file of samples holds. The error wraps
// [ErrHeader] if nobody says.
func (r *Record) Frames() (int, error) {
	if r.header.Frames > 0 {
		return r.header.Frames, nil
	}
	groups, err := r.groups()
	if err != nil {
		return 0, err
	}
	if len(groups) == 0 {
		return 0, nil
	}
	file, err := r.file(groups[0].file)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := groups[0].framesIn(file)
	if err != nil {
		return 0, fmt.Errorf("ecg: %s says no number of frames: %w", r.header.Name, errors.Join(ErrHeader, err))
	}
	return n, nil
}

// group is the signals of one file, whose samples take turns by frames.
type group struct {
	file    string
	format  Format
	packing packing
	offset  int64
	signals []int // of the record
	first   []int // sample of each in a frame
	width   int   // samples in a frame
	skew    int   // the largest
}

// groups are the files of samples. The error wraps [ErrFormat] or [ErrHeader].
func (r *Record) groups() ([]*group, error) {
	var groups []*group
	known := map[string]*group{}
	for i, s := range r.signals {
		if s.File == "~" {
			continue
		}
		if err := s.Format.check(); err != nil {
			return nil, fmt.Errorf("ecg: %s: signal %d, %s: %w", r.header.Name, i, s.Name, err)
		}
		g := known[s.File]
		if g == nil {
			g = &group{file: s.File, format: s.Format, packing: packings[s.Format], offset: s.Offset}
			known[s.File] = g
			groups = append(groups, g)
		}
		if g.format != s.Format {
			return nil, fmt.Errorf("ecg: %s: signal %d, %s, has format %v in a file of format %v: %w", r.header.Name, i,
				s.Name, s.Format, g.format, ErrHeader)
		}
		g.signals = append(g.signals, i)
		g.first = append(g.first, g.width)
		g.width += s.PerFrame
		g.skew = max(g.skew, s.Skew)
		g.offset = max(g.offset, s.Offset)
	}
	return groups, nil
}

var errUnmeasured = errors.New("the file has no size")

// framesIn is how many whole frames a file holds.
func (g *group) framesIn(file io.ReadCloser) (int, error) {
	of, ok := file.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return 0, errUnmeasured
	}
	info, err := of.Stat()
	if err != nil {
		return 0, err
	}
	return g.frames(max(0, info.Size()-g.offset)), nil
}

func (g *group) frames(bytes int64) int { return int(g.packing.samplesIn(bytes) / int64(g.width)) }

// seek skips the bytes before the first frame of a range, as far as groups of samples allow, and returns how many
// samples are left to skip.
func (g *group) seek(file io.Reader, from int) (skip int, err error) {
	samples := int64(from) * int64(g.width)
	at := g.offset + samples/int64(g.packing.samples)*int64(g.packing.bytes)
	if of, ok := file.(io.Seeker); ok {
		_, err = of.Seek(at, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, file, at)
	}
	return int(samples % int64(g.packing.samples)), err
}

const chunkBytes = 3 << 15 // whole groups of every format

// read reads frames from up to upto and visits them in runs. It returns how many frames there were.
func (r *Record) read(g *group, from, upto int, visit func(frames []int32, first int)) (int, error) {
	file, err := r.file(g.file)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	begin := from
	if g.format == 8 { // differences count from the start
		begin = 0
	}
	skip, err := g.seek(file, begin)
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ecg: %s: %w", g.file, err)
	}
	var last []int32
	if g.format == 8 {
		last = make([]int32, len(g.signals))
		for k, i := range g.signals {
			last[k] = int32(r.signals[i].Initial)
		}
	}
	raw := make([]byte, chunkBytes)
	var samples, buffer []int32
	for begin < upto {
		n, err := io.ReadFull(file, raw)
		if n > 0 {
			samples = g.decode(samples, raw, n)
			buffer = samples
			samples = samples[min(skip, len(samples)):]
			skip = 0
		}
		frames := min(len(samples)/g.width, upto-begin)
		run := samples[:frames*g.width]
		if last != nil {
			r.accumulate(g, run, last)
		}
		if drop := min(max(0, from-begin), frames); frames > drop {
			visit(run[drop*g.width:], begin+drop)
		}
		begin += frames
		samples = append(buffer[:0], samples[len(run):]...) // moves what is left to the front
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return max(0, begin-from), fmt.Errorf("ecg: %s: %w", g.file, err)
		}
	}
	return max(0, begin-from), nil
}

// decode appends the samples of n bytes of raw, which ends within a group only where the file does.
func (g *group) decode(samples []int32, raw []byte, n int) []int32 {
	p := g.packing
	whole := (n + p.bytes - 1) / p.bytes
	clear(raw[n:min(len(raw), whole*p.bytes)])
	at := len(samples)
	samples = append(samples, make([]int32, whole*p.samples)...)
	g.format.decode(samples[at:], raw[:whole*p.bytes])
	return samples[:at+int(p.samplesIn(int64(n)))]
}

// accumulate sums differences up.
func (r *Record) accumulate(g *group, run, last []int32) {
	for len(run) > 0 {
		for k, i := range g.signals {
			for s := range r.signals[i].PerFrame {
				last[k] += run[g.first[k]+s]
				run[g.first[k]+s] = last[k]
			}
		}
		run = run[g.width:]
	}
}

// Digital is the samples of frames from up to to as they are stored, by signal: skew is left in, and signals that are
// not there are nil. It takes a record in one segment. The error is that of [Read].
func Digital(r *Record, from, to int) ([][]int32, error) {
	if r.header.Segments != nil {
		return nil, fmt.Errorf("ecg: Digital: %s is in segments, each with a scale of its own: %w", r.header.Name,
			tensor.ErrRange)
	}
	frames, err := r.checkRange("Digital", from, to)
	if err != nil {
		return nil, err
	}
	groups, err := r.groups()
	if err != nil {
		return nil, err
	}
	out := make([][]int32, len(r.signals))
	for _, g := range groups {
		have, err := r.read(g, from, to, func(run []int32, _ int) {
			for ; len(run) > 0; run = run[g.width:] {
				for k, i := range g.signals {
					out[i] = append(out[i], run[g.first[k]:g.first[k]+r.signals[i].PerFrame]...)
				}
			}
		})
		if err != nil {
			return nil, err
		}
		if have < to-from {
			return nil, fmt.Errorf("ecg: Digital: %w", &TruncatedError{g.file, frames, from + have})
		}
	}
	return out, nil
}

// checkRange refuses frames that the record does not have.
func (r *Record) checkRange(call string, from, to int) (frames int, err error) {
	if frames, err = r.Frames(); err != nil {
		return 0, err
	}
	if from < 0 || to < from || to > frames {
		return 0, fmt.Errorf("ecg: %s: frames %d to %d of the %d of %s: %w", call, from, to, frames, r.header.Name,
			tensor.ErrRange)
	}
	return frames, nil
}
