package signal_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/signal"
)

func Example() {
	s := signal.Signal{T: 6, C: 1, Samples: []float32{1, 2, 3, 4, 0, 0}, Valid: 4}
	for _, t := range []tta.Transform[signal.Signal]{signal.Shift(1), signal.Roll(1), signal.Scale(2), signal.Reverse(),
		signal.Crop(2, 1), signal.Noise(0)} {
		out, err := t.Apply(s)
		fmt.Println(t.Name(), out.Samples, err)
	}
	p, err := signal.Windows(2, 3)
	fmt.Println(p.Names(), err)
	// Output:
	// shift 1 [0 1 2 3 0 0] <nil>
	// roll 1 [4 1 2 3 0 0] <nil>
	// scale 2 [2 4 6 8 0 0] <nil>
	// reverse [4 3 2 1 0 0] <nil>
	// crop 2 at 1 [3 4] <nil>
	// noise 0 [1 2 3 4 0 0] <nil>
	// [crop 2 at 0 crop 2 at 0.5 crop 2 at 1] <nil>
}
