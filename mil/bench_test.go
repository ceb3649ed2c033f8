package mil_test

import (
	"testing"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// manyBags is 100 bags of 1000 instances of 64 columns.
func manyBags() mil.Bags[float32] {
	b := mil.Bags[float32]{X: tensor.NewMatrix[float32](100_000, 64), Offsets: make([]int, 101)}
	rng := tensor.Stream(1)
	for i := range b.X.Data {
		b.X.Data[i] = float32(rng.NormFloat64())
	}
	for i := range b.Offsets {
		b.Offsets[i] = i * 1000
	}
	return b
}

func benchmarkPooler(b *testing.B, p mil.Pooler[float32], back bool) {
	b.Helper()
	bags := manyBags()
	out, err := p.OutDim(64)
	if err != nil {
		b.Fatal(err)
	}
	y, dx := tensor.NewMatrix[float32](bags.Len(), out), tensor.NewMatrix[float32](bags.X.Rows, 64)
	tape := mil.Tape[float32]{Workers: 1}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Forward(y, bags, &tape); err != nil {
			b.Fatal(err)
		}
		if !back {
			continue
		}
		if err := p.Backward(dx, y, &tape); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(bags.X.Data))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
}

// BenchmarkRules pools 100 bags of 1000x64 float32 on one thread.
func BenchmarkRules(b *testing.B) {
	for _, r := range []mil.Rule{mil.Mean(), mil.Max(), mil.LogSumExp(5), mil.AutoPool(1), mil.TopFraction(0.2),
		mil.Quantile(0.5), mil.GeneralizedMean(3), mil.NoisyOrLogit()} {
		p, err := mil.NewPool[float32](r)
		if err != nil {
			b.Fatal(err)
		}
		for _, back := range []bool{false, true} {
			b.Run(r.String()+map[bool]string{false: "/forward", true: "/both"}[back], func(b *testing.B) {
				benchmarkPooler(b, p, back)
			})
		}
	}
}

// BenchmarkAttention is the same for learned poolers, of 64 hidden units.
func BenchmarkAttention(b *testing.B) {
	poolers := map[string]func() (mil.Pooler[float32], error){
		"attention": func() (mil.Pooler[float32], error) { return mil.NewAttention[float32](64, 64) },
		"gated":     func() (mil.Pooler[float32], error) { return mil.NewAttention[float32](64, 64, mil.WithGate()) },
		"DSMIL":     func() (mil.Pooler[float32], error) { return mil.NewDSMIL[float32](64, 64) },
		"PMA":       func() (mil.Pooler[float32], error) { return mil.NewPMA[float32](64, 1, 4, 16) },
	}
	for name, make := range poolers {
		p, err := make()
		if err != nil {
			b.Fatal(err)
		}
		for _, back := range []bool{false, true} {
			b.Run(name+map[bool]string{false: "/forward", true: "/both"}[back], func(b *testing.B) {
				benchmarkPooler(b, p, back)
			})
		}
	}
}
