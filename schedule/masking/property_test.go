package masking_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
)

// sequence is n random ids that are not special, for samples 0 to rows-1.
func sequence(rows, cols int) ([]int32, masking.Key) {
	rng := rand.New(rand.NewPCG(1, uint64(rows*cols)))
	src := make([]int32, rows*cols)
	for i := range src {
		src[i] = 10 + rng.Int32N(vocab-10)
	}
	key := masking.Key{}
	for i := range rows {
		key.Samples = append(key.Samples, i)
	}
	return src, key
}

func mask(t *testing.T, m *masking.Masker, src []int32, key masking.Key, step int) (dst, labels []int32) {
	t.Helper()
	dst, labels = make([]int32, len(src)), make([]int32, len(src))
	_, err := m.Mask(dst, labels, src, key, step)
	require.NoError(t, err)
	return dst, labels
}

// All forms of output come from the same selection and the same replacements.
func TestFormsAgree(t *testing.T) {
	src, key := sequence(9, 77)
	key.Epoch = 3
	key.Special = make([]bool, len(src))
	for i := range key.Special {
		key.Special[i] = i%11 == 0
	}
	words := masking.WithWords(continues)
	for name, opts := range map[string][]masking.Option{
		"tokens": nil, "subset": {masking.WithTargetRate(0.1)}, "RTS": {masking.WithRTS()}, "words": {words},
		"exact":       {masking.WithExactCount()},
		"words exact": {words, masking.WithExactCount()}, "spans": {masking.WithSpans(0.2, 10)},
		"T5":       {masking.WithT5Spans(3)},
		"T5 roll":  {masking.WithT5Spans(3), masking.WithRoll()},
		"poisson":  {masking.WithPoissonSpans(3, 10)},
		"fixed":    {words, masking.WithFixedSpans(2)},
		"HF words": {words, masking.WithHFCompatible()}, "minimum": {masking.WithMinTargets(30)},
	} {
		m := newMasker(t, vocab, maskID, constant(0.2), opts...)
		dst, labels := mask(t, m, src, key, 0)
		blank := int32(-100)
		if name == "RTS" {
			blank = 0
		}

		dst2, labels2 := make([]int32, len(src)), make([]int32, len(src))
		n, err := m.MaskBatch(dst2, labels2, src, key, 0)
		require.NoError(t, err)
		require.Equal(t, dst, dst2, name)
		require.Equal(t, labels, labels2, name)

		ids := slices.Clone(src)
		pos, orig, err := m.MaskSparse([]int{-1}, []int32{-2}, ids, key, 0)
		require.NoError(t, err)
		require.Equal(t, dst, ids, name)
		require.Len(t, pos, n+1)
		require.Equal(t, -1, pos[0], "appended")
		require.Equal(t, int32(-2), orig[0], "appended")
		k := 1
		for i, l := range labels {
			if l == blank {
				continue
			}
			require.Equal(t, i, pos[k], name)
			require.Equal(t, src[i], orig[k], name)
			k++
		}
		require.Equal(t, len(pos), k)
	}
}

// Word-level draws that a word's own tokens do not change: only independent tokens promise that; see Masker.
func TestTokensDoNotMatter(t *testing.T) {
	src, key := sequence(4, 100)
	other, _ := sequence(1, 400)
	m := newMasker(t, vocab, maskID, constant(0.3))
	_, a := mask(t, m, src, key, 0)
	_, b := mask(t, m, other, key, 0)
	require.Equal(t, targets(a), targets(b))
	// Nor does what follows a position.
	_, c := mask(t, m, src[:60], masking.Key{Samples: []int{0}}, 0)
	require.Equal(t, a[:60], c)
}

func TestExactCount(t *testing.T) {
	src, key := sequence(50, 63)
	src[5] = 1 // special
	m := newMasker(t, vocab, maskID, rateSteps, masking.WithExactCount(), masking.WithSpecial(1))
	bernoulli := newMasker(t, vocab, maskID, rateSteps, masking.WithSpecial(1))
	for step, p := range rates {
		_, labels := mask(t, m, src, key, step)
		_, independent := mask(t, bernoulli, src, key, step)
		for row := range 50 {
			candidates := 63.0
			if row == 0 {
				candidates = 62
			}
			a, b := targets(labels[row*63:(row+1)*63]), targets(independent[row*63:(row+1)*63])
			require.Equal(t, int(math.RoundToEven(p*candidates)), total(a), "rate %v", p)
			// Both select those with the smallest draws: one contains the other.
			more, less := a, b
			if total(b) > total(a) {
				more, less = b, a
			}
			for i := range less {
				require.True(t, more[i] >= less[i])
			}
		}
	}
}

func total(v []int) int {
	n := 0
	for _, x := range v {
		n += x
	}
	return n
}

func TestMinTargets(t *testing.T) {
	src, key := sequence(200, 10)
	for _, opts := range [][]masking.Option{nil, {masking.WithWords(continues)}} {
		with := newMasker(t, vocab, maskID, constant(0.1), append(opts, masking.WithMinTargets(2))...)
		without := newMasker(t, vocab, maskID, constant(0.1), opts...)
		_, a := mask(t, with, src, key, 0)
		_, b := mask(t, without, src, key, 0)
		added := 0
		for row := range 200 {
			x, y := targets(a[row*10:(row+1)*10]), targets(b[row*10:(row+1)*10])
			require.GreaterOrEqual(t, total(x), 2)
			for i := range x {
				require.True(t, x[i] >= y[i], "only adds")
			}
			if total(y) >= 2 && opts == nil {
				require.Equal(t, y, x)
			}
			added += total(x) - total(y)
		}
		require.Positive(t, added)
	}
	// A row with fewer candidates has all of them selected.
	m := newMasker(t, vocab, maskID, constant(0), masking.WithMinTargets(3), masking.WithSpecial(1))
	_, labels := mask(t, m, []int32{1, 20, 1, 21}, masking.Key{Samples: []int{0}}, 0)
	require.Equal(t, []int32{-100, 20, -100, 21}, labels)
	_, labels = mask(t, m, []int32{1, 1}, masking.Key{Samples: []int{0}}, 0)
	require.Equal(t, []int32{-100, -100}, labels)
}

// The targets of the subset are those of the constant rate, and the corruption is that of the schedule.
func TestSubsetIsPaired(t *testing.T) {
	src, key := sequence(20, 100)
	for _, unit := range [][]masking.Option{nil, {masking.WithWords(continues)}} {
		subset := newMasker(t, vocab, maskID, rateSteps, append(unit, masking.WithTargetRate(0.15))...)
		full := newMasker(t, vocab, maskID, rateSteps, unit...)
		low := newMasker(t, vocab, maskID, constant(0.15), unit...)
		_, lowLabels := mask(t, low, src, key, 0)
		for step, p := range rates {
			dst, labels := mask(t, subset, src, key, step)
			fullDst, fullLabels := mask(t, full, src, key, step)
			require.Equal(t, fullDst, dst)
			if p >= 0.15 {
				require.Equal(t, lowLabels, labels)
			} else {
				require.Equal(t, fullLabels, labels)
			}
		}
	}
}

func TestWordsAreWhole(t *testing.T) {
	src, key := sequence(40, 90)
	key.Special = make([]bool, len(src))
	for i := range key.Special {
		key.Special[i] = i%17 == 3
	}
	begins := func(i int) bool { // a word, which a special position or the start of the row before it makes
		return i%90 == 0 || key.Special[i-1] || !continues(int(src[i]))
	}
	for _, opts := range [][]masking.Option{nil, {masking.WithExactCount()}, {masking.WithHFCompatible()}} {
		m := newMasker(t, vocab, maskID, constant(0.4), append(opts, masking.WithWords(continues))...)
		_, labels := mask(t, m, src, key, 0)
		sel := targets(labels)
		split := 0
		for i := range src {
			if !key.Special[i] && !begins(i) {
				require.Equal(t, sel[i-1], sel[i], "position %d", i)
				split++
			}
		}
		require.Greater(t, split, 100)
	}
}

// Python's round(0.5) is 0 and round(2.5) is 2; Hugging Face counts special tokens and selects at least one.
func TestWordBudget(t *testing.T) {
	one := masking.WithWords(func(int) bool { return false }) // budgets are exact if words are single tokens
	key := masking.Key{Samples: []int{0}}
	for _, c := range []struct {
		length, special int
		rate            float64
		want, hf        int
	}{
		{10, 2, 0.25, 2, 2}, // 2 of 8; 2.5 of 10
		{14, 0, 0.25, 4, 4}, // 3.5 of 14
		{10, 0, 0.25, 2, 2}, // 2.5
		{6, 4, 0.25, 0, 2},  // 0.5 of 2; 1.5 of 6
		{2, 0, 0.15, 0, 1},  // 0.3
		{3, 2, 0, 0, 1},     // Hugging Face's minimum holds at rate 0
		{1200, 0, 0.5, 600, 512},
	} {
		ids := make([]int32, c.length)
		for i := range ids {
			if ids[i] = 20; i < c.special {
				ids[i] = 1
			}
		}
		special := masking.WithSpecial(1)
		_, labels := mask(t, newMasker(t, vocab, maskID, constant(c.rate), one, special, masking.WithExactCount()), ids, key,
			0)
		require.Equal(t, c.want, total(targets(labels)), "%+v", c)
		_, labels = mask(t, newMasker(t, vocab, maskID, constant(c.rate), one, special, masking.WithHFCompatible()), ids, key,
			0)
		require.Equal(t, c.hf, total(targets(labels)), "%+v", c)
	}
}

// Budgets of spans are kept to the token; all tokens of a span become masked, random or stay.
func TestSpans(t *testing.T) {
	src, key := sequence(300, 60)
	for i := range src {
		src[i] = int32(10 + i%500)
	}
	m := newMasker(t, vocab, maskID, rateSteps, masking.WithSpans(0.2, 10), masking.WithReplaceProbs(0.5, 0.2))
	for step, p := range rates {
		dst, labels := mask(t, m, src, key, step)
		for row := range 300 {
			sel := targets(labels[row*60 : (row+1)*60])
			require.Equal(t, int(math.RoundToEven(60*p)), total(sel))
		}
		if p == 0.05 { // spans are too few to touch each other, mostly
			lengths, mixed := map[int]int{}, 0
			for row := range 300 {
				for i := 0; i < 60; {
					j := i
					for ; j < 60 && labels[row*60+j] != -100; j++ {
					}
					if j > i {
						lengths[j-i]++
						kind := func(i int) int {
							switch dst[row*60+i] {
							case maskID:
								return 0
							case src[row*60+i]:
								return 2
							}
							return 1
						}
						for x := i + 1; x < j; x++ {
							if kind(x) != kind(i) {
								mixed++
							}
						}
					}
					i = max(j, i+1)
				}
			}
			require.Less(t, mixed, 20)
			require.Greater(t, lengths[3], 100) // the budget is 3
		}
	}
}

// Draws of the caller place spans where and as long as they say.
func TestSpansFromDraws(t *testing.T) {
	src := []int32{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
	m := newMasker(t, vocab, maskID, constant(0.6), masking.WithSpans(0.2, 10), masking.WithReplaceProbs(0.5, 0.5),
		masking.WithWords(func(id int) bool { return id == 15 }))
	dst, labels := make([]int32, 10), make([]int32, 10)
	half := func(v ...float64) []float64 { return v }
	d := masking.Draws{
		Order: []int{4, 1, 5, 0, 2, 3, 6, 7, 8}, Lengths: []int{2, 3, 9},
		Replace: half(0, 0.9, 0, 0, 0.1, 0, 0, 0, 0, 0), Random: make([]float64, 10),
		Tokens: []int32{100, 101, 102, 103, 104, 105, 106, 107, 108, 109},
	}
	// Word 4 is 14 15, and 16 follows; from word 1 on 11 12 13, until the span before; that makes six.
	n, err := m.MaskDraws(dst, labels, src, d, 0)
	require.NoError(t, err)
	require.Equal(t, 6, n)
	require.Equal(t, []int32{10, 101, 102, 103, 4, 4, 4, 17, 18, 19}, dst)
	require.Equal(t, []int32{-100, 11, 12, 13, 14, 15, 16, -100, -100, -100}, labels)
}

// random_spans_noise_mask: counts, numbers of spans, clean first and noise last.
func TestT5Spans(t *testing.T) {
	for _, length := range []int{1, 2, 3, 7, 20, 64, 511} {
		for _, mean := range []float64{1, 3, 8} {
			m := newMasker(t, vocab, maskID, rateSteps, masking.WithT5Spans(mean))
			src, key := sequence(20, length)
			for step, p := range rates {
				_, labels := mask(t, m, src, key, step)
				noise := min(max(int(math.RoundToEven(float64(length)*p)), 1), length-1)
				spans := min(max(int(math.RoundToEven(float64(noise)/mean)), 1), noise, length-noise)
				if p == 0 || length == 1 {
					noise, spans = 0, 0
				}
				for row := range 20 {
					sel := targets(labels[row*length : (row+1)*length])
					require.Equal(t, noise, total(sel), "length %d, mean %v, rate %v", length, mean, p)
					require.Equal(t, spans, runs(sel))
					if noise > 0 {
						require.Equal(t, 0, sel[0])
						require.Equal(t, 1, sel[length-1])
					}
				}
			}
		}
	}
}

func runs(sel []int) int {
	n := 0
	for i, s := range sel {
		if s == 1 && (i == 0 || sel[i-1] == 0) {
			n++
		}
	}
	return n
}

// Input and target together are the text again.
func TestSentinels(t *testing.T) {
	src, _ := sequence(1, 120)
	src[119] = 1 // end of sequence
	for i := range src[:119] {
		src[i] = 10 + src[i]%800
	}
	m := newMasker(t, vocab, 0, rateSteps, masking.WithT5Spans(3), masking.WithSpecial(1), masking.WithSentinels(999, 60))
	for step, p := range rates {
		for sample := range 20 {
			key := masking.Key{Samples: []int{sample}}
			_, labels := mask(t, m, src, key, step)
			input, target, err := m.MaskSentinels(nil, nil, src, key, step)
			require.NoError(t, err)
			selected := total(targets(labels))
			spans := runs(targets(labels))
			require.Len(t, input, len(src)-selected+spans, "rate %v", p)
			require.Len(t, target, selected+spans)
			require.Equal(t, int32(1), input[len(input)-1], "special ids stay in the input")
			var text []int32
			next := int32(999)
			for _, id := range input {
				if id < 900 {
					text = append(text, id)
					continue
				}
				require.Equal(t, next, id)
				require.Equal(t, next, target[0])
				next--
				for target = target[1:]; len(target) > 0 && target[0] < 900; target = target[1:] {
					text = append(text, target[0])
				}
			}
			require.Empty(t, target)
			require.Equal(t, src, text)
		}
	}
	// The slices are appended to, and come back as they were if there are too few sentinels.
	few := newMasker(t, vocab, 0, constant(0.5), masking.WithT5Spans(1), masking.WithSpecial(1),
		masking.WithSentinels(999, 5))
	input, target, err := few.MaskSentinels([]int32{7}, []int32{8}, src, masking.Key{Samples: []int{0}}, 0)
	require.ErrorContains(t, err, "for 5 sentinels")
	require.Equal(t, []int32{7}, input)
	require.Equal(t, []int32{8}, target)
	input, target, err = m.MaskSentinels([]int32{7}, []int32{8}, src, masking.Key{Samples: []int{0}}, 5)
	require.NoError(t, err)
	require.Equal(t, append([]int32{7}, src...), input)
	require.Equal(t, []int32{8}, target)
}

// Random replacements are uniform over what is allowed, whether that is a range or has holes.
func TestRandomIDs(t *testing.T) {
	src := make([]int32, 40000)
	for i := range src {
		src[i] = 9
	}
	for _, c := range []struct {
		opts []masking.Option
		want []int32
	}{
		{[]masking.Option{masking.WithSpecial(0, 1)}, []int32{2, 3, 5, 6, 7, 8, 9}}, // 4 is the mask id
		{[]masking.Option{masking.WithSpecial(0, 1), masking.WithRandomExclude(2, 3)}, []int32{5, 6, 7, 8, 9}},
		{[]masking.Option{masking.WithRandomRange(3, 8), masking.WithRandomExclude(7)}, []int32{3, 5, 6}},
		{[]masking.Option{masking.WithSpecial(0, 1), masking.WithHFCompatible()}, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	} {
		m := newMasker(t, 10, 4, constant(1), append(c.opts, masking.WithRTS())...)
		dst, _ := mask(t, m, src, masking.Key{Samples: []int{5}}, 0)
		count := make([]float64, 10)
		for _, id := range dst {
			count[id]++
		}
		mean := float64(len(src)) / float64(len(c.want))
		for id := range count {
			if slices.Contains(c.want, int32(id)) {
				require.InDelta(t, mean, count[id], 4.5*math.Sqrt(mean), "id %d", id)
			} else {
				require.Zero(t, count[id], "id %d", id)
			}
		}
	}
}

// Neither GOMAXPROCS nor the number of workers, nor resuming in the middle, changes a bit.
func TestWorkersAndResume(t *testing.T) {
	defer sharing.Everything()()
	src, _ := sequence(300, 200)
	rate := schedule.Linear{From: 0.3, To: 0.15, Over: 30}
	run := func(from, to, size, workers int) (ids []int32, n int) {
		m := newMasker(t, vocab, maskID, rate, masking.WithWorkers(workers), masking.WithSeed(5))
		for step := from; step < to; step++ {
			var batch []int32
			key := masking.Key{Epoch: step / 3}
			for i := range 100 {
				s := (step*100 + i) % 300
				key.Samples = append(key.Samples, s)
				batch = append(batch, src[s*200:(s+1)*200]...)
			}
			dst, labels := make([]int32, len(batch)), make([]int32, len(batch))
			for lo := 0; lo < 100; lo += size {
				hi := min(lo+size, 100)
				part := masking.Key{Epoch: key.Epoch, Samples: key.Samples[lo:hi]}
				k, err := m.MaskBatch(dst[lo*200:hi*200], labels[lo*200:hi*200], batch[lo*200:hi*200], part, step)
				require.NoError(t, err)
				n += k
			}
			ids = append(append(ids, dst...), labels...)
		}
		return ids, n
	}
	want, n := run(0, 6, 100, 0)
	for _, procs := range []int{1, 2, 3, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for _, workers := range []int{0, 1, 2, 7} {
				for _, size := range []int{1, 33, 100} {
					got, k := run(0, 6, size, workers)
					require.True(t, slices.Equal(want, got))
					require.Equal(t, n, k)
				}
			}
		}()
	}
	resumed, _ := run(4, 6, 100, 0)
	require.Equal(t, want[4*len(want)/6:], resumed)
}

func TestNoAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop memory under the race detector")
	}
	src, key := sequence(64, 512)
	dst, labels := make([]int32, len(src)), make([]int32, len(src))
	words := masking.WithWords(continues)
	for name, opts := range map[string][]masking.Option{
		"tokens": nil, "subset": {masking.WithTargetRate(0.1)}, "RTS": {masking.WithRTS()}, "words": {words},
		"exact":       {masking.WithExactCount()},
		"words exact": {words, masking.WithExactCount()}, "spans": {masking.WithSpans(0.2, 10)},
		"T5": {masking.WithT5Spans(3)}, "T5 roll": {masking.WithT5Spans(3), masking.WithRoll()},
		"poisson": {masking.WithPoissonSpans(3, 10)},
	} {
		if name != "RTS" && name != "subset" {
			opts = append(opts, masking.WithSentinels(999, 300))
		}
		m := newMasker(t, vocab, maskID, constant(0.15), opts...)
		var pos []int
		var orig, input, target []int32
		row := masking.Key{Samples: key.Samples[:1]}
		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for form, f := range map[string]func(){
			"Mask": func() { _, err := m.Mask(dst, labels, src, key, 0); check(err) },
			"MaskSparse": func() {
				var err error
				pos, orig, err = m.MaskSparse(pos[:0], orig[:0], src, key, 0)
				check(err)
			},
			"MaskSentinels": func() {
				if name == "RTS" || name == "subset" {
					return
				}
				var err error
				input, target, err = m.MaskSentinels(input[:0], target[:0], src[:512], row, 0)
				check(err)
			},
		} {
			before := slices.Clone(src)
			key.Epoch = 0
			require.Zero(t, testing.AllocsPerRun(10, func() {
				copy(src, before)
				f()
			}), "%s, %s", name, form)
			copy(src, before)
		}
		require.Zero(t, allocs.PerCall(func() {
			_, err := m.MaskBatch(dst, labels, src, key, 0)
			check(err)
		}), "%s on all processors", name)
	}
}
