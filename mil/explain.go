package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Explanation is what each instance of a bag has to do with the output for the bag: a pooler and a linear head behind
// it. All slices have one number for each instance.
type Explanation struct {
	Output float64 `json:"output"`
	Bias   float64 `json:"bias"` // that part of the output which no instance brings about

	// Weights is how much the pooler looks at each instance, the mean over its columns or heads; nil if it does not say.
	// An instance that is looked at may speak for either side, or for neither.
	Weights []float64 `json:"weights"`
	// Contributions are signed and add up to Output - Bias. They are nil for poolers whose result is not a sum over
	// instances, such as log-sum-exp and noisy-or.
	Contributions []float64 `json:"contributions"`
	// Alone is the output for a bag of the instance alone: its own score.
	Alone []float64 `json:"alone"`
	// Without is the output for the bag without the instance. It is nil for a bag of one instance, without which there
	// is no output.
	Without []float64 `json:"without"`
}

// Explain says which instances of a bag raised its output, head times what the pooler makes of the bag, plus bias. A
// nil head is that of poolers of one column. The error is that of Forward, or wraps [tensor.ErrShape] for a head that
// does not fit, and [tensor.ErrNotFinite].
func Explain[T tensor.Float](p Pooler[T], bag tensor.Matrix[T], head []T, bias T) (Explanation, error) {
	const call = "mil: Explain"
	b, err := oneBag(call, bag)
	if err != nil {
		return Explanation{}, err
	}
	out, err := p.OutDim(bag.Cols)
	if err != nil {
		return Explanation{}, option.Call(call, err)
	}
	if head == nil && out == 1 {
		head = []T{1}
	}
	if len(head) != out {
		return Explanation{}, fmt.Errorf("%s: a head of %d elements for a pooler of %d columns: %w", call, len(head), out,
			tensor.ErrShape)
	}
	if err := tensor.ValidateFinite("head", append([]T{bias}, head...)); err != nil {
		return Explanation{}, fmt.Errorf("%s: head and bias: %w", call, err)
	}
	if bag.Rows == 0 {
		return Explanation{}, fmt.Errorf("%s: %w", call, ErrEmptyBag)
	}
	x := explainer[T]{p: p, bag: b, head: head, e: Explanation{Bias: float64(bias)}, bias: float64(bias)}
	if err := x.explain(out); err != nil {
		return Explanation{}, option.Call(call, err)
	}
	return x.e, nil
}

type explainer[T tensor.Float] struct {
	p    Pooler[T]
	bag  Bags[T]
	head []T
	bias float64
	tape Tape[T]
	e    Explanation
}

func (x *explainer[T]) explain(out int) error {
	n := x.bag.X.Rows
	y := tensor.NewMatrix[T](1, out)
	if err := x.p.Forward(y, x.bag, &x.tape); err != nil {
		return err
	}
	x.e.Output = x.outputs(y)[0]
	if w, ok := x.p.(Weigher[T]); ok {
		all := tensor.NewMatrix[T](n, w.WeightDim(x.bag.X.Cols))
		if err := w.Weights(all, &x.tape); err != nil {
			return err
		}
		x.e.Weights = make([]float64, n)
		for i := range n {
			x.e.Weights[i] = tensor.Sum(all.Row(i)) / float64(all.Cols)
		}
	}
	if c, ok := x.p.(contributor[T]); ok {
		parts := make([]float64, n)
		if constant, ok := c.contributions(parts, x.bag.X, x.head, &x.tape); ok {
			x.e.Contributions = parts
			x.e.Bias += constant
		}
	}
	single := x.bag
	single.Offsets = make([]int, n+1)
	for i := range single.Offsets {
		single.Offsets[i] = i
	}
	each := tensor.NewMatrix[T](n, out)
	if err := x.p.Forward(each, single, new(Tape[T])); err != nil {
		return err
	}
	x.e.Alone = x.outputs(each)
	if n == 1 {
		return nil
	}
	if err := LeaveOneOut(each, x.p, x.bag.X); err != nil {
		return err
	}
	x.e.Without = x.outputs(each)
	return nil
}

// outputs is head times each row, plus bias.
func (x *explainer[T]) outputs(y tensor.Matrix[T]) []float64 {
	all := make([]float64, y.Rows)
	for i := range all {
		all[i] = x.bias + dot(x.head, y.Row(i))
	}
	return all
}

// dot is the product of two vectors in float64.
func dot[T tensor.Float](x, y []T) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}

// contributor is a pooler whose result times a head is a sum over the instances of the last Forward's only bag and a
// constant.
type contributor[T tensor.Float] interface {
	// contributions adds what each row of x brings about to parts.
	contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (constant float64, ok bool)
}

func (p *Pool[T]) contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (float64, bool) {
	if !p.rule.averages() {
		return 0, false
	}
	w := tensor.NewMatrix[T](x.Rows, x.Cols)
	if err := p.Weights(w, tape); err != nil {
		return 0, false
	}
	for i := range parts {
		for j, v := range x.Row(i) {
			parts[i] += float64(head[j]) * float64(w.At(i, j)) * float64(v)
		}
	}
	return 0, true
}

func (a *Attention[T]) contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (float64, bool) {
	addHeadContributions(parts, x, head, tape.score(0, x.Rows))
	return 0, true
}

// addHeadContributions adds a_nk (head_k x_n) over the heads.
func addHeadContributions[T tensor.Float](parts []float64, x tensor.Matrix[T], head []T, a tensor.Matrix[T]) {
	for i := range parts {
		for k, v := range a.Row(i) {
			parts[i] += float64(v) * dot(head[k*x.Cols:(k+1)*x.Cols], x.Row(i))
		}
	}
}

func (p *PMA[T]) contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (float64, bool) {
	m := p.memory(tape)
	values := make([]T, len(m.folded.Data))
	p.backValues(values, head, nil, false)
	addHeadContributions(parts, x, values, m.tape.score(0, x.Rows))
	return 0, true
}

func (d *DSMIL[T]) contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (float64, bool) {
	s := tape.state(0)
	parts[int(s[len(s)-1])] += float64(head[0]) * dot(d.WI.Data, x.Row(int(s[len(s)-1])))
	for i, a := range tape.score(0, x.Rows).Data {
		parts[i] += float64(head[1]) * float64(a) * dot(d.WB.Data, x.Row(i))
	}
	return float64(head[0])*float64(d.BI.Data[0]) + float64(head[1])*float64(d.BB.Data[0]), true
}

func (s *Stack[T]) contributions(parts []float64, x tensor.Matrix[T], head []T, tape *Tape[T]) (float64, bool) {
	m, from, constant := s.memory(tape), 0, 0.0
	for i, p := range s.parts {
		n, _ := p.OutDim(x.Cols)
		c, ok := p.(contributor[T])
		if !ok {
			return 0, false
		}
		own, ok := c.contributions(parts, x, head[from:from+n], m.tapes[i])
		if !ok {
			return 0, false
		}
		constant += own
		from += n
	}
	return constant, true
}
