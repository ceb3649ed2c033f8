package stats

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// meanApart is the absolute difference of the means of two labels, summed over strata.
func meanApart(z []float64, labels, strata []int) func() func([]int) float64 {
	return func() func([]int) float64 {
		return func(assigned []int) float64 {
			total := 0.0
			for s := range 2 {
				var sum, n [2]float64
				for i, unit := range assigned {
					if strata == nil && s == 0 || strata != nil && strata[i] == s {
						sum[labels[unit]] += z[i]
						n[labels[unit]]++
					}
				}
				if n[0] > 0 && n[1] > 0 {
					total += math.Abs(sum[1]/n[1] - sum[0]/n[0])
				}
			}
			return total
		}
	}
}

func TestPermutationsThatAreKnown(t *testing.T) {
	// The labels tell z apart completely, and 16 assignments cannot show it at 5 %.
	y, v := []int{0, 0, 0, 0, 1, 1, 1, 1}, []int{0, 0, 0, 1, 0, 1, 1, 1}
	z := []float64{0, 0.1, 0.2, 3, 0, 3.1, 3.2, 3.3}
	p, err := PermutationTest(t.Context(), v, y, meanApart(z, v, y))
	require.NoError(t, err)
	require.True(t, p.Exact)
	require.Equal(t, []float64{1.0 / 16, 1.0 / 16, 16, 16}, []float64{p.P, p.Smallest, p.Assignments, float64(p.Drawn)})
	require.ErrorIs(t, p.Warnings[0], ErrTooFew)

	// Mirror images tie, whatever the scale of the statistic.
	y, v = []int{0, 0, 0, 0, 1, 1, 1, 1}, []int{0, 0, 1, 1, 0, 0, 1, 1}
	z = []float64{0.13, 0.37, 2.11, 2.9, 0.21, 0.44, 2.3, 2.75}
	for _, scale := range []float64{1, 1e-7, 1e-160, 1e150} {
		squared := func() func([]int) float64 {
			stat := meanApart(z, v, y)()
			return func(assigned []int) float64 { return stat(assigned) * scale * scale }
		}
		p, err = PermutationTest(t.Context(), v, y, squared)
		require.NoError(t, err)
		require.Equal(t, 36.0, p.Assignments)
		require.InDelta(t, float64(4)/36, p.P, 1e-15, "absolute differences mirror in each stratum; scale %v", scale)
		require.Equal(t, p.P, p.Smallest)
	}
	signed := func() func([]int) float64 { // the distance of the pooled means mirrors once
		return func(assigned []int) float64 {
			d := 0.0
			for i, unit := range assigned {
				d += float64(2*v[unit]-1) * z[i]
			}
			return d * d * 1e-14
		}
	}
	p, err = PermutationTest(t.Context(), v, y, signed)
	require.NoError(t, err)
	require.InDelta(t, 2.0/36, p.P, 1e-15)
	constant := func() func([]int) float64 { return func([]int) float64 { return 0 } }
	p, err = PermutationTest(t.Context(), v, y, constant)
	require.NoError(t, err)
	require.Equal(t, 1.0, p.P)
}

// Enumerating gives each different assignment once, and drawing only assignments within strata.
func TestPermutationsByEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 60 {
		n := 2 + rng.IntN(6)
		labels, strata := make([]int, n), make([]int, n)
		for i := range labels {
			labels[i], strata[i] = rng.IntN(3)-1, rng.IntN(2)*5
		}
		want := map[string]bool{} // by brute force over all permutations
		perm := make([]int, 0, n)
		var visit func()
		visit = func() {
			if len(perm) == n {
				var assigned []int
				for _, unit := range perm {
					assigned = append(assigned, labels[unit])
				}
				want[fmt.Sprint(assigned)] = true
				return
			}
			for unit := range n {
				if strata[unit] == strata[len(perm)] && !slices.Contains(perm, unit) {
					perm = append(perm, unit)
					visit()
					perm = perm[:len(perm)-1]
				}
			}
		}
		visit()
		collect := func(opts ...ResampleOption) (Permutation, []string) {
			var seen []string
			p, err := PermutationTest(t.Context(), labels, strata, func() func([]int) float64 {
				return func(assigned []int) float64 {
					require.Equal(t, n, len(slices.Compact(slices.Sorted(slices.Values(assigned)))), "a permutation")
					var row []int
					for i, unit := range assigned {
						require.Equal(t, strata[i], strata[unit])
						row = append(row, labels[unit])
					}
					seen = append(seen, fmt.Sprint(row))
					return 1
				}
			}, append(opts, WithWorkers(1))...)
			require.NoError(t, err)
			return p, seen[1:]
		}
		p, seen := collect()
		require.True(t, p.Exact)
		require.Len(t, seen, len(want))
		require.Equal(t, float64(len(want)), p.Assignments)
		for _, s := range seen {
			require.True(t, want[s])
			delete(want, s)
		}
		require.Empty(t, want, "each once")
		if p.Assignments > 1 {
			p, seen = collect(WithReplicates(int(p.Assignments) - 1))
			require.False(t, p.Exact)
			require.Len(t, seen, p.Drawn)
			require.Equal(t, 1.0, p.P)
		}
	}
	// The null keeps its level.
	rejected := 0
	for trial := range 1000 {
		r := tensor.Stream(8, uint64(trial))
		z, labels := make([]float64, 16), make([]int, 16)
		for i := range z {
			z[i], labels[i] = r.NormFloat64(), i%2
		}
		p, err := PermutationTest(t.Context(), labels, nil, meanApart(z, labels, nil), WithReplicates(99),
			WithSeed(uint64(trial)))
		require.NoError(t, err)
		if p.P <= 0.05 {
			rejected++
		}
	}
	require.InDelta(t, 50, rejected, 25)
}

func TestPermutationTestRefuses(t *testing.T) {
	stat := func(v float64) func() func([]int) float64 {
		return func() func([]int) float64 { return func([]int) float64 { return v } }
	}
	run := func(labels, strata []int, v float64, opts ...ResampleOption) error {
		_, err := PermutationTest(t.Context(), labels, strata, stat(v), opts...)
		return err
	}
	for name, k := range map[string]struct{ err, want error }{
		"nothing": {run(nil, nil, 1), tensor.ErrEmpty}, "lengths": {run([]int{1, 2}, []int{1}, 1), tensor.ErrShape},
		"NaN": {run([]int{1, 2}, nil, nan), tensor.ErrNotFinite}, "draw": {run([]int{1, 2}, nil, 1, WithDraws([][]int{{0}})),
			tensor.ErrShape},
		"unit": {run([]int{1, 2}, nil, 1, WithDraws([][]int{{0, 2}})), tensor.ErrRange},
		"nil":  {run([]int{1, 2}, nil, 1, nil), tensor.ErrEmpty},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
}

// The exact distribution of W is that over all signs.
func TestSignedRankByEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 80 {
		n := 1 + rng.IntN(9)
		x, y := levels(rng, n, 6), levels(rng, n, 6)
		d := slices.DeleteFunc(differences(x, y), func(v float64) bool { return v == 0 })
		got, err := SignedRank(x, y)
		if len(d) == 0 {
			require.ErrorIs(t, err, ErrDegenerate)
			continue
		}
		require.NoError(t, err)
		ranks := make([]float64, len(d)) // mid-ranks of sizes
		for i, a := range d {
			for _, b := range d {
				switch cmp.Compare(math.Abs(b), math.Abs(a)) {
				case -1:
					ranks[i]++
				case 0:
					ranks[i] += 0.5
				}
			}
			ranks[i] += 0.5
		}
		w, total := 0.0, 0.0
		for i, v := range d {
			total += ranks[i]
			if v > 0 {
				w += ranks[i]
			}
		}
		far := 0
		for signs := uint(0); signs < 1<<len(d); signs++ {
			s := 0.0
			for i, r := range ranks {
				if signs>>i&1 == 1 {
					s += r
				}
			}
			if math.Abs(s-total/2) >= math.Abs(w-total/2) {
				far++
			}
		}
		require.Equal(t, w, got.W)
		require.InDelta(t, float64(far)/float64(uint(1)<<len(d)), got.P, 1e-12)
		require.Equal(t, len(d) < 6, len(got.Warnings) == 1)
	}
	// Where the exact distribution ends the normal one is close.
	x, y := make([]float64, mostSigned+1), make([]float64, mostSigned+1)
	for i := range x {
		x[i] = rng.NormFloat64() + 0.15
	}
	long, err := SignedRank(x, y)
	require.NoError(t, err)
	require.False(t, long.Exact)
	short, err := SignedRank(x[:mostSigned], y[:mostSigned])
	require.NoError(t, err)
	require.True(t, short.Exact)
	require.InDelta(t, short.P, long.P, 0.03)
}

func TestPairedTests(t *testing.T) {
	x, y := []float64{5, 7, 9, 4}, []float64{4, 7.5, 6, 2}
	d, err := PairedDifference(x, y)
	require.NoError(t, err)
	test, err := PairedT(x, y)
	require.NoError(t, err)
	for level, excludes := range map[float64]bool{1 - test.P - 1e-6: true, 1 - test.P + 1e-6: false} {
		e, err := PairedDifference(x, y, WithLevel(level))
		require.NoError(t, err)
		require.Equal(t, excludes, e.Lo > 0, "the interval and the test agree")
	}
	require.InDelta(t, 1.375, d.Value, 1e-15)
	for _, scale := range []float64{1, math.Ldexp(1, -600), math.Ldexp(1, 600)} {
		one, err := OneSampleT([]float64{2 * scale, 3 * scale, 4 * scale})
		require.NoError(t, err)
		require.InDelta(t, 0.0350987186, one.P, 1e-10, "scale %v", scale)
	}
	for name, k := range map[string]struct{ err, want error }{
		"equal":       {second(OneSampleT([]float64{0.1, 0.1, 0.1})), ErrDegenerate},
		"one":         {second(OneSampleT([]float64{1})), ErrTooFew},
		"empty":       {second(OneSampleT(nil)), tensor.ErrEmpty},
		"lengths":     {second(PairedT(x, y[:2])), tensor.ErrShape},
		"difference":  {second(PairedDifference(x, nil)), tensor.ErrShape},
		"signed rank": {second(SignedRank(x, []float64{1, 2, 3, nan})), tensor.ErrNotFinite},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
}

// Tau-b by its definition over all pairs.
func TestKendallTau(t *testing.T) {
	byPairs := func(x, y []float64) float64 {
		concordant, untiedX, untiedY := 0.0, 0.0, 0.0
		for i := range x {
			for j := range i {
				dx, dy := float64(cmp.Compare(x[i], x[j])), float64(cmp.Compare(y[i], y[j]))
				concordant += dx * dy
				untiedX += dx * dx
				untiedY += dy * dy
			}
		}
		return concordant / math.Sqrt(untiedX*untiedY)
	}
	rng := rand.New(rand.NewPCG(5, 1))
	for range 300 {
		n := 2 + rng.IntN(20)
		x, y := levels(rng, n, 1+rng.IntN(9)), levels(rng, n, 1+rng.IntN(9))
		want := byPairs(x, y)
		given := [2][]float64{slices.Clone(x), slices.Clone(y)}
		got, err := KendallTau(x, y)
		if want != want {
			require.ErrorIs(t, err, ErrDegenerate)
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, want, got, 1e-14)
		require.Equal(t, given, [2][]float64{x, y})
	}
	tau, err := KendallTau([]float64{12, 2, 1, 12, 2}, []float64{1, 4, 7, 1, 0})
	require.NoError(t, err)
	require.InDelta(t, -0.4714045207910316, tau, 1e-15, "scipy's own example")
	for name, k := range map[string]struct {
		x, y []float64
		want error
	}{
		"empty": {nil, nil, tensor.ErrEmpty}, "one": {[]float64{1}, []float64{2}, ErrTooFew}, "lengths": {[]float64{1}, nil,
			tensor.ErrShape},
		"constant": {[]float64{1, 1}, []float64{1, 2}, ErrDegenerate}, "NaN": {[]float64{1, nan}, []float64{1, 2},
			tensor.ErrNotFinite},
	} {
		require.ErrorIs(t, second(KendallTau(k.x, k.y)), k.want, name)
	}
}

// The interval of any quantile covers what the binomial distribution says, no narrower one does, and its mirror image
// is that of the mirrored order.
func TestOrderStatisticsByEnumeration(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for _, p := range []float64{0.1, 0.25, 0.5, 0.77, 0.9, 0.99} {
			below := make([]float64, n+2) // probability of fewer than i values below
			for i := 0; i <= n; i++ {
				below[i+1] = below[i] + math.Exp(lchoose(n, i)+float64(i)*math.Log(p)+float64(n-i)*math.Log(1-p))
			}
			covers := func(lo, hi int) float64 { return below[hi] - below[lo] }
			for _, level := range []float64{0.5, 0.9, 0.95, 0.99} {
				lo, hi := orderStatistics(n, p, level)
				require.GreaterOrEqual(t, covers(lo, hi), level-1e-9, "n %d, p %v, level %v: %d to %d", n, p, level, lo, hi)
				for l := 0; l+hi-lo-1 <= n+1 && hi-lo > 1; l++ {
					require.Less(t, covers(l, l+hi-lo-1), level, "n %d, p %v, level %v: %d is enough from %d", n, p, level, hi-lo-1, l)
				}
			}
		}
	}
	e, err := Quantile([]float64{5, 3, 1, 4, 2}, 1)
	require.NoError(t, err)
	require.Equal(t, [3]float64{5, 5, inf}, [3]float64{e.Value, e.Lo, e.Hi}, "nothing bounds the largest value")
	e, err = Quantile([]float64{5, 3, 1, 4, 2}, 0)
	require.NoError(t, err)
	require.Equal(t, [3]float64{1, -inf, 1}, [3]float64{e.Value, e.Lo, e.Hi})
}

func lchoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// Clopper and Pearson cover at least their level at every share, Wilson on average.
func TestSharesCover(t *testing.T) {
	for _, n := range []int{5, 12, 30} {
		average, shares := 0.0, 0
		for p := 0.02; p < 1; p += 0.02 {
			wilson, exact := 0.0, 0.0
			for k := range n + 1 {
				probability := math.Exp(lchoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
				w, err := Share(k, n)
				require.NoError(t, err)
				e, err := ExactShare(k, n)
				require.NoError(t, err)
				if w.Lo <= p && p <= w.Hi {
					wilson += probability
				}
				if e.Lo <= p && p <= e.Hi {
					exact += probability
				}
			}
			require.GreaterOrEqual(t, exact, 0.95-1e-9)
			average += wilson
			shares++
		}
		require.InDelta(t, 0.95, average/float64(shares), 0.01, "%d trials", n)
	}
	for _, bad := range [][2]int{{1, 0}, {-1, 5}, {6, 5}} {
		require.Error(t, second(Share(bad[0], bad[1])))
		require.Error(t, second(ExactShare(bad[0], bad[1])))
	}
}

func TestMcNemarByEnumeration(t *testing.T) {
	for b := range 9 {
		for c := range 9 {
			if b+c == 0 {
				continue
			}
			total, far, here := 0, 0, 0
			for outcome := uint(0); outcome < 1<<(b+c); outcome++ {
				total++
				k := bits.OnesCount(outcome)
				if min(k, b+c-k) <= min(b, c) {
					far++
				}
				if k == min(b, c) {
					here++
				}
			}
			got, err := McNemar(b, c)
			require.NoError(t, err)
			require.InDelta(t, float64(far)/float64(total), got.P, 1e-12, "%d and %d", b, c)
			if b != c {
				require.InDelta(t, float64(far-here)/float64(total), got.MidP, 1e-12)
			}
		}
	}
	require.ErrorIs(t, second(McNemar(-1, 2)), tensor.ErrRange)
	require.ErrorIs(t, second(PairedShares(3, 3, 5)), tensor.ErrRange)
	none, err := PairedShares(0, 0, 5)
	require.NoError(t, err)
	require.ErrorIs(t, none.Warnings[0], ErrDegenerate)
}

func TestTestsRefuse(t *testing.T) {
	x, same := []float64{1, 2, 3}, []float64{2, 2, 2}
	for name, k := range map[string]struct {
		err  error
		says string
		is   error
	}{
		"Quantile p":           {second(Quantile(x, 1.5)), "p is 1.5", tensor.ErrRange},
		"Quantile empty":       {second(Quantile(nil, 0.5)), "x has no values", tensor.ErrEmpty},
		"Quantiles p":          {second(Quantiles(x, nan)), "p[0] is NaN", tensor.ErrRange},
		"Quantiles empty":      {second(Quantiles(nil, 0.5)), "x has no values", tensor.ErrEmpty},
		"Quantiles NaN":        {second(Quantiles([]float64{1, nan}, 0.5)), "x[1] is NaN", tensor.ErrNotFinite},
		"Mean empty":           {second(Mean(nil)), "x has no values", tensor.ErrEmpty},
		"Mean NaN":             {second(Mean([]float64{1, nan})), "x[1] = NaN", tensor.ErrNotFinite},
		"Mean overflow":        {second(Mean([]float64{1e308, 1e308})), "overflows", tensor.ErrNotFinite},
		"Mean interval":        {second(Mean(x, WithInterval(OrderStatistics))), "order statistics", tensor.ErrConflict},
		"Mean no interval":     {second(Mean(x, WithInterval(99))), "WithInterval(interval(99))", tensor.ErrRange},
		"Mean level":           {second(Mean(x, WithLevel(95))), "stats: Mean: WithLevel(95)", tensor.ErrRange},
		"Mean nil":             {second(Mean(x, nil)), "option 0 is nil", tensor.ErrEmpty},
		"Mean without spread":  {second(Mean(same, WithInterval(BC))), "use Percentile", ErrDegenerate},
		"GeoMean zero":         {second(GeoMean([]float64{1, 0})), "x[1] = 0", ErrNonPositive},
		"GeoMean range":        {second(GeoMean([]float64{1, -1})), "x[1] = -1", tensor.ErrRange},
		"Median interval":      {second(Median(x, WithInterval(Studentized))), "studentized", tensor.ErrConflict},
		"Difference y":         {second(Difference(x, nil)), "y has no values", tensor.ErrEmpty},
		"Difference interval":  {second(Difference(x, x, WithInterval(LogT))), "log-t", tensor.ErrConflict},
		"Ratio y":              {second(Ratio(x, []float64{0})), "y[0] = 0", ErrNonPositive},
		"Ratio interval":       {second(Ratio(x, x, WithInterval(TInterval))), "log-t", tensor.ErrConflict},
		"RatioOfLogs":          {second(RatioOfLogs(x, []float64{inf})), "y[0] = +Inf", tensor.ErrNotFinite},
		"MannWhitney a":        {second(MannWhitney(nil, x)), "a has no values", tensor.ErrEmpty},
		"MannWhitney b":        {second(MannWhitney(x, []float64{0, nan})), "b[1] = NaN", tensor.ErrNotFinite},
		"Welch a":              {second(Welch([]float64{1}, x)), "a has 1 value", ErrTooFew},
		"Welch without spread": {second(Welch(same, same)), "neither sample varies", ErrDegenerate},
		"NonInferior margin":   {second(NonInferior(x, x, -1)), "margin is -1", tensor.ErrRange},
		"NonInferior base":     {second(NonInferior(nil, x, 1)), "base has no values", tensor.ErrEmpty},
		"Holm":                 {second(Holm([]float64{0.5, 2})), "p[1] = 2", tensor.ErrRange},
	} {
		require.ErrorContains(t, k.err, k.says, name)
		require.ErrorIs(t, k.err, k.is, name)
	}
	p, err := Holm(nil)
	require.NoError(t, err)
	require.Empty(t, p)
	require.Equal(t, "better by at least 1 (95% bound), non-inferior p=0.001", NonInferiority{Lower: 1, P: 0.001,
		Level: 0.95}.String())
	require.True(t, NonInferiority{Equivalence: 0.04, Level: 0.95}.Equivalent())
	require.False(t, NonInferiority{Equivalence: 0.06, Level: 0.95}.Equivalent())
	require.Equal(t, "p=0.250 n=3+4", UTest{P: 0.25, NA: 3, NB: 4}.String())
}
