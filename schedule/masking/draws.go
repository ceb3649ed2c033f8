package masking

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Draws are the random numbers of one row, given instead of keyed: for reference values of other programs and for
// tests. Slices that the masker's options do not need may be nil. Uniform numbers are in [0, 1).
type Draws struct {
	Special, Continues []bool // as in [Key]

	Select  []float64 // per position: selected if less than the rate; with a count, the smallest are
	Subset  []float64 // per position: keeps its label if less than target rate / rate ([WithTargetRate])
	Replace []float64 // per position: becomes the mask id if less than its probability
	Random  []float64 // per position: otherwise becomes random if less than random / (1 - mask)
	Tokens  []int32   // per position: the id it becomes if it does

	Order   []int // a permutation of the words or, for spans, of where they may start ([WithWords], [WithSpans])
	Lengths []int // per span, >= 1, in the order in which they are placed ([WithSpans])

	Roll         int   // how far the noise moves, less than the candidates ([WithRoll])
	Noise, Clean []int // permutations of the noise tokens but one and of the clean tokens but one ([WithT5Spans])
}

// MaskDraws is [Masker.Mask] for one row with the draws of the caller. With draws from elsewhere it gives the results
// of Hugging Face's torch_mask_tokens and _whole_word_mask and of T5's random_spans_noise_mask. Errors are those of
// Mask and for draws that are too few, not in [0, 1), not in the vocabulary or no permutation, wrapping
// [tensor.ErrShape] or [tensor.ErrRange]. Nothing is written then.
func (m *Masker) MaskDraws(dst, labels, src []int32, d Draws, step int) (int, error) {
	p, err := m.check(src, Key{Samples: []int{0}, Special: d.Special, Continues: d.Continues}, step)
	if err == nil {
		err = m.checkOutput(dst, labels, src)
	}
	if err == nil {
		err = m.checkIDs(src)
	}
	if err == nil {
		err = m.checkDraws(&d, len(src))
	}
	if err != nil {
		return 0, err
	}
	r := rowPool.Get().(*row)
	defer r.release()
	r.draws, r.src, r.special, r.joined, r.p = given{&d}, src, d.Special, d.Continues, p
	if err := r.choose(m); err != nil {
		return 0, err
	}
	return r.write(m, dst, labels), nil
}

// checkDraws looks at what is needed per position.
func (m *Masker) checkDraws(d *Draws, n int) error {
	byPosition := m.unit == tokens || m.unit == words && !m.counts()
	for _, u := range []struct {
		name   string
		values []float64
		needed bool
	}{
		{"Select", d.Select, byPosition},
		{"Subset", d.Subset, m.subset},
		{"Replace", d.Replace, !m.rts},
		{"Random", d.Random, !m.rts && m.randomProb > 0 && m.maskProb < 1},
	} {
		if !u.needed && u.values == nil {
			continue
		}
		if len(u.values) != n {
			return fmt.Errorf("masking: draws.%s has %d elements for %d ids: %w", u.name, len(u.values), n, tensor.ErrShape)
		}
		for i, v := range u.values {
			if !(v >= 0 && v < 1) {
				return fmt.Errorf("masking: draws.%s[%d] is %v, want [0, 1): %w", u.name, i, v, tensor.ErrRange)
			}
		}
	}
	if d.Tokens == nil && m.randomBelow == m.maskBelow {
		return nil
	}
	if len(d.Tokens) != n {
		return fmt.Errorf("masking: draws.Tokens has %d elements for %d ids: %w", len(d.Tokens), n, tensor.ErrShape)
	}
	for i, id := range d.Tokens {
		if id < 0 || int(id) >= m.vocab {
			return fmt.Errorf("masking: draws.Tokens[%d] is %d, want an id from 0 to %d: %w", i, id, m.vocab-1, tensor.ErrRange)
		}
	}
	return nil
}

// draws supplies the random numbers of a row.
type draws interface {
	// uniform decides whether the word or token at i is selected.
	uniform(i int32) uint64
	// kept decides whether i, selected together with owner, keeps its label.
	kept(m *Masker, p rate, owner, i int32) bool
	// replacement decides what becomes of the token or span at i.
	replacement(m *Masker, i int32) replacement
	// token is the random id for position i.
	token(m *Masker, i int32) int32
	// spanLength is the length of span number n, which starts at start.
	spanLength(m *Masker, n int, start int32) (int, error)
	// roll is how far the noise over n candidates moves.
	roll(n int) (int, error)
	// permute fills p with a permutation of 0 to len(p)-1.
	permute(s stream, p []int32) error
}

// stream names a kind of draws; the value keys them.
type stream uint64

const (
	wordOrder  stream = 0x27D4EB2F165667C5
	noiseOrder stream = 0x85EBCA77C2B2AE63
	cleanOrder stream = 0xD6E8FEB86659FD93
	lengthsOf  stream = 0x9FB21C651E98DF25
	rollOf     stream = 0xA24BAED4963EE407
)

type replacement uint8

const (
	toMask replacement = iota
	toRandom
	toItself
)

// given are the draws of a caller.
type given struct{ d *Draws }

func (g given) uniform(i int32) uint64 { return rateOf(g.d.Select[i]).below }

func (g given) kept(m *Masker, p rate, _, i int32) bool { return g.d.Subset[i] < m.target/p.p }

func (g given) replacement(m *Masker, i int32) replacement {
	switch {
	case m.rts:
		return toRandom
	case g.d.Replace[i] < m.maskProb:
		return toMask
	case m.randomProb > 0 && g.d.Random[i] < m.randomProb/(1-m.maskProb):
		return toRandom
	}
	return toItself
}

func (g given) token(_ *Masker, i int32) int32 { return g.d.Tokens[i] }

func (g given) spanLength(_ *Masker, n int, _ int32) (int, error) {
	if n >= len(g.d.Lengths) {
		return 0, fmt.Errorf("masking: draws.Lengths has %d elements, and there are more spans: %w", n, tensor.ErrShape)
	}
	if l := g.d.Lengths[n]; l < 1 {
		return 0, fmt.Errorf("masking: draws.Lengths[%d] is %d, want >= 1: %w", n, l, tensor.ErrRange)
	}
	return g.d.Lengths[n], nil
}

func (g given) roll(n int) (int, error) {
	if g.d.Roll < 0 || g.d.Roll >= n {
		return 0, fmt.Errorf("masking: draws.Roll is %d, want 0 to %d: %w", g.d.Roll, n-1, tensor.ErrRange)
	}
	return g.d.Roll, nil
}

func (g given) permute(s stream, p []int32) error {
	name, order := "Order", g.d.Order
	switch s {
	case noiseOrder:
		name, order = "Noise", g.d.Noise
	case cleanOrder:
		name, order = "Clean", g.d.Clean
	}
	if len(order) != len(p) {
		return fmt.Errorf("masking: draws.%s has %d elements, want %d: %w", name, len(order), len(p), tensor.ErrShape)
	}
	seen := newBitset(len(p))
	for i, v := range order {
		if v < 0 || v >= len(p) || seen.has(int32(v)) {
			return fmt.Errorf("masking: draws.%s[%d] is %d, want a permutation of 0 to %d: %w",
				name, i, v, len(p)-1, tensor.ErrRange)
		}
		seen.set(v)
		p[i] = int32(v)
	}
	return nil
}
