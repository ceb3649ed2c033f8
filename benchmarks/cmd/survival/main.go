// Command survival compares fits of Cox's model with those of R's package survival, in turns, within one run. It needs
// Rscript with that package (apt-get install r-cran-survival).
//
//	go run ./cmd/survival
//
// R's coxph.fit is the fit alone; coxph is what people call, with the concordance and what tables take of it, beside
// which stands FitCox with its Summary.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/espalier-ml/espalier/benchmarks/internal/contest"
	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

var budget = flag.Duration("budget", 5*time.Second, "`time` for each comparison")

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	fmt.Println("| rows, columns, times | FitCox ms | bar | R coxph.fit ms | R / it | FitCox and Summary ms | " +
		"R coxph ms | R / it |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, k := range []struct {
		n     int
		whole bool
		bar   string
	}{{5000, true, "3"}, {5000, false, "3"}, {100_000, true, "60"}, {100_000, false, "60"}} {
		if err := compare(k.n, k.whole, k.bar); err != nil {
			log.Fatal(err)
		}
	}
}

// compare prints a row: lifetimes in whole days, with heavy ties, or without ties.
func compare(n int, whole bool, bar string) error {
	const p = 5
	times, x := cohort(n, p, whole)
	peer, err := startR(times, x)
	if err != nil {
		return err
	}
	defer peer.close()
	repeat := func(f func() error) func(int) {
		return func(times int) {
			for range times {
				if err := f(); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
	r := contest.Contest{Clock: monotonic(), Turn: 50 * time.Millisecond, Budget: *budget}.Run(
		repeat(func() error { _, err := survival.FitCox(times, x); return err }),
		peer.turn("fit"),
		repeat(func() error {
			m, err := survival.FitCox(times, x)
			if err == nil {
				_, err = m.Summary()
			}
			return err
		}),
		peer.turn("all"),
	)
	name := "without ties"
	if whole {
		name = "in days"
	}
	s := r.Seconds
	fmt.Printf("| %d, %d, %s | %.2f | %s | %.2f | %.2f | %.2f | %.2f | %.1f |\n", n, p, name, 1e3*s[0], bar, 1e3*s[1],
		r.Ratios[1], 1e3*s[2], 1e3*s[3], r.Ratios[3]/r.Ratios[2])
	return nil
}

func monotonic() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// cohort is lifetimes of which two in five are censored.
func cohort(n, p int, whole bool) ([]stats.Lifetime, tensor.Matrix[float64]) {
	rng := tensor.Stream(1, uint64(n))
	x := tensor.NewMatrix[float64](n, p)
	effect := []float64{0.5, -0.3, 0.2, 0, 0.1}
	times := make([]stats.Lifetime, n)
	for i := range times {
		eta := 0.0
		for j := range x.Row(i) {
			x.Row(i)[j] = rng.NormFloat64()
			eta += effect[j] * x.Row(i)[j]
		}
		t, end := rng.ExpFloat64()*math.Exp(-eta), 0.55+0.82*rng.Float64()
		if whole {
			t, end = math.Ceil(365*t), math.Ceil(365*end)
		}
		times[i] = stats.Lifetime{Time: min(t, end), Event: t <= end}
	}
	return times, x
}

// peer is a process of R that has the data and waits to be told what to fit how often.
type peer struct {
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
	file string
}

const program = `
suppressMessages(library(survival))
file <- commandArgs(TRUE)[1]
d <- matrix(readBin(file, "double", file.size(file) / 8), ncol = 7)
y <- Surv(d[, 1], d[, 2]); x <- d[, -(1:2)]; n <- nrow(d)
ctl <- coxph.control()
fit <- function() coxph.fit(x, y, strata = NULL, offset = rep(0, n), init = NULL, control = ctl,
  weights = rep(1, n), method = "efron", rownames = NULL)
all <- function() coxph(y ~ x)
cat("ready\n")
con <- file("stdin", "r")
while (length(line <- readLines(con, 1)) > 0) {
  what <- strsplit(line, " ")[[1]]
  f <- if (what[1] == "fit") fit else all
  for (i in seq_len(as.integer(what[2]))) f()
  cat("done\n"); flush(stdout())
}
`

func startR(times []stats.Lifetime, x tensor.Matrix[float64]) (*peer, error) {
	file, err := os.CreateTemp("", "survival")
	if err != nil {
		return nil, err
	}
	var column []float64
	for _, t := range times {
		column = append(column, t.Time)
	}
	for _, t := range times {
		e := 0.0
		if t.Event {
			e = 1
		}
		column = append(column, e)
	}
	for j := range x.Cols {
		for i := range x.Rows {
			column = append(column, x.Row(i)[j])
		}
	}
	raw := make([]byte, 0, 8*len(column))
	for _, v := range column {
		bits := math.Float64bits(v)
		for k := range 8 {
			raw = append(raw, byte(bits>>(8*k)))
		}
	}
	if _, err := file.Write(raw); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	r := &peer{cmd: exec.Command("Rscript", "-e", program, file.Name()), file: file.Name()}
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out, r.cmd.Stderr = bufio.NewReader(out), os.Stderr
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = r.out.ReadString('\n')
	return r, err
}

func (r *peer) turn(what string) func(times int) {
	return func(times int) {
		if _, err := fmt.Fprintln(r.in, what, times); err != nil {
			log.Fatal(err)
		}
		if _, err := r.out.ReadString('\n'); err != nil {
			log.Fatal(err)
		}
	}
}

func (r *peer) close() {
	r.in.Close()
	r.cmd.Wait()
	os.Remove(r.file)
}
