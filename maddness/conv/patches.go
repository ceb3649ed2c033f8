package conv

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// Patches returns what the window sees at output pixels of the images x, [N, H, W, C]: a row for each pixel, in the
// order of pixels, of C*KH*KW elements, channel after channel, padding as zeros. Neighbouring columns are
// neighbouring pixels of one channel, so that codebooks with contiguous columns, the default, hash what varies
// together. If there are more than most pixels, at least 1, that many are drawn with the seed. It is the training set
// of a convolution. Errors wrap tensor.ErrShape, tensor.ErrRange and tensor.ErrEmpty (there are no pixels).
func Patches(x tensor.Dense[float32], w tensor.Window, most int, seed uint64) (tensor.Matrix[float32], error) {
	var none tensor.Matrix[float32]
	if most < 1 {
		return none, fmt.Errorf("conv: Patches: most is %d, want at least 1: %w", most, tensor.ErrRange)
	}
	if err := checkWindow(w); err != nil {
		return none, err
	}
	w, err := over(normal(w), x)
	if err != nil {
		return none, err
	}
	h, width := w.Out()
	pixels := w.N * h * width
	if pixels == 0 {
		return none, fmt.Errorf("conv: x has the shape %v: %w", x.Shape, tensor.ErrEmpty)
	}
	a := tensor.NewMatrix[float32](min(pixels, most), w.KH*w.KW*w.C)
	rng, drawn := tensor.Stream(seed), 0
	for p := range pixels {
		// Each pixel with the probability that of those to come the rest is drawn.
		if left := a.Rows - drawn; left > 0 && rng.IntN(pixels-p) < left {
			patch(a.Row(drawn), x.Data, w, p)
			drawn++
		}
	}
	return a, nil
}

// patch copies what the window sees at an output pixel.
func patch(dst, x []float32, w tensor.Window, pixel int) {
	rows, cols := w.Out()
	line, j := pixel/cols, pixel%cols
	top, left := line%rows*w.StrideH-w.PadH, j*w.StrideW-w.PadW
	clear(dst)
	for kh := range w.KH {
		i := top + kh*w.DilationH
		if i < 0 || i >= w.H {
			continue
		}
		image := x[(line/rows*w.H+i)*w.W*w.C:][:w.W*w.C]
		for kw := range w.KW {
			if at := left + kw*w.DilationW; at >= 0 && at < w.W {
				for c, v := range image[at*w.C : (at+1)*w.C] {
					dst[(c*w.KH+kh)*w.KW+kw] = v
				}
			}
		}
	}
}
