package masking

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

// Masker corrupts token ids. It is immutable and safe for concurrent use. Its methods, except MaskDraws, allocate
// nothing once their pooled memory is there.
//
// What becomes of a row depends on the seed, the epoch, the sample, the rate and the row itself; not on the rest of the
// batch, on how rows are split into batches, on the number of goroutines or on earlier calls. There is no state to
// save.
type Masker struct {
	config
	schedule  schedule.Schedule
	maskID    int32
	protected bitset // by id: never selected
	continued bitset // by id: part of the word before; nil without WithWords

	maskBelow, randomBelow uint64 // thresholds for the low 32 bits of an action's draw
	randomLo               int32
	randomCount            uint64
	randomTable            []int32 // replacements, if they are not randomLo, randomLo+1, ...

	targetRate rate
	cumulative []uint64 // a span is longer than i+1 if its draw is not below cumulative[i]
}

// New returns a masker for a vocabulary of so many ids, counted from 0, that writes maskID where it masks and
// follows a schedule of the masking rate, such as
//
//	schedule.Linear{From: 0.30, To: 0.15, Over: totalSteps}
//
// maskID is never selected and never drawn as a random replacement; declare the others of its kind with
// [WithSpecial]. The error joins everything that is wrong: it wraps [tensor.ErrRange] for ids, probabilities and
// options out of range, [tensor.ErrConflict] for options in contradiction, [tensor.ErrNotFinite] for NaN, and
// [tensor.ErrEmpty] for a nil schedule or if no id remains to replace others, or is that of [schedule.Validate].
//
// A rate outside [0, 1] is an error here if the schedule has it at the start, so that 15 % is 0.15 and not 15, or at
// one of its first breakpoints; otherwise masking is refused at the step that has it.
func New(vocab, maskID int, rate schedule.Schedule, opts ...Option) (*Masker, error) {
	c, err := newConfig(vocab, maskID, opts)
	if v := schedule.Validate(rate); v != nil {
		err = errors.Join(err, fmt.Errorf("rate: %w", v))
	}
	if err != nil {
		return nil, option.Call("masking: New", err)
	}
	m := &Masker{config: c, schedule: rate, maskID: int32(maskID), protected: newBitset(vocab)}
	if err := m.foresee(); err != nil {
		return nil, option.Call("masking: New", err)
	}
	for _, id := range append(c.special, maskID) {
		m.protected.set(id)
	}
	for k := range c.sentinelCount {
		m.protected.set(c.sentinelFirst - k)
	}
	if c.continues != nil {
		m.continued = newBitset(vocab)
		for id := range vocab {
			if c.continues(id) {
				m.continued.set(id)
			}
		}
	}
	if c.rts {
		m.randomBelow = 1 << 32
	} else {
		m.maskBelow = uint64(c.maskProb * (1 << 32))
		m.randomBelow = uint64(min(c.maskProb+c.randomProb, 1) * (1 << 32))
	}
	m.replacements()
	if m.randomBelow > m.maskBelow && m.randomCount == 0 {
		return nil, fmt.Errorf("masking: New: no id is left for random replacement: %w", tensor.ErrEmpty)
	}
	if c.subset {
		m.targetRate = rateOf(c.target)
	}
	if c.unit == spans {
		m.cumulative = c.lengths.thresholds()
	}
	return m, nil
}

// replacements lists the ids that random replacement draws from.
func (m *Masker) replacements() {
	excluded := newBitset(m.vocab)
	if !m.hf {
		copy(excluded, m.protected)
	}
	for _, id := range m.excluded {
		excluded.set(id)
	}
	lo, hi := m.rangeLo, m.rangeHi
	for lo < hi && excluded.has(int32(lo)) {
		lo++
	}
	for lo < hi && excluded.has(int32(hi-1)) {
		hi--
	}
	m.randomLo, m.randomCount = int32(lo), uint64(hi-lo)
	contiguous := true
	for id := lo; id < hi && contiguous; id++ {
		contiguous = !excluded.has(int32(id))
	}
	if contiguous {
		return
	}
	for id := lo; id < hi; id++ {
		if !excluded.has(int32(id)) {
			m.randomTable = append(m.randomTable, int32(id))
		}
	}
	m.randomCount = uint64(len(m.randomTable))
}

// Key says which draws a batch gets.
type Key struct {
	// Epoch is the number of the pass over the data, >= 0: the same sample gets other masks in another epoch.
	Epoch int
	// Samples numbers the rows of the batch, each >= 0. Use the index in the data set, not in the batch: it makes the
	// masks of a sample its own. The same number twice gives the same draws twice.
	Samples []int
	// Special marks further positions that are never selected, one per token of the batch, where protected ids
	// ([WithSpecial]) do not say it all, such as a prompt. nil marks none.
	Special []bool
	// Continues marks the positions that belong to the word of the position before, one per token of the batch. It is
	// needed with [WithWordPositions], and refused without. After a protected or special token a word begins anyway.
	Continues []bool
}

// Mask corrupts a batch on the calling goroutine. src holds len(key.Samples) rows of equal length, one after the
// other. It writes the corrupted ids to dst, which may be src itself, and to labels the original id of every target
// and the ignore index elsewhere, or with [WithRTS] 1 for replaced positions and 0 elsewhere. It returns the number
// of targets. step is what the schedule of the rate is asked for.
//
// Errors name the argument, the index and the value and wrap [tensor.ErrEmpty] (no rows, no tokens), [tensor.ErrShape]
// (lengths that do not fit), [tensor.ErrRange] (an id, a sample, the epoch, the rate), [tensor.ErrNotFinite] (the
// rate) or [tensor.ErrOverlap] (labels shares memory with dst or src, or dst with a part of src). Nothing is written
// then.
func (m *Masker) Mask(dst, labels, src []int32, key Key, step int) (int, error) {
	p, err := m.check(src, key, step)
	if err == nil {
		err = m.checkOutput(dst, labels, src)
	}
	if err == nil {
		err = m.checkIDs(src)
	}
	if err != nil {
		return 0, err
	}
	return m.maskRows(dst, labels, src, key, p, 0, len(key.Samples)), nil
}

// maskRows masks the rows lo to hi of a checked batch.
func (m *Masker) maskRows(dst, labels, src []int32, key Key, p rate, lo, hi int) int {
	r := rowPool.Get().(*row)
	n, cols := 0, len(src)/len(key.Samples)
	for i := lo; i < hi; i++ {
		from, to := i*cols, (i+1)*cols
		r.load(m, src[from:to], key, i, p)
		_ = r.choose(m) // keyed draws do not fail
		n += r.write(m, dst[from:to], labels[from:to])
	}
	r.release()
	return n
}
