package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/tensor"
)

// AUC is the area under the ROC curve: the probability that a positive has a higher score than a negative, ties
// counting half, with the interval of DeLong et al. 1988, cut off at 0 and 1. It takes O(n log n). Scores are never
// turned round: those that are high for negatives have an area below one half. weights are one for each example, >= 0,
// or nil; they are importance weights, of which only the ratios within each class matter.
//
// A perfect area has no variance and an interval of no width, with a warning that wraps [ErrDegenerate]; a class of a
// single example bounds nothing, with a warning that wraps [ErrTooFew]. The error wraps [ErrOneClass] if all labels are
// the same or one class has no weight, [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] or
// [tensor.ErrRange].
func AUC(positive []bool, score, weights []float64, opts ...LevelOption) (Estimate, error) {
	c, err := configure("AUC", opts)
	if err != nil {
		return Estimate{}, err
	}
	p, err := c.placements("score", positive, score, weights)
	if err != nil {
		return Estimate{}, err
	}
	return c.areaOf(p), nil
}

// areaOf is the area with its interval.
func (c *config) areaOf(p *placements) Estimate {
	e := Estimate{Value: p.area, Level: c.level, Interval: DeLong, N: p.fewest()}
	e.Lo, e.Hi = c.normal(p.area, math.Sqrt(covariance(p, p)))
	e.Lo, e.Hi = max(0, e.Lo), min(1, e.Hi)
	e.Warnings = p.warnings()
	if p.fewest() < 2 {
		e.Lo, e.Hi = 0, 1
	}
	return e
}

// AUCComparison is the result of comparing the areas of two scores of the same examples.
type AUCComparison struct {
	A          Estimate `json:"a"`
	B          Estimate `json:"b"`
	Difference Estimate `json:"difference"` // A less B
	Z          float64  `json:"z"`
	P          float64  `json:"p"` // two-sided
}

// CompareAUC compares the areas of two scores of the same examples by the covariance of DeLong et al. 1988. Scores that
// rank all examples alike differ by 0 with P 1. The error is that of [AUC], or wraps [ErrTooFew] for a class of a
// single example or [ErrDegenerate] if the areas differ and have no variance.
func CompareAUC(positive []bool, a, b, weights []float64, opts ...LevelOption) (AUCComparison, error) {
	c, err := configure("CompareAUC", opts)
	if err != nil {
		return AUCComparison{}, err
	}
	pa, err := c.placements("a", positive, a, weights)
	if err != nil {
		return AUCComparison{}, err
	}
	pb, err := c.placements("b", positive, b, weights)
	if err != nil {
		return AUCComparison{}, err
	}
	if n := pa.fewest(); n < 2 {
		return AUCComparison{}, c.errorf("a class of %d example: %w", n, ErrTooFew)
	}
	t := AUCComparison{A: c.areaOf(pa), B: c.areaOf(pb), P: 1}
	d := Estimate{Value: pa.area - pb.area, Level: c.level, Interval: DeLong, N: pa.fewest()}
	variance := covariance(pa, pa) + covariance(pb, pb) - 2*covariance(pa, pb)
	if pa.same(pb) {
		variance, d.Value = 0, 0
		d.Warnings = append(d.Warnings, fmt.Errorf("both scores rank all examples alike: %w", ErrDegenerate))
	} else if !(variance > 0) {
		return AUCComparison{}, c.errorf("areas %v and %v without a variance of their difference: %w", pa.area, pb.area,
			ErrDegenerate)
	} else {
		t.Z = d.Value / math.Sqrt(variance)
		t.P = 2 * distuv.UnitNormal.CDF(-math.Abs(t.Z))
	}
	d.Lo, d.Hi = c.normal(d.Value, math.Sqrt(variance))
	t.Difference = d
	return t, nil
}

// placements is, for each example, the weighted share of the other class that it is on the right side of, ties counting
// half: of the negatives below a positive, or of the positives above a negative.
type placements struct {
	positive []bool
	share    []float64
	weight   []float64 // over the sum of the class
	area     float64
	n        [2]int // negatives and positives
}

// scored is an example in the order of its score.
type scored struct {
	score float64
	at    int32
}

// byScore checks the arguments and sorts the examples by score.
func (c *config) byScore(name string, positive []bool, score, weights []float64) ([]scored, error) {
	if len(positive) != len(score) || weights != nil && len(weights) != len(score) {
		return nil, c.errorf("%d labels, %d values of %s and %d weights: %w", len(positive), len(score), name, len(weights),
			tensor.ErrShape)
	}
	if len(score) > math.MaxInt32 {
		return nil, c.errorf("%d values of %s, want up to 2^31-1: %w", len(score), name, tensor.ErrRange)
	}
	if err := c.checkSample(name, score); err != nil {
		return nil, err
	}
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, c.errorf("weights[%d] = %v, want a finite number of at least 0: %w", i, w, tensor.ErrRange)
		}
	}
	sorted := make([]scored, len(score))
	for i, v := range score {
		sorted[i] = scored{v, int32(i)}
	}
	slices.SortFunc(sorted, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	return sorted, nil
}

func (c *config) placements(name string, positive []bool, score, weights []float64) (*placements, error) {
	sorted, err := c.byScore(name, positive, score, weights)
	if err != nil {
		return nil, err
	}
	p := &placements{positive: positive, share: make([]float64, len(score)), weight: make([]float64, len(score))}
	var total [2]float64
	for i, is := range positive {
		p.weight[i] = 1
		if weights != nil {
			p.weight[i] = weights[i]
		}
		total[class(is)] += p.weight[i]
		p.n[class(is)]++
	}
	if !(total[0] > 0 && total[1] > 0) {
		return nil, c.errorf("%d positives with weight %v and %d negatives with weight %v: %w", p.n[1], total[1], p.n[0],
			total[0], ErrOneClass)
	}
	var below [2]float64 // weight of each class among lower scores
	for i := 0; i < len(sorted); {
		var tied [2]float64
		j := i
		for ; j < len(sorted) && sorted[j].score == sorted[i].score; j++ {
			at := sorted[j].at
			tied[class(positive[at])] += p.weight[at]
		}
		above := (below[0] + tied[0]/2) / total[0]  // share of the negatives that a positive here beats
		beaten := 1 - (below[1]+tied[1]/2)/total[1] // share of the positives that beat a negative here
		for ; i < j; i++ {
			at := sorted[i].at
			p.share[at] = beaten
			if positive[at] {
				p.share[at] = above
				p.area += float64(p.weight[at] * above)
			}
		}
		below[0] += tied[0]
		below[1] += tied[1]
	}
	p.area /= total[1]
	for i, is := range positive {
		p.weight[i] /= total[class(is)]
	}
	return p, nil
}

func class(positive bool) int {
	if positive {
		return 1
	}
	return 0
}

func (p *placements) fewest() int { return min(p.n[0], p.n[1]) }

func (p *placements) warnings() []error {
	switch {
	case p.fewest() < 2:
		return []error{fmt.Errorf("a class of a single example has no variance: %w", ErrTooFew)}
	case covariance(p, p) == 0:
		return []error{fmt.Errorf("an area of %v without variance: %w", p.area, ErrDegenerate)}
	}
	return nil
}

// same reports whether two scores place all examples alike.
func (p *placements) same(q *placements) bool { return slices.Equal(p.share, q.share) }

// covariance of two areas: of each class, that of the placements over the examples. With weights it is that of a
// weighted mean.
func covariance(p, q *placements) float64 {
	var sum [2]float64
	for i, is := range p.positive {
		k := class(is)
		sum[k] += float64(p.weight[i] * p.weight[i] * (p.share[i] - p.area) * (q.share[i] - q.area))
	}
	total := 0.0
	for k, n := range p.n {
		total += sum[k] * float64(n) / float64(n-1)
	}
	return total
}

// ROCPoint is a point of a ROC curve: scores of at least the threshold count as positive.
type ROCPoint struct {
	Threshold float64 `json:"threshold"` // -Inf at the end at which all are positive, +Inf where none is
	TPR       float64 `json:"tpr"`       // share of the positives that count as positive: sensitivity
	FPR       float64 `json:"fpr"`       // share of the negatives that do: 1 - specificity
}

// ROC is the ROC curve from (0, 0) to (1, 1), a point for each distinct score. The error is that of [AUC].
func ROC(positive []bool, score, weights []float64) ([]ROCPoint, error) {
	c := config{call: "stats: ROC"}
	p, err := c.placements("score", positive, score, weights)
	if err != nil {
		return nil, err
	}
	sorted, err := c.byScore("score", positive, score, weights)
	if err != nil {
		return nil, err
	}
	curve := []ROCPoint{{Threshold: math.Inf(1)}}
	var sum [2]float64
	for i := len(sorted) - 1; i >= 0; {
		v := sorted[i].score
		for ; i >= 0 && sorted[i].score == v; i-- {
			at := sorted[i].at
			sum[class(positive[at])] += p.weight[at]
		}
		curve = append(curve, ROCPoint{v, min(1, sum[1]), min(1, sum[0])})
	}
	last := &curve[len(curve)-1]
	last.TPR, last.FPR = 1, 1
	return curve, nil
}
