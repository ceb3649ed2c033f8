package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// Conv2D is y = act(x * W + b) over images [N, H, W, C], where * is cross-correlation with zero padding, as in torch.
// A convolution over sequences is one with KH 1 over images of height 1. It is computed as a matrix product, a few
// images at a time: beside input and output it needs one image's column matrix, outH*outW by KH*KW*C, per goroutine.
type Conv2D[T tensor.Float] struct {
	Weight *tensor.Param[T] // [KH, KW, C/Groups, out] (HWIO)
	Bias   *tensor.Param[T] // [out]; set it to nil before first use for a layer without

	// Window is the geometry that NewConv2D was given, to be read; N, H and W are those of the last input.
	Window tensor.Window
	// Act is applied inside the product. The zero value is the identity.
	Act tensor.Activation
	// SkipInputGrad saves the gradient that nobody reads: that of a first layer. Backward then returns an empty tensor.
	SkipInputGrad bool

	x, y, dy tensor.Dense[T]
	dx       tensor.Dense[T]
	yBuf     buffer[T]
	dxBuf    buffer[T]
	in, out  int // elements of an image of x and of y
	rows     int // output pixels of an image
	step     int // images whose column matrix is worked on at once
	grain    int // images of a block of Backward
	scratch  scratch[T]
	part     buffer[T] // gradients of Weight and Bias, one pair per block of Backward
	fwd, bwd func(lo, hi int)
	merge    func(lo, hi int)
}

const (
	// columnBytes is the size of the column matrix that is built, multiplied and dropped at a time: it shares the
	// second-level cache with what it is multiplied with. One image is the least.
	columnBytes = 128 << 10
	// convBlocks is the number of blocks a batch of images is split into, whatever the number of processors.
	convBlocks = 16
	// partElements bounds the memory for gradients of the weights that wait for being merged.
	partElements = 1 << 22
)

// NewConv2D returns a layer with out channels for the given window: KH, KW and the C channels of the input are
// required, strides, padding, dilation and groups may be set, and N, H and W are ignored. Weights and biases are
// uniform in ±1/sqrt(KH*KW*C/Groups), torch's default. The error wraps tensor.ErrRange, and tensor.ErrEmpty if rng
// is nil, and says everything that is wrong.
//
//	NewConv2D[float32](tensor.Window{KH: 3, KW: 3, C: 16, PadH: 1, PadW: 1}, 32, rng)
func NewConv2D[T tensor.Float](w tensor.Window, out int, rng *rand.Rand) (*Conv2D[T], error) {
	if err := errors.Join(checkWindow("Conv2D", w), positive("Conv2D", "out", out), random("Conv2D", rng)); err != nil {
		return nil, err
	}
	w.Groups = max(1, w.Groups)
	if out%w.Groups != 0 {
		return nil, fmt.Errorf("nn: Conv2D: %d output channels do not divide into %d groups: %w",
			out, w.Groups, tensor.ErrRange)
	}
	l := &Conv2D[T]{Window: w, Weight: newParam[T]("weight", w.KH, w.KW, w.C/w.Groups, out), Bias: newParam[T]("bias",
		out)}
	bound := 1 / math.Sqrt(float64(w.KH*w.KW*w.C/w.Groups))
	uniform(rng, l.Weight.Data, bound)
	uniform(rng, l.Bias.Data, bound)
	l.fwd, l.bwd, l.merge = l.forwardBlock, l.backwardBlock, l.mergeBlock
	return l, nil
}

// Forward maps [N, H, W, C] to [N, outH, outW, out]. It panics with an error wrapping tensor.ErrShape or, if the
// window is larger than the padded image, tensor.ErrRange.
func (l *Conv2D[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	l.Window = imagesOf("Conv2D", x, l.Window, l.Window.C)
	w := l.Window
	rows, cols := w.Out()
	channels := l.Weight.Shape[3]
	l.in, l.rows, l.out = w.H*w.W*w.C, rows*cols, rows*cols*channels
	l.x, l.y = x, l.yBuf.images(w.N, rows, cols, channels)
	image := l.rows * w.KH * w.KW * w.C
	l.step = max(1, columnBytes/(image*int(unsafe.Sizeof(T(0)))))
	l.scratch.reserve(min(convBlocks, w.N), min(l.step, w.N)*(image+l.out))
	products(float64(w.N*l.rows)*float64(len(l.Weight.Data)), w.N, blockOf(w.N, convBlocks), l.fwd)
	return l.y
}

// Backward adds to the gradients of Weight and Bias and returns that of x.
func (l *Conv2D[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("Conv2D", "dy", len(dy.Data), len(l.y.Data))
	l.dy, l.dx = dy, tensor.Dense[T]{}
	if !l.SkipInputGrad {
		l.dx = l.dxBuf.shaped(l.x.Shape)
	}
	n, size := l.Window.N, len(l.Weight.Data)+l.Weight.Shape[3]
	l.grain = blockOf(n, max(1, min(convBlocks, partElements/size)))
	l.part.sized((n + l.grain - 1) / l.grain * size)
	products(2*float64(n*l.rows)*float64(len(l.Weight.Data)), n, l.grain, l.bwd)
	each(cheapGrain, size, l.merge)
	return l.dx
}

// Params lists the weight and, unless nil, the bias.
func (l *Conv2D[T]) Params() []*tensor.Param[T] { return present(l.Weight, l.Bias) }

// forwardBlock computes images [lo, hi).
func (l *Conv2D[T]) forwardBlock(lo, hi int) {
	buf := l.scratch.get()
	defer l.scratch.put(buf)
	channels := l.Weight.Shape[3]
	bias := dataOf(l.Bias)
	for i := lo; i < hi; i += l.step {
		j := min(i+l.step, hi)
		cols := l.columns(buf, i, j)
		y := tensor.Of((j-i)*l.rows, channels, l.y.Data[i*l.out:j*l.out])
		for g := range l.Window.Groups {
			b := bias
			if b != nil {
				b = b[g*channels/l.Window.Groups : (g+1)*channels/l.Window.Groups]
			}
			tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, l.group(cols, g), l.group(l.weights(l.Weight.Data), g), 0,
				l.group(y, g), b, l.Act)
		}
	}
}

// backwardBlock computes dx of images [lo, hi) and their part of the gradients of Weight and Bias.
func (l *Conv2D[T]) backwardBlock(lo, hi int) {
	buf := l.scratch.get()
	defer l.scratch.put(buf)
	channels, size := l.Weight.Shape[3], len(l.Weight.Data)
	part := l.part.data[lo/l.grain*(size+channels):][:size+channels]
	clear(part)
	for i := lo; i < hi; i += l.step {
		j := min(i+l.step, hi)
		cols := l.columns(buf, i, j)
		dy := tensor.Of((j-i)*l.rows, channels, l.dy.Data[i*l.out:j*l.out])
		if l.Act != tensor.Identity {
			dy.Data = buf[len(buf)-len(dy.Data):]
			actGrad(l.Act, dy.Data, l.dy.Data[i*l.out:j*l.out], l.y.Data[i*l.out:j*l.out])
		}
		tensor.AddColumnSums(part[size:], dy)
		for g := range l.Window.Groups {
			tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, l.group(cols, g), l.group(dy, g), 1, l.group(l.weights(part[:size]), g))
		}
		if l.SkipInputGrad {
			continue
		}
		dx := l.dx.Data[i*l.in : j*l.in]
		if l.pointwise() {
			cols.Data = dx
		}
		for g := range l.Window.Groups {
			tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, l.group(dy, g), l.group(l.weights(l.Weight.Data), g), 0,
				l.group(cols, g))
		}
		if !l.pointwise() {
			tensor.Col2Im(dx, cols, l.images(i, j))
		}
	}
}

// mergeBlock adds elements [lo, hi) of every block's gradients, block by block. The bias follows the weights.
func (l *Conv2D[T]) mergeBlock(lo, hi int) {
	weights := len(l.Weight.Data)
	size := weights + l.Weight.Shape[3]
	for at := 0; at < len(l.part.data); at += size {
		part := l.part.data[at : at+size]
		if w := l.Weight.Grad[min(lo, weights):min(hi, weights)]; len(w) > 0 {
			tensor.Add(w, w, part[lo:][:len(w)])
		}
		if from := max(lo, weights); l.Bias != nil && from < hi {
			b := l.Bias.Grad[from-weights : hi-weights]
			tensor.Add(b, b, part[from:hi])
		}
	}
}

// columns returns the column matrix of images [i, j): the images themselves if a window is one pixel.
func (l *Conv2D[T]) columns(buf []T, i, j int) tensor.Matrix[T] {
	w := l.Window
	x := l.x.Data[i*l.in : j*l.in]
	rows, cols := (j-i)*l.rows, w.KH*w.KW*w.C
	if l.pointwise() {
		return tensor.Of(rows, cols, x)
	}
	m := tensor.Of(rows, cols, buf[:rows*cols])
	tensor.Im2Col(m, x, l.images(i, j))
	return m
}

func (l *Conv2D[T]) images(i, j int) tensor.Window {
	w := l.Window
	w.N = j - i
	return w
}

// pointwise reports whether the column matrix would be a copy of the input.
func (l *Conv2D[T]) pointwise() bool {
	w := l.Window
	return w.KH*w.KW == 1 && max(w.StrideH, w.StrideW, 1) == 1 && w.PadH+w.PadW == 0
}

// weights views data, laid out like Weight, as the matrix that the column matrix of a group is multiplied with.
func (l *Conv2D[T]) weights(data []T) tensor.Matrix[T] {
	channels := l.Weight.Shape[3]
	return tensor.Of(len(data)/channels, channels, data)
}

// group returns the columns of m that belong to group g.
func (l *Conv2D[T]) group(m tensor.Matrix[T], g int) tensor.Matrix[T] {
	width := m.Cols / l.Window.Groups
	return m.Slice(0, m.Rows, g*width, (g+1)*width)
}

// checkWindow reports what is wrong with a window whatever the size of the images.
func checkWindow(layer string, w tensor.Window) error {
	w.N, w.H, w.W = 0, max(1, w.KH)*max(1, w.DilationH), max(1, w.KW)*max(1, w.DilationW)
	if err := w.Validate(); err != nil {
		return fmt.Errorf("nn: %s: %w", layer, err)
	}
	return nil
}

// imagesOf returns w over the images x and panics unless x is [N, H, W, channels] and the window fits.
func imagesOf[T tensor.Float](layer string, x tensor.Dense[T], w tensor.Window, channels int) tensor.Window {
	if len(x.Shape) != 4 || x.Shape[3] != channels {
		panic(fmt.Errorf("nn: %s: input has shape %v, want [N, H, W, %d]: %w",
			layer, append([]int(nil), x.Shape...), channels, tensor.ErrShape))
	}
	w.N, w.H, w.W, w.C = x.Shape[0], x.Shape[1], x.Shape[2], channels
	if err := w.Validate(); err != nil {
		panic(fmt.Errorf("nn: %s: input has shape %v: %w", layer, append([]int(nil), x.Shape...), err))
	}
	mustLength(layer, "x", len(x.Data), w.N*w.H*w.W*w.C)
	return w
}

// blockOf returns the number of samples of a block when n of them are split into at most blocks.
func blockOf(n, blocks int) int { return max(1, (n+blocks-1)/blocks) }
