// Command ratios compares the kernels of package tensor, and table lookup, with OpenBLAS and gonum and prints the
// result as Markdown tables: speeds, the ratio of ours to theirs, and the bar that the library is held to.
//
//	go run ./cmd/ratios                 # everything, in a minute or two
//	go run ./cmd/ratios -only gemm,gemv # some of the tables
//
// OpenBLAS runs the kernels that are fastest of those that compute the same as ours: on a processor that it does not
// know it would fall back to ones of twenty years ago without a word, so this command tries them one after the other
// and starts itself again with OPENBLAS_CORETYPE set to the best. Set it yourself to choose another. No bar is held
// against kernels whose vectors are narrower than the processor's. BLIS and oneDNN are further peers where they are
// installed, and every speed has its share of what the core can do at most, measured at the start.
//
// The libraries take turns of 20 milliseconds in one process; a ratio is the median over the rounds. In shorter turns
// the monitor of Go's runtime, which a long call of C wakes for some milliseconds, would slow down whoever comes next.
// With one thread its processor time is measured, which other processes disturb least, beside gonum that
// of the process, because gonum starts goroutines, and with two threads the time of day. Beside OpenBLAS the time of
// the process would be wrong: the monitor of Go's runtime, which long calls of C keep busy on the other processor,
// would count as ours.
package main

import (
	"flag"
	"fmt"
	"os"
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
	{"sparse", "Sparse products, float32, one thread", sparseProducts},
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
	if os.Getenv(probing) != "" {
		probe()
		return
	}
	// OpenBLAS starts a thread for every processor when it is loaded, and threads that wait for work take
	// processor time. The table that needs a second one is the last.
	if os.Getenv("OPENBLAS_NUM_THREADS") == "" || os.Getenv("OPENBLAS_CORETYPE") == "" {
		restart()
	}
	head()
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
	if unjudged > 0 {
		fmt.Printf("\n%d bars are not judged: OpenBLAS runs its kernels of %s, whose vectors are narrower than those of "+
			"this processor.\n", unjudged, openblas.Kernel())
	}
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
