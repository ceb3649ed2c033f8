package mil_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/allocs"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func booleans(x []float64) []bool {
	b := make([]bool, len(x))
	for i, v := range x {
		b[i] = v == 1
	}
	return b
}

func lifetimes(times, events []float64) []stats.Lifetime {
	all := make([]stats.Lifetime, len(times))
	for i, t := range times {
		all[i] = stats.Lifetime{Time: t, Event: events[i] == 1}
	}
	return all
}

func TestLossesAgainstTorch(t *testing.T) {
	for k, c := range readGolden(t, "losses") {
		t.Run(fmt.Sprint(k, " ", c.Op), func(t *testing.T) {
			var loss float64
			var err error
			var grad, want []float64
			switch c.Op {
			case "cox_ph":
				l := mil.CoxLoss[float64]{}
				require.NoError(t, l.Ties.UnmarshalText([]byte(map[string]string{"efron": "efron", "breslow": "breslow"}[c.Params["ties"].(string)])))
				eta := c.data(t, "eta")
				grad, want = make([]float64, len(eta)), c.data(t, "deta")
				loss, err = l.Eval(grad, eta, lifetimes(c.data(t, "time"), c.data(t, "event")))
			case "discrete_hazard_nll":
				censored := c.data(t, "censored")
				for i := range censored {
					censored[i] = 1 - censored[i]
				}
				x := c.matrix(t, "logits")
				g := tensor.NewMatrix[float64](x.Rows, x.Cols)
				h := mil.DiscreteHazard[float64]{Edges: []float64{1, 2, 3}, Censoring: c.number("alpha")}
				grad, want = g.Data, c.data(t, "dlogits")
				loss, err = h.Eval(g, x, lifetimes(c.data(t, "interval"), censored))
			default:
				logits, labels := c.data(t, "logits"), booleans(c.data(t, "labels"))
				grad, want = make([]float64, len(logits)), c.data(t, "dlogits")
				if c.Op == "focal" {
					loss, err = mil.Focal[float64]{Gamma: c.number("gamma"), Alpha: c.number("alpha")}.Eval(grad, logits, labels, nil)
					break
				}
				var weights []float64
				if c.Op == "bce_weighted" {
					weights = c.data(t, "weights")
				}
				loss, err = mil.BCE[float64]{PosWeight: c.number("pos_weight")}.Eval(grad, logits, labels, weights)
			}
			require.NoError(t, err)
			golden.Same(t, c.data(t, "loss")[0], loss, rtol, "loss")
			golden.Close(t, "gradient", grad, want, rtol, atol)
		})
	}
}

func TestLossesAreFiniteFarOut(t *testing.T) {
	logits, labels, grad := []float64{-1e4, 1e4, -1e4, 1e4}, []bool{true, true, false, false}, make([]float64, 4)
	loss, err := mil.BCE[float64]{}.Eval(grad, logits, labels, nil)
	require.NoError(t, err)
	require.Equal(t, 5000.0, loss)
	require.Equal(t, []float64{-0.25, 0, 0, 0.25}, grad)
	for _, gamma := range []float64{0, 0.5, 2} {
		_, err = mil.Focal[float64]{Gamma: gamma, Alpha: 0.25}.Eval(grad, logits, labels, nil)
		require.NoError(t, err)
		require.NoError(t, tensor.ValidateFinite("grad", grad))
	}
	loss, err = mil.BCE[float64]{}.EvalProbabilities(grad, []float64{0, 1, 0, 1}, labels, nil)
	require.NoError(t, err)
	require.InDelta(t, -math.Log(1e-6)/2, loss, 1e-5)
	require.InDeltaSlice(t, []float64{-2.5e5, -0.25, 0.25, 2.5e5}, grad, 1e-4)
	var cox mil.CoxLoss[float64]
	_, err = cox.Eval(grad, []float64{900, -900, 0, 3}, lifetimes([]float64{1, 2, 3, 4}, []float64{1, 1, 0, 1}))
	require.NoError(t, err)
	require.NoError(t, tensor.ValidateFinite("grad", grad))
}

func TestProbabilityLossIsThatOfLogits(t *testing.T) {
	logits, labels := []float64{0.3, -2, 1.5, 0}, []bool{true, false, false, true}
	p := make([]float64, 4)
	tensor.Sigmoid(p, logits)
	a, b := make([]float64, 4), make([]float64, 4)
	weights := []float64{1, 2, 0.5, 0}
	l := mil.BCE[float64]{PosWeight: 3}
	want, err := l.Eval(a, logits, labels, weights)
	require.NoError(t, err)
	got, err := l.EvalProbabilities(b, p, labels, weights)
	require.NoError(t, err)
	golden.Same(t, want, got, 1e-12, "loss")
	for i, v := range p {
		golden.Same(t, a[i], b[i]*v*(1-v), 1e-12, "gradient %d", i)
	}
}

func TestSurvivalLossesWantEvents(t *testing.T) {
	var cox mil.CoxLoss[float64]
	censored := lifetimes([]float64{1, 2}, []float64{0, 0})
	grad := []float64{7, 7}
	_, err := cox.Eval(grad, []float64{1, 2}, censored)
	require.ErrorIs(t, err, survival.ErrNoEvents, "a batch without events has no loss, and not one of 0")
	require.Equal(t, []float64{7, 7}, grad)
	_, err = cox.Eval(nil, []float64{1}, censored[:1])
	require.ErrorIs(t, err, survival.ErrNoEvents)
	loss, err := cox.Eval(grad[:1], []float64{3}, lifetimes([]float64{1}, []float64{1}))
	require.NoError(t, err)
	require.Zero(t, loss, "of one bag with its event there is nothing to rank")
	_, err = mil.NewDiscreteHazard[float64](censored, 4)
	require.ErrorIs(t, err, survival.ErrNoEvents)
	_, err = cox.Eval(nil, []float64{1, math.NaN()}, lifetimes([]float64{1, 2}, []float64{1, 0}))
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	_, err = cox.Eval(nil, []float64{1, 2}, lifetimes([]float64{1, -2}, []float64{1, 0}))
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = cox.Eval(nil, []float64{1, 2}, lifetimes([]float64{1}, []float64{1}))
	require.ErrorIs(t, err, tensor.ErrShape)
}

func TestCoxLossCountsNearlyEqualTimesAsOne(t *testing.T) {
	eta := []float64{0.3, -0.1, 0.5, 0.2, 0, -0.4}
	events := []float64{1, 1, 1, 1, 0, 1}
	a, b := make([]float64, 6), make([]float64, 6)
	tenth, fifth := 0.1, 0.2
	for _, ties := range []survival.Ties{survival.Efron, survival.Breslow} {
		l := mil.CoxLoss[float64]{Ties: ties}
		want, err := l.Eval(a, eta, lifetimes([]float64{0.3, 0.3, 0.5, 0.7, 0.9, 1.1}, events))
		require.NoError(t, err)
		got, err := l.Eval(b, eta, lifetimes([]float64{0.3, tenth + fifth, 0.5, 0.7, 0.9, 1.1}, events))
		require.NoError(t, err)
		require.Equal(t, want, got, ties)
		require.Equal(t, a, b, ties)
		far, err := l.Eval(b, eta, lifetimes([]float64{0.3, 0.3 + 1e-7, 0.5, 0.7, 0.9, 1.1}, events))
		require.NoError(t, err)
		require.NotEqual(t, want, far, ties)
	}
}

func TestGradientOfCoxLoss(t *testing.T) {
	rng := tensor.Stream(1)
	n := 40
	eta, times := make([]float64, n), make([]stats.Lifetime, n)
	for i := range eta {
		eta[i] = rng.NormFloat64()
		times[i] = stats.Lifetime{Time: float64(rng.IntN(12)), Event: rng.IntN(2) == 0}
	}
	grad := make([]float64, n)
	for _, ties := range []survival.Ties{survival.Efron, survival.Breslow} {
		l := mil.CoxLoss[float64]{Ties: ties}
		_, err := l.Eval(grad, eta, times)
		require.NoError(t, err)
		golden.Same(t, 0, tensor.Sum(grad), 1e-13, "only ratios of risks matter")
		for i, v := range eta {
			var at [2]float64
			for k, h := range []float64{-1e-5, 1e-5} {
				eta[i] = v + h
				at[k], err = l.Eval(nil, eta, times)
				require.NoError(t, err)
			}
			eta[i] = v
			golden.Same(t, (at[1]-at[0])/2e-5, grad[i], 1e-8, "%v, bag %d", ties, i)
		}
	}
	if race.Enabled {
		return
	}
	l := mil.CoxLoss[float64]{}
	require.Zero(t, allocs.PerCall(func() { _, _ = l.Eval(grad, eta, times) }))
}

func TestDiscreteHazards(t *testing.T) {
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	x := tensor.Of(1, 4, []float64{logit(0.1), logit(0.2), logit(0.3), logit(0.4)})
	h := mil.DiscreteHazard[float64]{Edges: []float64{1, 2, 3}}
	for event, want := range map[float64]float64{1: 1.714798, 0: 0.328504} {
		loss, err := h.Eval(tensor.Matrix[float64]{}, x, lifetimes([]float64{1.5}, []float64{event}))
		require.NoError(t, err)
		require.InDelta(t, want, loss, 1e-6)
	}
	s := tensor.NewMatrix[float64](1, 4)
	require.NoError(t, h.Survival(s, x))
	golden.Close(t, "survival", s.Data, []float64{0.9, 0.72, 0.504, 0.3024}, 1e-14, 0)
	for time, want := range map[float64]int{0: 0, 0.99: 0, 1: 1, 2.5: 2, 3: 3, 1e9: 3} {
		require.Equal(t, want, h.Interval(time), time)
	}
	many := lifetimes([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{1, 1, 1, 1, 0, 1, 1, 1, 1})
	cut, err := mil.NewDiscreteHazard[float64](many, 4)
	require.NoError(t, err)
	require.Len(t, cut.Edges, 3)
	few, err := mil.NewDiscreteHazard[float64](lifetimes([]float64{5, 5, 5, 9}, []float64{1, 1, 1, 0}), 4)
	require.NoError(t, err)
	require.Empty(t, few.Edges, "events at one time have one interval")
	_, err = h.Eval(tensor.Matrix[float64]{}, x.Slice(0, 1, 0, 3), many[:1])
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = mil.DiscreteHazard[float64]{Edges: []float64{2, 1}}.Eval(tensor.Matrix[float64]{}, x.Slice(0, 1, 0, 3), many[:1])
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.DiscreteHazard[float64]{Censoring: 1}.Eval(tensor.Matrix[float64]{}, x.Slice(0, 1, 0, 1), many[:1])
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestBadArgumentsOfLosses(t *testing.T) {
	l := mil.BCE[float64]{}
	grad := []float64{7, 7}
	for name, c := range map[string]struct {
		logits, weights []float64
		labels          []bool
		want            error
	}{
		"no bags":         {nil, nil, nil, tensor.ErrEmpty},
		"labels":          {[]float64{1, 2}, nil, []bool{true}, tensor.ErrShape},
		"NaN":             {[]float64{1, math.NaN()}, nil, []bool{true, false}, tensor.ErrNotFinite},
		"negative weight": {[]float64{1, 2}, []float64{1, -1}, []bool{true, false}, tensor.ErrRange},
		"no weight":       {[]float64{1, 2}, []float64{0, 0}, []bool{true, false}, tensor.ErrEmpty},
		"short weights":   {[]float64{1, 2}, []float64{1}, []bool{true, false}, tensor.ErrShape},
	} {
		_, err := l.Eval(grad, c.logits, c.labels, c.weights)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, []float64{7, 7}, grad, name)
	}
	_, err := mil.BCE[float64]{PosWeight: -1}.Eval(grad, grad, []bool{true, false}, nil)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.Focal[float64]{Alpha: 1}.Eval(grad, grad, []bool{true, false}, nil)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = l.EvalProbabilities(nil, grad, []bool{true, false}, nil)
	require.ErrorIs(t, err, tensor.ErrRange)
}
