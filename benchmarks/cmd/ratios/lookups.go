package main

import (
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/benchmarks/internal/peak"
	"github.com/espalier-ml/espalier/benchmarks/internal/peers"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// By default a turn is no shorter than a call of the exact product takes.
var lookupTurn = flag.Duration("lookup-turn", 20*time.Millisecond,
	"least `time` of a turn in the table lookups: the shorter, the more calls begin with caches that others have emptied")

// lookups compares products by table lookup with the exact ones that they approximate. OpenBLAS computes each in both
// layouts, and the faster counts. Trees and tables are random: they do not matter to times.
func lookups(budget time.Duration) {
	fmt.Println("| rows, columns, outputs | codebooks | OpenBLAS ms | feature-major ms | OpenBLAS / it | bar | ok | " +
		"memory ms | instructions ms | share of the larger | bar | ok | " +
		"row-major ms | OpenBLAS / it | argmax ms | codes alone, G/s | lookups alone, G/s | bytes by oneDNN ms |")
	fmt.Println("|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|")
	bars := map[int]float64{16: 65, 32: 35}
	for _, s := range [][3]int{{10016, 512, 10}, {10016, 512, 100}, {1024, 320, 128}, {2048, 2048, 2048}} {
		rows, columns, outputs := s[0], s[1], s[2]
		a, b := normal(1, rows, columns), normal(2, columns, outputs)
		at, bt := a.Transposed(), b.Transposed()
		c, ct, index := tensor.NewMatrix[float32](rows, outputs), tensor.NewMatrix[float32](outputs, rows),
			make([]int32, rows)
		for _, codebooks := range []int{4, 8, 16, 32, 64} {
			op := randomOperator(columns, outputs, codebooks)
			var codes maddness.Codes
			must(op.EncodeT(&codes, at))
			repeat := func(f func() error) func(int) {
				return func(times int) {
					for range times {
						must(f())
					}
				}
			}
			runtime.LockOSThread()
			turns := thread(4 * budget)
			turns.Turn = *lookupTurn
			r := turns.Run(
				repeat(func() error { return op.MulT(ct, at) }),
				func(times int) { openblas.Gemm(times, false, a, b, c) },
				func(times int) { openblas.Gemm(times, false, bt, at, ct) },
				repeat(func() error { return op.Mul(c, a) }),
				repeat(func() error { return op.ArgMaxT(index, at) }),
				repeat(func() error { codes.Reset(); return op.EncodeT(&codes, at) }),
				repeat(func() error { return op.LookupT(ct, &codes) }),
				func(times int) {
					for range times {
						touch(op, at, ct)
					}
				},
				bytes(rows, columns, outputs),
			)
			possible := peak.Lookups(codebooks, openblas.ThreadTime)
			runtime.UnlockOSThread()
			exact, ratio := min(r.Seconds[1], r.Seconds[2]), min(r.Ratios[1], r.Ratios[2])
			bar, shareBar := 0.0, 0.0
			if outputs == 100 {
				bar = bars[codebooks]
			}
			if outputs == 100 && codebooks == 16 { // with more, memory and instructions take about as long
				shareBar = 0.9
			}
			work := float64(rows) * float64(codebooks) / 1e9
			instructions := 0.0
			if possible > 0 {
				instructions = work * float64(outputs) / possible
			}
			share := max(r.Seconds[7], instructions) / r.Seconds[0]
			fmt.Printf("| %d, %d, %d | %d | %.3f | %.4f | %.1f | %s | %.4f | %.4f | %.2f | %s | %.4f | %.1f | %.4f | "+
				"%.2f | %.0f | %s |\n",
				rows, columns, outputs, codebooks,
				1e3*exact, 1e3*r.Seconds[0], ratio, against(ratio, bar), 1e3*r.Seconds[7], 1e3*instructions, share,
				verdict(share, shareBar), 1e3*r.Seconds[3], exact/r.Seconds[3], 1e3*r.Seconds[4],
				work/r.Seconds[5], work*float64(outputs)/r.Seconds[6], known(r.Seconds[8]))
		}
	}
}

// bytes is the strongest exact rival: the product of rows and a matrix that are bytes already, into sums of 32 bits. It
// does nothing if no library has one.
func bytes(rows, columns, outputs int) func(times int) {
	for _, l := range peers.Installed() {
		if l.HasInt8() {
			a, b, c := make([]uint8, rows*columns), make([]int8, columns*outputs), make([]int32, rows*outputs)
			for i := range a {
				a[i] = uint8(i * 7)
			}
			for i := range b {
				b[i] = int8(i * 5)
			}
			return func(times int) { peers.GemmInt8(l, times, rows, outputs, columns, a, b, c) }
		}
	}
	return func(int) {}
}

// known is a time in milliseconds, or empty for nothing.
func known(seconds float64) string {
	if seconds < 1e-6 {
		return ""
	}
	return fmt.Sprintf("%.3f", 1e3*seconds)
}

// touch reads the columns that trees look at and writes the results, once each, and does nothing else.
func touch(op *maddness.Operator, at, ct tensor.Matrix[float32]) {
	for _, dims := range op.Trees().Dims {
		for _, d := range dims {
			peak.Read(at.Row(d))
		}
	}
	for j := range ct.Rows {
		peak.Write(ct.Row(j))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func normal(seed uint64, rows, cols int) tensor.Matrix[float32] {
	m, r := tensor.NewMatrix[float32](rows, cols), tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

// randomOperator compares the first columns of neighbouring groups with random numbers.
func randomOperator(columns, outputs, codebooks int) *maddness.Operator {
	r := tensor.Stream(3, uint64(codebooks))
	trees := maddness.Trees{Dims: make([][4]int, codebooks), Thresholds: make([][16]float32, codebooks)}
	for c := range codebooks {
		for l := range trees.Dims[c] {
			trees.Dims[c][l] = c*columns/codebooks + l
		}
		for i := range trees.Thresholds[c] {
			trees.Thresholds[c][i] = float32(r.NormFloat64())
		}
	}
	lut := maddness.NewLUT(outputs, codebooks)
	for i := range lut.Table.Data {
		lut.Table.Data[i] = float32(r.NormFloat64())
	}
	op, err := maddness.New(columns, trees, lut, maddness.WithWorkers(1))
	must(err)
	return op
}
