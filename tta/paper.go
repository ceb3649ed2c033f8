package tta

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// The training of the paper's reference code.
const (
	paperRate        = 0.01
	paperMomentum    = 0.9
	paperDecay       = 1e-4
	paperBatch       = 1000 // where there are as many examples; else one batch
	paperAugEpochs   = 20
	paperClassEpochs = 30
)

// paper trains weights of views, normalised by their sum, or of views and classes, as the reference code does. The
// weights are returned as they are trained, before they are divided by their sum.
func paper(o *Outputs, perClass bool, workers int) (weights []float64, epochs []Epoch) {
	var batches []*problem
	for lo := 0; lo < o.Len(); lo += paperBatch {
		batches = append(batches, newProblem(o, span(lo, min(lo+paperBatch, o.Len())), workers))
	}
	size, passes := o.views, paperAugEpochs
	if perClass {
		size, passes = o.views*labelsOf(o.classes), paperClassEpochs
	}
	w := make([]float64, size)
	for i := range w {
		w[i] = 1 / float64(o.views)
	}
	grad, velocity := make([]float64, size), make([]float64, size)
	for range passes {
		var e Epoch
		for _, b := range batches {
			loss, accuracy := b.paperStep(w, grad, velocity, perClass)
			e.Loss += loss / float64(len(batches))
			e.Accuracy += accuracy / float64(len(batches))
		}
		epochs = append(epochs, e)
	}
	return w, epochs
}

func span(lo, hi int) []int {
	rows := make([]int, hi-lo)
	for i := range rows {
		rows[i] = lo + i
	}
	return rows
}

// paperStep is one step of gradient descent with momentum, projected to weights of 0 or more. If none is left above 0,
// the weights stay as they were.
func (p *problem) paperStep(w, grad, velocity []float64, perClass bool) (loss, accuracy float64) {
	if perClass {
		loss = p.eval(w, grad, nil)
		accuracy = float64(p.correct(w)) / float64(p.rows)
	} else {
		q, sum := normalized(w)
		loss = p.eval(q, grad, nil)
		accuracy = float64(p.correct(q)) / float64(p.rows)
		along := tensor.Dot(grad, q)
		for i := range grad {
			grad[i] = (grad[i] - along) / sum
		}
	}
	before := append([]float64(nil), w...)
	alive := false
	for i, g := range grad {
		velocity[i] = paperMomentum*velocity[i] + g + paperDecay*w[i]
		w[i] = max(w[i]-paperRate*velocity[i], 0)
		alive = alive || w[i] > 0
	}
	if !alive {
		copy(w, before)
	}
	return loss, accuracy
}

func normalized(w []float64) (q []float64, sum float64) {
	sum = tensor.Sum(w)
	q = make([]float64, len(w))
	tensor.Scale(q, 1/sum, w)
	return q, sum
}

// FitPaper is the method of the paper (Shanmugam et al. 2021): AugTTA and ClassTTA are trained on one part of the
// labelled outputs as its reference code trains them, and ClassTTA is taken if it gets more of the other part right,
// else AugTTA. The paper splits 80 to 20. It reproduces the reference's numbers; [FitBest] is what to use.
//
// Options are [WithWorkers]. The report is that of the choice, and has both among its candidates, with accuracies in
// place of losses. Errors are those of [FitAugTTA], or wrap [ErrPolicy] if the parts do not match.
func FitPaper(train, val *Outputs, opts ...FitOption) (*Fitted, FitReport, error) {
	const call = "FitPaper"
	c, err := configure(call, opts)
	if err == nil {
		err = train.labelled(call)
	}
	if err == nil {
		err = val.labelled(call)
	}
	if err != nil {
		return nil, FitReport{}, err
	}
	solver := []Option{WithPaper(), WithWorkers(c.workers)}
	aug, augReport, err := fitAugTTA(call, train, solver)
	if err != nil {
		return nil, FitReport{}, err
	}
	class, classReport, err := fitClassTTA(call, train, solver)
	if err != nil {
		return nil, FitReport{}, err
	}
	if err := matches(call, val, aug); err != nil {
		return nil, FitReport{}, err
	}
	augRight, classRight := accuracy(val, aug, c.workers), accuracy(val, class, c.workers)
	chosen, r := aug, augReport
	if classRight > augRight {
		chosen, r = class, classReport
	}
	best := max(augRight, classRight)
	r.Candidates = []Candidate{
		{Name: AugTTA.String(), Loss: augRight, Excess: augRight - best, Chosen: chosen == aug},
		{Name: ClassTTA.String(), Loss: classRight, Excess: classRight - best, Chosen: chosen == class},
	}
	return chosen, r, nil
}

// accuracy is the share of the examples that an aggregator gets right.
func accuracy(o *Outputs, a Aggregator, workers int) float64 {
	out := aggregate(o, a, workers)
	right := 0
	for n, y := range o.labels {
		if predicted(out.Row(n)) == y {
			right++
		}
	}
	return float64(right) / float64(o.Len())
}

// predicted is the class of an output: the first largest, or class 1 for a logit above 0.
func predicted(x []float32) int {
	if len(x) > 1 {
		return tensor.ArgMax(x)
	}
	if x[0] > 0 {
		return 1
	}
	return 0
}

// crossEntropy is that of an output and a label, in nats.
func crossEntropy(x []float32, y int) float64 {
	if len(x) > 1 {
		return tensor.LogSumExp(x) - float64(x[y])
	}
	v := float64(x[0])
	if y == 1 {
		v = -v
	}
	return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
}

// checkFit is what everything that is fitted asks of its outputs.
func checkFit(call string, o *Outputs) error {
	if err := o.labelled(call); err != nil {
		return err
	}
	if o.Len() < 2 {
		return fmt.Errorf("tta: %s: %d example: %w", call, o.Len(), tensor.ErrEmpty)
	}
	return nil
}
