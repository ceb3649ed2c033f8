package beats

import (
	"math"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// conv1d is a convolution over sequences [N, 1, W, C] with few filters, in front of a rectifier. A window of such a
// sequence lies in memory as it is, so that each output is a dot product, without the matrix of windows that a product
// for many filters pays for. The pooling behind it picks one output of four, and only those have a gradient.
type conv1d struct {
	weight, bias           *tensor.Param[float32] // [filters, size * channels], [filters]
	size, stride, channels int
	first                  bool // nobody reads the gradient of the input

	x, y, dx tensor.Dense[float32]
}

func newConv1D(size, channels, filters int, first bool, rng *rand.Rand) *conv1d {
	c := &conv1d{size: size, stride: 2, channels: channels, first: first,
		weight: newParam("weight", filters, size*channels), bias: newParam("bias", filters)}
	// The normal distribution of Glorot and Bengio 2010, which the paper's code takes.
	sd := math.Sqrt(2 / float64(size*(channels+filters)))
	for i := range c.weight.Data {
		c.weight.Data[i] = float32(sd * rng.NormFloat64())
	}
	return c
}

func newParam(name string, shape ...int) *tensor.Param[float32] {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return &tensor.Param[float32]{Name: name, Shape: shape, Data: make([]float32, n), Grad: make([]float32, n)}
}

// window is the part of a sequence of n samples that output i looks at, and where in the filter it begins: what lies
// beyond the ends is 0.
func (c *conv1d) window(i, n int) (lo, hi, skip int) {
	start := i*c.stride - (c.size/2 - 1)
	lo, hi = max(start, 0), min(start+c.size, n)
	return lo * c.channels, hi * c.channels, (lo - start) * c.channels
}

// Forward is the rectified outputs, [N, 1, W/2, filters].
func (c *conv1d) Forward(x tensor.Dense[float32], _ bool) tensor.Dense[float32] {
	n, width, filters := x.Shape[0], x.Shape[2], len(c.bias.Data)
	out := width / c.stride
	c.x = x
	if len(c.y.Shape) == 0 || c.y.Shape[0] != n {
		c.y = tensor.NewDense[float32](n, 1, out, filters)
	}
	taps := c.size * c.channels
	for k := range n {
		row, to := x.Data[k*width*c.channels:][:width*c.channels], c.y.Data[k*out*filters:][:out*filters]
		for i := range out {
			lo, hi, skip := c.window(i, width)
			for f, b := range c.bias.Data {
				w := c.weight.Data[f*taps+skip:][:hi-lo]
				to[i*filters+f] = max(0, b+tensor.Dot(row[lo:hi], w))
			}
		}
	}
	return c.y
}

// Backward adds to the gradients of the filters and returns that of the input.
func (c *conv1d) Backward(dy tensor.Dense[float32]) tensor.Dense[float32] {
	n, width, filters := c.x.Shape[0], c.x.Shape[2], len(c.bias.Data)
	out, taps := width/c.stride, c.size*c.channels
	if !c.first {
		if len(c.dx.Shape) == 0 || c.dx.Shape[0] != n {
			c.dx = tensor.NewDense[float32](n, 1, width, c.channels)
		}
		clear(c.dx.Data)
	}
	for k := range n {
		at := k * width * c.channels
		for i := range out {
			lo, hi, skip := c.window(i, width)
			for f := range filters {
				j := (k*out+i)*filters + f
				g := dy.Data[j]
				if g == 0 || c.y.Data[j] == 0 {
					continue
				}
				c.bias.Grad[f] += g
				tensor.Axpy(c.weight.Grad[f*taps+skip:][:hi-lo], g, c.x.Data[at+lo:at+hi])
				if !c.first {
					tensor.Axpy(c.dx.Data[at+lo:at+hi], g, c.weight.Data[f*taps+skip:][:hi-lo])
				}
			}
		}
	}
	return c.dx
}

// Params are the filters and their bias.
func (c *conv1d) Params() []*tensor.Param[float32] { return []*tensor.Param[float32]{c.weight, c.bias} }
