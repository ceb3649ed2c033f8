package peers

import s "github.com/espalier-ml/espalier/schedule"

func optax() map[string]s.Schedule {
	warm := func(peak, over float64, then s.Schedule, until float64) s.Part {
		return s.Part{Until: until, S: s.Warmup{Over: over, Then: then}}
	}
	return map[string]s.Schedule{
		"polynomial_schedule":         s.Shift{S: s.Polynomial{From: 1, To: 0.01, Power: 2, Over: 50}, By: 7},
		"linear_schedule":             s.Ramp{From: 0.3, To: 0.15, Start: 7, End: 57},
		"piecewise_constant_schedule": s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 10, V: 0.5}, {T: 25, V: 0.05}}},
		"exponential_decay": s.Max{s.Constant{V: 0.5},
			s.Shift{S: s.Exponential{From: 1, Rate: 0.8, Period: 50}, By: 7}},
		"exponential_decay_stair":   s.Shift{S: s.Exponential{From: 1, Rate: 0.8, Period: 10, Staircase: true}, By: 7},
		"cosine_decay_schedule":     s.Cosine{From: 0.1, To: 0.005, Over: 50},
		"cosine_decay_schedule_exp": s.Cosine{From: 0.1, To: 0.005, Over: 50, Exponent: 1.5},
		"piecewise_interpolate_linear": s.Piecewise{Interp: s.LinearInterp,
			Knots: []s.Knot{{T: 0, V: 1}, {T: 4, V: 0.1}, {T: 8, V: 0.2}, {T: 20, V: 0.1}}},
		"piecewise_interpolate_cosine": s.Piecewise{Interp: s.CosineInterp,
			Knots: []s.Knot{{T: 0, V: 1}, {T: 4, V: 0.1}, {T: 8, V: 0.2}, {T: 20, V: 0.1}}},
		"linear_onecycle_schedule": s.OneCycle{Initial: 0.04, Peak: 1, Final: 0.04 / 1e4, Up: 15, Down: 42, Total: 50,
			Shape: s.LinearShape},
		"cosine_onecycle_schedule":     s.OneCycle{Initial: 0.04, Peak: 1, Final: 1.0 / (25 * 1e4), Up: 15, Total: 50},
		"warmup_constant_schedule":     s.WSD{Peak: 1, Warmup: 10},
		"warmup_cosine_decay_schedule": s.WSD{Peak: 1, Floor: 0.1, Warmup: 10, Decay: 40},

		"warmup_exponential_decay_schedule": s.Warmup{Over: 10,
			Then: s.Max{s.Constant{V: 0.2}, s.Shift{S: s.Exponential{From: 1, Rate: 0.9, Period: 5}, By: 3}}},

		"sgdr_schedule": s.Sequence{warm(1, 2, s.Cosine{From: 1, Over: 8}, 10),
			warm(0.5, 2, s.Cosine{From: 0.5, Over: 18}, 30),
			warm(0.25, 4, s.Cosine{From: 0.25, To: 0.01, Over: 36}, 70)},
		"join_linear_const_cosine": s.Sequence{{Until: 10, S: s.Linear{To: 1, Over: 10}}, {Until: 25, S: s.Constant{V: 1}},
			{S: s.Cosine{From: 1, Over: 20}}},
	}
}
