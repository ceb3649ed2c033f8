package tradeoff

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// OlympicMean is the mean of results without the drop smallest and the drop largest, as MLPerf scores runs. A run that did not converge is +Inf
// and counts as the slowest, so that the mean is +Inf if there are more of them than are dropped. The error wraps [tensor.ErrEmpty] if
// nothing is left, or [tensor.ErrNotFinite] or [tensor.ErrRange].
func OlympicMean(results []float64, drop int) (float64, error) {
	c := config{function: "OlympicMean"}
	kept, err := c.olympic(results, drop)
	if err != nil {
		return 0, err
	}
	mean, _ := moments(kept)
	return mean, nil
}

func (c *config) olympic(results []float64, drop int) ([]float64, error) {
	if drop < 0 {
		return nil, c.errorf("drop is %d: %w", drop, tensor.ErrRange)
	}
	if len(results) <= 2*drop {
		return nil, c.errorf("%d results of which %d are dropped: %w", len(results), 2*drop, tensor.ErrEmpty)
	}
	for i, v := range results {
		if v != v || math.IsInf(v, -1) {
			return nil, c.errorf("results[%d] = %v; a run that did not converge is +Inf: %w", i, v, tensor.ErrNotFinite)
		}
	}
	sorted := slices.Sorted(slices.Values(results))
	return sorted[drop : len(sorted)-drop], nil
}

// ReferencePoint is MLPerf's reference for a batch size: the epochs, or samples, that the reference needs to converge (RCP).
type ReferencePoint struct {
	Name      string
	BatchSize float64
	Epochs    []float64 // of each run
}

// ConvergenceCheck is what the references allow at a batch size.
type ConvergenceCheck struct {
	BatchSize float64
	Mean      float64 // of the reference, interpolated between batch sizes if need be
	Min       float64 // the least mean that is no faster than chance allows
	Submitted float64 // mean of the submission
	Pass      bool
}

// MaxSpeedup is by how much a submission may converge faster than the reference.
func (c ConvergenceCheck) MaxSpeedup() float64 { return c.Mean / c.Min }

// CheckConvergence tells whether a submission converges no faster than the references: its mean must be at least
//
//	mean - t(0.95, n1+n2-2) * s * sqrt(1/n1 + 1/n2)
//
// with the n1 runs of the reference, drop of them dropped at each end for the mean but not for the standard deviation s, as MLPerf's code has it,
// and the n2 = len(epochs) - 2*drop runs of the submission. Between two batch sizes of the lower convex envelope of the references, mean and s
// are interpolated and n1 is twice len(epochs); beyond them is an error that wraps [ErrNoOverlap].
func CheckConvergence(refs []ReferencePoint, batchSize float64, epochs []float64, drop int) (ConvergenceCheck, error) {
	c := config{function: "CheckConvergence"}
	submitted, err := c.olympic(epochs, drop)
	if err != nil {
		return ConvergenceCheck{}, err
	}
	points := make([]reference, 0, len(refs))
	for _, r := range refs {
		p, err := c.reference(r, drop)
		if err != nil {
			return ConvergenceCheck{}, err
		}
		points = append(points, p)
	}
	slices.SortFunc(points, func(a, b reference) int { return order(a.batch, b.batch) })
	at, err := c.referenceAt(points, batchSize, 2*len(epochs))
	if err != nil {
		return ConvergenceCheck{}, err
	}
	check := ConvergenceCheck{BatchSize: batchSize, Mean: at.mean, Min: at.least(len(submitted))}
	check.Submitted, _ = moments(submitted)
	check.Pass = check.Submitted >= check.Min
	return check, nil
}

// reference is the statistics of a reference point.
type reference struct {
	batch, mean, sd float64
	n               int
}

func (c *config) reference(r ReferencePoint, drop int) (reference, error) {
	kept, err := c.olympic(r.Epochs, drop)
	if err != nil {
		return reference{}, fmt.Errorf("reference %q: %w", r.Name, err)
	}
	if !(r.BatchSize > 0) || math.IsInf(kept[len(kept)-1], 1) {
		return reference{}, c.errorf("reference %q has batch size %v and epochs up to %v: %w", r.Name, r.BatchSize, kept[len(kept)-1], tensor.ErrRange)
	}
	mean, _ := moments(kept)
	_, variance := moments(r.Epochs)
	n := float64(len(r.Epochs))
	return reference{r.BatchSize, mean, math.Sqrt(variance * (n - 1) / n), len(kept)}, nil
}

// least is the least mean of n runs.
func (r reference) least(n int) float64 {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(r.n + n - 2)}.Quantile(0.95)
	return r.mean - t*r.sd*math.Sqrt(1/float64(r.n)+1/float64(n))
}

func (c *config) referenceAt(points []reference, batch float64, n int) (reference, error) {
	for _, p := range points {
		if p.batch == batch {
			return p, nil
		}
	}
	var hull []reference // lower convex envelope
	for _, p := range points {
		for len(hull) > 1 {
			a, b := hull[len(hull)-2], hull[len(hull)-1]
			if (b.mean-a.mean)*(p.batch-b.batch) < (p.mean-b.mean)*(b.batch-a.batch) {
				break
			}
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	for i := 1; i < len(hull); i++ {
		a, b := hull[i-1], hull[i]
		if a.batch < batch && batch < b.batch {
			f := (batch - a.batch) / (b.batch - a.batch)
			return reference{batch, a.mean + float64(f*(b.mean-a.mean)), a.sd + float64(f*(b.sd-a.sd)), n}, nil
		}
	}
	return reference{}, c.errorf("batch size %v is outside the %d references: %w", batch, len(points), ErrNoOverlap)
}

// Utilization is the share of the peak of the hardware that the model's arithmetic takes: its FLOPs, without those that are computed again to save
// memory, over peak FLOPs a second times seconds. The error wraps [tensor.ErrRange] unless all are above 0.
func Utilization(modelFLOPs, peakPerSecond, seconds float64) (float64, error) {
	for name, v := range map[string]float64{"modelFLOPs": modelFLOPs, "peakPerSecond": peakPerSecond, "seconds": seconds} {
		if !(v > 0) || math.IsInf(v, 1) {
			return 0, fmt.Errorf("tradeoff: Utilization: %s is %v, want a finite number above 0: %w", name, v, tensor.ErrRange)
		}
	}
	return modelFLOPs / (peakPerSecond * seconds), nil
}
