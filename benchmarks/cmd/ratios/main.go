// Command ratios compares the kernels of package tensor, and table lookup, with OpenBLAS and gonum and prints the
// result as Markdown tables: speeds, the ratio of ours to theirs, and the bar that the library is held to.
//
//	go run ./cmd/ratios                 # everything, in a minute or two
//	go run ./cmd/ratios -only gemm,gemv # some of the tables
//
// The libraries take turns of a few milliseconds in one process, of 20 with table lookups; a ratio is the median over
// the rounds. With one thread its processor time is measured, which other processes disturb least, beside gonum that
// of the process, because gonum starts goroutines, and with two threads the time of day. Beside OpenBLAS the time of
// the process would be wrong: the monitor of Go's runtime, which long calls of C keep busy on the other processor,
// would count as ours.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/benchmarks/internal/contest"
	"github.com/espalier-ml/espalier/benchmarks/internal/openblas"
)

// table is one section of the report.
type table struct {
	name, title string
	print       func(budget time.Duration)
}

var tables = []table{
	{"gemm", "Gemm, float32, one thread", gemm32},
	{"gemm64", "Gemm, float64, one thread", gemm64},
	{"gemv", "Gemv, one thread", gemv},
	{"small32", "Small products, float32, one thread", small[float32]},
	{"small64", "Small products, float64, one thread", small[float64]},
	{"vector", "Functions of vectors, float32, 4096 elements, one thread", functions},
	{"lookups", "Products by table lookup, float32, one thread", lookups},
	{"two", "Gemm, float32, two threads (time of day)", twoThreads},
}

func main() {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	only := flag.String("only", "", "comma-separated `tables` to print: "+strings.Join(names, ", ")+" (default all)")
	budget := flag.Duration("budget", time.Second, "time for each line; those of small products take an eighth")
	flag.Parse()
	wanted := names
	if *only != "" {
		wanted = strings.Split(*only, ",")
	}
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			fmt.Fprintf(os.Stderr, "ratios: no table %q; there are %s\n", w, strings.Join(names, ", "))
			os.Exit(2)
		}
	}
	// OpenBLAS starts a thread for every processor when it is loaded, and threads that wait for work take
	// processor time. The table that needs a second one is the last.
	if os.Getenv("OPENBLAS_NUM_THREADS") == "" {
		restart()
	}
	fmt.Printf("%s %s/%s, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, openblas.Version())
	for _, t := range tables {
		if slices.Contains(wanted, t.name) {
			threads(1)
			fmt.Printf("\n### %s\n\n", t.title)
			t.print(*budget)
		}
	}
	if judged > 0 {
		fmt.Printf("\n%d of %d bars reached.\n", judged-missed, judged)
	}
}

// restart runs this command again with OpenBLAS confined to one thread.
func restart() {
	self, err := os.Executable()
	if err != nil {
		return // measuring with the threads is better than not measuring
	}
	c := exec.Command(self, os.Args[1:]...)
	c.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func threads(n int) {
	runtime.GOMAXPROCS(n)
	openblas.SetThreads(n)
}

func thread(budget time.Duration) contest.Contest {
	return contest.Contest{Clock: openblas.ThreadTime, Turn: 20 * time.Millisecond, Budget: budget}
}

func processor(budget time.Duration) contest.Contest {
	return contest.Contest{Clock: openblas.ProcessTime, Turn: 2 * time.Millisecond, Budget: budget}
}

var began = time.Now()

func wall() time.Duration { return time.Since(began) }
