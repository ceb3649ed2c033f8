package masking

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

// The inner values of the keyed generator, which the golden file states too.
func TestGoldenKeyedWords(t *testing.T) {
	var g struct {
		Mix   [][2]string `json:"mix_vectors"`
		Cases []struct {
			Seed, Epoch, Sample, Key, Threshold string
			Rate                                float64
			Words                               []string
		}
	}
	golden.JSON(t, "testdata/masker_keyed_rng.json.gz", &g)
	number := func(s string) uint64 {
		v, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		return v
	}
	require.Len(t, g.Mix, 5)
	for _, v := range g.Mix {
		require.Equal(t, number(v[1]), hash(number(v[0])))
	}
	for _, c := range g.Cases {
		if number(c.Epoch) > math.MaxInt || number(c.Sample) > math.MaxInt { // on 32 bits
			continue
		}
		k := rowKey(number(c.Seed), int(number(c.Epoch)), int(number(c.Sample)))
		require.Equal(t, number(c.Key), k.key)
		require.Equal(t, number(c.Threshold), rateOf(c.Rate).below)
		for i, w := range c.Words {
			require.Equal(t, number(w), hash(k.key+golden64*uint64(i+1)))
		}
	}
}

// Eight positions at a time select what one at a time selects, at thresholds that fall on a byte, next to one and
// anywhere.
func TestSelected64(t *testing.T) {
	for _, p := range []float64{0, 1e-18, 1. / 256, 0.15, 0.5, 0.5 - 1e-16, 0.5 + 1e-16, 200. / 256, 0.9999,
		math.Nextafter(1, 0)} {
		r := rateOf(p)
		for sample := range 20 {
			k := rowKey(3, 1, sample)
			// At this rate exactly, position 37 is the first that is not selected.
			exact := rate{0.5, k.uniform(37)}
			above := rate{0.5, exact.below + 1}
			for _, r := range []rate{r, exact, above} {
				for _, n := range []int{1, 7, 8, 9, 38, 63, 64} {
					for _, base := range []int{0, 64, 512} {
						got := k.selected64(base, n, r)
						for j := range 64 {
							want := j < n && r.admits(k.uniform(int32(base+j)))
							if want != (got>>j&1 == 1) {
								t.Fatalf("p %v, position %d+%d of %d: selected is %v", p, base, j, n, !want)
							}
						}
					}
				}
			}
		}
	}
}

// The nth smallest by definition, with many ties and without.
func TestNth(t *testing.T) {
	k := rowKey(1, 2, 3)
	for _, n := range []int{1, 2, 10, 300} {
		for _, bits := range []int{64, 9, 2, 0} {
			var r row
			for i := range n {
				r.uniforms = append(r.uniforms, k.uniform(int32(i))>>(64-bits)<<(64-bits))
			}
			for nth := 1; nth <= n; nth++ {
				limit, below := r.nth(nth)
				less, equal := 0, 0
				for _, u := range r.uniforms {
					if u < limit {
						less++
					} else if u == limit {
						equal++
					}
				}
				require.Equal(t, less, below)
				require.True(t, less < nth && nth <= less+equal)
			}
		}
	}
}

// Frequencies of span lengths against the geometric distribution cut off at 10, whose mean is 3.797 at p = 0.2.
func TestSpanLengths(t *testing.T) {
	poisson := func(mean float64, l int) float64 {
		logGamma, _ := math.Lgamma(float64(l) + 1)
		return math.Exp(float64(l)*math.Log(mean) - logGamma)
	}
	for name, c := range map[string]struct {
		law    law
		weight func(l int) float64
	}{
		"geometric": {law{name: "WithSpans", p: 0.2, longest: 10},
			func(l int) float64 { return math.Pow(0.8, float64(l)) }},
		"poisson": {law{name: "WithPoissonSpans", mean: 3, longest: 10},
			func(l int) float64 { return poisson(3, l) }},
		"poisson, large": {law{name: "WithPoissonSpans", mean: 400, longest: 600},
			func(l int) float64 { return poisson(400, l) / 1e170 }},
		"poisson, largest": {law{name: "WithPoissonSpans", mean: 512, longest: 1 << 16}, nil},
	} {
		m := &Masker{cumulative: c.law.thresholds()}
		require.Len(t, m.cumulative, c.law.longest-1)
		require.True(t, slices.IsSorted(m.cumulative))
		require.Greater(t, m.cumulative[min(600, c.law.longest-2)], uint64(math.MaxUint64/2), name)
		const n = 100000
		count, mean := make([]float64, c.law.longest+1), 0.0
		for i := range n {
			k := rowKey(5, 0, i/100)
			l, err := k.spanLength(m, 0, int32(i%100))
			require.NoError(t, err)
			count[l]++
			mean += float64(l) / n
		}
		if c.weight == nil {
			require.InDelta(t, 512, mean, 4*math.Sqrt(512./n))
			continue
		}
		total, want, square := 0.0, 0.0, 0.0
		for l := 1; l <= c.law.longest; l++ {
			total += c.weight(l)
			want += float64(l) * c.weight(l)
			square += float64(l) * float64(l) * c.weight(l)
		}
		want, square = want/total, square/total
		require.InDelta(t, want, mean, 4*math.Sqrt((square-want*want)/n), name)
		for l := 1; l <= c.law.longest; l++ {
			p := c.weight(l) / total
			require.InDelta(t, p, count[l]/n, 4.5*math.Sqrt(p*(1-p)/n)+5./n, "%s: length %d", name, l)
		}
	}
	one := func(l law) int {
		k := rowKey(5, 0, 0)
		n, _ := k.spanLength(&Masker{cumulative: l.thresholds()}, 0, 1)
		return n
	}
	require.Equal(t, 1, one(law{name: "WithSpans", p: 1, longest: 10}))
	require.Greater(t, one(law{name: "WithSpans", p: 1e-9, longest: 1 << 16}), 1) // nearly uniform
	require.Equal(t, 7, one(law{name: "WithFixedSpans", longest: 7}))
	require.Equal(t, 1, one(law{name: "WithFixedSpans", longest: 1}))
	require.Equal(t, 1, one(law{name: "WithPoissonSpans", mean: 1e-300, longest: 5}))
}

// All permutations of four occur equally often, and every stream has its own.
func TestPermute(t *testing.T) {
	count := map[[4]int32]float64{}
	const n = 24000
	equal := 0
	for i := range n {
		k := rowKey(9, 1, i)
		var p, q [4]int32
		require.NoError(t, k.permute(wordOrder, p[:]))
		require.NoError(t, k.permute(noiseOrder, q[:]))
		count[p]++
		if p == q {
			equal++
		}
	}
	require.Len(t, count, 24)
	chi := 0.0
	for _, c := range count {
		chi += (c - n/24) * (c - n/24) / (n / 24)
	}
	require.Less(t, chi, 52.) // 23 degrees of freedom, p = 5e-4
	require.InDelta(t, n/24, equal, 4*math.Sqrt(n/24))
}
