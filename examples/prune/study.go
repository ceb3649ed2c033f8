package main

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/eval"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

var compressions = []float64{2, 4, 8, 16, 32}

// strategy is a way to prune. Weights B are those of a base training with a tenth of the learning rate.
type strategy struct {
	name     string
	weightsB bool
	roles    []eval.Role
	year     int
	options  func(r recipe) []prune.Option // nil: not pruned
	matched  bool                          // random, with the numbers per tensor of the options' masks
	gradual  bool                          // in the first half of fine-tuning, and not before it
	dense    bool                          // fine-tuned without pruning
}

// under returns the options of a strategy. Biases are pruned like weights where the model is too small to keep them:
// with them dense the perceptron can be compressed 30 times at most.
func under(scope prune.Scope, more ...prune.Option) func(recipe) []prune.Option {
	return func(r recipe) []prune.Option {
		opts := append([]prune.Option{prune.WithScope(scope), prune.WithMinKeep(0), prune.WithCollapse()}, more...)
		if r.biases {
			opts = append(opts, prune.WithBiases())
		}
		return opts
	}
}

const (
	dense, tuned                = "dense", "dense, fine-tuned"
	globalMag, layerMag         = "global magnitude", "layer magnitude"
	globalGrad, layerGrad       = "global gradient", "layer gradient"
	random, matched, gradualMag = "random", "random, matched", "gradual magnitude"
	denseB                      = "dense, B"
	globalB, layerB             = "global magnitude, B", "layer magnitude, B"
)

// strategies in the order of the table. Global magnitude pruning is what the study is about, and at once its own
// magnitude baselines.
var strategies = []strategy{
	{name: dense, roles: []eval.Role{eval.Control}},
	{name: tuned, roles: []eval.Role{eval.TunedControl}, dense: true},
	{name: globalMag, roles: []eval.Role{eval.Proposed, eval.MagnitudeBase, eval.MagnitudeMatched},
		options: under(prune.Global)},
	{name: layerMag, roles: []eval.Role{eval.MagnitudeBase}, options: under(prune.PerTensor)},
	{name: globalGrad, roles: []eval.Role{eval.Competitor},
		options: under(prune.Global, prune.WithScorer(prune.Taylor[float32]())), year: 2016},
	{name: layerGrad, roles: []eval.Role{eval.Competitor},
		options: under(prune.PerTensor, prune.WithScorer(prune.Taylor[float32]())), year: 2016},
	{name: random, roles: []eval.Role{eval.RandomUniform},
		options: under(prune.PerTensor, prune.WithScorer(prune.Random[float32]()))},
	{name: matched, roles: []eval.Role{eval.RandomMatched}, options: under(prune.Global), matched: true},
	{name: gradualMag, roles: []eval.Role{eval.Competitor}, options: under(prune.Global), gradual: true, year: 2017},
	{name: denseB, roles: []eval.Role{eval.Control}, weightsB: true},
	{name: globalB, roles: []eval.Role{eval.Competitor}, options: under(prune.Global), weightsB: true},
	{name: layerB, roles: []eval.Role{eval.Competitor}, options: under(prune.PerTensor), weightsB: true},
}

// job is one model of the study.
type job struct {
	r           recipe
	s           strategy
	seed        uint64
	compression float64
	result      eval.Result
	err         error
}

// base is a trained model before pruning.
type base struct {
	weights    [][]float32
	hash       string
	top1, top5 float64
}

type baseKey struct {
	model    string
	weightsB bool
	seed     uint64
}

// study trains the base models, then prunes and fine-tunes every combination, both on all processors.
func study(dataset string, train, test images, recipes []recipe, wanted func(recipe, strategy) bool, seeds []uint64,
	report func(done, total int)) ([]eval.Result, error) {
	bases := map[baseKey]*base{}
	var keys []baseKey
	var models []recipe
	var jobs []*job
	for _, r := range recipes {
		for _, s := range strategies {
			for _, seed := range seeds {
				if !wanted(r, s) {
					continue
				}
				if k := (baseKey{r.name, s.weightsB, seed}); bases[k] == nil {
					bases[k] = new(base)
					keys, models = append(keys, k), append(models, r)
				}
				if s.options == nil {
					jobs = append(jobs, &job{r: r, s: s, seed: seed, compression: 1})
					continue
				}
				for _, c := range compressions {
					jobs = append(jobs, &job{r: r, s: s, seed: seed, compression: c})
				}
			}
		}
	}
	done, end := progress.Start(len(keys)+len(jobs), report)
	errs := make([]error, len(keys))
	tensor.Parallel(len(keys), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			errs[i] = bases[keys[i]].train(models[i], keys[i], train, test)
			done()
		}
	})
	err := errors.Join(errs...)
	if err == nil {
		tensor.Parallel(len(jobs), 1, func(lo, hi int) {
			for _, j := range jobs[lo:hi] {
				j.err = j.run(dataset, bases[baseKey{j.r.name, j.s.weightsB, j.seed}], train, test)
				done()
			}
		})
	}
	end()
	var results []eval.Result
	for _, j := range jobs {
		if j.err != nil {
			err = errors.Join(err, fmt.Errorf("%s, %s, compression %v, seed %d: %w",
				j.r.name, j.s.name, j.compression, j.seed, j.err))
		}
		results = append(results, j.result)
	}
	return results, err
}

func (b *base) train(r recipe, k baseKey, train, test images) error {
	model := r.build(k.seed)
	lr := rate
	if k.weightsB {
		lr /= 10
	}
	if err := r.train(model, train, r.base, lr, k.seed, nil); err != nil {
		return err
	}
	for _, p := range model.Params() {
		b.weights = append(b.weights, p.Data)
	}
	b.hash = eval.Fingerprint(model.Params())
	var err error
	b.top1, b.top5, err = r.test(model, test)
	return err
}

// run prunes a copy of the base model, measures it, fine-tunes it with its masks and measures again.
func (j *job) run(dataset string, b *base, train, test images) error {
	r := j.r
	model := r.build(j.seed)
	for i, p := range model.Params() {
		copy(p.Data, b.weights[i])
	}
	j.result = eval.Result{Dataset: dataset, Model: r.name, Method: j.s.name, Seed: j.seed, Target: j.compression,
		Selection:   eval.Last,
		InitialHash: b.hash, ConfigHash: fmt.Sprintf("Adam %v, batch %d, %d epochs, no augmentation", rate, r.batch, r.tune),
		Batch: r.batch, Epochs: r.tune, Optimizer: "Adam",
		LR: rate, PreTop1: b.top1, PreTop5: b.top5, Top1: b.top1, Top5: b.top5}
	if j.s.options == nil && !j.s.dense {
		stats, err := prune.StatsOf(model.Params(), nil, r.macs)
		j.result.SetStats(stats)
		return err
	}
	pruner, err := j.prune(model, train)
	if err != nil {
		return err
	}
	if j.result.PreTop1, j.result.PreTop5, err = r.test(model, test); err != nil {
		return err
	}
	if err := r.train(model, train, r.tune, rate, j.seed+1000, pruner); err != nil {
		return err
	}
	j.result.Completed = r.tune
	stats, err := prune.StatsOf(model.Params(), nil, r.macs)
	if pruner != nil {
		stats = pruner.Stats()
		j.result.EffectiveRatio, err = r.effective(model, pruner.Masks(), train.size)
	}
	if err != nil {
		return err
	}
	j.result.SetStats(stats)
	j.result.CollapseDeclared = true // collapsed layers are printed below
	j.result.Top1, j.result.Top5, err = r.test(model, test)
	return err
}

func (j *job) prune(model *nn.Sequential[float32], train images) (*prune.Pruner[float32], error) {
	r := j.r
	if j.s.dense {
		return nil, nil
	}
	opts := append(j.s.options(r), prune.WithCompression(j.compression), prune.WithFixed(r.head+".weight", r.head+".bias"),
		prune.WithMACs(r.macs), prune.WithSeed(j.seed))
	if j.s.gradual {
		end := r.steps(train, r.tune) / 2
		s := prune.Cubic(0, end)
		s.Every = max(1, end/20)
		return prune.New(model.Params(), append(opts, prune.WithSchedule(s))...)
	}
	if err := r.gradients(model, train); err != nil {
		return nil, err
	}
	pruner, err := prune.New(model.Params(), opts...)
	if err != nil {
		return nil, err
	}
	if _, err := pruner.Step(0); err != nil {
		return nil, err
	}
	if j.s.matched {
		err = pruner.SetMasks(eval.MatchedRandom(pruner.Masks(), j.seed))
	}
	return pruner, err
}
