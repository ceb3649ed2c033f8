package tradeoff

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func TestGoldenRunTimes(t *testing.T) {
	var g struct {
		Cases []struct {
			Name     string
			ATime    []float64     `json:"a_time"`
			AReached []int         `json:"a_reached"`
			AERT     golden.Number `json:"a_ert"`
			ACap     golden.Number `json:"a_par10_cap"`
			APAR10   golden.Number `json:"a_par10"`
			BTime    []float64     `json:"b_time"`
			BReached []int         `json:"b_reached"`
			BERT     golden.Number `json:"b_ert"`
			BCap     golden.Number `json:"b_par10_cap"`
			BPAR10   golden.Number `json:"b_par10"`
		}
	}
	golden.JSON(t, "testdata/timetotarget_survival.json.gz", &g)
	require.NotEmpty(t, g.Cases)
	check := func(name string, cost []float64, reached []int, ert, limit, par10 golden.Number) {
		times := make([]stats.Lifetime, len(cost))
		for i, c := range cost {
			times[i] = stats.Lifetime{Time: c, Event: reached[i] == 1}
		}
		got, err := ExpectedRunTime(times)
		if math.IsInf(float64(ert), 1) {
			require.ErrorIs(t, err, ErrNotReached, name)
		} else {
			require.NoError(t, err, name)
			golden.Same(t, float64(ert), got, 1e-8, "%s ERT", name)
		}
		got, err = PAR10(times, float64(limit))
		require.NoError(t, err, name)
		golden.Same(t, float64(par10), got, 1e-8, "%s PAR10", name)
	}
	for _, k := range g.Cases {
		check(k.Name+" a", k.ATime, k.AReached, k.AERT, k.ACap, k.APAR10)
		check(k.Name+" b", k.BTime, k.BReached, k.BERT, k.BCap, k.BPAR10)
	}
}

// Without censored runs both are the mean.
func TestRunTimesWithoutCensoring(t *testing.T) {
	times := reachedAt(3, 5, 10)
	ert, err := ExpectedRunTime(times)
	require.NoError(t, err)
	require.InDelta(t, 6, ert, 1e-12)
	par, err := PAR10(times, 100)
	require.NoError(t, err)
	require.InDelta(t, 6, par, 1e-12)
	par, err = PAR10([]stats.Lifetime{{Time: 1, Event: true}, {Time: 60}}, 60)
	require.NoError(t, err)
	require.InDelta(t, (1+10*60.0)/2, par, 1e-12)
}

func TestRunTimesRefuse(t *testing.T) {
	for name, k := range map[string]struct {
		times []stats.Lifetime
		want  error
	}{
		"none": {nil, tensor.ErrEmpty}, "NaN": {reachedAt(1, math.NaN()), tensor.ErrNotFinite}, "negative": {reachedAt(-1),
			tensor.ErrRange},
	} {
		for _, err := range []error{second(ExpectedRunTime(k.times)), second(PAR10(k.times, 1))} {
			require.ErrorIs(t, err, k.want, name)
		}
	}
	for _, limit := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		require.ErrorIs(t, second(PAR10(reachedAt(1), limit)), tensor.ErrRange)
	}
}
