package mil

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// SetKernel is how alike two bags are. It is an immutable value; [FitKernelRidge] takes one.
type SetKernel struct {
	kind  setKernelKind
	gamma float64
	parts []SetKernel
}

type setKernelKind uint8

const (
	noKernel setKernelKind = iota
	nskKernel
	minMaxKernel
	averageKernel
)

// NSK is the normalized set kernel (Gärtner et al. 2002): k(B, B') = sum exp(-gamma |x-x'|²) over all pairs of
// instances, divided by the root of k(B, B) k(B', B'). gamma is above 0, or 0 for one over the number of columns, which
// suits standardized instances.
func NSK(gamma float64) SetKernel { return SetKernel{kind: nskKernel, gamma: gamma} }

// MinMax compares the least and the largest element of each column, m: exp(-gamma |m-m'|²) (Gärtner et al. 2002). gamma
// is above 0, or 0 for one over twice the columns times the variance of all m in training.
func MinMax(gamma float64) SetKernel { return SetKernel{kind: minMaxKernel, gamma: gamma} }

// AverageKernel is the mean of kernels: that of [NSK] and [MinMax] is what does best on the classical benchmarks.
func AverageKernel(kernels ...SetKernel) SetKernel {
	return SetKernel{kind: averageKernel, parts: slices.Clone(kernels)}
}

// Validate reports a gamma out of range or an average of nothing.
func (k SetKernel) Validate() error {
	switch k.kind {
	case nskKernel, minMaxKernel:
		return option.Range(k.gamma >= 0 && !math.IsInf(k.gamma, 1), "gamma", k.gamma, "a finite number of 0 or more")
	case averageKernel:
		if len(k.parts) == 0 {
			return fmt.Errorf("an average of no kernels: %w", tensor.ErrEmpty)
		}
		for _, p := range k.parts {
			if err := p.Validate(); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no kernel: %w", tensor.ErrEmpty)
}

// fittedKernel is a kernel of training bags.
type fittedKernel[T tensor.Float] interface {
	// rows writes the kernel of the bags of b from lo on, one for each row of k, and the training bags. train says that
	// they are training bags themselves: of those a bag has only to be compared with itself and the ones before.
	rows(k tensor.Matrix[float64], b Bags[T], lo int, train bool)
	// kernel is what was fitted, with the gamma that it was fitted with.
	kernel() SetKernel
}

func fitKernel[T tensor.Float](k SetKernel, b Bags[T], workers int) fittedKernel[T] {
	cols := float64(b.X.Cols)
	switch k.kind {
	case nskKernel:
		if k.gamma == 0 {
			k.gamma = 1 / cols
		}
		n := &nsk[T]{gamma: k.gamma, bags: b, self: make([]float64, b.Len())}
		tensor.ParallelWorkers(workers, b.Len(), 8, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				n.self[i] = n.between(b.Bag(i), b.Bag(i))
			}
		})
		return n
	case minMaxKernel:
		m := &minMax[T]{gamma: k.gamma, phi: extremes(b)}
		if k.gamma == 0 {
			mean, variance := 0.0, 0.0
			for _, v := range m.phi.Data {
				mean += float64(v) / float64(len(m.phi.Data))
			}
			for _, v := range m.phi.Data {
				variance += (float64(v) - mean) * (float64(v) - mean) / float64(len(m.phi.Data))
			}
			m.gamma = 1 / (2 * cols * variance)
			if variance == 0 { // all bags are alike, whatever gamma is
				m.gamma = 1
			}
		}
		return m
	}
	var a average[T]
	for _, p := range k.parts {
		a = append(a, fitKernel(p, b, workers))
	}
	return a
}

type average[T tensor.Float] []fittedKernel[T]

func (a average[T]) kernel() SetKernel {
	k := SetKernel{kind: averageKernel}
	for _, p := range a {
		k.parts = append(k.parts, p.kernel())
	}
	return k
}

func (a average[T]) rows(k tensor.Matrix[float64], b Bags[T], lo int, train bool) {
	part := tensor.NewMatrix[float64](k.Rows, k.Cols)
	for i := range k.Rows {
		clear(k.Row(i))
	}
	for _, p := range a {
		p.rows(part, b, lo, train)
		for i := range k.Rows {
			tensor.Axpy(k.Row(i), 1/float64(len(a)), part.Row(i))
		}
	}
}

type minMax[T tensor.Float] struct {
	gamma float64
	phi   tensor.Matrix[T]
}

func (m *minMax[T]) kernel() SetKernel { return MinMax(m.gamma) }

// extremes is the least and the largest element of each column of each bag.
func extremes[T tensor.Float](b Bags[T]) tensor.Matrix[T] {
	d := b.X.Cols
	phi := tensor.NewMatrix[T](b.Len(), 2*d)
	for i := range b.Len() {
		least, largest := phi.Row(i)[:d], phi.Row(i)[d:]
		copy(least, b.Bag(i).Row(0))
		copy(largest, least)
		for r := 1; r < b.Size(i); r++ {
			for j, v := range b.Bag(i).Row(r) {
				least[j], largest[j] = min(least[j], v), max(largest[j], v)
			}
		}
	}
	return phi
}

func (m *minMax[T]) rows(k tensor.Matrix[float64], b Bags[T], lo int, train bool) {
	hi := lo + k.Rows
	part := Bags[T]{rowsOf(b.X, b.Offsets[lo], b.Offsets[hi]), make([]int, hi-lo+1)}
	for i := range part.Offsets {
		part.Offsets[i] = b.Offsets[lo+i] - b.Offsets[lo]
	}
	phi := extremes(part)
	distances := tensor.NewMatrix[T](hi-lo, m.phi.Rows)
	tensor.SquaredDistances(distances, phi, m.phi)
	for i := range k.Rows {
		for j, d := range distances.Row(i) {
			if train && j >= lo+i {
				d = 0 // of a bag to itself, without rounding
			}
			k.Set(i, j, math.Exp(-m.gamma*float64(d)))
		}
	}
}

type nsk[T tensor.Float] struct {
	gamma float64
	bags  Bags[T]
	self  []float64 // k(B, B), not normalized
}

func (n *nsk[T]) kernel() SetKernel { return NSK(n.gamma) }

func (n *nsk[T]) rows(k tensor.Matrix[float64], b Bags[T], lo int, train bool) {
	for i := lo; i < lo+k.Rows; i++ {
		row := k.Row(i - lo)
		bag, last := b.Bag(i), n.bags.Len()
		self := 0.0
		if train {
			last, self = i+1, n.self[i]
		} else {
			self = n.between(bag, bag)
		}
		n.against(row[:last], bag)
		for j := range last {
			row[j] /= math.Sqrt(self * n.self[j])
		}
		if train {
			row[i] = 1
		}
	}
}

// against sums over the pairs of the instances of a bag and of each of the first training bags, with so many of the
// latter at a time that their distances stay in the cache.
func (n *nsk[T]) against(sums []float64, bag tensor.Matrix[T]) {
	const most = 512
	clear(sums)
	for from := 0; from < len(sums); {
		to := from + 1
		for to < len(sums) && n.bags.Offsets[to+1]-n.bags.Offsets[from] <= most {
			to++
		}
		lo := n.bags.Offsets[from]
		others := rowsOf(n.bags.X, lo, n.bags.Offsets[to])
		d := tensor.NewMatrix[T](min(bag.Rows, 64), others.Rows)
		for r := 0; r < bag.Rows; r += d.Rows {
			tile := rowsOf(bag, r, min(r+d.Rows, bag.Rows))
			part := rowsOf(d, 0, tile.Rows)
			n.exponentials(part, tile, others)
			for i := range part.Rows {
				for j := from; j < to; j++ {
					sums[j] += tensor.Sum(part.Row(i)[n.bags.Offsets[j]-lo : n.bags.Offsets[j+1]-lo])
				}
			}
		}
		from = to
	}
}

func (n *nsk[T]) exponentials(k, x, y tensor.Matrix[T]) {
	tensor.SquaredDistances(k, x, y)
	tensor.Scale(k.Data, T(-n.gamma), k.Data)
	tensor.Exp(k.Data, k.Data)
}

// between sums over all pairs of two bags.
func (n *nsk[T]) between(x, y tensor.Matrix[T]) float64 {
	sum := 0.0
	k := tensor.NewMatrix[T](min(x.Rows, 64), y.Rows)
	for r := 0; r < x.Rows; r += 64 {
		tile := rowsOf(x, r, min(r+64, x.Rows))
		part := rowsOf(k, 0, tile.Rows)
		n.exponentials(part, tile, y)
		sum += tensor.Sum(part.Data)
	}
	return sum
}
