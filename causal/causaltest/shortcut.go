package causaltest

import (
	"github.com/espalier-ml/espalier/tensor"
)

// Data is rows with a shortcut.
type Data struct {
	X tensor.Matrix[float64] // columns: what y moves, what v moves, and noise
	Y []int
	V []int
}

// Shortcut makes n rows of labels that agree with the probability agreement. Column 0 of X is y plus noise with a
// standard deviation of 1, column 1 is v plus noise with 1/2, and columns 2 and 3 are noise, each label counting 1 or
// -1. The answer is known: a score of column 0 alone has the same AUC, about .92, under any association of the labels
// and tells nothing of v within a class of y; column 1 is better while labels agree in nine rows of ten, and worse than
// chance where they do not.
func Shortcut(seed uint64, n int, agreement float64) Data {
	rng := tensor.Stream(seed, 6)
	d := Data{X: tensor.NewMatrix[float64](n, 4), Y: make([]int, n), V: make([]int, n)}
	for i := range n {
		y := rng.IntN(2)
		v := y
		if rng.Float64() >= agreement {
			v = 1 - y
		}
		d.Y[i], d.V[i] = y, v
		row := d.X.Row(i)
		row[0] = float64(2*y-1) + rng.NormFloat64()
		row[1] = float64(2*v-1) + rng.NormFloat64()/2
		row[2], row[3] = rng.NormFloat64(), rng.NormFloat64()
	}
	return d
}
