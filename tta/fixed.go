package tta

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Fixed is an [Aggregator] by a [Rule]. It is immutable.
type Fixed struct {
	rule    Rule
	shape   Shape
	scratch *sync.Pool // of *fixedScratch
}

// fixedScratch is what a call of Aggregate needs; wide is the number of classes, two for one logit.
type fixedScratch struct {
	pair   []float32 // one logit as two classes: views and result
	row    []float32 // [wide]
	top    []float32 // [wide]
	sum    []float32 // [wide]
	sort   []float32 // [views]
	logSum []float32 // [views]
	weight []float32 // [views]
}

// NewFixed is the aggregator of a rule for A views of C classes, one class being a single logit. The error wraps
// [tensor.ErrRange].
func NewFixed(rule Rule, views, classes int) (*Fixed, error) {
	if views < 1 || classes < 1 || views > math.MaxInt32/2/classes {
		return nil, fmt.Errorf("tta: NewFixed: %d views of %d classes: %w", views, classes, tensor.ErrRange)
	}
	if err := rule.validate(views); err != nil {
		return nil, fmt.Errorf("tta: NewFixed: %w", err)
	}
	f := &Fixed{rule: rule, shape: Shape{views, classes, Any, rule.invariance()}}
	wide := labelsOf(classes)
	f.scratch = &sync.Pool{New: func() any {
		s := &fixedScratch{row: make([]float32, wide), top: make([]float32, wide), sum: make([]float32, wide),
			sort: make([]float32, views), logSum: make([]float32, views), weight: make([]float32, views)}
		if classes == 1 {
			s.pair = make([]float32, 2*views+2)
		}
		return s
	}}
	return f, nil
}

// Rule is what it was made of.
func (f *Fixed) Rule() Rule { return f.rule }

// Shape is that of the views and classes it was made for; any kind of outputs will do.
func (f *Fixed) Shape() Shape { return f.shape }

// String is the rule's.
func (f *Fixed) String() string { return f.rule.String() }

// Aggregate writes the aggregated output to dst. One logit x counts as two classes with -x/2 and x/2.
func (f *Fixed) Aggregate(dst, views []float32) {
	f.shape.checkLengths(dst, views)
	s := f.scratch.Get().(*fixedScratch)
	defer f.scratch.Put(s)
	if f.shape.Classes > 1 {
		f.aggregate(dst, views, f.shape.Classes, s)
		return
	}
	for a, x := range views {
		s.pair[2*a], s.pair[2*a+1] = -x/2, x/2
	}
	out := s.pair[2*len(views):]
	f.aggregate(out, s.pair[:2*len(views)], 2, s)
	dst[0] = out[1] - out[0]
}

func (f *Fixed) aggregate(dst, views []float32, classes int, s *fixedScratch) {
	count := f.shape.Views
	view := func(a int) []float32 { return views[a*classes : (a+1)*classes] }
	switch f.rule.kind {
	case mean, geoMean:
		copy(dst, view(0))
		for a := 1; a < count; a++ {
			tensor.Add(dst, dst, view(a))
		}
		tensor.Scale(dst, 1/float32(count), dst)
		if f.rule.kind == geoMean {
			shift(dst, -float32(tensor.LogSumExp(dst)))
		}
	case single:
		copy(dst, view(f.rule.at))
	case mostConfident:
		best := 0
		for a := 1; a < count; a++ {
			if tensor.Max(view(a)) > tensor.Max(view(best)) {
				best = a
			}
		}
		copy(dst, view(best))
	case elementMax, elementMin:
		copy(dst, view(0))
		for a := 1; a < count; a++ {
			for c, v := range view(a) {
				if f.rule.kind == elementMax {
					dst[c] = max(dst[c], v)
				} else {
					dst[c] = min(dst[c], v)
				}
			}
		}
	case median, trimmed:
		f.middle(dst, views, classes, s.sort)
	case vote:
		s.logSums(views, classes)
		s.powers(dst, views, classes, 1, nil)
		s.vote(dst, views, classes)
	case maxProb:
		s.logSums(views, classes)
		s.tops(views, classes, 1, nil)
		copy(dst, s.top)
	default:
		s.logSums(views, classes)
		s.powers(dst, views, classes, float32(f.exponent()), f.weights(views, classes, s))
	}
}

func (f *Fixed) exponent() float64 {
	if f.rule.kind == sharpened {
		return f.rule.param
	}
	return 1
}

// weights of the mean of probabilities, nil for equal ones.
func (f *Fixed) weights(views []float32, classes int, s *fixedScratch) []float32 {
	w := s.weight
	switch f.rule.kind {
	case blend:
		for a := range w {
			w[a] = float32(1-f.rule.param) / float32(max(len(w)-1, 1))
		}
		w[f.rule.at] = float32(f.rule.param)
		if len(w) == 1 {
			w[0] = 1
		}
		return w
	case entropyWeighted:
		sum := float32(0)
		for a := range w {
			row := views[a*classes : (a+1)*classes]
			tensor.Softmax(s.row, row)
			// H = log-sum-exp - sum p x
			entropy := s.logSum[a] - tensor.Dot(s.row, row)
			w[a] = max(0, 1-entropy/float32(math.Log(float64(classes))))
			sum += w[a]
		}
		if sum < 1e-6 {
			return nil
		}
		return w
	}
	return nil
}

// middle is the mean of the middle values of each class.
func (f *Fixed) middle(dst, views []float32, classes int, column []float32) {
	n := len(column)
	cut := (n - 1) / 2
	if f.rule.kind == trimmed {
		cut = int(f.rule.param * float64(n))
	}
	for c := range dst {
		for a := range column {
			column[a] = views[a*classes+c]
		}
		slices.Sort(column)
		dst[c] = float32(tensor.Sum(column[cut:n-cut]) / float64(n-2*cut))
	}
}

// logSums fills logSum: the log-probability of a class is its output less that.
func (s *fixedScratch) logSums(views []float32, classes int) {
	for a := range s.logSum {
		s.logSum[a] = float32(tensor.LogSumExp(views[a*classes : (a+1)*classes]))
	}
}

// tops fills top with the largest t times log-probability of each class over the views of weight above 0.
func (s *fixedScratch) tops(views []float32, classes int, t float32, w []float32) {
	for c := range s.top {
		s.top[c] = float32(math.Inf(-1))
	}
	for a, l := range s.logSum {
		if w != nil && w[a] <= 0 {
			continue
		}
		for c, v := range views[a*classes : (a+1)*classes] {
			s.top[c] = max(s.top[c], t*(v-l))
		}
	}
}

// powers writes log sum_a w_a p_ac^t to dst, from the largest term down so that nothing underflows.
func (s *fixedScratch) powers(dst, views []float32, classes int, t float32, w []float32) {
	s.tops(views, classes, t, w)
	clear(s.sum)
	total := float32(0)
	for a, l := range s.logSum {
		weight := float32(1)
		if w != nil {
			weight = w[a]
		}
		if weight <= 0 {
			continue
		}
		for c, v := range views[a*classes : (a+1)*classes] {
			s.row[c] = t*(v-l) - s.top[c]
		}
		tensor.Exp(s.row, s.row)
		tensor.Axpy(s.sum, weight, s.row)
		total += weight
	}
	for c, v := range s.sum {
		dst[c] = s.top[c] + float32(math.Log(float64(v/total)))
	}
}

// vote replaces log mean probabilities by the logarithms of shares of votes.
func (s *fixedScratch) vote(dst, views []float32, classes int) {
	clear(s.sum)
	n := len(s.logSum)
	for a := range n {
		s.sum[tensor.ArgMax(views[a*classes:(a+1)*classes])]++
	}
	for c, v := range s.sum {
		// With half of p near 1e-45 votes alone are left, with no votes p alone.
		if v == 0 {
			dst[c] -= float32(math.Log(2 * (float64(n) + 0.5)))
		} else {
			dst[c] = float32(math.Log((float64(v) + math.Exp(float64(dst[c]))/2) / (float64(n) + 0.5)))
		}
	}
}

// shift adds v to every element.
func shift(x []float32, v float32) {
	for i := range x {
		x[i] += v
	}
}
