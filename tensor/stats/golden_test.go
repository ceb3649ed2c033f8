package stats

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

func TestGoldenUTest(t *testing.T) {
	var g struct {
		UTest []struct {
			Name                              string
			X, Y                              []float64
			U, PTwo, PLess, PGreater          float64
			Err, MedX, LoX, HiX, Delta, Cmp   string
			Warn                              []string
			WelchT, WelchDoF, WelchP          float64
			ExactTwo, ExactLess, ExactGreater *float64
		}
		QuantileCI []struct {
			N, Lo, Hi int
			Q, Level  float64
		} `json:"quantile_ci"`
	}
	golden.JSON(t, "testdata/utest.json.gz", &g)
	require.NotEmpty(t, g.UTest)
	require.NotEmpty(t, g.QuantileCI)
	for _, k := range g.UTest {
		u, err := MannWhitney(k.X, k.Y)
		require.NoError(t, err, k.Name)
		if k.Err == "" {
			require.Equal(t, k.U, u.U, k.Name)
			require.Equal(t, strings.Split(k.Cmp, " ")[1], strings.Split(u.String(), " ")[1], k.Name)
		}
		back, err := MannWhitney(k.Y, k.X)
		require.NoError(t, err)
		golden.Same(t, u.P, back.P, 1e-13, "%s the other way", k.Name)
		golden.Same(t, u.Less, back.Greater, 1e-13, "%s the other way", k.Name)
		if k.ExactTwo != nil {
			require.True(t, u.Exact)
			golden.Same(t, *k.ExactTwo, u.P, 1e-12, "%s P", k.Name)
			golden.Same(t, *k.ExactLess, u.Less, 1e-12, "%s less", k.Name)
			golden.Same(t, *k.ExactGreater, u.Greater, 1e-12, "%s greater", k.Name)
		}
		if strings.HasSuffix(k.Name, "ties=false") { // with ties the reference is wrong
			golden.Same(t, k.PTwo, u.P, 1e-9, "%s P", k.Name)
			golden.Same(t, k.PLess, u.Less, 1e-9, "%s less", k.Name)
			require.Equal(t, k.Cmp, u.String(), k.Name)
		}
		m, err := Median(k.X)
		require.NoError(t, err)
		for name, w := range map[string]struct {
			text string
			got  float64
		}{"median": {k.MedX, m.Value}, "lo": {k.LoX, m.Lo}, "hi": {k.HiX, m.Hi}} {
			want, err := strconv.ParseFloat(strings.Replace(w.text, "inf", "Inf", 1), 64)
			require.NoError(t, err)
			golden.Same(t, want, w.got, 1e-15, "%s %s", k.Name, name)
		}
		for _, w := range k.Warn {
			if strings.Contains(w, "confidence interval") || strings.Contains(w, "all samples") {
				require.Condition(t, func() bool {
					for _, e := range m.Warnings {
						if strings.HasPrefix(e.Error(), w) {
							return true
						}
					}
					return false
				}, "%s: %q not in %v", k.Name, w, m.Warnings)
			}
		}
		if k.WelchDoF != 0 {
			w, err := Welch(k.X, k.Y)
			require.NoError(t, err)
			golden.Same(t, k.WelchT, w.T, 1e-12, "%s t", k.Name)
			golden.Same(t, k.WelchDoF, w.DF, 1e-12, "%s df", k.Name)
			golden.Same(t, k.WelchP, w.P, 1e-12, "%s Welch p", k.Name)
		}
	}
	for _, k := range g.QuantileCI {
		lo, hi := orderStatistics(k.N, 0.5, k.Level)
		probability := func(lo, hi int) float64 { // of lo <= B < hi
			ways := new(big.Int)
			for b := lo; b < hi; b++ {
				ways.Add(ways, new(big.Int).Binomial(int64(k.N), int64(b)))
			}
			p, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(ways), -k.N).Float64()
			return p
		}
		require.True(t, lo == 0 && hi == k.N+1 || probability(lo, hi) >= k.Level, "%d values, level %v", k.N, k.Level)
		if lo+1 < hi {
			middle := (k.N + 1 - (hi - lo - 1)) / 2 // the most probable place of an interval
			require.Less(t, probability(middle, middle+hi-lo-1), k.Level, "%d values, level %v: %d to %d is not the shortest",
				k.N, k.Level, lo, hi)
		}
		if lo < k.Lo { // two choices that are mirror images have the same probability, and we take the lower
			lo, hi = k.N+1-hi, k.N+1-lo
		}
		if k.N > 32 { // the reference goes by the normal distribution and is wider at times
			require.LessOrEqual(t, hi-lo, k.Hi-k.Lo)
			continue
		}
		require.Equal(t, [2]int{k.Lo, k.Hi}, [2]int{lo, hi}, "%d values, level %v", k.N, k.Level)
	}
}

// The quantiles of t that the reference used are off by some 1e-11 (its 4.302652729696 for two degrees of freedom is
// 4.302652729749), so what depends on them has this tolerance. TestStudentQuantile has the closed forms.
const tQuantiles = 1e-10

func TestStudentQuantile(t *testing.T) {
	for _, p := range []float64{0.6, 0.9, 0.95, 0.975, 0.995} {
		a := 2*p - 1
		golden.Same(t, math.Tan(math.Pi*a/2), studentQuantile(p, 1), 1e-13, "%v of 1 degree", p)
		golden.Same(t, a*math.Sqrt2/math.Sqrt(1-a*a), studentQuantile(p, 2), 1e-13, "%v of 2 degrees", p)
		b := 4 * p * (1 - p)
		q := math.Cos(math.Acos(math.Sqrt(b))/3) / math.Sqrt(b)
		golden.Same(t, 2*math.Sqrt(q-1), studentQuantile(p, 4), 1e-13, "%v of 4 degrees", p)
	}
}

func TestGoldenStatistics(t *testing.T) {
	var g struct {
		Quantile7 []struct {
			X, P []float64
			Q    []golden.Number
		}
		GMean []struct {
			X     []float64
			GMean float64
			CI    []float64 `json:"ci95_log_t"`
		} `json:"gmean"`
		NonInferiority []struct {
			Base, Method []float64
			HigherBetter bool `json:"higher_better"`
			Margin, Diff float64
			DF           float64
			Lower        float64 `json:"lower95_one_sided"`
			P            float64 `json:"p_noninferior"`
			Shown        bool    `json:"noninferior_at_0.05"`
			TOST         float64 `json:"tost_p_equivalence"`
		}
		Holm []struct{ P, Adjusted []float64 }
	}
	golden.JSON(t, "testdata/stats_misc.json.gz", &g)
	require.NotEmpty(t, g.Quantile7)
	require.NotEmpty(t, g.GMean)
	require.NotEmpty(t, g.NonInferiority)
	require.NotEmpty(t, g.Holm)
	for _, k := range g.Quantile7 {
		for i, p := range k.P {
			got, err := Quantiles(k.X, p)
			require.NoError(t, err)
			golden.Same(t, float64(k.Q[i]), got[0], 1e-12, "quantile %v of %v", p, k.X)
		}
	}
	for _, k := range g.GMean {
		e, err := GeoMean(k.X)
		require.NoError(t, err)
		golden.Same(t, k.GMean, e.Value, 1e-12, "geometric mean")
		golden.Same(t, k.CI[0], e.Lo, tQuantiles, "lo")
		golden.Same(t, k.CI[1], e.Hi, tQuantiles, "hi")
		require.Equal(t, LogT, e.Interval)
	}
	for _, k := range g.NonInferiority {
		base, method := k.Base, k.Method
		if !k.HigherBetter {
			base, method = negative(base), negative(method)
		}
		n, err := NonInferior(base, method, k.Margin)
		require.NoError(t, err)
		diff := n.Diff
		if !k.HigherBetter {
			diff = -diff
		}
		golden.Same(t, k.Diff, diff, 1e-12, "difference")
		golden.Same(t, k.DF, n.DF, 1e-12, "degrees of freedom")
		golden.Same(t, k.Lower, n.Lower, tQuantiles, "bound")
		golden.Same(t, k.P, n.P, 1e-12, "p")
		golden.Same(t, k.TOST, n.Equivalence, 1e-12, "equivalence")
		require.Equal(t, k.Shown, n.NonInferior())
	}
	for _, k := range g.Holm {
		got, err := Holm(k.P)
		require.NoError(t, err)
		golden.Close(t, "Holm", got, k.Adjusted, 1e-12, 0)
	}
}

func negative(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

// Of sorted p, Hochberg's k-th is the least of (m-i+1) p_i over i >= k.
func TestHochberg(t *testing.T) {
	got, err := Hochberg([]float64{0.04, 0.01, 0.03, 0.5})
	require.NoError(t, err)
	golden.Close(t, "Hochberg", got, []float64{0.08, 0.04, 0.08, 0.5}, 1e-15, 0)
	holm, err := Holm([]float64{0.04, 0.01, 0.03, 0.5})
	require.NoError(t, err)
	for i := range got {
		require.LessOrEqual(t, got[i], holm[i])
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		_, err := Hochberg([]float64{0.5, bad})
		require.ErrorContains(t, err, "p[1]")
	}
}
