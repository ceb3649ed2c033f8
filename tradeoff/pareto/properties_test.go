package pareto

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Large sets, with objectives to be small and large, against the definitions.
func TestParetoOfManyPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for d := 1; d <= 5; d++ {
		directions := []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter, tradeoff.HigherBetter,
			tradeoff.LowerBetter, tradeoff.HigherBetter}[:d]
		points := make([][]float64, 250)
		for i := range points {
			for k := range d {
				// Half of them near a plane, so that the frontier is long, and some equal.
				v := math.Round(rng.Float64()*200) / 20
				if i%2 == 0 && k == d-1 {
					for _, u := range points[i] {
						v += u / 3
					}
				}
				points[i] = append(points[i], v)
			}
		}
		worse := func(p, q []float64) bool { // p than q
			strictly := false
			for k, s := range directions {
				a, b := p[k], q[k]
				if s == tradeoff.HigherBetter {
					a, b = -a, -b
				}
				if a < b {
					return false
				}
				strictly = strictly || a > b
			}
			return strictly
		}
		var want []int
		for i, p := range points {
			if !slices.ContainsFunc(points, func(q []float64) bool { return worse(p, q) }) {
				want = append(want, i)
			}
		}
		front, err := Frontier(points, directions)
		require.NoError(t, err)
		require.Equal(t, want, front)
		ranks, err := Ranks(points, directions)
		require.NoError(t, err)
		for i, p := range points {
			least := 0 // one more than the largest rank of those that dominate it
			for j, q := range points {
				if worse(p, q) {
					least = max(least, ranks[j]+1)
				}
			}
			require.Equal(t, least, ranks[i])
		}
		if d > 3 {
			points, front = points[:60], nil
			if front, err = Frontier(points, directions); err != nil {
				t.Fatal(err)
			}
		}
		ref := []float64{11, -1, -1, 11, -1}[:d]
		all, err := Hypervolume(points, ref, directions)
		require.NoError(t, err)
		share, err := Contributions(points, ref, directions)
		require.NoError(t, err)
		for i := range points {
			if !slices.Contains(front, i) {
				require.Zero(t, share[i])
				continue
			}
			var others [][]float64
			for _, j := range front {
				if j != i {
					others = append(others, points[j])
				}
			}
			without, err := Hypervolume(others, ref, directions)
			require.NoError(t, err)
			golden.Same(t, (all-without)/all, share[i]/all, 1e-12, "share of point %d in %d objectives", i, d)
		}
	}
}

func TestIndicators(t *testing.T) {
	directions := []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter}
	reference := [][]float64{{1, 1}, {3, 3}}
	points := [][]float64{{2, 1}, {5, 4}}
	// (1, 1) is 1 from what (2, 1) dominates; (3, 3) is 2 from what (5, 4) does and sqrt 4 from (2, 1).
	d, err := IGDPlus(points, reference, directions)
	require.NoError(t, err)
	golden.Same(t, 1.5, d, 1e-15, "IGD+")
	e, err := AdditiveEpsilon(points, reference, directions)
	require.NoError(t, err)
	require.Equal(t, 2.0, e)
	m, err := MultiplicativeEpsilon(points, reference, directions)
	require.NoError(t, err)
	require.Equal(t, 2.0, m) // (2, 1) of (1, 1), and 5/3 of (3, 3)
	for _, f := range []func(p, r [][]float64, s []tradeoff.Direction) (float64, error){AdditiveEpsilon, IGDPlus} {
		v, err := f(reference, reference, directions)
		require.NoError(t, err)
		require.Zero(t, v)
	}
	v, err := MultiplicativeEpsilon(reference, reference, directions)
	require.NoError(t, err)
	require.Equal(t, 1.0, v)
}

func TestVerdictsOfFewRuns(t *testing.T) {
	// Far apart, but one run of each tells nothing of chance.
	s, err := Verdicts([]Measured{{Name: "good", Cost: []float64{1}, Quality: []float64{9}},
		{Name: "bad", Cost: []float64{5}, Quality: []float64{2}}},
		tradeoff.HigherBetter)
	require.NoError(t, err)
	require.Equal(t, []Verdict{OnFrontier, Ambiguous}, []Verdict{s[0].Verdict, s[1].Verdict})
	require.ErrorIs(t, s[1].Warnings[0], tradeoff.ErrTooFewRuns)
	s, err = Verdicts([]Measured{{Name: "good", Cost: []float64{1, 2, 3}, Quality: []float64{1, 2, 3}}, {Name: "bad",
		Cost:    []float64{5, 6, 7},
		Quality: []float64{8, 8, 9}}}, tradeoff.LowerBetter)
	require.NoError(t, err)
	require.Equal(t, []Verdict{OnFrontier, Dominated}, []Verdict{s[0].Verdict, s[1].Verdict})
	require.Equal(t, 1.0, s[0].Optimal)
	alone, err := Verdicts([]Measured{{Name: "alone", Cost: []float64{1, 1}, Quality: []float64{1, 1}}},
		tradeoff.LowerBetter)
	require.NoError(t, err)
	require.Equal(t, OnFrontier, alone[0].Verdict)
}

func TestNamesOfVerdicts(t *testing.T) {
	require.Equal(t, "frontier ambiguous dominated verdict(3)", fmt.Sprint(OnFrontier, " ", Ambiguous, " ", Dominated, " ",
		Verdict(3)))
}

// A run that failed is not dropped: it cost what it had spent and was as bad as any.
func TestMeasureFailedRuns(t *testing.T) {
	whole, err := tradeoff.NewCurve([]float64{1, 2, 3}, []float64{5, 4, 3}, tradeoff.LowerBetter)
	require.NoError(t, err)
	lost, err := tradeoff.NewCurve([]float64{1, 2, 3, 9}, []float64{2, 1, nan, nan}, tradeoff.LowerBetter)
	require.NoError(t, err)
	m, err := Measure(tradeoff.Runs{Name: "a", Curves: []tradeoff.Curve{whole}},
		tradeoff.Runs{Name: "b", Curves: []tradeoff.Curve{whole, lost}})
	require.NoError(t, err)
	require.Equal(t, []Measured{{"a", []float64{3}, []float64{3}, 0}, {"b", []float64{3, 9}, []float64{3, 5}, 1}}, m)
	s, err := Verdicts(m, tradeoff.LowerBetter)
	require.NoError(t, err)
	require.Equal(t, OnFrontier, s[0].Verdict)
	require.ErrorIs(t, s[1].Warnings[len(s[1].Warnings)-1], tradeoff.ErrFailed)
	_, err = Measure()
	require.ErrorIs(t, err, tensor.ErrEmpty)
}
