// Package stripes is handwritten digits on striped backgrounds that go with the label, and classifiers that are trained
// on them by the Methods of package causal.
package stripes

import (
	"context"
	"errors"
	"math"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Method is a way to train: a risk of the losses, and penalties.
type Method struct {
	Name         string
	Unconfounded bool // is trained on data without the shortcut
	objective    func(w *causal.Weights, train Set) (causal.Risk, []causal.Term[float32], error)
}

// The names that the report looks for.
const (
	Plain       = "plain"
	WeightsOnly = "weights"
	Ours        = "weights and penalty"
	PenaltyOnly = "penalty, no weights"
	NoShortcut  = "plain, no shortcut"
)

// Methods are fixed configurations, chosen once and for other data.
var Methods = []Method{
	{Name: Plain, objective: unweighted},
	{Name: WeightsOnly, objective: func(w *causal.Weights, _ Set) (causal.Risk, []causal.Term[float32], error) {
		risk, err := causal.NewWeighted(causal.WithTable(w))
		return risk, nil, err
	}},
	{Name: Ours, objective: func(w *causal.Weights, _ Set) (causal.Risk, []causal.Term[float32], error) {
		risk, err1 := causal.NewWeighted(causal.WithTable(w))
		mmd, err2 := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)), causal.WithWeights(w))
		return risk, []causal.Term[float32]{{Penalty: mmd, Alpha: 1}}, errors.Join(err1, err2)
	}},
	{Name: PenaltyOnly, objective: func(*causal.Weights, Set) (causal.Risk, []causal.Term[float32], error) {
		mmd, err := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)))
		return causal.Weighted{}, []causal.Term[float32]{{Penalty: mmd, Alpha: 10}}, err
	}},
	{Name: "group DRO", objective: func(w *causal.Weights, train Set) (causal.Risk, []causal.Term[float32], error) {
		rows := map[causal.Cell]int{}
		for i := range train.Y {
			rows[causal.Cell{Y: train.Y[i], V: train.V[i]}]++
		}
		risk, err := causal.NewGroupDRO(rows, causal.WithStep(0.1))
		return risk, nil, err
	}},
	{Name: "CORAL", objective: func(w *causal.Weights, _ Set) (causal.Risk, []causal.Term[float32], error) {
		risk, err := causal.NewWeighted(causal.WithTable(w))
		return risk, []causal.Term[float32]{{Penalty: causal.CORAL[float32]{}, Alpha: 10}}, err
	}},
	{Name: "V-REx", objective: func(*causal.Weights, Set) (causal.Risk, []causal.Term[float32], error) {
		return causal.VREx{Lambda: 10, ByCell: true}, nil, nil
	}},
	{Name: "IRM", objective: func(*causal.Weights, Set) (causal.Risk, []causal.Term[float32], error) {
		return causal.Weighted{}, []causal.Term[float32]{{Penalty: causal.IRMv1[float32]{}, Alpha: 10, OnLogits: true}}, nil
	}},
	{Name: NoShortcut, Unconfounded: true, objective: unweighted},
}

func unweighted(*causal.Weights, Set) (causal.Risk, []causal.Term[float32], error) {
	return causal.Weighted{}, nil, nil
}

// Outcome is what became of one model.
type Outcome struct {
	AUC     []float64 // over Agreements
	Verdict causal.Verdict
	Tells   float64 // AUC of the stripes by the score within a class
}

// At is the AUC at an agreement.
func (o Outcome) At(agreement float64) float64 {
	best := 0
	for i, a := range Agreements {
		if math.Abs(a-agreement) < math.Abs(Agreements[best]-agreement) {
			best = i
		}
	}
	return o.AUC[best]
}

// Agreements is how often the stripes go with the label in test data, from against to with it.
var Agreements = []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9}

// Study trains a model and audits it; confounded is the data whose labels say which way the shortcut is.
func Study(ctx context.Context, m Method, train, confounded, test Set, epochs int, rate float64,
	seed uint64) (Outcome, error) {
	score, err := fit(m, train, test, epochs, rate, seed)
	if err != nil {
		return Outcome{}, err
	}
	r, err := causal.Audit(ctx, causal.AuditInput{Score: score, Y: test.Y, V: test.V, TrainY: confounded.Y,
		TrainV: confounded.V},
		causal.WithShift(Agreements, causal.WithInterval(stats.WithReplicates(50))))
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Verdict: r.Verdict, Tells: r.Levels[0].AUC.Value}
	for _, p := range r.Shift.Points {
		o.AUC = append(o.AUC, p.AUC.Value)
	}
	return o, nil
}

// Rate is the usual learning rate.
const Rate = 2e-3

const (
	hidden    = 64
	embedding = 16
	batch     = 128
)

// fit is the training loop. It returns the logits of the test images.
func fit(m Method, train, test Set, epochs int, rate float64, seed uint64) ([]float64, error) {
	w, err := causal.FitWeights(train.Y, train.V)
	if err != nil {
		return nil, err
	}
	risk, terms, err := m.objective(w, train)
	if err != nil {
		return nil, err
	}
	objective, err := causal.NewObjective(risk, terms)
	if err != nil {
		return nil, err
	}
	rng := tensor.Stream(seed, 2)
	one, err1 := nn.NewLinear[float32](pixels, hidden, rng)
	two, err2 := nn.NewLinear[float32](hidden, embedding, rng)
	head, err3 := nn.NewLinear[float32](embedding, 1, rng)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	body := nn.NewSequential[float32](one, nn.NewReLU[float32](), two, nn.NewTanh[float32]())
	params := append(body.Params(), head.Params()...)
	opt := nn.NewAdam[float32](rate)

	n := train.x.Rows
	step := 0
	for epoch := range epochs {
		order := tensor.Stream(seed, 3, uint64(epoch)).Perm(n)
		for lo := 0; lo+batch/2 <= n; lo += batch { // a short batch at the end counts if it is half a batch or more
			rows := order[lo:min(lo+batch, n)]
			x, b := gather(train, rows)
			z := body.Forward(x, true)
			logits := head.Forward(z, true)
			dLogits, dZ := tensor.NewMatrix[float32](len(rows), 1), tensor.NewMatrix[float32](len(rows), embedding)
			if _, err := objective.Step(float64(step), logits.Matrix(1), z.Matrix(1), b, dLogits, dZ); err != nil {
				return nil, err
			}
			nn.ZeroGrad(params)
			through := head.Backward(tensor.DenseOf(dLogits.Data, len(rows), 1))
			tensor.Add(dZ.Data, dZ.Data, through.Data)
			body.Backward(tensor.DenseOf(dZ.Data, len(rows), embedding))
			if err := opt.Step(params); err != nil {
				return nil, err
			}
			step++
		}
	}
	logits := head.Forward(body.Forward(tensor.DenseOf(test.x.Data, test.x.Rows, pixels), false), false)
	score := make([]float64, test.x.Rows)
	for i := range score {
		score[i] = float64(logits.Data[i])
	}
	return score, nil
}

// gather is a mini-batch.
func gather(s Set, rows []int) (tensor.Dense[float32], causal.Batch) {
	x := tensor.NewDense[float32](len(rows), pixels)
	var b causal.Batch
	for k, i := range rows {
		copy(x.Data[k*pixels:], s.x.Row(i))
		b.Y, b.V = append(b.Y, s.Y[i]), append(b.V, s.V[i])
	}
	return x, b
}
