// Package views is a small classifier of handwritten digits that is asked about 18 views of each image, and the
// comparison of ways to make one answer of them.
package views

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/vision"
)

const (
	trainImages = 500 // the others are asked about
	epochs      = 60
	batch       = 25
)

// policy is the image, eight shifts, small turns, changes of intensity, and views that the model has not been trained
// for: mirrors turn a 2 into no digit at all.
func policy() (*tta.Policy[vision.Image], error) {
	view := func(name string, steps ...*vision.Transform) tta.View[vision.Image] {
		return tta.View[vision.Image]{Name: name, Steps: vision.Chain(steps...), Original: len(steps) == 0}
	}
	views := []tta.View[vision.Image]{view("identity")}
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if dx != 0 || dy != 0 {
				views = append(views, view(fmt.Sprintf("shift %+d %+d", dx, dy), vision.Translate(dx, dy)))
			}
		}
	}
	return tta.NewPolicy(append(views,
		view("turn +10", vision.Rotate(10, vision.Linear)), view("turn -10", vision.Rotate(-10, vision.Linear)),
		view("blur", vision.GaussianBlur(3, 0.5)), view("dark", vision.Brightness(0.7)),
		view("bright", vision.Brightness(1.3)), view("contrast", vision.Contrast(1.3)),
		view("hflip", vision.FlipH()), view("vflip", vision.FlipV()), view("rot90", vision.Rot90(1)))...)
}

// Collect trains the network, on the images as they are or each shifted by a pixel or none in every epoch, three times
// as long and at a fifth of the rate, and asks it about all views of the images that it has not seen.
func Collect(ctx context.Context, seed uint64, shifted bool) (*tta.Outputs, error) {
	all, err := digits.Load()
	if err != nil {
		return nil, err
	}
	train, rest := all.Split(seed, trainImages)
	model, err := fit(train, seed, shifted)
	if err != nil {
		return nil, err
	}
	p, err := policy()
	if err != nil {
		return nil, err
	}
	const size = digits.Size * digits.Size
	images := func(yield func(vision.Image, int) bool) {
		for i, y := range rest.Y {
			if !yield(vision.Image{H: digits.Size, W: digits.Size, C: 1, Pix: rest.X[i*size : (i+1)*size]}, y) {
				return
			}
		}
	}
	ask := func(_ context.Context, batch []vision.Image, out []float32) error {
		x := tensor.NewDense[float32](len(batch), size)
		for i, m := range batch {
			copy(x.Data[i*size:], m.Pix)
		}
		copy(out, model.Forward(x, false).Data)
		return nil
	}
	return tta.CollectLabelled(ctx, ask, p, images, digits.Classes, tta.WithBatch(256))
}

// fit trains 64-48-10 with momentum.
func fit(train digits.Set, seed uint64, shifted bool) (*nn.Sequential[float32], error) {
	rng := tensor.Stream(seed, 1)
	const size = digits.Size * digits.Size
	hidden, err1 := nn.NewLinear[float32](size, 48, rng)
	head, err2 := nn.NewLinear[float32](48, digits.Classes, rng)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	hidden.Act, hidden.SkipInputGrad = tensor.ReLUActivation, true
	model := nn.NewSequential[float32](hidden, head)
	opt, loss := nn.SGD[float32]{LR: 0.1, Momentum: 0.9}, nn.CrossEntropy[float32]{}
	x, y := tensor.NewDense[float32](batch, size), make([]int, batch)
	times := 1
	if shifted { // harder, so that it takes longer and a smaller rate to settle
		times, opt.LR = 3, 0.02
	}
	for epoch := range times * epochs {
		order := tensor.Stream(seed, 2, uint64(epoch)).Perm(train.Len())
		draw := tensor.Stream(seed, 3, uint64(epoch))
		for lo := 0; lo+batch <= len(order); lo += batch {
			train.Gather(x.Data, y, order[lo:lo+batch])
			for i := 0; shifted && i < batch; i++ {
				shift(x.Data[i*size:][:size], draw.IntN(3)-1, draw.IntN(3)-1)
			}
			_, grad, err := loss.Eval(model.Forward(x, true), y)
			if err != nil {
				return nil, err
			}
			nn.ZeroGrad(model.Params())
			model.Backward(grad)
			if err := opt.Step(model.Params()); err != nil {
				return nil, err
			}
		}
	}
	return model, nil
}

// shift moves an image; what comes in is empty.
func shift(pixels []float32, dx, dy int) {
	from := slices.Clone(pixels)
	for i := range pixels {
		x, y := i%digits.Size-dx, i/digits.Size-dy
		pixels[i] = 0
		if x >= 0 && x < digits.Size && y >= 0 && y < digits.Size {
			pixels[i] = from[y*digits.Size+x]
		}
	}
}
