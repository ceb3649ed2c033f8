package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/espalier-ml/espalier/benchmarks"
	"github.com/espalier-ml/espalier/benchmarks/internal/contest"
	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/benchmarks/internal/peers"
	"github.com/espalier-ml/espalier/tensor"
)

// The bars that were looked at, those that were missed, and those that could not be judged.
var judged, missed, unjudged int

// verdict returns the bar and whether the ratio reaches it, as two cells.
func verdict(ratio, bar float64) string {
	if bar == 0 {
		return " | "
	}
	judged++
	if ratio < bar {
		missed++
		return fmt.Sprintf("%.2f | **no**", bar)
	}
	return fmt.Sprintf("%.2f | yes", bar)
}

// against is verdict where the peer is OpenBLAS.
func against(ratio, bar float64) string {
	if bar != 0 && narrow() {
		unjudged++
		return fmt.Sprintf("%.2f | ?", bar)
	}
	return verdict(ratio, bar)
}

// peersHead is the head of a table of speeds in GFLOP/s, each with its share of the peak.
func peersHead(others []string) {
	columns := append([]string{"espalier", "OpenBLAS"}, append(others, "gonum")...)
	fmt.Printf("| shape | %s | ratio to OpenBLAS | bar | ok |\n|---|%s--:|--:|---|\n",
		strings.Join(columns, " | "), strings.Repeat("--:|", len(columns)))
}

// rival is another library's form of a computation; a nil run has none.
type rival struct {
	name string
	run  func(times int)
}

// compare prints one line: ours against OpenBLAS, held to the bar, and others, and against gonum.
func compare(name string, size int, flops, bar float64, budget time.Duration, ours, blas func(int), others []rival,
	gonum func(int)) {
	functions := []func(int){ours, blas}
	for _, o := range others {
		if o.run != nil {
			functions = append(functions, o.run)
		}
	}
	runtime.LockOSThread()
	r := thread(budget).Run(functions...)
	runtime.UnlockOSThread()
	g := processor(budget/4).Run(ours, gonum) // apart, because a turn of gonum's can take as long as all of the above
	cell := func(seconds float64) string {
		giga := flops / seconds / 1e9
		return fmt.Sprintf("%.1f (%.0f %%)", giga, 100*giga/most[size])
	}
	cells := []string{name, cell(r.Seconds[0]), cell(r.Seconds[1])}
	at := 2
	for _, o := range others {
		if o.run == nil {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, cell(r.Seconds[at]))
		at++
	}
	cells = append(cells, cell(g.Seconds[1]), fmt.Sprintf("%.2f", r.Ratios[1]), against(r.Ratios[1], bar))
	fmt.Printf("| %s |\n", strings.Join(cells, " | "))
}

func gemm32(budget time.Duration) { gemm[float32](benchmarks.Products32, budget) }
func gemm64(budget time.Duration) { gemm[float64](benchmarks.Products64, budget) }

func gemm[T float32 | float64](shapes []benchmarks.Shape, budget time.Duration) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	var names []string
	installed := peers.Installed()
	for _, l := range installed {
		names = append(names, l.Name)
	}
	peersHead(names)
	for _, s := range shapes {
		p := benchmarks.NewProduct[T](s)
		var others []rival
		for _, l := range installed {
			o := rival{name: l.Name}
			if l.Has(size) {
				o.run = func(times int) { peers.Gemm(l, times, p.TransB, p.A, p.B, p.C) }
			}
			others = append(others, o)
		}
		compare(s.String(), size, s.Flops(), s.Bar, budget, p.Espalier, p.OpenBLAS, others, p.Gonum)
	}
}

func gemv(budget time.Duration) {
	peersHead(nil)
	gemvOf[float32](budget)
	gemvOf[float64](budget)
}

func gemvOf[T float32 | float64](budget time.Duration) {
	for _, v := range benchmarks.Vectors {
		p := benchmarks.NewVectorProduct[T](v)
		name := fmt.Sprintf("%T %v", p.X[0], v)
		compare(name, int(unsafe.Sizeof(p.X[0])), 2*float64(v.Rows)*float64(v.Cols), v.Bar, budget/2, p.Espalier, p.OpenBLAS,
			nil, p.Gonum)
	}
}

// twoThreads compares two threads with one, ours and theirs. A call cannot gain more than what is left once the second
// thread is awake: OpenBLAS keeps its threads awake between calls, which takes a processor from others.
func twoThreads(budget time.Duration) {
	runtime.GOMAXPROCS(2)
	openblas.SetThreads(1)
	time.Sleep(100 * time.Millisecond) // so long its second thread looks for work
	wake := wakeUp()
	fmt.Printf("Waking a second goroutine takes %.0f microseconds.\n\n", 1e6*wake)
	fmt.Println("| shape | one GFLOP/s | two GFLOP/s | gain | possible | bar | ok | OpenBLAS two GFLOP/s | its gain " +
		"|\n|---|--:|--:|--:|--:|--:|---|--:|--:|")
	for _, s := range benchmarks.Products32 {
		bar := 0.98 // not slower: small products are the same code in both turns, which differ by so much
		switch {
		case s.M == s.N && s.M >= 512 && s.K >= 512:
			bar = 1.7
		case s.M == 256 && s.N == 256 && s.K == 256:
			bar = 1.5
		}
		p := benchmarks.NewProduct[float32](s)
		turns := func(set func(n int)) contest.Contest {
			return contest.Contest{Clock: wall, Turn: 20 * time.Millisecond, Budget: budget,
				Setup: func(who int) { set(2 - who) }}
		}
		openblas.SetThreads(1)
		time.Sleep(100 * time.Millisecond)
		ours := turns(func(n int) { runtime.GOMAXPROCS(n) }).Run(p.Espalier, p.Espalier)
		theirs := turns(openblas.SetThreads).Run(p.OpenBLAS, p.OpenBLAS)
		giga := func(s2 float64) float64 { return s.Flops() / s2 / 1e9 }
		one := ours.Seconds[1]
		fmt.Printf("| %v | %.1f | %.1f | %.2f | %.2f | %s | %.1f | %.2f |\n",
			s, giga(one), giga(ours.Seconds[0]), ours.Ratios[1], max(1, 2*one/(one+wake)),
			verdict(math.Round(100*ours.Ratios[1])/100, bar), giga(theirs.Seconds[0]), theirs.Ratios[1])
	}
}

// wakeUp is the median time in seconds from a call of Parallel to the first block of the second goroutine, while the
// first one is busy with its own and the other processor was idle before.
func wakeUp() float64 {
	times := make([]float64, 301)
	for i := range times {
		var blocks atomic.Int32
		begin := wall()
		tensor.ParallelWorkers(2, 2, 1, func(lo, hi int) {
			if blocks.Add(1) == 2 {
				times[i] = (wall() - begin).Seconds()
				return
			}
			for blocks.Load() < 2 {
			}
		})
		for begin = wall(); wall()-begin < 300*time.Microsecond; {
		}
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// small compares with gonum, whose cost of a call is that of Go code too.
func small[T float32 | float64](budget time.Duration) {
	fmt.Println("| shape | espalier ns | gonum ns | ratio to gonum | bar | ok |\n|---|--:|--:|--:|--:|---|")
	for _, s := range benchmarks.Small() {
		p := benchmarks.NewProduct[T](s)
		c := processor(budget / 8)
		c.Turn = time.Millisecond / 2
		r := c.Run(p.Espalier, p.Gonum)
		fmt.Printf("| %v | %.0f | %.0f | %.2f | %s |\n",
			s, r.Seconds[0]*1e9, r.Seconds[1]*1e9, r.Ratios[1], verdict(r.Ratios[1], 1))
	}
}

// functions compares with a loop over package math. Vector and result stay in the first-level cache.
func functions(budget time.Duration) {
	const n = 4096
	x, positive, y := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(tensor.Stream(1, uint64(i)).NormFloat64())
		positive[i] = max(x[i], -x[i])
	}
	fmt.Println("| function | espalier G elements/s | loop over math | gain |\n|---|--:|--:|--:|")
	for _, f := range []struct {
		name string
		x    []float32
		ours func(dst, x []float32)
		math func(float64) float64
	}{
		{"Exp", x, tensor.Exp[float32], math.Exp},
		{"Expm1", x, tensor.Expm1[float32], math.Expm1},
		{"Log1p", positive, tensor.Log1p[float32], math.Log1p},
		{"Tanh", x, tensor.Tanh[float32], math.Tanh},
		{"Sigmoid", x, tensor.Sigmoid[float32], func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }},
		{"Erf", x, tensor.Erf[float32], math.Erf},
		{"ReLU", x, tensor.ReLU[float32], func(v float64) float64 { return max(v, 0) }},
	} {
		ours := func(times int) {
			for range times {
				f.ours(y, f.x)
			}
		}
		plain := func(times int) {
			for range times {
				for i, v := range f.x {
					y[i] = float32(f.math(float64(v)))
				}
			}
		}
		r := processor(budget/4).Run(ours, plain)
		fmt.Printf("| %s | %.3f | %.3f | %.1f |\n", f.name, n/r.Seconds[0]/1e9, n/r.Seconds[1]/1e9, r.Ratios[1])
	}
}
