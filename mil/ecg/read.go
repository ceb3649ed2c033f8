package ecg

import (
	"errors"
	"fmt"

	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Recording is a range of a record in physical units.
type Recording[T tensor.Float] struct {
	From     int     // first frame
	Rate     float64 // frames per second
	Channels []Channel[T]
}

// Channel is a signal of a recording.
type Channel[T tensor.Float] struct {
	Name, Units string
	Rate        float64 // samples per second
	Samples     []T     // NaN where nothing was recorded
}

// Channel finds a channel by its name.
func (r Recording[T]) Channel(name string) (Channel[T], bool) {
	i := slices.IndexFunc(r.Channels, func(c Channel[T]) bool { return c.Name == name })
	if i < 0 {
		return Channel[T]{}, false
	}
	return r.Channels[i], true
}

// ReadOption is a choice of [Read].
type ReadOption func(*readConfig) error

type readConfig struct {
	signals   []string
	truncated bool
	unchecked bool
	limit     int
}

const defaultLimit = 1 << 28

// WithSignals reads only the signals of these names, in their order. Default: all of them.
func WithSignals(names ...string) ReadOption {
	return func(c *readConfig) error {
		c.signals = names
		return option.Nil(len(names) > 0, "WithSignals")
	}
}

// WithTruncated takes what there is of files that end early, the rest being invalid. Default: they are an error.
func WithTruncated() ReadOption {
	return func(c *readConfig) error {
		c.truncated = true
		return nil
	}
}

// WithoutChecksums does not compare sums with those of headers. Default: they are compared where all of a record or
// segment is read.
func WithoutChecksums() ReadOption {
	return func(c *readConfig) error {
		c.unchecked = true
		return nil
	}
}

// WithLimit sets how many samples of all signals one call may return. Default 2^28, of which those of gaps may be 2^24
// and 64 times the others: a short file that declares a long gap cannot take all memory. With the option gaps are
// counted as all other samples.
func WithLimit(samples int) ReadOption {
	return func(c *readConfig) error {
		c.limit = samples
		return option.Range(samples >= 1, "WithLimit", samples, "1 or more")
	}
}

// Read reads frames from up to to of a record in physical units, each signal at its own rate and with its skew taken
// out. Of a record in segments, signals are found by their names in each, with the scale that they have there. Samples
// that the format or a gap marks invalid are NaN.
//
// The error wraps [ErrHeader], [ErrFormat], [ErrTruncated] (as a [TruncatedError]), [ErrChecksum], [ErrTooLarge],
// [tensor.ErrRange] for frames or signals that there are not, or that of the file system.
func Read[T tensor.Float](r *Record, from, to int, opts ...ReadOption) (Recording[T], error) {
	c := readConfig{}
	if err := option.Apply("ecg: Read", &c, opts); err != nil {
		return Recording[T]{}, err
	}
	frames, err := r.checkRange("Read", from, to)
	if err != nil {
		return Recording[T]{}, err
	}
	wanted, err := r.choose(c.signals)
	if err != nil {
		return Recording[T]{}, err
	}
	p := &reading[T]{config: c, to: to}
	width := 0
	for _, i := range wanted {
		s := r.signals[i]
		width += s.PerFrame
		p.want = append(p.want, s)
	}
	p.keys = keysOf(r.signals, wanted)
	p.out = make([][]T, len(wanted))
	limit := c.limit
	if limit == 0 {
		limit = defaultLimit
	}
	if width > 0 && to-from > limit/width {
		return Recording[T]{}, fmt.Errorf("ecg: Read: %d frames of %d samples: %w", to-from, width, ErrTooLarge)
	}
	if r.header.Segments == nil {
		err = p.single(r, from, to, frames)
	} else {
		err = p.segments(r, from, to, width)
	}
	if err != nil {
		return Recording[T]{}, err
	}
	for k, s := range p.want { // signals that are in no file
		p.fill(k, (to-from)*s.PerFrame)
	}
	recording := Recording[T]{From: from, Rate: r.header.Rate}
	for k, s := range p.want {
		recording.Channels = append(recording.Channels,
			Channel[T]{s.Name, s.Units, r.header.Rate * float64(s.PerFrame), p.out[k]})
	}
	return recording, nil
}

// choose finds the signals of the names, or all.
func (r *Record) choose(names []string) ([]int, error) {
	var wanted []int
	if names == nil {
		for i := range r.signals {
			wanted = append(wanted, i)
		}
		return wanted, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(r.signals, func(s Signal) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("ecg: Read: no signal %q in %s: %w", name, r.header.Name, tensor.ErrRange)
		}
		wanted = append(wanted, i)
	}
	return wanted, nil
}

// signalKey tells signals of one name apart.
type signalKey struct {
	name string
	nth  int
}

// keysOf are the keys of the wanted ones of signals.
func keysOf(signals []Signal, wanted []int) []signalKey {
	all := make([]signalKey, len(signals))
	seen := map[string]int{}
	for i, s := range signals {
		all[i] = signalKey{s.Name, seen[s.Name]}
		seen[s.Name]++
	}
	keys := make([]signalKey, len(wanted))
	for k, i := range wanted {
		keys[k] = all[i]
	}
	return keys
}

// reading is one call of [Read].
type reading[T tensor.Float] struct {
	config readConfig
	want   []Signal
	keys   []signalKey
	out    [][]T
	to     int
}

// single appends frames of a record in one segment.
func (p *reading[T]) single(r *Record, from, to, frames int) error {
	place := make([]int, len(r.signals)) // of each signal in out, or -1
	all := make([]int, len(r.signals))
	for i := range all {
		all[i], place[i] = i, -1
	}
	for i, key := range keysOf(r.signals, all) {
		if k := slices.Index(p.keys, key); k >= 0 {
			if r.signals[i].PerFrame != p.want[k].PerFrame {
				return fmt.Errorf("ecg: Read: signal %s of %s has %d samples in a frame and %d elsewhere: %w", key.name,
					r.header.Name, r.signals[i].PerFrame, p.want[k].PerFrame, ErrHeader)
			}
			place[i] = k
		}
	}
	groups, err := r.groups()
	if err != nil {
		return err
	}
	for _, g := range groups {
		if slices.ContainsFunc(g.signals, func(i int) bool { return place[i] >= 0 }) {
			if err := p.group(r, g, place, from, to, frames); err != nil {
				return err
			}
		}
	}
	return nil
}

// group appends frames of the signals of one file.
func (p *reading[T]) group(r *Record, g *group, place []int, from, to, frames int) error {
	upto := min(to+g.skew, frames)
	if err := p.measure(r, g, from, to, upto, frames, place); err != nil {
		return err
	}
	base := make([]int, len(p.out)) // length of each before
	for k := range p.out {
		base[k] = len(p.out[k])
	}
	sums := make([]uint16, len(g.signals))
	check := !p.config.unchecked && from == 0 && to == frames
	have, err := r.read(g, from, upto, func(run []int32, first int) {
		for k, i := range g.signals {
			s := &r.signals[i]
			if check && s.Checksum != nil {
				sums[k] += sum(run, g.first[k], s.PerFrame, g.width)
			}
			if place[i] >= 0 {
				late := max(0, from+s.Skew-first)
				early := max(0, first+len(run)/g.width-(to+s.Skew))
				if kept := len(run) - (late+early)*g.width; kept > 0 {
					p.out[place[i]] = appendPhysical(p.out[place[i]], run[late*g.width:][:kept], g.first[k], g.width, s)
				}
			}
		}
	})
	if err != nil {
		return err
	}
	if have < upto-from && !p.config.truncated {
		return fmt.Errorf("ecg: Read: %w", &TruncatedError{g.file, frames, from + have})
	}
	for k, i := range g.signals {
		if place[i] >= 0 {
			p.fill(place[i], base[place[i]]+(to-from)*r.signals[i].PerFrame)
		}
		if want := r.signals[i].Checksum; check && want != nil && have == frames && sums[k] != *want {
			return fmt.Errorf("ecg: Read: signal %s in %s adds up to %d and the header says %d: %w", r.signals[i].Name,
				g.file, sums[k], *want, ErrChecksum)
		}
	}
	return nil
}

// measure refuses a file that ends early before memory is taken for what it does not hold.
func (p *reading[T]) measure(r *Record, g *group, from, to, upto, frames int, place []int) error {
	file, err := r.file(g.file)
	if err != nil {
		return err
	}
	defer file.Close()
	have, err := g.framesIn(file)
	if errors.Is(err, errUnmeasured) {
		return nil // memory is taken as the file is read
	}
	if err != nil {
		return fmt.Errorf("ecg: Read: %w", err)
	}
	if have < upto && !p.config.truncated {
		return fmt.Errorf("ecg: Read: %w", &TruncatedError{g.file, frames, have})
	}
	for _, i := range g.signals {
		if k := place[i]; k >= 0 {
			p.out[k] = slices.Grow(p.out[k], max(0, min(have, to)-from)*r.signals[i].PerFrame)
		}
	}
	return nil
}

// fill appends invalid samples up to a length.
func (p *reading[T]) fill(k, length int) {
	at := len(p.out[k])
	p.out[k] = slices.Grow(p.out[k], max(0, length-at))[:max(at, length)]
	nan := T(math.NaN())
	for i := at; i < length; i++ {
		p.out[k][i] = nan
	}
}

// segments appends frames of a record in several.
func (p *reading[T]) segments(r *Record, from, to, width int) error {
	if err := p.gaps(r, from, to, width); err != nil {
		return err
	}
	start := 0
	for _, s := range r.header.Segments {
		lo, hi := max(from, start)-start, min(to, start+s.Frames)-start
		start += s.Frames
		if lo >= hi {
			continue
		}
		base := make([]int, len(p.out))
		for k := range p.out {
			base[k] = len(p.out[k])
		}
		if !s.Gap() {
			part, err := r.segment(s.Name)
			if err != nil {
				return err
			}
			if part.header.Frames > 0 && part.header.Frames != s.Frames {
				return fmt.Errorf("ecg: Read: segment %s has %d frames and %s says %d: %w", s.Name, part.header.Frames,
					r.header.Name, s.Frames, ErrHeader)
			}
			if part.header.Rate != r.header.Rate {
				return fmt.Errorf("ecg: Read: segment %s has %v frames a second and %s %v: %w", s.Name,
					part.header.Rate,
					r.header.Name, r.header.Rate, ErrHeader)
			}
			if err := p.single(part, lo, hi, s.Frames); err != nil {
				return err
			}
		}
		for k, of := range p.want { // what the segment does not have
			p.fill(k, base[k]+(hi-lo)*of.PerFrame)
		}
	}
	return nil
}

// gaps refuses gaps that are out of proportion.
func (p *reading[T]) gaps(r *Record, from, to, width int) error {
	if p.config.limit > 0 || width == 0 {
		return nil
	}
	backed, gaps, start := 0, 0, 0
	for _, s := range r.header.Segments {
		n := max(0, min(to, start+s.Frames)-max(from, start))
		start += s.Frames
		if n == 0 {
			continue
		}
		held := 0
		if !s.Gap() {
			var err error
			if held, err = r.held(s.Name); err != nil {
				return err
			}
		}
		backed += min(held, n)
		gaps += n - min(held, n)
	}
	if gaps > (1<<24)/width && gaps/64 > backed {
		return fmt.Errorf("ecg: Read: %d frames of %d samples in gaps: %w", gaps, width, ErrTooLarge)
	}
	return nil
}

// held is how many frames the files of a segment hold.
func (r *Record) held(name string) (int, error) {
	part, err := r.segment(name)
	if err != nil {
		return 0, err
	}
	groups, err := part.groups()
	if err != nil || len(groups) == 0 {
		return 0, err
	}
	file, err := r.file(groups[0].file)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := groups[0].framesIn(file)
	if errors.Is(err, errUnmeasured) {
		return math.MaxInt32, nil
	}
	return n, err
}

// sum adds up the samples of one signal.
func sum(run []int32, first, n, width int) uint16 {
	total := uint16(0)
	for at := first; at < len(run); at += width {
		for _, v := range run[at : at+n] {
			total += uint16(v)
		}
	}
	return total
}

// appendPhysical appends the samples of one signal in physical units.
func appendPhysical[T tensor.Float](out []T, run []int32, first, width int, s *Signal) []T {
	at, frames := len(out), len(run)/width
	out = slices.Grow(out, frames*s.PerFrame)[:at+frames*s.PerFrame]
	p := packings[s.Format]
	gain, base, nan := s.Gain, float64(s.Baseline), T(math.NaN())
	if s.PerFrame == 1 {
		for i, o := first, out[at:]; len(o) > 0; i, o = i+width, o[1:] {
			v := run[i]
			o[0] = T((float64(v) - base) / gain)
			if v == p.invalid && p.valid {
				o[0] = nan
			}
		}
		return out
	}
	for ; first < len(run); first += width {
		for _, v := range run[first : first+s.PerFrame] {
			out[at] = T((float64(v) - base) / gain)
			if v == p.invalid && p.valid {
				out[at] = nan
			}
			at++
		}
	}
	return out
}
