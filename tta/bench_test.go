package tta

import (
	"fmt"
	"testing"

	"github.com/espalier-ml/espalier/tensor"
)

// benchOutputs are logits of which views are noisy copies.
func benchOutputs(b testing.TB, n, views, classes int) *Outputs {
	rng := tensor.Stream(1)
	data, labels := make([]float32, n*views*classes), make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(classes)
		for a := range views {
			row := data[(i*views+a)*classes:][:classes]
			for c := range row {
				row[c] = float32(rng.NormFloat64())
			}
			row[labels[i]] += 2 - float32(a)/float32(views)
		}
	}
	o, err := NewOutputs(views, classes, data, WithLabels(labels), WithIdentity(0))
	if err != nil {
		b.Fatal(err)
	}
	return o
}

func BenchmarkGradient(b *testing.B) {
	o := benchOutputs(b, 4000, 30, 100)
	for name, size := range map[string]int{"AugTTA": 30, "ClassTTA": 3000} {
		b.Run(name, func(b *testing.B) {
			p := newProblem(o, nil, 1)
			w, grad := make([]float64, size), make([]float64, size)
			for i := range w {
				w[i] = 1. / 30
			}
			b.ReportAllocs()
			for b.Loop() {
				p.eval(w, grad, nil)
			}
			b.ReportMetric(float64(len(p.data)*4)*float64(b.N)/1e9/b.Elapsed().Seconds(), "GB/s")
		})
	}
}

func BenchmarkFitBest(b *testing.B) {
	o := benchOutputs(b, 2500, 30, 10)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := FitBest(b.Context(), o, WithWorkers(workers)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAggregate(b *testing.B) {
	o := benchOutputs(b, 60, 30, 1000)
	class := newFitted(ClassTTA, o, make([]float32, 30*1000), false)
	for i := range class.weights {
		class.weights[i] = 1. / 30
	}
	mixing := newFitted(Mixing, o, class.weights[:30], true)
	all := map[string]Aggregator{"ClassTTA": class, "AugTTA": newFitted(AugTTA, o, class.weights[:30], false),
		"mixture": mixing,
		"mean":    fixedOf(b, Mean(), o), "mean of probabilities": fixedOf(b, MeanProb(), o), "vote": fixedOf(b, Vote(), o),
		"median": fixedOf(b, Median(), o)}
	for name, a := range all {
		b.Run(name, func(b *testing.B) {
			dst, views := make([]float32, 1000), o.Example(0)
			b.ReportAllocs()
			for b.Loop() {
				a.Aggregate(dst, views)
			}
			b.ReportMetric(30*1000*float64(b.N)/1e6/b.Elapsed().Seconds(), "Mlogit/s")
		})
	}
}
