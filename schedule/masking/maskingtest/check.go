package maskingtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
)

// Masker is what is checked: [masking.Masker], and anything else with the method by which it masks a batch.
type Masker interface {
	MaskBatch(dst, labels, src []int32, key masking.Key, step int) (int, error)
}

// Check fails the test for every property that m, a masker of a vocabulary of so many ids that writes maskID and
// follows rate, lacks:
//
//   - determinism: the same call gives the same result, after other calls, from several goroutines, and in place;
//   - batch-split invariance: a row's result does not depend on the rows beside it or on their order;
//   - draws of their own for every sample and epoch;
//   - nestedness: what is selected at one rate is selected at every larger one and becomes the same ([WithoutNesting]);
//   - untouched specials: neither protected ids nor the positions in [masking.Key].Special change or get a label, and
//     none is written but the mask id;
//   - labels: the original id where there is one, at every position that changed, their number returned;
//   - statistics: the rate of selection within 4 standard errors, and the shares of masked, random and unchanged
//     tokens by a chi-square test at the level 1e-4 ([WithClusters] for units of several tokens);
//   - no allocations, on one processor and on all; not checked under the race detector.
//
// Rows have 128 tokens; about one in twenty is special if [WithSpecial] names ids. Counting allocations, Check cannot
// be called from parallel tests.
func Check(t testing.TB, m Masker, vocab, maskID int, rate schedule.Schedule, opts ...Option) {
	t.Helper()
	c, err := newConfig(vocab, maskID, opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	k := &checker{TB: t, config: c, m: m, vocab: vocab, maskID: int32(maskID)}
	for _, step := range c.steps {
		p := rate.Value(float64(step))
		if !(p >= 0 && p <= 1) {
			t.Fatalf("rate at step %d is %v\nRates must be in [0, 1] at every step that is looked at.", step, p)
		}
		k.rates = append(k.rates, p)
	}
	k.src, k.special, k.samples = sequences(vocab, c)
	for i, id := range k.src {
		k.protected = append(k.protected, k.special[i] || c.special[id])
	}
	for _, check := range []func() bool{k.runs, k.specials, k.labels, k.determinism, k.splits, k.keys, k.nesting,
		k.statistics} {
		if !check() {
			return // the rest would mostly say the same again
		}
	}
	k.allocations()
}

const (
	rows = 160
	cols = 128
)

type checker struct {
	testing.TB
	config
	m       Masker
	vocab   int
	maskID  int32
	rates   []float64 // by step
	src     []int32
	special []bool
	samples []int

	protected []bool   // special by position or by id
	results   []result // by step, in epoch 0
}

type result struct {
	dst, labels []int32
	n           int
}

// sequences are rows of random ids with special ones among them and further positions declared special.
func sequences(vocab int, c config) (src []int32, special []bool, samples []int) {
	rng := rand.New(rand.NewPCG(20, 23))
	var protected []int32
	for id := range c.special {
		protected = append(protected, id)
	}
	slices.Sort(protected)
	src, special = make([]int32, rows*cols), make([]bool, rows*cols)
	for i := range src {
		src[i] = int32(rng.IntN(vocab))
		for c.special[src[i]] {
			src[i] = int32(rng.IntN(vocab))
		}
		if len(protected) > 1 && rng.IntN(20) == 0 {
			src[i] = protected[rng.IntN(len(protected))]
		}
		special[i] = rng.IntN(50) == 0
	}
	for i := range rows {
		samples = append(samples, 3*i+i%3) // neither consecutive nor from 0 to rows-1
	}
	return src, special, samples
}

// mask masks the given rows, in this order, as one batch.
func (k *checker) mask(order []int, epoch, step int) (result, error) {
	r := result{dst: make([]int32, len(order)*cols), labels: make([]int32, len(order)*cols)}
	key := masking.Key{Epoch: epoch}
	var src []int32
	for _, row := range order {
		src = append(src, k.src[row*cols:(row+1)*cols]...)
		key.Special = append(key.Special, k.special[row*cols:(row+1)*cols]...)
		key.Samples = append(key.Samples, k.samples[row])
	}
	given, samples, special := slices.Clone(src), slices.Clone(key.Samples), slices.Clone(key.Special)
	var err error
	if r.n, err = k.m.MaskBatch(r.dst, r.labels, src, key, step); err != nil {
		return r, err
	}
	if !slices.Equal(src, given) || !slices.Equal(key.Samples, samples) || !slices.Equal(key.Special, special) {
		err = fmt.Errorf("src or key was written to")
	}
	return r, err
}

func (k *checker) all() []int {
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	return order
}

// runs masks the whole data at every step; the other checks compare with that.
func (k *checker) runs() bool {
	k.Helper()
	for _, step := range k.steps {
		r, err := k.mask(k.all(), 0, step)
		if err != nil {
			k.Errorf("step %d: MaskBatch: %v\nValid input must be masked.", step, err)
			return false
		}
		k.results = append(k.results, r)
	}
	return true
}

// blank is the label of what is no target.
func (k *checker) blank() int32 {
	if k.rts {
		return 0
	}
	return k.ignore
}

func (k *checker) specials() bool {
	k.Helper()
	for s, r := range k.results {
		for i, id := range k.src {
			if k.protected[i] && (r.dst[i] != id || r.labels[i] != k.blank()) {
				k.Errorf("step %d, row %d, position %d: the special token %d became %d with label %d\nSpecial tokens and "+
					"positions must be left alone.",
					k.steps[s], i/cols, i%cols, id, r.dst[i], r.labels[i])
				return false
			}
			if out := r.dst[i]; out != id && (out < 0 || int(out) >= k.vocab || k.config.special[out] &&
				(out != k.maskID || k.maskProb == 0)) {
				k.Errorf("step %d, row %d, position %d: id %d became %d\nNo special id and none outside the vocabulary may be "+
					"written, but for the mask id.",
					k.steps[s], i/cols, i%cols, id, out)
				return false
			}
		}
	}
	return true
}

func (k *checker) labels() bool {
	k.Helper()
	for s, r := range k.results {
		n := 0
		for i, id := range k.src {
			want := id
			if k.rts {
				want = 1
			}
			switch {
			case r.labels[i] != k.blank() && r.labels[i] != want:
				k.Errorf("step %d, row %d, position %d: label %d for id %d\nA label is the original id, or 1 for random token "+
					"substitution.",
					k.steps[s], i/cols, i%cols, r.labels[i], id)
				return false
			case r.labels[i] == k.blank() && r.dst[i] != id && k.target >= k.rates[s]:
				k.Errorf("step %d, row %d, position %d: id %d became %d without a label\nWhat is changed is a target.",
					k.steps[s], i/cols, i%cols, id, r.dst[i])
				return false
			case r.labels[i] != k.blank():
				n++
			}
		}
		if n != r.n {
			k.Errorf("step %d: MaskBatch returned %d, but there are %d targets\nThe number of targets is what a mean over "+
				"them divides by.", k.steps[s], r.n, n)
			return false
		}
	}
	return true
}

// same compares rows of two results.
func (k *checker) same(step int, how, why string, got result, order []int, want result) bool {
	k.Helper()
	for j, row := range order {
		for i := range cols {
			g, w := j*cols+i, row*cols+i
			if got.dst[g] != want.dst[w] || got.labels[g] != want.labels[w] {
				k.Errorf("step %d, sample %d, position %d: id %d and label %d, but %d and %d %s\n%s",
					step, k.samples[row], i, want.dst[w], want.labels[w], got.dst[g], got.labels[g], how, why)
				return false
			}
		}
	}
	return true
}

const (
	whyPure  = "Masks must depend on the call alone: then a run can be repeated and resumed."
	whySplit = "A row's mask must depend on its sample alone: then batch size, workers and order do not matter."
)

func (k *checker) determinism() bool {
	k.Helper()
	order := k.all()
	again := func(how string) bool {
		k.Helper()
		for s, step := range k.steps {
			r, err := k.mask(order, 0, step)
			if err != nil {
				k.Errorf("step %d: MaskBatch: %v, %s", step, err, how)
				return false
			}
			if !k.same(step, how, whyPure, r, order, k.results[s]) {
				return false
			}
		}
		return true
	}
	if !again("after other calls") {
		return false
	}
	ok := make([]bool, 4)
	together.Run(len(ok), func(i int) { ok[i] = again("called from several goroutines") })
	if slices.Contains(ok, false) {
		return false
	}
	r := result{dst: slices.Clone(k.src), labels: make([]int32, len(k.src))}
	if _, err := k.m.MaskBatch(r.dst, r.labels, r.dst, masking.Key{Samples: k.samples, Special: k.special},
		k.steps[0]); err != nil {
		k.Errorf("step %d: MaskBatch in place: %v", k.steps[0], err)
		return false
	}
	return k.same(k.steps[0], "in place", whyPure, r, order, k.results[0])
}

func (k *checker) splits() bool {
	k.Helper()
	order := k.all()
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(rows, func(i, j int) { order[i], order[j] = order[j], order[i] })
	for s, step := range k.steps {
		for _, size := range []int{1, 7, rows} {
			for lo := 0; lo < rows; lo += size {
				if size == 1 && lo == 24 {
					break // one row at a time takes long
				}
				part := order[lo:min(lo+size, rows)]
				r, err := k.mask(part, 0, step)
				if err != nil {
					k.Errorf("step %d: MaskBatch of %d rows: %v", step, len(part), err)
					return false
				}
				if !k.same(step, fmt.Sprintf("in another batch, of %d rows", len(part)), whySplit, r, part, k.results[s]) {
					return false
				}
			}
		}
	}
	return true
}

// touched says whether position i was selected, as far as can be seen.
func (k *checker) touched(r result, i int) bool {
	return r.labels[i] != k.blank() || r.dst[i] != k.src[i]
}

// keys compares the selections of two epochs, and of neighbouring samples. They are independent, unless the unit
// prefers some positions: T5's last span ends a row. Then only draws that are used again are found.
func (k *checker) keys() bool {
	k.Helper()
	for s, step := range k.steps {
		r := k.results[s]
		next, err := k.mask(k.all(), 1, step)
		if err != nil {
			k.Errorf("step %d: MaskBatch in epoch 1: %v", step, err)
			return false
		}
		var epochs, samples pairs
		for i := range k.src {
			if k.protected[i] {
				continue
			}
			epochs.add(k.touched(r, i), k.touched(next, i))
			if j := (i + cols) % len(k.src); !k.protected[j] {
				samples.add(k.touched(r, i), k.touched(r, j))
			}
		}
		limit := 5 * math.Sqrt(k.cluster/epochs.n)
		if !k.nested {
			limit = 0.5
		}
		for _, p := range []struct {
			what string
			pairs
		}{{"neighbouring samples", samples}, {"epochs 0 and 1", epochs}} {
			if c := p.correlation(); math.Abs(c) > limit {
				k.Errorf("step %d: the selections of %s have a correlation of %.3f over %v positions, not within %.3f of "+
					"0\nEvery sample and epoch needs draws of its own.",
					step, p.what, c, p.n, limit)
				return false
			}
		}
	}
	return true
}

// pairs counts two events together.
type pairs struct{ n, first, second, both float64 }

func (p *pairs) add(a, b bool) {
	p.n++
	if a {
		p.first++
	}
	if b {
		p.second++
	}
	if a && b {
		p.both++
	}
}

// correlation is 0 if an event always or never happens.
func (p *pairs) correlation() float64 {
	v := p.first * (p.n - p.first) * p.second * (p.n - p.second)
	if v == 0 {
		return 0
	}
	return (p.n*p.both - p.first*p.second) / math.Sqrt(v)
}

func (k *checker) nesting() bool {
	k.Helper()
	if !k.nested {
		return true
	}
	for a, small := range k.results {
		for b, large := range k.results {
			if k.rates[a] > k.rates[b] {
				continue
			}
			for i := range k.src {
				if k.touched(small, i) && (small.dst[i] != large.dst[i] || small.labels[i] != k.blank() &&
					small.labels[i] != large.labels[i]) {
					k.Errorf("row %d, position %d: id %d became %d with label %d at rate %v, but %d with label %d at rate %v\nA "+
						"larger rate must only add to what a smaller one does: then runs with different schedules differ by the "+
						"schedule and not by luck. Say WithoutNesting if the unit cannot have it.",
						i/cols, i%cols, k.src[i], small.dst[i], small.labels[i], k.rates[a], large.dst[i], large.labels[i], k.rates[b])
					return false
				}
			}
		}
	}
	return true
}

func (k *checker) statistics() bool {
	k.Helper()
	chance := 1 / float64(k.vocab) // of a random replacement that is the original
	for s, r := range k.results {
		p := k.rates[s]
		var n, targets, changed, masked, random, unchanged float64
		for i, id := range k.src {
			if k.protected[i] {
				continue
			}
			n++
			if r.dst[i] != id {
				changed++
			}
			if r.labels[i] == k.blank() {
				continue
			}
			targets++
			switch r.dst[i] {
			case k.maskID:
				masked++
			case id:
				unchanged++
			default:
				random++
			}
		}
		why := "\nThe rate must be that of the schedule. Say WithClusters if tokens are selected in groups."
		if !k.share(k.steps[s], "targets", targets, n, min(p, k.target), why) ||
			!k.share(k.steps[s], "changed tokens", changed, n, p*(k.maskProb+k.randomProb*(1-chance)), why) {
			return false
		}
		chi := 0.0
		for _, class := range []struct{ got, p float64 }{
			{masked, k.maskProb}, {random, k.randomProb * (1 - chance)}, {unchanged, 1 - k.maskProb - k.randomProb*(1-chance)},
		} {
			if want := targets * class.p; want > 1e-9*targets {
				chi += (class.got - want) * (class.got - want) / want
			} else if class.got > 0 {
				chi = math.Inf(1)
			}
		}
		if chi > 18.42*k.cluster {
			k.Errorf("step %d: of %v targets %v were masked, %v random and %v unchanged, chi-square %.1f\nThe shares must be "+
				"%v, %v and the rest.",
				k.steps[s], targets, masked, random, unchanged, chi, k.maskProb, k.randomProb)
			return false
		}
	}
	return true
}

// share compares a count with its expectation.
func (k *checker) share(step int, what string, got, n, p float64, why string) bool {
	k.Helper()
	limit := 4*math.Sqrt(n*p*(1-p)*k.cluster) + 1e-9*n
	if math.Abs(got-n*p) > limit {
		k.Errorf("step %d: %v %s of %v tokens, want %.1f ± %.1f%s", step, got, what, n, n*p, limit, why)
		return false
	}
	return true
}

func (k *checker) allocations() {
	k.Helper()
	if race.Enabled {
		return
	}
	dst, labels := make([]int32, len(k.src)), make([]int32, len(k.src))
	key := masking.Key{Samples: k.samples, Special: k.special}
	call := func() { k.m.MaskBatch(dst, labels, k.src, key, k.steps[0]) }
	n := testing.AllocsPerRun(20, call) // on one processor
	if n < 1 {
		n = float64(allocs.PerCall(call))
	}
	if n >= 1 {
		k.Errorf("MaskBatch allocates %v times\nIt runs beside training in every step and must not make garbage.", n)
	}
}
