package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/benchmarks"
	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/benchmarks/internal/peak"
	"github.com/espalier-ml/espalier/benchmarks/internal/peers"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

const sparseOutputs, sparseInputs, sparseBatch = 1024, 1024, 64

// pruned keeps elements of w at random.
func pruned(w tensor.Matrix[float32], sparsity float64) *sparse.Matrix[float32] {
	mask, rng := prune.NewMask(len(w.Data)), tensor.Stream(3)
	for i := range w.Data {
		mask.Set(i, rng.Float64() >= sparsity)
	}
	m, err := sparse.New(w, mask, sparse.WithWorkers(1))
	must(err)
	return m
}

// denseProducts are every way at hand to multiply a batch with the weights of a layer: as they are, transposed
// beforehand, and with examples as columns, which no user of rows could have for nothing.
func denseProducts(s benchmarks.Shape) []rival {
	var all []rival
	for _, form := range []struct {
		name  string
		shape benchmarks.Shape
	}{
		{"", benchmarks.Shape{M: s.N, N: s.M, K: s.K, TransB: true}},
		{", weights transposed", benchmarks.Shape{M: s.N, N: s.M, K: s.K}},
		{", examples as columns", s},
	} {
		p := benchmarks.NewProduct[float32](form.shape)
		all = append(all, rival{"espalier" + form.name, p.Espalier}, rival{"OpenBLAS" + form.name, p.OpenBLAS})
		for _, l := range peers.Installed() {
			if l.Has(4) {
				all = append(all, rival{l.Name + form.name, func(times int) {
					peers.Gemm(l, times, p.TransB, p.A, p.B, p.C)
				}})
			}
		}
	}
	return all
}

// fastest is the best of those whose names begin with one of the prefixes; ratios has ours in front.
func fastest(dense []rival, ratios []float64, prefixes ...string) int {
	best := -1
	for k, d := range dense {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(d.name, p) }) &&
			(best < 0 || ratios[k+1] < ratios[best+1]) {
			best = k
		}
	}
	return best
}

// sparseProducts compares sparse products with the fastest dense ones: of espalier and OpenBLAS, to which the bars
// belong, and of all that are installed. Inputs and outputs have a row for each example, so that the transpositions
// which the sparse product needs are part of its time.
func sparseProducts(budget time.Duration) {
	w, x := normal(1, sparseOutputs, sparseInputs), normal(2, sparseBatch, sparseInputs)
	y := tensor.NewMatrix[float32](sparseBatch, sparseOutputs)
	shape := benchmarks.Shape{M: sparseOutputs, N: sparseBatch, K: sparseInputs}
	dense := denseProducts(shape)
	clock := most[4] * 1e9 / float64(2*2*peak.VectorBits()/32) // two units of multiply-adds
	fmt.Printf("%d outputs, %d inputs, %d examples.\n\n", sparseOutputs, sparseInputs, sparseBatch)
	fmt.Println("| sparsity | sparse us | GFLOP/s of what is kept | cycles per element | bytes | dense us | which" +
		" | dense / sparse | bar | ok | fastest peer / sparse | which | at the peak / sparse |\n" +
		"|--:|--:|--:|--:|--:|--:|---|--:|--:|---|--:|---|--:|")
	lines := []struct{ sparsity, bar float64 }{{0.5, 1}, {0.7, 0}, {0.8, 2.5}, {0.9, 5}, {0.95, 8}, {0.98, 0}}
	for _, line := range lines {
		m := pruned(w, line.sparsity)
		functions := []func(int){func(times int) {
			for range times {
				must(m.MulBatch(y, x))
			}
		}}
		for _, d := range dense {
			functions = append(functions, d.run)
		}
		runtime.LockOSThread()
		r := thread(2 * budget).Run(functions...)
		runtime.UnlockOSThread()
		kept := float64(m.Kept())
		own, any := fastest(dense, r.Ratios, "espalier", "OpenBLAS"), fastest(dense, r.Ratios, "")
		fmt.Printf("| %.2f | %.0f | %.0f | %.2f | %d | %.0f | %s | %.2f | %s | %.2f | %s | %.2f |\n", line.sparsity,
			1e6*r.Seconds[0], 2*sparseBatch*kept/r.Seconds[0]/1e9, clock*r.Seconds[0]/kept, m.Bytes(), 1e6*r.Seconds[own+1],
			dense[own].name, r.Ratios[own+1], verdict(r.Ratios[own+1], line.bar), r.Ratios[any+1], dense[any].name,
			shape.Flops()/(most[4]*1e9)/r.Seconds[0])
	}
	sparseVectors(w, budget)
}

// sparseVectors compares products with one example.
func sparseVectors(w tensor.Matrix[float32], budget time.Duration) {
	x, y, wt := normal(2, 1, sparseInputs).Data, make([]float32, sparseOutputs), w.Transposed()
	fmt.Println("\nOne example:\n\n| sparsity | sparse us | espalier dense us | OpenBLAS us | dense / sparse | bar " +
		"| ok |\n|--:|--:|--:|--:|--:|--:|---|")
	for _, line := range []struct{ sparsity, bar float64 }{{0.5, 0}, {0.8, 0}, {0.9, 2}, {0.95, 0}, {0.98, 0}} {
		m := pruned(w, line.sparsity)
		runtime.LockOSThread()
		r := thread(budget).Run(
			func(times int) {
				for range times {
					must(m.MulVec(y, x))
				}
			},
			func(times int) {
				for range times {
					tensor.Gemv(tensor.NoTrans, 1, w, x, 0, y)
				}
			},
			func(times int) { openblas.Gemv(times, false, w, x, y) },
			func(times int) { openblas.Gemv(times, true, wt, x, y) })
		runtime.UnlockOSThread()
		ratio := min(r.Ratios[1], r.Ratios[2], r.Ratios[3])
		fmt.Printf("| %.2f | %.1f | %.1f | %.1f | %.2f | %s |\n", line.sparsity, 1e6*r.Seconds[0], 1e6*r.Seconds[1],
			1e6*min(r.Seconds[2], r.Seconds[3]), ratio, verdict(ratio, line.bar))
	}
}
