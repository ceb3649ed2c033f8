// Command serve trains a perceptron on handwritten digits with GoMLX, prunes one of its layers while it trains,
// replaces that layer by table lookups (Blalock and Guttag 2021, "Multiplying matrices without multiplying") and
// serves the model: what comes before the layer and what comes after it in GoMLX, the layer by package maddness.
//
//	cd adapters/gomlx && go run ./examples/serve
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

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
	"github.com/espalier-ml/espalier/adapters/gomlx/examples/batches"
	"github.com/espalier-ml/espalier/adapters/gomlx/lookup"
	"github.com/espalier-ml/espalier/adapters/gomlx/pruning"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

const (
	trainImages = 1297 // the other 500 are the test set
	batch       = 64
	hidden      = 128
	pixels      = digits.Size * digits.Size
)

func main() {
	log.SetFlags(0)
	seed := flag.Uint64("seed", 1, "seed of the split, the weights and the order of the images")
	steps := flag.Int("steps", 500, "updates, at least 20")
	sparsity := flag.Float64("sparsity", .8, "share of the layer's weights that are pruned, in [0, 1)")
	cli.Usage("serve trains a perceptron with GoMLX, prunes its middle layer, replaces it by table lookups and " +
		"compares. It takes some seconds.")
	flag.Parse()
	if err := run(*seed, *steps, *sparsity); err != nil {
		log.Fatal("serve: ", err)
	}
}

// The model is written as what comes before the layer, the layer, and what comes after it.

func before(scope *model.Scope, x *graph.Node) *graph.Node {
	return activation.Relu(layers.DenseWithBias(scope.In("one"), x, hidden))
}

func middle(scope *model.Scope, h *graph.Node) *graph.Node {
	return layers.DenseWithBias(scope.In("two"), h, hidden)
}

func after(scope *model.Scope, h *graph.Node) *graph.Node {
	return layers.DenseWithBias(scope.In("three"), activation.Relu(h), digits.Classes)
}

func net(scope *model.Scope, x *graph.Node) *graph.Node {
	return after(scope, middle(scope, before(scope, x)))
}

func run(seed uint64, steps int, sparsity float64) error {
	if steps < 20 || !(sparsity >= 0 && sparsity < 1) {
		return fmt.Errorf("-steps is %d, want 20 or more, -sparsity %v, want it in [0, 1)", steps, sparsity)
	}
	backend, err := cpu.New()
	if err != nil {
		return err
	}
	all, err := digits.Load()
	if err != nil {
		return err
	}
	first, rest := all.Split(seed, trainImages)
	store, err := fit(backend, first, seed, steps, sparsity)
	if err != nil {
		return err
	}
	prefix, err1 := model.NewExec(backend, store, before)
	layer, err2 := model.NewExec(backend, store, middle)
	suffix, err3 := model.NewExec(backend, store, after)
	whole, err4 := model.NewExec(backend, store, net)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	rows, test := input(first), input(rest)
	logits, err := whole.Call1(test)
	if err != nil {
		return err
	}
	h, err := prefix.Call1(test)
	if err != nil {
		return err
	}
	exact, err := duration(func() error { _, err := layer.Call1(h); return err })
	if err != nil {
		return err
	}
	fmt.Printf("\n%-22s %9s %12s\n", "middle layer", "accuracy", "microseconds")
	fmt.Printf("%-22s %8.1f%% %12.0f\n", "by GoMLX", 100*accuracy(logits, rest.Y), exact)
	for _, codebooks := range []int{8, 16, 32, 64} {
		op, err := lookup.Fit(context.Background(), prefix, "/two/dense", rows, maddness.WithCodebooks(codebooks))
		if err != nil {
			return err
		}
		server, err := lookup.NewServer(prefix, op, suffix)
		if err != nil {
			return err
		}
		logits, err := server.Call(test)
		if err != nil {
			return err
		}
		y := tensor.NewMatrix[float32](rest.Len(), hidden)
		x := tensor.Of(rest.Len(), hidden, tensors.MustCopyFlatData[float32](h))
		took, err := duration(func() error { return op.Mul(y, x) })
		if err != nil {
			return err
		}
		fmt.Printf("%-22s %8.1f%% %12.0f\n", fmt.Sprintf("lookups, %d codebooks", codebooks),
			100*accuracy(logits, rest.Y), took)
	}
	fmt.Printf("microseconds are of the layer alone for %d rows, median of 25\n", rest.Len())
	return nil
}

// fit trains the model and prunes the middle layer.
func fit(backend compute.Backend, set digits.Set, seed uint64, steps int, sparsity float64) (*model.Store, error) {
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(int64(seed)); err != nil {
		return nil, err
	}
	lr, err := gomlx.NewTable(schedule.WSD{Peak: 3e-3, Floor: 1e-5, Decay: float64(steps)}, steps)
	if err != nil {
		return nil, err
	}
	opt, err := gomlx.Scheduled(backend, optimizer.Adam().Done(), lr)
	if err != nil {
		return nil, err
	}
	pruner, err := pruning.New(opt, []string{"/two/dense/weights"}, pruning.WithOptions(prune.WithSparsity(sparsity),
		prune.WithSchedule(prune.Cubic(steps/10, steps*2/3))))
	if err != nil {
		return nil, err
	}
	y := make([]int32, set.Len())
	for i, digit := range set.Y {
		y[i] = int32(digit)
	}
	images := batches.Images{X: tensor.Of(set.Len(), pixels, set.X),
		Labels: func(rows []int) []*tensors.Tensor { return []*tensors.Tensor{batches.Column(y, rows)} }}
	trainer := train.NewTrainer(backend, store, net, loss.SparseCategoricalCrossEntropyLogits, pruner.Optimizer(), nil,
		nil)
	loop := train.NewLoop(trainer)
	pruner.Attach(loop)
	if _, err := loop.RunSteps(images.Endless(batch, seed, 0), steps); err != nil {
		return nil, err
	}
	if err := pruner.Finish(); err != nil {
		return nil, err
	}
	kept, of := pruner.Masks().Count()
	fmt.Printf("trained for %d updates; %d of %d weights of the middle layer are left\n", steps, kept, of)
	return store, nil
}

func input(set digits.Set) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(set.X, set.Len(), pixels)
}

func accuracy(logits *tensors.Tensor, y []int) float64 {
	right := 0
	rows := tensors.MustCopyFlatData[float32](logits)
	for i, label := range y {
		if tensor.ArgMax(rows[i*digits.Classes:(i+1)*digits.Classes]) == label {
			right++
		}
	}
	return float64(right) / float64(len(y))
}

// duration is the median of 25 calls in microseconds.
func duration(f func() error) (float64, error) {
	var all []time.Duration
	for range 25 {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return float64(all[len(all)/2]) / 1e3, nil
}
