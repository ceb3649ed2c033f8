// Command quickstart trains a small convolutional network on handwritten digits under a multiplicative cyclic learning
// rate and reads the tradeoff between training time and accuracy off that one run, at the end of every cycle
// (Portes et al. 2022, arXiv 2206.00832).
//
//	go run ./examples/quickstart
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
)

const (
	trainImages = 1297 // the other 500 are the test set
	batch       = 32
)

func main() {
	log.SetFlags(0)
	seed := flag.Uint64("seed", 1, "seed of the split, the weights and the order of the images")
	epochs := flag.Int("epochs", 32, "length of the run in epochs, at least 2; cycles end after 2, 4, 8, ...")
	out := flag.String("out", "", "directory for curve.csv, curve.svg and lr.svg")
	cli.Usage("quickstart trains a small network on handwritten digits under a cyclic learning rate and reads the " +
		"tradeoff between " +
		"training time and accuracy off that one run. It takes about ten seconds.")
	flag.Parse()
	if err := run(*seed, *epochs, *out); err != nil {
		log.Fatal("quickstart: ", err)
	}
}

func run(seed uint64, epochs int, out string) error {
	if epochs < 2 {
		return fmt.Errorf("-epochs is %d: the first cycle ends after 2", epochs)
	}
	if err := cli.Directory(out); err != nil {
		return err
	}
	all, err := digits.Load()
	if err != nil {
		return err
	}
	train, test := all.Split(seed, trainImages)
	stepsPerEpoch := train.Len() / batch

	// One epoch of warmup, then cycles of 1, 2, 4, ... epochs that decay from the peak towards the floor.
	lr := schedule.Cyclic{Warmup: float64(stepsPerEpoch), First: float64(stepsPerEpoch), Mult: 2, Peak: 0.05, Floor: 1e-4}
	if err := lr.Validate(); err != nil {
		return err
	}
	model, err := network(seed)
	if err != nil {
		return err
	}
	fmt.Printf("%d images to train on, %d to test on, %d steps an epoch, %d parameters\n",
		train.Len(), test.Len(), stepsPerEpoch, parameters(model))
	total := epochs * stepsPerEpoch
	if err := preview(lr, total); err != nil {
		return err
	}

	fmt.Printf("\n%6s %7s %8s %9s %8s\n", "cycle", "epochs", "seconds", "accuracy", "NLL")
	var curve []point
	err = fit(model, train, test, lr, lr.IsCycleEnd, total, seed, func(p point) {
		curve = append(curve, p)
		fmt.Printf("%6d %7d %8.2f %8.2f%% %8.4f\n", len(curve), p.epochs, p.seconds, 100*p.accuracy, p.nll)
	})
	if err != nil {
		return err
	}
	report(curve)
	if err := check(curve, train, test, seed); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	return save(curve, lr, total, out)
}

// check trains a model of its own for the length of the middle cycle's end and compares.
func check(curve []point, train, test digits.Set, seed uint64) error {
	middle := curve[len(curve)/2]
	stepsPerEpoch := train.Len() / batch
	total := middle.epochs * stepsPerEpoch
	lr := schedule.WSD{Warmup: float64(stepsPerEpoch), Decay: float64(total - stepsPerEpoch), Peak: 0.05, Floor: 1e-4}
	if err := lr.Validate(); err != nil {
		return err
	}
	model, err := network(seed)
	if err != nil {
		return err
	}
	return fit(model, train, test, lr, func(step int) bool { return step == total-1 }, total, seed, func(p point) {
		compare(middle, p, test.Len())
	})
}

// network is conv 3x3x16, pool, conv 3x3x32, pool and a linear layer, about 6,000 weights.
func network(seed uint64) (*nn.Sequential[float32], error) {
	rng := tensor.Stream(seed, 1)
	half := tensor.Window{KH: 2, KW: 2}
	conv1, err1 := nn.NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 1, PadH: 1, PadW: 1}, 16, rng)
	pool1, err2 := nn.NewMaxPool2D[float32](half)
	conv2, err3 := nn.NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 16, PadH: 1, PadW: 1}, 32, rng)
	pool2, err4 := nn.NewMaxPool2D[float32](half)
	head, err5 := nn.NewLinear[float32](2*2*32, digits.Classes, rng)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	conv1.Act, conv2.Act = tensor.ReLUActivation, tensor.ReLUActivation
	conv1.SkipInputGrad = true
	return nn.NewSequential[float32](conv1, pool1, conv2, pool2, nn.NewFlatten[float32](), head), nil
}

// fit is the training loop. It evaluates the model after every step that isEnd names.
func fit(model *nn.Sequential[float32], train, test digits.Set, lr schedule.Schedule, isEnd func(step int) bool,
	total int, seed uint64, observe func(point)) error {
	opt := nn.SGD[float32]{Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4}
	var loss nn.CrossEntropy[float32]
	x, y := tensor.NewDense[float32](batch, digits.Size, digits.Size, 1), make([]int, batch)
	stepsPerEpoch := train.Len() / batch
	var order []int
	var spent time.Duration // training alone, without the evaluations
	for step := range total {
		start := time.Now()
		epoch, at := step/stepsPerEpoch, step%stepsPerEpoch
		if at == 0 {
			order = tensor.Stream(seed, 2, uint64(epoch)).Perm(train.Len())
		}
		train.Gather(x.Data, y, order[at*batch:(at+1)*batch])

		_, grad, err := loss.Eval(model.Forward(x, true), y)
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		nn.ZeroGrad(model.Params())
		model.Backward(grad)
		opt.LR = lr.Value(float64(step))
		if err := opt.Step(model.Params()); err != nil {
			return err
		}
		spent += time.Since(start)

		if isEnd(step) {
			p, err := evaluate(model, test)
			if err != nil {
				return err
			}
			p.epochs, p.seconds = (step+1)/stepsPerEpoch, spent.Seconds()
			observe(p)
		}
	}
	return nil
}

// evaluate returns accuracy and mean negative log-likelihood on a set.
func evaluate(model *nn.Sequential[float32], set digits.Set) (point, error) {
	x := tensor.DenseOf(set.X, set.Len(), digits.Size, digits.Size, 1)
	logits := model.Forward(x, false).Matrix(1)
	nll, err := tensor.SoftmaxCrossEntropy(tensor.Matrix[float32]{}, logits, set.Y, 0)
	if err != nil {
		return point{}, err
	}
	right := 0
	for i, y := range set.Y {
		if tensor.ArgMax(logits.Row(i)) == y {
			right++
		}
	}
	return point{accuracy: float64(right) / float64(set.Len()), nll: nll}, nil
}

func parameters(model *nn.Sequential[float32]) int {
	n := 0
	for _, p := range model.Params() {
		n += len(p.Data)
	}
	return n
}
