// Command prune compares pruning strategies as Blalock et al. 2020 (arXiv 2003.03033) ask for: compression 2 to 32,
// three seeds, fine-tuning, random and magnitude baselines with the same layer proportions, a control of equal
// length, and a second set of initial weights that shows how much the start decides. It prints which of the paper's
// and this project's claims the run confirms and applies the checklist to itself.
//
//	go run ./examples/prune
//	go run ./examples/prune -data DIR    # MNIST or Fashion-MNIST in IDX files, with LeNet-300-100
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/espalier-ml/espalier/examples/chart"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/prune/study"
	"github.com/espalier-ml/espalier/prune/eval"
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "directory with the IDX files of MNIST or Fashion-MNIST; default: the embedded digits")
	seed := flag.Uint64("seed", 100, "first seed")
	seeds := flag.Int("seeds", 3, "number of seeds, at least 1")
	out := flag.String("out", "", "directory for results.csv, compression.svg and speedup.svg")
	cli.Usage("prune compares pruning strategies over compression on handwritten digits, with the baselines and " +
		"controls that the " +
		"field's checklist asks for, and says which claims hold. It takes about a minute.")
	flag.Parse()
	if *seeds < 1 {
		log.Fatalf("prune: -seeds is %d, want at least 1", *seeds)
	}
	if err := run(*data, *seed, *seeds, *out); err != nil {
		log.Fatal("prune: ", err)
	}
}

func run(data string, first uint64, count int, out string) error {
	var seeds []uint64
	for k := range count {
		seeds = append(seeds, first+uint64(k))
	}
	if err := cli.Directory(out); err != nil {
		return err
	}
	start := time.Now()
	dataset, toy := "digits", true
	recipes := []study.Recipe{study.CNN(), study.MLP("MLP", 64, 256, 128, 30, 20, 128)}
	train, test, err := study.LoadDigits()
	if data != "" {
		dataset = filepath.Base(data)
		train, test, err = study.LoadIDX(data)
		recipes = []study.Recipe{study.MLP("LeNet-300-100", train.Size*train.Size, 300, 100, 10, 3, 128)}
	}
	if err != nil {
		return err
	}
	// The perceptron on the digits is there for two claims only.
	wanted := func(r study.Recipe, s study.Strategy) bool {
		return r.Name != "MLP" || slices.Contains([]string{study.Dense, study.DenseB, study.GlobalMagnitude,
			study.LayerMagnitude, study.GlobalB}, s.Name)
	}
	results, err := study.Plan{Dataset: dataset, Train: train, Test: test, Recipes: recipes, Strategies: study.Strategies,
		Wanted: wanted, Compressions: study.Compressions, Seeds: seeds}.Run(func(done, total int) {
		if done%10 == 0 || done == total {
			fmt.Fprintf(os.Stderr, "\r%d of %d models, %.0f s ", done, total, time.Since(start).Seconds())
		}
	})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	s := describe(dataset, toy, results)
	fmt.Printf("%s: %d images to train on, %d to test on\n", dataset, len(train.Y), len(test.Y))
	for _, r := range recipes {
		table(s, dataset, r.Name)
	}
	collapses(results)
	main := recipes[0].Name
	fmt.Printf("\n%s\n%s", main, chart.Text(curves(s, dataset, main, eval.ByCompression), "compression ratio", "accuracy"))
	if data == "" {
		verdicts(results, "CNN", convolutional, seeds)
		verdicts(results, "MLP", perceptron, seeds)
	} else {
		verdicts(results, main, leNet, seeds)
	}
	if err := rivals(s, dataset, main); err != nil {
		return err
	}
	fmt.Printf("\nThe checklist on the %s with weights A:\n", main)
	fair := describe(dataset, toy, slices.DeleteFunc(slices.Clone(results), func(r eval.Result) bool {
		return r.Model != main || slices.ContainsFunc(study.Strategies,
			func(s study.Strategy) bool { return s.Name == r.Method && s.WeightsB })
	}))
	findings, err := fair.Review()
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Println(" ", f)
	}
	fmt.Println("and what it says of comparing them with weights B:")
	if findings, err = s.Review("P12"); err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Println(" ", f)
	}
	fmt.Printf("\n%d models in %.0f s\n", len(results), time.Since(start).Seconds())
	if out == "" {
		return nil
	}
	return write(out, s, dataset, main)
}

// describe makes a study of results: what was done, by what, on what.
func describe(dataset string, toy bool, results []eval.Result) *eval.Study {
	s := &eval.Study{
		Results: results, Methods: map[string]eval.Method{},
		Datasets: map[string]eval.Dataset{dataset: {Classes: 10, Toy: toy}},
		OldModel: map[string]bool{"LeNet-300-100": true}, Year: 2020,
		Library: "espalier on " + runtime.Version(), Hardware: fmt.Sprintf("%s/%s, %d processors",
			runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Code: "github.com/espalier-ml/espalier/examples/prune", Plotted: true, SizeCountsAll: true, MACsWithoutBias: true,
	}
	for _, st := range study.Strategies {
		m := eval.Method{Roles: st.Roles, Year: st.Year, Provenance: eval.Ours}
		if st.Year > 0 {
			m.Provenance, m.Differences = eval.Reimplemented, "another network, data set and length of training"
		}
		s.Methods[st.Name] = m
	}
	for _, r := range results {
		if at := [2]string{r.Dataset, r.Model}; len(s.Claims) == 0 || s.Claims[len(s.Claims)-1] != at {
			s.Claims = append(s.Claims, at)
		}
	}
	return s
}

func curves(s *eval.Study, dataset, model string, axis eval.Axis) []chart.Series {
	var all []chart.Series
	for _, st := range study.Strategies {
		if c := s.Curve(dataset, model, st.Name, axis); len(c) > 1 {
			s := chart.Series{Name: st.Name}
			for _, p := range c {
				s.Points = append(s.Points, chart.Point{X: p.X, Y: p.Mean, Std: p.Std})
			}
			all = append(all, s)
		}
	}
	return all
}

// rivals prints where the points of global magnitude pruning lie relative to the other curves, by compression and by
// speedup.
func rivals(s *eval.Study, dataset, model string) error {
	fmt.Printf("\nPoints of %q relative to the hull of other curves: by compression | by theoretical speedup\n",
		study.GlobalMagnitude)
	for _, other := range []string{study.LayerMagnitude, study.GlobalGradient, study.Random, study.Matched,
		study.GradualMagnitude} {
		fmt.Printf("  %-20s", other)
		for i, axis := range []eval.Axis{eval.ByCompression, eval.BySpeedup} {
			_, places, err := eval.Compare(eval.Points(s.Curve(dataset, model, study.GlobalMagnitude, axis)),
				eval.Points(s.Curve(dataset, model, other, axis)))
			if err != nil {
				return err
			}
			if i > 0 {
				fmt.Print(" |")
			}
			for _, p := range places {
				fmt.Printf(" %v", p)
			}
		}
		fmt.Println()
	}
	return nil
}

func write(dir string, s *eval.Study, dataset, model string) error {
	f, err := os.Create(filepath.Join(dir, "results.csv"))
	if err != nil {
		return err
	}
	if err := errors.Join(eval.WriteCSV(f, s.Results), f.Close()); err != nil {
		return err
	}
	title := "accuracy after pruning and fine-tuning, " + model + " on " + dataset
	return errors.Join(
		chart.WriteSVG(filepath.Join(dir, "compression.svg"), title, "compression ratio", "accuracy",
			curves(s, dataset, model, eval.ByCompression)),
		chart.WriteSVG(filepath.Join(dir, "speedup.svg"), title, "theoretical speedup", "accuracy",
			curves(s, dataset, model, eval.BySpeedup)))
}
