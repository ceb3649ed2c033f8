package conformal_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta/conformal"
)

func Example() {
	rng := tensor.Stream(1)
	draw := func(n int) (tensor.Matrix[float32], []int) {
		x, y := tensor.NewMatrix[float32](n, 3), make([]int, n)
		for i := range n {
			y[i] = rng.IntN(3)
			for c := range 3 {
				x.Set(i, c, float32(rng.NormFloat64()))
			}
			x.Set(i, y[i], x.At(i, y[i])+2)
		}
		return x, y
	}
	x, y := draw(500)
	test, labels := draw(500)
	for _, s := range []conformal.Score{conformal.LAC(), conformal.APS(), conformal.RAPS(0.1, 1)} {
		for _, opts := range [][]conformal.Option{{conformal.WithSeed(1)}, {conformal.WithClasses()},
			{conformal.WithoutRandomization(), conformal.WithEmptySets()}} {
			c, err := conformal.Calibrate(x, y, s, 0.1, opts...)
			if err != nil {
				fmt.Println(err)
				return
			}
			r, err := c.Evaluate(test, labels)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Printf("%v: %.2f of %.1f classes, %d empty, finite %v\n", s, r.Coverage.Value, r.MeanSize, r.Empty,
				c.Threshold(0) < 10)
		}
	}
	// Output:
	// LAC: 0.86 of 1.0 classes, 0 empty, finite true
	// LAC: 0.86 of 1.0 classes, 0 empty, finite true
	// LAC: 0.84 of 1.0 classes, 19 empty, finite true
	// APS: 0.93 of 1.3 classes, 0 empty, finite true
	// APS: 0.94 of 1.4 classes, 0 empty, finite true
	// APS: 0.90 of 1.6 classes, 27 empty, finite true
	// RAPS (lambda 0.1, rank 1): 0.91 of 1.2 classes, 0 empty, finite true
	// RAPS (lambda 0.1, rank 1): 0.91 of 1.2 classes, 0 empty, finite true
	// RAPS (lambda 0.1, rank 1): 0.87 of 1.2 classes, 12 empty, finite true
}
