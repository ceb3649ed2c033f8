package masking

// MaskSparse corrupts a batch in place and lists the targets, for models that compute only these: it appends to pos
// their positions in ids, in increasing order, and to labels their original ids, and returns the extended slices. Pass
// pos[:0] and labels[:0] to use their memory again. Everything else is as in [Masker.Mask], whose results have the
// same ids and labels; with [WithRTS] the targets are the replaced positions.
//
// On an error, which is one of Mask's, ids is unchanged and the slices are returned as they came. labels must not share
// memory with ids.
func (m *Masker) MaskSparse(pos []int, labels, ids []int32, key Key, step int) ([]int, []int32, error) {
	p, err := m.check(ids, key, step)
	if err == nil {
		err = m.checkIDs(ids)
	}
	if err == nil {
		err = m.checkAppend("labels", labels, "ids", ids)
	}
	if err != nil {
		return pos, labels, err
	}
	r := rowPool.Get().(*row)
	cols := len(ids) / len(key.Samples)
	for i := range key.Samples {
		from := i * cols
		src := ids[from : from+cols]
		r.load(m, src, key, i, p)
		_ = r.choose(m) // keyed draws do not fail
		for k, at := range r.pos {
			original := src[at]
			id, target := r.corrupt(m, k)
			src[at] = id
			if target {
				pos, labels = append(pos, from+int(at)), append(labels, original)
			}
		}
	}
	r.release()
	return pos, labels, nil
}
