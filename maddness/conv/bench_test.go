package conv_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/conv"
	"github.com/espalier-ml/espalier/tensor"
)

// BenchmarkConv convolves an image with a 3x3 filter at 8 codebooks for one channel, as image filters are, and at 32
// for a layer. Run it with -cpu 1.
func BenchmarkConv(b *testing.B) {
	for _, s := range []struct{ size, channels, outputs, codebooks int }{{256, 3, 2, 8}, {64, 32, 64, 32}} {
		x, weights := images(1, 1, s.size, s.size, s.channels), images(2, 3, 3, s.channels, s.outputs)
		w := tensor.Window{PadH: 1, PadW: 1}
		c, err := conv.Fit(context.Background(), images(3, 1, 32, 32, s.channels), weights, w,
			maddness.WithCodebooks(s.codebooks), maddness.WithRefine(0))
		if err != nil {
			b.Fatal(err)
		}
		y := tensor.NewDense[float32](c.OutShape(x)...)
		for name, f := range map[string]func() error{
			"exact":    func() error { return conv.Exact(y, x, weights, w) },
			"maddness": func() error { return c.Apply(y, x) },
		} {
			b.Run(fmt.Sprintf("%dx%dx%d to %d/%s", s.size, s.size, s.channels, s.outputs, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*s.size*s.size)/1e6/b.Elapsed().Seconds(), "Mpixel/s")
			})
		}
	}
}
