package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tradeoff/pipeline"
)

// setting is what a loop is made of.
type setting struct {
	hidden  int           // units of each of two hidden layers
	latency time.Duration // of reading a batch
	updates int           // passes of the optimizer over the weights, of which one is needed
	every   int           // batches of which one is learned from
}

// scenario is a loop with something wrong, and mended.
type scenario struct {
	name          string
	before, after setting
	expected      string // verdict
	mending       string
	factors       map[string]float64 // what becomes how many times as fast
}

var scenarios = []scenario{
	{name: "slow loader", before: setting{256, 8 * time.Millisecond, 1, 1},
		after:    setting{256, 4 * time.Millisecond, 1, 1},
		expected: "input", mending: "reading a batch in half the time", factors: map[string]float64{"load": 2}},
	{name: "slow optimizer", before: setting{512, 0, 24, 1}, after: setting{512, 0, 3, 1},
		expected: "optimizer", mending: "an update in three passes instead of 24",
		factors: map[string]float64{"optimizer": 8}},
	{name: "arithmetic", before: setting{1024, 0, 1, 1}, after: setting{1024, 0, 1, 2},
		expected: "compute", mending: "learning from every second batch alone",
		factors: map[string]float64{"backward": 2, "optimizer": 2}},
}

const batch = 128

// loop is a training loop that can be run step by step.
type loop struct {
	setting
	p       *pipeline.Profiler
	model   *nn.Sequential[float32]
	opt     nn.SGD[float32]
	loss    nn.CrossEntropy[float32]
	batches chan []int
	stop    chan struct{}
	done    sync.WaitGroup
	train   digits.Set
	cached  []int
	n       int
	x       tensor.Dense[float32]
	y       []int
}

func newLoop(s setting, opts ...pipeline.Option) (*loop, error) {
	train, err := digits.Load()
	if err != nil {
		return nil, err
	}
	rng := tensor.Stream(1)
	one, err1 := nn.NewLinear[float32](digits.Size*digits.Size, s.hidden, rng)
	two, err2 := nn.NewLinear[float32](s.hidden, s.hidden, rng)
	three, err3 := nn.NewLinear[float32](s.hidden, digits.Classes, rng)
	p, err4 := pipeline.New(opts...)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	one.Act, two.Act = tensor.ReLUActivation, tensor.ReLUActivation
	l := &loop{setting: s, p: p, model: nn.NewSequential[float32](one, two, three), opt: nn.SGD[float32]{LR: 1e-3},
		train:   train,
		batches: make(chan []int, 2), stop: make(chan struct{}), x: tensor.NewDense[float32](batch, digits.Size*digits.Size),
		y: make([]int, batch)}
	l.done.Go(l.load)
	return l, nil
}

// load fills the queue of batches in the background.
func (l *loop) load() {
	stage := l.p.Stage("load", 1, "")
	for k := uint64(0); ; k++ {
		var rows []int
		stage.Do(func() {
			time.Sleep(l.latency)
			rows = tensor.Stream(2, k).Perm(l.train.Len())[:batch]
		})
		select {
		case l.batches <- rows:
		case <-l.stop:
			return
		}
	}
}

func (l *loop) close() {
	close(l.stop)
	l.done.Wait()
}

// cache makes the loop use one batch again and again.
func (l *loop) cache() { l.cached = <-l.batches }

// step is one step of training.
func (l *loop) step() error {
	wait := l.p.Begin(pipeline.Wait)
	rows := l.cached
	if rows == nil {
		rows = <-l.batches
	}
	wait.End()
	copies := l.p.Begin(pipeline.Transfer)
	l.train.Gather(l.x.Data, l.y, rows)
	copies.End()

	forward := l.p.Begin(pipeline.Forward)
	logits := l.model.Forward(l.x, true)
	_, grad, err := l.loss.Eval(logits, l.y)
	forward.End()
	if err != nil {
		return err
	}
	if l.n++; l.n%l.every == 0 {
		backward := l.p.Begin(pipeline.Backward)
		nn.ZeroGrad(l.model.Params())
		l.model.Backward(grad)
		backward.End()
		update := l.p.Begin(pipeline.Optimizer)
		for range l.updates {
			if err := l.opt.Step(l.model.Params()); err != nil {
				return err
			}
		}
		update.End()
	}
	flops, bytes := l.work()
	l.p.Work(flops, bytes)
	l.p.EndStep(batch)
	return nil
}

// work is the operations and bytes of forward and backward.
func (l *loop) work() (flops, bytes int64) {
	for _, size := range [][2]int{{digits.Size * digits.Size, l.hidden}, {l.hidden, l.hidden},
		{l.hidden, digits.Classes}} {
		f, b := pipeline.DenseWork(batch, size[0], size[1], 4, l.n%l.every == 0)
		flops, bytes = flops+f, bytes+b
	}
	return flops, bytes
}

// profile runs a loop and reports on it.
func profile(ctx context.Context, s setting, peaks pipeline.Peaks, steps int) (pipeline.Report, error) {
	l, err := newLoop(s, pipeline.WithRoofline(peaks), pipeline.WithWarmup(10))
	if err != nil {
		return pipeline.Report{}, err
	}
	defer l.close()
	for range steps + 10 {
		if err := ctx.Err(); err != nil {
			return pipeline.Report{}, err
		}
		if err := l.step(); err != nil {
			return pipeline.Report{}, err
		}
	}
	return l.p.Report(), nil
}
