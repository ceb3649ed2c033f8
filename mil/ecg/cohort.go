package ecg

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Cohort is synthetic patients of whom the risk is known. Each has a severity z, drawn from a standard normal
// distribution: the share of abnormal beats, with a T wave turned down, a lowered ST segment and a wider QRS complex,
// grows with it, and so does the hazard of the event. What else differs between patients and beats, the size of the
// waves, the rate, breathing, the wandering baseline, noise and the electrodes, says nothing of the risk. Event and
// censoring come about as often as in the trial of the paper: 2.2 % have the event within 90 days.
//
// Patient i depends on the seed and i alone. A cohort is immutable.
type Cohort struct {
	config cohortConfig
	scale  float64 // of the hazard
}

// Variant is how the beats of a [Cohort] lie.
type Variant uint8

// The variants.
const (
	Aligned  Variant = iota // windows are centred on the R peaks
	Signed                  // R peaks are off by up to six samples, and abnormal T waves are flat or tall, by patient
	Jittered                // R peaks are off by up to six samples
)

var variants = enum.Of[Variant]("variant", "aligned", "signed", "jittered")

// String is the variant's name.
func (v Variant) String() string { return variants.String(v) }

// MarshalText writes the name.
func (v Variant) MarshalText() ([]byte, error) { return variants.Marshal(v) }

// UnmarshalText reads a name.
func (v *Variant) UnmarshalText(text []byte) error { return variants.Unmarshal(v, text) }

// CohortOption is a choice of [NewCohort].
type CohortOption func(*cohortConfig) error

type cohortConfig struct {
	seed    uint64
	variant Variant
	beats   int
	least   int
}

// WithSeed sets the seed of the patients. Default 0.
func WithSeed(seed uint64) CohortOption {
	return func(c *cohortConfig) error {
		c.seed = seed
		return nil
	}
}

// WithVariant sets how beats lie. Default [Aligned].
func WithVariant(v Variant) CohortOption {
	return func(c *cohortConfig) error {
		c.variant = v
		return variants.Option("WithVariant", v)
	}
}

// WithBeats sets how many beats a patient has: from least to most, as likely each, 4 to 100,000. Default 32 and
// 48.
func WithBeats(least, most int) CohortOption {
	return func(c *cohortConfig) error {
		c.least, c.beats = least, most
		return option.Range(least >= 4 && most >= least && most <= 100_000, "WithBeats", [2]int{least, most},
			"4 <= least <= most <= 100000")
	}
}

// NewCohort sets a cohort up. The error is that of its options.
func NewCohort(opts ...CohortOption) (Cohort, error) {
	c := Cohort{config: cohortConfig{least: 32, beats: 48}}
	if err := option.Apply("ecg: NewCohort", &c.config, opts); err != nil {
		return Cohort{}, err
	}
	c.scale = hazardScale(0.022)
	return c, nil
}

const (
	cohortRate = 128.0 // Hz
	horizon    = 90.0  // days
	shape      = 0.6   // of the Weibull distribution of the times
	steepness  = 1.5   // of the logarithm of the hazard in z
)

// hazardScale is the hazard at z = 0 of which a share has the event by the horizon: its mean over z, by Simpson's
// rule, is halved onto.
func hazardScale(share float64) float64 {
	mean := func(scale float64) float64 {
		const n, end = 400, 8.0
		sum := 0.0
		for k := 0; k <= n; k++ {
			z := -end + 2*end*float64(k)/n
			weight := 2.0 + 2*float64(k%2)
			if k == 0 || k == n {
				weight = 1
			}
			density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
			sum += weight * density * -math.Expm1(-scale*math.Exp(steepness*z))
		}
		return sum * (2 * end / n) / 3
	}
	lo, hi := 0.0, 1.0
	for range 60 {
		if middle := (lo + hi) / 2; mean(middle) < share {
			lo = middle
		} else {
			hi = middle
		}
	}
	return (lo + hi) / 2
}

// Patient is one of a [Cohort].
type Patient struct {
	Z        float64        // severity, which nothing but the beats and the outcome shows
	Witness  float64        // probability that a beat is abnormal
	Lifetime stats.Lifetime // days
	Rate     float64        // samples per second
	Lead     []float32      // millivolts
	Peaks    []int          // samples that beats are cut out around, off by a little in [Jittered] and [Signed]
	Abnormal []bool         // of each beat
}

// What is drawn for a patient, each from a stream of its own.
const (
	drawOutcome uint64 = iota
	drawBody
	drawBeats
	drawNoise
)

// Patient makes patient i.
func (c Cohort) Patient(i uint64) Patient {
	p := c.outcome(i)
	c.beats(&p, i)
	return p
}

// outcome draws the severity and what comes of it.
func (c Cohort) outcome(i uint64) Patient {
	rng := tensor.Stream(c.config.seed, i, drawOutcome)
	p := Patient{Z: rng.NormFloat64(), Rate: cohortRate}
	p.Witness = 1 / (1 + math.Exp(2-1.2*p.Z))
	t := horizon * math.Pow(rng.ExpFloat64()/(c.scale*math.Exp(steepness*p.Z)), 1/shape)
	end := 200 + 300*rng.Float64()
	if rng.Float64() < 0.05 { // left early
		end = horizon * rng.Float64()
	}
	p.Lifetime = stats.Lifetime{Time: min(t, end), Event: t <= end}
	return p
}

// usual are the waves of a healthy beat: P, Q, R, S, T and the ST segment.
var usual = [6]Wave{{-70 * math.Pi / 180, 0.12, 0.25}, {-15 * math.Pi / 180, -0.10, 0.1}, {0, 1, 0.1},
	{15 * math.Pi / 180, -0.20, 0.1}, {100 * math.Pi / 180, 0.30, 0.4}, {45 * math.Pi / 180, 0, 0.35}}

// beats makes the lead and where its beats are.
func (c Cohort) beats(p *Patient, i uint64) {
	body, rng := tensor.Stream(c.config.seed, i, drawBody), tensor.Stream(c.config.seed, i, drawBeats)
	own := usual
	for k := range own {
		own[k].Height *= math.Exp(0.15 * body.NormFloat64())
		own[k].Width *= math.Exp(0.08 * body.NormFloat64())
	}
	mean := 60 / min(max(72+10*body.NormFloat64(), 40), 130)
	electrode := math.Exp(0.3 * body.NormFloat64())
	breathing, sign := 0.2+0.1*body.Float64(), 1.0
	if body.Float64() < 0.5 {
		sign = -1
	}
	n := c.config.least + body.IntN(c.config.beats-c.config.least+1)
	beats := make([]GaussianBeat, n)
	p.Abnormal, p.Peaks = make([]bool, n), make([]int, n)
	at := 0.6
	for k := range beats {
		p.Abnormal[k] = rng.Float64() < p.Witness
		waves := own
		waves[4].Height *= 1 + 0.15*rng.NormFloat64()
		severity := 0.6 + 0.8*rng.Float64()
		if p.Abnormal[k] {
			c.makeAbnormal(&waves, severity, sign)
		}
		beats[k] = GaussianBeat{at, append([]Wave(nil), waves[:]...)}
		p.Peaks[k] = int(math.Round(at * cohortRate))
		if c.config.variant != Aligned {
			p.Peaks[k] += rng.IntN(13) - 6
		}
		at += mean * (1 + 0.03*math.Sin(2*math.Pi*breathing*at) + 0.02*rng.NormFloat64())
	}
	p.Lead = make([]float32, int(math.Ceil((beats[n-1].R+0.6)*cohortRate)))
	if err := Gaussian(p.Lead, cohortRate, beats); err != nil {
		panic(err) // beats are in order
	}
	c.noise(p.Lead, i, electrode)
}

// makeAbnormal changes the waves of a beat.
func (c Cohort) makeAbnormal(waves *[6]Wave, severity, sign float64) {
	wider := 0.15 * severity
	if c.config.variant == Signed {
		waves[4].Height *= 1 + 0.6*sign*severity
		waves[5].Height = -0.1 * sign * severity
	} else {
		waves[4].Height *= -0.3 * severity
		waves[5].Height = -0.1 * severity
	}
	for k := 1; k <= 3; k++ {
		waves[k].Width *= 1 + wider
	}
}

// noise adds a baseline that wanders and noise, and multiplies by what the electrodes pass.
func (c Cohort) noise(lead []float32, i uint64, electrode float64) {
	rng := tensor.Stream(c.config.seed, i, drawNoise)
	slow, fast := 2*math.Pi*rng.Float64(), 2*math.Pi*rng.Float64()
	for k := range lead {
		t := float64(k) / cohortRate
		wander := 0.05*math.Sin(2*math.Pi*0.15*t+slow) + 0.03*math.Sin(2*math.Pi*0.33*t+fast)
		lead[k] = float32(electrode * (float64(lead[k]) + wander + 0.03*rng.NormFloat64()))
	}
}

// Oracle is the logarithm of the hazard over that at z = 0: the best that any score can know.
func (p Patient) Oracle() float64 { return steepness * p.Z }

// Instances are the windows of k neighbouring beats, 128 samples each with the peak in the middle, over the median
// height of the R peaks. The error wraps [tensor.ErrRange] for k below 1 and [ErrTooFewBeats].
func (p Patient) Instances(k int) (tensor.Matrix[float32], []int, error) {
	b, err := SegmentBeats(p.Lead, p.Peaks, 64, 64)
	if err != nil {
		return tensor.Matrix[float32]{}, nil, fmt.Errorf("ecg: Patient.Instances: %w", err)
	}
	height, err := b.Amplitude()
	if err != nil {
		return tensor.Matrix[float32]{}, nil, err
	}
	tensor.Scale(b.X.Data, float32(1/height), b.X.Data)
	return b.Instances(k)
}
