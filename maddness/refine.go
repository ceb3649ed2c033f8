package maddness

import (
	"cmp"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// pass is one pass of coordinate descent, codebooks in random order.
func (l *learner) pass(pass int) error {
	leaves, err := l.solve(l.y)
	if err != nil {
		return err
	}
	rest := residual(l, leaves)
	loss := squares(l.workers, rest)
	for _, c := range tensor.Stream(l.seed, streamPass, uint64(pass)).Perm(l.codebooks) {
		dims, thresholds, codes := l.trees.Dims[c], l.trees.Thresholds[c], l.codes[c]
		old := leaves.Slice(16*c, 16*c+16, 0, leaves.Cols)
		addLeaves(l.workers, rest, codes, old, 1)
		metric := l.reduce(rest)
		centre(metric)
		if err := l.fit(c, metric, l.widened(c, metric)); err != nil {
			return err
		}
		leaf := l.leaves(l.codes[c], rest)
		addLeaves(l.workers, rest, l.codes[c], leaf, -1)
		if now := squares(l.workers, rest); now < loss {
			loss = now
			copyRows(old, leaf)
		} else { // as it was
			addLeaves(l.workers, rest, l.codes[c], leaf, 1)
			addLeaves(l.workers, rest, codes, old, -1)
			l.trees.Dims[c], l.trees.Thresholds[c], l.codes[c] = dims, thresholds, codes
		}
		if err := l.meter.step(); err != nil {
			return err
		}
	}
	return nil
}

// widened is a codebook's columns and those most correlated with the metric.
func (l *learner) widened(c int, metric tensor.Matrix[float64]) []int {
	d, n := l.x.Rows, l.x.Cols
	if l.wide == 0 {
		return l.groups[c]
	}
	z := tensor.NewMatrix[float32](n, metric.Cols)
	for i := range n {
		for k, v := range metric.Row(i) {
			z.Data[i*z.Stride+k] = float32(v)
		}
	}
	products := tensor.NewMatrix[float32](d, metric.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, l.x, z, 0, products)
	sums := make([]float64, metric.Cols)
	for i := range n {
		for k, v := range z.Row(i) {
			sums[k] += float64(v)
		}
	}
	score := make([]float64, d)
	for j, variance := range l.vars {
		if variance == 0 {
			continue
		}
		for k, v := range products.Row(j) {
			p := float64(v) - l.means[j]*sums[k]
			score[j] += p * p
		}
		score[j] /= variance
	}
	best := make([]int, d)
	for j := range best {
		best[j] = j
	}
	slices.SortStableFunc(best, func(i, j int) int { return cmp.Compare(score[j], score[i]) })
	columns := append(best[:min(l.wide, d)], l.groups[c]...)
	slices.Sort(columns)
	return slices.Compact(columns)
}

// leaves are the table entries that a codebook alone would have: sum/(n+lambda) by code.
func (l *learner) leaves(codes []uint8, y tensor.Matrix[float64]) tensor.Matrix[float64] {
	leaf := tensor.NewMatrix[float64](16, y.Cols)
	var rows [16]float64
	for i, k := range codes {
		rows[k]++
		row := leaf.Row(int(k))
		tensor.Add(row, row, y.Row(i))
	}
	for k := range rows {
		tensor.Scale(leaf.Row(k), 1/(rows[k]+l.ridge), leaf.Row(k))
	}
	return leaf
}

// blockRows is how many rows a goroutine works on at a time where sums over rows are merged in order.
const blockRows = 512

// residual is what the leaves leave of the targets.
func residual(l *learner, leaves tensor.Matrix[float64]) tensor.Matrix[float64] {
	rest := l.y.Clone()
	for c, codes := range l.codes {
		addLeaves(l.workers, rest, codes, leaves.Slice(16*c, 16*c+16, 0, leaves.Cols), -1)
	}
	return rest
}

// addLeaves adds sign times the leaf of each row's code to it.
func addLeaves(workers int, y tensor.Matrix[float64], codes []uint8, leaf tensor.Matrix[float64], sign float64) {
	tensor.ParallelWorkers(workers, y.Rows, blockRows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			tensor.Axpy(y.Row(i), sign, leaf.Row(int(codes[i])))
		}
	})
}

func squares(workers int, y tensor.Matrix[float64]) float64 {
	parts := make([]float64, (y.Rows+blockRows-1)/blockRows)
	tensor.ParallelWorkers(workers, y.Rows, blockRows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			parts[lo/blockRows] += tensor.Dot(y.Row(i), y.Row(i))
		}
	})
	return tensor.Sum(parts)
}
