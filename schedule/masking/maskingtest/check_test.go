package maskingtest_test

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/schedule/masking/maskingtest"
)

// call is the arguments of MaskBatch.
type call struct {
	dst, labels, src []int32
	key              masking.Key
	step             int
}

// broken does something wrong around a masker that is right.
type broken func(good *masking.Masker, c call) (int, error)

type brokenMasker struct {
	*masking.Masker
	f broken
}

func (b brokenMasker) MaskBatch(dst, labels, src []int32, key masking.Key, step int) (int, error) {
	return b.f(b.Masker, call{dst, labels, src, key, step})
}

func (c call) by(m *masking.Masker) (int, error) {
	return m.MaskBatch(c.dst, c.labels, c.src, c.key, c.step)
}

const (
	vocab  = 500
	maskID = 3
)

var (
	rate    = schedule.Linear{From: 0.4, To: 0.15, Over: 1000}
	special = maskingtest.WithSpecial(0, 1)
)

func good(t *testing.T, opts ...masking.Option) *masking.Masker {
	m, err := masking.New(vocab, maskID, rate, append([]masking.Option{masking.WithSpecial(0, 1)}, opts...)...)
	require.NoError(t, err)
	return m
}

func TestCheckPasses(t *testing.T) {
	maskingtest.Check(t, good(t), vocab, maskID, rate, special)
	maskingtest.Check(t, good(t, masking.WithRTS()), vocab, maskID, rate, special, maskingtest.WithRTS())
	around := brokenMasker{good(t), func(m *masking.Masker, c call) (int, error) { return c.by(m) }}
	maskingtest.Check(t, around, vocab, maskID, rate, special, maskingtest.WithSteps(0, 1000))
}

var garbage []int32

func TestCheckCanFail(t *testing.T) {
	var calls atomic.Int64
	var clash together.Clash
	other := good(t, masking.WithReplaceProbs(0.85, 0.05))
	noMask := good(t, masking.WithReplaceProbs(0, 1))
	reseeded := good(t, masking.WithSeed(99))
	hf := good(t, masking.WithHFCompatible())
	spans := good(t, masking.WithSpans(0.2, 10))
	low, err := masking.New(vocab, maskID, schedule.Linear{From: 0.38, To: 0.14, Over: 1000}, masking.WithSpecial(0, 1))
	require.NoError(t, err)

	for name, c := range map[string]struct {
		f    broken
		want string
	}{
		"error": {func(m *masking.Masker, c call) (int, error) { return 0, errors.New("no such thing") },
			"Valid input must be masked"},
		"writes its source": {func(m *masking.Masker, c call) (int, error) { n, err := c.by(m); c.src[0] = 5; return n, err },
			"src or key was written to"},
		"masks specials": {func(m *masking.Masker, c call) (int, error) {
			n, err := c.by(m)
			i := slices.Index(c.src, 1)
			c.dst[i] = maskID
			return n, err
		}, "the special token 1 became 3"},
		"labels specials": {func(m *masking.Masker, c call) (int, error) {
			n, err := c.by(m)
			i := slices.Index(c.key.Special, true)
			c.labels[i] = c.src[i]
			return n + 1, err
		}, "must be left alone"},
		"writes specials": {func(_ *masking.Masker, c call) (int, error) { return c.by(hf) }, "No special id"},
		"wrong label": {func(m *masking.Masker, c call) (int, error) {
			n, err := c.by(m)
			c.labels[first(c.labels)]++
			return n, err
		}, "A label is the original id"},
		"changes the others": {func(m *masking.Masker, c call) (int, error) {
			n, err := c.by(m)
			c.labels[changed(c)] = -100
			return n, err
		}, "without a label"},
		"wrong count": {func(m *masking.Masker, c call) (int, error) { n, err := c.by(m); return n + 1, err }, "divides by"},
		"stateful": {func(m *masking.Masker, c call) (int, error) {
			c.key.Epoch = int(calls.Add(1))
			return c.by(m)
		}, "after other calls"},
		"not for goroutines": {func(m *masking.Masker, c call) (int, error) {
			if clash.Enter(5 * time.Millisecond) {
				m = reseeded
			}
			return c.by(m)
		}, "called from several goroutines"},
		"not in place": {func(m *masking.Masker, c call) (int, error) {
			if &c.dst[0] == &c.src[0] {
				m = reseeded
			}
			return c.by(m)
		}, "in place"},
		"by position in the batch": {func(m *masking.Masker, c call) (int, error) {
			c.key.Samples = slices.Clone(c.key.Samples)
			for i := range c.key.Samples {
				c.key.Samples[i] = i
			}
			return c.by(m)
		}, "depend on its sample alone"},
		"fails on small batches": {func(m *masking.Masker, c call) (int, error) {
			if len(c.key.Samples) < 10 {
				return 0, errors.New("too few")
			}
			return c.by(m)
		}, "too few"},
		"same in every epoch": {func(m *masking.Masker, c call) (int, error) { c.key.Epoch = 0; return c.by(m) },
			"epochs 0 and 1"},
		"same for every sample": {func(m *masking.Masker, c call) (int, error) {
			c.key.Samples = make([]int, len(c.key.Samples))
			return c.by(m)
		}, "neighbouring samples"},
		"not nested": {func(m *masking.Masker, c call) (int, error) { c.key.Epoch += c.step; return c.by(m) },
			"A larger rate must only add"},
		"wrong rate": {func(_ *masking.Masker, c call) (int, error) { return c.by(low) },
			"The rate must be that of the schedule"},
		"wrong split": {func(_ *masking.Masker, c call) (int, error) { return c.by(other) }, "The shares must be 0.8, 0.1"},
		"never masks": {func(_ *masking.Masker, c call) (int, error) { return c.by(noMask) }, "want"},
		"clusters":    {func(_ *masking.Masker, c call) (int, error) { return c.by(spans) }, "step 0"},
	} {
		got := recorder.Failures(t, func(tb testing.TB) {
			maskingtest.Check(tb, brokenMasker{good(t), c.f}, vocab, maskID, rate, special)
		})
		require.Contains(t, got, c.want, name)
	}
	if !race.Enabled {
		wasteful := func(m *masking.Masker, c call) (int, error) { garbage = make([]int32, 9); return c.by(m) }
		got := recorder.Failures(t, func(tb testing.TB) {
			maskingtest.Check(tb, brokenMasker{good(t), wasteful}, vocab, maskID, rate, special)
		})
		require.Contains(t, got, "must not make garbage")
		// A goroutine of its own is not there on one processor.
		if runtime.GOMAXPROCS(0) > 1 {
			parallel := func(m *masking.Masker, c call) (int, error) {
				if runtime.GOMAXPROCS(0) > 1 {
					garbage = make([]int32, 9)
				}
				return c.by(m)
			}
			got := recorder.Failures(t, func(tb testing.TB) {
				maskingtest.Check(tb, brokenMasker{good(t), parallel}, vocab, maskID, rate, special)
			})
			require.Contains(t, got, "must not make garbage")
		}
	}
}

// What is declared must be sensible and fit the masker.
func TestCheckOptions(t *testing.T) {
	for want, f := range map[string]func(testing.TB){
		"mask id 500":     func(tb testing.TB) { maskingtest.Check(tb, good(t), vocab, vocab, rate) },
		"vocabulary of 0": func(tb testing.TB) { maskingtest.Check(tb, good(t), 0, 0, rate) },
		"all 2 ids are special": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), 2, 0, rate,
				maskingtest.WithSpecial(1))
		},
		"rate at step 0 is 1.5": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID,
				schedule.Constant{V: 1.5})
		},
		"WithReplaceProbs(0.9, 0.2)": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate, maskingtest.WithReplaceProbs(0.9, 0.2))
		},
		"WithTargetRate(2)": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate, maskingtest.WithTargetRate(2))
		},
		"WithSteps()": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate,
				maskingtest.WithSteps())
		},
		"WithClusters(0)": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate,
				maskingtest.WithClusters(0))
		},
		"with label -100": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate, special, maskingtest.WithRTS())
		},
		"without a label": func(tb testing.TB) {
			maskingtest.Check(tb, good(t, masking.WithTargetRate(0.1)), vocab, maskID, rate, special)
		},
		"the special token 7 became": func(tb testing.TB) {
			maskingtest.Check(tb, good(t), vocab, maskID, rate, special, maskingtest.WithSpecial(7))
		},
	} {
		require.Contains(t, recorder.Failures(t, f), want)
	}
}

func first(labels []int32) int {
	return slices.IndexFunc(labels, func(l int32) bool { return l != -100 })
}

func changed(c call) int {
	for i, id := range c.src {
		if c.dst[i] != id {
			return i
		}
	}
	return -1
}
