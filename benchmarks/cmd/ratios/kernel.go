package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/benchmarks"
	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
	"github.com/espalier-ml/espalier/benchmarks/internal/peak"
	"github.com/espalier-ml/espalier/benchmarks/internal/peers"
	"github.com/espalier-ml/espalier/tensor"
)

// probing is the environment variable that has this command only try the kernels of OpenBLAS that it finds itself with.
const probing = "RATIOS_PROBE"

// probe prints the name of the kernels, their speed on a product, and whether it is right.
func probe() {
	threads(1)
	p := benchmarks.NewProduct[float32](benchmarks.Shape{M: 384, N: 384, K: 384})
	p.OpenBLAS(1)
	right := agrees(p)
	runtime.LockOSThread()
	r := thread(200 * time.Millisecond).Run(p.OpenBLAS)
	fmt.Printf("%s %.1f %v\n", openblas.Kernel(), p.Flops()/r.Seconds[0]/1e9, right)
}

// agrees reports whether C is the product that package tensor computes.
func agrees(p *benchmarks.Product[float32]) bool {
	want := tensor.NewMatrix[float32](p.M, p.N)
	tensor.Gemm(tensor.NoTrans, tensor.Transpose(p.TransB), 1, p.A, p.B, 0, want)
	for i, v := range want.Data {
		if !(math.Abs(float64(p.C.Data[i]-v)) < 1e-3*math.Sqrt(float64(p.K))) {
			return false
		}
	}
	return true
}

// restart runs this command again with OpenBLAS confined to one thread and with its best kernels.
func restart() {
	self, err := os.Executable()
	if err != nil {
		return // measuring with what there is is better than not measuring
	}
	env := append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "BLIS_NUM_THREADS=1", "OMP_NUM_THREADS=1")
	if os.Getenv("OPENBLAS_CORETYPE") == "" {
		if best := bestKernels(self, env); best != "" {
			env = append(env, "OPENBLAS_CORETYPE="+best)
		} else {
			env = append(env, "OPENBLAS_CORETYPE=none") // so that the next one does not try again
		}
	}
	c := exec.Command(self, os.Args[1:]...)
	c.Env, c.Stdout, c.Stderr = env, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bestKernels is the value of OPENBLAS_CORETYPE that is fastest of those that are right, "" if none is.
func bestKernels(self string, env []string) (best string) {
	fastest := 0.0
	for _, name := range openblas.Candidates(peak.VectorBits()) {
		c := exec.Command(self)
		c.Env = append(env, probing+"=1", "OPENBLAS_CORETYPE="+name)
		out, err := c.Output()
		var kernel string
		var speed float64
		var right bool
		if err != nil {
			continue // the library has no such kernels, or they do not run here
		}
		if _, err := fmt.Sscan(string(out), &kernel, &speed, &right); err != nil || !right {
			fmt.Fprintf(os.Stderr, "ratios: kernels of %s: %s\n", name, strings.TrimSpace(string(out)))
			continue
		}
		if speed > fastest {
			best, fastest = name, speed
		}
	}
	return best
}

// The most that a core does, in GFLOP/s, by the bytes of an element.
var most = map[int]float64{}

// head says what is compared on what.
func head() {
	fmt.Printf("%s %s/%s, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, openblas.Version())
	runtime.LockOSThread()
	for _, size := range []int{4, 8} {
		most[size] = peak.GFLOPS(size, openblas.ThreadTime)
	}
	runtime.UnlockOSThread()
	fmt.Printf("%s, vectors of %d bits, at most %.0f GFLOP/s in float32 and %.0f in float64 a core\n", peak.Processor(),
		peak.VectorBits(), most[4], most[8])
	fmt.Printf("OpenBLAS runs its kernels of %s", openblas.Kernel())
	for _, l := range peers.Installed() {
		fmt.Printf(", beside it %s", l.Name)
	}
	fmt.Println()
	if narrow() {
		fmt.Printf("They are narrower than the processor's vectors: no bar is held against them.\n")
	}
}

// narrow reports whether the kernels of OpenBLAS leave a part of the processor's vectors unused.
func narrow() bool { return openblas.VectorBits(openblas.Kernel()) < peak.VectorBits() }
