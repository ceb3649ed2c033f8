package tensor

// Im2Col lays the input of every output pixel of a convolution out as one row of dst, so that the convolution is
// a matrix product. x is NHWC; dst is (N*outH*outW) x (KH*KW*C), its columns ordered [group][row][column][channel of
// the group]; padding reads as zero. Output pixels are ordered as they are stored, so dst times a
// (KH*KW*C) x channels matrix is the NHWC result.
// It panics if w is invalid, if shapes do not fit or if dst and x overlap.
func Im2Col[T Float](dst Matrix[T], x []T, w Window) {
	w = columnsReady("Im2Col", "x", dst, x, w)
	rows, cols := w.Out()
	if w.Groups > 1 {
		im2colGroups(dst, x, w)
		return
	}
	run := w.KW * w.C
	for n := range w.N {
		for i := range rows {
			for kh := range w.KH {
				d := Matrix[T]{Rows: cols, Cols: run, Stride: dst.Stride, Data: dst.Data[(n*rows+i)*cols*dst.Stride+kh*run:]}
				if h := i*w.StrideH - w.PadH + kh*w.DilationH; h < 0 || h >= w.H {
					for j := range cols {
						clear(d.Row(j))
					}
				} else {
					im2colLine(d, x[(n*w.H+h)*w.W*w.C:][:w.W*w.C], w)
				}
			}
		}
	}
}

// im2colLine lays out one row of the window over one row of the image: row j of dst is what output column j sees of it.
func im2colLine[T Float](dst Matrix[T], line []T, w Window) {
	// Columns [in0, in1) see no padding.
	in0 := min(dst.Rows, (w.PadW+w.StrideW-1)/w.StrideW)
	in1 := max(in0, min(dst.Rows, (w.W+w.PadW-w.DilationW*(w.KW-1)-1)/w.StrideW+1))
	if w.DilationW > 1 {
		in0, in1 = dst.Rows, dst.Rows // not one piece
	}
	for j := 0; j < dst.Rows; j++ {
		if j == in0 && in0 < in1 {
			copyRuns(dst.Data[in0*dst.Stride:], dst.Stride, line[(in0*w.StrideW-w.PadW)*w.C:], w.StrideW*w.C, dst.Cols, in1-in0)
			j = in1 - 1
			continue
		}
		left := j*w.StrideW - w.PadW
		w0, w1 := taps(left, w.DilationW, w.KW, w.W)
		d := dst.Row(j)
		if w0 > 0 || w1 < w.KW {
			clear(d)
		}
		for kw := w0; kw < w1; kw++ {
			copy(d[kw*w.C:(kw+1)*w.C], line[(left+kw*w.DilationW)*w.C:])
		}
	}
}

// copyRuns copies count runs of n elements that lie the given steps apart.
func copyRuns[T Float](dst []T, dstStep int, src []T, srcStep, n, count int) {
	if n == 3 { // 3x3 over one channel: a call for every three elements costs more than the elements
		for i := range count {
			d, s := dst[i*dstStep:][:3], src[i*srcStep:][:3]
			d[0], d[1], d[2] = s[0], s[1], s[2]
		}
		return
	}
	for i := range count {
		copy(dst[i*dstStep:][:n], src[i*srcStep:])
	}
}

func im2colGroups[T Float](dst Matrix[T], x []T, w Window) {
	depth := w.C / w.Groups
	for r := range dst.Rows {
		clear(dst.Row(r))
	}
	w.eachTap(func(row, pixel, tap int) {
		d, s := dst.Row(row), x[pixel*w.C:(pixel+1)*w.C]
		for g := range w.Groups {
			at := (g*w.KH*w.KW + tap) * depth
			copy(d[at:at+depth], s[g*depth:])
		}
	})
}

// Col2Im is the transpose of [Im2Col]: it overwrites dx, NHWC, with the sum of all entries of cols that were read from
// each pixel. It is the backward pass of a convolution with respect to its input.
func Col2Im[T Float](dx []T, cols Matrix[T], w Window) {
	w = columnsReady("Col2Im", "dx", cols, dx, w)
	clear(dx)
	depth := w.C / w.Groups
	rowsOut, colsOut := w.Out()
	if w.Groups > 1 {
		w.eachTap(func(row, pixel, tap int) {
			s, d := cols.Row(row), dx[pixel*w.C:(pixel+1)*w.C]
			for g := range w.Groups {
				at := (g*w.KH*w.KW + tap) * depth
				Add(d[g*depth:(g+1)*depth], d[g*depth:(g+1)*depth], s[at:at+depth])
			}
		})
		return
	}
	for n := range w.N {
		image := dx[n*w.H*w.W*w.C : (n+1)*w.H*w.W*w.C]
		for i := range rowsOut {
			top := i*w.StrideH - w.PadH
			h0, h1 := taps(top, w.DilationH, w.KH, w.H)
			for j := range colsOut {
				left := j*w.StrideW - w.PadW
				w0, w1 := taps(left, w.DilationW, w.KW, w.W)
				row := cols.Row((n*rowsOut+i)*colsOut + j)
				for kh := h0; kh < h1; kh++ {
					from := ((top+kh*w.DilationH)*w.W + left) * w.C
					at := kh * w.KW * w.C
					if w.DilationW == 1 {
						if w0 < w1 {
							d := image[from+w0*w.C : from+w1*w.C]
							Add(d, d, row[at+w0*w.C:at+w1*w.C])
						}
						continue
					}
					for kw := w0; kw < w1; kw++ {
						d := image[from+kw*w.DilationW*w.C : from+(kw*w.DilationW+1)*w.C]
						Add(d, d, row[at+kw*w.C:at+(kw+1)*w.C])
					}
				}
			}
		}
	}
}

// eachTap calls f for every output pixel (row of the column matrix) and window position that falls on an input pixel.
func (w Window) eachTap(f func(row, pixel, tap int)) {
	rows, cols := w.Out()
	for n := range w.N {
		for i := range rows {
			top := i*w.StrideH - w.PadH
			h0, h1 := taps(top, w.DilationH, w.KH, w.H)
			for j := range cols {
				left := j*w.StrideW - w.PadW
				w0, w1 := taps(left, w.DilationW, w.KW, w.W)
				for kh := h0; kh < h1; kh++ {
					for kw := w0; kw < w1; kw++ {
						pixel := (n*w.H+top+kh*w.DilationH)*w.W + left + kw*w.DilationW
						f((n*rows+i)*cols+j, pixel, kh*w.KW+kw)
					}
				}
			}
		}
	}
}

// columnsReady checks the arguments of Im2Col and Col2Im and fills in the defaults of w.
func columnsReady[T Float](op, name string, m Matrix[T], x []T, w Window) Window {
	w = w.ready(op, name, len(x))
	m.check(op, "the column matrix")
	rows, cols := w.Out()
	if m.Rows != w.N*rows*cols || m.Cols != w.KH*w.KW*w.C {
		shapePanic(ErrShape, "%s: the column matrix is %dx%d, the window needs %dx%d",
			op, m.Rows, m.Cols, w.N*rows*cols, w.KH*w.KW*w.C)
	}
	if Overlap(m.Data, x) {
		shapePanic(ErrOverlap, "%s: %s overlaps the column matrix", op, name)
	}
	return w
}
