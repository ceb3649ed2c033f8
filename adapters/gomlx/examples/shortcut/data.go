package main

import (
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/espalier-ml/espalier/adapters/gomlx/examples/batches"
	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/tensor"
)

// set is images of digits on stripes: y is whether the digit is 5 or more, v whether the stripes lie.
type set struct {
	x    tensor.Matrix[float32]
	y, v []int
}

const (
	pixels      = digits.Size * digits.Size
	trainImages = 1437
	agreement   = 0.9 // P(v=y) in the training data
)

// stripes makes training images whose background goes with the label, and test images each with both backgrounds.
func stripes(seed uint64) (train, test set, err error) {
	all, err := digits.Load()
	if err != nil {
		return set{}, set{}, err
	}
	first, rest := all.Split(seed, trainImages)
	rng := tensor.Stream(seed, 1)
	for i := range first.Y {
		v := class(first.Y[i])
		if rng.Float64() >= agreement {
			v = 1 - v
		}
		train.add(first, i, v, rng)
	}
	for i := range rest.Y {
		test.add(rest, i, 0, rng)
		test.add(rest, i, 1, rng)
	}
	train.x, test.x = tensor.Of(len(train.y), pixels, train.x.Data), tensor.Of(len(test.y), pixels, test.x.Data)
	return train, test, nil
}

func class(digit int) int {
	if digit >= 5 {
		return 1
	}
	return 0
}

// add appends a digit on stripes that lie or stand, some brighter than others.
func (s *set) add(d digits.Set, at, v int, rng *rand.Rand) {
	brightness := .4 + .4*rng.Float32()
	for i, x := range d.X[at*pixels : (at+1)*pixels] {
		line := i % digits.Size
		if v == 1 {
			line = i / digits.Size
		}
		s.x.Data = append(s.x.Data, max(x, brightness*float32(line%2)))
	}
	s.y, s.v = append(s.y, class(d.Y[at])), append(s.v, v)
}

// images is the set as batches with the labels y, v and w: weights that make y and v independent, or 1.
func (s set) images(w *causal.Weights) (batches.Images, error) {
	weights := make([]float64, len(s.y))
	for i := range weights {
		weights[i] = 1
	}
	if w != nil {
		var err error
		if weights, err = w.Apply(nil, s.y, s.v); err != nil {
			return batches.Images{}, err
		}
	}
	y, v, own := make([]float32, len(s.y)), make([]int32, len(s.y)), make([]float32, len(s.y))
	for i := range y {
		y[i], v[i], own[i] = float32(s.y[i]), int32(s.v[i]), float32(weights[i])
	}
	return batches.Images{X: s.x, Labels: func(rows []int) []*tensors.Tensor {
		return []*tensors.Tensor{batches.Column(y, rows), batches.Column(v, rows), batches.Column(own, rows)}
	}}, nil
}
