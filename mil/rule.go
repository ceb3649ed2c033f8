package mil

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
)

// Rule is a fixed pooling of each column by itself: of scores, or of every feature of an embedding. It is an immutable
// value; [NewPool] makes a [Pooler] of it and [Score] the score of a bag. x_n are the N elements of a column in a bag.
type Rule struct {
	kind ruleKind
	a, b float64
}

type ruleKind uint8

const (
	noRule ruleKind = iota
	maxRule
	minRule
	meanRule
	sumRule
	noisyAndRule
	noisyOrRule
	noisyOrLogitRule
	isrRule
	linearSoftmaxRule
	lseRule
	lseSumRule
	autoPoolRule
	gemRule
	pNormRule
	topKRule
	topFractionRule
	percentileMeanRule
	percentileSumRule
	quantileRule
)

var ruleNames = [...]string{"none", "max", "min", "mean", "sum", "noisy-and", "noisy-or", "noisy-or of logits", "ISR",
	"linear softmax", "log-mean-exp", "log-sum-exp", "auto-pool", "generalized mean", "p-norm", "top", "top fraction",
	"percentile mean", "percentile sum", "quantile"}

// Max is the largest element: a bag is positive if one instance is. Its gradient is that of the first of equals.
func Max() Rule { return Rule{kind: maxRule} }

// Min is the smallest element; see [Max].
func Min() Rule { return Rule{kind: minRule} }

// Mean is the mean: a bag is as positive as the share of its positive instances.
func Mean() Rule { return Rule{kind: meanRule} }

// Sum is the sum, which counts and does not forget how large the bag is.
func Sum() Rule { return Rule{kind: sumRule} }

// TopK is the mean of the k largest elements, or of all if there are fewer. Of equal ones the first count.
func TopK(k int) Rule { return Rule{kind: topKRule, a: float64(k)} }

// TopFraction is the mean of the share f, in (0, 1], of the largest elements, rounded up: of max(1, ceil(fN - 1e-9)).
// Of equal ones the first count. A fifth is what the paper takes.
func TopFraction(f float64) Rule { return Rule{kind: topFractionRule, a: f} }

// PercentileMean is the mean of the elements that are not below the percentile q, in [0, 100), by linear interpolation
// (type 7 of Hyndman and Fan, as in numpy): the reference code of the paper. Without ties it is TopFraction(1-q/100);
// of tied elements it takes all. The percentile has no gradient.
func PercentileMean(q float64) Rule { return Rule{kind: percentileMeanRule, a: q} }

// PercentileSum is equation 1 of the paper as it is printed: the sum of the elements that are not below the percentile
// q, in (0, 100), divided by (1-q/100)N. That is no mean unless (1-q/100)N is a whole number: of a single probability
// it is 1/(1-q/100) times as much. It is there to compare with.
func PercentileSum(q float64) Rule { return Rule{kind: percentileSumRule, a: q} }

// Quantile is the quantile of order q, in [0, 1], by linear interpolation (type 7): the median for one half. Its
// gradient is that of the two elements it lies between.
func Quantile(q float64) Rule { return Rule{kind: quantileRule, a: q} }

// LogSumExp is log(mean exp(r x))/r, r other than 0: the mean for a small r and the maximum for a large one
// (Pinheiro and Collobert 2015). With [WithLearnable] r is a parameter.
func LogSumExp(r float64) Rule { return Rule{kind: lseRule, a: r} }

// LogSumExpSum is log(sum exp(r x))/r: [LogSumExp] without the division by N. With r = 1 it is the logit of the
// probability of [ISR] for logits of probabilities.
func LogSumExpSum(r float64) Rule { return Rule{kind: lseSumRule, a: r} }

// AutoPool is the mean weighted by softmax(alpha x) (McFee et al. 2018): the mean for 0 and the maximum for a large
// alpha. With [WithLearnable] alpha is a parameter.
func AutoPool(alpha float64) Rule { return Rule{kind: autoPoolRule, a: alpha} }

// ExpSoftmax is AutoPool(1) (Wang et al. 2019).
func ExpSoftmax() Rule { return AutoPool(1) }

// LinearSoftmax is the mean of probabilities weighted by themselves, sum p²/sum p (Wang et al. 2019), and 0 if all are.
func LinearSoftmax() Rule { return Rule{kind: linearSoftmaxRule} }

// GeneralizedMean is (mean max(x, 1e-6)^p)^(1/p), p other than 0 (Radenović et al. 2019). With [WithLearnable] p is a
// parameter.
func GeneralizedMean(p float64) Rule { return Rule{kind: gemRule, a: p, b: 1e-6} }

// PNorm is (mean |x-c|^p)^(1/p), p >= 1 (Gulcehre et al. 2014). It is 0 with gradient 0 if all elements are c. With
// [WithLearnable] p and c are parameters.
func PNorm(p, c float64) Rule { return Rule{kind: pNormRule, a: p, b: c} }

// NoisyOr is the probability that at least one of N independent events of the probabilities p happens, 1 - prod(1-p).
func NoisyOr() Rule { return Rule{kind: noisyOrRule} }

// NoisyOrLogit is the logit of that of [NoisyOr] for logits of the probabilities, exact for any finite logits: the one
// for a loss.
func NoisyOrLogit() Rule { return Rule{kind: noisyOrLogitRule} }

// ISR is s/(1+s) with s = sum p/(1-p): the integrated segmentation and recognition of Keeler, Rumelhart and Leow 1991.
// It is 1 with gradient 0 if a p is 1. For logits it is LogSumExpSum(1).
func ISR() Rule { return Rule{kind: isrRule} }

// NoisyAnd is the mean of probabilities through a sigmoid of slope a > 0 about b in [0, 1], scaled to go from 0 to 1
// (Kraus, Ba and Frey 2016): a bag is positive once the share of positive instances passes b.
func NoisyAnd(a, b float64) Rule { return Rule{kind: noisyAndRule, a: a, b: b} }

// Validate reports parameters out of range; the error wraps [github.com/espalier-ml/espalier/tensor.ErrRange].
func (r Rule) Validate() error {
	finite := r.a-r.a == 0 && r.b-r.b == 0
	ok, want := finite, "finite numbers"
	switch r.kind {
	case noRule:
		ok, want = false, "a rule"
	case topKRule:
		ok, want = r.a >= 1, "1 or more"
	case topFractionRule:
		ok, want = r.a > 0 && r.a <= 1, "a share in (0, 1]"
	case percentileMeanRule:
		ok, want = r.a >= 0 && r.a < 100, "a percentile in [0, 100)"
	case percentileSumRule:
		ok, want = r.a > 0 && r.a < 100, "a percentile in (0, 100)"
	case quantileRule:
		ok, want = r.a >= 0 && r.a <= 1, "an order in [0, 1]"
	case lseRule, lseSumRule, gemRule:
		ok, want = finite && r.a != 0, "a finite number other than 0"
	case pNormRule:
		ok, want = finite && r.a >= 1, "a finite p of 1 or more and a finite c"
	case noisyAndRule:
		ok, want = finite && r.a > 0 && r.b >= 0 && r.b <= 1, "a slope above 0 and a centre in [0, 1]"
	}
	if ok {
		return nil
	}
	return fmt.Errorf("mil: %w", option.Range(false, ruleNames[r.kind], r.values(), want))
}

// String is the rule with its parameters, such as "top fraction 0.2".
func (r Rule) String() string {
	if v := r.values(); v != "" {
		return ruleNames[r.kind] + " " + v
	}
	return ruleNames[r.kind]
}

func (r Rule) values() string {
	switch r.kind {
	case noRule, maxRule, minRule, meanRule, sumRule, noisyOrRule, noisyOrLogitRule, isrRule, linearSoftmaxRule:
		return ""
	case noisyAndRule, pNormRule:
		return fmt.Sprintf("%g, %g", r.a, r.b)
	}
	return fmt.Sprintf("%g", r.a)
}

// count is how many elements of n a top-k rule takes.
func (r Rule) count(n int) int {
	if r.kind == topKRule {
		return int(min(r.a, float64(n)))
	}
	return min(n, max(1, int(math.Ceil(r.a*float64(n)-1e-9))))
}

// probabilities reports whether the elements must be in [0, 1].
func (r Rule) probabilities() bool {
	switch r.kind {
	case noisyOrRule, isrRule, noisyAndRule, linearSoftmaxRule:
		return true
	}
	return false
}

// averages reports whether the result is the sum of weights times elements.
func (r Rule) averages() bool {
	switch r.kind {
	case maxRule, minRule, meanRule, sumRule, topKRule, topFractionRule, percentileMeanRule, percentileSumRule,
		quantileRule, autoPoolRule, linearSoftmaxRule:
		return true
	}
	return false
}

// learnable lists the names of the parameters that can be trained.
func (r Rule) learnable() []string {
	switch r.kind {
	case lseRule, lseSumRule:
		return []string{"r"}
	case autoPoolRule:
		return []string{"alpha"}
	case gemRule:
		return []string{"p"}
	case pNormRule:
		return []string{"p", "c"}
	}
	return nil
}
