// Command sparse compares the products of package prune/sparse with the fastest dense ones at hand and prints the
// result as Markdown tables.
//
//	go run ./cmd/sparse
//
// Inputs and outputs have a row for each example, so that the transpositions which the sparse product needs count as
// part of it. The dense product is the fastest of package tensor and OpenBLAS, each with the weights as they are,
// with weights transposed beforehand, and with examples as columns, which no user of rows could have. OpenBLAS takes
// the kernels of a processor that it does not know to be those of the oldest; the command tries its kernels one after
// the other, says how fast each is, and measures with the best.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/benchmarks/internal/contest"
	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

const outputs, inputs, batch = 1024, 1024, 64

var budget = flag.Duration("budget", 2*time.Second, "time for each line")

func main() {
	probe := flag.Bool("probe", false, "only print the microseconds of the dense product of OpenBLAS")
	flag.Parse()
	switch {
	case *probe:
		fmt.Println(denseMicroseconds())
	case os.Getenv("OPENBLAS_NUM_THREADS") == "":
		kernels := bestKernels()
		if err := again(os.Stdout, kernels, os.Args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, "sparse:", err)
			os.Exit(1)
		}
	default:
		runtime.GOMAXPROCS(1)
		runtime.LockOSThread()
		fmt.Printf("%s %s/%s, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, openblas.Version())
		batches()
		vectors()
	}
}

// again runs this command with OpenBLAS confined to one thread and to some kernels.
func again(out *os.File, kernels string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "OPENBLAS_CORETYPE="+kernels)
	c.Stdout, c.Stderr = out, os.Stderr
	return c.Run()
}

// bestKernels tries the kernels that OpenBLAS has for processors like those of this decade.
func bestKernels() string {
	best, least := "", 0.0
	for _, name := range []string{"", "Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"} {
		self, err := os.Executable()
		if err != nil {
			return best
		}
		c := exec.Command(self, "-probe")
		c.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "OPENBLAS_CORETYPE="+name)
		text, err := c.Output()
		if err != nil {
			fmt.Printf("OpenBLAS's kernels for %q: %v\n", name, err)
			continue
		}
		us, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		if err != nil {
			continue
		}
		fmt.Printf("OpenBLAS's kernels for %q: %.0f us\n", name, us)
		if best == "" && least == 0 || us < least {
			best, least = name, us
		}
	}
	return best
}

func denseMicroseconds() float64 {
	runtime.LockOSThread()
	w, x, y := normal(1, outputs, inputs), normal(2, batch, inputs), tensor.NewMatrix[float32](batch, outputs)
	c := contest.Contest{Clock: openblas.ThreadTime, Turn: 2 * time.Millisecond, Budget: time.Second / 4}
	return 1e6 * c.Run(func(times int) { openblas.Gemm(times, true, x, w, y) }).Seconds[0]
}

func normal(seed uint64, rows, cols int) tensor.Matrix[float32] {
	m, rng := tensor.NewMatrix[float32](rows, cols), tensor.Stream(seed)
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// pruned keeps elements at random.
func pruned(w tensor.Matrix[float32], sparsity float64) *sparse.Matrix[float32] {
	mask, rng := prune.NewMask(len(w.Data)), tensor.Stream(3)
	for i := range w.Data {
		mask.Set(i, rng.Float64() >= sparsity)
	}
	m, err := sparse.New(w, mask, sparse.WithWorkers(1))
	if err != nil {
		panic(err)
	}
	return m
}

func repeat(f func() error) func(times int) {
	return func(times int) {
		for range times {
			if err := f(); err != nil {
				panic(err)
			}
		}
	}
}

var sink uint64

// hertz is the clock of the processor, told by multiplications that wait for each other: three cycles each on every
// amd64 processor of this decade.
func hertz() float64 {
	const n = 1 << 24
	best := time.Hour
	for range 5 {
		start, v := openblas.ThreadTime(), uint64(3)
		for range n {
			v *= 0x9E3779B97F4A7C15
		}
		sink += v
		best = min(best, openblas.ThreadTime()-start)
	}
	return 3 * n / best.Seconds()
}

func batches() {
	w, x := normal(1, outputs, inputs), normal(2, batch, inputs)
	wt, xt := w.Transposed(), x.Transposed()
	y, yt := tensor.NewMatrix[float32](batch, outputs), tensor.NewMatrix[float32](outputs, batch)
	product := func(trans tensor.Transpose, a, b, c tensor.Matrix[float32]) func(int) {
		return func(times int) {
			for range times {
				tensor.Gemm(tensor.NoTrans, trans, 1, a, b, 0, c)
			}
		}
	}
	blas := func(trans bool, a, b, c tensor.Matrix[float32]) func(int) {
		return func(times int) { openblas.Gemm(times, trans, a, b, c) }
	}
	clock := hertz()
	names := []string{"tensor.Gemm", "tensor.Gemm, W transposed", "tensor.Gemm, columns", "OpenBLAS",
		"OpenBLAS, W transposed", "OpenBLAS, columns"}
	fmt.Printf("\n%d outputs, %d inputs, %d examples, float32, one thread at %.1f GHz\n\n", outputs, inputs, batch,
		clock/1e9)
	fmt.Println("| sparsity | sparse us | GFLOP/s of what is kept | cycles per element | bytes | fastest dense us" +
		" | which | dense / sparse | bar | ok | tensor.Gemm / sparse |\n|--:|--:|--:|--:|--:|--:|---|--:|--:|---|--:|")
	lines := []struct{ sparsity, bar float64 }{{0.5, 1}, {0.7, 0}, {0.8, 2.5}, {0.9, 5}, {0.95, 8}, {0.98, 0}}
	for _, line := range lines {
		m := pruned(w, line.sparsity)
		c := contest.Contest{Clock: openblas.ThreadTime, Turn: 2 * time.Millisecond, Budget: *budget}
		r := c.Run(repeat(func() error { return m.MulBatch(y, x) }),
			product(tensor.Trans, x, w, y), product(tensor.NoTrans, x, wt, y), product(tensor.NoTrans, w, xt, yt),
			blas(true, x, w, y), blas(false, x, wt, y), blas(false, w, xt, yt))
		best := 1
		for k := range r.Ratios {
			if k > 0 && r.Ratios[k] < r.Ratios[best] {
				best = k
			}
		}
		fmt.Printf("| %.2f | %.0f | %.0f | %.2f | %d | %.0f | %s | %.2f | %s | %.2f |\n", line.sparsity, 1e6*r.Seconds[0],
			2*batch*float64(m.Kept())/r.Seconds[0]/1e9, clock*r.Seconds[0]/float64(m.Kept()), m.Bytes(), 1e6*r.Seconds[best],
			names[best-1], r.Ratios[best], verdict(r.Ratios[best], line.bar), r.Ratios[1])
	}
}

func vectors() {
	w, x, y := normal(1, outputs, inputs), normal(2, 1, inputs).Data, make([]float32, outputs)
	wt := w.Transposed()
	fmt.Printf("\n%d outputs, %d inputs, one example\n\n", outputs, inputs)
	fmt.Println("| sparsity | sparse us | tensor.Gemv us | OpenBLAS us | dense / sparse | bar | ok |\n" +
		"|--:|--:|--:|--:|--:|--:|---|")
	for _, line := range []struct{ sparsity, bar float64 }{{0.5, 0}, {0.8, 0}, {0.9, 2}, {0.95, 0}} {
		m := pruned(w, line.sparsity)
		c := contest.Contest{Clock: openblas.ThreadTime, Turn: 2 * time.Millisecond, Budget: *budget / 2}
		r := c.Run(repeat(func() error { return m.MulVec(y, x) }),
			func(times int) {
				for range times {
					tensor.Gemv(tensor.NoTrans, 1, w, x, 0, y)
				}
			},
			func(times int) { openblas.Gemv(times, false, w, x, y) },
			func(times int) { openblas.Gemv(times, true, wt, x, y) })
		blas, ratio := min(r.Seconds[2], r.Seconds[3]), min(r.Ratios[1], r.Ratios[2], r.Ratios[3])
		fmt.Printf("| %.2f | %.1f | %.1f | %.1f | %.2f | %s |\n", line.sparsity, 1e6*r.Seconds[0], 1e6*r.Seconds[1], 1e6*blas,
			ratio, verdict(ratio, line.bar))
	}
}

// verdict is the bar and whether the ratio reaches it, as two cells.
func verdict(ratio, bar float64) string {
	switch {
	case bar == 0:
		return " | "
	case ratio < bar:
		return fmt.Sprintf("%.1f | **no**", bar)
	}
	return fmt.Sprintf("%.1f | yes", bar)
}
