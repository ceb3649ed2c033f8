package nn

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// MaxPool2D takes the maximum of every window and channel of images [N, H, W, C]. Of equal pixels the first one gets
// the gradient.
type MaxPool2D[T tensor.Float] struct {
	pool pool[T]
	arg  []int32 // where in its block of images each maximum came from
}

// NewMaxPool2D returns a pooling over windows of KH by KW pixels. A stride that is not set is the size of the window,
// as in torch; N, H, W, C and Groups are ignored. The error wraps tensor.ErrRange.
//
//	NewMaxPool2D[float32](tensor.Window{KH: 2, KW: 2})
func NewMaxPool2D[T tensor.Float](w tensor.Window) (*MaxPool2D[T], error) {
	p := &MaxPool2D[T]{}
	return p, p.pool.init("MaxPool2D", w, p.forwardBlock, p.backwardBlock)
}

// Forward maps [N, H, W, C] to [N, outH, outW, C]. It panics with an error wrapping tensor.ErrShape or, if the
// window is larger than the padded image, tensor.ErrRange.
func (p *MaxPool2D[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	y := p.pool.prepare(x)
	if cap(p.arg) < len(y.Data) {
		p.arg = make([]int32, len(y.Data))
	}
	p.arg = p.arg[:len(y.Data)]
	return p.pool.forward()
}

// Backward gives each gradient to the pixel that was the maximum.
func (p *MaxPool2D[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] { return p.pool.backward(dy) }

// Params is empty.
func (p *MaxPool2D[T]) Params() []*tensor.Param[T] { return nil }

func (p *MaxPool2D[T]) forwardBlock(lo, hi int) {
	in, out, w := p.pool.block(lo, hi)
	tensor.MaxPool(p.pool.y.Data[out.lo:out.hi], p.arg[out.lo:out.hi], p.pool.x.Data[in.lo:in.hi], w)
}

func (p *MaxPool2D[T]) backwardBlock(lo, hi int) {
	in, out, w := p.pool.block(lo, hi)
	tensor.MaxPoolGrad(p.pool.dx.Data[in.lo:in.hi], p.pool.dy.Data[out.lo:out.hi], p.arg[out.lo:out.hi], w)
}

// AvgPool2D takes the mean of every window and channel of images [N, H, W, C].
type AvgPool2D[T tensor.Float] struct {
	// ExcludePad divides by the number of pixels in the window. By default padding counts as pixels of zero, as in torch.
	ExcludePad bool

	pool pool[T]
}

// NewAvgPool2D returns a pooling over windows of KH by KW pixels. A stride that is not set is the size of the window,
// as in torch; N, H, W, C and Groups are ignored. The error wraps tensor.ErrRange.
func NewAvgPool2D[T tensor.Float](w tensor.Window) (*AvgPool2D[T], error) {
	p := &AvgPool2D[T]{}
	return p, p.pool.init("AvgPool2D", w, p.forwardBlock, p.backwardBlock)
}

// Forward maps [N, H, W, C] to [N, outH, outW, C]. It panics with an error wrapping tensor.ErrShape or, if the
// window is larger than the padded image, tensor.ErrRange.
func (p *AvgPool2D[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	p.pool.prepare(x)
	return p.pool.forward()
}

// Backward spreads each gradient evenly over its window.
func (p *AvgPool2D[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] { return p.pool.backward(dy) }

// Params is empty.
func (p *AvgPool2D[T]) Params() []*tensor.Param[T] { return nil }

func (p *AvgPool2D[T]) forwardBlock(lo, hi int) {
	in, out, w := p.pool.block(lo, hi)
	tensor.AvgPool(p.pool.y.Data[out.lo:out.hi], p.pool.x.Data[in.lo:in.hi], w, !p.ExcludePad)
}

func (p *AvgPool2D[T]) backwardBlock(lo, hi int) {
	in, out, w := p.pool.block(lo, hi)
	tensor.AvgPoolGrad(p.pool.dx.Data[in.lo:in.hi], p.pool.dy.Data[out.lo:out.hi], w, !p.ExcludePad)
}

// pool is what the two poolings share: the geometry and the loop over blocks of images.
type pool[T tensor.Float] struct {
	name        string
	window      tensor.Window
	x, y        tensor.Dense[T]
	dx, dy      tensor.Dense[T]
	yBuf, dxBuf buffer[T]
	in, out     int // elements of an image of x and of y
	fwd, bwd    func(lo, hi int)
}

func (p *pool[T]) init(name string, w tensor.Window, fwd, bwd func(lo, hi int)) error {
	if w.StrideH == 0 {
		w.StrideH = w.KH
	}
	if w.StrideW == 0 {
		w.StrideW = w.KW
	}
	w.C, w.Groups = 1, 1
	p.name, p.window, p.fwd, p.bwd = name, w, fwd, bwd
	return checkWindow(name, w)
}

func (p *pool[T]) prepare(x tensor.Dense[T]) tensor.Dense[T] {
	channels := 0
	if len(x.Shape) == 4 {
		channels = x.Shape[3]
	}
	p.window = imagesOf(p.name, x, p.window, channels)
	rows, cols := p.window.Out()
	p.in, p.out = p.window.H*p.window.W*channels, rows*cols*channels
	p.x, p.y = x, p.yBuf.images(p.window.N, rows, cols, channels)
	return p.y
}

func (p *pool[T]) forward() tensor.Dense[T] {
	eachRow(cheapGrain, p.window.N, p.in, rowGrain(cheapGrain, p.in), p.fwd)
	return p.y
}

func (p *pool[T]) backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength(p.name, "dy", len(dy.Data), len(p.y.Data))
	p.dy, p.dx = dy, p.dxBuf.shaped(p.x.Shape)
	eachRow(cheapGrain, p.window.N, p.in, rowGrain(cheapGrain, p.in), p.bwd)
	return p.dx
}

type span struct{ lo, hi int }

// block returns the elements of x and of y that images [lo, hi) have, and their window.
func (p *pool[T]) block(lo, hi int) (in, out span, w tensor.Window) {
	w = p.window
	w.N = hi - lo
	return span{lo * p.in, hi * p.in}, span{lo * p.out, hi * p.out}, w
}

// GlobalAvgPool is the mean over all axes between the first and the last: of images [N, H, W, C] over their
// pixels, of sequences [N, T, D] over their steps.
type GlobalAvgPool[T tensor.Float] struct {
	// Lengths, if not nil, holds one number of valid positions per sample, from 1 up to all of them; those
	// behind are ignored and get a zero gradient. Set it before Forward.
	Lengths []int

	x, y, dx, dy tensor.Dense[T]
	yBuf, dxBuf  buffer[T]
	fwd, bwd     func(lo, hi int)
}

// NewGlobalAvgPool returns the layer between a convolutional or attentive body and a linear head.
func NewGlobalAvgPool[T tensor.Float]() *GlobalAvgPool[T] {
	p := &GlobalAvgPool[T]{}
	p.fwd, p.bwd = p.forwardBlock, p.backwardBlock
	return p
}

// Forward maps [N, ..., C] to [N, C]. It panics with an error wrapping tensor.ErrShape if x has less than two axes or
// no position, or tensor.ErrRange if a length is out of range.
func (p *GlobalAvgPool[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	last := len(x.Shape) - 1
	if last < 1 || x.Shape[last] < 1 || x.Shape[0] > 0 && len(x.Data) == 0 {
		panic(fmt.Errorf("nn: GlobalAvgPool: input has shape %v, want [N, ..., C] with at least one position: %w",
			append([]int(nil), x.Shape...), tensor.ErrShape))
	}
	m := x.Matrix(1)
	checkLengths("GlobalAvgPool", p.Lengths, m.Rows, m.Cols/x.Shape[last])
	p.yBuf.shape = append(p.yBuf.shape[:0], m.Rows, x.Shape[last])
	p.x, p.y = x, tensor.Dense[T]{Shape: p.yBuf.shape, Data: p.yBuf.sized(m.Rows * x.Shape[last])}
	eachRow(cheapGrain, m.Rows, m.Cols, rowGrain(cheapGrain, m.Cols), p.fwd)
	return p.y
}

// Backward spreads each gradient evenly over the positions.
func (p *GlobalAvgPool[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("GlobalAvgPool", "dy", len(dy.Data), len(p.y.Data))
	p.dy, p.dx = dy, p.dxBuf.shaped(p.x.Shape)
	m := p.dx.Matrix(1)
	eachRow(cheapGrain, m.Rows, m.Cols, rowGrain(cheapGrain, m.Cols), p.bwd)
	return p.dx
}

// Params is empty.
func (p *GlobalAvgPool[T]) Params() []*tensor.Param[T] { return nil }

func (p *GlobalAvgPool[T]) forwardBlock(lo, hi int) {
	channels := p.y.Shape[1]
	x := p.x.Matrix(1)
	for i := lo; i < hi; i++ {
		count := p.positions(i, x.Cols/channels)
		y := p.y.Data[i*channels : (i+1)*channels]
		clear(y)
		tensor.AddColumnSums(y, tensor.Of(count, channels, x.Row(i)[:count*channels]))
		tensor.Scale(y, 1/T(count), y)
	}
}

func (p *GlobalAvgPool[T]) backwardBlock(lo, hi int) {
	channels := p.y.Shape[1]
	dx := p.dx.Matrix(1)
	for i := lo; i < hi; i++ {
		count := p.positions(i, dx.Cols/channels)
		dy, r := p.dy.Data[i*channels:(i+1)*channels], dx.Row(i)
		first := r[:channels]
		tensor.Scale(first, 1/T(count), dy)
		for j := 1; j < count; j++ {
			copy(r[j*channels:], first)
		}
		clear(r[count*channels:])
	}
}

func (p *GlobalAvgPool[T]) positions(i, all int) int {
	if p.Lengths == nil {
		return all
	}
	return p.Lengths[i]
}

// checkLengths panics unless lengths is nil or holds samples numbers between 1 and longest.
func checkLengths(layer string, lengths []int, samples, longest int) {
	if lengths == nil {
		return
	}
	if len(lengths) != samples {
		panic(fmt.Errorf("nn: %s: %d Lengths for %d samples: %w", layer, len(lengths), samples, tensor.ErrShape))
	}
	for i, n := range lengths {
		if n < 1 || n > longest {
			panic(fmt.Errorf("nn: %s: Lengths[%d] is %d, want 1 to %d: %w", layer, i, n, longest, tensor.ErrRange))
		}
	}
}
