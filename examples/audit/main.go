// Command audit asks of a model trained anywhere whether it uses a shortcut: it reads a CSV file of test rows with the
// model's score, the label y and an auxiliary label v, and prints what package causal's Audit finds. Without a file it
// audits two models of its own, one of which uses the shortcut that the data have.
//
//	go run ./examples/audit
//	go run ./examples/audit -csv test.csv -train train.csv -score logit -y label -v site
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/tensor"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("audit: ")
	var s settings
	flag.StringVar(&s.file, "csv", "", "file with a header and a row for each test example; - is standard input")
	flag.StringVar(&s.train, "train", "", "file with the labels of the training data, which say which way the shortcut is")
	flag.StringVar(&s.score, "score", "score", "column of the model's score, higher for y = 1")
	flag.StringVar(&s.y, "y", "y", "column of the label, 0 or 1")
	flag.StringVar(&s.v, "v", "v", "column of the auxiliary label: numbers or words; empty, NA and NaN are unknown")
	flag.Float64Var(&s.margin, "margin", 0.1, "how far the AUC of v within y may be from 1/2 for a model to be clean")
	flag.BoolVar(&s.asJSON, "json", false, "print the report as JSON")
	flag.StringVar(&s.out, "out", "", "directory for audit.svg")
	cli.Usage("audit says whether the scores of a model lean on an auxiliary label that goes with the label in the " +
		"training data, " +
		"from a CSV file of test rows. Without a file it shows what that looks like.")
	flag.Parse()
	if err := run(context.Background(), s, os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// settings are the flags.
type settings struct {
	file, train, score, y, v, out string
	margin                        float64
	asJSON                        bool
}

func run(ctx context.Context, s settings, stdin io.Reader, w io.Writer) error {
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	if s.file == "" {
		return demonstrate(ctx, s, w)
	}
	in, names, err := read(s, stdin)
	if err != nil {
		return err
	}
	if names != nil && !s.asJSON {
		fmt.Fprintf(w, "levels of %s:", s.v)
		for k, name := range names {
			fmt.Fprintf(w, " %d=%s", k, name)
		}
		fmt.Fprintln(w)
	}
	return audit(ctx, s, in, w)
}

func audit(ctx context.Context, s settings, in causal.AuditInput, w io.Writer) error {
	r, err := causal.Audit(ctx, in, causal.WithMargin(s.margin))
	if err != nil {
		return err
	}
	if s.asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		_, err = fmt.Fprint(w, r)
	}
	if err != nil || s.out == "" {
		return err
	}
	f, err := os.Create(filepath.Join(s.out, "audit.svg"))
	if err != nil {
		return err
	}
	if err := r.WriteSVG(f); err != nil {
		return err
	}
	return f.Close()
}

// demonstrate audits a score that knows only what y moves, and one that leans on what v moves too.
func demonstrate(ctx context.Context, s settings, w io.Writer) error {
	const n = 2000
	rng := tensor.Stream(1)
	var clean, leaning causal.AuditInput
	for range n {
		y := rng.IntN(2)
		trainV, testV := y, rng.IntN(2) // labels agree in nine training rows of ten, and are independent in the test
		if rng.Float64() < 0.1 {
			trainV = 1 - y
		}
		signal := float64(y) + rng.NormFloat64()
		for _, in := range []*causal.AuditInput{&clean, &leaning} {
			in.TrainY, in.TrainV = append(in.TrainY, y), append(in.TrainV, trainV)
			in.Y, in.V = append(in.Y, y), append(in.V, testV)
		}
		clean.Score = append(clean.Score, signal)
		leaning.Score = append(leaning.Score, signal+float64(testV))
	}
	for _, m := range []struct {
		name string
		in   causal.AuditInput
	}{{"a model that looks at the signal alone", clean}, {"a model that leans on the auxiliary label", leaning}} {
		fmt.Fprintf(w, "%s\n\n", m.name)
		if err := audit(ctx, s, m.in, w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}
