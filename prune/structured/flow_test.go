package structured_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/structured"
	"github.com/espalier-ml/espalier/tensor"
)

// image is the channels of one example, HWC; a vector is one of 1 by 1.
type image struct {
	h, w, c int
	data    []float64
}

// flow is a model for tests: a graph, and beside it what computes it, with whatever tensors it is given.
type flow struct {
	t      testing.TB
	g      *structured.Graph[float64]
	rng    *rand.Rand
	params []*tensor.Param[float64]
	steps  []func(all []image, get func(name string) *tensor.Param[float64]) image
	inputs int
	nodes  []structured.Node
}

func newFlow(t testing.TB, seed uint64) *flow {
	return &flow{t: t, g: structured.NewGraph[float64](prune.LayoutNN), rng: tensor.Stream(seed)}
}

func (f *flow) param(name string, shape ...int) *tensor.Param[float64] {
	for _, p := range f.params {
		if p.Name == name {
			return p
		}
	}
	d := tensor.NewDense[float64](shape...)
	for i := range d.Data {
		d.Data[i] = f.rng.NormFloat64()
	}
	p := &tensor.Param[float64]{Name: name, Shape: shape, Data: d.Data}
	f.params = append(f.params, p)
	return p
}

// step adds a node to both.
func (f *flow) step(n structured.Node, run func(all []image, get func(string) *tensor.Param[float64]) image) int {
	f.nodes = append(f.nodes, n)
	f.steps = append(f.steps, run)
	return len(f.steps) - 1
}

func (f *flow) input(c int) int {
	f.inputs = c
	return f.step(f.g.Input("x", c), nil)
}

func (f *flow) linear(name string, x, in, out int) int {
	w, b := f.param(name+".weight", out, in), f.param(name+".bias", out)
	return f.step(f.g.Linear(name, f.nodes[x], w, b), func(all []image, get func(string) *tensor.Param[float64]) image {
		w, b := get(name+".weight"), get(name+".bias")
		y := image{1, 1, w.Shape[0], append([]float64(nil), b.Data...)}
		require.Len(f.t, all[x].data, w.Shape[1])
		for o := range y.data {
			for i, v := range all[x].data {
				y.data[o] += w.Data[o*w.Shape[1]+i] * v
			}
		}
		return y
	})
}

// conv has windows of k by k. Its groups may change with the number of inputs if it is depthwise.
func (f *flow) conv(name string, x, k, in, out, pad, stride, groups int) int {
	w, b := f.param(name+".weight", k, k, in/groups, out), f.param(name+".bias", out)
	n := f.g.Conv2D(name, f.nodes[x], w, b, tensor.Window{KH: k, KW: k, C: in, PadH: pad, PadW: pad, Groups: groups})
	return f.step(n, func(all []image, get func(string) *tensor.Param[float64]) image {
		w, b, x := get(name+".weight"), get(name+".bias"), all[x]
		per, out := w.Shape[2], w.Shape[3]
		groups := x.c / per
		y := image{h: (x.h+2*pad-k)/stride + 1, w: (x.w+2*pad-k)/stride + 1, c: out}
		for r := range y.h {
			for s := range y.w {
				for o := range out {
					sum := b.Data[o]
					for a := range k {
						for c := range k {
							row, col := r*stride+a-pad, s*stride+c-pad
							if row < 0 || row >= x.h || col < 0 || col >= x.w {
								continue
							}
							for i := range per {
								from := o/(out/groups)*per + i
								sum += w.Data[((a*k+c)*per+i)*out+o] * x.data[(row*x.w+col)*x.c+from]
							}
						}
					}
					y.data = append(y.data, sum)
				}
			}
		}
		return y
	})
}

func (f *flow) batchNorm(name string, x, c int) int {
	w, b := f.param(name+".weight", c), f.param(name+".bias", c)
	mean, vari := f.param(name+".mean", c), f.param(name+".var", c)
	for i, v := range vari.Data {
		vari.Data[i] = v*v + 0.1
	}
	n := f.g.BatchNorm(name, f.nodes[x], structured.BatchNorm[float64]{Weight: w, Bias: b, Mean: mean.Data, Var: vari.Data,
		Eps: 1e-5})
	return f.step(n, func(all []image, get func(string) *tensor.Param[float64]) image {
		y := image{all[x].h, all[x].w, all[x].c, nil}
		w, b, m, v := get(name+".weight"), get(name+".bias"), get(name+".mean"), get(name+".var")
		for k, u := range all[x].data {
			c := k % y.c
			y.data = append(y.data, (u-m.Data[c])/math.Sqrt(v.Data[c]+1e-5)*w.Data[c]+b.Data[c])
		}
		return y
	})
}

func (f *flow) act(x int, a func(float64) float64) int {
	return f.step(f.g.Activation(f.nodes[x], a), func(all []image, _ func(string) *tensor.Param[float64]) image {
		y := image{all[x].h, all[x].w, all[x].c, nil}
		for _, v := range all[x].data {
			y.data = append(y.data, a(v))
		}
		return y
	})
}

func relu(v float64) float64 { return max(v, 0) }

func (f *flow) add(x, y int) int {
	return f.step(f.g.Add(f.nodes[x], f.nodes[y]), func(all []image, _ func(string) *tensor.Param[float64]) image {
		z := image{all[x].h, all[x].w, all[x].c, nil}
		require.Equal(f.t, all[x].c, all[y].c)
		for k, v := range all[x].data {
			z.data = append(z.data, v+all[y].data[k])
		}
		return z
	})
}

func (f *flow) concat(xs ...int) int {
	var nodes []structured.Node
	for _, x := range xs {
		nodes = append(nodes, f.nodes[x])
	}
	return f.step(f.g.Concat(nodes...), func(all []image, _ func(string) *tensor.Param[float64]) image {
		y := image{h: all[xs[0]].h, w: all[xs[0]].w}
		for p := range y.h * y.w {
			for _, x := range xs {
				y.data = append(y.data, all[x].data[p*all[x].c:(p+1)*all[x].c]...)
			}
		}
		y.c = len(y.data) / (y.h * y.w)
		return y
	})
}

// pool is the average over windows of 3 by 3, with zeros around if it is padded, and of what there is otherwise.
func (f *flow) pool(x int, padded bool) int {
	return f.step(f.g.Pool(f.nodes[x], padded), func(all []image, _ func(string) *tensor.Param[float64]) image {
		x := all[x]
		y := image{x.h, x.w, x.c, make([]float64, len(x.data))}
		for r := range x.h {
			for s := range x.w {
				n := 9.0
				if !padded {
					n = float64((min(r+2, x.h) - max(r-1, 0)) * (min(s+2, x.w) - max(s-1, 0)))
				}
				for a := max(r-1, 0); a < min(r+2, x.h); a++ {
					for b := max(s-1, 0); b < min(s+2, x.w); b++ {
						for c := range x.c {
							y.data[(r*x.w+s)*x.c+c] += x.data[(a*x.w+b)*x.c+c] / n
						}
					}
				}
			}
		}
		return y
	})
}

func (f *flow) flatten(x, positions int, order structured.Order) int {
	return f.step(f.g.Flatten(f.nodes[x], positions, order),
		func(all []image, _ func(string) *tensor.Param[float64]) image {
			x := all[x]
			y := image{1, 1, len(x.data), make([]float64, len(x.data))}
			for p := range positions {
				for c := range x.c {
					if order == structured.ChannelsFirst {
						y.data[c*positions+p] = x.data[p*x.c+c]
					} else {
						y.data[p*x.c+c] = x.data[p*x.c+c]
					}
				}
			}
			return y
		})
}

// run computes the last node from one example.
func (f *flow) run(x image, get func(string) *tensor.Param[float64]) []float64 {
	all := []image{x}
	for _, step := range f.steps[1:] {
		all = append(all, step(all, get))
	}
	return all[len(all)-1].data
}

func (f *flow) get(name string) *tensor.Param[float64] {
	for _, p := range f.params {
		if p.Name == name {
			return p
		}
	}
	panic(name)
}

// masked are the parameters with what masks prune set to zero.
func (f *flow) masked(masks *prune.Masks) func(string) *tensor.Param[float64] {
	return func(name string) *tensor.Param[float64] {
		p := *f.get(name)
		p.Data = append([]float64(nil), p.Data...)
		if m := masks.Get(name); m != nil {
			prune.Apply(m, p.Data)
		}
		return &p
	}
}

func (f *flow) example(h, w int) image {
	x := image{h: h, w: w, c: f.inputs}
	for range h * w * f.inputs {
		x.data = append(x.data, f.rng.NormFloat64())
	}
	return x
}

// same holds two ways to compute the model to rounding: constants are added elsewhere.
func (f *flow) same(h, w int, a, b func(string) *tensor.Param[float64], what string) {
	f.t.Helper()
	f.within(1e-9, h, w, a, b, what)
}

// equal holds them to the bit: terms that are missing were zero.
func (f *flow) equal(h, w int, a, b func(string) *tensor.Param[float64], what string) {
	f.t.Helper()
	f.within(0, h, w, a, b, what)
}

func (f *flow) within(tolerance float64, h, w int, a, b func(string) *tensor.Param[float64], what string) {
	f.t.Helper()
	for range 3 {
		x := f.example(h, w)
		want, got := f.run(x, a), f.run(x, b)
		require.Len(f.t, got, len(want), what)
		for k := range want {
			require.InDelta(f.t, want[k], got[k], tolerance*(1+math.Abs(want[k])), what)
		}
	}
}

// randomFlow is a network of all kinds of layers.
func randomFlow(t testing.TB, seed uint64) *flow {
	f := newFlow(t, seed)
	x := f.input(2)
	pad := int(seed % 2)
	a := f.act(f.batchNorm("bn1", f.conv("conv1", x, 3, 2, 6, 1, 1, 1), 6), relu)
	b := f.batchNorm("bn2", f.conv("conv2", a, 3, 6, 6, 1, 1, []int{1, 2, 3, 6}[seed%4]), 6)
	r := f.act(f.add(a, b), []func(float64) float64{relu, math.Tanh, func(v float64) float64 { return v + 0.5 }}[seed%3])
	d := f.conv("depthwise", r, 3, 6, 12, 1, 1, 6)
	c := f.concat(d, f.conv("conv3", a, 1, 6, 4, 0, 1, 1), d)
	e := f.act(f.conv("conv4", f.pool(c, seed%5 == 0), 3, 28, 5, pad, 1, 1), relu)
	side := 2 + 2*pad
	h := f.flatten(e, side*side, structured.Order(seed%2))
	h = f.act(f.linear("fc1", h, 5*side*side, 8), relu)
	h = f.act(f.linear("fc2", h, 8, 7), math.Tanh)
	f.g.Output(f.nodes[f.linear("fc3", h, 7, 3)])
	require.NoError(t, f.g.Err(), fmt.Sprint(seed))
	return f
}
