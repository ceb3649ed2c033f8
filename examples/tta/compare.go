package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"github.com/espalier-ml/espalier/tta"
	"github.com/espalier-ml/espalier/tta/conformal"
)

// method is a way to aggregate.
type method struct {
	name string
	of   tta.Aggregator
}

// methods fits everything that there is to compare.
func methods(ctx context.Context, fit *tta.Outputs) (all []method, best, class *tta.Fitted, r tta.FitReport,
	err error) {
	add := func(name string, a tta.Aggregator, err error) error {
		all = append(all, method{name, a})
		return err
	}
	view, _ := fit.Identity()
	for _, rule := range []tta.Rule{tta.Single(view), tta.Mean(), tta.MeanProb(), tta.MostConfident(), tta.Vote()} {
		f, err := tta.NewFixed(rule, fit.Views(), fit.Classes())
		if err := add(rule.String(), f, err); err != nil {
			return nil, nil, nil, r, err
		}
	}
	all[0].name = "original"
	gps, _, err := tta.FitGPS(ctx, fit, 3)
	if err := add("GPS, 3 views", gps, err); err != nil {
		return nil, nil, nil, r, err
	}
	train, val, err := fit.Split(0.8, 1)
	if err != nil {
		return nil, nil, nil, r, err
	}
	paper, _, err := tta.FitPaper(train, val)
	if err := add("the paper's choice", paper, err); err != nil {
		return nil, nil, nil, r, err
	}
	aug, _, err := tta.FitAugTTA(fit)
	if err := add("AugTTA, converged", aug, err); err != nil {
		return nil, nil, nil, r, err
	}
	class, _, err = tta.FitClassTTA(fit)
	if err := add("ClassTTA, shrunk", class, err); err != nil {
		return nil, nil, nil, r, err
	}
	best, r, err = tta.FitBest(ctx, fit)
	err = add("FitBest", best, err)
	return all, best, class, r, err
}

func compare(ctx context.Context, fit, test *tta.Outputs, s settings) error {
	all, best, class, r, err := methods(ctx, fit)
	if err != nil {
		return err
	}
	fmt.Printf("%-26s %8s %11s %11s %21s %9s %8s %7s\n", "", "accuracy", "corrections", "corruptions", "points",
		"P", "loss", "ECE")
	var last tta.Report
	for _, m := range all {
		if last, err = tta.Evaluate(test, m.of); err != nil {
			return err
		}
		fmt.Printf("%-26s %7.2f%% %11d %11d %+6.2f [%+6.2f,%+6.2f] %9.2g %8.4f %7.4f\n", m.name,
			100*last.Aggregated.Accuracy.Value, last.Corrections, last.Corruptions, 100*last.Net.Value, 100*last.Net.Lo,
			100*last.Net.Hi, last.McNemar.P, last.Aggregated.Loss, last.Aggregated.Calibration.ECE)
	}
	fmt.Printf("\nThe paper says that a mean over views corrupts right answers even where it helps, and that learned\n"+
		"weights do better. Here FitBest has %d corrections and %d corruptions.\n\n%v", last.Corrections, last.Corruptions, r)
	if err := sets(fit, test, best, s.seed); err != nil {
		return err
	}
	shades(class, fit)
	if s.out == "" {
		return nil
	}
	return save(last, class, s.out)
}

// sets makes prediction sets, calibrated on one half of the test examples and judged on the other: those that weights
// were fitted on may not calibrate.
func sets(fit, test *tta.Outputs, best *tta.Fitted, seed uint64) error {
	calibration, rest, err := test.Split(0.5, seed)
	if err != nil {
		return err
	}
	out, err := tta.Aggregate(calibration, best)
	if err != nil {
		return err
	}
	c, err := conformal.Calibrate(out, calibration.Labels(), conformal.APS(), 0.05)
	if err != nil {
		return err
	}
	if out, err = tta.Aggregate(rest, best); err != nil {
		return err
	}
	report, err := c.Evaluate(out, rest.Labels())
	if err != nil {
		return err
	}
	fmt.Printf("\nprediction sets for 95 %%: %.1f %% of them hold the label, %.2f classes on average\n",
		100*report.Coverage.Value, report.MeanSize)
	return nil
}

// shades shows the weights of views and classes.
func shades(f *tta.Fitted, o *tta.Outputs) {
	if len(f.Weights()) == o.Views() || o.Classes() > 40 {
		return
	}
	const levels = " .:-=+*#%@"
	fmt.Printf("\nweights of ClassTTA, a column for each class, dark to bright %q\n", levels)
	most := largest(f.Weights())
	for a := range o.Views() {
		fmt.Printf("%-14s |", o.Name(a))
		for _, w := range f.Weights()[a*o.Classes() : (a+1)*o.Classes()] {
			fmt.Printf("%c ", levels[int(w/most*float32(len(levels)-1)+0.5)])
		}
		fmt.Println("|")
	}
}

func largest(w []float32) float32 {
	most := float32(1e-9)
	for _, v := range w {
		most = max(most, v)
	}
	return most
}

func save(r tta.Report, class *tta.Fitted, out string) error {
	f, err := os.Create(filepath.Join(out, "report.svg"))
	if err != nil {
		return err
	}
	if err := r.WriteSVG(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	s := class.Shape()
	if len(class.Weights()) == s.Views {
		return nil
	}
	const cell = 16
	m, most := image.NewGray(image.Rect(0, 0, s.Classes*cell, s.Views*cell)), largest(class.Weights())
	for y := range s.Views * cell {
		for x := range s.Classes * cell {
			m.SetGray(x, y, color.Gray{Y: uint8(255 * class.Weights()[y/cell*s.Classes+x/cell] / most)})
		}
	}
	if f, err = os.Create(filepath.Join(out, "weights.png")); err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		return err
	}
	return f.Close()
}
