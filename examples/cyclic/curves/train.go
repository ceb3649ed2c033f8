// Package curves trains small classifiers of handwritten digits once with a cyclic learning rate and once for each
// length, so that the tradeoff curves of both can be compared.
package curves

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

// Recipe is what a training method changes: it is trained with its schedule and nothing else by all of them.
type Recipe struct {
	Name      string
	hidden    int
	smoothing float64 // of labels
	mixup     float64 // both parameters of the beta distribution of the mixing weight; 0: none
	dropout   float64
}

// Recipes: the first is the baseline.
var Recipes = []Recipe{
	{Name: "base", hidden: 64},
	{Name: "wide", hidden: 256},
	{Name: "dropout", hidden: 64, dropout: 0.2},
	{Name: "smoothing", hidden: 64, smoothing: 0.1},
	{Name: "mixup", hidden: 64, mixup: 0.4},
	{Name: "smoothing+mixup", hidden: 64, smoothing: 0.1, mixup: 0.4},
}

// Of the training images, and of the recipes.
const (
	Trained     = 600          // images
	EpochSteps  = Trained / 30 // steps of an epoch, of the usual batch
	momentum    = 0.9
	weightDecay = 5e-4
	cycles      = 6
)

// Training is what all recipes share.
type Training struct {
	Batch int     // images of a step; divides Trained
	Peak  float64 // learning rate
	Noise float64 // share of training images with wrong labels
}

// Usual is the training of the program, with clean labels.
var Usual = Training{Batch: Trained / EpochSteps, Peak: 0.1}

func (how Training) epochSteps() int { return Trained / how.Batch }

// Schedule is the multiplicative cyclic schedule of the paper: a warmup of one epoch, then cycles of 1, 2, 4, ...
// epochs.
func (how Training) Schedule() schedule.Cyclic {
	epoch := float64(how.epochSteps())
	return schedule.Cyclic{Warmup: epoch, First: epoch, Mult: 2, Peak: how.Peak, MaxCycles: cycles}
}

// standard is the schedule of a run of its own: the same warmup and one decay to its end.
func (how Training) standard(steps int) schedule.Cyclic {
	epoch := float64(how.epochSteps())
	return schedule.Cyclic{Warmup: epoch, First: float64(steps) - epoch, Mult: 1, Peak: how.Peak, MaxCycles: 1}
}

// Data is images to train on and to test on, and how.
type Data struct {
	train, test digits.Set
	how         Training
}

// Load splits the digits and gives the labels of some training images to chance.
func Load(how Training, seed uint64) (Data, error) {
	set, err := digits.Load()
	if err != nil {
		return Data{}, err
	}
	const pixels = digits.Size * digits.Size
	rng := tensor.Stream(seed, 1)
	d := Data{how: how}
	for i, from := range rng.Perm(len(set.Y)) { // the file is ordered by writer
		to := &d.train
		if i >= Trained {
			to = &d.test
		}
		to.X = append(to.X, set.X[from*pixels:][:pixels]...)
		to.Y = append(to.Y, set.Y[from])
	}
	for _, wrong := range rng.Perm(Trained)[:int(how.Noise*Trained)] {
		d.train.Y[wrong] = (d.train.Y[wrong] + 1 + rng.IntN(digits.Classes-1)) % digits.Classes
	}
	return d, nil
}

// network makes the model of a recipe.
func (r Recipe) network(seed uint64) nn.Layer[float32] {
	rng := tensor.Stream(seed, 2)
	var layers []nn.Layer[float32]
	in := digits.Size * digits.Size
	for i := range 2 {
		hidden := nn.Must(nn.NewLinear[float32](in, r.hidden, rng))
		hidden.Act, hidden.SkipInputGrad = tensor.ReLUActivation, i == 0
		w := hidden.Weight.Data
		tensor.Scale(w, float32(math.Sqrt(6)), w) // the variance of He et al. 2015
		layers, in = append(layers, hidden), r.hidden
		if r.dropout > 0 {
			layers = append(layers, nn.Must(nn.NewDropout[float32](r.dropout, seed+uint64(i))))
		}
	}
	return nn.NewSequential(append(layers, nn.Layer[float32](nn.Must(nn.NewLinear[float32](in, digits.Classes, rng))))...)
}

// run trains for the steps of a schedule and reports to observe after the steps that it wants to see.
func (r Recipe) run(d Data, seed uint64, lr schedule.Schedule, steps int, wanted func(step int) bool,
	observe func(step int, accuracy, loss float64) error) error {
	model := r.network(seed)
	opt := nn.SGD[float32]{Momentum: momentum, WeightDecay: weightDecay}
	b := batches{r: r, d: d, seed: seed}
	for step := range steps {
		opt.LR = lr.Value(float64(step))
		x, err := b.draw(step)
		if err != nil {
			return err
		}
		dy, err := b.loss(model.Forward(x, true))
		if err != nil {
			return err
		}
		nn.ZeroGrad(model.Params())
		model.Backward(dy)
		if err := opt.Step(model.Params()); err != nil {
			return err
		}
		if wanted(step) {
			accuracy, loss, err := evaluate(model, d.test)
			if err == nil {
				err = observe(step, accuracy, loss)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// batches draws batches keyed by seed, epoch and step: every schedule sees the same ones.
type batches struct {
	r     Recipe
	d     Data
	seed  uint64
	order []int

	x           [2]tensor.Dense[float32]
	y           [2][]int
	weight      float64 // of the first images and labels; the rest is that of the second
	loss1, mate nn.CrossEntropy[float32]
}

func (b *batches) draw(step int) (tensor.Dense[float32], error) {
	batch, perEpoch := b.d.how.Batch, b.d.how.epochSteps()
	epoch := step / perEpoch
	if step%perEpoch == 0 {
		b.order = tensor.Stream(b.seed, 3, uint64(epoch)).Perm(Trained)
	}
	mine := b.order[step%perEpoch*batch:][:batch]
	b.gather(0, mine)
	b.weight = 1
	if b.r.mixup == 0 {
		return b.x[0], nil
	}
	rng := tensor.Stream(b.seed, 4, uint64(step))
	b.weight = distuv.Beta{Alpha: b.r.mixup, Beta: b.r.mixup, Src: rng}.Rand()
	b.gather(1, shuffled(rng, mine))
	tensor.Scale(b.x[0].Data, float32(b.weight), b.x[0].Data)
	tensor.Axpy(b.x[0].Data, float32(1-b.weight), b.x[1].Data)
	return b.x[0], nil
}

func shuffled(rng *rand.Rand, x []int) []int {
	y := make([]int, len(x))
	for i, j := range rng.Perm(len(x)) {
		y[i] = x[j]
	}
	return y
}

func (b *batches) gather(k int, images []int) {
	const pixels = digits.Size * digits.Size
	if b.x[k].Data == nil {
		b.x[k], b.y[k] = tensor.NewDense[float32](b.d.how.Batch, pixels), make([]int, b.d.how.Batch)
	}
	for i, from := range images {
		copy(b.x[k].Data[i*pixels:][:pixels], b.d.train.X[from*pixels:])
		b.y[k][i] = b.d.train.Y[from]
	}
}

// loss returns the gradient of the cross-entropy with the labels of the last batch.
func (b *batches) loss(logits tensor.Dense[float32]) (tensor.Dense[float32], error) {
	b.loss1.Smoothing, b.mate.Smoothing = b.r.smoothing, b.r.smoothing
	_, dy, err := b.loss1.Eval(logits, b.y[0])
	if err != nil || b.weight == 1 {
		return dy, err
	}
	_, other, err := b.mate.Eval(logits, b.y[1])
	if err != nil {
		return dy, err
	}
	tensor.Scale(dy.Data, float32(b.weight), dy.Data)
	tensor.Axpy(dy.Data, float32(1-b.weight), other.Data)
	return dy, nil
}

// evaluate returns the accuracy in percent and the mean negative log-likelihood.
func evaluate(model nn.Layer[float32], test digits.Set) (accuracy, loss float64, err error) {
	logits := model.Forward(tensor.DenseOf(test.X, len(test.Y), digits.Size*digits.Size), false)
	right := 0
	for i, y := range test.Y {
		if tensor.ArgMax(logits.Data[i*digits.Classes:][:digits.Classes]) == y {
			right++
		}
	}
	ce := nn.CrossEntropy[float32]{}
	loss, _, err = ce.Eval(logits, test.Y)
	return 100 * float64(right) / float64(len(test.Y)), loss, err
}
