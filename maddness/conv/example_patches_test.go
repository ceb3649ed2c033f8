package conv_test

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/tensor"
)

// The same as Fit in steps: patches to learn from, an operator, a convolution.
func ExamplePatches() {
	x := tensor.NewDense[float32](2, 12, 12, 2)
	for i := range x.Data {
		x.Data[i] = float32(i * 7 % 11)
	}
	weights := tensor.NewDense[float32](3, 3, 2, 4)
	for i := range weights.Data {
		weights.Data[i] = float32(i%5) - 2
	}
	w := tensor.Window{KH: 3, KW: 3, C: 2}
	patches, err := conv.Patches(x, w, 150, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	op, err := maddness.Fit(context.Background(), patches, conv.Weights(weights), maddness.WithCodebooks(6))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := conv.New(op, w)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(patches.Rows, patches.Cols, c.OutShape(x), c.Window().KH, c.Operator().Outputs())
	// Output:
	// 150 18 [2 10 10 4] 3 4
}
