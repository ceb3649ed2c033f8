// Command shortcut trains a network with GoMLX to tell digits of 5 or more, on stripes that go with the label in nine
// training images of ten, and keeps it from reading the stripes: with weights that make label and stripes independent,
// and with the weighted maximum mean discrepancy of the representation as a penalty in the graph (Makar et al. 2022,
// arXiv 2105.06422). What counts is how it does where the stripes go the other way.
//
//	cd adapters/gomlx && go run ./examples/shortcut
package main

import (
	"flag"
	"fmt"
	"log"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/adapters/gomlx/penalty"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor/stats"
)

const batch = 128

func main() {
	log.SetFlags(0)
	seed := flag.Uint64("seed", 1, "seed of the split, the stripes, the weights and the order of the images")
	steps := flag.Int("steps", 400, "updates of each network, at least 10")
	alpha := flag.Float64("alpha", 1, "factor of the penalty, 0 or more")
	cli.Usage("shortcut trains three networks with GoMLX on digits over stripes: as they come, with weights, and with " +
		"weights and a penalty. It takes some seconds.")
	flag.Parse()
	if err := run(*seed, *steps, *alpha); err != nil {
		log.Fatal("shortcut: ", err)
	}
}

// method is a way to train.
type method struct {
	name    string
	weights bool
	alpha   float64
}

func run(seed uint64, steps int, alpha float64) error {
	if steps < 10 || !(alpha >= 0) {
		return fmt.Errorf("-steps is %d, want 10 or more, -alpha %v, want 0 or more", steps, alpha)
	}
	backend, err := cpu.New()
	if err != nil {
		return err
	}
	train, test, err := stripes(seed)
	if err != nil {
		return err
	}
	fmt.Printf("area under the ROC curve, of %d test images on both kinds of stripes; in training they go with the label "+
		"in %.0f%%\n", len(test.y)/2, 100*agreement)
	fmt.Printf("%-22s %12s %12s %22s\n", "", "as trained", "reversed", "stripes within a label")
	for _, m := range []method{{"as they come", false, 0}, {"weights", true, 0}, {"weights and penalty", true, alpha}} {
		scores, err := m.fit(backend, train, test, seed, steps)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		r, err := judge(test, scores)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Printf("%-22s %12.3f %12.3f %22.3f\n", m.name, r.trained, r.reversed, r.stripes)
	}
	return nil
}

// net gives the logit and the representation.
func net(scope *model.Scope, x *graph.Node) (logit, z *graph.Node) {
	h := activation.Relu(layers.DenseWithBias(scope.In("h"), x, 64))
	z = graph.Tanh(layers.DenseWithBias(scope.In("z"), h, 16))
	return layers.DenseWithBias(scope.In("o"), z, 1), z
}

// fit trains a network and returns its scores of the test images.
func (m method) fit(backend compute.Backend, rows, test set, seed uint64, steps int) ([]float32, error) {
	var table *causal.Weights
	var err error
	if m.weights {
		if table, err = causal.FitWeights(rows.y, rows.v); err != nil {
			return nil, err
		}
	}
	images, err := rows.images(table)
	if err != nil {
		return nil, err
	}
	lr, err := gomlx.NewTable(schedule.Cosine{From: 3e-3, To: 1e-4, Over: float64(steps)}, steps)
	if err != nil {
		return nil, err
	}
	// The penalty comes in over the first half of the run.
	factor, err := gomlx.NewTable(schedule.Linear{To: m.alpha, Over: float64(steps) / 2}, steps)
	if err != nil {
		return nil, err
	}
	opt, err := gomlx.Scheduled(backend, optimizer.Adam().Done(), lr)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(int64(seed)); err != nil {
		return nil, err
	}
	bce := gomlx.SelfNormalized(loss.BinaryCrossentropyLogits)
	trainer := train.NewTrainer(backend, store, net, func(labels, predictions []*graph.Node) *graph.Node {
		y, v, w := labels[0], labels[1], labels[2]
		risk := bce([]*graph.Node{y, w}, predictions[:1])
		if m.alpha == 0 {
			return risk
		}
		mmd := penalty.MMD(predictions[1], penalty.Groups{V: v, Levels: 2, W: w}, penalty.RBF(1))
		return graph.Add(risk, graph.Mul(factor.At(risk.Graph(), risk.DType()), mmd))
	}, opt, nil, nil)
	if _, err := train.NewLoop(trainer).RunSteps(images.Endless(batch, seed, 0), steps); err != nil {
		return nil, err
	}
	score, err := model.NewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		logit, _ := net(scope, x)
		return logit
	})
	if err != nil {
		return nil, err
	}
	out, err := score.Call1(tensors.FromFlatDataAndDimensions(test.x.Data, test.x.Rows, test.x.Cols))
	if err != nil {
		return nil, err
	}
	return tensors.CopyFlatData[float32](out)
}

// result is areas under curves.
type result struct{ trained, reversed, stripes float64 }

// judge weighs the test images, which have both kinds of stripes, as if they went with the label or against it.
func judge(test set, scores []float32) (r result, err error) {
	score, positive := make([]float64, len(scores)), make([]bool, len(scores))
	with, against := make([]float64, len(scores)), make([]float64, len(scores))
	for i, s := range scores {
		score[i], positive[i] = float64(s), test.y[i] == 1
		with[i], against[i] = agreement, 1-agreement
		if test.y[i] != test.v[i] {
			with[i], against[i] = against[i], with[i]
		}
	}
	a, err := stats.AUC(positive, score, with)
	if err != nil {
		return r, err
	}
	b, err := stats.AUC(positive, score, against)
	if err != nil {
		return r, err
	}
	r.trained, r.reversed = a.Value, b.Value
	for y := range 2 { // how well the score tells the stripes among images of one label; 1/2 is not at all
		var lying []bool
		var own []float64
		for i := range score {
			if test.y[i] == y {
				lying, own = append(lying, test.v[i] == 1), append(own, score[i])
			}
		}
		c, err := stats.AUC(lying, own, nil)
		if err != nil {
			return r, err
		}
		r.stripes += c.Value / 2
	}
	return r, nil
}
