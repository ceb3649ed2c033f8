package study

import (
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/eval"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// Compressions of the program.
var Compressions = []float64{2, 4, 8, 16, 32}

// Strategy is a way to prune. Weights B are those of a base training with a tenth of the learning rate.
type Strategy struct {
	Name     string
	WeightsB bool
	Roles    []eval.Role
	Year     int
	Options  func(r Recipe) []prune.Option // nil: not pruned
	Matched  bool                          // random, with the numbers per tensor of the options' masks
	Draw     uint64                        // other random numbers for the same seed
	gradual  bool                          // in the first half of fine-tuning, and not before it
	dense    bool                          // fine-tuned without pruning
}

// Under returns the options of a strategy. Biases are pruned like weights where the model is too small to keep them:
// with them dense the perceptron can be compressed 30 times at most.
func Under(scope prune.Scope, more ...prune.Option) func(Recipe) []prune.Option {
	return func(r Recipe) []prune.Option {
		opts := append([]prune.Option{prune.WithScope(scope), prune.WithMinKeep(0), prune.WithCollapse()}, more...)
		if r.biases {
			opts = append(opts, prune.WithBiases())
		}
		return opts
	}
}

// Names of the strategies.
const (
	Dense, tuned                      = "dense", "dense, fine-tuned"
	GlobalMagnitude, LayerMagnitude   = "global magnitude", "layer magnitude"
	GlobalGradient, layerGradient     = "global gradient", "layer gradient"
	Random, Matched, GradualMagnitude = "random", "random, matched", "gradual magnitude"
	DenseB                            = "dense, B"
	GlobalB, LayerB                   = "global magnitude, B", "layer magnitude, B"
)

// Strategies in the order of the table. Global magnitude pruning is what the study is about, and at once its own
// magnitude baselines.
var Strategies = []Strategy{
	{Name: Dense, Roles: []eval.Role{eval.Control}},
	{Name: tuned, Roles: []eval.Role{eval.TunedControl}, dense: true},
	{Name: GlobalMagnitude, Roles: []eval.Role{eval.Proposed, eval.MagnitudeBase, eval.MagnitudeMatched},
		Options: Under(prune.Global)},
	{Name: LayerMagnitude, Roles: []eval.Role{eval.MagnitudeBase}, Options: Under(prune.PerTensor)},
	{Name: GlobalGradient, Roles: []eval.Role{eval.Competitor},
		Options: Under(prune.Global, prune.WithScorer(prune.Taylor[float32]())), Year: 2016},
	{Name: layerGradient, Roles: []eval.Role{eval.Competitor},
		Options: Under(prune.PerTensor, prune.WithScorer(prune.Taylor[float32]())), Year: 2016},
	{Name: Random, Roles: []eval.Role{eval.RandomUniform},
		Options: Under(prune.PerTensor, prune.WithScorer(prune.Random[float32]()))},
	{Name: Matched, Roles: []eval.Role{eval.RandomMatched}, Options: Under(prune.Global), Matched: true},
	{Name: GradualMagnitude, Roles: []eval.Role{eval.Competitor}, Options: Under(prune.Global), gradual: true, Year: 2017},
	{Name: DenseB, Roles: []eval.Role{eval.Control}, WeightsB: true},
	{Name: GlobalB, Roles: []eval.Role{eval.Competitor}, Options: Under(prune.Global), WeightsB: true},
	{Name: LayerB, Roles: []eval.Role{eval.Competitor}, Options: Under(prune.PerTensor), WeightsB: true},
}

// job is one model of the study.
type job struct {
	r           Recipe
	s           Strategy
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

// Plan is what to train, prune and compare.
type Plan struct {
	Dataset      string
	Train, Test  Images
	Recipes      []Recipe
	Strategies   []Strategy
	Wanted       func(Recipe, Strategy) bool
	Compressions []float64
	Seeds        []uint64
}

// Run trains the base models, then prunes and fine-tunes every combination, both on all processors.
func (p Plan) Run(report func(done, total int)) ([]eval.Result, error) {
	bases := map[baseKey]*base{}
	var keys []baseKey
	var models []Recipe
	var jobs []*job
	for _, r := range p.Recipes {
		for _, s := range p.Strategies {
			for _, seed := range p.Seeds {
				if !p.Wanted(r, s) {
					continue
				}
				if k := (baseKey{r.Name, s.WeightsB, seed}); bases[k] == nil {
					bases[k] = new(base)
					keys, models = append(keys, k), append(models, r)
				}
				if s.Options == nil {
					jobs = append(jobs, &job{r: r, s: s, seed: seed, compression: 1})
					continue
				}
				for _, c := range p.Compressions {
					jobs = append(jobs, &job{r: r, s: s, seed: seed, compression: c})
				}
			}
		}
	}
	done, end := progress.Start(len(keys)+len(jobs), report)
	errs := make([]error, len(keys))
	tensor.Parallel(len(keys), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			errs[i] = bases[keys[i]].train(models[i], keys[i], p.Train, p.Test)
			done()
		}
	})
	err := errors.Join(errs...)
	if err == nil {
		tensor.Parallel(len(jobs), 1, func(lo, hi int) {
			for _, j := range jobs[lo:hi] {
				j.err = j.run(p.Dataset, bases[baseKey{j.r.Name, j.s.WeightsB, j.seed}], p.Train, p.Test)
				done()
			}
		})
	}
	end()
	var results []eval.Result
	for _, j := range jobs {
		if j.err != nil {
			err = errors.Join(err, fmt.Errorf("%s, %s, compression %v, seed %d: %w",
				j.r.Name, j.s.Name, j.compression, j.seed, j.err))
		}
		results = append(results, j.result)
	}
	return results, err
}

func (b *base) train(r Recipe, k baseKey, train, test Images) error {
	model := r.build(k.seed)
	lr := rate
	if k.weightsB {
		lr /= 10
	}
	if err := r.train(model, train, r.Base, lr, k.seed, nil); err != nil {
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
func (j *job) run(dataset string, b *base, train, test Images) error {
	r := j.r
	model := r.build(j.seed)
	for i, p := range model.Params() {
		copy(p.Data, b.weights[i])
	}
	j.result = eval.Result{Dataset: dataset, Model: r.Name, Method: j.s.Name, Seed: j.seed, Target: j.compression,
		Selection:   eval.Last,
		InitialHash: b.hash, ConfigHash: fmt.Sprintf("Adam %v, batch %d, %d epochs, no augmentation", rate, r.Batch, r.Tune),
		Batch: r.Batch, Epochs: r.Tune, Optimizer: "Adam",
		LR: rate, PreTop1: b.top1, PreTop5: b.top5, Top1: b.top1, Top5: b.top5}
	if j.s.Options == nil && !j.s.dense {
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
	if err := r.train(model, train, r.Tune, rate, j.seed+1000, pruner); err != nil {
		return err
	}
	j.result.Completed = r.Tune
	stats, err := prune.StatsOf(model.Params(), nil, r.macs)
	if pruner != nil {
		stats = pruner.Stats()
		j.result.EffectiveRatio, err = r.effective(model, pruner.Masks(), train.Size)
	}
	if err != nil {
		return err
	}
	j.result.SetStats(stats)
	j.result.CollapseDeclared = true // collapsed layers are printed below
	j.result.Top1, j.result.Top5, err = r.test(model, test)
	return err
}

func (j *job) prune(model *nn.Sequential[float32], train Images) (*prune.Pruner[float32], error) {
	r := j.r
	if j.s.dense {
		return nil, nil
	}
	opts := append(j.s.Options(r), prune.WithCompression(j.compression), prune.WithFixed(r.head+".weight", r.head+".bias"),
		prune.WithMACs(r.macs), prune.WithSeed(j.seed+j.s.Draw))
	if j.s.gradual {
		end := r.steps(train, r.Tune) / 2
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
	if j.s.Matched {
		err = pruner.SetMasks(eval.MatchedRandom(pruner.Masks(), j.seed+j.s.Draw))
	}
	return pruner, err
}
