package conv

import (
	"fmt"
	"slices"
	"unsafe"

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
		for _, t := range c.taps {
			t.gather(columns.Row(t.column), x.Data, w, lo)
		}
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

// gather copies the tap's element of each patch, for the output pixels from first on.
func (t tap) gather(dst, x []float32, w tensor.Window, first int) {
	rows, cols := w.Out()
	for p := first; len(dst) > 0; {
		line, j := p/cols, p%cols
		n := min(len(dst), cols-j)
		part := dst[:n]
		dst, p = dst[n:], p+n
		i := line%rows*w.StrideH - w.PadH + t.row*w.DilationH
		if i < 0 || i >= w.H {
			clear(part)
			continue
		}
		image := x[(line/rows*w.H+i)*w.W*w.C:][:w.W*w.C]
		at := j*w.StrideW - w.PadW + t.col*w.DilationW
		for len(part) > 0 && at < 0 {
			part[0], part, at = 0, part[1:], at+w.StrideW
		}
		k := 0
		if w.C == 1 && w.StrideW == 1 {
			if len(part) > 0 && at < w.W { // part may have ended in the padding on the left
				k = copy(part, image[at:])
			}
		} else {
			for ; k < len(part) && at < w.W; k++ {
				part[k] = image[at*w.C+t.channel]
				at += w.StrideW
			}
		}
		clear(part[k:])
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
	start := func(s []float32) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }
	size := func(s []float32) uintptr { return uintptr(len(s)) * unsafe.Sizeof(float32(0)) }
	if a, b := start(dst.Data), start(x.Data); len(dst.Data) > 0 && len(x.Data) > 0 && a < b+size(x.Data) && b < a+size(dst.Data) {
		return fmt.Errorf("conv: dst shares memory with x: %w", tensor.ErrOverlap)
	}
	return nil
}

// Exact sets dst, [N, outH, outW, out], to the convolution of the images x, [N, H, W, C], with weights, [KH, KW, C,
// out], as a matrix product: what approximations are compared with. Errors are those of [Conv2D.Apply] and [Fit].
func Exact(dst, x, weights tensor.Dense[float32], w tensor.Window) error {
	w, err := withWeights(w, weights)
	if err != nil {
		return err
	}
	if w, err = over(normal(w), x); err != nil {
		return err
	}
	b := Weights(weights)
	if err := checkResult(dst, x, w, b.Cols); err != nil {
		return err
	}
	y := dst.Matrix(3)
	tensor.Parallel(y.Rows, blockPixels, func(lo, hi int) {
		a := tensor.NewMatrix[float32](hi-lo, b.Rows)
		for i := range a.Rows {
			patch(a.Row(i), x.Data, w, lo+i)
		}
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y.Slice(lo, hi, 0, y.Cols))
	})
	return nil
}
