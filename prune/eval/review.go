package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
	"github.com/espalier-ml/espalier/internal/option"
)

// Finding is a rule that a study breaks. It has the fields ID, P01 to P20 and P05b, Severity, and Message, which tells
// the rule, what is missing and where; in JSON "id", "severity" and "message". Its String is one line.
type Finding = checklist.Finding

// Severity is how serious a finding is: it prints and is written as "warning" or "error".
type Severity = checklist.Severity

// The severities.
const (
	Warning = checklist.Warning // the comparison is weaker for it
	Error   = checklist.Error   // the comparison should not be published so
)

// Rule is one line of the checklist. It has the fields ID, Name, which is short, Severity, and Text, what it asks for;
// in JSON "id", "name", "severity" and "text".
type Rule = checklist.Rule

// Rules returns the checklist: the best practices of section 6 and appendix B of the paper as rules that a program can
// check. Numbers marked with a star are this package's.
func Rules() []Rule { return rules.Rules() }

// Review holds the study against the rules of the given IDs, or all of them. It returns those that the study breaks, in
// the order of the list, each with all places at fault in its message. The error wraps tensor.ErrRange for an ID that
// no rule has.
func (s *Study) Review(ids ...string) ([]Finding, error) {
	findings, err := rules.Review(s, ids...)
	return findings, option.Call("eval: Review", err)
}

var rules = checklist.Table[*Study]{
	{ID: "P01", Name: "described", Severity: Error, Body: described,
		Text: "every result names dataset, model, method and metrics; the study its library, hardware and code"},
	{ID: "P02", Name: "settings", Severity: Warning, Body: manySettings,
		Text: "three settings or more, toy data and old models not counted"},
	{ID: "P03", Name: "ratios", Severity: Error, Body: consistentRatios,
		Text: "compression and theoretical speedup of every pruned model, at least 1 and consistent"},
	{ID: "P04", Name: "top-5", Severity: Error, Body: topFive,
		Text: "top-5 accuracy too where there are 100* classes or more"},
	{ID: "P05", Name: "control", Severity: Error, Body: controlled,
		Text: "the unpruned model of every seed as a control"},
	{ID: "P05b", Name: "tuned control", Severity: Warning, Body: controlledLonger,
		Text: "the unpruned model trained as much longer as the pruned ones"},
	{ID: "P06", Name: "points", Severity: Error, Body: enoughPoints,
		Text: "five operating points per curve, the largest 8* times the smallest"},
	{ID: "P07", Name: "extremes", Severity: Warning, Body: extremeRatios,
		Text: "ratios so extreme that accuracy falls by 5* points"},
	{ID: "P08", Name: "accuracy", Severity: Error, Body: rawAccuracy,
		Text: "raw accuracy at every point"},
	{ID: "P09", Name: "seeds", Severity: Error, Body: separateSeeds,
		Text: "three* runs or more per point, with separate seeds"},
	{ID: "P10", Name: "random", Severity: Error, Body: againstRandom,
		Text: "random pruning as a baseline, uniform and with the method's own layer proportions"},
	{ID: "P11", Name: "magnitude", Severity: Error, Body: againstMagnitude,
		Text: "magnitude pruning as a baseline, global or uniform and with the method's own layer proportions"},
	{ID: "P12", Name: "initial weights", Severity: Error, Body: sameStart,
		Text: "identical initial weights of all methods, seed by seed"},
	{ID: "P13", Name: "training", Severity: Error, Body: sameTraining,
		Text: "identical data, optimizer, schedule and length of fine-tuning of all methods"},
	{ID: "P14", Name: "provenance", Severity: Warning, Body: traced,
		Text: "where every method's numbers are from, and how they differ from what was published"},
	{ID: "P15", Name: "curves", Severity: Warning, Body: shownTogether,
		Text: "tradeoff curves shown with the competitors', over ranges that overlap by half* or more"},
	{ID: "P16", Name: "competitors", Severity: Warning, Body: againstOthers,
		Text: "compared with a recent method, of the last five* years, and with one of before 2010"},
	{ID: "P17", Name: "selection", Severity: Error, Body: fairlySelected,
		Text: "models are not selected on the test set"},
	{ID: "P18", Name: "targets", Severity: Error, Body: targetsReached,
		Text: "targets reached to 1 %*, and no layer collapsed unless that is said"},
	{ID: "P19", Name: "definitions", Severity: Warning, Body: defined,
		Text: "definitions stated: sizes count all parameters, multiply-adds leave out biases"},
	{ID: "P20", Name: "claims", Severity: Warning, Body: onlyTested,
		Text: "no claim beyond the settings tested; effective compression reported where layers collapsed"},
}

func described(s *Study, p *checklist.Places) {
	if len(s.Results) == 0 {
		p.Fail("no results")
	}
	for i, r := range s.Results {
		if r.Dataset == "" || r.Model == "" || r.Method == "" {
			p.Fail("result %d has no dataset, model or method", i)
		}
		if _, known := s.Methods[r.Method]; !known {
			p.Fail("method %q is not described", r.Method)
		}
		if _, known := s.Datasets[r.Dataset]; !known {
			p.Fail("dataset %q is not described", r.Dataset)
		}
	}
	for _, v := range [][2]string{{"library", s.Library}, {"hardware", s.Hardware}, {"code", s.Code}} {
		if v[1] == "" {
			p.Fail("no %s", v[0])
		}
	}
}

func manySettings(s *Study, p *checklist.Places) {
	n := 0
	for _, at := range s.settings() {
		if !s.Datasets[at.dataset].Toy && !s.OldModel[at.model] {
			n++
		}
	}
	if n < 3 {
		p.Fail("%d", n)
	}
}

func consistentRatios(s *Study, p *checklist.Places) {
	s.pruned(func(r Result) {
		if !(r.Ratio >= 1 && r.Speedup >= 1) {
			p.Fail("%s has ratio %v and speedup %v", label(r), r.Ratio, r.Speedup)
		} else if off(r.Ratio, float64(r.Size)/float64(r.Kept)) > 1e-6 ||
			off(r.Speedup, float64(r.MACs)/float64(r.MACsNZ)) > 1e-6 {
			p.Fail("%s: ratios do not follow from sizes and multiply-adds", label(r))
		}
	})
}

func topFive(s *Study, p *checklist.Places) {
	for _, r := range s.Results {
		if s.Datasets[r.Dataset].Classes >= 100 && !(r.Top5 >= r.Top1 && r.Top5 > 0) {
			p.Fail("%s", label(r))
		}
	}
}

func controlled(s *Study, p *checklist.Places) {
	s.controls(Control, p)
}

func controlledLonger(s *Study, p *checklist.Places) {
	s.controls(TunedControl, p)
}

func enoughPoints(s *Study, p *checklist.Places) {
	s.curves(func(at setting, method string, curve []Summary) {
		if len(curve) < 5 || curve[len(curve)-1].Target < 8*curve[0].Target {
			p.Fail("%s %s has %d points from %v to %v", at, method, len(curve), curve[0].Target, curve[len(curve)-1].Target)
		}
	})
}

func extremeRatios(s *Study, p *checklist.Places) {
	s.curves(func(at setting, method string, curve []Summary) {
		lowest := math.Inf(1)
		for _, p := range curve {
			lowest = min(lowest, p.Mean)
		}
		for _, c := range s.with(at, Control) {
			if dense := s.Curve(at.dataset, at.model, c, ByCompression); len(dense) > 0 && lowest > dense[0].Mean-0.05 {
				p.Fail("%s %s falls by %.1f", at, method, 100*(dense[0].Mean-lowest))
			}
		}
	})
}

func rawAccuracy(s *Study, p *checklist.Places) {
	for _, r := range s.Results {
		if !(r.Top1 > 0 && r.Top1 <= 1) {
			p.Fail("%s has %v", label(r), r.Top1)
		}
	}
}

func separateSeeds(s *Study, p *checklist.Places) {
	for _, at := range s.settings() {
		for _, m := range s.methods(at) {
			seeds := map[float64]map[uint64]int{}
			for _, r := range s.Results {
				if r.Dataset == at.dataset && r.Model == at.model && r.Method == m {
					if seeds[r.Target] == nil {
						seeds[r.Target] = map[uint64]int{}
					}
					if seeds[r.Target][r.Seed]++; seeds[r.Target][r.Seed] > 1 {
						p.Fail("%s has seed %d twice", label(r), r.Seed)
					}
				}
			}
			for target, runs := range seeds {
				if len(runs) < 3 {
					p.Fail("%s %s at %v has %d", at, m, target, len(runs))
				}
			}
		}
	}
}

func againstRandom(s *Study, p *checklist.Places) {
	s.baseline(RandomUniform, "uniform", p)
	s.baseline(RandomMatched, "matched", p)
}

func againstMagnitude(s *Study, p *checklist.Places) {
	s.baseline(MagnitudeBase, "global or uniform", p)
	s.baseline(MagnitudeMatched, "matched", p)
}

func sameStart(s *Study, p *checklist.Places) {
	seen := map[string]string{}
	for _, r := range s.Results {
		key := fmt.Sprintf("%s/%s seed %d", r.Dataset, r.Model, r.Seed)
		if r.InitialHash == "" {
			p.Fail("%s has no hash", label(r))
		} else if first, again := seen[key]; again && first != r.InitialHash {
			p.Fail("%s: %s starts from other weights", key, r.Method)
		} else {
			seen[key] = r.InitialHash
		}
	}
}

func sameTraining(s *Study, p *checklist.Places) {
	seen := map[setting]string{}
	for _, r := range s.Results {
		if slices.Contains(s.Methods[r.Method].Roles, Control) {
			continue // it is not fine-tuned
		}
		at := setting{r.Dataset, r.Model}
		if r.ConfigHash == "" {
			p.Fail("%s has no hash", label(r))
		} else if first, again := seen[at]; again && first != r.ConfigHash {
			p.Fail("%s: %s is trained differently", at, r.Method)
		} else {
			seen[at] = r.ConfigHash
		}
	}
}

func traced(s *Study, p *checklist.Places) {
	for _, at := range s.settings() {
		for _, name := range s.methods(at) {
			m := s.Methods[name]
			if m.Provenance == Unstated || m.Provenance != Ours && m.Differences == "" {
				p.Fail("%s", name)
			}
		}
	}
}

func shownTogether(s *Study, p *checklist.Places) {
	if !s.Plotted {
		p.Fail("no plot")
	}
	for _, at := range s.settings() {
		for _, ours := range s.with(at, Proposed) {
			for _, other := range s.methods(at) {
				if other == ours || s.isControl(other) {
					continue
				}
				a := Points(s.Curve(at.dataset, at.model, ours, ByCompression))
				b := Points(s.Curve(at.dataset, at.model, other, ByCompression))
				lo, hi := math.Inf(1), math.Inf(-1)
				for _, p := range b {
					lo, hi = min(lo, p.X*0.99), max(hi, p.X*1.01)
				}
				outside := 0
				for _, p := range a {
					if p.X < lo || p.X > hi {
						outside++
					}
				}
				if 2*outside > len(a) {
					p.Fail("%s: %d of %d points of %s lie outside the range of %s", at, outside, len(a), ours, other)
				}
			}
		}
	}
}

func againstOthers(s *Study, p *checklist.Places) {
	recent, old := false, false
	for _, m := range s.Methods {
		if m.Year > 0 && !slices.Contains(m.Roles, Proposed) {
			recent = recent || m.Year >= s.Year-5
			old = old || m.Year < 2010
		}
	}
	if !recent {
		p.Fail("no recent one")
	}
	if !old {
		p.Fail("no old one")
	}
}

func fairlySelected(s *Study, p *checklist.Places) {
	for _, r := range s.Results {
		switch r.Selection {
		case NotStated:
			p.Fail("%s does not say", label(r))
		case ByTest:
			p.Fail("%s is the best on the test set", label(r))
		}
	}
}

func targetsReached(s *Study, p *checklist.Places) {
	s.pruned(func(r Result) {
		if !(off(r.Ratio, r.Target) <= 0.01) {
			p.Fail("%s has compression %.4g", label(r), r.Ratio)
		}
		if len(r.Collapsed) > 0 && !r.CollapseDeclared {
			p.Fail("%s lost %s", label(r), list(r.Collapsed))
		}
	})
}

func defined(s *Study, p *checklist.Places) {
	if !s.SizeCountsAll || !s.MACsWithoutBias {
		p.Fail("size counts all: %v, without biases: %v", s.SizeCountsAll, s.MACsWithoutBias)
	}
}

func onlyTested(s *Study, p *checklist.Places) {
	tested := s.settings()
	for _, c := range s.Claims {
		if !slices.Contains(tested, setting{c[0], c[1]}) {
			p.Fail("%s/%s is claimed and not tested", c[0], c[1])
		}
	}
	s.pruned(func(r Result) {
		if len(r.Collapsed) > 0 && r.EffectiveRatio == 0 {
			p.Fail("%s", label(r))
		}
	})
}

// pruned calls f for every result that is not a control.
func (s *Study) pruned(f func(Result)) {
	for _, r := range s.Results {
		if !s.isControl(r.Method) {
			f(r)
		}
	}
}

// curves calls f for every method that is not a control.
func (s *Study) curves(f func(at setting, method string, curve []Summary)) {
	for _, at := range s.settings() {
		for _, m := range s.methods(at) {
			if !s.isControl(m) {
				f(at, m, s.Curve(at.dataset, at.model, m, ByCompression))
			}
		}
	}
}

// controls fails for every seed of a setting without a control of the role.
func (s *Study) controls(role Role, p *checklist.Places) {
	for _, at := range s.settings() {
		have := map[uint64]bool{}
		for _, r := range s.Results {
			if r.Dataset == at.dataset && r.Model == at.model && slices.Contains(s.Methods[r.Method].Roles, role) {
				have[r.Seed] = true
			}
		}
		for _, r := range s.Results {
			if r.Dataset == at.dataset && r.Model == at.model && !have[r.Seed] {
				p.Fail("%s seed %d", at, r.Seed)
			}
		}
	}
}

func (s *Study) baseline(role Role, name string, p *checklist.Places) {
	for _, at := range s.settings() {
		if len(s.with(at, role)) == 0 {
			p.Fail("%s has no %s one", at, name)
		}
	}
}

// off is the relative difference, NaN if a number is missing.
func off(got, want float64) float64 { return math.Abs(got/want - 1) }

func label(r Result) string {
	return fmt.Sprintf("%s/%s %s at %v, seed %d", r.Dataset, r.Model, r.Method, r.Target, r.Seed)
}
