package tta

import (
	"math"
	"sync"

	"github.com/espalier-ml/espalier/tensor"
)

// block is how many examples lie side by side, so that the inner loops are as long whatever the number of views.
const block = 64

// problem is the mean cross-entropy of linear aggregation, z_c = sum_a W_ac x_ac, as a function of its weights, which
// stand class by class here. With one weight for a view, W_ac = w_a, there are A of them.
//
// The outputs are packed as [blocks][classes][views][block]: for a class, the logits of a block of examples are one
// product of a matrix with a vector, and so is their part of the gradient. Everything about a block is computed while
// it is in the cache. Examples that fill up the last block have outputs of zero and label -1.
type problem struct {
	views, classes, rows int
	data                 []float32
	labels               []int32 // [blocks*block]
	workers              int
	scratch              *sync.Pool // of *problemScratch
}

type problemScratch struct {
	z, u, weights, grad, gram []float32
	top, sum                  []float32
}

// newProblem packs the given examples of outputs, all of them for nil. One logit x becomes two classes, -x/2 and x/2.
func newProblem(o *Outputs, rows []int, workers int) *problem {
	n := len(rows)
	if rows == nil {
		n = o.Len()
	}
	blocks := (n + block - 1) / block
	p := &problem{views: o.views, classes: labelsOf(o.classes), rows: n, workers: workers}
	p.data = make([]float32, blocks*p.blockSize())
	p.labels = make([]int32, blocks*block)
	for i := range p.labels {
		p.labels[i] = -1
	}
	tensor.ParallelWorkers(workers, blocks, 4, func(lo, hi int) {
		for i := lo * block; i < min(hi*block, n); i++ {
			row := i
			if rows != nil {
				row = rows[i]
			}
			p.labels[i] = int32(o.labels[row])
			p.pack(i, o.Example(row), o.classes)
		}
	})
	p.scratch = newProblemScratch(p.views, p.classes)
	return p
}

func newProblemScratch(views, classes int) *sync.Pool {
	return &sync.Pool{New: func() any {
		return &problemScratch{z: make([]float32, classes*block), u: make([]float32, classes*block),
			weights: make([]float32, classes*views), grad: make([]float32, classes*views),
			gram: make([]float32, views*views+2*views*block),
			top:  make([]float32, block), sum: make([]float32, block)}
	}}
}

func (p *problem) blockSize() int { return p.classes * p.views * block }

func (p *problem) pack(i int, x []float32, classes int) {
	dst := p.data[i/block*p.blockSize()+i%block:]
	for a := range p.views {
		if classes == 1 {
			dst[a*block], dst[(p.views+a)*block] = -x[a]/2, x[a]/2
			continue
		}
		for c, v := range x[a*classes : (a+1)*classes] {
			dst[(c*p.views+a)*block] = v
		}
	}
}

// class is the outputs of a block for a class, views by examples.
func (p *problem) class(b, c int) tensor.Matrix[float32] {
	at := b*p.blockSize() + c*p.views*block
	return tensor.Matrix[float32]{Rows: p.views, Cols: block, Stride: block, Data: p.data[at : at+p.views*block]}
}

// chunks calls f for runs of blocks, at most 16 of them whatever the number of workers, and adds up what they leave in
// their part of the result in order.
func (p *problem) chunks(result []float64, f func(lo, hi int, s *problemScratch, part []float64)) {
	blocks := len(p.labels) / block
	grain := (blocks + 15) / 16
	parts := make([]float64, (blocks+grain-1)/grain*len(result))
	tensor.ParallelWorkers(p.workers, blocks, grain, func(lo, hi int) {
		s := p.scratch.Get().(*problemScratch)
		defer p.scratch.Put(s)
		k := lo / grain
		f(lo, hi, s, parts[k*len(result):(k+1)*len(result)])
	})
	clear(result)
	for k := 0; k < len(parts); k += len(result) {
		for i := range result {
			result[i] += parts[k+i]
		}
	}
}

// perClass reports whether weights are for views and classes.
func (p *problem) perClass(weights []float64) bool { return len(weights) != p.views }

// of is the weights of a class.
func (p *problem) of(w []float32, c, size int) []float32 {
	if size == p.views {
		return w[:p.views]
	}
	return w[c*p.views : (c+1)*p.views]
}

// forward writes the aggregated logits of a block to s.z, [classes][block].
func (p *problem) forward(b int, w []float32, size int, s *problemScratch) {
	for c := range p.classes {
		tensor.Gemv(tensor.Trans, 1, p.class(b, c), p.of(w, c, size), 0, s.z[c*block:(c+1)*block])
	}
}

// softmax replaces logits by probabilities and returns log-sum-exp less the label's logit for every example through
// loss, unless it is nil. Columns that fill up the block become zero.
func (p *problem) softmax(b int, s *problemScratch, loss func(i int, v float64)) {
	labels := p.labels[b*block : (b+1)*block]
	copy(s.top, s.z[:block])
	for c := 1; c < p.classes; c++ {
		maxInto(s.top, s.z[c*block:(c+1)*block])
	}
	var own [block]float32
	for c := range p.classes {
		row := s.z[c*block : (c+1)*block]
		tensor.Sub(row, row, s.top)
	}
	for i, y := range labels {
		if y >= 0 {
			own[i] = s.z[int(y)*block+i]
		}
	}
	tensor.Exp(s.z, s.z)
	clear(s.sum)
	for c := range p.classes {
		tensor.Add(s.sum, s.sum, s.z[c*block:(c+1)*block])
	}
	for i, y := range labels {
		switch {
		case y < 0:
			s.sum[i] = 0
			continue
		case loss != nil:
			loss(b*block+i, math.Log(float64(s.sum[i]))-float64(own[i]))
		}
		s.sum[i] = 1 / s.sum[i]
	}
	for c := range p.classes {
		row := s.z[c*block : (c+1)*block]
		tensor.Mul(row, row, s.sum)
	}
}

func maxInto(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		if v > dst[i] {
			dst[i] = v
		}
	}
}

// eval is the mean cross-entropy at w and, unless grad is nil, its gradient. probs, if there is any, gets the
// probabilities, [blocks][classes][block].
func (p *problem) eval(w, grad []float64, probs []float32) float64 {
	size := len(w)
	result := make([]float64, 1+size)
	p.chunks(result, func(lo, hi int, s *problemScratch, part []float64) {
		narrow(s.weights, w)
		g := s.grad[:size]
		for b := lo; b < hi; b++ {
			p.forward(b, s.weights, size, s)
			p.softmax(b, s, func(_ int, v float64) { part[0] += v })
			if probs != nil {
				copy(probs[b*p.classes*block:], s.z)
			}
			if grad == nil {
				continue
			}
			for i, y := range p.labels[b*block : (b+1)*block] {
				if y >= 0 {
					s.z[int(y)*block+i]--
				}
			}
			p.backward(b, s.z, g, size)
			for i, v := range g {
				part[1+i] += float64(v)
			}
		}
	})
	for i := range grad {
		grad[i] = result[1+i] / float64(p.rows)
	}
	return result[0] / float64(p.rows)
}

// backward writes the sum over the examples of a block of residuals times outputs to g.
func (p *problem) backward(b int, r, g []float32, size int) {
	for c := range p.classes {
		beta := float32(0)
		if size == p.views && c > 0 {
			beta = 1
		}
		tensor.Gemv(tensor.NoTrans, 1, p.class(b, c), r[c*block:(c+1)*block], beta, p.of(g, c, size))
	}
}

// losses is the cross-entropy of each example at w.
func (p *problem) losses(w []float64) []float64 {
	out := make([]float64, p.rows)
	blocks := len(p.labels) / block
	tensor.ParallelWorkers(p.workers, blocks, 4, func(lo, hi int) {
		s := p.scratch.Get().(*problemScratch)
		defer p.scratch.Put(s)
		narrow(s.weights, w)
		for b := lo; b < hi; b++ {
			p.forward(b, s.weights, len(w), s)
			p.softmax(b, s, func(i int, v float64) { out[i] = v })
		}
	})
	return out
}

// correct counts the examples whose label has the largest logit, the first one of equals.
func (p *problem) correct(w []float64) int {
	count := make([]float64, 1)
	p.chunks(count, func(lo, hi int, s *problemScratch, part []float64) {
		narrow(s.weights, w)
		for b := lo; b < hi; b++ {
			p.forward(b, s.weights, len(w), s)
			for i, y := range p.labels[b*block : (b+1)*block] {
				best := 0
				for c := range p.classes {
					if s.z[c*block+i] > s.z[best*block+i] {
						best = c
					}
				}
				if int32(best) == y {
					part[0]++
				}
			}
		}
	})
	return int(count[0])
}

// product is the Hessian of the mean cross-entropy times v, at the point whose probabilities are given.
func (p *problem) product(probs []float32, v, out []float64) {
	size := len(v)
	p.chunks(out, func(lo, hi int, s *problemScratch, part []float64) {
		narrow(s.weights, v)
		g := s.grad[:size]
		for b := lo; b < hi; b++ {
			p.forward(b, s.weights, size, s)
			q := probs[b*p.classes*block : (b+1)*p.classes*block]
			tensor.Mul(s.u, s.z, q)
			clear(s.sum)
			for c := range p.classes {
				tensor.Add(s.sum, s.sum, s.u[c*block:(c+1)*block])
			}
			for c := range p.classes { // s = q (z - mean)
				row := s.z[c*block : (c+1)*block]
				tensor.Sub(row, row, s.sum)
			}
			tensor.Mul(s.z, s.z, q)
			p.backward(b, s.z, g, size)
			for i, x := range g {
				part[i] += float64(x)
			}
		}
	})
	for i := range out {
		out[i] /= float64(p.rows)
	}
}

// hessian is that for one weight a view, views by views: the mean over examples of the covariance of their outputs
// under the predicted distribution.
func (p *problem) hessian(probs []float32) []float64 {
	a := p.views
	h := make([]float64, a*a)
	p.chunks(h, func(lo, hi int, s *problemScratch, part []float64) {
		gram := tensor.Of(a, a, s.gram[:a*a])
		mean := tensor.Of(a, block, s.gram[a*a:][:a*block])
		scaled := tensor.Of(a, block, s.gram[a*a+a*block:])
		for b := lo; b < hi; b++ {
			clear(mean.Data)
			for c := range p.classes {
				x, q := p.class(b, c), probs[(b*p.classes+c)*block:][:block]
				for i := range a {
					tensor.Mul(scaled.Row(i), x.Row(i), q)
				}
				tensor.Add(mean.Data, mean.Data, scaled.Data)
				tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, scaled, x, min(float32(c), 1), gram)
			}
			tensor.Gemm(tensor.NoTrans, tensor.Trans, -1, mean, mean, 1, gram)
			for i, v := range gram.Data {
				part[i] += float64(v)
			}
		}
	})
	for i := range h {
		h[i] /= float64(p.rows)
	}
	return h
}

// classHessian is the block of a class, views by views, of the Hessian for weights of views and classes.
func (p *problem) classHessian(probs []float32, c int, h []float64) {
	a := p.views
	s := p.scratch.Get().(*problemScratch)
	defer p.scratch.Put(s)
	gram := tensor.Of(a, a, s.gram[:a*a])
	scaled := tensor.Of(a, block, s.gram[a*a:][:a*block])
	clear(h)
	for b := range len(p.labels) / block {
		x, q := p.class(b, c), probs[(b*p.classes+c)*block:][:block]
		for i, v := range q {
			s.sum[i] = v * (1 - v)
		}
		for i := range a {
			tensor.Mul(scaled.Row(i), x.Row(i), s.sum)
		}
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, scaled, x, 0, gram)
		for i, v := range gram.Data {
			h[i] += float64(v) / float64(p.rows)
		}
	}
}

func narrow(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}
