package masking_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
)

// Without a roll, rows too short for two spans lose their last tokens, whatever the seed. With it every position is
// noise equally often, and as many of them as without.
func TestRoll(t *testing.T) {
	const rows = 6000
	for length, noise := range map[int]int{2: 1, 5: 1, 10: 2, 20: 3, 41: 6} {
		src, key := sequence(rows, length)
		still := newMasker(t, vocab, maskID, constant(0.15), masking.WithT5Spans(3))
		rolled := newMasker(t, vocab, maskID, constant(0.15), masking.WithT5Spans(3), masking.WithRoll())
		_, before := mask(t, still, src, key, 0)
		_, after := mask(t, rolled, src, key, 0)
		count := make([]float64, length)
		for row := range rows {
			was, is := targets(before[row*length:(row+1)*length]), targets(after[row*length:(row+1)*length])
			require.Equal(t, noise, total(was))
			require.Equal(t, noise, total(is))
			if length <= 20 {
				require.Equal(t, 1, runs(was))
				require.Equal(t, noise, total(was[length-noise:]), "the last %d of %d", noise, length)
			}
			circle := runs(is)
			if is[0] == 1 && is[length-1] == 1 && circle > 1 {
				circle--
			}
			require.LessOrEqual(t, circle, runs(was), "no span more, on a circle")
			for i, s := range is {
				count[i] += float64(s)
			}
		}
		p := float64(noise) / float64(length)
		for i, n := range count {
			require.InDelta(t, p*rows, n, 4.5*math.Sqrt(rows*p*(1-p)), "position %d of %d", i, length)
		}
	}
}

// T5's random_roll with a given offset: the mask of random_spans_noise_mask, moved along the candidates.
func TestRollFromDraws(t *testing.T) {
	const length = 9
	src := []int32{10, 11, 12, 1, 13, 14, 15, 16, 17, 18}
	noise, clean := []int{1, 0}, []int{3, 0, 2, 1, 4}
	opts := []masking.Option{masking.WithReplaceProbs(1, 0), masking.WithSpecial(1), masking.WithT5Spans(2)}
	m := newMasker(t, 30, 0, constant(0.34), opts...)
	of := func(m *masking.Masker, roll int) []int {
		dst, labels := make([]int32, len(src)), make([]int32, len(src))
		d := masking.Draws{Replace: make([]float64, len(src)), Noise: noise, Clean: clean, Roll: roll}
		_, err := m.MaskDraws(dst, labels, src, d, 0)
		require.NoError(t, err)
		return slices.Delete(targets(labels), 3, 4) // without the special token
	}
	want := of(m, 0)
	require.Equal(t, 3, total(want))
	require.Equal(t, 2, runs(want))
	rolled := newMasker(t, 30, 0, constant(0.34), append(opts, masking.WithRoll())...)
	for roll := range length {
		require.Equal(t, append(slices.Clone(want[length-roll:]), want[:length-roll]...), of(rolled, roll), "roll %d", roll)
	}
}

// Words by position are the same as words by id where the positions say what the ids say.
func TestWordPositions(t *testing.T) {
	src, key := sequence(20, 64)
	at := key
	at.Continues = make([]bool, len(src))
	for i, id := range src {
		at.Continues[i] = continues(int(id))
	}
	for name, opts := range map[string][]masking.Option{
		"words": nil, "exact": {masking.WithExactCount()}, "HF": {masking.WithHFCompatible()},
		"spans": {masking.WithSpans(0.4, 3)}, "subset": {masking.WithTargetRate(0.1)},
	} {
		byID := newMasker(t, vocab, maskID, constant(0.2), append(opts, masking.WithWords(continues))...)
		byPosition := newMasker(t, vocab, maskID, constant(0.2), append(opts, masking.WithWordPositions())...)
		dst, labels := mask(t, byID, src, key, 0)
		dst2, labels2 := mask(t, byPosition, src, at, 0)
		require.Equal(t, dst, dst2, name)
		require.Equal(t, labels, labels2, name)
		_, err := byPosition.MaskBatch(dst2, labels2, src, at, 0)
		require.NoError(t, err)
		require.Equal(t, dst, dst2, name)
		ids := slices.Clone(src)
		_, _, err = byPosition.MaskSparse(nil, nil, ids, at, 0)
		require.NoError(t, err)
		require.Equal(t, dst, ids, name)
	}

	// Words that ids cannot tell: the same token at the start of a word and within one.
	m := newMasker(t, vocab, maskID, constant(0.5), masking.WithWordPositions(), masking.WithReplaceProbs(1, 0),
		masking.WithSpecial(1))
	row := []int32{7, 7, 7, 1, 7, 7, 7, 7}
	word := []int{0, 0, 1, -1, 2, 3, 3, 3} // position 4 continues the special token before, and is a word all the same
	joined := []bool{false, true, false, true, true, false, true, true}
	seen := map[int]int{}
	for sample := range 400 {
		_, labels := mask(t, m, row, masking.Key{Samples: []int{sample}, Continues: joined}, 0)
		for i, w := range word {
			require.Equal(t, labels[slices.Index(word, w)] >= 0, labels[i] >= 0)
			require.False(t, w < 0 && labels[i] >= 0)
			if labels[i] >= 0 {
				seen[w]++
			}
		}
	}
	require.Len(t, seen, 4)

	dst, labels := filled(8), filled(8)
	_, err := m.Mask(dst, labels, row, masking.Key{Samples: []int{0}}, 0)
	require.ErrorIs(t, err, tensor.ErrShape)
	require.ErrorContains(t, err, "key.Continues has 0 elements for 8 ids")
	plain := newMasker(t, vocab, maskID, constant(0.5))
	_, err = plain.MaskBatch(dst, labels, row, masking.Key{Samples: []int{0}, Continues: joined}, 0)
	require.ErrorIs(t, err, tensor.ErrConflict)
	require.Equal(t, filled(8), dst)
}

// Spans of one length, but for the one that the budget cuts and those that have no room.
func TestFixedSpans(t *testing.T) {
	src, key := sequence(200, 120)
	m := newMasker(t, vocab, maskID, constant(0.1), masking.WithFixedSpans(4), masking.WithReplaceProbs(1, 0))
	_, labels := mask(t, m, src, key, 0)
	whole := 0
	for row := range 200 {
		sel := targets(labels[row*120 : (row+1)*120])
		require.Equal(t, 12, total(sel))
		if runs(sel) == 3 {
			whole++
		}
	}
	require.Greater(t, whole, 100)
}
