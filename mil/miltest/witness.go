package miltest

import (
	"math"
	"testing"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// Witness is bags in which the classes differ by how many of their instances are positive, and by nothing else: the
// collective assumption of the paper, whose simulation this is. Instances are drawn from N((1, 1), I) if they are
// positive and N((1, -1), I) if not.
type Witness struct {
	Positive, Negative float64 // share of positive instances in bags of either class, in [0, 1]
	Size               int     // instances of a bag, 1 or more
}

// Bags draws as many bags of each class in turn, the positive ones first, and their labels.
func (w Witness) Bags(pairs int, seed uint64) (mil.Bags[float64], []bool) {
	x, offsets := tensor.NewMatrix[float64](2*pairs*w.Size, 2), make([]int, 2*pairs+1)
	labels := make([]bool, 2*pairs)
	for i := range labels {
		labels[i], offsets[i+1] = i%2 == 0, (i+1)*w.Size
		share, rng := w.Negative, tensor.Stream(seed, uint64(i))
		if labels[i] {
			share = w.Positive
		}
		for r := i * w.Size; r < (i+1)*w.Size; r++ {
			centre := -1.0
			if rng.Float64() < share {
				centre = 1
			}
			x.Set(r, 0, 1+rng.NormFloat64())
			x.Set(r, 1, centre+rng.NormFloat64())
		}
	}
	return mil.Bags[float64]{X: x, Offsets: offsets}, labels
}

// InstanceAUC is the AUC of the best linear score of instances for the labels that they inherit from their bags:
// 1/2 + (Phi(sqrt 2) - 1/2) (p1 - p2).
func (w Witness) InstanceAUC() float64 {
	return 0.5 + (phi(math.Sqrt2)-0.5)*(w.Positive-w.Negative)
}

// AUC is that of the mean of that score over the instances of a bag, which for bags of ten or more is normal to within
// a hundredth: Phi(2(p1-p2) / sqrt((2 + 4 p1(1-p1) + 4 p2(1-p2)) / n)).
func (w Witness) AUC() float64 {
	p, q := w.Positive, w.Negative
	return phi(2 * (p - q) / math.Sqrt((2+4*p*(1-p)+4*q*(1-q))/float64(w.Size)))
}

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// CheckAUC fails the test if an AUC that was measured on as many positive and negative bags is further from want than
// four standard errors, by the formula of Hanley and McNeil 1982, and slack, which is for what a model has not learned.
func CheckAUC(t testing.TB, got, want float64, positive, negative int, slack float64) {
	t.Helper()
	q1, q2 := want/(2-want), 2*want*want/(1+want)
	n, m := float64(positive), float64(negative)
	variance := (want*(1-want) + (n-1)*(q1-want*want) + (m-1)*(q2-want*want)) / (n * m)
	if limit := 4*math.Sqrt(max(variance, 0)) + slack; !(math.Abs(got-want) <= limit) {
		t.Errorf("the AUC is %.4f, want %.4f ± %.4f of %d positive and %d negative bags", got, want, limit, positive,
			negative)
	}
}
