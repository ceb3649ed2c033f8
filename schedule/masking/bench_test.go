package masking_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/schedule/masking"
)

const (
	bertVocab = 30522
	bertMask  = 103
)

// bert makes rows of random ids as BERT has them: 101 in front, 102 at the end.
func bert(rows, cols int) ([]int32, masking.Key) {
	rng := rand.New(rand.NewPCG(1, 2))
	ids, key := make([]int32, rows*cols), masking.Key{Epoch: 1}
	for i := range ids {
		ids[i] = 1000 + rng.Int32N(bertVocab-1000)
	}
	for r := range rows {
		ids[r*cols], ids[(r+1)*cols-1] = 101, 102
		key.Samples = append(key.Samples, 1000*r+r%7)
	}
	return ids, key
}

func rate(b *testing.B, tokens int) {
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtok/s")
}

func benchmark(b *testing.B, rows int, p float64, batch bool, opts ...masking.Option) {
	const cols = 512
	src, key := bert(rows, cols)
	opts = append([]masking.Option{masking.WithSpecial(0, 100, 101, 102), masking.WithSeed(1)}, opts...)
	m, err := masking.New(bertVocab, bertMask, constant(p), opts...)
	require.NoError(b, err)
	dst, labels := make([]int32, len(src)), make([]int32, len(src))
	mask := m.Mask
	if batch {
		mask = m.MaskBatch
	}
	b.ReportAllocs()
	for b.Loop() {
		key.Epoch++
		if _, err := mask(dst, labels, src, key, 0); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, len(src))
}

func BenchmarkMask(b *testing.B) {
	for _, p := range []float64{0.15, 0.30} {
		b.Run(fmt.Sprintf("32x512/%.2f", p), func(b *testing.B) { benchmark(b, 32, p, false) })
	}
}

// Run with -cpu 1 and with -cpu 2: b.Loop measures a list of both with the last one. A small batch gains what is left
// after waking a goroutine, which takes from some 5 µs to more than 100 on virtual machines.
func BenchmarkMaskBatch(b *testing.B) {
	for _, rows := range []int{32, 256, 2048} {
		b.Run(fmt.Sprintf("%dx512/0.15", rows), func(b *testing.B) { benchmark(b, rows, 0.15, true) })
	}
}

// Data workers that share a masker, each with its own batch. Run with -cpu 1,2.
func BenchmarkWorkers(b *testing.B) {
	m := newMasker(b, bertVocab, bertMask, constant(0.15), masking.WithSpecial(0, 100, 101, 102))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		src, key := bert(32, 512)
		dst, labels := make([]int32, len(src)), make([]int32, len(src))
		for pb.Next() {
			key.Epoch++
			if _, err := m.Mask(dst, labels, src, key, 0); err != nil {
				b.Error(err)
			}
		}
	})
	rate(b, 32*512)
}

func BenchmarkUnits(b *testing.B) {
	words := masking.WithWords(func(id int) bool { return id%4 == 0 })
	for name, opts := range map[string][]masking.Option{
		"exact":       {masking.WithExactCount()},
		"mintargets":  {masking.WithMinTargets(1)},
		"rts":         {masking.WithRTS()},
		"subset":      {masking.WithTargetRate(0.1)},
		"hf":          {masking.WithHFCompatible()},
		"words":       {words},
		"words exact": {words, masking.WithExactCount()},
		"spans":       {masking.WithSpans(0.2, 10)},
		"T5 spans":    {masking.WithT5Spans(3)},
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, 32, 0.15, false, opts...) })
	}
}

func BenchmarkMaskSparse(b *testing.B) {
	for _, p := range []float64{0.15, 0.30} {
		b.Run(fmt.Sprintf("32x512/%.2f", p), func(b *testing.B) {
			src, key := bert(32, 512)
			m := newMasker(b, bertVocab, bertMask, constant(p), masking.WithSpecial(0, 100, 101, 102))
			var pos []int
			var labels []int32
			b.ReportAllocs()
			for b.Loop() {
				key.Epoch++
				var err error
				if pos, labels, err = m.MaskSparse(pos[:0], labels[:0], src, key, 0); err != nil {
					b.Fatal(err)
				}
				for k, i := range pos { // as it was
					src[i] = labels[k]
				}
			}
			rate(b, len(src))
		})
	}
}
