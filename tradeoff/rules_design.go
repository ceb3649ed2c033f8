package tradeoff

import (
	"math"
	"slices"
	"strings"
	"time"
)

// designRules are about which runs were made.
var designRules = []Rule{
	{"T03", "operating points", Warning, "5 points or more on every curve, over a factor of 4 in cost or more", func(s *study, fail, unknown func(string, ...any)) {
		arms, err := Arms(s.records, "", s.quality())
		if err != nil {
			unknown("%v", err)
			return
		}
		for _, a := range arms {
			at := setting{task: a.Task, model: a.Model}
			for i, c := range a.Runs.Curves {
				if n, span := c.Len(), c.points[c.Len()-1].Cost/c.points[0].Cost; n < 5 || span < 4 {
					fail("%s, %s has %d points over a factor of %.3g", label(at, a.Method), a.RunIDs[i], n, span)
				}
			}
		}
	}},
	{"T04", "seeds", Warning, "3 runs or more of every arm, 10 for bootstrap intervals of one task and 6 for an interval of a median", func(s *study, fail, unknown func(string, ...any)) {
		arms, err := Arms(s.records, "", s.quality())
		if err != nil {
			unknown("%v", err)
			return
		}
		for _, a := range arms {
			at := setting{task: a.Task, model: a.Model}
			n := len(a.Runs.Curves)
			if n < 3 {
				fail("%s has %d", label(at, a.Method), n)
			}
			for _, c := range s.claims {
				if bootstrap := strings.Contains("percentile basic bc bca bootstrap", c.Interval) && c.Interval != ""; bootstrap && n < fewForBootstrap {
					fail("%s has %d for %s intervals", label(at, a.Method), n, c.Interval)
				}
				if c.Interval == "order statistics" && n < 6 {
					fail("%s has %d for the interval of a median", label(at, a.Method), n)
				}
			}
		}
	}},
	{"T07", "baseline", Error, "the unmodified model in every task and model", func(s *study, fail, unknown func(string, ...any)) {
		for _, at := range s.settings {
			if len(at.methods[""]) == 0 {
				fail("%v has only %s", at, strings.Join(at.names(), ", "))
			}
		}
	}},
	{"T08", "matched schedules", Warning, "a learning rate that decays to the end of each budget, except for cyclic runs", func(s *study, fail, unknown func(string, ...any)) {
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
					if len(budgets) < 2 && len(r.evals) > 1 {
						fail("%s has one budget, so points before its end are in the middle of a decay", label(at, method))
					}
				default:
					fail("%s has a %s schedule", label(at, method), r.Schedule)
				}
			}
			tell(unknown, at, method, "without the name of a schedule", runs, func(r *loggedRun) bool { return r.Schedule == "" })
		})
	}},
	{"T09", "tuning budget", Error, "as many tuning trials for all arms, and not on the test data", func(s *study, fail, unknown func(string, ...any)) {
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
						fail("%v: %d and %d tuning trials", at, first, r.TuningTrials)
					}
					if r.TunedOn == "test" {
						fail("%s was tuned on the test data", label(at, name))
					}
				}
				tell(unknown, at, name, "without tuning_trials", at.methods[name], func(r *loggedRun) bool { return r.TuningTrials == 0 })
				tell(unknown, at, name, "without tuned_on", at.methods[name], func(r *loggedRun) bool { return r.TuningTrials > 0 && r.TunedOn == "" })
			}
		}
	}},
	{"T12", "coverage", Warning, "3 pairs of data and model or more, and not MNIST alone", func(s *study, fail, unknown func(string, ...any)) {
		pairs := map[[2]string]bool{}
		for _, id := range s.order {
			r := s.runs[id]
			data := r.Dataset
			if data == "" {
				data = r.Task
			}
			if !strings.Contains(strings.ToLower(data), "mnist") {
				pairs[[2]string{data, r.Model}] = true
			}
		}
		if len(pairs) < 3 {
			fail("%d", len(pairs))
		}
	}},
	{"T15", "confounders", Warning, "nothing but the method differs between arms", func(s *study, fail, unknown func(string, ...any)) {
		for _, at := range s.settings {
			base := at.methods[""]
			if len(base) == 0 {
				continue
			}
			for _, name := range at.names() {
				tell(unknown, at, name, "without config", at.methods[name], func(r *loggedRun) bool { return r.Config == nil })
				for _, r := range at.methods[name] {
					if r.Config == nil {
						continue
					}
					if d := differing(base[0].Config, r.Config); base[0].Config != nil && len(d) > 0 {
						fail("%s differs from the baseline in %s", label(at, name), strings.Join(d, ", "))
					}
				}
			}
		}
	}},
	{"T16", "order of runs", Warning, "arms interleaved in time, and the load of the machine recorded", func(s *study, fail, unknown func(string, ...any)) {
		for _, at := range s.settings {
			type span struct {
				name        string
				first, last time.Time
			}
			var spans []span
			for _, name := range at.names() {
				var d span
				for _, r := range at.methods[name] {
					begin, end := r.Time, r.evals[len(r.evals)-1].Time
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
				tell(unknown, at, name, "without times", at.methods[name], func(r *loggedRun) bool { return r.Time.IsZero() || r.evals[len(r.evals)-1].Time.IsZero() })
				if d.name = name; !d.first.IsZero() {
					spans = append(spans, d)
				}
			}
			slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
			for i := range spans {
				if i > 0 && !spans[i].first.Before(spans[i-1].last) {
					fail("%s was run after %s was over", label(at, spans[i].name), label(at, spans[i-1].name))
				}
			}
		}
		for _, e := range s.envs {
			if len(e.Load) == 0 {
				unknown("an environment without its load")
			}
		}
	}},
	{"T20", "artefacts", Warning, "revision of the code and records published; of pruning, random and magnitude controls", func(s *study, fail, unknown func(string, ...any)) {
		revision := slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.Code != "" })
		for _, e := range s.envs {
			revision = revision || e.Revision != ""
		}
		if !revision {
			fail("no revision of the code")
		}
		if !slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.Data != "" }) {
			unknown("no claim says where the records are")
		}
		for _, at := range s.settings {
			has := func(part string) bool {
				return slices.ContainsFunc(at.names(), func(name string) bool { return strings.Contains(strings.ToLower(name), part) })
			}
			if has("prun") && !(has("random") && has("magnitude")) {
				fail("%v prunes without random and magnitude controls", at)
			}
		}
	}},
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
func tell(report func(string, ...any), at setting, method, what string, runs []*loggedRun, lacks func(*loggedRun) bool) {
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
func reach(runs []*loggedRun, quality string) (worst, best float64, dir Direction) {
	worst, best = math.NaN(), math.NaN()
	for _, r := range runs {
		dir = r.direction(quality)
		for _, e := range r.evals {
			q, ok := e.Quality[quality]
			switch {
			case !ok:
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
