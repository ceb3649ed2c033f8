package main

import (
	"fmt"
	"io"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// layerTime is how long the product of a layer takes, for so many examples at a time.
type layerTime struct {
	sparsity float64
	examples int
	report   sparse.Report
}

// speedup is that of the fastest sparse format over the dense product.
func (l layerTime) speedup() float64 {
	best := 0.0
	for _, line := range l.report.Lines {
		if line.Format != sparse.Dense {
			best = max(best, line.Speedup)
		}
	}
	return best
}

// layerTimes lets package sparse time layers of several sparsities.
func layerTimes(w io.Writer, s settings) ([]layerTime, error) {
	n := s.sizes
	weights, rng := tensor.NewMatrix[float32](n, n), tensor.Stream(s.seed, 3)
	for i := range weights.Data {
		weights.Data[i] = float32(rng.NormFloat64())
	}
	var all []layerTime
	for _, sparsity := range []float64{0.5, 0.8, 0.9, 0.95} {
		mask := prune.NewMask(n * n)
		for i := range n * n {
			mask.Set(i, rng.Float64() >= sparsity)
		}
		for _, examples := range []int{1, s.batch} {
			_, report, err := sparse.Auto(weights, mask, examples)
			if err != nil {
				return nil, err
			}
			fmt.Fprintln(w, report)
			all = append(all, layerTime{sparsity, examples, report})
			if s.batch == 1 {
				break
			}
		}
	}
	return all, nil
}
