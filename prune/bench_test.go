package prune_test

import (
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// manyTensors are 10 million normal numbers in 50 tensors, as large models have them.
func manyTensors() []*tensor.Param[float32] {
	params := make([]*tensor.Param[float32], 50)
	for i := range params {
		params[i] = &tensor.Param[float32]{Name: string(rune('A' + i)), Shape: []int{500, 400}, Data: make([]float32, 200000)}
		rng := tensor.Stream(1, uint64(i))
		for j := range params[i].Data {
			params[i].Data[j] = float32(rng.NormFloat64())
		}
	}
	return params
}

func magnitudes(params []*tensor.Param[float32]) [][]float32 {
	var scores [][]float32
	for _, p := range params {
		s := make([]float32, len(p.Data))
		for i, w := range p.Data {
			s[i] = max(w, -w)
		}
		scores = append(scores, s)
	}
	return scores
}

// BenchmarkKth selects a global threshold over 10 million scores; benchmarks/torch/threshold.py does it with numpy
// and torch.
func BenchmarkKth(b *testing.B) {
	scores := magnitudes(manyTensors())
	b.SetBytes(40e6)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prune.Kth(scores, 9e6); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuantile(b *testing.B) {
	scores := magnitudes(manyTensors())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prune.Quantile(scores, 0.9); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkComputeMasks is all of it: scores, threshold and masks.
func BenchmarkComputeMasks(b *testing.B) {
	params := manyTensors()
	p, err := prune.New(params, prune.WithScope(prune.Global), prune.WithSparsity(0.9),
		prune.WithSchedule(prune.Schedule{End: 1 << 30, Every: 1}))
	if err != nil {
		b.Fatal(err)
	}
	step := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Step(step); err != nil {
			b.Fatal(err)
		}
		step++
	}
}

// BenchmarkApply re-applies masks to 10 million weights; BenchmarkReadWrite reads and writes them once.
func BenchmarkApply(b *testing.B) {
	for _, sparsity := range []float64{0.5, 0.8, 0.9, 0.98} {
		b.Run(fmt.Sprint(sparsity), func(b *testing.B) {
			params := manyTensors()
			p, err := prune.New(params, prune.WithScope(prune.Global), prune.WithSparsity(sparsity))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.Step(0); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(80e6)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Step(1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadWrite(b *testing.B) {
	params := manyTensors()
	b.SetBytes(80e6)
	const pieces = 4
	for b.Loop() {
		tensor.Parallel(pieces*len(params), 1, func(lo, hi int) {
			for ; lo < hi; lo++ {
				x := params[lo/pieces].Data
				x = x[lo%pieces*len(x)/pieces : (lo%pieces+1)*len(x)/pieces]
				tensor.Scale(x, 1, x)
			}
		})
	}
}
