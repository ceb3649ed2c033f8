package conv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Conv2D approximates a convolution, which as in networks is a cross-correlation with zero padding. It is immutable
// and safe for concurrent use.
type Conv2D struct {
	op     *maddness.Operator
	window tensor.Window // N, H and W are zero
	lines  []line
	blocks sync.Pool // of *block
}

// line is a row of the patch in one channel, and its elements that some tree looks at.
type line struct {
	row, channel int
	taps         []tap
}

// tap is an element of a line, and which column of the operator it is.
type tap struct{ col, column int }

// blockPixels is how many output pixels are hashed at a time: their columns stay in the cache.
const blockPixels = 512

// block is memory for some pixels.
type block struct {
	pixels  []float32              // of one line
	columns tensor.Matrix[float32] // feature-major; only the rows of taps are written
	codes   maddness.Codes
}

// Fit learns an approximation of the convolution of images x, [N, H, W, C], with weights, [KH, KW, C, out]. Of w only
// strides, padding and dilation are needed; KH, KW and C are those of the weights. Options are those of maddness.Fit,
// WithBias and WithReLU among them. If there are more than 65536 patches, that many are drawn; [Patches],
// maddness.Fit and [New] together leave more to choose. Errors wrap tensor.ErrShape, tensor.ErrRange, or are those of
// maddness.Fit.
func Fit(ctx context.Context, x, weights tensor.Dense[float32], w tensor.Window, opts ...maddness.Option) (*Conv2D,
	error) {
	w, err := withWeights(w, weights)
	if err != nil {
		return nil, err
	}
	a, err := Patches(x, w, 1<<16, 0)
	if err != nil {
		return nil, err
	}
	op, err := maddness.Fit(ctx, a, Weights(weights), opts...)
	if err != nil {
		return nil, fmt.Errorf("conv: %w", err)
	}
	return New(op, w)
}

// New makes a convolution of an operator that was fitted to [Patches]. N, H and W of the window are not used.
// Errors wrap tensor.ErrShape (the operator has other columns) and tensor.ErrRange (the window).
func New(op *maddness.Operator, w tensor.Window) (*Conv2D, error) {
	if op == nil {
		return nil, fmt.Errorf("conv: the operator is nil: %w", tensor.ErrEmpty)
	}
	if err := checkWindow(w); err != nil {
		return nil, err
	}
	if n := w.KH * w.KW * w.C; op.Columns() != n {
		return nil, fmt.Errorf("conv: the operator takes %d columns, the window has %dx%dx%d: %w",
			op.Columns(), w.KH, w.KW, w.C, tensor.ErrShape)
	}
	c := &Conv2D{op: op, window: normal(w)}
	used := map[int]bool{}
	for _, dims := range op.Trees().Dims {
		for _, k := range dims {
			used[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(used)) { // neighbours are of one line
		row, channel := k/w.KW%w.KH, k/(w.KH*w.KW)
		if n := len(c.lines); n == 0 || c.lines[n-1].row != row || c.lines[n-1].channel != channel {
			c.lines = append(c.lines, line{row: row, channel: channel})
		}
		l := &c.lines[len(c.lines)-1]
		l.taps = append(l.taps, tap{k % w.KW, k})
	}
	c.blocks.New = func() any {
		return &block{
			pixels:  make([]float32, (blockPixels-1)*c.window.StrideW+(c.window.KW-1)*c.window.DilationW+1),
			columns: tensor.NewMatrix[float32](op.Columns(), blockPixels),
		}
	}
	return c, nil
}

// normal fills in the defaults of a window and leaves out the images.
func normal(w tensor.Window) tensor.Window {
	w.N, w.H, w.W, w.Groups = 0, 0, 0, 1
	w.StrideH, w.StrideW, w.DilationH, w.DilationW = max(w.StrideH, 1), max(w.StrideW, 1), max(w.DilationH, 1),
		max(w.DilationW, 1)
	return w
}

// checkWindow judges everything of a window but the images.
func checkWindow(w tensor.Window) error {
	if w.Groups > 1 {
		return fmt.Errorf("conv: %d groups: fit a convolution to the channels of each: %w", w.Groups, tensor.ErrRange)
	}
	w.N = 0
	w.H, w.W = max(w.KH*max(w.DilationH, 1), 1), max(w.KW*max(w.DilationW, 1), 1) // large enough
	if err := w.Validate(); err != nil {
		return fmt.Errorf("conv: %w", err)
	}
	return nil
}

// withWeights puts the sizes of weights into the window.
func withWeights(w tensor.Window, weights tensor.Dense[float32]) (tensor.Window, error) {
	if err := weights.Validate(); err != nil {
		return w, fmt.Errorf("conv: weights: %w", err)
	}
	if len(weights.Shape) != 4 {
		return w, fmt.Errorf("conv: weights have the shape %v, want [KH, KW, C, out]: %w", weights.Shape, tensor.ErrShape)
	}
	var errs []error
	for i, p := range []*int{&w.KH, &w.KW, &w.C} {
		if *p != 0 && *p != weights.Shape[i] {
			errs = append(errs, fmt.Errorf("conv: the window has KH, KW or C %d where weights of shape %v have %d: %w",
				*p, weights.Shape, weights.Shape[i], tensor.ErrShape))
		}
		*p = weights.Shape[i]
	}
	return w, errors.Join(append(errs, checkWindow(w))...)
}

// Weights returns weights, [KH, KW, C, out], as the matrix that [Patches] are multiplied with: C*KH*KW rows in the
// order of a patch. It panics with an error wrapping tensor.ErrShape if there are not four axes.
func Weights(weights tensor.Dense[float32]) tensor.Matrix[float32] {
	if len(weights.Shape) != 4 {
		panic(fmt.Errorf("conv: Weights of the shape %v, want [KH, KW, C, out]: %w", weights.Shape, tensor.ErrShape))
	}
	stored := weights.Matrix(3)
	b := tensor.NewMatrix[float32](stored.Rows, stored.Cols)
	size, channels := weights.Shape[0]*weights.Shape[1], weights.Shape[2]
	for j := range b.Rows {
		copy(b.Row(j), stored.Row(j%size*channels+j/size))
	}
	return b
}

// over puts the images into the window and checks that both fit.
func over(w tensor.Window, x tensor.Dense[float32]) (tensor.Window, error) {
	if err := x.Validate(); err != nil {
		return w, fmt.Errorf("conv: x: %w", err)
	}
	if len(x.Shape) != 4 || x.Shape[3] != w.C {
		return w, fmt.Errorf("conv: x has the shape %v, want [N, H, W, %d]: %w", x.Shape, w.C, tensor.ErrShape)
	}
	w.N, w.H, w.W = x.Shape[0], x.Shape[1], x.Shape[2]
	if err := w.Validate(); err != nil {
		return w, fmt.Errorf("conv: x of shape %v: %w", x.Shape, err)
	}
	return w, nil
}

// Operator returns what patches are multiplied by.
func (c *Conv2D) Operator() *maddness.Operator { return c.op }

// Window returns the window; N, H and W are zero.
func (c *Conv2D) Window() tensor.Window { return c.window }

// OutShape returns the shape of the result for images x: [N, outH, outW, out]. Images that do not fit have none:
// Apply says why.
func (c *Conv2D) OutShape(x tensor.Dense[float32]) []int {
	w, err := over(c.window, x)
	if err != nil {
		return nil
	}
	h, width := w.Out()
	return []int{w.N, h, width, c.op.Outputs()}
}
