// Command maddness trains a small network on handwritten digits, replaces its layers by table lookups (Blalock and
// Guttag 2021, arXiv 2106.10860) and compares them with every rival of package amm: error, accuracy and time per row
// for 2 to 64 codebooks or dimensions, with row-major and feature-major data. It says what the paper claims and
// whether this run agrees.
//
//	go run ./examples/maddness
//	go run ./examples/maddness -data DIR    # MNIST or Fashion-MNIST in IDX files
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/maddness/network"
	"github.com/espalier-ml/espalier/maddness/amm"
)

// settings are what the flags and the test choose.
type settings struct {
	seed   uint64
	data   string // directory with IDX files; empty for the embedded digits
	out    string // directory for results; empty for none
	hidden int    // units of each hidden layer
	epochs int
	sizes  []int // codebooks and dimensions
	rows   int   // test rows are repeated up to this many, so that they do not all stay in the cache
	runs   int   // timings of which the median counts
}

func main() {
	log.SetFlags(0)
	s := settings{hidden: 512, epochs: 12, sizes: []int{2, 4, 8, 16, 32, 64}, rows: 4000, runs: 7}
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the split, the weights, the order of the images and everything drawn")
	flag.IntVar(&s.hidden, "hidden", s.hidden, "units of each hidden layer, at least 64")
	flag.IntVar(&s.epochs, "epochs", s.epochs, "epochs of training, at least 1")
	flag.IntVar(&s.runs, "runs", s.runs, "timings of which the median counts, at least 1")
	flag.StringVar(&s.data, "data", "", "directory with the IDX files of MNIST or Fashion-MNIST; default: the embedded "+
		"digits")
	flag.StringVar(&s.out, "out", "", "directory for results.csv, accuracy.svg, nmse.svg and time.svg")
	cli.Usage("maddness trains a perceptron on handwritten digits, replaces its layers by table lookups and compares " +
		"error, accuracy " +
		"and time with every other approximation of a matrix product. It takes about a minute.")
	flag.Parse()
	if err := run(s); err != nil {
		log.Fatal("maddness: ", err)
	}
}

func run(s settings) error {
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	for _, size := range s.sizes {
		if size > s.hidden {
			return fmt.Errorf("-hidden is %d, want at least %d, the most codebooks", s.hidden, size)
		}
	}
	start := time.Now()
	train, test, err := network.Load(s.seed, s.data)
	if err != nil {
		return err
	}
	net, err := network.Fit(train, s.hidden, s.epochs, s.seed)
	if err != nil {
		return err
	}
	layers := net.Layers(train, test)
	last, hidden := layers[2], layers[1]
	fmt.Printf("%d images to train on, %d to test on. %d-%d-%d-10 perceptron, %d epochs: accuracy %.2f%%\n",
		len(train.Y), len(test.Y), train.Width(), s.hidden, s.hidden, s.epochs, 100*net.Accuracy(test))

	// Times compare work, not processors.
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	results, err := compare(s, last, before, func(name string) {
		fmt.Fprintf(os.Stderr, "\r%-40s %4.0f s ", name, time.Since(start).Seconds())
	})
	fmt.Fprintf(os.Stderr, "\r%50s\r", "")
	if err != nil {
		return err
	}
	fmt.Printf("\nThe last layer, %d columns and 10 outputs, on test rows. Sizes are dimensions of projections and "+
		"codebooks of the others.\n", s.hidden)
	table(s, results, "mean squared error over the variance of the outputs", nmse)
	table(s, results, "accuracy in %", accuracy)
	table(s, results, "ns per row, row-major, one thread, median of several runs", rowMajor)
	table(s, results, "ns per row, feature-major", featureMajor)
	costs(s, results)
	fmt.Printf("\n%s", chart.Text(curves(s, results, logarithm(nmse)), "codebooks or dimensions", "log10 NMSE"))
	networks, err := replace(s, hidden, last, test.Y, before)
	if err != nil {
		return err
	}
	verdicts(s, results, networks)
	notes(len(test.Y))
	fmt.Printf("\n%.0f s\n", time.Since(start).Seconds())
	if s.out == "" {
		return nil
	}
	return save(s, results)
}

// result is how a method did with a size.
type result struct {
	method  string
	counted amm.Size
	size    int
	refit   bool // tables were fitted to labels or probabilities: outputs are logits of their own
	report  amm.Report
}
