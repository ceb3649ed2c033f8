// Command shortcut trains a classifier of handwritten digits on images whose background goes with the label in nine
// cases of ten, and asks what becomes of it where the background goes against the label (Makar et al. 2022, arXiv
// 2105.06422). Plain training, weights, the weighted penalty and other methods are compared on one curve over the
// association of the two, and each is audited.
//
//	go run ./examples/shortcut
//	go run ./examples/shortcut -out DIR    # and draws the curves
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/shortcut/stripes"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("shortcut: ")
	seeds := flag.Int("seeds", 10, "number of seeds, at least 1")
	first := flag.Uint64("seed", 1, "first seed")
	epochs := flag.Int("epochs", 60, "epochs of training, at least 1")
	out := flag.String("out", "", "directory for auc.svg and results.csv")
	cli.Usage("shortcut trains classifiers of handwritten digits on striped backgrounds that go with the label, with " +
		"and without " +
		"the methods of package causal, and compares them where the stripes go against it. It takes about ten seconds.")
	flag.Parse()
	if *seeds < 1 || *epochs < 1 {
		log.Fatalf("-seeds is %d and -epochs %d, want at least 1", *seeds, *epochs)
	}
	if err := run(context.Background(), *first, *seeds, *epochs, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, first uint64, seeds, epochs int, out string) error {
	if err := cli.Directory(out); err != nil {
		return err
	}
	start := time.Now()
	results := map[string][]stripes.Outcome{}
	for k := range seeds {
		seed := first + uint64(k)
		train, test, err := stripes.Draw(stripes.Agreement, seed)
		if err != nil {
			return err
		}
		for _, m := range stripes.Methods {
			fmt.Fprintf(os.Stderr, "\rseed %d of %d, %-24s %4.0f s ", k+1, seeds, m.Name, time.Since(start).Seconds())
			set := train
			if m.Unconfounded {
				if set, err = stripes.Unconfounded(seed); err != nil {
					return err
				}
			}
			o, err := stripes.Study(ctx, m, set, train, test, epochs, stripes.Rate, seed)
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			results[m.Name] = append(results[m.Name], o)
		}
		if k == 0 {
			fmt.Fprintf(os.Stderr, "\r%60s\r", "")
			if err := overlap(train); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	if err := report(results); err != nil {
		return err
	}
	fmt.Printf("\n%.0f s\n", time.Since(start).Seconds())
	if out == "" {
		return nil
	}
	return save(out, results)
}

// overlap says whether the data can support weights.
func overlap(train stripes.Set) error {
	w, err := causal.FitWeights(train.Y, train.V)
	if err != nil {
		return err
	}
	fmt.Printf("training labels of the first seed: y the digit, v the stripes\n%v\n", w.Overlap())
	return nil
}
