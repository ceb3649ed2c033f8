package peers

import s "github.com/espalier-ml/espalier/schedule"

func timm() map[string]s.Schedule {
	cos := s.Cosine{From: 0.1, To: 1e-4, Over: 50}
	kcos := cos
	kcos.K = 1.5
	prefix := func(then s.Schedule, over float64) s.Schedule { return s.Warmup{From: 1e-5, Over: over, Then: then} }
	return map[string]s.Schedule{
		"CosineLRScheduler": s.Sequence{{Until: 5, S: s.Linear{From: 1e-5, To: 0.1, Over: 5}}, {S: s.Shift{S: cos, By: -5}}},

		"CosineLRScheduler_prefix": prefix(cos, 5),
		"CosineLRScheduler_cycles": prefix(s.Cyclic{First: 10, Mult: 2, Peak: 0.1, Floor: 1e-4, PeakDecay: 0.5, MaxCycles: 4},
			3),
		"CosineLRScheduler_kdecay": kcos,
		// The warmup of timm ends at the base rate; the first value of tanh is a little below it.
		"TanhLRScheduler": s.Sequence{{Until: 5, S: s.Linear{From: 1e-5, To: 0.1, Over: 5}},
			{S: s.Tanh{From: 0.1, To: 1e-4, Over: 50, Lower: -7, Upper: 3}}},
		"PolyLRScheduler": prefix(s.Polynomial{From: 0.1, To: 1e-4, Over: 50, Power: 0.5}, 5),
	}
}
