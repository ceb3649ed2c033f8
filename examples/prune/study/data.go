package study

import (
	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/examples/idx"
)

// Images are pictures of size x size pixels, shifted and scaled to mean 0 and standard deviation 1 of the training set.
type Images struct {
	Size int
	x    []float32
	Y    []int
}

func (s *Images) add(pixels []float32, label int) {
	s.x = append(s.x, pixels...)
	s.Y = append(s.Y, label)
}

// LoadDigits splits the embedded digits by position: two of five for test and validation, of which this program uses
// the test part.
func LoadDigits() (train, test Images, err error) {
	all, err := digits.Load()
	if err != nil {
		return train, test, err
	}
	train.Size, test.Size = digits.Size, digits.Size
	const n = digits.Size * digits.Size
	for i, y := range all.Y {
		pixels := make([]float32, n)
		for j, v := range all.X[i*n : (i+1)*n] {
			pixels[j] = (v - 0.3049) / 0.3761
		}
		switch i % 5 {
		case 4:
			test.add(pixels, y)
		case 3: // validation
		default:
			train.add(pixels, y)
		}
	}
	return train, test, nil
}

// LoadIDX reads the files of MNIST or Fashion-MNIST.
func LoadIDX(dir string) (train, test Images, err error) {
	first, second, err := idx.Load(dir)
	return normalised(first), normalised(second), err
}

func normalised(s idx.Set) Images {
	n := Images{Size: s.Size, Y: s.Y}
	for _, v := range s.X {
		n.x = append(n.x, (v-0.1307)/0.3081)
	}
	return n
}
