package score

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// ReferencePoint is how long runs of MLPerf's reference implementation took to converge at a batch size (RCP), in
// epochs or samples.
type ReferencePoint struct {
	Name      string
	BatchSize int
	Epochs    []float64 // of each run, usually 2 N of them where a submission has N
}

// ConvergenceBound is the fewest epochs that a submission may take at a batch size.
type ConvergenceBound struct {
	Name         string  `json:"name,omitempty"` // of the reference point; "" between two of them
	BatchSize    int     `json:"batch_size"`
	Mean         float64 `json:"mean"`         // olympic mean of the reference
	SD           float64 `json:"sd"`           // its standard deviation
	Min          float64 `json:"min"`          // the smallest mean that is not significantly faster than the reference
	Interpolated bool    `json:"interpolated"` // between the neighbouring points
}

// MaxSpeedup is Mean over Min.
func (b ConvergenceBound) MaxSpeedup() float64 { return b.Mean / b.Min }

// References is the reference convergence points of a benchmark, with which MLPerf checks that a submission is not
// faster because it solves an easier problem. It is immutable.
type References struct {
	runs, trim   int
	points, kept []ConvergenceBound
}

// NewReferences makes References for submissions of so many runs. The bound of a point is
//
//	Min = Mean - t(0.95, n1+n2-2) * SD * sqrt(1/n1 + 1/n2)
//
// with n1 runs of the reference that are not left out and n2 = runs-2 of the submission: the one-sided t test at level
// 0.05, in closed form. SD is the population's of all runs of the reference, as MLPerf's checker has it, or with
// [WithTrimmedDeviation] of those that are not left out, as the text of its policy has it. It takes
// WithTrimmedDeviation and WithTrim.
//
// Points that others make implausible are pruned as the checker does: those with a smaller batch size than the point of
// the least Mean, and those whose Mean is above the one interpolated between their neighbours.
//
// The error wraps [tensor.ErrEmpty], [tensor.ErrRange] for a batch size or epochs that are not above 0 or fewer than 3
// runs, [tradeoff.ErrTooFewRuns] if they leave no degree of freedom, and [tensor.ErrConflict] for two points of one
// batch size.
func NewReferences(points []ReferencePoint, runs int, opts ...ReferenceOption) (References, error) {
	c := referenceConfig{call: "NewReferences", trim: 1}
	if err := option.Apply("score: NewReferences", &c, opts); err != nil {
		return References{}, err
	}
	if len(points) == 0 {
		return References{}, c.errorf("no points: %w", tensor.ErrEmpty)
	}
	r := References{runs: runs, trim: c.trim}
	if runs < 3 || runs <= 2*r.trim {
		return References{}, c.errorf("submissions of %d runs, want at least %d: %w", runs, max(3, 2*r.trim+1),
			tensor.ErrRange)
	}
	for i, p := range points {
		bound, err := r.measured(&c, i, p)
		if err != nil {
			return References{}, err
		}
		r.points = append(r.points, bound)
	}
	slices.SortStableFunc(r.points, func(a, b ConvergenceBound) int { return a.BatchSize - b.BatchSize })
	for i, p := range r.points[1:] {
		if before := r.points[i]; before.BatchSize == p.BatchSize {
			return References{}, c.errorf("points %q and %q both have batch size %d: %w", before.Name, p.Name, p.BatchSize,
				tensor.ErrConflict)
		}
	}
	r.kept = r.prune()
	return r, nil
}

// ReferenceOption is a choice of [NewReferences].
type ReferenceOption func(*referenceConfig) error

type referenceConfig struct {
	call
	trimmed bool
	trim    int
}

// WithTrimmedDeviation has [NewReferences] leave those runs out of the standard deviation too: bounds are then
// stricter.
func WithTrimmedDeviation() ReferenceOption {
	return func(c *referenceConfig) error {
		c.trimmed = true
		return nil
	}
}

// WithTrim sets how many runs [NewReferences] leaves out at each end, 0 or more. Default 1; MLPerf's U-Net3D leaves out
// 4.
func WithTrim(n int) ReferenceOption {
	return func(c *referenceConfig) error {
		if n < 0 {
			return fmt.Errorf("WithTrim(%d): want 0 or more: %w", n, tensor.ErrRange)
		}
		c.trim = n
		return nil
	}
}

// measured is the bound at the i-th reference point.
func (r References) measured(c *referenceConfig, i int, p ReferencePoint) (ConvergenceBound, error) {
	if p.BatchSize <= 0 {
		return ConvergenceBound{}, c.errorf("points[%d] (%q) has batch size %d: %w", i, p.Name, p.BatchSize,
			tradeoff.ErrNonPositive)
	}
	for k, v := range p.Epochs {
		if !(v > 0) || math.IsInf(v, 1) {
			return ConvergenceBound{}, c.errorf("points[%d] (%q): run %d took %v epochs, want a finite number above 0: %w", i,
				p.Name, k, v, tensor.ErrRange)
		}
	}
	mean, err := c.olympic(fmt.Sprintf("points[%d] (%q)", i, p.Name), p.Epochs, r.trim)
	if err != nil {
		return ConvergenceBound{}, err
	}
	all := slices.Sorted(slices.Values(p.Epochs))
	kept := all[r.trim : len(all)-r.trim]
	if len(kept)+r.runs-2 < 3 {
		return ConvergenceBound{}, c.errorf("points[%d] (%q) has %d runs left and a submission 1, too few for a test: %w", i,
			p.Name, len(kept), tradeoff.ErrTooFewRuns)
	}
	sd := populationSD(all)
	if c.trimmed {
		sd = populationSD(kept)
	}
	return r.bound(p.Name, p.BatchSize, mean, sd, len(kept)), nil
}

func populationSD(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	return stat.PopStdDev(x, nil)
}

// bound completes a point of n reference runs.
func (r References) bound(name string, batch int, mean, sd float64, n int) ConvergenceBound {
	b := ConvergenceBound{Name: name, BatchSize: batch, Mean: mean, SD: sd, Min: mean}
	if n1, n2 := float64(n), float64(r.runs-2); sd > 0 {
		b.Min = max(0, mean-distuv.StudentsT{Sigma: 1, Nu: n1 + n2 - 2}.Quantile(0.95)*sd*math.Sqrt(1/n1+1/n2))
	}
	return b
}

// between interpolates in the batch size. As in the checker, the point counts as one of 2 N runs.
func (r References) between(batch int, lo, hi ConvergenceBound) ConvergenceBound {
	f := float64(batch-lo.BatchSize) / float64(hi.BatchSize-lo.BatchSize)
	b := r.bound("", batch, lo.Mean+float64(f*(hi.Mean-lo.Mean)), lo.SD+float64(f*(hi.SD-lo.SD)), 2*r.runs)
	b.Interpolated = true
	return b
}

func (r References) prune() []ConvergenceBound {
	fastest := 0
	for i, p := range r.points {
		if p.Mean < r.points[fastest].Mean {
			fastest = i
		}
	}
	kept := slices.Clone(r.points[fastest:])
	for i := 1; i < len(kept)-1; {
		// A point that was kept is not compared again when the one above it goes: the checker's rule, not the convex
		// envelope.
		if kept[i].Mean > r.between(kept[i].BatchSize, kept[i-1], kept[i+1]).Mean {
			kept = slices.Delete(kept, i, i+1)
		} else {
			i++
		}
	}
	return kept
}

// Points are the bounds at all reference points by increasing batch size.
func (r References) Points() []ConvergenceBound { return slices.Clone(r.points) }

// Pruned are the bounds at the points that [References.Review] goes by.
func (r References) Pruned() []ConvergenceBound { return slices.Clone(r.kept) }

// At is the bound at a batch size, interpolated where there is no point. The error wraps [tradeoff.ErrNoOverlap]
// outside the range of the points.
func (r References) At(batch int) (ConvergenceBound, error) {
	c := call("References.At")
	if len(r.kept) == 0 {
		return ConvergenceBound{}, c.errorf("no reference points: %w", tensor.ErrEmpty)
	}
	first, last := r.kept[0], r.kept[len(r.kept)-1]
	if batch < first.BatchSize || batch > last.BatchSize {
		return ConvergenceBound{},
			c.errorf("batch size %d lies outside the reference points, %d to %d; measure one there: %w",
				batch, first.BatchSize, last.BatchSize, tradeoff.ErrNoOverlap)
	}
	i, ok := slices.BinarySearchFunc(r.kept, batch, func(p ConvergenceBound, batch int) int { return p.BatchSize - batch })
	if ok {
		return r.kept[i], nil
	}
	return r.between(batch, r.kept[i-1], r.kept[i]), nil
}

// ConvergenceReview is a submission held against the reference.
type ConvergenceReview struct {
	Bound ConvergenceBound
	Mean  float64 // olympic mean of the submission, +Inf if too many runs did not converge
	Pass  bool    // it converges, and not significantly faster than the reference
	// Scale is what the submission's time is to be multiplied with: how much faster than the reference it converges, at
	// least 1.
	Scale float64
}

type reviewJSON struct {
	Bound ConvergenceBound `json:"bound"`
	Mean  report.Upper     `json:"mean"`
	Pass  bool             `json:"pass"`
	Scale report.Number    `json:"scale"`
}

// MarshalJSON writes a mean that is infinite as null.
func (r ConvergenceReview) MarshalJSON() ([]byte, error) {
	return json.Marshal(reviewJSON{r.Bound, report.Upper(r.Mean), r.Pass, report.Number(r.Scale)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *ConvergenceReview) UnmarshalJSON(b []byte) error {
	var j reviewJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = ConvergenceReview{j.Bound, float64(j.Mean), j.Pass, float64(j.Scale)}
	return nil
}

// Review holds the epochs to converge of the runs of a submission, +Inf for one that did not, against the reference. A
// batch size below all points passes if it converges no faster than the smallest of them may. The error wraps
// [tensor.ErrShape] for another number of runs than that of NewReferences, [tradeoff.ErrNoOverlap] where a reference
// point is missing, or is that of [OlympicMean].
func (r References) Review(batch int, epochs []float64) (ConvergenceReview, error) {
	c := call("References.Review")
	if len(r.kept) == 0 {
		return ConvergenceReview{}, c.errorf("no reference points: %w", tensor.ErrEmpty)
	}
	if batch <= 0 {
		return ConvergenceReview{}, c.errorf("batch size %d: %w", batch, tradeoff.ErrNonPositive)
	}
	if len(epochs) != r.runs {
		return ConvergenceReview{}, c.errorf("%d runs, want %d: %w", len(epochs), r.runs, tensor.ErrShape)
	}
	for i, v := range epochs {
		if v <= 0 {
			return ConvergenceReview{}, c.errorf("epochs[%d] = %v: %w", i, v, tradeoff.ErrNonPositive)
		}
	}
	mean, err := c.olympic("epochs", epochs, r.trim)
	if err != nil {
		return ConvergenceReview{}, err
	}
	bound := r.kept[0]
	if below := batch < bound.BatchSize; below && mean < bound.Min {
		return ConvergenceReview{},
			c.errorf("batch size %d lies below the reference points, and %.4g epochs below the %.4g of batch size %d; "+
				"measure a point there: %w",
				batch, mean, bound.Min, bound.BatchSize, tradeoff.ErrNoOverlap)
	} else if !below {
		if bound, err = r.At(batch); err != nil {
			return ConvergenceReview{}, err
		}
	}
	return ConvergenceReview{Bound: bound, Mean: mean, Pass: mean >= bound.Min && !math.IsInf(mean, 1),
		Scale: max(1, bound.Mean/mean)}, nil
}
