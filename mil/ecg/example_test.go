package ecg_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing/fstest"

	"github.com/espalier-ml/espalier/mil/ecg"
)

func Example() {
	cohort, err := ecg.NewCohort(ecg.WithSeed(1), ecg.WithVariant(ecg.Jittered), ecg.WithBeats(40, 40))
	if err != nil {
		panic(err)
	}
	p := cohort.Patient(3)
	peaks, err := ecg.DetectQRS(p.Lead, p.Rate)
	if err != nil {
		panic(err)
	}
	if err := ecg.RemoveBaseline(p.Lead, p.Lead, p.Rate); err != nil {
		panic(err)
	}
	beats, err := ecg.SegmentBeats(p.Lead, peaks, 64, 64)
	if err != nil {
		panic(err)
	}
	pairs, _, err := beats.Instances(2)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d beats, %d instances of %d samples\n", len(peaks), pairs.Rows, pairs.Cols)
	// Output: 40 beats, 39 instances of 256 samples
}

func ExampleOpen() {
	r, err := ecg.Open(os.DirFS("testdata"), "odd")
	if err != nil {
		panic(err)
	}
	h := r.Header()
	start, _ := h.Start()
	fmt.Println(h.Name, h.Rate, "Hz,", start.Format("2 January 2006, 15:04:05"))
	for _, s := range r.Signals() {
		fmt.Printf("%s: format %v, %d in a frame, skew %d, %v per %s\n", s.Name, s.Format, s.PerFrame, s.Skew, s.Gain,
			s.Units)
	}
	who := ecg.ParseSubject(h.Comments)
	fmt.Println(who.Age, who.Sex == ecg.Female)
	frames, err := r.Frames()
	if err != nil {
		panic(err)
	}
	rec, err := ecg.Read[float64](r, frames-5, frames)
	if err != nil {
		panic(err)
	}
	lead, _ := rec.Channel("II")
	fmt.Println(lead.Units, lead.Samples)
	stored, err := ecg.Digital(r, frames-2, frames)
	if err != nil {
		panic(err)
	}
	fmt.Println(stored[1])
	// Output:
	// odd 250 Hz, 5 May 2020, 08:26:04
	// CPAP Flow: format 16, 2 in a frame, skew 0, 105.2 per l/min
	// II: format 16, 1 in a frame, skew 3, -50 per mV
	// 81 true
	// mV [-0.4 -0.46 NaN NaN NaN]
	// [24 27]
}

// Segments, gaps and signals that are not there.
func ExampleRead() {
	r, err := ecg.Open(os.DirFS("testdata"), "multi")
	if err != nil {
		panic(err)
	}
	for _, s := range r.Header().Segments {
		fmt.Println(s.Name, s.Frames, s.Gap())
	}
	rec, err := ecg.Read[float64](r, 8, 18, ecg.WithSignals("II"), ecg.WithLimit(1000), ecg.WithoutChecksums())
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.2f\n", rec.Channels[0].Samples)
	// Output:
	// multi_layout 0 false
	// multi_a 10 false
	// ~ 5 true
	// multi_b 10 false
	// [0.08 0.09 NaN NaN NaN NaN NaN NaN 0.25 0.60]
}

// What is left of a file that was cut short.
func ExampleWithTruncated() {
	files := fstest.MapFS{"x.hea": {Data: []byte("x 1 100 4\nx.dat 16 1")}, "x.dat": {Data: []byte{1, 0, 2, 0, 3}}}
	r, err := ecg.Open(files, "x")
	if err != nil {
		panic(err)
	}
	_, err = ecg.Read[float64](r, 0, 4)
	var short *ecg.TruncatedError
	fmt.Println(errors.As(err, &short), errors.Is(err, ecg.ErrTruncated), short.Have, "of", short.Want)
	rec, err := ecg.Read[float64](r, 0, 4, ecg.WithTruncated())
	fmt.Println(rec.Channels[0].Samples, err)
	// Output:
	// true true 2 of 4
	// [1 2 NaN NaN] <nil>
}

// Files from anywhere, such as an archive that is read as it comes.
func ExampleOpenFunc() {
	files := map[string]string{"x.hea": "x 1 100 3\nx.dat 80 1", "x.dat": "\x80\x81\x7f"}
	r, err := ecg.OpenFunc("x", func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(files[name])), nil
	})
	if err != nil {
		panic(err)
	}
	rec, err := ecg.Read[float32](r, 0, 3)
	fmt.Println(rec.Channels[0].Samples, err)
	// Output: [0 1 -1] <nil>
}

func ExampleWriteRecord() {
	lead := []float64{0, 0.5, 1.25, math.NaN(), -0.25}
	h := ecg.Header{Name: "mine", Rate: 250, Comments: []string{"age: 52"},
		Signals: []ecg.Signal{{Format: 212, Gain: 200, Units: "mV", Name: "II"}}}
	var header, data bytes.Buffer
	if err := ecg.WriteRecord(&header, &data, h, [][]float64{lead}); err != nil {
		panic(err)
	}
	fmt.Print(header.String())
	again, err := ecg.ReadHeader(&header)
	fmt.Println(again.Frames, data.Len(), err)
	// Output:
	// mine 1 250 5
	// mine.dat 212 200(0)/mV 0 0 0 -1748 0 II
	// # age: 52
	// 5 8 <nil>
}

// Where the risk of a patient comes from, for any program that shows records.
func ExampleWriteAnnotations() {
	a := ecg.Annotations{Rate: 128, Items: []ecg.Annotation{
		{Sample: 77, Code: ecg.NormalBeat},
		{Sample: 180, Code: ecg.NormalBeat, Aux: "+0.31"},
		{Sample: 240, Code: ecg.VentricularBeat}}}
	var file bytes.Buffer
	if err := ecg.WriteAnnotations(&file, a); err != nil {
		panic(err)
	}
	again, err := ecg.ReadAnnotations(&file)
	if err != nil {
		panic(err)
	}
	at250, err := again.At(128, 250)
	if err != nil {
		panic(err)
	}
	for _, item := range at250.Items {
		fmt.Printf("%d %v %v %v %q\n", item.Sample, item.Code, item.Code.Beat(), item.Code.Normal(), item.Aux)
	}
	s, err := ecg.SeriesOfAnnotations(again, 128)
	fmt.Println(len(s.Beats), s.Beats[2].Normal, err)
	// Output:
	// 150 N true true ""
	// 352 N true true "+0.31"
	// 469 V true false ""
	// 3 false <nil>
}

func ExampleSeries_HRV() {
	s := ecg.Series{Rate: 1000}
	at := 0
	for _, rr := range []int{0, 800, 810, 790, 5000, 810, 790, 830} {
		at += rr
		s.Beats = append(s.Beats, ecg.Beat{Sample: at, Normal: true, Gap: rr == 5000})
	}
	h, err := s.HRV()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.0f ms, SDNN %.2f, RMSSD %.2f, of %d intervals and %d differences\n", h.Mean, h.SDNN, h.RMSSD,
		h.Intervals,
		h.Differences)
	// Output: 805 ms, SDNN 15.17, RMSSD 25.00, of 6 intervals and 4 differences
}

// From a lead to the numbers of the heart rate, with the bad stretches left out.
func ExampleAssess() {
	rr, err := ecg.Tachogram(2, 260, 65, 0.04, 0.5)
	if err != nil {
		panic(err)
	}
	lead, err := ecg.NewOscillator().Run(rr, 2)
	if err != nil {
		panic(err)
	}
	const rate = 256
	for i := range 3 * rate { // an electrode was off
		lead[100*rate+i] = 0
	}
	quality, err := ecg.Assess(lead, rate, ecg.WithWindow(5), ecg.WithThresholds(0, 0.5, 8, 3.5))
	if err != nil {
		panic(err)
	}
	for _, q := range quality {
		if !q.Good() {
			fmt.Println(q.From/rate, "to", q.To/rate, "s:", q.Verdict)
		}
	}
	peaks, err := ecg.DetectQRS(lead, rate)
	if err != nil {
		panic(err)
	}
	s, err := ecg.SeriesOf(peaks, rate, quality, 2)
	if err != nil {
		panic(err)
	}
	if s, err = s.MarkEctopic(0.3); err != nil {
		panic(err)
	}
	spectrum, err := s.Spectrum(ecg.WithSpectrumWindow(120), ecg.WithBands(ecg.Band{Name: "LF", Lo: 0.04, Hi: 0.15},
		ecg.Band{Name: "HF", Lo: 0.15, Hi: 0.4}))
	if err != nil {
		panic(err)
	}
	capacity, err := s.Capacity()
	if err != nil {
		panic(err)
	}
	fmt.Println(spectrum.Windows, "windows,", spectrum.Bands[0].Power > 100,
		capacity.Deceleration > 0)
	whole, err := s.Between(0, 60*rate).HRV()
	fmt.Println(whole.Intervals, err)
	// Output:
	// 100 to 105 s: flat
	// 1 windows, true true
	// 64 <nil>
}

// The answer to a premature beat.
func ExampleSeries_Turbulence() {
	s := ecg.Series{Rate: 1000}
	at := 0
	for i := range 30 {
		rr := 800
		switch {
		case i == 7:
			rr = 500
		case i == 8:
			rr = 1100
		case i > 8:
			rr = 770 + 6*(i-9)
		}
		at += rr
		s.Beats = append(s.Beats, ecg.Beat{Sample: at, Normal: i != 7})
	}
	t, err := s.Turbulence()
	fmt.Printf("onset %.2f %%, slope %.1f ms per interval, %v\n", t.Onset, t.Slope, err)
	// Output: onset -3.38 %, slope 6.0 ms per interval, <nil>
}

func ExampleWarpDistance() {
	narrow, late := []float64{0, 0, 1, 0, 0, 0}, []float64{0, 0, 0, 0, 1, 0}
	warped, err := ecg.WarpDistance(narrow, late)
	fmt.Println(warped, err)
	// Output: 0 <nil>
}

func ExampleGaussian() {
	beats := []ecg.GaussianBeat{{R: 0.5, Waves: []ecg.Wave{{Height: 1, Width: 0.2}}}, {R: 1.5}}
	lead := make([]float64, 8)
	if err := ecg.Gaussian(lead, 8, beats); err != nil {
		panic(err)
	}
	fmt.Printf("%.3f\n", lead)
	// Output: [0.000 0.000 0.000 0.000 1.000 0.000 0.000 0.000]
}

// Patients whose risk is known: their instances, and what no score can beat.
func ExampleNewCohort() {
	cohort, err := ecg.NewCohort(ecg.WithSeed(4), ecg.WithBeats(32, 48))
	if err != nil {
		panic(err)
	}
	p := cohort.Patient(0)
	pairs, first, err := p.Instances(2)
	if err != nil {
		panic(err)
	}
	beats, err := ecg.SegmentBeats(p.Lead, p.Peaks, 64, 64)
	if err != nil {
		panic(err)
	}
	height, err := beats.Amplitude()
	if err != nil {
		panic(err)
	}
	fmt.Println(pairs.Rows, pairs.Cols, len(first), height > 0)
	again := cohort.Patient(0)
	fmt.Println(p.Lifetime.Event, p.Oracle() == again.Oracle())
	// Output:
	// 38 256 38 true
	// false true
}
