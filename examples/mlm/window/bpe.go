package window

import (
	"cmp"
	"slices"
)

// Special ids.
const (
	padID   = iota // around a row, seen by windows that reach over its ends
	maskID         // what masked tokens become
	unkID          // bytes that the training text does not have
	firstID        // of the others
)

// bpe is byte-pair encoding (Sennrich et al. 2016) within words.
type bpe struct {
	bytes  [256]int32         // id of every byte
	merges map[[2]int32]int32 // id of a pair; smaller ids were merged earlier and go first
	cache  map[string][]int32
	size   int
}

// trainBPE learns a vocabulary of at most size ids.
func trainBPE(text []byte, size int) *bpe {
	count := map[string]int{}
	for rest := text; len(rest) > 0; {
		n := wordLength(rest)
		count[string(rest[:n])]++
		rest = rest[n:]
	}
	b := &bpe{merges: map[[2]int32]int32{}, cache: map[string][]int32{}, size: firstID}
	for _, c := range text {
		if b.bytes[c] == 0 {
			b.bytes[c] = int32(b.size)
			b.size++
		}
	}
	for c := range b.bytes {
		if b.bytes[c] == 0 {
			b.bytes[c] = unkID
		}
	}
	type word struct {
		ids   []int32
		count int
	}
	var words []word
	for w, n := range count {
		words = append(words, word{b.letters(w), n})
	}
	pairs := make([]int, size*size)
	for b.size < size {
		clear(pairs)
		for _, w := range words {
			for i := 1; i < len(w.ids); i++ {
				pairs[int(w.ids[i-1])*size+int(w.ids[i])] += w.count
			}
		}
		best := slices.Index(pairs, slices.Max(pairs)) // the first of several: the order of words does not matter
		if pairs[best] < 2 {
			break
		}
		pair, id := [2]int32{int32(best / size), int32(best % size)}, int32(b.size)
		b.merges[pair] = id
		b.size++
		for i := range words {
			words[i].ids = merge(words[i].ids, pair, id)
		}
	}
	return b
}

// encode turns text into ids.
func (b *bpe) encode(text []byte) []int32 {
	var out []int32
	for len(text) > 0 {
		n := wordLength(text)
		ids, ok := b.cache[string(text[:n])]
		if !ok {
			ids = b.word(string(text[:n]))
			b.cache[string(text[:n])] = ids
		}
		out = append(out, ids...)
		text = text[n:]
	}
	return out
}

// word applies the merges of a word in the order in which they were learned.
func (b *bpe) word(w string) []int32 {
	ids := b.letters(w)
	for {
		var pair [2]int32
		var id int32
		for i := 1; i < len(ids); i++ {
			p := [2]int32{ids[i-1], ids[i]}
			if m, ok := b.merges[p]; ok && (id == 0 || cmp.Less(m, id)) {
				pair, id = p, m
			}
		}
		if id == 0 {
			return ids
		}
		ids = merge(ids, pair, id)
	}
}

func (b *bpe) letters(w string) []int32 {
	ids := make([]int32, len(w))
	for i := range len(w) {
		ids[i] = b.bytes[w[i]]
	}
	return ids
}

// merge replaces a pair by an id, in place.
func merge(ids []int32, pair [2]int32, id int32) []int32 {
	n := 0
	for i := 0; i < len(ids); i++ {
		if i+1 < len(ids) && ids[i] == pair[0] && ids[i+1] == pair[1] {
			ids[n] = id
			i++
		} else {
			ids[n] = ids[i]
		}
		n++
	}
	return ids[:n]
}

// wordLength is the length of the word at the start of text: letters, digits, blanks or other signs, with the blank
// before them.
func wordLength(text []byte) int {
	class := func(c byte) int {
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			return 0
		case c >= '0' && c <= '9':
			return 1
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80:
			return 2
		}
		return 3
	}
	n := 1
	if text[0] == ' ' && len(text) > 1 {
		n = 2
	}
	for n < len(text) && class(text[n]) == class(text[n-1]) {
		n++
	}
	return n
}
