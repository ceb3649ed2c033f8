package ecg

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

// realData is where recordings of PhysioNet are, which do not belong into the repository.
const realData = "../../../shared/data/ecg"

func needRealData(tb testing.TB) {
	if _, err := os.Stat(realData); err != nil {
		tb.Skip("no recordings at hand")
	}
}

// wfdbFile is what wfdb-python read.
type wfdbFile struct {
	HeaderOnly bool   `json:"header_only"`
	Record     string `json:"record"`
	Header     struct {
		Name     string `json:"record_name"`
		Segments int    `json:"n_seg"`
		Count    int    `json:"n_sig"`
		Rate     float64
		FS       float64  `json:"fs"`
		Counter  float64  `json:"counter_freq"`
		Frames   int      `json:"sig_len"`
		Date     string   `json:"base_date"`
		Files    []string `json:"file_name"`
		Formats  []string `json:"fmt"`
		PerFrame []int    `json:"samps_per_frame"`
		Skew     []*int
		Offset   []*int64  `json:"byte_offset"`
		Gain     []float64 `json:"adc_gain"`
		Baseline []int
		Units    []string
		Bits     []*int    `json:"adc_res"`
		Zero     []*int    `json:"adc_zero"`
		Initial  []*int    `json:"init_value"`
		Checksum []*int    `json:"checksum"`
		Names    []*string `json:"sig_name"`
		Comments []string
		SegNames []string `json:"seg_name"`
		SegLens  []int    `json:"seg_len"`
	}
	Stored []struct {
		N       int
		First   []int32 `json:"first10"`
		Last    []int32 `json:"last5"`
		Sum     int64
		Invalid int
	} `json:"signals_as_stored"`
	Physical []struct {
		N     int
		First []golden.Number `json:"first10"`
		Last  []golden.Number `json:"last5"`
		NaN   int
	} `json:"physical_skew_applied"`
	NaN    []int
	NanSum []float64
	Joined []struct {
		N   int
		Sum int64
	} `json:"joined_digital"`
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func TestRealRecords(t *testing.T) {
	needRealData(t)
	dir := filepath.Join(realData, "wfdb")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !strings.Contains(name, ".") {
			t.Run(name, func(t *testing.T) {
				var want wfdbFile
				golden.JSON(t, file, &want)
				r, err := Open(os.DirFS(dir), name)
				require.NoError(t, err)
				checkRealHeader(t, want, r.Header())
				if name == "mixedsignals" {
					_, err = Read[float64](r, 0, 1)
					require.ErrorIs(t, err, ErrFormat)
					require.ErrorContains(t, err, "FLAC")
				}
				if !want.HeaderOnly {
					checkRealSamples(t, want, r)
				}
			})
		}
	}
}

func checkRealHeader(t *testing.T, file wfdbFile, h Header) {
	want := file.Header
	require.Equal(t, want.Name, h.Name)
	require.Equal(t, want.Count, h.Count)
	require.Equal(t, want.FS, h.Rate)
	require.Equal(t, want.Frames, h.Frames)
	require.Empty(t, h.Warnings)
	if want.Counter > 0 {
		require.Equal(t, want.Counter, h.CounterRate)
	}
	if want.Date != "" {
		start, ok := h.Start()
		require.True(t, ok)
		require.Equal(t, want.Date, start.Format("2006-01-02"))
	}
	if want.Comments != nil {
		require.Equal(t, len(want.Comments), len(h.Comments))
		for i, c := range want.Comments {
			require.Equal(t, c, h.Comments[i])
		}
	}
	for i, name := range want.SegNames {
		require.Equal(t, Segment{name, want.SegLens[i]}, h.Segments[i])
	}
	for i, s := range h.Signals {
		require.Equal(t, []any{want.Files[i], want.Formats[i], want.PerFrame[i], want.Gain[i], want.Baseline[i],
			want.Units[i]},
			[]any{s.File, s.Format.String(), s.PerFrame, s.Gain, s.Baseline, s.Units})
		require.Equal(t, []any{value(want.Skew[i]), value(want.Offset[i]), value(want.Bits[i]), value(want.Zero[i]),
			value(want.Names[i])}, []any{s.Skew, s.Offset, s.Bits, s.Zero, s.Name})
		if want.Checksum[i] != nil {
			require.Equal(t, uint16(*want.Checksum[i]), *s.Checksum)
			require.Equal(t, *want.Initial[i], s.Initial)
		}
	}
}

func checkRealSamples(t *testing.T, want wfdbFile, r *Record) {
	frames, err := r.Frames()
	require.NoError(t, err)
	physical, err := Read[float64](r, 0, frames)
	require.NoError(t, err, "checksums among the rest")
	for i, w := range want.Physical {
		checkPhysical(t, physical.Channels[i].Samples, w.N, w.NaN, golden.Floats(w.First), golden.Floats(w.Last))
	}
	for i, w := range want.NaN {
		n, sum := 0, 0.0
		for _, v := range physical.Channels[i].Samples {
			if v != v {
				n++
			} else {
				sum += v
			}
		}
		require.Equal(t, w, n)
		require.InDelta(t, want.NanSum[i], sum, 1e-9*(1+math.Abs(want.NanSum[i])))
	}
	for i, w := range want.Joined {
		sum := 0.0
		for _, v := range physical.Channels[i].Samples {
			if v != v { // as it is stored
				sum += float64(packings[r.Signals()[i].Format].invalid)
				continue
			}
			sum += math.Round(v*r.Signals()[i].Gain) + float64(r.Signals()[i].Baseline)
		}
		require.Len(t, physical.Channels[i].Samples, w.N)
		require.Equal(t, float64(w.Sum), sum)
	}
	if want.Stored == nil {
		return
	}
	stored, err := Digital(r, 0, frames)
	require.NoError(t, err)
	for i, w := range want.Stored {
		got := stored[i]
		require.Len(t, got, w.N)
		require.Equal(t, w.First, got[:len(w.First)])
		require.Equal(t, w.Last, got[len(got)-len(w.Last):])
		sum := int64(0)
		for _, v := range got {
			sum += int64(v)
		}
		require.Equal(t, w.Sum, sum)
	}
}

func checkPhysical(t *testing.T, got []float64, n, nan int, first, last []float64) {
	require.Len(t, got, n)
	invalid := 0
	for _, v := range got {
		if v != v {
			invalid++
		}
	}
	require.Equal(t, nan, invalid)
	golden.Close(t, "first", got[:len(first)], first, 1e-15, 0)
	golden.Close(t, "last", got[len(got)-len(last):], last, 1e-15, 0)
}

func TestRealAnnotations(t *testing.T) {
	needRealData(t)
	for _, name := range []string{"03700181.gqrsh", "12726.anI"} {
		var want struct {
			Rate    float64 `json:"time_resolution_hz"`
			N       int
			Sum     int64 `json:"sum_samples"`
			Counts  map[string]int
			Entries []struct {
				I                          int
				Sample                     int64
				Symbol, Aux                string
				Subtype, Number, Chan, Num int
			}
		}
		golden.JSON(t, filepath.Join(realData, "wfdb", name+".json"), &want)
		f, err := os.Open(filepath.Join(realData, "wfdb", name))
		require.NoError(t, err)
		got, err := ReadAnnotations(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		if name == "03700181.gqrsh" {
			// Bytes 0x24 to 0x43 are a note of the command that made the file, without the mark of the notes that
			// describe it. The reference drops it with the resolution; it says something and is kept here.
			require.Equal(t, Annotation{Code: Note, Aux: "gqrs -H -r 03700181 -o gqrsh"}, got.Items[0])
			got.Items = got.Items[1:]
		}
		require.Equal(t, want.N, len(got.Items))
		require.Equal(t, want.Rate, max(got.Rate, 250), "125 frames a second, or 250 where the file says nothing")
		sum, counts := int64(0), map[string]int{}
		for _, a := range got.Items {
			sum += a.Sample
			counts[a.Code.String()]++
		}
		require.Equal(t, want.Sum, sum)
		require.Equal(t, want.Counts, counts)
		for _, e := range want.Entries {
			a := got.Items[e.I]
			require.Equal(t, []any{e.Sample, e.Symbol, e.Aux, e.Subtype, e.Chan, e.Num},
				[]any{a.Sample, a.Code.String(), a.Aux, int(a.Subtype), int(a.Channel), int(a.Number)})
		}
	}
}

// record100 is three minutes of record 100 of the MIT-BIH Arrhythmia Database (ODC-By 1.0).
type record100 struct {
	N              int
	First          [][]int32 `json:"first20"`
	Last           [][]int32 `json:"last5"`
	Sums           []int64   `json:"sum_signal"`
	Sample         []int64   `json:"ann_sample"`
	Symbol         []string  `json:"ann_symbol"`
	Aux            []string  `json:"ann_aux"`
	R              []int     `json:"pan_tompkins_r"`
	SOS            [][]float64
	BandPassed     []float64 `json:"bandpassed_1000_1020"`
	MovingIntegral []float64 `json:"mwi_1000_1020"`
}

func TestRecord100(t *testing.T) {
	needRealData(t)
	var want record100
	golden.JSON(t, filepath.Join(realData, "r100a.json"), &want)
	r, err := Open(os.DirFS(realData), "r100a")
	require.NoError(t, err)
	stored, err := Digital(r, 0, want.N)
	require.NoError(t, err)
	for k, got := range stored {
		sum := int64(0)
		for _, v := range got {
			sum += int64(v)
		}
		require.Equal(t, want.Sums[k], sum)
		for i, frame := range want.First {
			require.Equal(t, frame[k], got[i])
		}
		for i, frame := range want.Last {
			require.Equal(t, frame[k], got[want.N-5+i])
		}
	}
	require.NoError(t, second(Read[float32](r, 0, want.N)), "checksums")
	f, err := os.Open(filepath.Join(realData, "r100a.atr"))
	require.NoError(t, err)
	defer f.Close()
	a, err := ReadAnnotations(f)
	require.NoError(t, err)
	require.Equal(t, len(want.Sample), len(a.Items))
	for i, item := range a.Items {
		require.Equal(t, want.Sample[i], item.Sample)
		require.Equal(t, want.Symbol[i], item.Code.String())
		require.Equal(t, strings.TrimRight(want.Aux[i], "\x00"), item.Aux)
	}
}

func TestRealFormats(t *testing.T) {
	needRealData(t)
	var want struct {
		N           int
		First, Last [][]int32
		Sums        []int64
	}
	golden.JSON(t, filepath.Join(realData, "binformats.json"), &want)
	r, err := Open(os.DirFS(realData), "binformats")
	require.NoError(t, err)
	stored, err := Digital(r, 0, want.N)
	require.NoError(t, err)
	for k, got := range stored {
		sum := int64(0)
		for _, v := range got {
			sum += int64(v)
		}
		require.Equal(t, want.Sums[k], sum, "format %v", r.Signals()[k].Format)
		for i, frame := range want.First {
			require.Equal(t, frame[k], got[i])
		}
		for i, frame := range want.Last {
			require.Equal(t, frame[k], got[want.N-len(want.Last)+i])
		}
	}
	require.NoError(t, second(Read[float32](r, 0, want.N)), "checksums")
}

func lead(t testing.TB, name string) (x []float64, want record100) {
	golden.JSON(t, filepath.Join(realData, "r100a.json"), &want)
	r, err := Open(os.DirFS(realData), "r100a")
	require.NoError(t, err)
	recording, err := Read[float64](r, 0, want.N, WithSignals(name))
	require.NoError(t, err)
	return recording.Channels[0].Samples, want
}

func TestRecord100Beats(t *testing.T) {
	needRealData(t)
	x, want := lead(t, "MLII")
	got, err := DetectQRS(x, 360)
	require.NoError(t, err)
	require.Equal(t, want.R, got)
	single := make([]float32, len(x))
	for i, v := range x {
		single[i] = float32(v)
	}
	got, err = DetectQRS(single, 360)
	require.NoError(t, err)
	require.Equal(t, want.R, got)
}

// An artefact, or a sample that is missing, costs the beats under it.
func TestRecord100Artefacts(t *testing.T) {
	needRealData(t)
	clean, want := lead(t, "MLII")
	beats := want.Sample[1:] // the first is the rhythm
	for _, k := range []struct {
		at, n int
		add   float64
		least int
	}{{300, 10, 50, 221}, {30000, 10, 50, 223}, {5000, 1, math.NaN(), 223}} {
		x := append([]float64(nil), clean...)
		for i := range k.n {
			x[k.at+i] += k.add
		}
		got, err := DetectQRS(x, 360)
		require.NoError(t, err)
		found := 0
		for _, b := range beats {
			for _, r := range got {
				if math.Abs(float64(int64(r)-b)) <= 54 {
					found++
					break
				}
			}
		}
		t.Logf("artefact at %d: %d of %d beats", k.at, found, len(beats))
		require.GreaterOrEqual(t, found, k.least, "artefact at %d", k.at)
	}
}
