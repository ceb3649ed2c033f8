package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/tensor"
)

// records looks at the first lead of every record of a directory: how many beats there are, how well they agree with
// the annotations, if there are any, how the heart rate varies, and what the model says. It was trained on synthetic
// patients; of real ones its score means nothing.
func records(fsys fs.FS, single *beats.Model) error {
	headers, err := fs.Glob(fsys, "*.hea")
	if err != nil {
		return err
	}
	fmt.Printf("\n%-16s %6s %5s %7s %7s %7s %7s %7s %7s %6s\n", "record", "age", "lead", "minutes", "usable", "beats",
		"found", "SDNN", "DC", "score")
	for _, header := range headers {
		name := strings.TrimSuffix(header, ".hea")
		line, err := look(fsys, name, single)
		if err != nil {
			line = err.Error()
		}
		fmt.Printf("%-16s %s\n", name, line)
	}
	return nil
}

// look is the line of one record.
func look(fsys fs.FS, name string, single *beats.Model) (string, error) {
	r, err := ecg.Open(fsys, name)
	if err != nil {
		return "", err
	}
	frames, err := r.Frames()
	if err != nil {
		return "", err
	}
	if len(r.Signals()) == 0 {
		return "", errors.New("no signals")
	}
	frames = min(frames, int(3600*r.Header().Rate)) // the first hour
	recording, err := ecg.Read[float32](r, 0, frames)
	if err != nil {
		return "", err
	}
	lead := recording.Channels[0]
	peaks, err := ecg.DetectQRS(lead.Samples, lead.Rate)
	if err != nil {
		return "", err
	}
	quality, err := ecg.Assess(lead.Samples, lead.Rate)
	if err != nil {
		return "", err
	}
	usable := 0
	for _, q := range quality {
		if q.Good() {
			usable++
		}
	}
	sdnn, capacity := rhythm(peaks, lead.Rate, quality)
	age := "?"
	if who := ecg.ParseSubject(r.Header().Comments); who.Age == who.Age {
		age = fmt.Sprintf("%.0f %c", who.Age, who.Sex.String()[0])
	}
	p, err := scoreLead(single, lead, peaks)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%6s %5s %7.1f %6.0f%% %7d %7s %7.1f %7.1f %6.3f", age, lead.Name,
		float64(len(lead.Samples))/lead.Rate/60, 100*float64(usable)/float64(len(quality)), len(peaks),
		agreement(fsys, name, recording, peaks, lead.Rate), sdnn, capacity, p), nil
}

// rhythm is SDNN and the deceleration capacity, NaN where there are too few beats.
func rhythm(peaks []int, rate float64, quality []ecg.Quality) (sdnn, capacity float64) {
	sdnn, capacity = math.NaN(), math.NaN()
	s, err := ecg.SeriesOf(peaks, rate, quality, 2)
	if err != nil {
		return sdnn, capacity
	}
	if s, err = s.MarkEctopic(0.2); err != nil {
		return sdnn, capacity
	}
	if h, err := s.HRV(); err == nil {
		sdnn = h.SDNN
	}
	if c, err := s.Capacity(); err == nil {
		capacity = c.Deceleration
	}
	return sdnn, capacity
}

// agreement is the share of annotated beats that were found within 150 ms, or "-" without annotations.
func agreement(fsys fs.FS, name string, r ecg.Recording[float32], peaks []int, rate float64) string {
	file, err := fsys.Open(name + ".atr")
	if err != nil {
		return "-"
	}
	defer file.Close()
	a, err := ecg.ReadAnnotations(file)
	if err != nil {
		return "-"
	}
	if a, err = a.At(r.Rate, rate); err != nil {
		return "-"
	}
	annotated, found, next := 0, 0, 0
	for _, item := range a.Items {
		if !item.Code.Beat() || item.Sample >= int64(len(r.Channels[0].Samples)) {
			continue
		}
		annotated++
		for next < len(peaks) && float64(peaks[next]) < float64(item.Sample)-0.15*rate {
			next++
		}
		if next < len(peaks) && float64(peaks[next]) <= float64(item.Sample)+0.15*rate {
			found++
		}
	}
	if annotated == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(found)/float64(annotated))
}

// scoreLead is the mean probability of the pairs of beats of a lead, brought to the rate of the model.
func scoreLead(m *beats.Model, c ecg.Channel[float32], peaks []int) (float64, error) {
	flat := make([]float32, len(c.Samples))
	if err := ecg.RemoveBaseline(flat, c.Samples, c.Rate); err != nil {
		return 0, err
	}
	half := int(math.Round(c.Rate / 2))
	cut, err := ecg.SegmentBeats(flat, peaks, half, half)
	if err != nil {
		return 0, err
	}
	height, err := cut.Amplitude()
	if err != nil {
		return math.NaN(), nil // no beats, no score
	}
	resampled := ecg.Beats[float32]{X: tensor.NewMatrix[float32](cut.X.Rows, beats.Window), Peaks: cut.Peaks,
		Index: cut.Index}
	for i := range cut.X.Rows {
		from, to := cut.X.Row(i), resampled.X.Row(i)
		for j := range to {
			at := float64(j) * float64(len(from)-1) / float64(beats.Window-1)
			k := min(int(at), len(from)-2)
			share := float32(at - float64(k))
			to[j] = (from[k]*(1-share) + from[k+1]*share) / float32(height)
		}
	}
	x, _, err := resampled.Instances(beats.PerInstance)
	if err != nil {
		return 0, err
	}
	if x.Rows == 0 {
		return math.NaN(), nil
	}
	bags, err := mil.New(x, []int{0, x.Rows})
	if err != nil {
		return 0, err
	}
	p, err := m.Probabilities(bags)
	if err != nil {
		return 0, err
	}
	return mil.Score(mil.Mean(), p)
}
