package tradeoff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/espalier-ml/espalier/internal/checklist"
)

// recordRules are about what is recorded.
var recordRules = []Rule{
	{"T01", "cost metric", Warning, "the time of a clock and a cost that does not depend on the machine, for every evaluation", func(s *study, fail, unknown func(string, ...any)) {
		s.arms(func(at setting, method string, runs []*loggedRun) {
			tell(fail, at, method, "with neither seconds nor train_seconds", runs, func(r *loggedRun) bool { return !slices.ContainsFunc(r.costs(), isWallClock) })
			tell(fail, at, method, "without step, flops, samples and tokens", runs, func(r *loggedRun) bool {
				return !slices.ContainsFunc(r.costs(), func(c string) bool { return slices.Contains(hardwareFree, c) })
			})
		})
	}},
	{"T06", "same environment", Error, "the same machine, Go, settings, modules and data for all arms of a setting", func(s *study, fail, unknown func(string, ...any)) {
		for _, at := range s.settings {
			var first *loggedRun
			var env *Env
			for _, name := range at.names() {
				tell(fail, at, name, "without an environment", at.methods[name], func(r *loggedRun) bool { return s.envs[r.EnvID] == nil })
				for _, r := range at.methods[name] {
					e := s.envs[r.EnvID]
					if e == nil {
						continue
					}
					if first == nil {
						first, env = r, e
					}
					if d := env.differences(e); len(d) > 0 {
						fail("%v: runs %s and %s differ in %s", at, first.RunID, r.RunID, d)
					}
					if first.DatasetSHA256 != r.DatasetSHA256 {
						fail("%v: runs %s and %s have different data", at, first.RunID, r.RunID)
					}
				}
			}
			if first != nil && first.DatasetSHA256 == "" {
				unknown("%v: no hash of the data", at)
			}
		}
	}},
	{"T14", "warm-up", Warning, "the first steps left out of timings, and loading and compiling reported apart", func(s *study, fail, unknown func(string, ...any)) {
		warm := slices.ContainsFunc(s.phases, func(p Record) bool { return p.Phase == "warmup" || p.Phase == "compile" }) ||
			slices.ContainsFunc(s.claims, func(c *Claim) bool { return c.WarmupSteps > 0 })
		switch {
		case warm:
		case len(s.phases) > 0:
			fail("phases are timed and none is warmup or compile")
		default:
			unknown("no phases and no warmup_steps of a claim")
		}
	}},
}

// differences names what two environments differ in and results may depend on.
func (e *Env) differences(f *Env) checklist.Faults {
	var d checklist.Faults
	for _, v := range []struct {
		name string
		a, b any
	}{
		{"cpu", e.CPU, f.CPU}, {"cores", e.Cores, f.Cores}, {"GOMAXPROCS", e.GOMAXPROCS, f.GOMAXPROCS}, {"cpu_max", e.CPUMax, f.CPUMax}, {"go", e.Go, f.Go},
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
