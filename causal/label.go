package causal

import "github.com/espalier-ml/espalier/tensor"

// labelKernel is the centred kernel matrix of labels, made a row at a time. It keeps its memory.
type labelKernel struct {
	profile profile[float64]
	dot     bool
	zero    float64                // what the profile leaves out
	aux     tensor.Matrix[float64] // of the rows that take part
	v       []int                  // empty if the batch has none

	p        []float64 // weights of the rows; those of a U-statistic are 1
	distinct bool      // as in a U-statistic
	means    []float64 // of the rows of the matrix; sums without the diagonal if distinct
	mean     float64   // of all; the sum if distinct

	median  medianFinder[float64]
	scratch []float64
	run     func(lo, hi int) // bound once, so that it does not allocate
}

const labelRows = 64

// prepare gathers the labels of the rows of f, or says why they cannot tell anything.
func (l *labelKernel) prepare(aux Kernel, b Batch, f *form, workers int) (skipped string) {
	l.v = l.v[:0]
	same := true
	if b.V != nil {
		for _, i := range f.rows {
			l.v = append(l.v, b.V[i])
			same = same && b.V[i] == l.v[0]
		}
	}
	l.aux = resize(l.aux, len(f.rows)*min(b.Aux.Rows, 1), b.Aux.Cols)
	for k := range l.aux.Rows {
		row := b.Aux.Row(f.rows[k])
		copy(l.aux.Row(k), row)
		for j, v := range row {
			same = same && v == l.aux.At(0, j)
		}
	}
	if same {
		return "all labels are equal"
	}
	if l.aux.Rows > 0 && aux.kind == medianKernel {
		sigma := l.median.sigma(l.aux, l.own(f))
		if sigma == 0 {
			sigma = 1 // the labels differ in V alone
		}
		l.profile, l.zero = profileOf[float64](RBF(sigma)), 1
	}
	l.center(f, workers)
	return ""
}

// own is the numbers of the rows of aux.
func (l *labelKernel) own(f *form) []int {
	rows := l.median.rows[:0]
	for k := range f.rows {
		rows = append(rows, k)
	}
	return rows
}

// center finds the means of the matrix for the weights of f.
func (l *labelKernel) center(f *form, workers int) {
	n := len(f.rows)
	l.p, l.distinct = f.p, f.distinct
	l.means = grow(l.means, n)
	blocks := (n + labelRows - 1) / labelRows
	l.scratch = grow(l.scratch, blocks*5*tileCols)
	if l.run == nil {
		l.run = func(lo, hi int) { l.sumRows(lo, hi) }
	}
	tensor.ParallelWorkers(workers, n, labelRows, l.run)
	l.mean = 0
	for i, m := range l.means {
		l.mean += l.p[i] * m
	}
}

func (l *labelKernel) sumRows(from, to int) {
	n := len(l.means)
	scratch := l.scratch[from/labelRows*5*tileCols:][:5*tileCols]
	for i := from; i < to; i++ {
		sum := 0.0
		for lo := 0; lo < n; lo += tileCols {
			hi := min(lo+tileCols, n)
			row := scratch[4*tileCols:][:hi-lo]
			l.raw(i, lo, hi, row, scratch)
			for j, v := range row {
				if !(l.distinct && lo+j == i) {
					sum += float64(l.p[lo+j] * v)
				}
			}
		}
		l.means[i] = sum
	}
}

// raw writes the kernel of label i and labels lo to hi.
func (l *labelKernel) raw(i, lo, hi int, dst, scratch []float64) {
	m := hi - lo
	if l.aux.Rows == 0 {
		for j := range dst {
			dst[j] = equal(l.v[i], l.v[lo+j])
		}
		return
	}
	x := scratch[:m]
	a := l.aux.Row(i)
	for j := range x {
		if l.dot {
			x[j] = tensor.Dot(a, l.aux.Row(lo+j))
		} else {
			x[j] = squaredDistance(a, l.aux.Row(lo+j))
		}
	}
	l.profile(dst, scratch[m:2*m], scratch[2*m:3*m], x)
	if len(l.v) > 0 {
		for j := range dst {
			dst[j] = (dst[j] + l.zero) * equal(l.v[i], l.v[lo+j])
		}
	}
}

func equal(a, b int) float64 {
	if a == b {
		return 1
	}
	return 0
}

// fill is that of a form.
func (l *labelKernel) fill(i, lo, hi int, dst, scratch []float64) {
	l.raw(i, lo, hi, dst, scratch)
	if !l.distinct {
		for j := range dst {
			dst[j] += l.mean - l.means[i] - l.means[lo+j]
		}
		return
	}
	n := float64(len(l.means))
	for j := range dst {
		if lo+j == i {
			dst[j] = 0
			continue
		}
		dst[j] = (dst[j] + l.mean/((n-1)*(n-2)) - (l.means[i]+l.means[lo+j])/(n-2)) / (n * (n - 3))
	}
}
