package nn

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// LayerNorm normalises every vector along the last axis to mean 0 and variance 1, then scales and shifts it
// (Ba, Kiros and Hinton 2016): y = (x - mean) / sqrt(var + Eps) * Weight + Bias.
type LayerNorm[T tensor.Float] struct {
	Weight *tensor.Param[T] // [features], 1 at first
	Bias   *tensor.Param[T] // [features], 0 at first
	Eps    float64          // 1e-5 unless changed

	x, dy     tensor.Dense[T]
	y, dx     tensor.Dense[T]
	yBuf      buffer[T]
	dxBuf     buffer[T]
	mean, inv buffer[T] // of each row; the mean is the sum of mean and rest, so that it is not rounded to T
	rest      buffer[T]
	tile      int // Weight and Bias are written so many times, for vector functions over as many rows
	w, b      []T
	grain     int       // rows of a block, a multiple of tile
	part      buffer[T] // gradients of Weight and Bias and a tile to compute in, three tiles per block
	fwd, bwd  func(lo, hi int)
}

// NewLayerNorm returns the layer for vectors of the given size. The error wraps tensor.ErrRange if it is less than 1.
func NewLayerNorm[T tensor.Float](features int) (*LayerNorm[T], error) {
	if err := positive("LayerNorm", "features", features); err != nil {
		return nil, err
	}
	l := &LayerNorm[T]{Weight: newParam[T]("weight", features), Bias: newParam[T]("bias", features), Eps: 1e-5}
	fill(l.Weight.Data, 1)
	l.tile = tileOf(features)
	l.w, l.b = make([]T, l.tile*features), make([]T, l.tile*features)
	l.fwd, l.bwd = l.forwardBlock, l.backwardBlock
	return l, nil
}

// Forward normalises [..., features].
func (l *LayerNorm[T]) Forward(x tensor.Dense[T], _ bool) tensor.Dense[T] {
	m := rowsOf("LayerNorm", x, len(l.Weight.Data))
	l.x, l.y = x, l.yBuf.shaped(x.Shape)
	l.mean.sized(m.Rows)
	l.rest.sized(m.Rows)
	l.inv.sized(m.Rows)
	l.grain = tiled(rowGrain(dearGrain, m.Cols), l.tile)
	copy(l.w, l.Weight.Data)
	copy(l.b, l.Bias.Data)
	repeat(m.Cols, l.w, l.b)
	eachRow(dearGrain, m.Rows, m.Cols, l.grain, l.fwd)
	return l.y
}

// Backward adds to the gradients of Weight and Bias and returns that of x.
func (l *LayerNorm[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("LayerNorm", "dy", len(dy.Data), len(l.y.Data))
	l.dy, l.dx = dy, l.dxBuf.shaped(l.x.Shape)
	d := len(l.Weight.Data)
	rows := len(dy.Data) / d
	n := l.tile * d
	part := l.part.sized((rows + l.grain - 1) / l.grain * 3 * n)
	eachRow(dearGrain, rows, d, l.grain, l.bwd)
	for ; len(part) > 0; part = part[3*n:] {
		for at := 0; at < n; at += d {
			tensor.Add(l.Weight.Grad, l.Weight.Grad, part[at:at+d])
			tensor.Add(l.Bias.Grad, l.Bias.Grad, part[n+at:n+at+d])
		}
	}
	return l.dx
}

// Params lists the weight and the bias.
func (l *LayerNorm[T]) Params() []*tensor.Param[T] { return present(l.Weight, l.Bias) }

func (l *LayerNorm[T]) forwardBlock(lo, hi int) {
	d := len(l.Weight.Data)
	for at := lo; at < hi; at += l.tile {
		end := min(at+l.tile, hi)
		for i := at; i < end; i++ {
			x, y := l.x.Data[i*d:][:d], l.y.Data[i*d:][:d]
			mean, rest := twoParts[T](total(x) / float64(d))
			for j, v := range x {
				y[j] = v - mean - rest
			}
			inv := T(inverse(y, l.Eps))
			if d >= shortRow {
				tensor.Scale(y, inv, y)
			} else {
				for j, v := range y {
					y[j] = v * inv
				}
			}
			l.mean.data[i], l.rest.data[i], l.inv.data[i] = mean, rest, inv
		}
		y := l.y.Data[at*d : end*d]
		tensor.Mul(y, y, l.w[:len(y)])
		tensor.Add(y, y, l.b[:len(y)])
	}
}

func (l *LayerNorm[T]) backwardBlock(lo, hi int) {
	d := len(l.Weight.Data)
	size := l.tile * d
	part := l.part.data[lo/l.grain*3*size:][:3*size]
	clear(part)
	for at := lo; at < hi; at += l.tile {
		end := min(at+l.tile, hi)
		for i := at; i < end; i++ {
			x, dx := l.x.Data[i*d:][:d], l.dx.Data[i*d:][:d]
			mean, rest, inv := l.mean.data[i], l.rest.data[i], l.inv.data[i]
			for j, v := range x { // the normalised x
				dx[j] = (v - mean - rest) * inv
			}
		}
		n := (end - at) * d
		dw, db, g := part[:n], part[size:][:n], part[2*size:][:n]
		h, dy := l.dx.Data[at*d:][:n], l.dy.Data[at*d:][:n]
		tensor.Mul(g, dy, h)
		tensor.Add(dw, dw, g)
		tensor.Add(db, db, dy)
		tensor.Mul(g, dy, l.w[:n]) // the gradient with respect to it
		for i := at; i < end; i++ {
			g, dx, inv := g[(i-at)*d:][:d], l.dx.Data[i*d:][:d], l.inv.data[i]
			s, in := T(total(g)/float64(d)), T(inner(g, dx)/float64(d))
			for j, v := range g {
				dx[j] = inv * (v - s - dx[j]*in)
			}
		}
	}
}

// total is the sum of a vector.
func total[T tensor.Float](x []T) float64 {
	if len(x) >= shortRow {
		return tensor.Sum(x)
	}
	var s0, s1 float64
	for ; len(x) >= 2; x = x[2:] {
		s0 += float64(x[0])
		s1 += float64(x[1])
	}
	for _, v := range x {
		s0 += float64(v)
	}
	return s0 + s1
}

// shortRow is the number of features below which calls of vector functions take longer than a loop.
const shortRow = 16

// inner is the product of two vectors, of short ones added in float64.
func inner[T tensor.Float](x, y []T) float64 {
	if len(x) >= shortRow {
		return float64(tensor.Dot(x, y))
	}
	var s0, s1 float64
	y = y[:len(x)]
	for ; len(x) >= 2 && len(y) >= 2; x, y = x[2:], y[2:] {
		s0 += float64(x[0]) * float64(y[0])
		s1 += float64(x[1]) * float64(y[1])
	}
	for i, v := range x {
		s0 += float64(v) * float64(y[i])
	}
	return s0 + s1
}

// twoParts splits a number into T and what rounding to T leaves of it: subtracting one after the other from values near
// it loses nothing.
func twoParts[T tensor.Float](v float64) (most, rest T) {
	most = T(v)
	return most, T(v - float64(most))
}

// inverse is 1/sqrt(mean of squares + eps).
func inverse[T tensor.Float](x []T, eps float64) float64 {
	if square := inner(x, x); square > 1e-30 && square < 1e38 {
		return 1 / math.Sqrt(square/float64(len(x))+eps)
	}
	return 1 / math.Hypot(rootMeanSquare(x), math.Sqrt(eps))
}

// rootMeanSquare neither overflows nor underflows where squares do.
func rootMeanSquare[T tensor.Float](x []T) float64 {
	n := float64(len(x))
	square := float64(tensor.Dot(x, x))
	if square > 1e-30 && square < 1e38 {
		return math.Sqrt(square / n)
	}
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(float64(v))) // NaN stays
	}
	if most == 0 || most-most != 0 {
		return most
	}
	_, exp := math.Frexp(most)
	sum := 0.0
	for _, v := range x {
		scaled := math.Ldexp(float64(v), -exp)
		sum += scaled * scaled
	}
	return math.Ldexp(math.Sqrt(sum/n), exp)
}

// BatchNorm normalises every channel, the last axis of x, over all other axes (Ioffe and Szegedy 2015):
// y = (x - mean) / sqrt(var + Eps) * Weight + Bias. In training mean and variance are those of the batch, otherwise
// the running ones.
type BatchNorm[T tensor.Float] struct {
	Weight *tensor.Param[T] // [channels], 1 at first
	Bias   *tensor.Param[T] // [channels], 0 at first

	// Running statistics: part of the model's state though not trained. Training moves them by Momentum towards the
	// batch's mean and its unbiased variance, as torch does, while the batch is normalised with the biased one.
	// Statistics that are not finite leave them alone.
	Mean, Var []T
	Momentum  float64 // 0.1 unless changed
	Eps       float64 // 1e-5 unless changed

	x, dy     tensor.Dense[T]
	y, dx     tensor.Dense[T]
	yBuf      buffer[T]
	dxBuf     buffer[T]
	train     bool            // mode of the last Forward
	mean, inv []T             // of each channel, as the last Forward used them
	rest      []T             // the mean is the sum of mean and rest, so that it is not rounded to T
	a, b, c   []T             // of each channel: dx = a*dy - b - h*c, h being the normalised x; a is Weight*inv
	tile      int             // all of these are written so many times, for vector functions over as many rows
	grain     int             // rows of a block, a multiple of tile
	part      buffer[T]       // two sums per channel of a tile and block, and a tile to compute in
	scale     float64         // a power of two that deviations are multiplied with before they are squared
	blocks    buffer[float64] // mean and sum of squares per channel and block
	moments   []float64       // mean and sum of squares of each channel while blocks are merged

	stats, fwd, sums, bwd func(lo, hi int)
}

// NewBatchNorm returns the layer for the given number of channels. The error wraps tensor.ErrRange if it is less than
// 1.
func NewBatchNorm[T tensor.Float](channels int) (*BatchNorm[T], error) {
	if err := positive("BatchNorm", "channels", channels); err != nil {
		return nil, err
	}
	l := &BatchNorm[T]{Weight: newParam[T]("weight", channels), Bias: newParam[T]("bias",
		channels), Momentum: 0.1, Eps: 1e-5}
	l.tile = tileOf(channels)
	l.Mean, l.Var = make([]T, channels), make([]T, channels)
	for _, s := range []*[]T{&l.mean, &l.rest, &l.inv, &l.a, &l.b, &l.c} {
		*s = make([]T, l.tile*channels)
	}
	l.moments = make([]float64, 2*channels)
	fill(l.Weight.Data, 1)
	fill(l.Var, 1)
	l.stats, l.fwd, l.sums, l.bwd = l.statsBlock, l.forwardBlock, l.sumsBlock, l.backwardBlock
	return l, nil
}

// Forward normalises [..., channels]. In training it panics with an error wrapping tensor.ErrShape unless there are
// at least two values per channel: one has no variance. [TryForward] returns the error.
func (l *BatchNorm[T]) Forward(x tensor.Dense[T], train bool) tensor.Dense[T] {
	m := rowsOf("BatchNorm", x, len(l.Weight.Data))
	if train && m.Rows < 2 {
		panic(fmt.Errorf("nn: BatchNorm: input has shape %v, want more than one value per channel in training: %w",
			append([]int(nil), x.Shape...), tensor.ErrShape))
	}
	l.x, l.y, l.train = x, l.yBuf.shaped(x.Shape), train
	l.grain = tiled(rowGrain(cheapGrain, m.Cols), l.tile)
	d := m.Cols
	if train {
		l.measure(m)
	} else {
		copy(l.mean, l.Mean)
		clear(l.rest)
		for j, v := range l.Var {
			l.inv[j] = T(1 / math.Sqrt(float64(v)+l.Eps))
		}
	}
	tensor.Mul(l.a[:d], l.Weight.Data, l.inv[:d])
	copy(l.b, l.Bias.Data)
	repeat(d, l.mean, l.rest, l.inv, l.a, l.b)
	eachRow(cheapGrain, m.Rows, m.Cols, l.grain, l.fwd)
	return l.y
}

// Backward adds to the gradients of Weight and Bias and returns that of x.
func (l *BatchNorm[T]) Backward(dy tensor.Dense[T]) tensor.Dense[T] {
	mustLength("BatchNorm", "dy", len(dy.Data), len(l.y.Data))
	l.dy, l.dx = dy, l.dxBuf.shaped(l.x.Shape)
	d := len(l.Weight.Data)
	rows := len(dy.Data) / d
	if rows == 0 {
		return l.dx
	}
	n := l.tile * d
	part := l.part.sized((rows + l.grain - 1) / l.grain * 3 * n)
	eachRow(cheapGrain, rows, d, l.grain, l.sums)
	clear(l.moments)
	for ; len(part) > 0; part = part[3*n:] {
		for at := 0; at < n; at += d {
			for j := range d {
				l.moments[j] += float64(part[at+j])
				l.moments[d+j] += float64(part[n+at+j])
			}
		}
	}
	for j := range d {
		db, dw := l.moments[j], l.moments[d+j]
		l.Bias.Grad[j] += T(db)
		l.Weight.Grad[j] += T(dw)
		l.a[j], l.b[j], l.c[j] = l.Weight.Data[j]*l.inv[j], 0, 0
		if l.train { // mean and variance depend on x too
			l.b[j] = l.a[j] * T(db/float64(rows))
			l.c[j] = l.a[j] * T(dw/float64(rows))
		}
	}
	repeat(d, l.a, l.b, l.c)
	eachRow(cheapGrain, rows, d, l.grain, l.bwd)
	return l.dx
}

// Params lists the weight and the bias. The running statistics are not among them.
func (l *BatchNorm[T]) Params() []*tensor.Param[T] { return present(l.Weight, l.Bias) }

// measure sets mean and inv to those of the batch and moves the running statistics. Blocks are merged in order with the
// formula of Chan, Golub and LeVeque 1983, which does not cancel.
func (l *BatchNorm[T]) measure(m tensor.Matrix[T]) {
	l.scale = 1
	mean, squares := l.merge(m)
	if slices.ContainsFunc(squares, func(v float64) bool { return v-v != 0 }) {
		l.scale = 0x1p-520 // squares of float64 overflow where the values do not
		mean, squares = l.merge(m)
	}
	n, mu := float64(m.Rows), l.Momentum
	for j := range m.Cols {
		deviation := math.Sqrt(squares[j]/n) / l.scale
		l.mean[j], l.rest[j] = twoParts[T](mean[j])
		l.inv[j] = T(1 / math.Hypot(deviation, math.Sqrt(l.Eps)))
		variance := deviation * deviation * n / (n - 1)
		if variance-variance != 0 {
			continue // the loss will tell; one bad batch does not spoil the model
		}
		l.Mean[j] = T((1-mu)*float64(l.Mean[j]) + mu*mean[j])
		l.Var[j] = T((1-mu)*float64(l.Var[j]) + mu*variance)
	}
}

func (l *BatchNorm[T]) merge(m tensor.Matrix[T]) (mean, squares []float64) {
	d := m.Cols
	part := l.blocks.sized((m.Rows + l.grain - 1) / l.grain * 2 * d)
	eachRow(cheapGrain, m.Rows, m.Cols, l.grain, l.stats)
	mean, squares = l.moments[:d], l.moments[d:]
	clear(l.moments)
	for lo := 0; lo < m.Rows; lo += l.grain {
		n := float64(min(l.grain, m.Rows-lo))
		p := part[lo/l.grain*2*d:][:2*d]
		for j := range d {
			delta := p[j] - mean[j]
			mean[j] += delta * n / (float64(lo) + n)
			delta *= l.scale
			squares[j] += p[d+j] + delta*delta*float64(lo)*n/(float64(lo)+n)
		}
	}
	return mean, squares
}

// statsBlock leaves each channel's mean and sum of squared deviations from it in blocks. Deviations are first taken
// from the block's own first row, which costs no more than the logarithm of the number of rows in digits: that row's
// deviation is part of the sum.
func (l *BatchNorm[T]) statsBlock(lo, hi int) {
	d := len(l.Weight.Data)
	part := l.blocks.data[lo/l.grain*2*d:][:2*d]
	clear(part)
	sum, squares, first := part[:d], part[d:][:d], l.x.Data[lo*d:][:d]
	i := lo + 1
	for ; l.scale == 1 && i+1 < hi; i += 2 { // two rows at a time, which halves the traffic of the sums
		next := l.x.Data[(i+1)*d:][:d]
		for j, v := range l.x.Data[i*d:][:d] {
			a, b := float64(v)-float64(first[j]), float64(next[j])-float64(first[j])
			sum[j] += a + b
			squares[j] += a*a + b*b
		}
	}
	for ; i < hi; i++ {
		for j, v := range l.x.Data[i*d:][:d] {
			deviation := (float64(v) - float64(first[j])) * l.scale
			sum[j] += deviation
			squares[j] += deviation * deviation
		}
	}
	n := float64(hi - lo)
	for j, v := range first {
		squares[j] = max(0, squares[j]-sum[j]*(sum[j]/n))
		sum[j] = float64(v) + sum[j]/(n*l.scale) // the mean
	}
}

func (l *BatchNorm[T]) forwardBlock(lo, hi int) {
	for x, y := range l.tiles(lo, hi, l.x, l.y) {
		n := len(x)
		tensor.Sub(y, x, l.mean[:n])
		tensor.Sub(y, y, l.rest[:n])
		tensor.Mul(y, y, l.a[:n])
		tensor.Add(y, y, l.b[:n])
	}
}

// sumsBlock leaves the sums over each channel of dy and of dy times the normalised x in part, for each row of a tile.
func (l *BatchNorm[T]) sumsBlock(lo, hi int) {
	plain, inner, h := l.scratch(lo)
	clear(plain)
	clear(inner)
	for x, dy := range l.tiles(lo, hi, l.x, l.dy) {
		n := len(x)
		tensor.Sub(h[:n], x, l.mean[:n])
		tensor.Sub(h[:n], h[:n], l.rest[:n])
		tensor.Mul(h[:n], h[:n], l.inv[:n])
		tensor.Mul(h[:n], h[:n], dy)
		tensor.Add(inner[:n], inner[:n], h[:n])
		tensor.Add(plain[:n], plain[:n], dy)
	}
}

func (l *BatchNorm[T]) backwardBlock(lo, hi int) {
	_, _, g := l.scratch(lo)
	at := lo * len(l.Weight.Data)
	for x, dx := range l.tiles(lo, hi, l.x, l.dx) {
		n := len(x)
		tensor.Sub(dx, x, l.mean[:n])
		tensor.Sub(dx, dx, l.rest[:n])
		tensor.Mul(dx, dx, l.inv[:n])
		tensor.Mul(dx, dx, l.c[:n])
		tensor.Mul(g[:n], l.dy.Data[at:at+n], l.a[:n])
		tensor.Sub(g[:n], g[:n], l.b[:n])
		tensor.Sub(dx, g[:n], dx)
		at += n
	}
}

// tiles are the elements of rows lo to hi of two tensors, as many rows at a time as vectors of channels are repeated.
func (l *BatchNorm[T]) tiles(lo, hi int, x, y tensor.Dense[T]) iter.Seq2[[]T, []T] {
	d := len(l.Weight.Data)
	return func(yield func(x, y []T) bool) {
		for i := lo; i < hi; i += l.tile {
			end := min(i+l.tile, hi)
			if !yield(x.Data[i*d:end*d], y.Data[i*d:end*d]) {
				return
			}
		}
	}
}

// scratch is the three tiles of the block that begins at row lo.
func (l *BatchNorm[T]) scratch(lo int) (a, b, c []T) {
	n := l.tile * len(l.Weight.Data)
	part := l.part.data[lo/l.grain*3*n:][:3*n]
	return part[:n], part[n:][:n], part[2*n:]
}

// tileOf is the number of rows that vector functions take at a time.
func tileOf(cols int) int { return max(1, 512/cols) }

// tiled is the multiple of tile next to grain.
func tiled(grain, tile int) int { return (grain + tile - 1) / tile * tile }

// repeat writes the first d elements of every vector over and over.
func repeat[T tensor.Float](d int, vectors ...[]T) {
	for _, v := range vectors {
		for n := d; n < len(v); n *= 2 {
			copy(v[n:], v[:n])
		}
	}
}

func fill[T tensor.Float](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}
