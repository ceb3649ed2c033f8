package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// levels draws n values of few, so that ties are likely.
func levels(rng *rand.Rand, n, few int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(rng.IntN(few))
	}
	return x
}

// The exact distribution of U is that over all ways to choose a's values out of all.
func TestMannWhitneyByEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 150 {
		na, nb := 1+rng.IntN(6), 1+rng.IntN(6)
		a, b := levels(rng, na, 2+rng.IntN(6)), levels(rng, nb, 2+rng.IntN(6))
		all := slices.Concat(a, b)
		twiceU := func(chosen uint) int {
			u := 0
			for i, x := range all {
				for j, y := range all {
					if chosen>>i&1 == 1 && chosen>>j&1 == 0 {
						switch {
						case x > y:
							u += 2
						case x == y:
							u++
						}
					}
				}
			}
			return u
		}
		observed, middle := twiceU(1<<na-1), na*nb
		var total, less, greater, far int
		for chosen := uint(0); chosen < 1<<len(all); chosen++ {
			if bits.OnesCount(chosen) != na {
				continue
			}
			u := twiceU(chosen)
			total++
			if u <= observed {
				less++
			}
			if u >= observed {
				greater++
			}
			if abs(u-middle) >= abs(observed-middle) {
				far++
			}
		}
		got, err := MannWhitney(a, b)
		require.NoError(t, err)
		require.True(t, got.Exact)
		require.Equal(t, float64(observed)/2, got.U)
		golden.Same(t, float64(less)/float64(total), got.Less, 1e-14, "less of %v and %v", a, b)
		golden.Same(t, float64(greater)/float64(total), got.Greater, 1e-14, "greater of %v and %v", a, b)
		golden.Same(t, float64(far)/float64(total), got.P, 1e-14, "p of %v and %v", a, b)
	}
}

// At the size where the exact distribution ends, the normal one is close, with ties and without.
func TestMannWhitneyApproximation(t *testing.T) {
	for few, tol := range map[int]float64{3: 0.06, 10: 0.005, 1 << 30: 0.002} { // of few values U takes few, far apart
		rng := rand.New(rand.NewPCG(9, uint64(few)))
		a, b := levels(rng, 50, few), levels(rng, 50, few)
		for i := range a {
			a[i] += float64(few/4) * float64(i%2)
		}
		exact, err := MannWhitney(a, b)
		require.NoError(t, err)
		require.True(t, exact.Exact)
		groups, _ := rankSum(a, b)
		p, less, greater := normalU(groups, 50, 50, exact.U)
		require.InDelta(t, exact.P, p, tol)
		require.InDelta(t, exact.Less, less, tol)
		require.InDelta(t, exact.Greater, greater, tol)
		more, err := MannWhitney(append(a, 0), b)
		require.NoError(t, err)
		require.False(t, more.Exact)
	}
	equal, err := MannWhitney(make([]float64, 60), make([]float64, 60))
	require.NoError(t, err)
	require.Equal(t, [3]float64{1, 1, 1}, [3]float64{equal.P, equal.Less, equal.Greater})
	require.ErrorIs(t, equal.Warnings[0], ErrDegenerate)
	few, err := MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6})
	require.NoError(t, err)
	require.Equal(t, 0.1, few.P)
	require.ErrorIs(t, few.Warnings[0], ErrTooFew)
}

// Holm's adjusted P is the largest Bonferroni P of all sets of hypotheses that contain the one in question (closed
// testing), and Hochberg rejects, at any level, what its steps say.
func TestAdjustmentsByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		p := make([]float64, 1+rng.IntN(6))
		for i := range p {
			p[i] = math.Round(rng.Float64()*rng.Float64()*40) / 40
		}
		holm, err := Holm(p)
		require.NoError(t, err)
		hochberg, err := Hochberg(p)
		require.NoError(t, err)
		want := make([]float64, len(p))
		for set := uint(1); set < 1<<len(p); set++ {
			least := 1.0
			for i, v := range p {
				if set>>i&1 == 1 {
					least = min(least, v)
				}
			}
			for i := range p {
				if set>>i&1 == 1 {
					want[i] = max(want[i], min(1, least*float64(bits.OnesCount(set))))
				}
			}
		}
		for i := range p {
			golden.Same(t, want[i], holm[i], 1e-15, "Holm %d of %v", i, p)
		}
		sorted := slices.Sorted(slices.Values(p))
		for _, alpha := range []float64{0.013, 0.051, 0.11, 0.37} {
			cut := -1.0 // the largest P that is rejected
			for k, v := range sorted {
				if v <= alpha/float64(len(p)-k) {
					cut = v
				}
			}
			for i, v := range p {
				require.Equal(t, v <= cut, hochberg[i] <= alpha, "Hochberg %d of %v at %v", i, p, alpha)
			}
		}
	}
}

func TestStudentizedOfFewValues(t *testing.T) {
	for _, x := range [][]float64{{5}, {5, 5, 5}, {1, 2, 4}} {
		e, err := Mean(x, WithInterval(Studentized))
		require.NoError(t, err)
		require.Equal(t, [2]float64{math.Inf(-1), inf}, [2]float64{e.Lo, e.Hi}, "%v", x)
		require.NotEmpty(t, e.Warnings, "%v", x)
	}
	// The pivot of a replicate is the mean's distance in standard errors: the interval follows shifts and scales.
	x := []float64{3, 1, 4, 1, 5, 9, 2, 6}
	e, err := Mean(x, WithInterval(Studentized))
	require.NoError(t, err)
	require.Empty(t, e.Warnings)
	var y []float64
	for _, v := range x {
		y = append(y, 10-2*v)
	}
	m, err := Mean(y, WithInterval(Studentized))
	require.NoError(t, err)
	golden.Same(t, 10-2*e.Hi, m.Lo, 1e-9, "lo")
	golden.Same(t, 10-2*e.Lo, m.Hi, 1e-9, "hi")
}

func TestQuantileOfInfinities(t *testing.T) {
	for _, k := range []struct {
		x    []float64
		p    float64
		want float64
	}{
		{[]float64{1, inf}, 0.5, inf}, {[]float64{1, inf}, 0, 1}, {[]float64{-inf, 1}, 0.5, -inf}, {[]float64{-inf, 1}, 1, 1},
		{[]float64{-inf, inf}, 0.5, nan}, {[]float64{inf, inf}, 0.3, inf}, {[]float64{1, 2, inf}, 0.5, 2},
		{[]float64{3}, 0.7, 3},
	} {
		got, err := Quantiles(k.x, k.p)
		if k.want != k.want {
			require.ErrorIs(t, err, tensor.ErrNotFinite)
			continue
		}
		require.NoError(t, err)
		golden.Same(t, k.want, got[0], 0, "quantile %v of %v", k.p, k.x)
	}
}

// Where the acceleration has its pole, quantiles are those of the outermost replicates and do not wrap around.
func TestBCaPastThePole(t *testing.T) {
	replicates := make([]float64, 1000)
	for i := range replicates {
		replicates[i] = float64(i)
	}
	c := config{level: 1 - 1e-12}
	lo, hi, err := c.fromReplicates(BCa, 900, replicates, [][]float64{{1, 0, 0}}) // acceleration 1/6
	require.NoError(t, err)
	require.Equal(t, 999.0, hi)
	require.Less(t, lo, 900.0)
	lo, hi, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{-1, 0, 0}})
	require.NoError(t, err)
	require.Equal(t, 0.0, lo)
	require.Greater(t, hi, 100.0)
	c.level = math.Nextafter(1, 0) // its upper end rounds to probability 1
	for _, m := range []Interval{BC, BCa, Percentile} {
		lo, hi, err = c.fromReplicates(m, 100, replicates, [][]float64{{1, 0}})
		require.NoError(t, err)
		require.Less(t, lo, 100.0)
		require.Equal(t, 999.0, hi)
	}
	_, _, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{nan}})
	require.ErrorIs(t, err, ErrDegenerate)
	// No influence, no acceleration: BC.
	lo, hi, err = c.fromReplicates(BCa, 100, replicates, [][]float64{{0, 0}})
	require.NoError(t, err)
	bcLo, bcHi, err := c.fromReplicates(BC, 100, replicates, nil)
	require.NoError(t, err)
	require.Equal(t, [2]float64{bcLo, bcHi}, [2]float64{lo, hi})
}
