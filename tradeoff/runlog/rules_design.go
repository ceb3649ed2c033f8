package runlog

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/espalier-ml/espalier/internal/checklist"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Rules about which runs were made.

func operatingPoints(s *study, p *checklist.Places) {
	arms, err := s.log.Arms("", s.quality())
	if err != nil {
		p.Unknown("%v", err)
		return
	}
	for _, a := range arms {
		at := setting{task: a.Task, model: a.Model}
		for i, c := range a.Runs.Curves {
			first, last := c.Costs()
			if n, span := c.Len(), last/first; n < 5 || span < 4 {
				p.Fail("%s, %s has %d points over a factor of %.3g", label(at, a.Method), a.RunIDs[i], n, span)
			}
		}
	}
}

func enoughSeeds(s *study, p *checklist.Places) {
	arms, err := s.log.Arms("", s.quality())
	if err != nil {
		p.Unknown("%v", err)
		return
	}
	for _, a := range arms {
		at := setting{task: a.Task, model: a.Model}
		n := len(a.Runs.Curves)
		if n < 3 {
			p.Fail("%s has %d", label(at, a.Method), n)
		}
		for _, c := range s.claims {
			if resampled(c.Interval) && n < fewForBootstrap {
				p.Fail("%s has %d for %s intervals", label(at, a.Method), n, c.Interval)
			}
			if c.Interval == stats.OrderStatistics.String() && n < fewForMedian {
				p.Fail("%s has %d for the interval of a median", label(at, a.Method), n)
			}
		}
	}
}

// Runs of one task below which an interval falls short of its level, or has an infinite end.
const (
	fewForBootstrap = 10
	fewForMedian    = 6
)

// resampled reports whether the name is that of an interval made of replicates, or "bootstrap" of an unknown one.
func resampled(interval string) bool {
	var i stats.Interval
	return interval == "bootstrap" || i.UnmarshalText([]byte(interval)) == nil && i.Resampled()
}

func baselines(s *study, p *checklist.Places) {
	for _, at := range s.settings {
		if len(at.methods[""]) == 0 {
			p.Fail("%v has only %s", at, strings.Join(at.names(), ", "))
		}
	}
}

func matchedSchedules(s *study, p *checklist.Places) {
	s.arms(func(at setting, method string, runs []*loggedRun) {
		budgets := map[Budget]bool{}
		for _, r := range runs {
			if r.Budget != nil {
				budgets[*r.Budget] = true
			}
		}
		for _, r := range runs {
			switch r.Schedule {
			case "cyclic", "":
			case "decayed":
				if len(budgets) < 2 && len(r.steps) > 1 {
					p.Fail("%s has one budget, so points before its end are in the middle of a decay", label(at, method))
				}
			default:
				p.Fail("%s has a %s schedule", label(at, method), r.Schedule)
			}
		}
		tell(p.Unknown, at, method, "without the name of a schedule", runs,
			func(r *loggedRun) bool { return r.Schedule == "" })
	})
}

func tuningBudget(s *study, p *checklist.Places) {
	for _, at := range s.settings {
		first := -1
		for _, name := range at.names() {
			for _, r := range at.methods[name] {
				if r.TuningTrials == 0 {
					continue
				}
				if first < 0 {
					first = r.TuningTrials
				}
				if r.TuningTrials != first {
					p.Fail("%v: %d and %d tuning trials", at, first, r.TuningTrials)
				}
				if r.TunedOn == "test" {
					p.Fail("%s was tuned on the test data", label(at, name))
				}
			}
			tell(p.Unknown, at, name, "without tuning_trials", at.methods[name],
				func(r *loggedRun) bool { return r.TuningTrials == 0 })
			tell(p.Unknown, at, name, "without tuned_on", at.methods[name],
				func(r *loggedRun) bool { return r.TuningTrials > 0 && r.TunedOn == "" })
		}
	}
}

func coverage(s *study, p *checklist.Places) {
	pairs := map[[2]string]bool{}
	for _, r := range s.runs {
		data := r.Dataset
		if data == "" {
			data = r.Task
		}
		if !strings.Contains(strings.ToLower(data), "mnist") {
			pairs[[2]string{data, r.Model}] = true
		}
	}
	if len(pairs) < 3 {
		p.Fail("%d", len(pairs))
	}
}

func confounders(s *study, p *checklist.Places) {
	for _, at := range s.settings {
		base := at.methods[""]
		if len(base) == 0 {
			continue
		}
		for _, name := range at.names() {
			tell(p.Unknown, at, name, "without config", at.methods[name], func(r *loggedRun) bool { return r.Config == nil })
			for _, r := range at.methods[name] {
				if r.Config == nil {
					continue
				}
				if d := differing(base[0].Config, r.Config); base[0].Config != nil && len(d) > 0 {
					p.Fail("%s differs from the baseline in %s", label(at, name), strings.Join(d, ", "))
				}
			}
		}
	}
}

func orderOfRuns(s *study, p *checklist.Places) {
	for _, at := range s.settings {
		type span struct {
			name        string
			first, last time.Time
		}
		var spans []span
		for _, name := range at.names() {
			var d span
			for _, r := range at.methods[name] {
				begin, end := r.Time, r.last
				if begin.IsZero() || end.IsZero() {
					continue
				}
				if d.first.IsZero() || begin.Before(d.first) {
					d.first = begin
				}
				if end.After(d.last) {
					d.last = end
				}
			}
			tell(p.Unknown, at, name, "without times", at.methods[name], func(r *loggedRun) bool {
				return r.Time.IsZero() ||
					r.last.IsZero()
			})
			if d.name = name; !d.first.IsZero() {
				spans = append(spans, d)
			}
		}
		slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
		for i := range spans {
			if i > 0 && !spans[i].first.Before(spans[i-1].last) {
				p.Fail("%s was run after %s was over", label(at, spans[i].name), label(at, spans[i-1].name))
			}
		}
	}
	for _, e := range s.envs {
		if len(e.Load) == 0 {
			p.Unknown("an environment without its load")
		}
	}
}

func artefacts(s *study, p *checklist.Places) {
	revision := slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.Code != "" })
	for _, e := range s.envs {
		revision = revision || e.Revision != ""
	}
	if !revision {
		p.Fail("no revision of the code")
	}
	if !slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.Data != "" }) {
		p.Unknown("no claim says where the records are")
	}
	for _, at := range s.settings {
		has := func(part string) bool {
			return slices.ContainsFunc(at.names(), func(name string) bool {
				return strings.Contains(strings.ToLower(name),
					part)
			})
		}
		if has("prun") && !(has("random") && has("magnitude")) {
			p.Fail("%v prunes without random and magnitude controls", at)
		}
	}
}

// quality is the first quality that a claim names, or the first of all.
func (s *study) quality() string {
	for _, c := range s.claims {
		if c.Quality != "" {
			return c.Quality
		}
	}
	names := qualityNames(s.runs)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// tell reports how many runs of an arm lack something.
func tell(report func(string, ...any), at setting, method, what string, runs []*loggedRun,
	lacks func(*loggedRun) bool) {
	n := 0
	for _, r := range runs {
		if lacks(r) {
			n++
		}
	}
	if n > 0 {
		report("%s has %d of %d runs %s", label(at, method), n, len(runs), what)
	}
}

// reach is the worst and the best quality measured for a quality of an arm; NaN if none.
func reach(runs []*loggedRun, quality string) (worst, best float64, dir tradeoff.Direction) {
	worst, best = math.NaN(), math.NaN()
	for _, r := range runs {
		dir, _, _ = r.direction(quality)
		for _, q := range r.quality.of(quality).value {
			switch {
			case q-q != 0:
			case worst != worst:
				worst, best = q, q
			case dir.Better(worst, q):
				worst = q
			case dir.Better(q, best):
				best = q
			}
		}
	}
	return worst, best, dir
}
