package survival

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func lifetimes(t testing.TB, time, event []float64) []stats.Lifetime {
	t.Helper()
	times, err := stats.Lifetimes(time, event)
	require.NoError(t, err)
	return times
}

func column(x ...float64) tensor.Matrix[float64] { return tensor.Of(len(x), 1, x) }

func second[A any](_ A, err error) error { return err }

// Efron's rule in everything that rests on it, as R has it.
func TestEfronEverywhere(t *testing.T) {
	times := lifetimes(t, []float64{1, 1, 1, 2, 2, 3, 4, 4, 5, 5}, []float64{1, 1, 0, 1, 1, 0, 1, 1, 1, 0})
	x := column(1, 0, 1, 2, 0, 1, 0, 3, 1, 2)
	m, err := FitCox(times, x)
	require.NoError(t, err)
	require.InDelta(t, -0.402344744274, m.Coefficients()[0], 1e-11)
	require.InDelta(t, 0.430842722949, math.Sqrt(m.Covariance().Data[0]), 1e-11)
	require.InDelta(t, 0.340499958820, math.Sqrt(m.RobustCovariance().Data[0]), 1e-11)
	s := m.Schoenfeld()
	require.InDeltaSlice(t, []float64{.193204, -.806796, 1.086324, -.913676, -1.079153, 1.920847, -.400749},
		s.Residuals.Data, 1e-6)
	require.Equal(t, []int{0, 1, 3, 4, 6, 7, 8}, s.Rows)
	require.Equal(t, []float64{1, 1, 2, 2, 4, 4, 5}, s.Times)
	model := m.Model()
	zero, err := model.Score([]float64{0})
	require.NoError(t, err)
	for i, want := range []float64{.311315, .794659, .794659, 1.775134, 2.671209} {
		h, err := model.Baselines[0].Hazard(zero, float64(i+1))
		require.NoError(t, err)
		require.InDelta(t, want, h, 1e-6, "at %d", i+1)
	}
	m, err = FitCox(times, x, WithTies(Breslow))
	require.NoError(t, err)
	require.InDelta(t, 0.299033, math.Sqrt(m.RobustCovariance().Data[0]), 1e-6)
}

// Times that differ by rounding alone are one time, in the model and in the pairs.
func TestNearTies(t *testing.T) {
	sum := 0.1
	sum += 0.2
	x := column(1, 0, 2, 0, 1, 0)
	event := []float64{1, 1, 1, 1, 0, 1}
	near, err := FitCox(lifetimes(t, []float64{.3, sum, .5, .7, .9, 1.1}, event), x)
	require.NoError(t, err)
	// R with eps 1e-14; by default it stops 1.5e-11 away.
	require.InDelta(t, .2533828408353163, near.Coefficients()[0], 1e-14)
	same, err := FitCox(lifetimes(t, []float64{.3, .3, .5, .7, .9, 1.1}, event), x)
	require.NoError(t, err)
	require.Equal(t, same.Coefficients(), near.Coefficients())
	apart, err := FitCox(lifetimes(t, []float64{.3, .31, .5, .7, .9, 1.1}, event), x)
	require.NoError(t, err)
	require.InDelta(t, .290961872163, apart.Coefficients()[0], 1e-9) // where R stops

	for _, risk := range [][]float64{{1, 2, 0}, {2, 1, 0}} { // neither of the two events came first
		c, err := Concord(lifetimes(t, []float64{.3, sum, 1}, []float64{1, 1, 0}), risk)
		require.NoError(t, err)
		require.Equal(t, []float64{2, 0, 0}, []float64{c.Concordant, c.Discordant, c.TiedRisk})
	}
	c, err := Concord(lifetimes(t, []float64{sum, .3}, []float64{1, 0}), []float64{1, 0})
	require.NoError(t, err)
	require.Equal(t, 1.0, c.C(), "the censored one outlived the event")
	_, err = FitCox(lifetimes(t, []float64{sum, 1, 2}, []float64{1, 1, 0}), column(1, 2, 3),
		WithEntry([]float64{.3, 0, 0}))
	require.ErrorIs(t, err, tensor.ErrRange, "nothing lies between")
}

func TestHarrellByHand(t *testing.T) {
	times := lifetimes(t, []float64{4, 4, 4, 6, 6, 9, 9}, []float64{1, 0, 1, 1, 0, 0, 1})
	c, err := Concord(times, []float64{3, 1, 3, 2, 2, 0, 5})
	require.NoError(t, err)
	require.Equal(t, []float64{10, 3, 1, 0.75}, []float64{c.Concordant, c.Discordant, c.TiedRisk, c.C()})
	c, err = Concord(lifetimes(t, []float64{5, 5}, []float64{1, 0}), []float64{.1, .9})
	require.NoError(t, err)
	require.Equal(t, 0.0, c.C(), "a risk that is turned round is not turned back")
	require.Equal(t, 2, c.N)
	for name, k := range map[string]struct {
		time, event, risk []float64
		want              error
	}{
		"all censored": {[]float64{1, 2}, []float64{0, 0}, []float64{1, 2}, ErrNoPairs},
		"one":          {[]float64{1}, []float64{1}, []float64{1}, ErrNoPairs},
		"last event":   {[]float64{1, 2}, []float64{0, 1}, []float64{1, 2}, ErrNoPairs},
		"tied events":  {[]float64{2, 2}, []float64{1, 1}, []float64{1, 2}, ErrNoPairs},
		"NaN":          {[]float64{1, 2}, []float64{1, 1}, []float64{1, math.NaN()}, tensor.ErrNotFinite},
		"infinite":     {[]float64{1, 2}, []float64{1, 1}, []float64{math.Inf(1), 1}, tensor.ErrNotFinite},
		"lengths":      {[]float64{1, 2}, []float64{1, 1}, []float64{1}, tensor.ErrShape},
	} {
		c, err := Concord(lifetimes(t, k.time, k.event), k.risk)
		require.ErrorIs(t, err, k.want, name)
		require.Zero(t, c, name)
	}
	require.ErrorIs(t, second(Concord(nil, nil)), tensor.ErrEmpty)
}

// The numbers of a small sample in which event and censoring share a time.
func TestMeasuresUnderCensoring(t *testing.T) {
	times := lifetimes(t, []float64{2, 3, 3, 5, 6, 6, 8, 10}, []float64{1, 1, 0, 0, 1, 0, 1, 0})
	risk := []float64{1.5, .2, .9, -.3, .4, .8, -1, -.5}
	harrell, err := Concord(times, risk)
	require.NoError(t, err)
	require.InDelta(t, .705882, harrell.C(), 1e-6)
	g, err := FitCensoring(times)
	require.NoError(t, err)
	uno, err := g.Uno(times, risk, math.Inf(1))
	require.NoError(t, err)
	require.InDelta(t, .584382871537, uno.C(), 1e-12)
	require.InDelta(t, .1528539416137582, uno.SE, 1e-12) // of R's concordance with timewt "n/G2"
	survival := []float64{.3, .5, .6, .8, .6, .7, .9, .8}
	brier, err := g.Brier(times, survival, 5.5)
	require.NoError(t, err)
	require.InDelta(t, .09875, brier.Value, 1e-12)
	require.Less(t, brier.Lo, brier.Value)

	// Nobody left: G is 0 from 8 on, where the last was censored, and the error says so.
	ended := lifetimes(t, []float64{1, 2, 8, 8, 9}, []float64{1, 0, 0, 0, 1})
	g, err = FitCensoring(ended[:4])
	require.NoError(t, err)
	for name, err := range map[string]error{
		"uno":   second(g.Uno(ended, []float64{1, 2, 3, 4, 5}, math.Inf(1))),
		"brier": second(g.Brier(ended, make([]float64, 5), 8.5)),
		"auc":   second(g.AUC(ended, []float64{1, 2, 3, 4, 5}, 9)),
	} {
		require.ErrorIs(t, err, stats.ErrUnreached, name)
		require.ErrorContains(t, err, "the last usable time is", name)
		require.ErrorContains(t, err, "8", name)
	}
	_, err = g.Uno(ended, []float64{1, 2, 3, 4, 5}, 8)
	require.NoError(t, err, "events from tau on are not looked at")
}

// Without censoring there is nothing to weight: Brier's score is the mean squared error, Uno's C is Harrell's and the
// dynamic area is that of a classification.
func TestMeasuresWithoutCensoring(t *testing.T) {
	rng := tensor.Stream(3)
	for range 30 {
		n := 5 + rng.IntN(40)
		times, risk, survival := make([]stats.Lifetime, n), make([]float64, n), make([]float64, n)
		late, squares := make([]bool, n), 0.0
		for i := range times {
			times[i] = stats.Lifetime{Time: float64(1 + rng.IntN(10)), Event: true}
			risk[i], survival[i] = float64(rng.IntN(6)), rng.Float64()
			late[i] = times[i].Time > 5
			want := 0.0
			if late[i] {
				want = 1
			}
			squares += (survival[i] - want) * (survival[i] - want) / float64(n)
		}
		g, err := FitCensoring(times)
		require.NoError(t, err)
		brier, err := g.Brier(times, survival, 5)
		require.NoError(t, err)
		require.InDelta(t, squares, brier.Value, 1e-12)
		harrell, err := Concord(times, risk)
		if err != nil {
			continue
		}
		uno, err := g.Uno(times, risk, math.Inf(1))
		require.NoError(t, err)
		require.InDelta(t, harrell.C(), uno.C(), 1e-12)
		require.InDelta(t, harrell.SE, uno.SE, 1e-12)
		early := slices.Clone(late)
		for i := range early {
			early[i] = !late[i]
		}
		want, err := stats.AUC(early, risk, nil)
		if err != nil {
			require.ErrorIs(t, second(g.AUC(times, risk, 5)), stats.ErrOneClass)
			continue
		}
		got, err := g.AUC(times, risk, 5)
		require.NoError(t, err)
		require.InDelta(t, want.Value, got.Value, 1e-12)
	}
}

// Censoring that has nothing to do with the risk leaves the measures where they were, which dropping the censored would
// not.
func TestWeightsMakeUpForCensoring(t *testing.T) {
	const n, at = 20_000, 1.0
	rng := tensor.Stream(5)
	full, seen := make([]stats.Lifetime, n), make([]stats.Lifetime, n)
	risk, survival := make([]float64, n), make([]float64, n)
	for i := range full {
		risk[i] = rng.NormFloat64()
		hazard := math.Exp(risk[i])
		full[i] = stats.Lifetime{Time: rng.ExpFloat64() / hazard, Event: true}
		survival[i] = math.Exp(-0.5 * hazard * at) // not calibrated
		end := rng.ExpFloat64() * 1.5
		seen[i] = stats.Lifetime{Time: min(full[i].Time, end), Event: full[i].Time <= end}
	}
	all, err := FitCensoring(full)
	require.NoError(t, err)
	part, err := FitCensoring(seen)
	require.NoError(t, err)
	want, err := all.Brier(full, survival, at)
	require.NoError(t, err)
	got, err := part.Brier(seen, survival, at)
	require.NoError(t, err)
	require.InDelta(t, want.Value, got.Value, 0.01)
	want, err = all.AUC(full, risk, at)
	require.NoError(t, err)
	got, err = part.AUC(seen, risk, at)
	require.NoError(t, err)
	require.InDelta(t, want.Value, got.Value, 0.01)
	wantC, err := all.Uno(full, risk, 2)
	require.NoError(t, err)
	gotC, err := part.Uno(seen, risk, 2)
	require.NoError(t, err)
	require.InDelta(t, wantC.C(), gotC.C(), 0.01)
	grid := []float64{0.25, 0.5, 1, 1.5}
	curves := tensor.NewMatrix[float64](n, len(grid))
	for i := range n {
		for k, v := range grid {
			curves.Row(i)[k] = math.Exp(-0.5 * math.Exp(risk[i]) * v)
		}
	}
	wantI, err := all.IntegratedBrier(full, curves, grid)
	require.NoError(t, err)
	gotI, err := part.IntegratedBrier(seen, curves, grid)
	require.NoError(t, err)
	require.InDelta(t, wantI, gotI, 0.01)
	require.True(t, 0 < gotI && gotI < 0.25)
}

func TestFailuresOfFitCoxHaveNames(t *testing.T) {
	times := lifetimes(t, []float64{1, 2, 3, 4, 5, 6, 7, 8}, []float64{1, 1, 0, 1, 1, 0, 1, 1})
	noise := []float64{.3, -1, .8, 1.1, -.2, .4, -.6, .1}
	two := func(f func(i int) float64) tensor.Matrix[float64] {
		x := tensor.NewMatrix[float64](8, 2)
		for i := range 8 {
			x.Row(i)[0], x.Row(i)[1] = noise[i], f(i)
		}
		return x
	}
	names := WithNames("noise", "other")
	for name, k := range map[string]struct {
		x    tensor.Matrix[float64]
		want error
		text string
	}{
		"constant": {two(func(int) float64 { return 3.3 }), ErrSingular, "column other is constant"},
		"copy": {two(func(i int) float64 { return 1 - 2*noise[i] }), ErrSingular,
			"other is a combination of noise"},
		"separating":     {two(func(i int) float64 { return float64(-i) }), ErrMonotone, "column other separates"},
		"never an event": {two(func(i int) float64 { return float64(i % 3 / 2) }), ErrMonotone, "coefficient is -Inf"},
		"both together": {two(func(i int) float64 { return -float64(i) - 3*noise[i] }), ErrMonotone,
			"columns noise, other together separate"},
		"NaN": {two(func(i int) float64 { return math.NaN() }), tensor.ErrNotFinite,
			"x[0][1] = NaN, column other"},
		"infinite": {two(func(i int) float64 { return math.Inf(i - 3) }), tensor.ErrNotFinite, "column other"},
	} {
		m, err := FitCox(times, k.x, names)
		require.ErrorIs(t, err, k.want, name)
		require.ErrorContains(t, err, "survival: FitCox: ", name)
		require.ErrorContains(t, err, k.text, name)
		require.Nil(t, m, name)
		if k.want == ErrMonotone || name == "copy" {
			m, err = FitCox(times, k.x, names, WithRidge(0.1))
			require.NoError(t, err, name)
			require.Less(t, largest(m.Coefficients()), 10.0, name)
		}
	}
	x := column(noise...)
	late := WithEntry([]float64{0, 0, 0, 0, 0, 0, 0, 0})
	_, err := FitCox(times, column(8, 7, 6, 5, 4, 3, 2, 1), late)
	require.ErrorIs(t, err, ErrMonotone, "found while iterating")
	for name, err := range map[string]error{
		"no events":     second(FitCox(lifetimes(t, []float64{1, 2}, []float64{0, 0}), column(1, 2))),
		"in strata":     second(FitCox(times, x, WithStrata([]int{0, 1, 2, 3, 4, 5, 6, 7}))),
		"rows":          second(FitCox(times[:3], x)),
		"none":          second(FitCox(nil, tensor.Matrix[float64]{})),
		"no columns":    second(FitCox(times, tensor.Matrix[float64]{Rows: 8})),
		"weights":       second(FitCox(times, x, WithWeights([]float64{1, 1, 1, 0, 1, 1, 1, 1}))),
		"weight counts": second(FitCox(times, x, WithWeights([]float64{1}))),
		"entry":         second(FitCox(times, x, WithEntry([]float64{0, 0, 0, 4, 0, 0, 0, 0}))),
		"names":         second(FitCox(times, x, WithNames("a", "b"))),
		"ties":          second(FitCox(times, x, WithTies(7))),
		"ridge":         second(FitCox(times, x, WithRidge(-1))),
		"nil option":    second(FitCox(times, x, nil)),
		"nil strata":    second(FitCox(times, x, WithStrata(nil))),
	} {
		require.Error(t, err, name)
		require.ErrorContains(t, err, "survival: FitCox: ", name)
	}
	_, err = FitCox(times, x, WithEntry([]float64{0, 0, 0, 4, 0, 0, 0, 0}))
	require.ErrorContains(t, err, "entry[3] = 4 and times[3].Time = 4")
	require.ErrorIs(t, err, tensor.ErrRange)
}

// Every summary of a fit is that of a fit to the same rows in another order; a row of weight 2 is two rows, an entry
// before all events is none, and strata that are shifted in time do not meet.
func TestFitCoxSymmetries(t *testing.T) {
	rng := tensor.Stream(8)
	for range 20 {
		n, p := 30+rng.IntN(40), 1+rng.IntN(3)
		times, x := make([]stats.Lifetime, n), tensor.NewMatrix[float64](n, p)
		weights, strata := make([]float64, n), make([]int, n)
		for i := range times {
			times[i] = stats.Lifetime{Time: float64(1 + rng.IntN(12)), Event: rng.IntN(3) > 0}
			weights[i], strata[i] = float64(1+rng.IntN(3)), rng.IntN(2)
			for j := range p {
				x.Row(i)[j] = 1000 + 50*rng.NormFloat64()
			}
		}
		m, err := FitCox(times, x, WithWeights(weights), WithStrata(strata), WithTies(Breslow))
		if err != nil {
			require.ErrorIs(t, err, ErrMonotone)
			continue
		}
		var rowsTimes []stats.Lifetime
		var rows []float64
		for _, i := range rng.Perm(n) {
			for range int(weights[i]) {
				rowsTimes = append(rowsTimes, stats.Lifetime{Time: times[i].Time + 100*float64(strata[i]),
					Event: times[i].Event})
				rows = append(rows, x.Row(i)...)
			}
		}
		entry := make([]float64, len(rowsTimes))
		for i, v := range rowsTimes {
			if v.Time > 100 {
				entry[i] = 50
			}
		}
		other, err := FitCox(rowsTimes, tensor.Of(len(rowsTimes), p, rows), WithEntry(entry), WithTies(Breslow))
		require.NoError(t, err)
		require.InDeltaSlice(t, m.Coefficients(), other.Coefficients(), 1e-9)
		require.InDeltaSlice(t, m.Covariance().Data, other.Covariance().Data, 1e-9)
		a, b := m.Model(), other.Model()
		for at := 1.0; at <= 12; at++ {
			h, err := a.Baselines[0].Hazard(0, min(at, a.Baselines[0].Last))
			require.NoError(t, err)
			want, err := b.Baselines[0].Hazard(0, min(at, a.Baselines[0].Last))
			require.NoError(t, err)
			require.InDelta(t, want, h, 1e-9)
		}
	}
}

// naive is the logarithm of the likelihood from its definition.
func naive(times []stats.Lifetime, x tensor.Matrix[float64], beta []float64, c *config) float64 {
	at := func(i int) (w, eta float64, stratum int, entry float64) {
		w, entry = 1, math.Inf(-1)
		if c.weights != nil {
			w = c.weights[i]
		}
		if c.strata != nil {
			stratum = c.strata[i]
		}
		if c.entry != nil {
			entry = c.entry[i]
		}
		return w, tensor.Dot(beta, x.Row(i)), stratum, entry
	}
	value := 0.0
	done := map[[2]float64]bool{}
	for i, of := range times {
		_, _, stratum, _ := at(i)
		if key := [2]float64{of.Time, float64(stratum)}; !of.Event || done[key] {
			continue
		} else {
			done[key] = true
		}
		var d, v, atRisk, dead float64
		for j, other := range times {
			w, eta, s, entry := at(j)
			if s != stratum || other.Time < of.Time || entry >= of.Time {
				continue
			}
			atRisk += w * math.Exp(eta)
			if other.Time == of.Time && other.Event {
				d++
				v += w
				dead += w * math.Exp(eta)
				value += w * eta
			}
		}
		for l := 0.0; l < d; l++ {
			f := l / d
			if c.ties == Breslow {
				f = 0
			}
			value -= v / d * math.Log(atRisk-f*dead)
		}
	}
	return value
}

// Value, gradient and information against the definition and its differences, with everything at once.
func TestLikelihoodAgainstItsDefinition(t *testing.T) {
	rng := tensor.Stream(9)
	for trial := range 40 {
		n, p := 12+rng.IntN(10), 1+rng.IntN(3)
		times, x := make([]stats.Lifetime, n), tensor.NewMatrix[float64](n, p)
		c := config{ties: Ties(trial % 2)}
		for i := range times {
			times[i] = stats.Lifetime{Time: float64(1 + rng.IntN(6)), Event: rng.IntN(3) > 0}
			if trial%4 > 1 {
				c.entry = append(c.entry, float64(rng.IntN(int(times[i].Time))))
			}
			if trial%3 > 0 {
				c.weights = append(c.weights, 0.5+rng.Float64())
			}
			if trial%5 > 2 {
				c.strata = append(c.strata, rng.IntN(2))
			}
			for j := range p {
				x.Row(i)[j] = rng.NormFloat64()
			}
		}
		s, err := newSample(times, &c)
		if err != nil {
			require.ErrorIs(t, err, ErrNoEvents)
			continue
		}
		sorted := make([]float64, 0, n*p)
		for _, i := range s.row {
			sorted = append(sorted, x.Row(int(i))...)
		}
		l := newLikelihood(s, sorted, p, c.ties)
		beta := make([]float64, p)
		for j := range beta {
			beta[j] = rng.NormFloat64()
		}
		l.eval(beta)
		require.InDelta(t, naive(times, x, beta, &c), l.value, 1e-10)
		gradient, info := slices.Clone(l.gradient), slices.Clone(l.info)
		const h = 1e-5
		for j := range p {
			moved := slices.Clone(beta)
			moved[j] += h
			up := naive(times, x, moved, &c)
			l.eval(moved)
			upGradient := slices.Clone(l.gradient)
			moved[j] -= 2 * h
			require.InDelta(t, (up-naive(times, x, moved, &c))/(2*h), gradient[j], 1e-6)
			l.eval(moved)
			for k := range p {
				require.InDelta(t, -(upGradient[k]-l.gradient[k])/(2*h), info[j*p+k], 1e-6)
			}
		}
	}
}

// One of huge risk leaves early: what is left is not the rounding of a difference.
func TestLargeRiskThatLeaves(t *testing.T) {
	times := lifetimes(t, []float64{5, 6, 7, 20, 21, 22, 23}, []float64{1, 1, 0, 1, 1, 1, 0})
	entry := []float64{0, 0, 0, 0, 0, 0, 0}
	x := column(0.1, 0.4, -0.3, 0.2, -0.1, 0.3, 0)
	late := lifetimes(t, []float64{9, 30, 31}, []float64{1, 1, 0})
	times = append(late, times...) // those of 30 and 31 enter at 25
	entry = append([]float64{0, 25, 25}, entry...)
	x = tensor.Of(10, 1, append([]float64{0.5, 60, 59}, x.Data...))
	c := config{entry: entry}
	s, err := newSample(times, &c)
	require.NoError(t, err)
	sorted := make([]float64, 0, 10)
	for _, i := range s.row {
		sorted = append(sorted, x.Row(int(i))[0])
	}
	l := newLikelihood(s, sorted, 1, Efron)
	l.eval([]float64{1})
	require.InDelta(t, naive(times, x, []float64{1}, &c), l.value, 1e-9)
}

func TestResidualsAddUp(t *testing.T) {
	times, x := cohort(300, 3, true)
	m, err := FitCox(times, x)
	require.NoError(t, err)
	sum, events := 0.0, 0
	for i, r := range m.Martingale() {
		sum += r
		require.Less(t, r, 1.0+1e-12)
		if times[i].Event {
			events++
		}
	}
	require.InDelta(t, 0, sum, 1e-9)
	s := m.Schoenfeld()
	require.Len(t, s.Rows, events)
	for j := range 3 {
		sum := 0.0
		for i := range s.Rows {
			sum += s.Residuals.Row(i)[j]
		}
		require.InDelta(t, 0, sum, 1e-8, "the gradient of column %d", j)
	}
	// Leaving a row out moves the coefficients by about its influence.
	influence := m.DFBeta()
	for _, i := range []int{0, 50, 299} {
		kept := slices.Delete(slices.Clone(times), i, i+1)
		rows := slices.Delete(slices.Clone(x.Data), 3*i, 3*i+3)
		without, err := FitCox(kept, tensor.Of(299, 3, rows))
		require.NoError(t, err)
		for j, b := range m.Coefficients() {
			require.InDelta(t, b-without.Coefficients()[j], influence.Row(i)[j], 5e-4)
		}
	}
}

// Rows of one patient that are split in time are that patient; those that are copied are told by clusters.
func TestSplitAndCopiedRows(t *testing.T) {
	times, x := cohort(200, 2, false)
	m, err := FitCox(times, x)
	require.NoError(t, err)
	var split []stats.Lifetime
	var entry, rows []float64
	var cluster []int
	for i, v := range times {
		split = append(split, stats.Lifetime{Time: v.Time / 3}, v)
		entry = append(entry, 0, v.Time/3)
		rows = append(append(rows, x.Row(i)...), x.Row(i)...)
		cluster = append(cluster, i, i)
	}
	pieces, err := FitCox(split, tensor.Of(400, 2, rows), WithEntry(entry), WithClusters(cluster))
	require.NoError(t, err)
	require.InDeltaSlice(t, m.Coefficients(), pieces.Coefficients(), 1e-9)
	require.InDeltaSlice(t, m.RobustCovariance().Data, pieces.RobustCovariance().Data, 1e-9)

	twice := append(slices.Clone(times), times...)
	copies := tensor.Of(400, 2, append(slices.Clone(x.Data), x.Data...))
	cluster = cluster[:0]
	for i := range twice {
		cluster = append(cluster, i%200)
	}
	both, err := FitCox(twice, copies, WithClusters(cluster), WithTies(Breslow))
	require.NoError(t, err)
	one, err := FitCox(times, x, WithTies(Breslow), WithRobust())
	require.NoError(t, err)
	require.InDeltaSlice(t, one.RobustCovariance().Data, both.RobustCovariance().Data, 1e-9)
	a, err := one.Summary()
	require.NoError(t, err)
	b, err := both.Summary()
	require.NoError(t, err)
	require.True(t, a.Robust && b.Robust)
	require.InDelta(t, a.Coefficients[0].P, b.Coefficients[0].P, 1e-9)
}

// Scores that are a column of a fitted model have its baseline.
func TestBaselineOfScores(t *testing.T) {
	times, x := cohort(400, 2, true)
	strata := make([]int, len(times))
	for i := range strata {
		strata[i] = 7 + i%2
	}
	m, err := FitCox(times, x, WithTies(Breslow), WithStrata(strata))
	require.NoError(t, err)
	model := m.Model()
	score := make([]float64, len(times))
	for i := range score {
		score[i], err = model.Score(x.Row(i))
		require.NoError(t, err)
	}
	baselines, err := FitBaseline(times, score, WithStrata(strata))
	require.NoError(t, err)
	require.Len(t, baselines, 2)
	for k, b := range baselines {
		require.Equal(t, 7+k, b.Stratum)
		require.Equal(t, model.Baselines[k].Last, b.Last)
		for i, s := range b.Steps {
			require.InDelta(t, model.Baselines[k].Steps[i].H, s.H, 1e-9*(1+s.H))
		}
	}
	s, err := baselines[0].Survival(0.5, 100)
	require.NoError(t, err)
	want, err := model.Survival(7, x.Row(0), 100)
	require.NoError(t, err)
	own, err := baselines[0].Survival(score[0], 100)
	require.NoError(t, err)
	require.InDelta(t, want, own, 1e-9)
	require.True(t, 0 < s && s < 1)
	first, err := baselines[0].Survival(3, 0)
	require.NoError(t, err)
	require.Equal(t, 1.0, first)
	require.ErrorIs(t, second(baselines[0].Survival(0, 1e9)), stats.ErrUnreached)
	require.ErrorIs(t, second(baselines[0].Hazard(math.NaN(), 1)), tensor.ErrNotFinite)
	require.ErrorIs(t, second(baselines[0].Hazard(0, -1)), tensor.ErrRange)
	require.ErrorIs(t, second(model.Survival(3, x.Row(0), 1)), tensor.ErrRange)
	require.ErrorIs(t, second(model.Score([]float64{1})), tensor.ErrShape)
	require.ErrorIs(t, second(model.Score([]float64{1, math.NaN()})), tensor.ErrNotFinite)
	require.ErrorIs(t, second(FitBaseline(times, score[:3])), tensor.ErrShape)
	flat, err := FitBaseline(times, make([]float64, len(times)))
	require.NoError(t, err)
	aalen, err := stats.NelsonAalen(times)
	require.NoError(t, err)
	for i, s := range flat[0].Steps {
		require.InDelta(t, aalen[i].H, s.H, 1e-12, "a score of 0 for all is no model")
	}
}

func TestReportsReadBack(t *testing.T) {
	times, x := cohort(60, 2, true)
	m, err := FitCox(times, x, WithNames("age", "dose"))
	require.NoError(t, err)
	s, err := m.Summary(stats.WithLevel(0.9))
	require.NoError(t, err)
	roundTrip(t, s)
	roundTrip(t, m.Model())
	r, err := m.Proportional(math.Sqrt)
	require.NoError(t, err)
	roundTrip(t, r)
	c, err := Concord(times, x.Data[:60])
	require.NoError(t, err)
	roundTrip(t, c)
	require.ErrorIs(t, second(m.Proportional(func(float64) float64 { return 1 })), ErrSingular)
	require.ErrorIs(t, second(m.Proportional(func(float64) float64 { return math.NaN() })), tensor.ErrNotFinite)
	require.Equal(t, 0.9, s.Coefficients[0].HazardRatio.Level)
	require.ErrorIs(t, second(m.Summary(nil)), tensor.ErrEmpty)
	few, err := FitCox(times[:12], tensor.Of(12, 2, x.Data[:24]))
	require.NoError(t, err)
	s, err = few.Summary()
	require.NoError(t, err)
	require.Len(t, s.Warnings, 1)
	roundTrip(t, s)
}

// All events at one time: there is a model by Efron's rule, and no pair in order.
func TestSummaryWithoutPairs(t *testing.T) {
	m, err := FitCox(lifetimes(t, []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}), column(1, 3, 2, 5), WithRidge(1))
	require.NoError(t, err)
	s, err := m.Summary()
	require.NoError(t, err)
	require.Nil(t, s.Concordance)
	require.Contains(t, s.Warnings, "no concordance: no two lifetimes can be compared")
	require.NotContains(t, s.String(), "concordance 0")
	roundTrip(t, s)
}

func roundTrip[T any](t *testing.T, v T) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var again T
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, v, again)
}

func FuzzModel(f *testing.F) {
	times, x := cohort(20, 2, true)
	m, err := FitCox(times, x)
	require.NoError(f, err)
	b, err := json.Marshal(m.Model())
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"version":1,"names":["a"],"coef":[1,2],"mean":[0]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Model
		if json.Unmarshal(b, &m) != nil {
			require.Equal(t, Model{}, m)
			return
		}
		score, err := m.Score(make([]float64, len(m.Coef)))
		if err != nil || score-score != 0 {
			return
		}
		for _, k := range m.Baselines {
			last := 1.0
			for _, s := range k.Steps {
				p, err := k.Survival(0, s.Time)
				require.NoError(t, err)
				require.LessOrEqual(t, p, last)
				last = p
			}
		}
	})
}
