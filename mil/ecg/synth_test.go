package ecg

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

func TestGoldenOscillator(t *testing.T) {
	var g struct {
		RR     []float64
		State  [][]float64
		Lead   []float64 `json:"ecg_mv"`
		Widths []float64 `json:"b_scaled"`
		Angles []float64 `json:"theta_scaled"`
		Every  int
	}
	golden.JSON(t, "testdata/ecgsyn.json.gz", &g)
	o := NewOscillator()
	for i, w := range o.scaled() {
		golden.Same(t, g.Widths[i], w.Width, 1e-15, "width %d", i)
		golden.Same(t, g.Angles[i], w.Angle, 1e-15, "angle %d", i)
	}
	at := 0
	o.integrate(g.RR, func(i int, s [3]float64) {
		if i%g.Every == 0 {
			golden.Close(t, fmt.Sprint("state ", i), s[:], g.State[at], 1e-9, 1e-9)
			at++
		}
	})
	require.Len(t, g.State, at)
	lead, err := o.Run(g.RR, g.Every)
	require.NoError(t, err)
	golden.Close(t, "lead", lead, g.Lead, 1e-9, 1e-9)
}

func TestGoldenGaussian(t *testing.T) {
	var g struct {
		Rate     float64   `json:"fs"`
		R        []float64 `json:"r_times"`
		Theta    []float64
		Alpha, B [][]float64
		Signal   []float64
	}
	golden.JSON(t, "testdata/gaussbeat.json.gz", &g)
	beats := make([]GaussianBeat, len(g.R))
	for i := range beats {
		beats[i].R = g.R[i]
		for k, angle := range g.Theta {
			beats[i].Waves = append(beats[i].Waves, Wave{angle, g.Alpha[i][k], g.B[i][k]})
		}
	}
	got := make([]float64, len(g.Signal))
	require.NoError(t, Gaussian(got, g.Rate, beats))
	golden.Close(t, "lead", got, g.Signal, 1e-9, 1e-12)
}

// Beats of either synthesiser are where they were put.
func TestDetectorFindsSyntheticBeats(t *testing.T) {
	rr, err := Tachogram(3, 120, 70, 0.05, 0.5)
	require.NoError(t, err)
	lead, err := NewOscillator().Run(rr, 2)
	require.NoError(t, err)
	peaks, err := DetectQRS(lead, 256)
	require.NoError(t, err)
	at := 0.0
	found := 0
	for _, v := range rr {
		at += v
		for _, p := range peaks {
			if math.Abs(float64(p)/256-at) < 0.06 {
				found++
				break
			}
		}
	}
	require.GreaterOrEqual(t, found, 118)
	require.LessOrEqual(t, len(peaks), 121)

	c, err := NewCohort(WithBeats(60, 60))
	require.NoError(t, err)
	missed, extra, beats := 0, 0, 0
	for i := range uint64(8) {
		p := c.Patient(i)
		got, err := DetectQRS(p.Lead, p.Rate)
		require.NoError(t, err)
		beats += len(p.Peaks)
		extra += len(got)
		for _, want := range p.Peaks {
			near, _ := slices.BinarySearch(got, want-10)
			if near == len(got) || got[near] > want+10 {
				missed++
			} else {
				extra--
			}
		}
	}
	require.Less(t, missed, beats/100, "of %d beats", beats)
	require.Less(t, extra, beats/100)
}

func TestTachogram(t *testing.T) {
	rr, err := Tachogram(1, 2000, 60, 0.05, 2)
	require.NoError(t, err)
	mean, sd := meanSD(rr)
	require.InDelta(t, 1, mean, 1e-3)
	require.InDelta(t, 0.05, sd, 1e-3)
	s := Series{Rate: 1e6, Beats: []Beat{{0, true, false}}}
	at := 0.0
	for _, v := range rr {
		at += v
		s.Beats = append(s.Beats, Beat{int(at * 1e6), true, false})
	}
	r, err := s.Spectrum()
	require.NoError(t, err)
	require.InDelta(t, 2, r.Bands[1].Power/r.Bands[2].Power, 0.5)
	again, err := Tachogram(1, 2000, 60, 0.05, 2)
	require.NoError(t, err)
	require.Equal(t, rr, again)
	flat, err := Tachogram(1, 5, 60, 0, 2)
	require.NoError(t, err)
	require.Equal(t, []float64{1, 1, 1, 1, 1}, flat)
	for _, err := range []error{second(Tachogram(1, 0, 60, 0, 2)), second(Tachogram(1, 5, 0, 0, 2)),
		second(Tachogram(1, 5, 60, math.NaN(), 2)), second(Tachogram(1, 5, 60, 0, -1))} {
		require.ErrorIs(t, err, tensor.ErrRange)
	}
}

func TestSynthesisersRefuse(t *testing.T) {
	o := NewOscillator()
	for name, err := range map[string]error{
		"no intervals": second(o.Run(nil, 1)), "interval": second(o.Run([]float64{1, 0}, 1)),
		"every": second(o.Run([]float64{1}, 0)),
		"rate":  second(Oscillator{HeartRate: 60}.Run([]float64{1}, 1)), "long": second(o.Run([]float64{1e9}, 1)),
		"width": second(Oscillator{512, 60, 0.25, []Wave{{}}}.Run([]float64{1}, 1)),
	} {
		require.Error(t, err, name)
	}
	x := make([]float32, 10)
	good := []GaussianBeat{{R: 0}, {R: 1}}
	require.NoError(t, Gaussian(x, 10, good))
	require.ErrorIs(t, Gaussian(x, 10, good[:1]), ErrTooFewBeats)
	require.ErrorIs(t, Gaussian(x, 0, good), tensor.ErrRange)
	require.ErrorIs(t, Gaussian(x, 10, []GaussianBeat{{R: 1}, {R: 1}}), tensor.ErrRange)
	require.ErrorIs(t, Gaussian(x, 10, []GaussianBeat{{R: 0, Waves: []Wave{{}}}, {R: 1}}), tensor.ErrRange)
	for _, o := range []CohortOption{WithVariant(9), WithBeats(3, 9), WithBeats(9, 4), nil} {
		require.Error(t, second(NewCohort(o)))
	}
}

// Events come as often as they should, and in the order of the severity; the share of abnormal beats is that of the
// patient.
func TestCohort(t *testing.T) {
	c, err := NewCohort(WithSeed(5), WithBeats(4, 4))
	require.NoError(t, err)
	const n, withBeats = 20_000, 300
	within90, within365 := 0, 0
	times, oracle := make([]stats.Lifetime, n), make([]float64, n)
	abnormal, expected := 0.0, 0.0
	for i := range n {
		p := c.outcome(uint64(i))
		if i < withBeats {
			p = c.Patient(uint64(i))
			require.Len(t, p.Peaks, 4)
			expected += 4 * p.Witness
		}
		times[i], oracle[i] = p.Lifetime, p.Oracle()
		if p.Lifetime.Event && p.Lifetime.Time < 90 {
			within90++
		}
		if p.Lifetime.Event && p.Lifetime.Time < 365 {
			within365++
		}
		for _, a := range p.Abnormal {
			if a {
				abnormal++
			}
		}
	}
	require.InDelta(t, 0.022, float64(within90)/n, 0.003)
	require.InDelta(t, 0.045, float64(within365)/n, 0.006)
	require.InDelta(t, 1, abnormal/expected, 0.2)
	positive := make([]bool, n)
	for i, v := range times {
		positive[i] = v.Event && v.Time < 90
	}
	auc, err := stats.AUC(positive, oracle, nil)
	require.NoError(t, err)
	require.InDelta(t, 0.86, auc.Value, 0.03)
}

func TestPatientsAreTheirOwn(t *testing.T) {
	for v := range Variant(3) {
		c, err := NewCohort(WithVariant(v), WithSeed(2))
		require.NoError(t, err)
		p := c.Patient(7)
		c.Patient(8)
		require.Equal(t, p, c.Patient(7))
		require.NotEqual(t, p.Lead, c.Patient(8).Lead)
		require.True(t, len(p.Peaks) >= 32 && len(p.Peaks) <= 48)
		x, first, err := p.Instances(2)
		require.NoError(t, err)
		require.Equal(t, 256, x.Cols)
		require.Len(t, first, x.Rows)
		require.Greater(t, x.Rows, 28)
		require.NoError(t, tensor.ValidateFinite("x", x.Data))
		name, err := v.MarshalText()
		require.NoError(t, err)
		var again Variant
		require.NoError(t, again.UnmarshalText(name))
		require.Equal(t, v, again)
		_, _, err = p.Instances(0)
		require.ErrorIs(t, err, tensor.ErrRange)
	}
}

// day is the file of a record of 24 hours of two leads.
func day(tb testing.TB, rate float64) *Record {
	c, err := NewCohort(WithBeats(20_000, 20_000))
	require.NoError(tb, err)
	p := c.Patient(1)
	frames := int(24 * 3600 * rate)
	lead := make([]float32, frames)
	for at := 0; at < frames; {
		at += copy(lead[at:], p.Lead)
	}
	var header, data bytes.Buffer
	h := Header{Name: "day", Rate: rate, Signals: []Signal{{Format: 212, Gain: 200, Name: "II"}, {Format: 212,
		Gain: 200, Name: "V5"}}}
	require.NoError(tb, WriteRecord(&header, &data, h, [][]float32{lead, lead}))
	r, err := Open(fstest.MapFS{"day.hea": {Data: header.Bytes()}, "day.dat": {Data: data.Bytes()}}, "day")
	require.NoError(tb, err)
	return r
}

// A day of two leads: read, beats found, both leads cut up.
func BenchmarkDay(b *testing.B) {
	r := day(b, cohortRate)
	frames, err := r.Frames()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		recording, err := Read[float32](r, 0, frames)
		if err != nil {
			b.Fatal(err)
		}
		peaks, err := DetectQRS(recording.Channels[0].Samples, r.Header().Rate)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range recording.Channels {
			beats, err := SegmentBeats(c.Samples, peaks, 64, 64)
			if err != nil || beats.X.Rows < 80_000 {
				b.Fatal(beats.X.Rows, err)
			}
		}
	}
	b.ReportMetric(2*float64(frames)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
}

func BenchmarkRead(b *testing.B) {
	r := day(b, cohortRate)
	frames, err := r.Frames()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read[float32](r, 0, frames); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPatient(b *testing.B) {
	c, err := NewCohort()
	require.NoError(b, err)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		c.Patient(i)
	}
}
