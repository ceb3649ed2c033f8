package tradeoff

import (
	"cmp"
	"slices"
)

// claimRules are about what is said. Without claims among the records they are undecided.
var claimRules = []Rule{
	{"T02", "proxies", Error, `a speedup is one of the clock; by FLOPs, steps or parameters it is a "theoretical speedup" or a "compression ratio"`, claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if c.Kind == "speedup" && !isWallClock(c.Cost) {
			fail("%s is called a speedup and counts %s", claimed(c), cmp.Or(c.Cost, "no cost that it names"))
		}
	})},
	{"T05", "spread", Warning, "every figure with an interval or a standard deviation, and which of them it is", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if c.Interval == "" {
			fail("%s has none", claimed(c))
		}
	})},
	{"T10", "matched quality", Warning, "speedups at a quality fixed before, with a test that the method is not worse by more than a margin", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if !speeds(c) {
			return
		}
		if len(c.Targets) == 0 {
			fail("%s has no target", claimed(c))
		}
		if c.Margin == nil {
			fail("%s has no margin of non-inferiority", claimed(c))
		}
	})},
	{"T11", "sensitivity to the target", Warning, "speedups at 3 targets or more, or the average over the common range", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if speeds(c) && len(c.Targets) < 3 && !c.Average {
			fail("%s has %d targets and no average", claimed(c), len(c.Targets))
		}
	})},
	{"T13", "no extrapolation", Error, "nothing outside what was measured, and runs that did not reach a target counted as censored", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if len(c.Targets) > 0 && c.Quality == "" {
			unknown("%s does not name its quality", claimed(c))
		}
		for _, at := range s.settings {
			for _, name := range []string{"", c.Method} {
				runs := at.methods[name]
				if len(runs) == 0 {
					continue
				}
				if n := s.armSize(at, name, c); c.Runs > 0 && n > 0 && c.Runs < n {
					fail("%s rests on %d of the %d runs of %s", claimed(c), c.Runs, n, label(at, name))
				}
				_, best, dir := reach(runs, c.Quality)
				for _, q := range c.Targets {
					if best == best && dir.Better(q, best) {
						fail("%s is at %v, and the best of %s is %v", claimed(c), q, label(at, name), best)
					}
				}
			}
		}
	})},
	{"T17", "several tests", Warning, "Holm's or Hochberg's correction for several comparisons", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if n := max(c.Comparisons, len(s.claims)); n > 1 && c.Adjustment == "" {
			fail("%s is one of %d", claimed(c), n)
		}
	})},
	{"T18", "dominance", Warning, "dominated, ambiguous or on the frontier at a level of error, and not by point estimates", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if c.Kind == "frontier" && !(c.Level > 0 && c.Level < 1) {
			fail("%s has no level", claimed(c))
		}
	})},
	{"T19", "composition", Warning, "a new method also on top of a strong recipe", claims(func(s *study, c *Claim, fail, unknown func(string, ...any)) {
		if len(c.OnTopOf) == 0 {
			fail("%s was measured alone", claimed(c))
		}
	})},
}

// claims is a rule about each claim.
func claims(rule func(s *study, c *Claim, fail, unknown func(string, ...any))) func(*study, func(string, ...any), func(string, ...any)) {
	return func(s *study, fail, unknown func(string, ...any)) {
		if len(s.claims) == 0 {
			unknown("no claims among the records")
		}
		for _, c := range s.claims {
			rule(s, c, fail, unknown)
		}
	}
}

func claimed(c *Claim) string {
	return "the " + cmp.Or(c.Kind, "claim") + " of " + cmp.Or(c.Method, "a method without a name")
}

func speeds(c *Claim) bool {
	return slices.Contains([]string{"speedup", "theoretical speedup"}, c.Kind)
}

// armSize is the number of curves of an arm.
func (s *study) armSize(at setting, method string, c *Claim) int {
	arms, err := Arms(s.records, c.Cost, c.Quality)
	if err != nil {
		return 0
	}
	for _, a := range arms {
		if a.Task == at.task && a.Model == at.model && a.Method == method {
			return len(a.Runs.Curves)
		}
	}
	return 0
}
