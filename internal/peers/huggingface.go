package peers

import s "github.com/espalier-ml/espalier/schedule"

func huggingFace() map[string]s.Schedule {
	wsd := func(shape s.Shape) s.WSD {
		return s.WSD{Initial: 0.1, Peak: 1, Floor: 0.1, Warmup: 10, Stable: 60, Decay: 25, Shape: shape}
	}
	half := s.Cosine{From: 1, Over: 30}
	back := s.Cosine{To: 1, Over: 30}
	poly := s.Polynomial{From: 1e-3, To: 1e-7, Over: 90, Power: 2}
	return map[string]s.Schedule{
		"constant_with_warmup": s.Warmup{Over: 10, Then: s.Constant{V: 1}},
		"linear":               s.WSD{Peak: 1, Warmup: 10, Decay: 90, Shape: s.LinearShape},
		"cosine":               s.WSD{Peak: 1, Warmup: 10, Decay: 90},
		"cosine_1.5cycles":     s.Warmup{Over: 10, Then: s.Sequence{{Until: 30, S: half}, {Until: 60, S: back}, {S: half}}},
		"cosine_with_min_lr":   s.WSD{Peak: 1, Floor: 0.1, Warmup: 10, Decay: 90},
		"cosine_with_restarts": s.Cyclic{Warmup: 10, First: 30, Mult: 1, Peak: 1, MaxCycles: 3},
		"polynomial":           s.Scale{S: s.Warmup{Over: 10, Then: poly}, By: 1e3},
		"inverse_sqrt":         s.Warmup{Over: 10, Then: s.InverseSqrt{Peak: 1, Scale: 10, Shift: 10}},
		"inverse_sqrt_ts":      s.Warmup{Over: 10, Then: s.InverseSqrt{Peak: 1, Scale: 50, Shift: 50}},
		"wsd_linear":           wsd(s.LinearShape),
		"wsd_cosine":           wsd(s.CosineShape),
		"wsd_1-sqrt":           wsd(s.OneMinusSqrtShape),
		"noam":                 s.Noam{Scale: 1, Dim: 512, Warmup: 40},
		"rex":                  s.REX{From: 1, Over: 100},
		"one_minus_sqrt":       s.OneMinusSqrt{From: 1, Over: 100},
	}
}
