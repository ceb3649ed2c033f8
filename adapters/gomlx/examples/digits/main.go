// Command digits trains a perceptron on handwritten digits with GoMLX: a cyclic learning rate in the graph, pruning by
// masks in the graph, checkpoints, and the tradeoff between training time and accuracy read off the one run. It does so
// twice, once in one go and once interrupted and resumed from a checkpoint as another program would, and compares.
//
//	cd adapters/gomlx && go run ./examples/digits
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/espalier-ml/espalier/adapters/gomlx"
	"github.com/espalier-ml/espalier/adapters/gomlx/cpu"
	"github.com/espalier-ml/espalier/adapters/gomlx/examples/batches"
	"github.com/espalier-ml/espalier/adapters/gomlx/pruning"
	"github.com/espalier-ml/espalier/adapters/gomlx/record"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

const (
	trainImages = 1297 // the other 500 are the test set
	batch       = 64
	epoch       = trainImages / batch
)

func main() {
	log.SetFlags(0)
	seed := flag.Uint64("seed", 1, "seed of the split, the weights and the order of the images")
	cycles := flag.Int("cycles", 5, "cycles of the learning rate, at least 2, each twice as long as the one before")
	cli.Usage("digits trains a perceptron with GoMLX and espalier, twice: in one go, and interrupted and resumed. It " +
		"takes some seconds.")
	flag.Parse()
	if err := run(*seed, *cycles); err != nil {
		log.Fatal("digits: ", err)
	}
}

func run(seed uint64, cycles int) error {
	if cycles < 2 {
		return fmt.Errorf("-cycles is %d, want 2 or more", cycles)
	}
	dir, err := os.MkdirTemp("", "digits")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e, err := prepare(seed, cycles)
	if err != nil {
		return err
	}
	one := &process{experiment: e, dir: filepath.Join(dir, "one")}
	if err := one.train(e.total); err != nil {
		return err
	}
	if err := one.report(); err != nil {
		return err
	}

	middle := e.total * 2 / 5
	first := &process{experiment: e, dir: filepath.Join(dir, "two")}
	if err := first.train(middle); err != nil {
		return err
	}
	second := &process{experiment: e, dir: first.dir}
	if err := second.train(e.total); err != nil {
		return err
	}
	same, err := one.same(second)
	if err != nil {
		return err
	}
	fmt.Printf("\ninterrupted after %d steps and resumed from the checkpoint: ", middle)
	if !same {
		return errors.New("other weights or other masks than in one go")
	}
	fmt.Println("the same weights and masks, to the bit")
	fmt.Printf("graphs compiled for training: %d in one go, %d and %d in two\n", one.builds, first.builds, second.builds)
	return nil
}

// experiment is what all processes agree on.
type experiment struct {
	backend     compute.Backend
	train, test batches.Images
	seed        uint64
	lr          schedule.Cyclic
	total       int
}

func prepare(seed uint64, cycles int) (experiment, error) {
	e := experiment{seed: seed, lr: schedule.Cyclic{Warmup: epoch, First: epoch, Mult: 2, Peak: 3e-3, Floor: 1e-5}}
	e.total = e.lr.TotalFor(cycles)
	all, err := digits.Load()
	if err != nil {
		return e, err
	}
	first, rest := all.Split(seed, trainImages)
	e.train, e.test = images(first), images(rest)
	e.backend, err = cpu.New()
	return e, err
}

func images(s digits.Set) batches.Images {
	y := make([]int32, s.Len())
	for i, digit := range s.Y {
		y[i] = int32(digit)
	}
	return batches.Images{X: tensor.Of(s.Len(), digits.Size*digits.Size, s.X),
		Labels: func(rows []int) []*tensors.Tensor { return []*tensors.Tensor{batches.Column(y, rows)} }}
}

// weights are the paths of what is pruned; the last layer is not.
var weights = []string{"/one/dense/weights", "/two/dense/weights"}

func net(scope *model.Scope, x *graph.Node) *graph.Node {
	x = activation.Relu(layers.DenseWithBias(scope.In("one"), x, 128))
	x = activation.Relu(layers.DenseWithBias(scope.In("two"), x, 128))
	return layers.DenseWithBias(scope.In("three"), x, digits.Classes)
}

// process is a program that trains to a step, from the checkpoint in its folder if there is one.
type process struct {
	experiment
	dir    string
	store  *model.Store
	pruner *pruning.Pruner
	rec    *tradeoff.Recorder
	builds int
}

func (p *process) train(to int) (err error) {
	p.store = model.NewStore()
	if err := p.store.SetRNGStateFromSeed(int64(p.seed)); err != nil {
		return err
	}
	saved, err := checkpoint.Build(p.store).Dir(p.dir).Keep(1).Done()
	if err != nil {
		return err
	}
	lr, err := gomlx.NewTable(p.lr, p.total)
	if err != nil {
		return err
	}
	opt, err := gomlx.Scheduled(p.backend, optimizer.Adam().Done(), lr)
	if err != nil {
		return err
	}
	// Masks change until the middle of the last cycle, so that the weights that are left have time to learn.
	p.pruner, err = pruning.New(opt, weights, pruning.WithOptions(prune.WithSparsity(.9),
		prune.WithSchedule(prune.Cubic(epoch, p.total*3/4))))
	if err != nil {
		return err
	}
	trainer := train.NewTrainer(p.backend, p.store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		if scope.IsTraining(x.Graph()) {
			p.builds++
		}
		return net(scope, x)
	}, loss.SparseCategoricalCrossEntropyLogits, p.pruner.Optimizer(), nil,
		[]metric.Interface{metric.NewSparseCategoricalAccuracy("accuracy", "acc")})
	loop := train.NewLoop(trainer)
	p.pruner.Attach(loop)
	data, closeLog, err := p.record(loop)
	if err != nil {
		return err
	}
	loop.OnEnd("save", 100, func(*train.Loop, []*tensors.Tensor) error { return saved.Save() })
	_, err = loop.RunToGlobalStep(data, to)
	return errors.Join(err, closeLog())
}

// record attaches a clock, a recorder and a log, and tells the recorder what the log of an earlier process says.
func (p *process) record(loop *train.Loop) (data train.Dataset, closeLog func() error, err error) {
	name := filepath.Join(p.dir, "log.jsonl")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, nil, err
	}
	before, err := runlog.ReadJSONL(file)
	if err != nil {
		return nil, file.Close, err
	}
	writer, err := runlog.NewWriter(file, runlog.WithRun(runlog.Record{RunID: "one", Task: "digits", Seed: p.seed}))
	if err != nil {
		return nil, file.Close, err
	}
	if p.rec, err = tradeoff.NewRecorder(p.lr, tradeoff.HigherBetter); err != nil {
		return nil, file.Close, err
	}
	for _, r := range before {
		if r.Kind == "eval" {
			err = errors.Join(err, p.rec.Observe(r.Step-1, r.Cost["train_seconds"], r.Quality["accuracy"]))
		}
	}
	clock, e := record.NewClock()
	if err = errors.Join(err, e); err != nil {
		return nil, file.Close, err
	}
	clock.Evaluate(loop, p.lr.IsCycleEnd, record.Metric(loop.Trainer, p.test.Once(), "acc"), p.rec.Observe,
		record.Log(writer, "accuracy"))
	return clock.Attach(loop, p.experiment.train.Endless(batch, p.seed, loop.LoopStep)), file.Close, nil
}

func (p *process) report() error {
	curve, err := p.rec.Curve()
	if err != nil {
		return err
	}
	if err := p.pruner.Finish(); err != nil {
		return err
	}
	fmt.Printf("%6s %7s %9s %9s\n", "cycle", "steps", "seconds", "accuracy")
	ends := p.lr.Ends(p.total)
	for k, point := range curve.Points() {
		fmt.Printf("%6d %7d %9.2f %8.1f%%\n", k+1, ends[k], point.Cost, 100*point.Quality)
	}
	kept, of := p.pruner.Masks().Count()
	fmt.Printf("%d of %d weights of the two hidden layers are left\n", kept, of)
	return nil
}

// same compares weights and what the optimizer keeps: names of metrics differ between any two stores.
func (p *process) same(q *process) (bool, error) {
	for _, path := range append(slices.Clone(weights), "/three/dense/weights",
		"/AdamOptimizer/one/dense/weights_2nd_moment") {
		a, err := p.store.GetVariable(path).Value()
		if err != nil {
			return false, err
		}
		b, err := q.store.GetVariable(path).Value()
		if err != nil {
			return false, err
		}
		if !a.Equal(b) {
			return false, nil
		}
	}
	return p.pruner.Masks().Equal(q.pruner.Masks()), nil
}
