package plot

import (
	"encoding/xml"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	gplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/pareto"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

func curve(tb testing.TB, cost, quality []float64, dir tradeoff.Direction) tradeoff.Curve {
	tb.Helper()
	c, err := tradeoff.NewCurve(cost, quality, dir)
	require.NoError(tb, err)
	return c
}

// logs is runs whose evaluations are at costs of their own, budgets such as share theirs.
func logs(tb testing.TB, name string, speed float64, n int, shared bool) tradeoff.Runs {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(len(name))))
	r := tradeoff.Runs{Name: name}
	for range n {
		var cost, quality []float64
		for k := range 8 {
			c := math.Exp2(float64(k)) / speed
			if !shared {
				c *= 1 + 0.1*rng.Float64()
			}
			cost, quality = append(cost, c), append(quality, 0.95-0.6/(1+speed*c)+0.01*rng.NormFloat64())
		}
		r.Curves = append(r.Curves, curve(tb, cost, quality, tradeoff.HigherBetter))
	}
	return r
}

func figures(t *testing.T) map[string]*gplot.Plot {
	all := map[string]*gplot.Plot{}
	add := func(name string, p *gplot.Plot, err error) {
		t.Helper()
		require.NoError(t, err, name)
		all[name] = p
	}
	p, err := TradeoffCurves([]tradeoff.Runs{logs(t, "baseline", 1, 5, true), logs(t, "twice as fast", 2, 5, true)},
		WithTitle("separate runs"), WithLabels("epochs", "accuracy"), WithTargets(0.9))
	add("curves", p, err)
	p, err = TradeoffCurves([]tradeoff.Runs{logs(t, "baseline", 1, 5, false), logs(t, "twice as fast", 2, 4, false)},
		WithBand(0.8))
	add("logs", p, err)
	p, err = TradeoffCurves([]tradeoff.Runs{{Name: "one point",
		Curves: []tradeoff.Curve{curve(t, []float64{3}, []float64{0.5}, tradeoff.LowerBetter)}}}, WithLinearCost())
	add("one point", p, err)
	p, err = TradeoffCurves([]tradeoff.Runs{{Name: "apart", Curves: []tradeoff.Curve{curve(t, []float64{1, 2},
		[]float64{.1, .2}, 0), curve(t, []float64{30, 40}, []float64{.1, .2}, 0), curve(t, []float64{100}, []float64{.3},
		0)}}})
	add("empty band", p, err)
	var methods []pareto.Measured
	for i, m := range []struct{ c, q float64 }{{1, 0.7}, {2, 0.8}, {4, 0.86}, {3.9, 0.75}, {4.2, 0.858}} {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		one := pareto.Measured{Name: fmt.Sprint("method ", i)}
		for range 10 {
			one.Cost, one.Quality = append(one.Cost, m.c*(1+0.05*rng.NormFloat64())),
				append(one.Quality, m.q+0.01*rng.NormFloat64())
		}
		methods = append(methods, one)
	}
	standings, err := pareto.Verdicts(methods, tradeoff.HigherBetter)
	require.NoError(t, err)
	p, err = ParetoFront(standings, tradeoff.HigherBetter)
	add("front", p, err)
	p, err = ParetoFront(standings[:1], tradeoff.HigherBetter, WithTargets(0.7))
	add("front of one", p, err)
	inf := math.Inf(1)
	var loads []score.Workload
	for w := range 6 {
		loads = append(loads, score.Workload{Name: fmt.Sprint(w)})
	}
	table, err := score.NewTimeTable([]string{"first", "second", "third", "never"}, loads, [][][]float64{
		{{1}, {2}, {3}, {4}, {9}, {2}}, {{1.5}, {1.8}, {inf}, {3}, {3}, {5}}, {{2.5}, {5}, {3.3}, {8}, {inf}, {2.2}},
		{{inf}, {inf}, {inf}, {inf}, {inf}, {inf}}})
	require.NoError(t, err)
	profile, err := table.Profile()
	require.NoError(t, err)
	p, err = PerformanceProfile(profile)
	add("profile", p, err)
	var survivals []stats.Survival
	for _, times := range [][]stats.Lifetime{{{Time: 3, Event: true}, {Time: 5, Event: true}, {Time: 9},
		{Time: 4, Event: true}}, {{Time: 8, Event: true}, {Time: 10}, {Time: inf}, {Time: 10}}, {{Time: 10}, {Time: 10}}} {
		s, err := stats.KaplanMeier(times)
		require.NoError(t, err)
		survivals = append(survivals, s)
	}
	p, err = Survival([]string{"method", "baseline", "never"}, survivals)
	add("survival", p, err)
	p, err = Survival([]string{"never"}, survivals[2:])
	add("all censored", p, err)
	estimates := []stats.Estimate{{Value: 1.5, Lo: 1.2, Hi: 1.9}, {Value: 1.1, Lo: 0.8, Hi: inf},
		{Value: 2, Lo: 1.9, Hi: 2.1}}
	p, err = IntervalEstimates([]string{"speedup of a method with a long name", "one run", "c"}, estimates,
		WithLabels("speedup", ""))
	add("intervals", p, err)
	p, err = IntervalEstimates([]string{"twice", "half"}, estimates[:2], WithLine(1))
	add("line at one", p, err)
	var rows [][]stats.Estimate
	at := []float64{1, 2, 4, 8, 16}
	for i := range 2 {
		var row []stats.Estimate
		for k := range at {
			v := 0.9 - 0.5/(1+at[k]*float64(i+1))
			row = append(row, stats.Estimate{Value: v, Lo: v - 0.05, Hi: v + 0.04})
		}
		rows = append(rows, row)
	}
	rows[1][2].Hi = inf // a gap in the band
	p, err = EstimateCurves([]string{"baseline", "method"}, at, rows, WithLabels("steps", "IQM"))
	add("estimates", p, err)
	same := logs(t, "the same again", 1, 5, true)
	same.Curves = slices.Clone(logs(t, "baseline", 1, 5, true).Curves)
	p, err = TradeoffCurves([]tradeoff.Runs{logs(t, "baseline", 1, 5, true), same}, WithQualityRange(0.5, 0.9))
	add("on each other", p, err)
	falling := tradeoff.Runs{Name: "loss", Curves: []tradeoff.Curve{curve(t, []float64{1, 10, 100}, []float64{3, .3, .02},
		tradeoff.LowerBetter), curve(t, []float64{1, 10, 100}, []float64{3, .4, math.NaN()}, tradeoff.LowerBetter)}}
	p, err = TradeoffCurves([]tradeoff.Runs{falling}, WithLogQuality())
	add("losses", p, err)
	p, err = ProbabilityOfImprovement([]string{"a over b", "a over c"}, []stats.Estimate{{Value: 0.7, Lo: 0.55, Hi: 0.82},
		{Value: 0.45, Lo: 0.3, Hi: 0.6}})
	add("improvement", p, err)
	p, err = PhaseBars([]string{"as it was", "prefetching"}, []string{"wait", "forward", "backward", "optimizer"},
		[][]float64{{0.4, 0.2, 0.45, 0.05}, {0, 0.2, 0.45, 0.05}}, WithTitle("where a step goes"))
	add("phases", p, err)
	p, err = Roofline(1.16e11, 2e10, []Kernel{{"product", 40, 9.7e10}, {"normalisation", 0.5, 8e9}})
	add("roofline", p, err)
	p, err = Roofline(1e9, 1e9, nil)
	add("roof", p, err)
	return all
}

// Every figure is drawn in each format, with something on it.
func TestFigures(t *testing.T) {
	dir := t.TempDir()
	if d := os.Getenv("ESPALIER_PLOTS"); d != "" {
		dir = d // to look at
	}
	for name, p := range figures(t) {
		for _, ext := range []string{".png", ".svg", ".pdf"} {
			path := filepath.Join(dir, name+ext)
			require.NoError(t, Save(p, path), name)
			f, err := os.Open(path)
			require.NoError(t, err)
			switch ext {
			case ".png":
				img, _, err := image.Decode(f)
				require.NoError(t, err)
				require.Greater(t, inked(img), 100, "%s is blank", name)
			case ".svg":
				decoder := xml.NewDecoder(f)
				elements := 0
				for {
					token, err := decoder.Token()
					if err == io.EOF {
						break
					}
					require.NoError(t, err, name)
					if _, ok := token.(xml.StartElement); ok {
						elements++
					}
				}
				require.Greater(t, elements, 20, name)
			case ".pdf":
				head := make([]byte, 5)
				_, err := io.ReadFull(f, head)
				require.NoError(t, err)
				require.Equal(t, "%PDF-", string(head))
			}
			require.NoError(t, f.Close())
		}
	}
}

// inked counts the pixels in colour: data and not axes.
func inked(img image.Image) (n int) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x += 2 {
			r, g, bl, _ := img.At(x, y).RGBA()
			if max(r, g, bl)-min(r, g, bl) > 0x1000 {
				n++
			}
		}
	}
	return n * 4
}

// A band keeps to its line where it leaves what is shown.
func TestBandsEndAtTheEdge(t *testing.T) {
	c := config{lo: 0.2, hi: 0.8}
	points := plotter.XYs{{X: 1, Y: 0}, {X: 100, Y: 1}, {X: 1000, Y: 0.5}}
	want := []plotter.XY{{X: 1, Y: 0.2}, {X: math.Pow(100, .2), Y: .2}, {X: math.Pow(100, .8), Y: .8}, {X: 100, Y: .8},
		{X: 100 * math.Pow(10, .4), Y: .8}, {X: 1000, Y: .5}}
	for i, p := range c.within(points) {
		require.InDelta(t, want[i].X, p.X, 1e-9*p.X)
		require.InDelta(t, want[i].Y, p.Y, 1e-12)
	}
	c.linear, c.logQuality, c.lo, c.hi = true, true, 0.1, 10
	cut := c.within(plotter.XYs{{X: 0, Y: 1}, {X: 2, Y: 100}})
	require.Equal(t, plotter.XYs{{X: 0, Y: 1}, {X: 1, Y: 10}, {X: 2, Y: 10}}, cut)
}

func TestRefuses(t *testing.T) {
	of := func(at []float64, rows ...[]stats.Estimate) error {
		return second(EstimateCurves([]string{"a"}, at, rows))
	}
	one := []string{"a"}
	good := logs(t, "a", 1, 1, true)
	falling := tradeoff.Runs{Name: "b", Curves: []tradeoff.Curve{curve(t, []float64{1}, []float64{1},
		tradeoff.LowerBetter)}}
	for name, k := range map[string]struct {
		err error
		is  error
	}{
		"no runs":    {second(TradeoffCurves(nil)), tensor.ErrEmpty},
		"empty runs": {second(TradeoffCurves([]tradeoff.Runs{{}})), tensor.ErrEmpty},
		"directions": {second(TradeoffCurves([]tradeoff.Runs{good, falling})), tensor.ErrShape},
		"target":     {second(TradeoffCurves([]tradeoff.Runs{good}, WithTargets(math.NaN()))), tensor.ErrNotFinite},
		"band":       {second(TradeoffCurves([]tradeoff.Runs{good}, WithBand(1))), tensor.ErrRange},
		"nil option": {second(TradeoffCurves([]tradeoff.Runs{good}, nil)), tensor.ErrEmpty},
		"range":      {second(TradeoffCurves([]tradeoff.Runs{good}, WithQualityRange(1, 1))), tensor.ErrRange},
		"no line": {second(IntervalEstimates(one, make([]stats.Estimate, 1), WithLine(math.Inf(1)))),
			tensor.ErrRange},
		"negative": {second(TradeoffCurves([]tradeoff.Runs{good}, WithLogQuality(), WithQualityRange(-1, 1))),
			tensor.ErrRange},
		"curves of no names": {second(EstimateCurves(nil, []float64{1}, nil)), tensor.ErrEmpty},
		"curves at 0":        {of([]float64{0}, []stats.Estimate{{}}), tensor.ErrRange},
		"curves back":        {of([]float64{2, 1}, []stats.Estimate{{}, {}}), tensor.ErrRange},
		"curves short":       {of([]float64{1}, nil), tensor.ErrShape},
		"curves NaN": {of([]float64{1}, []stats.Estimate{{Value: math.NaN()}}),
			tensor.ErrNotFinite},
		"no standings": {second(ParetoFront(nil, 0)), tensor.ErrEmpty},
		"no profile":   {second(PerformanceProfile(score.Profile{})), tensor.ErrEmpty},
		"no survival":  {second(Survival(nil, nil)), tensor.ErrEmpty},
		"names":        {second(Survival([]string{"a"}, nil)), tensor.ErrShape},
		"no estimates": {second(IntervalEstimates(nil, nil)), tensor.ErrEmpty},
		"NaN": {second(IntervalEstimates([]string{"a"}, []stats.Estimate{{Value: math.NaN()}})),
			tensor.ErrNotFinite},
		"names of them": {second(ProbabilityOfImprovement([]string{"a"}, nil)), tensor.ErrShape},
		"no phases":     {second(PhaseBars([]string{"a"}, nil, nil)), tensor.ErrEmpty},
		"programs":      {second(PhaseBars([]string{"a"}, []string{"b"}, nil)), tensor.ErrShape},
		"phases":        {second(PhaseBars([]string{"a"}, []string{"b"}, [][]float64{{1, 2}})), tensor.ErrShape},
		"time":          {second(PhaseBars([]string{"a"}, []string{"b"}, [][]float64{{-1}})), tensor.ErrRange},
		"peak":          {second(Roofline(0, 1, nil)), tensor.ErrRange},
		"rate":          {second(Roofline(1, 1, []Kernel{{"a", 1, math.NaN()}})), tensor.ErrRange},
		"nothing":       {Save(nil, "x.svg"), tensor.ErrEmpty},
		"ending":        {Save(gplot.New(), "x.docx"), tensor.ErrRange},
	} {
		require.ErrorIs(t, k.err, k.is, name)
	}
	require.Error(t, Save(gplot.New(), filepath.Join(t.TempDir(), "missing", "x.svg")))
}

func second(_ *gplot.Plot, err error) error { return err }

// The plotter is needed by this package and the command alone.
func TestOnlyHere(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}: {{join .Imports " "}}`,
		"github.com/espalier-ml/espalier/...").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	found := false
	for line := range strings.Lines(string(out)) {
		if name, imports, _ := strings.Cut(line, ": "); strings.Contains(imports, "gonum.org/v1/plot") {
			require.Contains(t, []string{"github.com/espalier-ml/espalier/tradeoff/plot",
				"github.com/espalier-ml/espalier/cmd/tradeoff"}, name)
			found = true
		}
	}
	require.True(t, found)
}
