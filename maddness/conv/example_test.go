package conv_test

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/tensor"
)

// A smoothing filter, learned from one picture of coarse waves and applied to a larger one.
func Example() {
	waves := func(height, width int) tensor.Dense[float32] {
		x := tensor.NewDense[float32](1, height, width, 1)
		for i := range x.Data {
			x.Data[i] = float32((i/width*3 + i%width*5) % 16)
		}
		return x
	}
	weights := tensor.NewDense[float32](3, 3, 1, 1)
	for i := range weights.Data {
		weights.Data[i] = 1. / 9
	}
	smooth, err := conv.Fit(context.Background(), waves(40, 40), weights, tensor.Window{PadH: 1, PadW: 1},
		maddness.WithCodebooks(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	x := waves(50, 60)
	y, exact := tensor.NewDense[float32](smooth.OutShape(x)...), tensor.NewDense[float32](1, 50, 60, 1)
	if err := smooth.Apply(y, x); err != nil {
		fmt.Println(err)
		return
	}
	if err := conv.Exact(exact, x, weights, tensor.Window{PadH: 1, PadW: 1}); err != nil {
		fmt.Println(err)
		return
	}
	at := 20*60 + 30
	fmt.Printf("pixel (20, 30): %.1f, exactly %.1f\n", y.Data[at], exact.Data[at])
	// Output:
	// pixel (20, 30): 7.3, exactly 7.3
}
