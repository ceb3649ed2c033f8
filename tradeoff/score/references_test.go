package score

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// The worked example of MLPerf's training policies, whose text trims before it takes the deviation: at most 3.53 %
// faster at batch size 128, 4.12 % at 256, and 3.68 % between them.
func TestReferencesOfThePolicy(t *testing.T) {
	r, err := NewReferences([]ReferencePoint{
		{"bs256", 256, []float64{20, 21, 21, 20, 22, 22, 21, 21, 20, 20}},
		{"bs128", 128, []float64{16, 14, 16, 17, 16, 16, 15, 16, 15, 16}},
	}, 5, WithTrimmedDeviation())
	require.NoError(t, err)
	require.Equal(t, r.Points(), r.Pruned())
	for i, want := range []ConvergenceBound{
		{"bs128", 128, 15.75, math.Sqrt(0.1875), 15.212621138196578, false},
		{"bs256", 256, 20.75, math.Sqrt(0.4375), 19.929140229638868, false},
	} {
		got := r.Points()[i]
		require.Equal(t, [2]any{want.Name, want.BatchSize}, [2]any{got.Name, got.BatchSize})
		golden.Same(t, want.Mean, got.Mean, 1e-15, "mean")
		golden.Same(t, want.SD, got.SD, 1e-14, "deviation")
		golden.Same(t, want.Min, got.Min, tQuantiles, "least mean")
	}
	golden.Same(t, 1.035324541176809, r.Points()[0].MaxSpeedup(), tQuantiles, "speedup at 128")
	golden.Same(t, 1.0411889203900697, r.Points()[1].MaxSpeedup(), tQuantiles, "speedup at 256")
	between, err := r.At(192)
	require.NoError(t, err)
	require.True(t, between.Interpolated)
	require.Empty(t, between.Name)
	require.Equal(t, 18.25, between.Mean)
	golden.Same(t, 0.547, between.SD, 5e-4, "deviation between")
	golden.Same(t, 1.0367, between.MaxSpeedup(), 5e-5, "speedup between")
	for _, k := range []struct {
		batch  int
		epochs []float64
		pass   bool
		scale  float64
	}{
		{128, []float64{15, 15, 15, 16, 16}, true, 15.75 * 3 / 46},
		{256, []float64{19, 19, 19, 20, 21}, false, 20.75 * 3 / 58},
		{256, []float64{21, 21, 21, 21, 21}, true, 1},
		{256, []float64{21, 21, 21, 21, inf}, true, 1},
		{256, []float64{21, 21, 21, inf, inf}, false, 1},
		{64, []float64{16, 16, 16, 16, 16}, true, 1}, // slower although the batch is smaller
	} {
		got, err := r.Review(k.batch, k.epochs)
		require.NoError(t, err)
		require.Equal(t, k.pass, got.Pass, "%v", k)
		golden.Same(t, k.scale, got.Scale, 1e-15, "scale of %v", k)
	}
	_, err = r.Review(64, []float64{9, 9, 9, 9, 9})
	require.ErrorIs(t, err, tradeoff.ErrNoOverlap)
	_, err = r.Review(512, []float64{30, 30, 30, 30, 30})
	require.ErrorIs(t, err, tradeoff.ErrNoOverlap)
	require.ErrorContains(t, err, "128 to 256")
}

// Reference points of MLPerf and what its checker makes of them.
func TestPublishedReferences(t *testing.T) {
	const file = "../../shared/data/mlperf_rcp/mlperf.json"
	if _, err := os.Stat(file); err != nil {
		t.Skip("the published reference points are not here")
	}
	var g struct {
		RCP map[string]struct {
			Runs    int `json:"submission_runs"`
			Trim    int
			Records []struct {
				Record string
				Batch  int `json:"batch_size"`
				Epochs []float64
				Mean   float64 `json:"rcp_mean"`
				SD     float64 `json:"rcp_stdev_full_ddof0"`
				Search float64 `json:"min_epochs_binary_search"`
				Min    float64 `json:"min_epochs_closed_form"`
			}
			Pruned []string
		}
		Olympic []struct {
			Runs []golden.Number
			Mean golden.Number `json:"olympic_mean"`
		}
	}
	golden.JSON(t, file, &g)
	require.NotEmpty(t, g.RCP)
	require.NotEmpty(t, g.Olympic)
	for name, k := range g.RCP {
		var points []ReferencePoint
		for _, p := range k.Records {
			points = append(points, ReferencePoint{p.Record, p.Batch, p.Epochs})
		}
		r, err := NewReferences(points, k.Runs, WithTrim(k.Trim))
		require.NoError(t, err)
		for i, p := range r.Points() {
			want := k.Records[i]
			require.Equal(t, want.Record, p.Name)
			golden.Same(t, want.Mean, p.Mean, 1e-12, "%s mean of %s", name, p.Name)
			golden.Same(t, want.SD, p.SD, 1e-12, "%s deviation of %s", name, p.Name)
			golden.Same(t, want.Min, p.Min, tQuantiles, "%s least mean of %s", name, p.Name)
			require.InDelta(t, want.Search, p.Min, 1e-4)
		}
		var kept []string
		for _, p := range r.Pruned() {
			kept = append(kept, p.Name)
		}
		require.Equal(t, k.Pruned, kept, name)
	}
	for _, k := range g.Olympic {
		got, err := OlympicMean(golden.Floats(k.Runs), 1)
		require.NoError(t, err)
		golden.Same(t, float64(k.Mean), got, 1e-12, "olympic mean of %v", k.Runs)
	}
}

// A point is pruned that lies above the line between its neighbours, and those of smaller batches than the fastest.
func TestReferencesPrune(t *testing.T) {
	at := func(batch int, epochs float64) ReferencePoint {
		return ReferencePoint{"", batch, []float64{epochs, epochs, epochs}}
	}
	r, err := NewReferences([]ReferencePoint{at(10, 9), at(20, 8), at(30, 12), at(40, 9), at(50, 11.5), at(60, 14)}, 5)
	require.NoError(t, err)
	var batches []int
	for _, p := range r.Pruned() {
		batches = append(batches, p.BatchSize)
		require.Equal(t, p.Mean, p.Min, "no spread")
		require.Equal(t, 1.0, p.MaxSpeedup())
	}
	require.Equal(t, []int{20, 40, 50, 60}, batches) // 50 lies on the line
	require.Len(t, r.Points(), 6)
	p, err := r.At(30)
	require.NoError(t, err)
	require.True(t, p.Interpolated)
	require.Equal(t, 8.5, p.Mean)
	// The bound of runs that spread widely is not below 0.
	r, err = NewReferences([]ReferencePoint{{"", 1, []float64{1e-9, 1, 2, 1e9}}}, 3)
	require.NoError(t, err)
	require.Zero(t, r.Points()[0].Min)
	require.True(t, math.IsInf(r.Points()[0].MaxSpeedup(), 1))
}

func TestMLPerfRefuses(t *testing.T) {
	one := []ReferencePoint{{"a", 8, []float64{3, 4, 5}}}
	good, err := NewReferences(one, 5)
	require.NoError(t, err)
	check := func(batch int, epochs ...float64) error { _, err := good.Review(batch, epochs); return err }
	refs := func(points []ReferencePoint, runs int, opts ...ReferenceOption) error {
		_, err := NewReferences(points, runs, opts...)
		return err
	}
	olympic := func(drop int, x ...float64) error { _, err := OlympicMean(x, drop); return err }
	use := func(flops, peak, s float64) error { _, err := tradeoff.Utilization(flops, peak, s); return err }
	for name, k := range map[string]struct {
		err  error
		says string
		is   error
	}{
		"olympic: too few":    {olympic(1, 2, 3), "results has 2 values", tensor.ErrEmpty},
		"olympic: none":       {olympic(0), "results has 0 values", tensor.ErrEmpty},
		"olympic: negative":   {olympic(-1, 2), "trim is -1", tensor.ErrRange},
		"olympic: NaN":        {olympic(0, 2, math.NaN()), "results[1] = NaN", tensor.ErrNotFinite},
		"references: none":    {refs(nil, 5), "no points", tensor.ErrEmpty},
		"references: runs":    {refs(one, 2), "submissions of 2 runs, want at least 3", tensor.ErrRange},
		"references: trim":    {refs(one, 4, WithTrim(2)), "submissions of 4 runs, want at least 5", tensor.ErrRange},
		"references: few":     {refs(one, 9, WithTrim(2)), `points[0] ("a") has 3 values`, tensor.ErrEmpty},
		"references: freedom": {refs(one, 3), "too few for a test", tradeoff.ErrTooFewRuns},
		"references: option":  {refs(one, 5, WithTrim(-1)), "WithTrim(-1)", tensor.ErrRange},
		"references: batch": {refs([]ReferencePoint{{"a", 0, []float64{1, 2, 3}}}, 5), `points[0] ("a") has batch size 0`,
			tradeoff.ErrNonPositive},
		"references: epochs": {refs([]ReferencePoint{{"a", 8, []float64{1, 0, 3}}}, 5), "run 1 took 0 epochs",
			tensor.ErrRange},
		"references: infinite": {refs([]ReferencePoint{{"a", 8, []float64{1, inf, 3}}}, 5), "run 1 took +Inf epochs",
			tensor.ErrRange},
		"references: twice": {refs(append(one, ReferencePoint{"b", 8, []float64{1, 2, 3}}), 5),
			`"a" and "b" both have batch size 8`, tensor.ErrConflict},
		"check: runs":           {check(8, 1, 2, 3), "3 runs, want 5", tensor.ErrShape},
		"check: batch":          {check(0, 1, 2, 3, 4, 5), "batch size 0", tradeoff.ErrNonPositive},
		"check: epochs":         {check(8, 1, -2, 3, 4, 5), "epochs[1] = -2", tradeoff.ErrNonPositive},
		"check: NaN":            {check(8, 1, math.NaN(), 3, 4, 5), "epochs[1] = NaN", tensor.ErrNotFinite},
		"utilization: zero":     {use(0, 1, 1), "flops is 0", tensor.ErrRange},
		"utilization: negative": {use(1, -1, 1), "peakPerSecond is -1", tensor.ErrRange},
		"utilization: infinite": {use(1, 1, inf), "seconds is +Inf", tensor.ErrRange},
		"utilization: above 1":  {use(3, 1, 2), "above the peak", tensor.ErrRange},
	} {
		require.ErrorContains(t, k.err, k.says, name)
		require.ErrorIs(t, k.err, k.is, name)
	}
	_, err = References{}.Review(1, []float64{1})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = References{}.At(1)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	u, err := tradeoff.Utilization(6e12, 1e12, 12)
	require.NoError(t, err)
	require.Equal(t, 0.5, u)
}

// The quantiles of t that the reference used are off by some 1e-11, so what depends on them has this tolerance.
const tQuantiles = 1e-10
