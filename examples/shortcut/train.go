package main

import (
	"context"
	"errors"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// method is a way to train: a risk of the losses, and penalties.
type method struct {
	name         string
	unconfounded bool // is trained on data without the shortcut
	objective    func(w *causal.Weights, train set) (causal.Risk, []causal.Term[float32], error)
}

// The names that the report looks for.
const (
	plain    = "plain"
	weighted = "weights"
	ours     = "weights and penalty"
	marginal = "penalty, no weights"
	upper    = "plain, no shortcut"
)

// methods are fixed configurations, chosen once and for other data.
var methods = []method{
	{name: plain, objective: func(*causal.Weights, set) (causal.Risk, []causal.Term[float32], error) {
		return causal.Weighted{}, nil, nil
	}},
	{name: weighted, objective: func(w *causal.Weights, _ set) (causal.Risk, []causal.Term[float32], error) {
		risk, err := causal.NewWeighted(causal.WithTable(w))
		return risk, nil, err
	}},
	{name: ours, objective: func(w *causal.Weights, _ set) (causal.Risk, []causal.Term[float32], error) {
		risk, err1 := causal.NewWeighted(causal.WithTable(w))
		mmd, err2 := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)), causal.WithWeights(w))
		return risk, []causal.Term[float32]{{Penalty: mmd, Alpha: 1}}, errors.Join(err1, err2)
	}},
	{name: marginal, objective: func(*causal.Weights, set) (causal.Risk, []causal.Term[float32], error) {
		mmd, err := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)))
		return causal.Weighted{}, []causal.Term[float32]{{Penalty: mmd, Alpha: 10}}, err
	}},
	{name: "group DRO", objective: func(w *causal.Weights, train set) (causal.Risk, []causal.Term[float32], error) {
		rows := map[causal.Cell]int{}
		for i := range train.y {
			rows[causal.Cell{Y: train.y[i], V: train.v[i]}]++
		}
		risk, err := causal.NewGroupDRO(rows, causal.WithStep(0.1))
		return risk, nil, err
	}},
	{name: "CORAL", objective: func(w *causal.Weights, _ set) (causal.Risk, []causal.Term[float32], error) {
		risk, err := causal.NewWeighted(causal.WithTable(w))
		return risk, []causal.Term[float32]{{Penalty: causal.CORAL[float32]{}, Alpha: 10}}, err
	}},
	{name: "V-REx", objective: func(*causal.Weights, set) (causal.Risk, []causal.Term[float32], error) {
		return causal.VREx{Lambda: 10, ByCell: true}, nil, nil
	}},
	{name: "IRM", objective: func(*causal.Weights, set) (causal.Risk, []causal.Term[float32], error) {
		return causal.Weighted{}, []causal.Term[float32]{{Penalty: causal.IRMv1[float32]{}, Alpha: 10, OnLogits: true}}, nil
	}},
	{name: upper, unconfounded: true, objective: func(*causal.Weights, set) (causal.Risk, []causal.Term[float32], error) {
		return causal.Weighted{}, nil, nil
	}},
}

// outcome is what became of one model.
type outcome struct {
	auc     []float64 // over agreements
	verdict causal.Verdict
	tells   float64 // AUC of the stripes by the score within a class
}

var agreements = []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9}

// study trains a model and audits it; confounded is the data whose labels say which way the shortcut is.
func study(ctx context.Context, m method, train, confounded, test set, epochs int, seed uint64) (outcome, error) {
	score, err := fit(m, train, test, epochs, seed)
	if err != nil {
		return outcome{}, err
	}
	r, err := causal.Audit(ctx, causal.AuditInput{Score: score, Y: test.y, V: test.v, TrainY: confounded.y,
		TrainV: confounded.v},
		causal.WithShift(agreements, causal.WithInterval(stats.WithReplicates(50))))
	if err != nil {
		return outcome{}, err
	}
	o := outcome{verdict: r.Verdict, tells: r.Levels[0].AUC.Value}
	for _, p := range r.Shift.Points {
		o.auc = append(o.auc, p.AUC.Value)
	}
	return o, nil
}

const (
	hidden    = 64
	embedding = 16
	batch     = 128
)

// fit is the training loop. It returns the logits of the test images.
func fit(m method, train, test set, epochs int, seed uint64) ([]float64, error) {
	w, err := causal.FitWeights(train.y, train.v)
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
	opt := nn.NewAdam[float32](2e-3)

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
func gather(s set, rows []int) (tensor.Dense[float32], causal.Batch) {
	x := tensor.NewDense[float32](len(rows), pixels)
	var b causal.Batch
	for k, i := range rows {
		copy(x.Data[k*pixels:], s.x.Row(i))
		b.Y, b.V = append(b.Y, s.y[i]), append(b.V, s.v[i])
	}
	return x, b
}
