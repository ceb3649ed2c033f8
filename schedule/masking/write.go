package masking

// write corrupts dst and labels the targets. It returns their number.
func (r *row) write(m *Masker, dst, labels []int32) int {
	if &dst[0] != &r.src[0] {
		copy(dst, r.src)
	}
	blank := m.ignore
	if m.rts {
		blank = 0
	}
	fill(labels, blank)
	if !m.rts && !m.subset && m.unit != spans && r.isKeyed() {
		r.writeMLM(m, dst, labels)
		return len(r.pos)
	}
	n := 0
	for k, i := range r.pos {
		label := r.src[i]
		if m.rts {
			label = 1
		}
		id, target := r.corrupt(m, k)
		dst[i] = id
		if target {
			labels[i] = label
			n++
		}
	}
	return n
}

// writeMLM is the ordinary case of write. What becomes of a token cannot be predicted, so nothing branches on it.
func (r *row) writeMLM(m *Masker, dst, labels []int32) {
	src, key := r.src, r.action
	for _, i := range r.pos {
		id := src[i]
		v := hash(key + golden64*(uint64(i)+1))
		u := v & (1<<32 - 1)
		random, out := m.randomToken(v), id
		if u < m.randomBelow {
			out = random
		}
		if u < m.maskBelow {
			out = m.maskID
		}
		dst[i], labels[i] = out, id
	}
}

// corrupt says what the selected position number k becomes and whether it is a target.
func (r *row) corrupt(m *Masker, k int) (id int32, target bool) {
	i := r.pos[k]
	owner, actor := i, i
	if len(r.owner) > 0 {
		owner = r.owner[k]
	}
	if m.unit == spans {
		actor = owner
	}
	id = r.src[i]
	switch r.draws.replacement(m, actor) {
	case toMask:
		id = m.maskID
	case toRandom:
		id = r.draws.token(m, i)
	}
	return id, !m.subset || r.draws.kept(m, r.p, owner, i)
}

// replacementOf reads an action from the low half of a draw, randomToken the id from the high half.
func (m *Masker) replacementOf(v uint64) replacement {
	switch u := v & (1<<32 - 1); {
	case u < m.maskBelow:
		return toMask
	case u < m.randomBelow:
		return toRandom
	}
	return toItself
}

func (m *Masker) randomToken(v uint64) int32 {
	k := v >> 32 * m.randomCount >> 32
	if m.randomTable != nil {
		return m.randomTable[k]
	}
	return m.randomLo + int32(k)
}

// fill sets every element by copies of doubling length, which run at the speed of memory.
func fill(x []int32, v int32) {
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}
