package runlog

import (
	"cmp"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
)

// Rules about what is said. Without claims among the records they are undecided.

func proxies(s *study, c *Claim, p *checklist.Places) {
	if c.Kind == "speedup" && !isWallClock(c.Cost) {
		p.Fail("%s is called a speedup and counts %s", claimed(c), cmp.Or(c.Cost, "no cost that it names"))
	}
}

func spread(s *study, c *Claim, p *checklist.Places) {
	if c.Interval == "" {
		p.Fail("%s has none", claimed(c))
	}
}

func matchedQuality(s *study, c *Claim, p *checklist.Places) {
	if !speeds(c) {
		return
	}
	if len(c.Targets) == 0 {
		p.Fail("%s has no target", claimed(c))
	}
	if c.Margin == nil {
		p.Fail("%s has no margin of non-inferiority", claimed(c))
	}
}

func targetSensitivity(s *study, c *Claim, p *checklist.Places) {
	if speeds(c) && len(c.Targets) < 3 && !c.Average {
		p.Fail("%s has %d targets and no average", claimed(c), len(c.Targets))
	}
}

func noExtrapolation(s *study, c *Claim, p *checklist.Places) {
	if len(c.Targets) > 0 && c.Quality == "" {
		p.Unknown("%s does not name its quality", claimed(c))
	}
	for _, at := range s.settings {
		for _, name := range []string{"", c.Method} {
			runs := at.methods[name]
			if len(runs) == 0 {
				continue
			}
			if n := s.armSize(at, name, c); c.Runs > 0 && n > 0 && c.Runs < n {
				p.Fail("%s rests on %d of the %d runs of %s", claimed(c), c.Runs, n, label(at, name))
			}
			_, best, dir := reach(runs, c.Quality)
			for _, q := range c.Targets {
				if best == best && dir.Better(q, best) {
					p.Fail("%s is at %v, and the best of %s is %v", claimed(c), q, label(at, name), best)
				}
			}
		}
	}
}

func severalTests(s *study, c *Claim, p *checklist.Places) {
	if n := max(c.Comparisons, len(s.claims)); n > 1 && c.Adjustment == "" {
		p.Fail("%s is one of %d", claimed(c), n)
	}
}

func dominance(s *study, c *Claim, p *checklist.Places) {
	if c.Kind == "frontier" && !(c.Level > 0 && c.Level < 1) {
		p.Fail("%s has no level", claimed(c))
	}
}

func composition(s *study, c *Claim, p *checklist.Places) {
	if len(c.OnTopOf) == 0 {
		p.Fail("%s was measured alone", claimed(c))
	}
}

// claims is a rule about each claim.
func claims(rule func(*study, *Claim, *checklist.Places)) func(*study, *checklist.Places) {
	return func(s *study, p *checklist.Places) {
		if len(s.claims) == 0 {
			p.Unknown("no claims among the records")
		}
		for _, c := range s.claims {
			rule(s, c, p)
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
	arms, err := s.log.Arms(c.Cost, c.Quality)
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
