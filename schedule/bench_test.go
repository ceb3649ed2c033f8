package schedule_test

import (
	"testing"

	s "github.com/espalier-ml/espalier/schedule"
)

var sink float64

func BenchmarkValue(b *testing.B) {
	for _, f := range families() {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			step := 0.0
			for b.Loop() {
				sink = f.s.Value(step)
				if step++; step == 1000 {
					step = 0
				}
			}
		})
	}
}

// The cycle is found by walking: the longest walk there is.
func BenchmarkCyclicAfterManyCycles(b *testing.B) {
	b.ReportAllocs()
	c := s.Cyclic{First: 1, Mult: 2, Peak: 1}
	for b.Loop() {
		sink = c.Value(1 << 50)
	}
}

func BenchmarkCycleAt(b *testing.B) {
	b.ReportAllocs()
	c := s.Cyclic{Warmup: 5000, First: 5000, Mult: 2, Peak: 2.048, Floor: 1e-4}
	for b.Loop() {
		_, sink = c.CycleAt(300000)
	}
}

func BenchmarkSetApply(b *testing.B) {
	b.ReportAllocs()
	use := func(v float64) { sink = v }
	set := s.NewSet().Bind("lr", s.Cosine{From: 1, Over: 1000}, use).Bind("rate",
		s.Linear{From: 0.3, To: 0.15, Over: 1000}, use).
		Bind("wd", s.Constant{V: 0.1}, use)
	for b.Loop() {
		set.Apply(500)
	}
}

func BenchmarkParseAndCompile(b *testing.B) {
	b.ReportAllocs()
	plan := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 10, TokensPerStep: 4096}
	for b.Loop() {
		spec, err := s.ParseJSON([]byte(unitsSpec))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := spec.Compile(plan, s.Steps); err != nil {
			b.Fatal(err)
		}
	}
}
