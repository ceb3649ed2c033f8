package tensor

import "math"

// MaxPool sets dst, N x outH x outW x C, to the largest input pixel of each window and channel, and arg, of the same
// length, to the index in x it came from: the first one of equals. Padding never wins; NaN always does. An output whose
// window holds no pixel is -Inf with arg -1. It panics if w is invalid, a length does not fit or dst overlaps x.
func MaxPool[T Float](dst []T, arg []int32, x []T, w Window) {
	w = poolReady("MaxPool", "x", "dst", dst, x, w)
	sameLength("MaxPool", len(arg), len(dst))
	if len(x) > math.MaxInt32 {
		shapePanic(ErrRange, "MaxPool: %d elements do not fit into the indices", len(x))
	}
	rows, cols := w.Out()
	for n := range w.N {
		for i := range rows {
			top := i*w.StrideH - w.PadH
			h0, h1 := taps(top, w.DilationH, w.KH, w.H)
			for j := range cols {
				left := j*w.StrideW - w.PadW
				w0, w1 := taps(left, w.DilationW, w.KW, w.W)
				at := ((n*rows+i)*cols + j) * w.C
				d, a := dst[at:at+w.C], arg[at:at+w.C]
				if h1-h0 == 2 && w1-w0 == 2 {
					from := ((n*w.H+top+h0*w.DilationH)*w.W + left + w0*w.DilationW) * w.C
					if largestOfFour(d, a, x[from:], from, w.DilationW*w.C, w.DilationH*w.W*w.C) {
						continue
					}
				}
				first := true
				for kh := h0; kh < h1; kh++ {
					for kw := w0; kw < w1; kw++ {
						from := ((n*w.H+top+kh*w.DilationH)*w.W + left + kw*w.DilationW) * w.C
						pixel := x[from : from+w.C]
						if first {
							firstOf(d, a, pixel, int32(from))
							first = false
							continue
						}
						largerOf(d, a, pixel, int32(from))
					}
				}
				if first {
					for c := range d {
						d[c], a[c] = T(math.Inf(-1)), -1
					}
				}
			}
		}
	}
}

// largestOfFour is the window of two by two pixels, the first one at the start of x, which is at from in the images.
// It has no branch that depends on data, since the outcome of a comparison cannot be predicted. It reports whether the
// result holds: not if a pixel is NaN or infinite.
func largestOfFour[T Float](d []T, a []int32, x []T, from, right, down int) bool {
	n := len(d)
	a = a[:n]
	x0, x1, x2, x3 := x[:n], x[right:][:n], x[down:][:n], x[down+right:][:n]
	var odd T
	for c := range d {
		v0, v1, v2, v3 := x0[c], x1[c], x2[c], x3[c]
		odd += (v0 + v1 + v2 + v3) * 0
		top := c + right&-larger(v1, v0)
		bottom := c + down + right&-larger(v3, v2)
		top += (bottom - top) & -larger(x[bottom], x[top])
		d[c], a[c] = x[top], int32(from+top)
	}
	return odd == 0
}

// larger is 1 if v > u and else 0: a flag and not a branch.
func larger[T Float](v, u T) int {
	b := 0
	if v > u {
		b = 1
	}
	return b
}

func firstOf[T Float](d []T, a []int32, pixel []T, from int32) {
	a = a[:len(d)]
	copy(d, pixel)
	for c := range a {
		a[c] = from + int32(c)
	}
}

func largerOf[T Float](d []T, a []int32, pixel []T, from int32) {
	a, pixel = a[:len(d)], pixel[:len(d)]
	for c, v := range pixel {
		if v > d[c] || v != v && d[c] == d[c] {
			d[c], a[c] = v, from+int32(c)
		}
	}
}

// MaxPoolGrad is the backward pass of [MaxPool]: it overwrites dx with dy summed into the elements that arg names; a
// negative one is none. It panics like MaxPool, and with an error wrapping [ErrRange] if an index is not below len(dx).
func MaxPoolGrad[T Float](dx, dy []T, arg []int32, w Window) {
	poolReady("MaxPoolGrad", "dx", "dy", dy, dx, w)
	sameLength("MaxPoolGrad", len(arg), len(dy))
	for i, a := range arg {
		if int(a) >= len(dx) {
			shapePanic(ErrRange, "MaxPoolGrad: arg[%d] is %d of %d elements", i, a, len(dx))
		}
	}
	clear(dx)
	for i, a := range arg {
		if a >= 0 {
			dx[a] += dy[i]
		}
	}
}

// AvgPool sets dst, N x outH x outW x C, to the mean of each window and channel: over the whole window, padding
// included as zeros, if countPad is set, and otherwise over the pixels alone (0 if there is none). It panics like
// [MaxPool].
func AvgPool[T Float](dst, x []T, w Window, countPad bool) {
	w = poolReady("AvgPool", "x", "dst", dst, x, w)
	clear(dst)
	w.eachMean(countPad, func(out, pixel int, share float64) {
		Axpy(dst[out:out+w.C], T(share), x[pixel:pixel+w.C])
	})
}

// AvgPoolGrad is the backward pass of [AvgPool]: it overwrites dx. It panics like [MaxPool].
func AvgPoolGrad[T Float](dx, dy []T, w Window, countPad bool) {
	w = poolReady("AvgPoolGrad", "dx", "dy", dy, dx, w)
	clear(dx)
	w.eachMean(countPad, func(out, pixel int, share float64) {
		Axpy(dx[pixel:pixel+w.C], T(share), dy[out:out+w.C])
	})
}

// eachMean calls f with the first channel of every output, of each input pixel in its window, and the pixel's share.
func (w Window) eachMean(countPad bool, f func(out, pixel int, share float64)) {
	rows, cols := w.Out()
	for n := range w.N {
		for i := range rows {
			top := i*w.StrideH - w.PadH
			h0, h1 := taps(top, w.DilationH, w.KH, w.H)
			for j := range cols {
				left := j*w.StrideW - w.PadW
				w0, w1 := taps(left, w.DilationW, w.KW, w.W)
				count := w.KH * w.KW
				if !countPad {
					count = max(h1-h0, 0) * max(w1-w0, 0)
				}
				for kh := h0; kh < h1; kh++ {
					for kw := w0; kw < w1; kw++ {
						pixel := ((n*w.H+top+kh*w.DilationH)*w.W + left + kw*w.DilationW) * w.C
						f(((n*rows+i)*cols+j)*w.C, pixel, 1/float64(count))
					}
				}
			}
		}
	}
}

// poolReady checks the arguments of a pooling and fills in the defaults of w.
func poolReady[T Float](op, nameIn, nameOut string, out, in []T, w Window) Window {
	w = w.ready(op, nameIn, len(in))
	rows, cols := w.Out()
	if want := w.N * rows * cols * w.C; len(out) != want {
		shapePanic(ErrShape, "%s: %s has %d elements, the window yields %d", op, nameOut, len(out), want)
	}
	if Overlap(out, in) {
		shapePanic(ErrOverlap, "%s: %s overlaps %s", op, nameOut, nameIn)
	}
	return w
}
