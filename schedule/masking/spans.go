package masking

import (
	"math"
	"slices"
)

// chooseWords takes words in random order and leaves out those that would exceed the budget, as BERT's data pipeline
// does.
func (r *row) chooseWords(m *Masker) error {
	of := r.candidates
	if m.hf {
		of = len(r.src)
	}
	budget := m.budget(of, r.p)
	if err := r.shuffle(wordOrder, len(r.starts)); err != nil {
		return err
	}
	r.clearChosen()
	for _, w := range r.order {
		if budget == 0 {
			break
		}
		if size := int(r.ends[w] - r.starts[w]); size <= budget {
			r.mark(int(w), r.starts[w], size)
			budget -= size
		}
	}
	r.takeChosen()
	return nil
}

// chooseSpans visits words in random order and starts a span at each that is still free. That is drawing starts until
// one is free, without drawing in vain. A larger budget goes on where a smaller one stopped.
func (r *row) chooseSpans(m *Masker) error {
	budget := m.budget(r.candidates, r.p)
	if err := r.shuffle(wordOrder, len(r.starts)); err != nil {
		return err
	}
	r.clearChosen()
	count := 0
	for _, w := range r.order {
		if budget == 0 {
			break
		}
		start := r.starts[w]
		if r.chosen[start] >= 0 {
			continue
		}
		length, err := r.draws.spanLength(m, count, start)
		if err != nil {
			return err
		}
		count++
		for v := int(w); v < int(w)+length && budget > 0 && r.follows(v, int(w)); v++ {
			size := min(int(r.ends[v]-r.starts[v]), budget)
			r.mark(v, start, size)
			budget -= size
		}
	}
	r.takeChosen()
	return nil
}

// follows tells whether word v, the first one or one after it, can belong to the span that starts with word first.
func (r *row) follows(v, first int) bool {
	return v == first || v < len(r.starts) && r.starts[v] == r.ends[v-1] && r.chosen[r.starts[v]] < 0
}

// mark selects the first size tokens of word w as part of what begins at owner.
func (r *row) mark(w int, owner int32, size int) {
	for i := range size {
		r.chosen[int(r.starts[w])+i] = owner
	}
}

func (r *row) clearChosen() {
	r.chosen = sized(r.chosen, len(r.src))
	for i := range r.chosen {
		r.chosen[i] = -1
	}
}

func (r *row) takeChosen() {
	for i, owner := range r.chosen {
		if owner >= 0 {
			r.pos, r.owner = append(r.pos, int32(i)), append(r.owner, owner)
		}
	}
}

// chooseNoise is T5's random_spans_noise_mask over the candidates.
func (r *row) chooseNoise(m *Masker) error {
	length := len(r.starts)
	if length < 2 || r.p.p == 0 {
		return nil
	}
	n := min(max(m.budget(length, r.p), 1), length-1)
	count := max(1, int(math.RoundToEven(float64(n)/m.noiseLength)))
	count = min(count, n, length-n)
	r.segments = r.segments[:0]
	if err := r.segment(noiseOrder, n, count); err != nil {
		return err
	}
	if err := r.segment(cleanOrder, length-n, count); err != nil {
		return err
	}
	roll := 0
	if m.rolled {
		var err error
		if roll, err = r.draws.roll(length); err != nil {
			return err
		}
	}
	at, first := roll, 0 // first is how many positions come before the one at which the row begins anew
	for i := range count {
		at += int(r.segments[count+i])
		for range r.segments[i] {
			if at < length {
				first++
			}
			r.pos = append(r.pos, r.starts[at%length])
			at++
		}
	}
	rotate(r.pos, first)
	return nil
}

// rotate brings x[first:] to the front.
func rotate(x []int32, first int) {
	slices.Reverse(x[:first])
	slices.Reverse(x[first:])
	slices.Reverse(x)
}

// segment appends the lengths of count random segments, none empty, of so many items.
func (r *row) segment(s stream, items, count int) error {
	if err := r.shuffle(s, items-1); err != nil {
		return err
	}
	length := int32(1)
	for _, v := range r.order {
		if int(v) < count-1 {
			r.segments = append(r.segments, length)
			length = 0
		}
		length++
	}
	r.segments = append(r.segments, length)
	return nil
}

func (r *row) shuffle(s stream, n int) error {
	r.order = sized(r.order, n)
	return r.draws.permute(s, r.order)
}

// sized returns a slice of length n, with the memory of x if it suffices.
func sized[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
