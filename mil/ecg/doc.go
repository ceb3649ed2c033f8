// Package ecg goes from recordings of the heart to the instances that a model of risk learns from: it reads and writes
// records in the format of PhysioNet (WFDB), finds beats, cuts them out, measures the variability of the heart rate,
// and makes recordings of patients whose risk is known. What it is for is in the paper on multiple instance learning
// for risk stratification (Shanmugam, Blalock and Guttag 2019, arXiv 1812.00475): an instance is two neighbouring
// beats, a bag is a patient.
//
//	r, err := ecg.Open(os.DirFS("mitdb"), "100")
//	rec, err := ecg.Read[float32](r, 0, frames, ecg.WithSignals("MLII"))   // any range; NaN where nothing was recorded
//	x := rec.Channels[0].Samples
//	peaks, err := ecg.DetectQRS(x, rec.Channels[0].Rate)
//	beats, err := ecg.SegmentBeats(x, peaks, 64, 64)                       // a second around each peak at 128 Hz
//	pairs, first, err := beats.Instances(2)                                // a row for each two neighbours
//
//	quality, err := ecg.Assess(x, rate)                                    // windows that are missing, flat, wild, noisy
//	series, err := ecg.SeriesOf(peaks, rate, quality, 2)                   // with gaps where they were
//	hrv, err := series.HRV()                                               // SDNN, RMSSD, pNN50: nothing across a gap
//
//	cohort, err := ecg.NewCohort(ecg.WithSeed(1))
//	patient := cohort.Patient(0)                                           // a lead, its beats, time and event
//
// # Records
//
// All formats of samples are read but those of FLAC, which are refused by name: 8, 16, 24, 32, 61, 80, 160, 212, 310
// and 311, several samples in a frame, skew, offsets, records in segments with gaps and signals that come and go,
// headers as databases write them, and annotations with their own resolution. Each signal keeps its own rate and, in
// segments, the scale that it has there. Checksums are compared. A range costs what it holds. Files that end early,
// headers that contradict themselves and counts that no file backs are errors, and take no memory.
//
// # Time
//
// Beats are whole samples, so that an interval of exactly 50 ms is not more than 50 ms. A [Series] knows where
// something may be missing; no interval, difference, window or answer to a premature beat reaches across.
//
// # When not to use it
//
// [DetectQRS] is for adults' leads with noise as it is in practice; for pacemakers, and wherever beats must be
// classified, there are better programs, whose annotations [SeriesOfAnnotations] takes. There is no delineation of P
// and T waves. EDF and DICOM files are for other packages. The cohort is made so that methods can be told apart; it
// says nothing about patients.
//
// # References
//
// Goldberger et al. 2000 and the manuals of WFDB for files; Pan and Tompkins 1985 for beats; Task Force 1996, Bauer et
// al. 2006 and Schmidt et al. 1999 for the heart rate; McSharry et al. 2003 for the oscillator; Syed et al. 2009 for
// distances of beats.
package ecg
