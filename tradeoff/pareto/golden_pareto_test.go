package pareto

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

type goldenMatrix struct {
	Shape []int
	Data  []float64
}

func (g goldenMatrix) rows() [][]float64 {
	var rows [][]float64
	for row := range slices.Chunk(g.Data, max(1, g.Shape[1])) {
		rows = append(rows, row)
	}
	return rows
}

func smallest(d int) []tradeoff.Direction {
	return slices.Repeat([]tradeoff.Direction{tradeoff.LowerBetter}, d)
}

func TestGoldenPareto(t *testing.T) {
	var g struct {
		Cases []struct {
			Name          string
			Points        goldenMatrix
			All           []int `json:"nondominated_all"`
			First         []int `json:"nondominated_first"`
			Rank          []int
			Ref           []float64
			Hypervolume   float64
			RefTight      []float64 `json:"ref_tight"`
			Tight         float64   `json:"hypervolume_tight"`
			Contributions []float64
		}
		Epsilon []struct {
			A, R                     goldenMatrix
			Additive, Multiplicative float64
		}
	}
	golden.JSON(t, "testdata/pareto.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	require.NotEmpty(t, g.Epsilon)
	for _, k := range g.Cases {
		points := k.Points.rows()
		d := k.Points.Shape[1]
		// As they are, and turned around.
		for _, dir := range []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter} {
			directions, rows := slices.Repeat([]tradeoff.Direction{dir}, d), turned(points, dir)
			ref, tight := turned([][]float64{k.Ref}, dir)[0], turned([][]float64{k.RefTight}, dir)[0]
			all, err := Frontier(rows, directions)
			require.NoError(t, err)
			require.Equal(t, k.All, all, k.Name)
			first, err := Frontier(rows, directions, WithoutDuplicates())
			require.NoError(t, err)
			require.Equal(t, k.First, first, k.Name)
			ranks, err := Ranks(rows, directions)
			require.NoError(t, err)
			require.Equal(t, k.Rank, ranks, k.Name)
			v, err := Hypervolume(rows, ref, directions)
			require.NoError(t, err)
			golden.Same(t, k.Hypervolume, v, 1e-9, "%s", k.Name)
			v, err = Hypervolume(rows, tight, directions)
			require.NoError(t, err)
			golden.Same(t, k.Tight, v, 1e-9, "%s tight", k.Name)
			share, err := Contributions(rows, ref, directions)
			require.NoError(t, err)
			golden.Close(t, k.Name+" contributions", share, k.Contributions, 1e-9, 1e-9)
		}
	}
	for _, k := range g.Epsilon {
		directions := smallest(k.A.Shape[1])
		v, err := AdditiveEpsilon(k.A.rows(), k.R.rows(), directions)
		require.NoError(t, err)
		golden.Same(t, k.Additive, v, 1e-9, "additive")
		v, err = MultiplicativeEpsilon(k.A.rows(), k.R.rows(), directions)
		require.NoError(t, err)
		golden.Same(t, k.Multiplicative, v, 1e-9, "multiplicative")
	}
	var s struct {
		Pareto []struct {
			Time, Quality []float64
			Index         []int `json:"pareto_idx"`
			Ref           []float64
			Hypervolume   float64
		}
	}
	golden.JSON(t, "testdata/tradeoff_fits.json.gz", &s)
	require.NotEmpty(t, s.Pareto)
	for _, k := range s.Pareto {
		var rows [][]float64
		for i := range k.Time {
			rows = append(rows, []float64{k.Time[i], k.Quality[i]})
		}
		front, err := Frontier(rows, []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter}, WithoutDuplicates())
		require.NoError(t, err)
		slices.SortFunc(front, func(i, j int) int { return cmp.Compare(rows[i][0], rows[j][0]) })
		require.Equal(t, k.Index, front)
		v, err := Hypervolume(rows, k.Ref, []tradeoff.Direction{tradeoff.LowerBetter, tradeoff.HigherBetter})
		require.NoError(t, err)
		golden.Same(t, k.Hypervolume, v, 1e-9, "hypervolume")
	}
}

func turned(points [][]float64, dir tradeoff.Direction) [][]float64 {
	var rows [][]float64
	for _, p := range points {
		q := slices.Clone(p)
		for k := range q {
			if dir == tradeoff.HigherBetter {
				q[k] = -q[k]
			}
		}
		rows = append(rows, q)
	}
	return rows
}

// Against the definitions, on grids that make ties likely, up to five objectives.
func TestParetoByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		d, n, levels := 1+rng.IntN(5), rng.IntN(12), 2+rng.IntN(4)
		points := make([][]float64, n)
		for i := range points {
			for range d {
				points[i] = append(points[i], float64(rng.IntN(levels)))
			}
		}
		want := []int{}
		for i, p := range points {
			if !slices.ContainsFunc(points, func(q []float64) bool { return noWorse(q, p) && !slices.Equal(p, q) }) {
				want = append(want, i)
			}
		}
		got, err := Frontier(points, smallest(d))
		require.NoError(t, err)
		require.Equal(t, want, append([]int{}, got...), "%v", points)
		// The volume is the number of unit cells that are dominated.
		ref := slices.Repeat([]float64{float64(levels)}, d)
		cells := 0
		cell := make([]float64, d)
		for {
			if slices.ContainsFunc(points, func(p []float64) bool { return noWorse(p, cell) }) {
				cells++
			}
			k := 0
			for ; k < d; k++ {
				if cell[k]++; cell[k] < float64(levels) {
					break
				}
				cell[k] = 0
			}
			if k == d {
				break
			}
		}
		v, err := Hypervolume(points, ref, smallest(d))
		require.NoError(t, err)
		require.Equal(t, float64(cells), v, "%v", points)
	}
}

func TestGoldenVerdicts(t *testing.T) {
	var g struct {
		Pareto []struct {
			Methods    []Measured
			Indices    [][][]int
			Point      [][]float64
			POptimal   []float64   `json:"p_optimal"`
			PDominates [][]float64 `json:"p_dominates"`
			Alpha      float64
			Verdict    []string
		} `json:"pareto_bootstrap"`
	}
	golden.JSON(t, "testdata/stats_misc.json.gz", &g)
	require.NotEmpty(t, g.Pareto)
	for _, k := range g.Pareto {
		draws := make([][]int, len(k.Indices)) // runs of all methods are counted on
		for b, row := range k.Indices {
			first := 0
			for i, runs := range row {
				for _, run := range runs {
					draws[b] = append(draws[b], first+run)
				}
				first += len(k.Methods[i].Cost)
			}
		}
		got, err := Verdicts(k.Methods, tradeoff.HigherBetter, WithLevel(1-k.Alpha), WithResampling(stats.WithDraws(draws)))
		require.NoError(t, err)
		for i, s := range got {
			golden.Same(t, k.Point[i][0], s.Cost, 1e-12, "cost")
			golden.Same(t, k.Point[i][1], s.Quality, 1e-12, "quality")
			golden.Same(t, k.POptimal[i], s.Optimal, 1e-12, "optimal %d", i)
			for j := range got {
				golden.Same(t, k.PDominates[j][i], s.DominatedBy[j], 1e-12, "%d by %d", i, j)
			}
			require.Equal(t, k.Verdict[i], s.Verdict.String())
		}
	}
}

func BenchmarkHypervolume(b *testing.B) {
	for _, d := range []int{2, 3} {
		rng := rand.New(rand.NewPCG(1, 2))
		points := make([][]float64, 10_000)
		for i := range points {
			for range d {
				points[i] = append(points[i], rng.Float64())
			}
		}
		ref := slices.Repeat([]float64{1}, d)
		b.Run([]string{"2 objectives", "3 objectives"}[d-2], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Hypervolume(points, ref, smallest(d)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
