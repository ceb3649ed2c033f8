package masking

import (
	"math"
	"math/bits"
	"slices"
	"sync"
)

// row is the work on one row, pooled with its memory.
type row struct {
	keyed
	draws   draws // the keyed numbers above or a caller's
	src     []int32
	special []bool // or nil
	joined  []bool // positions that continue the word before, or nil
	p       rate

	// The selected positions in increasing order. owner is the position whose draws decide for them: the start of a
	// word or span; nil where it is the position itself.
	pos   []int32
	owner []int32

	// What may be selected, as words: [starts[i], ends[i]). Without words, every candidate is one.
	starts, ends []int32
	candidates   int // tokens in them

	uniforms []uint64 // of words
	ties     []uint64
	order    []int32 // a permutation of words, or of T5's items
	chosen   []int32 // by position: the start of what it was selected with, or -1
	segments []int32 // lengths
}

var rowPool = sync.Pool{New: func() any { return new(row) }}

// load starts the work on row i of a batch.
func (r *row) load(m *Masker, src []int32, key Key, i int, p rate) {
	r.keyed = rowKey(m.seed, key.Epoch, key.Samples[i])
	r.draws = &r.keyed
	r.src, r.special, r.joined, r.p = src, nil, nil, p
	if key.Special != nil {
		r.special = key.Special[i*len(src) : (i+1)*len(src)]
	}
	if key.Continues != nil {
		r.joined = key.Continues[i*len(src) : (i+1)*len(src)]
	}
}

// release gives the row back without the caller's memory.
func (r *row) release() {
	r.draws, r.src, r.special, r.joined = nil, nil, nil, nil
	rowPool.Put(r)
}

// choose fills pos and owner. It fails only for a caller's draws.
func (r *row) choose(m *Masker) error {
	r.pos, r.owner = r.pos[:0], r.owner[:0]
	if m.unit == tokens && !m.exact && r.isKeyed() {
		if r.sample(m); len(r.pos) >= m.min {
			return nil
		}
		r.pos = r.pos[:0]
	}
	r.split(m)
	switch {
	case m.unit == noise:
		return r.chooseNoise(m)
	case m.unit == spans:
		return r.chooseSpans(m)
	case m.unit == words && (m.exact || m.hf):
		return r.chooseWords(m)
	case m.exact:
		r.drawUniforms()
		r.takeSmallest(m.budget(r.candidates, r.p))
	default:
		r.chooseIndependent(m.min)
	}
	return nil
}

func (r *row) isKeyed() bool { return r.draws == draws(&r.keyed) }

// budget is how many tokens to select out of so many. The caller stops when there are no more.
func (c *config) budget(candidates int, p rate) int {
	n := max(int(math.RoundToEven(float64(candidates)*p.p)), c.min)
	if c.max > 0 {
		n = min(n, c.max)
	}
	return n
}

// sample is independent selection of tokens, which no other path may slow down: eight positions per hash, and positions
// are listed before it is known whether their id is protected, which saves a branch that cannot be predicted.
func (r *row) sample(m *Masker) {
	src, protected := r.src, m.protected
	pos := slices.Grow(r.pos[:0], len(src)+1)[:len(src)+1]
	n := 0
	for base := 0; base < len(src); base += 64 {
		width := min(64, len(src)-base)
		word := uint64(1)<<width - 1
		if r.p.p < 1 {
			word = r.selected64(base, width, r.p)
		}
		for ; word != 0; word &= word - 1 {
			i := base + bits.TrailingZeros64(word)
			pos[n] = int32(i)
			n += 1 - int(protected.bit(src[i]))
		}
	}
	pos = pos[:n]
	if r.special != nil {
		pos = slices.DeleteFunc(pos, func(i int32) bool { return r.special[i] })
	}
	r.pos = pos
}

// split lists the words of the row. It computes where it could branch: where words end is hard to predict.
func (r *row) split(m *Masker) {
	n := len(r.src)
	starts, ends := slices.Grow(r.starts[:0], n)[:n], slices.Grow(r.ends[:0], n+1)[:n+1]
	protected, continued, special, joined := m.protected, m.continued, r.special, r.joined
	words, candidates := 0, 0
	before := uint64(0) // 1 if the position before belongs to a word
	whole := continued == nil && joined == nil
	for i, id := range r.src {
		free, joins := 1-protected.bit(id), uint64(0)
		if special != nil && special[i] {
			free = 0
		}
		if whole {
			starts[words], ends[words] = int32(i), int32(i+1)
			words += int(free)
			continue
		}
		if continued != nil {
			joins = continued.bit(id)
		} else if joined != nil && joined[i] {
			joins = 1
		}
		candidates += int(free)
		starts[words] = int32(i)
		words += int(free &^ (joins & before))
		ends[n-int(free)*(n-words+1)] = int32(i + 1) // of the last word, or of none
		before = free
	}
	if whole {
		candidates = words
	}
	r.starts, r.ends, r.candidates = starts[:words], ends[:words], candidates
}

// take selects word w.
func (r *row) take(w int) {
	for i := r.starts[w]; i < r.ends[w]; i++ {
		r.pos, r.owner = append(r.pos, i), append(r.owner, r.starts[w])
	}
}

// chooseIndependent selects every word with the probability r.p, and no less than least words. If it has to add
// some, it takes those that it would reach first at a higher rate.
func (r *row) chooseIndependent(least int) {
	r.drawUniforms()
	n := 0
	for _, u := range r.uniforms {
		if r.p.admits(u) {
			n++
		}
	}
	if n < least {
		r.takeSmallest(least)
		return
	}
	for w, u := range r.uniforms {
		if r.p.admits(u) {
			r.take(w)
		}
	}
}

func (r *row) drawUniforms() {
	r.uniforms = r.uniforms[:0]
	for _, start := range r.starts {
		r.uniforms = append(r.uniforms, r.draws.uniform(start))
	}
}

// takeSmallest selects the n words with the smallest draws.
func (r *row) takeSmallest(n int) {
	if n = min(n, len(r.uniforms)); n == 0 {
		return
	}
	limit, below := r.nth(n)
	ties := n - below
	for w, u := range r.uniforms {
		if u < limit {
			r.take(w)
		} else if u == limit && ties > 0 {
			r.take(w)
			ties--
		}
	}
}

// nth returns the nth smallest of the uniforms, n >= 1, and how many are smaller. Only those that share its
// highest byte are sorted.
func (r *row) nth(n int) (limit uint64, below int) {
	var count [256]int
	for _, u := range r.uniforms {
		count[u>>56]++
	}
	b := 0
	for ; below+count[b] < n; b++ {
		below += count[b]
	}
	r.ties = r.ties[:0]
	for _, u := range r.uniforms {
		if u>>56 == uint64(b) {
			r.ties = append(r.ties, u)
		}
	}
	slices.Sort(r.ties)
	limit = r.ties[n-below-1]
	first, _ := slices.BinarySearch(r.ties, limit)
	return limit, below + first
}
