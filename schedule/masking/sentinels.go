package masking

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// MaskSentinels writes one row in T5's form: in the input every run of selected tokens is replaced by a sentinel, in
// the target stand the sentinels, each followed by the tokens it replaces. It appends both and returns the extended
// slices. With a, b, c, d, e of which b, c and e are selected, the input becomes a <0> d <1> and the target <0> b c
// <1> e. T5 adds its end-of-sequence id to both, which is left to the caller.
//
// key has one sample. The masker needs [WithSentinels], and normally has [WithT5Spans]; with other units their runs are
// replaced. Errors are those of [Masker.Mask], or wrap [tensor.ErrEmpty] without sentinels and [tensor.ErrRange] if
// there are fewer than runs; the slices are then returned as they came.
func (m *Masker) MaskSentinels(input, target, src []int32, key Key, step int) ([]int32, []int32, error) {
	p, err := m.check(src, key, step)
	switch {
	case err != nil:
	case m.sentinelCount == 0:
		err = fmt.Errorf("masking: MaskSentinels needs WithSentinels: %w", tensor.ErrEmpty)
	case len(key.Samples) != 1:
		err = fmt.Errorf("masking: MaskSentinels: key has %d samples, want 1: %w", len(key.Samples), tensor.ErrShape)
	default:
		err = m.checkIDs(src)
	}
	if err == nil {
		err = m.checkAppend("input", input, "src", src)
	}
	if err == nil {
		err = m.checkAppend("target", target, "src", src)
	}
	if err != nil {
		return input, target, err
	}
	r := rowPool.Get().(*row)
	defer r.release()
	r.load(m, src, key, 0, p)
	_ = r.choose(m) // keyed draws do not fail
	runs := 0
	for k, i := range r.pos {
		if k == 0 || r.pos[k-1] != i-1 {
			runs++
		}
	}
	if runs > m.sentinelCount {
		return input, target, fmt.Errorf("masking: MaskSentinels: %d spans for %d sentinels: %w",
			runs, m.sentinelCount, tensor.ErrRange)
	}
	done, sentinel := 0, int32(m.sentinelFirst)
	for k, i := range r.pos {
		if k == 0 || r.pos[k-1] != i-1 {
			input = append(append(input, src[done:i]...), sentinel)
			target = append(target, sentinel)
			sentinel--
		}
		target = append(target, src[i])
		done = int(i) + 1
	}
	return append(input, src[done:]...), target, nil
}
