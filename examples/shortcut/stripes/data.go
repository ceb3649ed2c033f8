package stripes

import (
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/tensor"
)

// Set is images of digits on stripes: y is whether the digit is 5 or more, v whether the stripes lie.
type Set struct {
	x    tensor.Matrix[float32]
	Y, V []int
}

const (
	pixels      = digits.Size * digits.Size
	trainImages = 1437
	Agreement   = 0.9  // P(v=y) in the usual training data
	flips       = 0.01 // share of wrong labels, of both kinds
)

// Draw makes training images whose background goes with the label in a share of them, and test images each with both
// backgrounds.
func Draw(agreement float64, seed uint64) (train, test Set, err error) {
	all, err := digits.Load()
	if err != nil {
		return Set{}, Set{}, err
	}
	first, rest := all.Split(seed, trainImages)
	rng := tensor.Stream(seed, 1)
	return paint(first, agreement, rng), both(rest, rng), nil
}

// Unconfounded is the training images with backgrounds that have nothing to do with the label: what cannot be had.
func Unconfounded(seed uint64) (Set, error) {
	all, err := digits.Load()
	if err != nil {
		return Set{}, err
	}
	first, _ := all.Split(seed, trainImages)
	return paint(first, 0.5, tensor.Stream(seed, 1)), nil
}

func paint(d digits.Set, agreement float64, rng *rand.Rand) Set {
	s := Set{x: tensor.NewMatrix[float32](d.Len(), pixels)}
	for i, digit := range d.Y {
		y := class(digit)
		v := y
		if rng.Float64() >= agreement {
			v = 1 - y
		}
		draw(s.x.Row(i), d.X[i*pixels:(i+1)*pixels], v, rng)
		s.Y, s.V = append(s.Y, flip(y, rng)), append(s.V, flip(v, rng))
	}
	return s
}

// both is every digit on both backgrounds, with true labels.
func both(d digits.Set, rng *rand.Rand) Set {
	s := Set{x: tensor.NewMatrix[float32](2*d.Len(), pixels)}
	for i, digit := range d.Y {
		for v := range 2 {
			draw(s.x.Row(2*i+v), d.X[i*pixels:(i+1)*pixels], v, rng)
			s.Y, s.V = append(s.Y, class(digit)), append(s.V, v)
		}
	}
	return s
}

func class(digit int) int {
	if digit >= 5 {
		return 1
	}
	return 0
}

func flip(label int, rng *rand.Rand) int {
	if rng.Float64() < flips {
		return 1 - label
	}
	return label
}

// draw puts ink on a background of stripes with a random phase.
func draw(dst, ink []float32, v int, rng *rand.Rand) {
	phase := 2 * math.Pi * rng.Float64()
	for i := range dst {
		along := i % digits.Size
		if v == 1 {
			along = i / digits.Size
		}
		ground := 0.6*(0.5+0.5*math.Sin(2*math.Pi*float64(along)/4+phase)) + 0.15*rng.NormFloat64()
		dst[i] = ink[i] + (1-ink[i])*float32(min(max(ground, 0), 1))
	}
}
