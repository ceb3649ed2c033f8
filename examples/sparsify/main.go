// Command sparsify makes a pruned network smaller and faster, and measures by how much. It trains a perceptron on
// handwritten digits, prunes 90 % of its weights, and compiles what is left: to sparse products (package
// prune/sparse), to the same network without its dead neurons, and for comparison to one from which whole neurons were
// pruned instead (package prune/structured); without training, by SparseGPT (package prune/secondorder). Then it times
// single layers of 1024 by 1024 at several sparsities, where dense products win and where sparse ones do.
//
//	go run ./examples/sparsify
//	go run ./examples/sparsify -weights model.safetensors   # prunes weights trained elsewhere, writes them back
package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/examples/cli"
)

// settings are the flags.
type settings struct {
	seed     uint64
	sparsity float64
	epochs   int // of training, and again of pruning
	batch    int // examples of a product
	images   int // digits to train on and to test on at most, 0 for all
	sizes    int // outputs and inputs of the synthetic layers
	out      string
	weights  string
}

func main() {
	log.SetFlags(0)
	s := settings{sizes: 1024}
	flag.Uint64Var(&s.seed, "seed", 100, "seed of the training")
	flag.Float64Var(&s.sparsity, "sparsity", 0.9, "fraction of the weights to prune, above 0 and below 1")
	flag.IntVar(&s.epochs, "epochs", 30, "epochs of training, and of pruning after it; at least 1")
	flag.IntVar(&s.batch, "batch", 64, "examples at a time; at least 1")
	flag.StringVar(&s.out, "out", "", "directory for results.csv, speedup.svg and, with -weights, pruned.safetensors")
	flag.StringVar(&s.weights, "weights", "", "prune the matrices of a safetensors `file` instead of training")
	cli.Usage("sparsify prunes a network, compiles it to sparse and to smaller dense products, and prints accuracy, " +
		"bytes and measured times. It takes some seconds.")
	flag.Parse()
	if err := s.check(); err != nil {
		log.Fatal("sparsify: ", err)
	}
	if err := run(os.Stdout, s); err != nil {
		log.Fatal("sparsify: ", err)
	}
}

func (s settings) check() error {
	if !(s.sparsity > 0 && s.sparsity < 1) || s.epochs < 1 || s.batch < 1 {
		return fmt.Errorf("-sparsity %v, -epochs %d, -batch %d: want a fraction, and 1 or more", s.sparsity, s.epochs,
			s.batch)
	}
	return nil
}

func run(w io.Writer, s settings) error {
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	if s.weights != "" {
		return sparsifyFile(w, s)
	}
	start := time.Now()
	models, err := study(s)
	if err != nil {
		return err
	}
	printModels(w, s, models)
	fmt.Fprintf(w, "\nLayers of %dx%d, pruned at random\n\n", s.sizes, s.sizes)
	layers, err := layerTimes(w, s)
	if err != nil {
		return err
	}
	verdicts(w, s, models, layers)
	fmt.Fprintf(w, "\n%.0f s\n", time.Since(start).Seconds())
	if s.out == "" {
		return nil
	}
	return write(s, models, layers)
}

// printModels is the table of the networks.
func printModels(w io.Writer, s settings, models []model) {
	fmt.Fprintf(w, "perceptron %v on %d digits it has not seen, %d at a time, seed %d\n\n", widths, models[0].examples,
		s.batch, s.seed)
	fmt.Fprintf(w, "%-32s %9s %8s %8s %14s %12s\n", "network", "accuracy", "weights", "bytes",
		fmt.Sprintf("us for %d", s.batch), "us for one")
	for _, m := range models {
		fmt.Fprintf(w, "%-32s %8.1f%% %8d %8d %14.1f %12.2f   %s\n", m.name, 100*m.accuracy, m.kept, m.bytes, m.many, m.one,
			m.remark)
	}
}

// verdicts say what the run shows.
func verdicts(w io.Writer, s settings, models []model, layers []layerTime) {
	fmt.Fprintln(w, "\nWhat this run shows")
	dense, masked, fast := models[0], models[1], models[2]
	fmt.Fprintf(w, "- A mask alone makes nothing faster or smaller: %.1f us and %d bytes before, %.1f and %d after.\n",
		dense.many, dense.bytes, masked.many, masked.bytes)
	fmt.Fprintf(w, "- Compiled, the same network takes %.1f times fewer bytes and is %.1f times as fast for %d examples, "+
		"%.1f times for one.\n", float64(dense.bytes)/float64(fast.bytes), dense.many/fast.many, s.batch, dense.one/fast.one)
	narrow := models[6]
	fmt.Fprintf(w, "- With %d whole neurons pruned instead, and trained on as long, dense products of %d weights take "+
		"%.1f us, and the accuracy is %+.1f points.\n", hiddenBefore-narrow.hidden(), narrow.kept, narrow.many,
		100*(narrow.accuracy-fast.accuracy))
	var wins, loses []string
	for _, l := range layers {
		text := fmt.Sprintf("%g %% pruned, %d at a time (%.2f)", 100*l.sparsity, l.examples, l.speedup())
		if l.speedup() > 1 {
			wins = append(wins, text)
		} else {
			loses = append(loses, text)
		}
	}
	fmt.Fprintf(w, "- Of the large layers, sparse products were faster at: %s.\n", list(wins))
	fmt.Fprintf(w, "- Dense products were as fast or faster at: %s.\n", list(loses))
}

// hiddenBefore is the number of hidden neurons before pruning.
var hiddenBefore = widths[1] + widths[2]

func list(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	text := all[0]
	for _, s := range all[1:] {
		text += ", " + s
	}
	return text
}

// write puts the numbers into files.
func write(s settings, models []model, layers []layerTime) error {
	f, err := os.Create(filepath.Join(s.out, "results.csv"))
	if err != nil {
		return err
	}
	c := csv.NewWriter(f)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	rows := [][]string{{"network", "accuracy", "weights", "bytes", "us_batch", "us_one"}}
	for _, m := range models {
		rows = append(rows, []string{m.name, number(m.accuracy), strconv.Itoa(m.kept), strconv.Itoa(m.bytes), number(m.many),
			number(m.one)})
	}
	err = errors.Join(c.WriteAll(rows), f.Close())
	series := map[int]*chart.Series{}
	var all []chart.Series
	for _, l := range layers {
		if series[l.examples] == nil {
			series[l.examples] = &chart.Series{Name: fmt.Sprintf("%d at a time", l.examples)}
		}
		p := chart.Point{X: 1 / (1 - l.sparsity), Y: l.speedup()}
		series[l.examples].Points = append(series[l.examples].Points, p)
	}
	for _, n := range []int{1, s.batch} {
		if series[n] != nil {
			all = append(all, *series[n])
			series[n] = nil
		}
	}
	return errors.Join(err, chart.WriteSVG(filepath.Join(s.out, "speedup.svg"), "sparse over dense products",
		"weights per weight kept", "times as fast", all))
}
