package ecg

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func TestGoldenFilters(t *testing.T) {
	var want map[string][][]float64
	golden.JSON(t, "testdata/butter.json.gz", &want)
	require.Len(t, want, 5)
	for rate, sections := range want {
		fs, err := strconv.ParseFloat(rate, 64)
		require.NoError(t, err)
		for i, s := range bandPass(5, 15, fs) {
			golden.Close(t, rate, []float64{s.b0, s.b1, s.b2, 1, s.a1, s.a2}, sections[i], 1e-12, 1e-15)
		}
	}
}

// goldenSeries is the intervals of the golden file, at 360 Hz; an ectopic beat takes both intervals at it.
func goldenSeries(rr []float64, nn []bool) Series {
	s := Series{Rate: 360, Beats: []Beat{{0, true, false}}}
	at := 0
	for i, v := range rr {
		at += int(math.Round(v * 0.36))
		ectopic := i+1 < len(nn) && !nn[i] && !nn[i+1] && (i == 0 || nn[i-1] || s.Beats[len(s.Beats)-1].Normal)
		s.Beats = append(s.Beats, Beat{at, !ectopic, false})
	}
	return s
}

func TestGoldenVariability(t *testing.T) {
	var g struct {
		RR  []float64 `json:"rr_ms"`
		NN  []bool
		HRV struct {
			MeanNN float64 `json:"mean_nn"`
			SDNN, RMSSD, SDSD,
			PNN50, PNN20, SD1 float64
			N           int `json:"n_nn"`
			Differences int `json:"n_diff"`
		}
		DC struct {
			DC, AC float64
			N      int `json:"n_anchors"`
			NAC    int `json:"n_anchors_ac"`
		}
		HRTRR    []float64 `json:"hrt_rr"`
		HRTIndex int       `json:"hrt_index"`
		HRT      struct {
			Onset float64 `json:"to_percent"`
			Slope float64 `json:"ts_ms_per_rr"`
		}
		DTW struct {
			Beats    [][]float64
			Adjacent []float64
		}
	}
	golden.JSON(t, "testdata/hrv.json.gz", &g)
	s := goldenSeries(g.RR, g.NN)
	h, err := s.HRV()
	require.NoError(t, err)
	golden.Close(t, "hrv", []float64{h.Mean, h.SDNN, h.RMSSD, h.SDSD, h.PNN20, h.SD1},
		[]float64{g.HRV.MeanNN, g.HRV.SDNN, g.HRV.RMSSD, g.HRV.SDSD, g.HRV.PNN20, g.HRV.SD1}, 1e-10, 0)
	// The reference compares milliseconds: four of the differences that it counts are of 18 samples, which are 50 ms
	// exactly and not more.
	exactly50 := 0
	for i := 2; i < len(s.Beats); i++ {
		a, before := s.interval(i - 1)
		b, now := s.interval(i)
		if before && now && (b-a == 18 || a-b == 18) && math.Abs(g.RR[i-1]-g.RR[i-2]) > 50 {
			exactly50++
		}
	}
	require.Equal(t, 4, exactly50)
	golden.Same(t, g.HRV.PNN50, h.PNN50+100*float64(exactly50)/float64(h.Differences), 1e-10, "pNN50")
	require.Equal(t, []int{g.HRV.N, g.HRV.Differences}, []int{h.Intervals, h.Differences})
	c, err := s.Capacity()
	require.NoError(t, err)
	require.Equal(t, []int{g.DC.N, g.DC.NAC}, []int{c.Decelerations, c.Accelerations})
	golden.Close(t, "capacity", []float64{c.Deceleration, c.Acceleration}, []float64{g.DC.DC, g.DC.AC}, 1e-10, 0)

	turbulent := Series{Rate: 1000, Beats: []Beat{{0, true, false}}}
	at := 0.0
	for i, rr := range g.HRTRR {
		at += rr
		turbulent.Beats = append(turbulent.Beats, Beat{int(at), i != g.HRTIndex, false})
	}
	answer, err := turbulent.Turbulence()
	require.NoError(t, err)
	golden.Close(t, "turbulence", []float64{answer.Onset, answer.Slope}, []float64{g.HRT.Onset, g.HRT.Slope}, 1e-10, 0)
	require.Equal(t, 1, answer.Beats)

	for i, want := range g.DTW.Adjacent {
		d, err := WarpDistance(g.DTW.Beats[i], g.DTW.Beats[i+1])
		require.NoError(t, err)
		golden.Same(t, want, d, 1e-10, "beats %d", i)
	}
}

// series is beats at intervals of milliseconds; a negative one has a gap before its beat.
func series(intervals ...int) Series {
	s := Series{Rate: 1000, Beats: []Beat{{0, true, false}}}
	at := 0
	for _, v := range intervals {
		at += max(v, -v)
		s.Beats = append(s.Beats, Beat{at, true, v < 0})
	}
	return s
}

// Nothing is joined across a gap or an ectopic beat.
func TestVariabilityWithGaps(t *testing.T) {
	h, err := series(800, 810, 790, -5000, 810, 790, 830).HRV()
	require.NoError(t, err)
	require.InDelta(t, 805, h.Mean, 1e-12)
	require.InDelta(t, 15.165751, h.SDNN, 1e-6)
	require.InDelta(t, 25.0, h.RMSSD, 1e-12)
	require.Equal(t, []int{6, 4}, []int{h.Intervals, h.Differences})

	s := Series{Rate: 1000}
	for i, at := range []int{0, 800, 1600, 2000, 3200, 4000, 4820} {
		s.Beats = append(s.Beats, Beat{at, i != 3, false})
	}
	h, err = s.HRV()
	require.NoError(t, err)
	require.Equal(t, []int{4, 2}, []int{h.Intervals, h.Differences})
	require.InDelta(t, 14.142136, h.RMSSD, 1e-6)

	// Differences of exactly 50 ms are not more than 50 ms.
	s = Series{Rate: 360}
	for _, at := range []int{8, 296, 602, 890, 1196} {
		s.Beats = append(s.Beats, Beat{at, true, false})
	}
	h, err = s.HRV()
	require.NoError(t, err)
	require.Zero(t, h.PNN50)
	require.Equal(t, 100.0, h.PNN20)

	for name, s := range map[string]Series{"none": {Rate: 1}, "one difference": series(800, 810), "gaps": series(800,
		-810, -790, -800)} {
		_, err = s.HRV()
		require.ErrorIs(t, err, ErrTooFewBeats, name)
		_, err = s.Capacity()
		require.ErrorIs(t, err, ErrTooFewBeats, name)
		_, err = s.Turbulence()
		require.ErrorIs(t, err, ErrTooFewBeats, name)
		_, err = s.Spectrum()
		require.ErrorIs(t, err, ErrTooFewBeats, name)
	}
	for name, s := range map[string]Series{"rate": {Beats: make([]Beat, 1)}, "order": {Rate: 1, Beats: make([]Beat,
		2)}} {
		_, err = s.HRV()
		require.ErrorIs(t, err, tensor.ErrRange, name)
	}
}

// Joining over a gap in the middle of a premature beat's answer would make up a turbulence.
func TestTurbulenceConditions(t *testing.T) {
	normal := func(n, ms int) (all []int) {
		for range n {
			all = append(all, ms)
		}
		return all
	}
	build := func(early, pause int, gap int) Series {
		intervals := append(append(normal(6, 800), early, pause), normal(20, 790)...)
		s := series(intervals...)
		s.Beats[7].Normal = false
		if gap > 0 {
			s.Beats[gap].Gap = true
		}
		return s
	}
	r, err := build(500, 1100, 0).Turbulence()
	require.NoError(t, err)
	require.InDelta(t, -1.25, r.Onset, 1e-12)
	require.InDelta(t, 0, r.Slope, 1e-12)
	for name, s := range map[string]Series{
		"not early": build(700, 1100, 0), "no pause": build(500, 900, 0), "gap before": build(500, 1100, 4),
		"gap at": build(500, 1100, 7), "gap in the pause": build(500, 1100, 8), "gap after": build(500, 1100, 20),
	} {
		require.ErrorIs(t, second(s.Turbulence()), ErrTooFewBeats, name)
	}
	require.NoError(t, second(build(500, 1100, 25).Turbulence()), "beyond the fifteen")
}

// A wave of 40 ms at 0.1 Hz has a variance of 800 ms^2, all of it in one band.
func TestSpectrumOfAWave(t *testing.T) {
	wave := func(rate, hz, seconds float64) Series {
		s := Series{Rate: rate}
		for at := 0.0; at < seconds; {
			s.Beats = append(s.Beats, Beat{int(math.Round(at * rate)), true, false})
			at += 0.8 + 0.04*math.Sin(2*math.Pi*hz*at)
		}
		return s
	}
	power := func(s Series, opts ...SpectrumOption) (vlf, lf, hf float64) {
		r, err := s.Spectrum(opts...)
		require.NoError(t, err)
		require.Equal(t, []string{"VLF", "LF", "HF"}, []string{r.Bands[0].Name, r.Bands[1].Name, r.Bands[2].Name})
		return r.Bands[0].Power, r.Bands[1].Power, r.Bands[2].Power
	}
	long := wave(1e6, 0.1, 310)
	vlf, lf, hf := power(long)
	require.InDelta(t, 800, lf, 16)
	require.Less(t, hf, 1.0)
	require.Less(t, vlf, 1.0)
	_, lf, hf = power(wave(1e6, 0.25, 310))
	require.InDelta(t, 800, hf, 40, "0.25 Hz is near the rate of the beats")
	require.Less(t, lf, 1.0)

	// Ectopic beats are bridged; a gap ends a window.
	holes := long
	holes.Beats = append([]Beat(nil), long.Beats...)
	for _, i := range []int{50, 150, 250} {
		holes.Beats[i].Normal = false
	}
	_, lf, _ = power(holes)
	require.InDelta(t, 800, lf, 24)
	holes.Beats[200].Gap = true
	require.ErrorIs(t, second(holes.Spectrum()), ErrTooFewBeats)
	_, lf, _ = power(holes, WithSpectrumWindow(100))
	require.InDelta(t, 800, lf, 40)
	r, err := long.Spectrum(WithBands(Band{"all", 0, 2}))
	require.NoError(t, err)
	require.InDelta(t, 800, r.Bands[0].Power, 16)
	for _, o := range []SpectrumOption{WithBands(), WithBands(Band{"", 1, 1}), WithBands(Band{"", 0, 3}),
		WithSpectrumWindow(1), nil} {
		require.Error(t, second(long.Spectrum(o)))
	}
}

func TestSeriesFromPeaksAndAnnotations(t *testing.T) {
	bad := []Quality{{From: 0, To: 100}, {From: 100, To: 200, Verdict: Noisy}, {From: 200, To: 300},
		{From: 300, To: 400, Verdict: Missing}}
	s, err := SeriesOf([]int{10, 90, 110, 210, 250, 290, 460, 900}, 100, bad, 2)
	require.NoError(t, err)
	var gaps []bool
	for _, b := range s.Beats {
		require.True(t, b.Normal)
		gaps = append(gaps, b.Gap)
	}
	require.Equal(t, []bool{false, false, true, true, false, false, true, true}, gaps)
	for _, err := range []error{second(SeriesOf([]int{3, 3}, 100, nil, 2)), second(SeriesOf(nil, 0, nil, 2)),
		second(SeriesOf(nil, 100, nil, 0)), second(SeriesOf([]int{-1}, 100, nil, 1))} {
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	s, err = SeriesOfAnnotations(Annotations{Items: []Annotation{{Sample: 5, Code: Rhythm}, {Sample: 10,
		Code: NormalBeat},
		{Sample: 100, Code: VentricularBeat}, {Sample: 150, Code: 14}, {Sample: 200, Code: NormalBeat}, {Sample: 300,
			Code: 2}}}, 100)
	require.NoError(t, err)
	require.Equal(t, []Beat{{10, true, false}, {100, false, false}, {200, true, true}, {300, true, false}}, s.Beats)
	require.Equal(t, []Beat{{200, true, false}}, s.Between(150, 300).Beats)
	require.ErrorIs(t, second(SeriesOfAnnotations(Annotations{}, 0)), tensor.ErrRange)

	early := series(800, 800, 800, 800, 500, 1100, 800, 800, 800, 800, -300, 800)
	marked, err := early.MarkEctopic(0.2)
	require.NoError(t, err)
	for i, b := range marked.Beats {
		require.Equal(t, i != 5, b.Normal, "beat %d", i)
	}
	require.True(t, early.Beats[5].Normal, "a copy")
	require.ErrorIs(t, second(early.MarkEctopic(1)), tensor.ErrRange)
}

func TestSegmentBeats(t *testing.T) {
	x := make([]float64, 100)
	for i := range x {
		x[i] = float64(i)
	}
	x[52] = math.NaN()
	b, err := SegmentBeats(x, []int{3, 10, 20, 30, 50, 70, 80, 96}, 4, 6)
	require.NoError(t, err)
	require.Equal(t, []int{10, 20, 30, 70, 80}, b.Peaks)
	require.Equal(t, []int{1, 2, 3, 5, 6}, b.Index)
	require.Equal(t, []float64{6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, b.X.Row(0))
	pairs, first, err := b.Instances(2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 3}, first, "beats 3 and 5 do not follow each other")
	require.Equal(t, 20, pairs.Cols)
	require.Equal(t, []float64{6, 16, 17}, []float64{pairs.Row(0)[0], pairs.Row(0)[10], pairs.Row(0)[11]})
	three, _, err := b.Instances(3)
	require.NoError(t, err)
	require.Equal(t, 1, three.Rows)
	all, first, err := b.Instances(1)
	require.NoError(t, err)
	require.Equal(t, b.X.Data, all.Data)
	require.Len(t, first, 5)
	a, err := b.Amplitude()
	require.NoError(t, err)
	require.Equal(t, 4.5, a)
	none, err := SegmentBeats(x[:5], []int{2}, 4, 6)
	require.NoError(t, err)
	require.Zero(t, none.X.Rows)
	require.ErrorIs(t, second(none.Amplitude()), ErrTooFewBeats)
	for _, err := range []error{second(SegmentBeats(x, []int{5, 5}, 1, 1)), second(SegmentBeats(x, []int{100}, 1, 1)),
		second(SegmentBeats(x, nil, -1, 1)), second(SegmentBeats(x, nil, 0, 0))} {
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	_, _, err = b.Instances(0)
	require.ErrorIs(t, err, tensor.ErrRange)
}

func TestDetectorOnOddLeads(t *testing.T) {
	flat := make([]float64, 5000)
	got, err := DetectQRS(flat, 250)
	require.NoError(t, err)
	require.Empty(t, got)
	for i := range flat {
		flat[i] = 3.3
	}
	got, err = DetectQRS(flat, 250)
	require.NoError(t, err)
	require.Empty(t, got)
	for n := range 12 {
		require.NoError(t, second(DetectQRS(make([]float32, n+1), 31)))
	}
	for _, rate := range []float64{30, 0, -1, math.NaN(), math.Inf(1)} {
		require.ErrorIs(t, second(DetectQRS(flat, rate)), tensor.ErrRange)
	}
	require.ErrorIs(t, second(DetectQRS([]float64{}, 100)), tensor.ErrEmpty)
	require.ErrorIs(t, second(DetectQRS([]float64{math.NaN(), math.NaN()}, 100)), tensor.ErrEmpty)
	flat[7] = math.Inf(-1)
	require.ErrorIs(t, second(DetectQRS(flat, 100)), tensor.ErrNotFinite)
}

func TestRemoveBaseline(t *testing.T) {
	x := make([]float64, 20_000)
	for i := range x {
		at := float64(i) / 250
		x[i] = 5 + 2*math.Sin(2*math.Pi*0.05*at) + 0.1*math.Sin(2*math.Pi*8*at)
	}
	x[9000] = math.NaN()
	y := make([]float64, len(x))
	require.NoError(t, RemoveBaseline(y, x, 250))
	require.True(t, math.IsNaN(y[9000]))
	for i := 2500; i < 17_500; i++ {
		if i != 9000 {
			require.InDelta(t, 0.1*math.Sin(2*math.Pi*8*float64(i)/250), y[i], 0.005, "sample %d", i)
		}
	}
	constant := []float32{7, 7, 7, 7, 7}
	require.NoError(t, RemoveBaseline(constant, constant, 100))
	for _, v := range constant {
		require.InDelta(t, 0, v, 1e-5)
	}
	require.ErrorIs(t, RemoveBaseline(y[:3], x, 250), tensor.ErrShape)
	require.ErrorIs(t, RemoveBaseline(y, x, 1), tensor.ErrRange)
	require.NoError(t, RemoveBaseline([]float64{}, nil, 100))
}

func TestQualityOfWindows(t *testing.T) {
	rng := tensor.Stream(6)
	const rate = 100
	x := make([]float64, 8*10*rate)
	for i := range x {
		x[i] = 0.02 * rng.NormFloat64()
		if i%80 < 4 {
			x[i] += 1
		}
	}
	for i := 1000; i < 2000; i++ {
		x[i] = rng.NormFloat64()
	}
	for i := 2000; i < 2700; i++ {
		x[i] = 0.5
	}
	x[3500] = math.NaN()
	x[4500] = 40
	windows, err := Assess(x, rate)
	require.NoError(t, err)
	var got []Verdict
	for _, w := range windows {
		got = append(got, w.Verdict)
		require.Equal(t, w.Verdict == Usable, w.Good())
	}
	require.Equal(t, []Verdict{Usable, Noisy, Flat, Missing, Wild, Usable, Usable, Usable}, got)
	require.InDelta(t, 0.7, windows[2].Flat, 1e-12)
	require.InDelta(t, 0.999, windows[3].Valid, 1e-12)
	windows, err = Assess(x[:2500], rate, WithWindow(20), WithThresholds(0.1, 1, 100, 0))
	require.NoError(t, err)
	require.Len(t, windows, 1, "the rest goes with the last")
	require.Equal(t, []any{0, 2500, Usable}, []any{windows[0].From, windows[0].To, windows[0].Verdict})
	for _, err := range []error{second(Assess(x, 0)), second(Assess(x, 0.1)), second(Assess(x, rate,
		WithWindow(-1))),
		second(Assess(x, rate, WithThresholds(2, 0, 2, 1)))} {
		require.ErrorIs(t, err, tensor.ErrRange)
	}
	require.ErrorIs(t, second(Assess([]float64{}, rate)), tensor.ErrEmpty)
	x[9] = math.Inf(1)
	require.ErrorIs(t, second(Assess(x, rate)), tensor.ErrNotFinite)
	b, err := json.Marshal(Wild)
	require.NoError(t, err)
	var v Verdict
	require.NoError(t, json.Unmarshal(b, &v))
	require.Equal(t, Wild, v)
}

// The distance of beats is the smallest over all ways to pair them, which a search finds for short ones.
func TestWarpDistanceAgainstSearch(t *testing.T) {
	var search func(a, b []float64) float64
	search = func(a, b []float64) float64 {
		d := (a[0] - b[0]) * (a[0] - b[0])
		if len(a) == 1 && len(b) == 1 {
			return d
		}
		best := math.Inf(1)
		if len(a) > 1 {
			best = min(best, search(a[1:], b))
		}
		if len(b) > 1 {
			best = min(best, search(a, b[1:]))
		}
		if len(a) > 1 && len(b) > 1 {
			best = min(best, search(a[1:], b[1:]))
		}
		return d + best
	}
	rng := tensor.Stream(7)
	for range 100 {
		a, b := make([]float64, 1+rng.IntN(6)), make([]float64, 1+rng.IntN(6))
		for _, x := range [][]float64{a, b} {
			for i := range x {
				x[i] = rng.NormFloat64()
			}
		}
		d, err := WarpDistance(a, b)
		require.NoError(t, err)
		require.InDelta(t, search(a, b), d, 1e-12)
	}
	require.ErrorIs(t, second(WarpDistance(nil, []float64{1})), tensor.ErrEmpty)
	require.ErrorIs(t, second(WarpDistance([]float64{math.NaN()}, []float64{1})), tensor.ErrNotFinite)
}

// Reports are the same after they were written and read, numbers that there are not among them.
func TestReportsReadBack(t *testing.T) {
	h, err := series(800, 810, 790, 800, 820).HRV()
	require.NoError(t, err)
	roundTrip(t, h, true)
	roundTrip(t, Capacity{1.5, -2, 3, 4}, true)
	roundTrip(t, Turbulence{-1, 2, 3}, true)
	roundTrip(t, Spectrum{[]BandPower{{Band{"LF", 0.04, 0.15}, 12}}, 2}, true)
	roundTrip(t, Quality{1, 2, Wild, 0.5, 0.25, 3, 4}, true)
	roundTrip(t, Subject{71, Female}, true)
	roundTrip(t, Quality{1, 2, Flat, 1, 1, 0, math.NaN()}, false)
	roundTrip(t, Subject{math.NaN(), SexUnknown}, false)
}

// roundTrip compares values, or else what is written of them: a NaN equals nothing.
func roundTrip[T any](t *testing.T, v T, values bool) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	require.Regexp(t, "^[^A-Z]*$", strings.NewReplacer("LF", "").Replace(string(b)), "keys are small")
	var again T
	require.NoError(t, json.Unmarshal(b, &again))
	if values {
		require.Equal(t, v, again)
	}
	c, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(b), string(c))
}
