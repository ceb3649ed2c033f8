package masking

import (
	"math"
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
	m := &Masker{cumulative: spanLengths(0.2, 10)}
	const n = 100000
	var count [11]float64
	mean := 0.0
	for i := range n {
		k := rowKey(5, 0, i/100)
		l, err := k.spanLength(m, 0, int32(i%100))
		require.NoError(t, err)
		count[l]++
		mean += float64(l) / n
	}
	require.InDelta(t, 3.797, mean, 4*2.7/math.Sqrt(n))
	total := 1 - math.Pow(0.8, 10)
	for l := 1; l <= 10; l++ {
		p := 0.2 * math.Pow(0.8, float64(l-1)) / total
		require.InDelta(t, p, count[l]/n, 4*math.Sqrt(p*(1-p)/n), "length %d", l)
	}
	m.cumulative = spanLengths(1, 10)
	k := rowKey(5, 0, 0)
	l, _ := k.spanLength(m, 0, 0)
	require.Equal(t, 1, l)
	m.cumulative = spanLengths(1e-9, 1<<16) // nearly uniform
	l, _ = k.spanLength(m, 0, 1)
	require.Greater(t, l, 1)
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
