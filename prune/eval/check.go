package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
)

// Severity is how serious a violation is.
type Severity uint8

// The severities.
const (
	Warning Severity = iota // the comparison is weaker for it
	Error                   // the comparison should not be published so
)

// String is "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Violation is a rule that a study breaks.
type Violation struct {
	ID       string // P01 to P20, and P05b
	Severity Severity
	Message  string // what is missing and where
}

// String is one line.
func (v Violation) String() string { return fmt.Sprintf("%s %s: %s", v.ID, v.Severity, v.Message) }

// Rule is one line of the checklist.
type Rule struct {
	ID       string
	Severity Severity
	Text     string
	check    func(s *Study, fail func(format string, args ...any))
}

// Rules returns the checklist: the best practices of section 6 and appendix B of the paper as rules that a program can
// check. Numbers marked with a star are this package's.
func Rules() []Rule { return slices.Clone(rules) }

// Check returns every rule that the study breaks, in the order of the list, each with all places at fault in its message.
func (s *Study) Check() []Violation {
	var all []Violation
	for _, r := range rules {
		var faults checklist.Faults
		r.check(s, faults.Add)
		if len(faults) > 0 {
			all = append(all, Violation{r.ID, r.Severity, r.Text + ": " + faults.String()})
		}
	}
	return all
}

var rules = []Rule{
	{"P01", Error, "every result names dataset, model, method and metrics; the study its library, hardware and code", func(s *Study, fail func(string, ...any)) {
		if len(s.Results) == 0 {
			fail("no results")
		}
		for i, r := range s.Results {
			if r.Dataset == "" || r.Model == "" || r.Method == "" {
				fail("result %d has no dataset, model or method", i)
			}
			if _, known := s.Methods[r.Method]; !known {
				fail("method %q is not described", r.Method)
			}
			if _, known := s.Datasets[r.Dataset]; !known {
				fail("dataset %q is not described", r.Dataset)
			}
		}
		for _, v := range [][2]string{{"library", s.Library}, {"hardware", s.Hardware}, {"code", s.Code}} {
			if v[1] == "" {
				fail("no %s", v[0])
			}
		}
	}},
	{"P02", Warning, "three settings or more, toy data and old models not counted", func(s *Study, fail func(string, ...any)) {
		n := 0
		for _, at := range s.settings() {
			if !s.Datasets[at.dataset].Toy && !s.OldModel[at.model] {
				n++
			}
		}
		if n < 3 {
			fail("%d", n)
		}
	}},
	{"P03", Error, "compression and theoretical speedup of every pruned model, at least 1 and consistent", func(s *Study, fail func(string, ...any)) {
		s.pruned(func(r Result) {
			if !(r.Ratio >= 1 && r.Speedup >= 1) {
				fail("%s has ratio %v and speedup %v", label(r), r.Ratio, r.Speedup)
			} else if off(r.Ratio, float64(r.Size)/float64(r.Kept)) > 1e-6 || off(r.Speedup, float64(r.MACs)/float64(r.MACsNZ)) > 1e-6 {
				fail("%s: ratios do not follow from sizes and multiply-adds", label(r))
			}
		})
	}},
	{"P04", Error, "top-5 accuracy too where there are 100* classes or more", func(s *Study, fail func(string, ...any)) {
		for _, r := range s.Results {
			if s.Datasets[r.Dataset].Classes >= 100 && !(r.Top5 >= r.Top1 && r.Top5 > 0) {
				fail("%s", label(r))
			}
		}
	}},
	{"P05", Error, "the unpruned model of every seed as a control", func(s *Study, fail func(string, ...any)) { s.controls(Control, fail) }},
	{"P05b", Warning, "the unpruned model trained as much longer as the pruned ones", func(s *Study, fail func(string, ...any)) { s.controls(TunedControl, fail) }},
	{"P06", Error, "five operating points per curve, the largest 8* times the smallest", func(s *Study, fail func(string, ...any)) {
		s.curves(func(at setting, method string, curve []Summary) {
			if len(curve) < 5 || curve[len(curve)-1].Target < 8*curve[0].Target {
				fail("%s %s has %d points from %v to %v", at, method, len(curve), curve[0].Target, curve[len(curve)-1].Target)
			}
		})
	}},
	{"P07", Warning, "ratios so extreme that accuracy falls by 5* points", func(s *Study, fail func(string, ...any)) {
		s.curves(func(at setting, method string, curve []Summary) {
			lowest := math.Inf(1)
			for _, p := range curve {
				lowest = min(lowest, p.Mean)
			}
			for _, c := range s.with(at, Control) {
				if dense := s.Curve(at.dataset, at.model, c, ByCompression); len(dense) > 0 && lowest > dense[0].Mean-0.05 {
					fail("%s %s falls by %.1f", at, method, 100*(dense[0].Mean-lowest))
				}
			}
		})
	}},
	{"P08", Error, "raw accuracy at every point", func(s *Study, fail func(string, ...any)) {
		for _, r := range s.Results {
			if !(r.Top1 > 0 && r.Top1 <= 1) {
				fail("%s has %v", label(r), r.Top1)
			}
		}
	}},
	{"P09", Error, "three* runs or more per point, with separate seeds", func(s *Study, fail func(string, ...any)) {
		for _, at := range s.settings() {
			for _, m := range s.methods(at) {
				seeds := map[float64]map[uint64]int{}
				for _, r := range s.Results {
					if r.Dataset == at.dataset && r.Model == at.model && r.Method == m {
						if seeds[r.Target] == nil {
							seeds[r.Target] = map[uint64]int{}
						}
						if seeds[r.Target][r.Seed]++; seeds[r.Target][r.Seed] > 1 {
							fail("%s has seed %d twice", label(r), r.Seed)
						}
					}
				}
				for target, runs := range seeds {
					if len(runs) < 3 {
						fail("%s %s at %v has %d", at, m, target, len(runs))
					}
				}
			}
		}
	}},
	{"P10", Error, "random pruning as a baseline, uniform and with the method's own layer proportions", func(s *Study, fail func(string, ...any)) {
		s.baseline(RandomUniform, "uniform", fail)
		s.baseline(RandomMatched, "matched", fail)
	}},
	{"P11", Error, "magnitude pruning as a baseline, global or uniform and with the method's own layer proportions", func(s *Study, fail func(string, ...any)) {
		s.baseline(MagnitudeBase, "global or uniform", fail)
		s.baseline(MagnitudeMatched, "matched", fail)
	}},
	{"P12", Error, "identical initial weights of all methods, seed by seed", func(s *Study, fail func(string, ...any)) {
		seen := map[string]string{}
		for _, r := range s.Results {
			key := fmt.Sprintf("%s/%s seed %d", r.Dataset, r.Model, r.Seed)
			if r.InitialHash == "" {
				fail("%s has no hash", label(r))
			} else if first, again := seen[key]; again && first != r.InitialHash {
				fail("%s: %s starts from other weights", key, r.Method)
			} else {
				seen[key] = r.InitialHash
			}
		}
	}},
	{"P13", Error, "identical data, optimizer, schedule and length of fine-tuning of all methods", func(s *Study, fail func(string, ...any)) {
		seen := map[setting]string{}
		for _, r := range s.Results {
			if slices.Contains(s.Methods[r.Method].Roles, Control) {
				continue // it is not fine-tuned
			}
			at := setting{r.Dataset, r.Model}
			if r.ConfigHash == "" {
				fail("%s has no hash", label(r))
			} else if first, again := seen[at]; again && first != r.ConfigHash {
				fail("%s: %s is trained differently", at, r.Method)
			} else {
				seen[at] = r.ConfigHash
			}
		}
	}},
	{"P14", Warning, "where every method's numbers are from, and how they differ from what was published", func(s *Study, fail func(string, ...any)) {
		for _, at := range s.settings() {
			for _, name := range s.methods(at) {
				m := s.Methods[name]
				if m.Provenance == Unstated || m.Provenance != Ours && m.Differences == "" {
					fail("%s", name)
				}
			}
		}
	}},
	{"P15", Warning, "tradeoff curves shown with the competitors', over ranges that overlap by half* or more", func(s *Study, fail func(string, ...any)) {
		if !s.Plotted {
			fail("no plot")
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
						fail("%s: %d of %d points of %s lie outside the range of %s", at, outside, len(a), ours, other)
					}
				}
			}
		}
	}},
	{"P16", Warning, "compared with a recent method, of the last five* years, and with one of before 2010", func(s *Study, fail func(string, ...any)) {
		recent, old := false, false
		for _, m := range s.Methods {
			if m.Year > 0 && !slices.Contains(m.Roles, Proposed) {
				recent = recent || m.Year >= s.Year-5
				old = old || m.Year < 2010
			}
		}
		if !recent {
			fail("no recent one")
		}
		if !old {
			fail("no old one")
		}
	}},
	{"P17", Error, "models are not selected on the test set", func(s *Study, fail func(string, ...any)) {
		for _, r := range s.Results {
			switch r.Selection {
			case NotStated:
				fail("%s does not say", label(r))
			case ByTest:
				fail("%s is the best on the test set", label(r))
			}
		}
	}},
	{"P18", Error, "targets reached to 1 %*, and no layer collapsed unless that is said", func(s *Study, fail func(string, ...any)) {
		s.pruned(func(r Result) {
			if !(off(r.Ratio, r.Target) <= 0.01) {
				fail("%s has compression %.4g", label(r), r.Ratio)
			}
			if len(r.Collapsed) > 0 && !r.CollapseDeclared {
				fail("%s lost %s", label(r), list(r.Collapsed))
			}
		})
	}},
	{"P19", Warning, "definitions stated: sizes count all parameters, multiply-adds leave out biases", func(s *Study, fail func(string, ...any)) {
		if !s.SizeCountsAll || !s.MACsWithoutBias {
			fail("size counts all: %v, without biases: %v", s.SizeCountsAll, s.MACsWithoutBias)
		}
	}},
	{"P20", Warning, "no claim beyond the settings tested; effective compression reported where layers collapsed", func(s *Study, fail func(string, ...any)) {
		tested := s.settings()
		for _, c := range s.Claims {
			if !slices.Contains(tested, setting{c[0], c[1]}) {
				fail("%s/%s is claimed and not tested", c[0], c[1])
			}
		}
		s.pruned(func(r Result) {
			if len(r.Collapsed) > 0 && r.EffectiveRatio == 0 {
				fail("%s", label(r))
			}
		})
	}},
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
func (s *Study) controls(role Role, fail func(string, ...any)) {
	for _, at := range s.settings() {
		have := map[uint64]bool{}
		for _, r := range s.Results {
			if r.Dataset == at.dataset && r.Model == at.model && slices.Contains(s.Methods[r.Method].Roles, role) {
				have[r.Seed] = true
			}
		}
		for _, r := range s.Results {
			if r.Dataset == at.dataset && r.Model == at.model && !have[r.Seed] {
				fail("%s seed %d", at, r.Seed)
			}
		}
	}
}

func (s *Study) baseline(role Role, name string, fail func(string, ...any)) {
	for _, at := range s.settings() {
		if len(s.with(at, role)) == 0 {
			fail("%s has no %s one", at, name)
		}
	}
}

// off is the relative difference, NaN if a number is missing.
func off(got, want float64) float64 { return math.Abs(got/want - 1) }

func label(r Result) string {
	return fmt.Sprintf("%s/%s %s at %v, seed %d", r.Dataset, r.Model, r.Method, r.Target, r.Seed)
}
