package runlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
)

// Rules about what is recorded.

func costMetric(s *study, p *checklist.Places) {
	s.arms(func(at setting, method string, runs []*loggedRun) {
		tell(p.Fail, at, method, "with neither seconds nor train_seconds", runs,
			func(r *loggedRun) bool { return !slices.ContainsFunc(r.complete(), isWallClock) })
		tell(p.Fail, at, method, "without step, flops, samples and tokens", runs, func(r *loggedRun) bool {
			return !slices.ContainsFunc(r.complete(), func(c string) bool { return slices.Contains(hardwareFree, c) })
		})
	})
}

func sameEnvironment(s *study, p *checklist.Places) {
	for _, at := range s.settings {
		var first *loggedRun
		var env *Env
		for _, name := range at.names() {
			tell(p.Fail, at, name, "without an environment", at.methods[name],
				func(r *loggedRun) bool { return s.envs[r.EnvID] == nil })
			for _, r := range at.methods[name] {
				e := s.envs[r.EnvID]
				if e == nil {
					continue
				}
				if first == nil {
					first, env = r, e
				}
				if d := env.differences(e); len(d) > 0 {
					p.Fail("%v: runs %s and %s differ in %s", at, first.RunID, r.RunID, d)
				}
				if first.DatasetSHA256 != r.DatasetSHA256 {
					p.Fail("%v: runs %s and %s have different data", at, first.RunID, r.RunID)
				}
			}
		}
		if first != nil && first.DatasetSHA256 == "" {
			p.Unknown("%v: no hash of the data", at)
		}
	}
}

func warmup(s *study, p *checklist.Places) {
	warm := slices.ContainsFunc(s.phases, func(p Record) bool { return p.Phase == "warmup" || p.Phase == "compile" }) ||
		slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.WarmupSteps > 0 })
	switch {
	case warm:
	case len(s.phases) > 0:
		p.Fail("phases are timed and none is warmup or compile")
	default:
		p.Unknown("no phases and no warmup_steps of a claim")
	}
}

// differences names what two environments differ in and results may depend on.
func (e *Env) differences(f *Env) checklist.Faults {
	var d checklist.Faults
	for _, v := range []struct {
		name string
		a, b any
	}{
		{"cpu", e.CPU, f.CPU}, {"cores", e.Cores, f.Cores}, {"GOMAXPROCS", e.GOMAXPROCS, f.GOMAXPROCS},
		{"cpu_max", e.CPUMax, f.CPUMax}, {"go", e.Go, f.Go},
		{"os", e.OS, f.OS}, {"arch", e.Arch + e.ArchLevel, f.Arch + f.ArchLevel}, {"modified", e.Modified, f.Modified},
		{"gogc", e.GOGC, f.GOGC}, {"gomemlimit", e.GOMEMLIMIT, f.GOMEMLIMIT},
	} {
		if v.a != v.b {
			d.Add("%s (%v, %v)", v.name, v.a, v.b)
		}
	}
	for _, m := range differing(e.Modules, f.Modules) {
		d.Add("module %s (%s, %s)", m, cmp.Or(e.Modules[m], "none"), cmp.Or(f.Modules[m], "none"))
	}
	return d
}

// differing is the keys whose values print differently.
func differing[V any](a, b map[string]V) []string {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(keys)), func(k string) bool {
		x, inA := a[k]
		y, inB := b[k]
		return inA == inB && fmt.Sprint(x) == fmt.Sprint(y)
	})
}

func clocks(s *study, p *checklist.Places) {
	for _, r := range s.runs {
		for _, name := range r.costs.names() {
			if _, _, err := s.log.clock(r, name); err != nil {
				p.Fail("run %s: %s falls", r.label(), name)
			}
		}
	}
	for _, at := range s.settings {
		var first *loggedRun
		same := map[string]int{}
		n := 0
		for _, name := range at.names() {
			for _, r := range at.methods[name] {
				n++
				if first == nil {
					first = r
				}
				for _, cost := range wallClock {
					if c := r.costs.of(cost); len(c.value) > 1 && r.sameCosts(first, cost) {
						same[cost]++
					}
				}
			}
		}
		for _, cost := range wallClock {
			if n > 1 && same[cost] == n {
				p.Fail("%v: %s is the same in all %d runs", at, cost, n)
			}
		}
	}
}

func oneName(s *study, p *checklist.Places) {
	for _, r := range s.runs {
		for _, name := range r.quality.names() {
			if r.twice(name) != nil {
				p.Fail("run %s has two values of %s at one step", r.label(), name)
			}
		}
	}
}

func failedRuns(s *study, p *checklist.Places) {
	s.arms(func(at setting, method string, runs []*loggedRun) {
		tell(p.Fail, at, method, "that failed", runs, func(r *loggedRun) bool {
			for _, c := range r.quality {
				if v := c.value[len(c.value)-1]; v-v != 0 {
					return true
				}
			}
			return false
		})
	})
}
