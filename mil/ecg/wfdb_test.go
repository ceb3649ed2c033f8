package ecg

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func second[A any](_ A, err error) error { return err }

// expected is the digital samples of the files in testdata, which another program encoded.
func expected(tb testing.TB) map[string][]int32 {
	want := map[string][]int32{}
	golden.JSON(tb, "testdata/expected.json", &want)
	return want
}

func open(tb testing.TB, name string) *Record {
	tb.Helper()
	r, err := Open(os.DirFS("testdata"), name)
	require.NoError(tb, err)
	return r
}

// Every format, at lengths that end within a group of samples, read at once and in every range.
func TestFormats(t *testing.T) {
	read := 0
	for name, want := range expected(t) {
		if !strings.HasPrefix(name, "f") {
			continue
		}
		read++
		r := open(t, name)
		got, err := Digital(r, 0, len(want))
		require.NoError(t, err, name)
		require.Equal(t, want, got[0], name)
		p := packings[r.Signals()[0].Format]
		for from := range want {
			for _, to := range []int{from, from + 1, (from + len(want) + 1) / 2, len(want)} {
				got, err := Digital(r, from, to)
				require.NoError(t, err, "%s from %d to %d", name, from, to)
				require.Equal(t, append([]int32(nil), want[from:to]...), got[0], "%s from %d to %d", name, from, to)
				physical, err := Read[float64](r, from, to)
				require.NoError(t, err)
				for i, v := range physical.Channels[0].Samples {
					if d := want[from+i]; p.valid && d == p.invalid {
						require.True(t, math.IsNaN(v), "%s[%d]", name, from+i)
					} else {
						require.Equal(t, (float64(d)-3)/50, v, "%s[%d]", name, from+i)
					}
				}
			}
		}
	}
	require.Equal(t, 16, read)
}

// Differences add up from the first sample on.
func TestDifferences(t *testing.T) {
	files := fstest.MapFS{"d.hea": {Data: []byte("d 1 100 5\nd.dat 8 1 8 0 1 15")}, "d.dat": {Data: []byte{0, 1, 1, 1,
		1}}}
	r, err := Open(files, "d")
	require.NoError(t, err)
	got, err := Digital(r, 0, 5)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 2, 3, 4, 5}, got[0])
	got, err = Digital(r, 3, 5)
	require.NoError(t, err)
	require.Equal(t, []int32{4, 5}, got[0])
}

// Samples per frame, skew, offset, units with a slash, a name with a blank, a negative gain, CRLF, blank lines,
// comments before the record line and a checksum without a sign.
func TestOddHeader(t *testing.T) {
	r := open(t, "odd")
	h := r.Header()
	require.Equal(t, "odd", h.Name)
	require.Equal(t, []float64{250, 1000, 7.5}, []float64{h.Rate, h.CounterRate, h.CounterBase})
	start, ok := h.Start()
	require.True(t, ok)
	require.Equal(t, time.Date(2020, 5, 5, 8, 26, 4, 0, time.UTC), start)
	require.Equal(t, []string{"before the record line", "<age>: 81  <sex>: F", "done"}, h.Comments)
	require.Equal(t, Subject{81, Female}, ParseSubject(h.Comments))
	flow, lead := r.Signals()[0], r.Signals()[1]
	require.Equal(t, "CPAP Flow", flow.Name)
	require.Equal(t, "l/min", flow.Units)
	require.Equal(t, []any{105.2, 1, 2, int64(24)}, []any{flow.Gain, flow.Baseline, flow.PerFrame, flow.Offset})
	require.Equal(t, []any{"II", -50.0, 4, 3, "mV"}, []any{lead.Name, lead.Gain, lead.Baseline, lead.Skew, lead.Units})

	want := expected(t)
	digital, err := Digital(r, 0, 20)
	require.NoError(t, err)
	require.Equal(t, want["odd_A"], digital[0])
	require.Equal(t, want["odd_B"], digital[1], "skew is left in")
	for _, of := range [][2]int{{0, 20}, {0, 5}, {7, 20}, {15, 19}, {18, 20}, {4, 4}} {
		from, to := of[0], of[1]
		got, err := Read[float64](r, from, to)
		require.NoError(t, err)
		a, _ := got.Channel("CPAP Flow")
		b, _ := got.Channel("II")
		require.Equal(t, []float64{500, 250}, []float64{a.Rate, b.Rate})
		require.Len(t, a.Samples, 2*(to-from))
		require.Len(t, b.Samples, to-from)
		for i, v := range a.Samples {
			require.Equal(t, (float64(want["odd_A"][2*from+i])-1)/105.2, v)
		}
		for i, v := range b.Samples {
			if at := from + i + 3; at < 20 {
				require.Equal(t, (float64(want["odd_B"][at])-4)/-50, v)
			} else {
				require.True(t, math.IsNaN(v), "the last three are not there")
			}
		}
	}
	one, err := Read[float32](r, 0, 20, WithSignals("II"))
	require.NoError(t, err)
	require.Len(t, one.Channels, 1)
	_, ok = one.Channel("CPAP Flow")
	require.False(t, ok)
	require.ErrorIs(t, second(Read[float32](r, 0, 20, WithSignals("III"))), tensor.ErrRange)
	require.ErrorIs(t, second(Read[float32](r, 0, 21)), tensor.ErrRange)
	require.ErrorIs(t, second(Read[float32](r, 3, 2)), tensor.ErrRange)
}

// Segments: a layout, a gap, signals in another order or missing, and a scale in each.
func TestSegments(t *testing.T) {
	r := open(t, "multi")
	want := expected(t)
	n, err := r.Frames()
	require.NoError(t, err)
	require.Equal(t, 25, n)
	for from := range n {
		for _, to := range []int{from, min(from+3, n), n} {
			got, err := Read[float64](r, from, to)
			require.NoError(t, err)
			require.Equal(t, []string{"mV", "mV", "mmHg"},
				[]string{got.Channels[0].Units, got.Channels[1].Units, got.Channels[2].Units})
			for f := from; f < to; f++ {
				two, v := math.NaN(), math.NaN()
				switch {
				case f < 10:
					two, v = float64(want["multi_a_II"][f])/100, float64(want["multi_a_V"][f])/50
				case f > 15:
					two = (float64(want["multi_b_II"][f-15]) - 2) / 20
				}
				for k, w := range []float64{two, v, math.NaN()} {
					require.Len(t, got.Channels[k].Samples, to-from)
					g := got.Channels[k].Samples[f-from]
					require.True(t, g == w || g != g && w != w, "signal %d at %d: %v, want %v", k, f, g, w)
				}
			}
		}
	}
	only, err := Read[float64](r, 0, 25, WithSignals("ABP"))
	require.NoError(t, err)
	require.Len(t, only.Channels[0].Samples, 25)
	require.ErrorIs(t, second(Digital(r, 0, 5)), tensor.ErrRange)
}

func TestHeadersThatVary(t *testing.T) {
	parse := func(text string) (Header, error) { return ReadHeader(strings.NewReader(text)) }
	signals := strings.Repeat("a.dat 16\n", 12)
	for text, want := range map[string]struct {
		clock, date string
		frames      int
		warnings    int
	}{
		"E1 12 500 5000 05-May-2020 09:49:17":   {"09:49:17", "05-May-2020", 5000, 0},
		"E1 12 500 5000 09:49:17 05/05/2020 \r": {"09:49:17", "05/05/2020", 5000, 0},
		"E1 12 500 5000 09:49:17":               {"09:49:17", "", 5000, 0},
		"E1 12 500 5000 2020":                   {"", "2020", 5000, 1},
		"E1 12 500 5000 0:00":                   {"0:00", "", 5000, 0},
		"E1 12 500 5000  1:56:25.894":           {"1:56:25.894", "", 5000, 0},
		"E1 12 500 5000 31:25.894 15/08/94":     {"31:25.894", "15/08/94", 5000, 1},
		"E1 12 500 5000 25:61:00 32/13/2020":    {"25:61:00", "32/13/2020", 5000, 2},
		"E1 12 500 12:00:00":                    {"12:00:00", "", 0, 0},
		"E1 12 500":                             {"", "", 0, 0},
		"E1 12":                                 {"", "", 0, 0},
	} {
		h, err := parse(text + "\n" + signals)
		require.NoError(t, err, text)
		require.Equal(t, []any{want.clock, want.date, want.frames, 12}, []any{h.Clock, h.Date, h.Frames,
			len(h.Signals)}, text)
		require.Len(t, h.Warnings, want.warnings, text)
		require.Equal(t, "mV", h.Signals[0].Units)
		require.Equal(t, 200.0, h.Signals[0].Gain)
	}
	h, err := parse("x 1 0.5\nx.dat 16x200 5948.85(1)/l/min 15 0 0 -22447 0 CPAP Flow")
	require.NoError(t, err)
	checksum := uint16(0x10000 - 22447)
	require.Equal(t, Signal{File: "x.dat", Format: 16, PerFrame: 200, Gain: 5948.85, Baseline: 1, Units: "l/min",
		Bits:     15,
		Checksum: &checksum, Name: "CPAP Flow"}, h.Signals[0])
	d, ok := parseClock("31:25.894")
	require.True(t, ok)
	require.Equal(t, 31*time.Minute+25*time.Second+894*time.Millisecond, d)

	for name, text := range map[string]string{
		"empty": "", "comments": "# only\n", "no counts": "x\n", "negative": "x -1\n", "rate": "x 0 0\n",
		"rate NaN": "x 0 NaN\n",
		"fewer":    "x 2 100 5\nx.dat 16\n", "more": "x 0\nx.dat 16\n", "no format": "x 1\nx.dat\n",
		"format":    "x 1\nx.dat q\n",
		"per frame": "x 1\nx.dat 16x0\n", "skew": "x 1\nx.dat 16:-1\n", "offset": "x 1\nx.dat 16+q\n",
		"gain":     "x 1\nx.dat 16 q\n",
		"baseline": "x 1\nx.dat 16 1(q)\n", "bits": "x 1\nx.dat 16 1 q\n", "segments": "x/0 1\n",
		"segment line":  "x/1 1\nx_1\n",
		"huge segments": "x/2 1\na 9000000000000000000\nb 9000000000000000000\n", "sum": "x/2 1 100 5\na 1\nb 2\n",
		"wide":   "x 20\n" + strings.Repeat("x.dat 16x65536\n", 20),
		"layout": "x/2 1 100\na 3\nb 0\n",
	} {
		_, err := parse(text)
		require.ErrorIs(t, err, ErrHeader, name)
		require.ErrorContains(t, err, "ecg: ReadHeader: ", name)
	}
	_, err = parse("x/3 2 100\na 10\nb 10\n")
	require.ErrorContains(t, err, "says 3 segments and lists 2")
	_, err = parse("x 1 100\nx.dat 16x0\n")
	require.ErrorContains(t, err, "line 2")
}

func TestFilesThatAreWrong(t *testing.T) {
	file := func(header string, data []byte) *Record {
		r, err := Open(fstest.MapFS{"dir/x.hea": {Data: []byte(header)}, "dir/x.dat": {Data: data}}, "dir/x")
		require.NoError(t, err)
		return r
	}
	short := file("x 1 100 1000\nx.dat 16 1 16 0 0 3", make([]byte, 1998))
	_, err := Read[float64](short, 0, 1000)
	var truncated *TruncatedError
	require.ErrorAs(t, err, &truncated)
	require.Equal(t, TruncatedError{"x.dat", 1000, 999}, *truncated)
	require.ErrorIs(t, err, ErrTruncated)
	require.ErrorIs(t, second(Digital(short, 990, 1000)), ErrTruncated)
	got, err := Read[float64](short, 0, 999)
	require.NoError(t, err, "what is asked for is there")
	require.Len(t, got.Channels[0].Samples, 999)
	got, err = Read[float64](short, 990, 1000, WithTruncated())
	require.NoError(t, err)
	require.Equal(t, 0.0, got.Channels[0].Samples[8])
	require.True(t, math.IsNaN(got.Channels[0].Samples[9]))

	for header, want := range map[string]int{"x 1 100\nx.dat 16": 999, "x 1 100 0\nx.dat 212": 1332,
		"x 3 100\nx.dat 212+1\nx.dat 212\nx.dat 212": 443} {
		n, err := file(header, make([]byte, 1998)).Frames()
		require.NoError(t, err)
		require.Equal(t, want, n, "from the size: %s", header)
	}

	wrong := file("x 1 100 2\nx.dat 16 1 16 0 0 7 0 II", []byte{1, 0, 2, 0})
	_, err = Read[float64](wrong, 0, 2)
	require.ErrorIs(t, err, ErrChecksum)
	require.ErrorContains(t, err, "signal II in x.dat adds up to 3 and the header says 7")
	require.NoError(t, second(Read[float64](wrong, 0, 2, WithoutChecksums())))
	require.NoError(t, second(Read[float64](wrong, 0, 1)), "a part has no checksum")

	for format, name := range map[int]string{508: "FLAC", 516: "FLAC", 524: "FLAC", 17: "17", 0: "0"} {
		_, err = Read[float64](file(fmt.Sprintf("x 1 100 1\nx.dat %d", format), nil), 0, 1)
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, name)
	}
	for name, r := range map[string]*Record{
		"two formats": file("x 2 100 1\nx.dat 16\nx.dat 212", []byte{1, 2, 3, 4, 5}),
		"outside":     file("x 1 100 1\n../x.dat 16", nil),
	} {
		require.ErrorIs(t, second(Read[float64](r, 0, 1)), ErrHeader, name)
	}
	require.ErrorIs(t, second(Read[float64](file("x 1 100 1\ny.dat 16", nil), 0, 1)), fs.ErrNotExist)
	require.ErrorIs(t, second(Open(fstest.MapFS{}, "x")), fs.ErrNotExist)
	nothing := file("x 1 100 3\n~ 0 5/mmHg 0 0 0 0 0 ABP", nil)
	got, err = Read[float64](nothing, 0, 3)
	require.NoError(t, err)
	require.Len(t, got.Channels[0].Samples, 3)

	// A header alone cannot take memory.
	huge := file("x 1 100 2000000000\nx.dat 16", make([]byte, 10))
	require.ErrorIs(t, second(Read[float64](huge, 0, 1000)), ErrTruncated)
	require.ErrorIs(t, second(Read[float64](huge, 0, 1_000_000_000)), ErrTooLarge)
	gap, err := Open(fstest.MapFS{"x.hea": {Data: []byte("x/2 1 100\na 1\n~ 200000000")},
		"a.hea": {Data: []byte("a 1 100 1\na.dat 16")}, "a.dat": {Data: []byte{1, 2}}}, "x")
	require.NoError(t, err)
	require.ErrorIs(t, second(Read[float64](gap, 0, 200_000_001)), ErrTooLarge)
	require.NoError(t, second(Read[float64](gap, 199_000_000, 199_000_100)))
	require.ErrorIs(t, second(Read[float64](gap, 0, 2000, WithLimit(1000))), ErrTooLarge)
	require.ErrorIs(t, second(Read[float64](gap, 0, 2000, WithLimit(0))), tensor.ErrRange)

	// Segments that are not what the master says.
	for name, files := range map[string]fstest.MapFS{
		"length": {"a.hea": {Data: []byte("a 1 100 2\na.dat 16")}},
		"rate":   {"a.hea": {Data: []byte("a 1 50 1\na.dat 16")}},
		"count":  {"a.hea": {Data: []byte("a 2 100 1\na.dat 16\na.dat 16")}},
		"nested": {"a.hea": {Data: []byte("a/1 1 100\nb 1")}},
	} {
		files["x.hea"] = &fstest.MapFile{Data: []byte("x/1 1 100 1\na 1")}
		files["a.dat"] = &fstest.MapFile{Data: []byte{1, 2, 3, 4}}
		r, err := Open(files, "x")
		if err == nil {
			_, err = Read[float64](r, 0, 1)
		}
		require.ErrorIs(t, err, ErrHeader, name)
	}
}

// onlyReader hides everything else that a file can do.
type onlyReader struct{ io.ReadCloser }

// Files without a size and without seeking are read too.
func TestReaders(t *testing.T) {
	want := expected(t)
	read := int64(0)
	files := func(name string) (io.ReadCloser, error) {
		f, err := os.Open("testdata/" + name)
		if err != nil {
			return nil, err
		}
		return onlyReader{struct {
			io.Reader
			io.Closer
		}{io.TeeReader(f, writerFunc(func(b []byte) { read += int64(len(b)) })), f}}, nil
	}
	for _, name := range []string{"f212_23", "f8_23", "f311_22"} {
		r, err := OpenFunc(name, files)
		require.NoError(t, err)
		got, err := Digital(r, 3, 21)
		require.NoError(t, err)
		require.Equal(t, want[name][3:21], got[0])
	}
	r, err := OpenFunc("multi", files)
	require.NoError(t, err)
	got, err := Read[float64](r, 0, 25)
	require.NoError(t, err)
	require.Len(t, got.Channels[2].Samples, 25)
	boom := errors.New("boom")
	_, err = OpenFunc("x", func(string) (io.ReadCloser, error) { return nil, boom })
	require.ErrorIs(t, err, boom)
	r, err = OpenFunc("x", func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("x 1 100\nx.dat 16")), nil
	})
	require.NoError(t, err)
	require.ErrorIs(t, second(r.Frames()), ErrHeader, "nobody says how many frames there are")
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// seekCounter counts the bytes that are read of a file.
type seekCounter struct {
	fs.File
	read *int
}

func (s seekCounter) Read(b []byte) (int, error) {
	n, err := s.File.Read(b)
	*s.read += n
	return n, err
}

func (s seekCounter) Seek(at int64, whence int) (int64, error) {
	return s.File.(io.Seeker).Seek(at, whence)
}

// A range costs what it holds, wherever it is.
func TestRangeReadsNothingElse(t *testing.T) {
	data := make([]byte, 3<<20)
	files := fstest.MapFS{"x.hea": {Data: []byte(fmt.Sprintf("x 1 100 %d\nx.dat 212", len(data)/3*2))},
		"x.dat": {Data: data}}
	read := 0
	r, err := OpenFunc("x", func(name string) (io.ReadCloser, error) {
		f, err := files.Open(name)
		return seekCounter{f, &read}, err
	})
	require.NoError(t, err)
	_, err = Read[float32](r, 1_500_001, 1_500_101)
	require.NoError(t, err)
	require.Less(t, read, 2*chunkBytes)
}

func TestAnnotationsByteByByte(t *testing.T) {
	raw,
		err := hex.DecodeString("005817fc23232074696d65207265736f6c7574696f6e3a203530300000ecffffffff010000ec000028040004" +
		"fff703f8901502f0007003fc284e0000e8070000")
	require.NoError(t, err)
	a, err := ReadAnnotations(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Equal(t, 500.0, a.Rate)
	require.Equal(t, []Annotation{{1064, NormalBeat, -1, 3, 0, ""}, {1464, VentricularBeat, 0, 3, 2, ""},
		{1464, Rhythm, 0, 3, 2, "(N"}, {2464, NormalBeat, 0, 3, 2, ""}}, a.Items)
	at, err := a.At(360, 125)
	require.NoError(t, err)
	require.Equal(t, 125.0, at.Rate)
	require.Equal(t, []int64{266, 366, 366, 616}, []int64{at.Items[0].Sample, at.Items[1].Sample, at.Items[2].Sample,
		at.Items[3].Sample})
	require.Equal(t, int64(1064), a.Items[0].Sample, "a copy")
	require.ErrorIs(t, second(Annotations{}.At(0, 125)), tensor.ErrRange)
	for n := range len(raw) - 1 {
		part, err := ReadAnnotations(bytes.NewReader(raw[:n]))
		require.ErrorIs(t, err, ErrTruncated, "%d bytes", n)
		require.LessOrEqual(t, len(part.Items), 4)
	}
	_, err = ReadAnnotations(bytes.NewReader([]byte{0, 0xF4, 0, 0}))
	require.ErrorIs(t, err, ErrAnnotations, "a subtype of nothing")
}

func TestAnnotationsReadBack(t *testing.T) {
	a := Annotations{Rate: 250, Items: []Annotation{{0, Note, 0, 0, 0, "a first"}, {5, NormalBeat, -128, 255, -1, ""},
		{1028, VentricularBeat, 1, 255, -1, "odd"}, {2052, Rhythm, 0, 0, 0, "(AFIB"}, {2_000_000_000, 49, 0, 0, 0, ""},
		{4_000_000_000, 58, 127, 1, 127, strings.Repeat("x", 255)}, {3_999_999_990, Artifact, 0, 1, 127, ""}}}
	var b bytes.Buffer
	require.NoError(t, WriteAnnotations(&b, a))
	again, err := ReadAnnotations(&b)
	require.NoError(t, err)
	require.Equal(t, a, again)
	b.Reset()
	note := func(text string) Annotation { return Annotation{Code: Note, Aux: text} }
	require.NoError(t, WriteAnnotations(&b, Annotations{Items: []Annotation{note("## annotation type definitions"),
		note("42 N mine"), note("## end of definitions"), {7, NormalBeat, 0, 0, 0, ""}}}))
	again, err = ReadAnnotations(&b)
	require.NoError(t, err)
	require.Equal(t, Annotations{Items: []Annotation{{7, NormalBeat, 0, 0, 0, ""}}}, again)
	for name, items := range map[string][]Annotation{
		"code 0": {{Code: 0}}, "code 59": {{Code: 59}}, "far": {{Sample: 1 << 33, Code: 1}}, "long": {{Code: 1,
			Aux: strings.Repeat("x", 256)}},
		"NUL": {{Code: 1, Aux: "a\x00b"}},
	} {
		b.Reset()
		require.ErrorIs(t, WriteAnnotations(&b, Annotations{Items: items}), tensor.ErrRange, name)
		require.Zero(t, b.Len())
	}
	require.Equal(t, []string{"N", "V", "/", "49"}, []string{NormalBeat.String(), VentricularBeat.String(),
		Code(12).String(),
		Code(49).String()})
	for code := range Code(60) {
		if code.Normal() {
			require.True(t, code.Beat())
		}
	}
	require.False(t, Note.Beat() || Rhythm.Beat() || Artifact.Beat())
}

func TestSubjects(t *testing.T) {
	for comment, want := range map[string]Subject{
		"age: 81": {81, SexUnknown}, "Age: 71": {71, SexUnknown}, "<age>: 28  <sex>: M  <Height>: 170": {28, Male},
		"<age>: ?? <sex>: ?": {math.NaN(), SexUnknown}, "69 M 1085 1629 x1": {69, Male}, "Sex: Female": {math.NaN(),
			Female},
		"Age: NaN": {math.NaN(), SexUnknown}, "Age: -": {math.NaN(), SexUnknown}, "Sex: -": {math.NaN(), SexUnknown},
		"gender: f, age = 4.5": {4.5, Female}, "Dosage: 30": {math.NaN(), SexUnknown}, "-1 M 742 654 x1": {math.NaN(),
			Male},
		"Aldomet, Inderal": {math.NaN(), SexUnknown}, "2 F waves": {2, Female}, "age: 300": {math.NaN(), SexUnknown},
	} {
		got := ParseSubject([]string{comment})
		require.Equal(t, want.Sex, got.Sex, comment)
		require.True(t, got.Age == want.Age || got.Age != got.Age && want.Age != want.Age, "%s: %v", comment, got.Age)
	}
	b, err := json.Marshal(Male)
	require.NoError(t, err)
	var s Sex
	require.NoError(t, json.Unmarshal(b, &s))
	require.Equal(t, Male, s)
}

// What is written reads back, to half a unit, in every format.
func TestRecordsReadBack(t *testing.T) {
	rng := tensor.Stream(4)
	for format, p := range packings {
		for _, frames := range []int{0, 1, 2, 3, 7, 1000} {
			a, b := make([]float64, 2*frames), make([]float64, frames)
			size := min(float64(p.most)/2, 60)
			for i := range a {
				a[i] = rng.Float64() * size / 100
			}
			for i := range b {
				b[i] = -rng.Float64() * size / 50
				if p.valid && i%5 == 4 {
					b[i] = math.NaN()
				}
			}
			h := Header{Name: "r", Rate: 128.5, Clock: "1:02:03.5", Date: "05-May-2020", Comments: []string{"age: 50"},
				Signals: []Signal{{Format: format, PerFrame: 2, Gain: 100, Name: "II", Baseline: -3},
					{Format: format, Gain: -50, Units: "uV", Name: "a lead"}}}
			var header, data bytes.Buffer
			require.NoError(t, WriteRecord(&header, &data, h, [][]float64{a, b}), "format %v", format)
			r, err := Open(fstest.MapFS{"r.hea": {Data: header.Bytes()}, "r.dat": {Data: data.Bytes()}}, "r")
			require.NoError(t, err, header.String())
			n, err := r.Frames()
			require.NoError(t, err)
			require.Equal(t, frames, n)
			got, err := Read[float64](r, 0, frames)
			require.NoError(t, err)
			require.Equal(t, []string{"II", "mV", "a lead", "uV"}, []string{got.Channels[0].Name, got.Channels[0].Units,
				got.Channels[1].Name, got.Channels[1].Units})
			for k, want := range [][]float64{a, b} {
				for i, v := range want {
					if v != v {
						require.True(t, math.IsNaN(got.Channels[k].Samples[i]))
						continue
					}
					require.InDelta(t, v, got.Channels[k].Samples[i], 0.0101)
				}
			}
			require.Equal(t, []string{"1:02:03.5", "05-May-2020"}, []string{r.Header().Clock, r.Header().Date})
			require.Equal(t, h.Comments, r.Header().Comments)
		}
	}
	var header, data bytes.Buffer
	one := func(s Signal) Header { return Header{Name: "r", Rate: 100, Signals: []Signal{s}} }
	for name, k := range map[string]struct {
		h    Header
		x    []float64
		want error
	}{
		"FLAC": {one(Signal{Format: 516}), nil, ErrFormat}, "too large": {one(Signal{Format: 212}), []float64{11},
			tensor.ErrRange},
		"NaN": {one(Signal{Format: 8}), []float64{math.NaN()}, tensor.ErrRange}, "jump": {one(Signal{Format: 8}),
			[]float64{0, 1}, tensor.ErrRange},
		"name": {Header{Rate: 1, Signals: []Signal{{Format: 16}}}, nil, tensor.ErrRange}, "rate": {Header{Name: "r",
			Signals: []Signal{{Format: 16}}}, nil, tensor.ErrRange},
		"frames": {one(Signal{Format: 16, PerFrame: 2}), []float64{1}, tensor.ErrShape}, "signals": {Header{Name: "r",
			Rate: 1}, nil, tensor.ErrShape},
		"units":               {one(Signal{Format: 16, Units: "m V"}), nil, tensor.ErrRange},
		"invalid is no value": {one(Signal{Format: 16, Gain: 1}), []float64{-32768}, tensor.ErrRange},
	} {
		require.ErrorIs(t, WriteRecord(&header, &data, k.h, [][]float64{k.x}), k.want, name)
	}
	require.Zero(t, header.Len()+data.Len())
}

func FuzzHeader(f *testing.F) {
	names, err := fs.Glob(os.DirFS("testdata"), "*.hea")
	require.NoError(f, err)
	for _, name := range names {
		b, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(b, []byte("some samples of whatever format"))
	}
	f.Add([]byte("x/2 1 100\nx_1 3\n~ 99999999999\n"), []byte{})
	f.Fuzz(func(t *testing.T, header, data []byte) {
		h, err := ReadHeader(bytes.NewReader(header))
		if err != nil {
			return
		}
		r, err := OpenFunc(h.Name, func(name string) (io.ReadCloser, error) {
			if strings.HasSuffix(name, ".hea") {
				return io.NopCloser(bytes.NewReader(header)), nil
			}
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		if err != nil {
			return
		}
		n, err := r.Frames()
		if err != nil {
			return
		}
		for _, of := range [][2]int{{0, min(n, 500)}, {min(n, 7), min(n, 100)}, {n / 2, min(n, n/2+3)}} {
			got, err := Read[float32](r, of[0], of[1], WithTruncated(), WithLimit(1<<16))
			if err != nil {
				continue
			}
			for k, c := range got.Channels {
				require.Len(t, c.Samples, (of[1]-of[0])*r.Signals()[k].PerFrame)
			}
		}
	})
}

func FuzzAnnotations(f *testing.F) {
	raw,
		err := hex.DecodeString("005817fc23232074696d65207265736f6c7574696f6e3a203530300000ecffffffff010000ec000028040004" +
		"fff703f8901502f0007003fc284e0000e8070000")
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ReadAnnotations(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if WriteAnnotations(&out, a) != nil {
			return // times further apart than a file can say at once
		}
		again, err := ReadAnnotations(&out)
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}
