package peers

import s "github.com/espalier-ml/espalier/schedule"

// torch is the schedules of torch.optim.lr_scheduler, and those of the momentum where they have one.
func torch() (values, momenta map[string]s.Schedule) {
	const base = 0.1
	two := s.TorchOneCycle(base, 100)
	three := two
	three.Down = 2*0.3*100 - 2
	linear := func(o s.OneCycle) s.OneCycle { o.Shape = s.LinearShape; return o }
	tri := s.Triangular{Floor: 0.001, Peak: 0.1, Up: 20, Down: 30}
	tri2, exp := tri, tri
	tri2.CycleDecay, exp.StepDecay = 0.5, 0.99
	// The momentum of a cycle is the same schedule upside down.
	momentum := func(v s.Triangular) s.Triangular { v.Floor, v.Peak = 0.9, 0.8; return v }
	momentum1 := func(o s.OneCycle) s.OneCycle { o.Initial, o.Peak, o.Final = 0.95, 0.85, 0.95; return o }
	constant := s.MultiStep{From: base / 3, Gamma: 3, At: []float64{5}}
	values = map[string]s.Schedule{
		"StepLR":        s.Step{From: base, Gamma: 0.1, Every: 30},
		"MultiStepLR":   s.MultiStep{From: base, Gamma: 0.1, At: []float64{30, 80}},
		"ExponentialLR": s.Exponential{From: base, Rate: 0.95, Period: 1},
		"LinearLR":      s.Linear{From: base / 3, To: base, Over: 5},
		"ConstantLR":    constant,
		"PolynomialLR":  s.Polynomial{From: base, Over: 40, Power: 2},
		"CosineAnnealingLR": s.Repeat{S: s.Sequence{{Until: 50, S: s.Cosine{From: base, To: 0.001, Over: 50}},
			{S: s.Cosine{From: 0.001, To: base, Over: 50}}}, Period: 100},

		"CosineAnnealingWarmRestarts":       s.Cyclic{First: 10, Mult: 2, Peak: base, Floor: 0.001},
		"CosineAnnealingWarmRestarts_mult1": s.Cyclic{First: 10, Mult: 1, Peak: base, Floor: 0.001},

		"CyclicLR_triangular": tri, "CyclicLR_triangular2": tri2, "CyclicLR_exp_range": exp,
		"OneCycleLR_cos_2phase": two, "OneCycleLR_cos_3phase": three,
		"OneCycleLR_linear_2phase": linear(two), "OneCycleLR_linear_3phase": linear(three),
		"SequentialLR_linear_cosine": s.Sequence{{Until: 10, S: s.Linear{From: base * 0.01, To: base, Over: 10}},
			{S: s.Repeat{S: s.Sequence{{Until: 40, S: s.Cosine{From: base, Over: 40}}, {S: s.Cosine{To: base, Over: 40}}},
				Period: 80}}},
		"ChainedScheduler_const_exp": s.Product{s.Exponential{From: base, Rate: 0.9, Period: 1},
			s.Choice[float64]{Bounds: []float64{4}, Values: []float64{0.1, 1}}},
	}
	momenta = map[string]s.Schedule{
		"CyclicLR_triangular": momentum(tri), "CyclicLR_triangular2": momentum(tri2), "CyclicLR_exp_range": momentum(exp),
		"OneCycleLR_cos_2phase": momentum1(two), "OneCycleLR_cos_3phase": momentum1(three),
		"OneCycleLR_linear_2phase": momentum1(linear(two)), "OneCycleLR_linear_3phase": momentum1(linear(three)),
	}
	return values, momenta
}

// plateaus is torch's ReduceLROnPlateau by the names of its cases.
var plateaus = map[string][]s.PlateauOption{
	"ReduceLROnPlateau_min_rel": {s.WithThreshold(0.01)},
	"ReduceLROnPlateau_min_abs": {s.WithAbsoluteThreshold(0.01)},
	"ReduceLROnPlateau_max_rel": {s.WithMaximize(), s.WithThreshold(0.01)},
}
