package conv

import (
	"fmt"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// Apply sets dst, [N, outH, outW, out], to the approximate convolution of the images x, [N, H, W, C]. Pixels have the
// same bits for any number of processors and any split into calls. NaN goes left in comparisons, and infinities are
// numbers like others. Errors wrap tensor.ErrShape, tensor.ErrRange (the window is larger than the padded image) and
// tensor.ErrOverlap; nothing is written then.
func (c *Conv2D) Apply(dst, x tensor.Dense[float32]) error {
	w, err := over(c.window, x)
	if err != nil {
		return err
	}
	if err := checkResult(dst, x, w, c.op.Outputs()); err != nil {
		return err
	}
	y := dst.Matrix(3)
	errs := make([]error, (y.Rows+blockPixels-1)/blockPixels)
	tensor.Parallel(y.Rows, blockPixels, func(lo, hi int) {
		b := c.blocks.Get().(*block)
		defer c.blocks.Put(b)
		b.codes.Reset()
		columns := b.columns.Slice(0, b.columns.Rows, 0, hi-lo)
		b.gather(c.lines, columns, x.Data, w, lo)
		err := c.op.EncodeT(&b.codes, columns)
		if err == nil {
			err = c.op.Lookup(y.Slice(lo, hi, 0, y.Cols), &b.codes)
		}
		errs[lo/blockPixels] = err
	})
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("conv: %w", err)
		}
	}
	return nil
}

// gather writes the columns of the output pixels from first on, line by line of the output.
func (b *block) gather(lines []line, columns tensor.Matrix[float32], x []float32, w tensor.Window, first int) {
	rows, cols := w.Out()
	for done := 0; done < columns.Cols; {
		at := first + done
		i, j := at/cols%rows, at%cols
		n := min(columns.Cols-done, cols-j)
		image := x[at/cols/rows*w.H*w.W*w.C:][:w.H*w.W*w.C]
		for _, l := range lines {
			pixels := b.pixels[:(n-1)*w.StrideW+(w.KW-1)*w.DilationW+1]
			l.read(pixels, image, w, i*w.StrideH-w.PadH+l.row*w.DilationH, j*w.StrideW-w.PadW)
			for _, t := range l.taps {
				pick(columns.Row(t.column)[done:done+n], pixels[t.col*w.DilationW:], w.StrideW)
			}
		}
		done += n
	}
}

// read copies a channel of row i of an image from column j on, with zeros where there is no image.
func (l line) read(dst, image []float32, w tensor.Window, i, j int) {
	lo, hi := min(max(-j, 0), len(dst)), max(min(w.W-j, len(dst)), 0) // dst[lo:hi] is inside
	if i < 0 || i >= w.H || lo >= hi {
		clear(dst)
		return
	}
	clear(dst[:lo])
	clear(dst[hi:])
	pick(dst[lo:hi], image[(i*w.W+j+lo)*w.C+l.channel:], w.C)
}

// pick copies every step-th element of src.
func pick(dst, src []float32, step int) {
	if step == 1 {
		copy(dst, src)
		return
	}
	for k := range dst {
		dst[k] = src[k*step]
	}
}

func checkResult(dst, x tensor.Dense[float32], w tensor.Window, outputs int) error {
	if err := dst.Validate(); err != nil {
		return fmt.Errorf("conv: dst: %w", err)
	}
	h, width := w.Out()
	if want := []int{w.N, h, width, outputs}; !slices.Equal(dst.Shape, want) {
		return fmt.Errorf("conv: dst has the shape %v, want %v: %w", dst.Shape, want, tensor.ErrShape)
	}
	if tensor.Overlap(dst.Data, x.Data) {
		return fmt.Errorf("conv: dst shares memory with x: %w", tensor.ErrOverlap)
	}
	return nil
}

// Exact sets dst, [N, outH, outW, out], to the convolution of the images x, [N, H, W, C], with weights, [KH, KW, C,
// out], as a matrix product: what approximations are compared with. Beside input and output it needs one image's
// columns, outH*outW by KH*KW*C. It adds in float32: an output is off by up to 6e-8*KH*KW*C times the sum of its
// terms' magnitudes, which is much where large terms cancel, as in filters of raw pixels; centre or scale those first.
// Errors are those of [Conv2D.Apply] and [Fit].
func Exact(dst, x, weights tensor.Dense[float32], w tensor.Window) error {
	w, err := withWeights(w, weights)
	if err != nil {
		return err
	}
	if w, err = over(normal(w), x); err != nil {
		return err
	}
	b := weights.Matrix(3)
	if err := checkResult(dst, x, w, b.Cols); err != nil {
		return err
	}
	h, width := w.Out()
	pixels, size := h*width, w.H*w.W*w.C
	y, image := dst.Matrix(3), w
	image.N = 1
	memory := columnMemory.Get().(*[]float32)
	defer columnMemory.Put(memory)
	if len(*memory) < pixels*b.Rows {
		*memory = make([]float32, pixels*b.Rows)
	}
	columns := tensor.Of(pixels, b.Rows, (*memory)[:pixels*b.Rows])
	for n := range w.N {
		tensor.Im2Col(columns, x.Data[n*size:(n+1)*size], image)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, columns, b, 0, y.Slice(n*pixels, (n+1)*pixels, 0, y.Cols))
	}
	return nil
}

var columnMemory = sync.Pool{New: func() any { return new([]float32) }}
