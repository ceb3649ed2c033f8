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
	for n := range w.N {
		image := x[n*w.H*w.W*w.C:]
		for i := range rows {
			top := i*w.StrideH - w.PadH
			h0, h1 := taps(top, w.DilationH, w.KH, w.H)
			for j := range cols {
				left := j*w.StrideW - w.PadW
				w0, w1 := taps(left, w.DilationW, w.KW, w.W)
				row := dst.Row((n*rows+i)*cols + j)
				if h0 > 0 || h1 < w.KH || w0 > 0 || w1 < w.KW {
					clear(row)
				}
				for kh := h0; kh < h1; kh++ {
					from := ((top+kh*w.DilationH)*w.W + left) * w.C
					to := kh * w.KW * w.C
					if w.DilationW == 1 {
						copy(row[to+w0*w.C:to+max(w0, w1)*w.C], image[from+w0*w.C:])
						continue
					}
					for kw := w0; kw < w1; kw++ {
						copy(row[to+kw*w.C:to+(kw+1)*w.C], image[from+kw*w.DilationW*w.C:])
					}
				}
			}
		}
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
		shapePanic(ErrShape, "%s: the column matrix is %dx%d, the window needs %dx%d", op, m.Rows, m.Cols, w.N*rows*cols, w.KH*w.KW*w.C)
	}
	if overlap(m.Data, x) {
		shapePanic(ErrOverlap, "%s: %s overlaps the column matrix", op, name)
	}
	return w
}
