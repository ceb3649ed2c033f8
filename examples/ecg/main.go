// Command ecg predicts from the beats of an electrocardiogram who will have an event within 90 days, as "Multiple
// Instance Learning for ECG Risk Stratification" does (Shanmugam, Blalock and Guttag 2019, arXiv 1812.00475). Patients
// are bags of pairs of neighbouring beats; what happened is known of patients, and not of beats. Two models are
// trained: the paper's convolutional network on single instances, which inherit the label of their patient, and the
// same network end to end under attention. Means of scores, of the highest ones and the highest itself are compared
// with a score made by hand, and the best is judged as a clinical risk score.
//
//	go run ./examples/ecg
//	go run ./examples/ecg -out DIR            # and draws the report, and a patient's beats that raised the risk
//	go run ./examples/ecg -variant jittered   # R peaks are off by up to six samples
//	go run ./examples/ecg -wfdb DIR           # and looks at real records
//
// The patients are synthetic: the trial of the paper is not public. How good a score can be is therefore known, too.
// One run has some 40 events to judge by, which is few: RESULTS.md has twenty.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/espalier-ml/espalier/examples/cli"
	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/mil/ecg"
)

type settings struct {
	seed      uint64
	patients  int
	variant   ecg.Variant
	epochs    int
	out, wfdb string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("ecg: ")
	s := settings{}
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the patients, the split and the weights")
	flag.IntVar(&s.patients, "patients", 5000, "number of patients, of whom two in five are kept for the test")
	flag.TextVar(&s.variant, "variant", ecg.Aligned, "how beats lie: aligned, jittered or signed")
	flag.IntVar(&s.epochs, "epochs", 3, "passes over the training patients")
	flag.StringVar(&s.out, "out", "", "directory for plots, and a record with annotated beats")
	flag.StringVar(&s.wfdb, "wfdb", "", "directory of records to look at")
	cli.Usage("ecg learns from heartbeats which patients are at risk, and judges the score. It takes under a minute.")
	flag.Parse()
	if err := run(context.Background(), s); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, s settings) error {
	if s.patients < 200 || s.epochs < 1 {
		return fmt.Errorf("%d patients and %d epochs, want 200 and 1 or more", s.patients, s.epochs)
	}
	if err := cli.Directory(s.out); err != nil {
		return err
	}
	start := time.Now()
	train, test, err := beats.Simulate(s.patients-s.patients*2/5, s.patients*2/5, s.variant, s.seed)
	if err != nil {
		return err
	}
	fmt.Printf("%d patients to train on and %d to test, of whom %d and %d had the event within %v days\n\n",
		train.Bags.Len(), test.Bags.Len(), train.Events(), test.Events(), beats.Horizon)
	single, attention, err := beats.Fit(train, s.epochs, s.seed, func() { fmt.Fprint(os.Stderr, ".") })
	fmt.Fprint(os.Stderr, "\r        \r")
	if err != nil {
		return err
	}
	methods, err := score(train, test, single, attention)
	if err != nil {
		return err
	}
	best, err := compare(methods, train, test)
	if err != nil {
		return err
	}
	report, err := judge(ctx, best, train, test)
	if err != nil {
		return err
	}
	fmt.Printf("\n%.0f s\n", time.Since(start).Seconds())
	if s.wfdb != "" {
		if err := records(os.DirFS(s.wfdb), single); err != nil {
			return err
		}
	}
	if s.out == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(s.out, "report.svg"))
	if err != nil {
		return err
	}
	if err := report.WriteSVG(file); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return explain(test, attention, s.out)
}
