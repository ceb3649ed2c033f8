package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/mil/ecg"
)

// explain writes the lead of a test patient of high risk, with what each pair of beats did to it: as a drawing, and as
// a record with annotations that any program for such records shows. Of the twentieth of the highest scores it takes
// the patient whose beats differ most.
func explain(c beats.Cohort, m *beats.Model, dir string) error {
	p, err := m.Probabilities(c.Bags)
	if err != nil {
		return err
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
	top, widest := order[0], -1.0
	var effect []float64
	for _, i := range order[:max(1, len(order)/20)] {
		e, err := m.Effects(c.Bags, i)
		if err != nil {
			return err
		}
		if wide := slices.Max(e) - slices.Min(e); wide > widest {
			top, widest, effect = i, wide, e
		}
	}
	number, patient := c.Patient(top)
	_, first, err := patient.Instances(beats.PerInstance)
	if err != nil {
		return err
	}
	segments, err := ecg.SegmentBeats(patient.Lead, patient.Peaks, beats.Window/2, beats.Window/2)
	if err != nil {
		return err
	}
	peaks := make([]int, len(first))
	for k, i := range first {
		peaks[k] = segments.Peaks[i]
	}
	title := fmt.Sprintf("patient %d: probability %.2f by attention, %d of %d beats abnormal", number, p[top],
		count(patient.Abnormal), len(patient.Abnormal))
	drawing := strip(title, patient, peaks, effect)
	if err := os.WriteFile(filepath.Join(dir, "strip.svg"), drawing, 0o644); err != nil {
		return err
	}
	return record(dir, patient, peaks, effect, title)
}

func count(list []bool) int {
	n := 0
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// strip draws the ten seconds around the beat that raised the risk most. Beats that raised the risk stand on red,
// darker for more, those that lowered it on blue.
func strip(title string, p ecg.Patient, peaks []int, effect []float64) []byte {
	const width, height, seconds = 1000, 220, 10
	samples, strongest := min(len(p.Lead), int(seconds*p.Rate)), 0
	for k, v := range effect {
		if v > effect[strongest] {
			strongest = k
		}
	}
	begin := min(max(0, peaks[strongest]-samples/2), len(p.Lead)-samples)
	lead := p.Lead[begin : begin+samples]
	x := func(sample int) float64 { return float64(sample) * width / float64(samples) }
	tallest := float32(0)
	for _, v := range lead {
		tallest = max(tallest, v, -v)
	}
	y := func(mv float32) float64 { return 140 - 100*float64(mv/tallest) }
	largest := 0.0
	for _, v := range effect {
		largest = max(largest, v, -v)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`,
		width, height)
	fmt.Fprintf(&b, "\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n", width, height)
	for k, r := range peaks {
		lo, hi := max(0, r-begin-beats.Window/4), min(samples, r-begin+beats.Window/2)
		if lo >= hi || largest == 0 {
			continue
		}
		colour, size := "#d55e00", effect[k]/largest
		if size < 0 {
			colour, size = "#0072b2", -size
		}
		fmt.Fprintf(&b, `<rect x="%.1f" y="30" width="%.1f" height="170" fill="%s" opacity="%.2f"/>`+"\n", x(lo),
			x(hi)-x(lo), colour, 0.6*size)
	}
	var path strings.Builder
	for i := range samples {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x(i), y(lead[i]))
	}
	fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="black" stroke-width="1.2"/>`+"\n", path.String())
	fmt.Fprintf(&b, `<text x="8" y="20">%s; red raised the risk, blue lowered it</text>`+"\n</svg>\n", title)
	return b.Bytes()
}

// record writes the lead as a record of WFDB, and its annotations.
func record(dir string, p ecg.Patient, peaks []int, effect []float64, title string) error {
	var header, data, marks bytes.Buffer
	h := ecg.Header{Name: "patient", Rate: p.Rate, Comments: []string{title},
		Signals: []ecg.Signal{{Format: 16, Gain: 1000, Units: "mV", Name: "synthetic"}}}
	if err := ecg.WriteRecord(&header, &data, h, [][]float32{p.Lead}); err != nil {
		return err
	}
	a := ecg.Annotations{Rate: p.Rate}
	for k, r := range peaks {
		a.Items = append(a.Items, ecg.Annotation{Sample: int64(r), Code: ecg.NormalBeat,
			Aux: fmt.Sprintf("%+.3f", effect[k])})
	}
	if err := ecg.WriteAnnotations(&marks, a); err != nil {
		return err
	}
	for name, content := range map[string]*bytes.Buffer{"patient.hea": &header, "patient.dat": &data,
		"patient.risk": &marks} {
		if err := os.WriteFile(filepath.Join(dir, name), content.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
