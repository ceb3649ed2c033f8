package peers

import s "github.com/espalier-ml/espalier/schedule"

func fastai() map[string]s.Schedule {
	return map[string]s.Schedule{
		"SchedNo":       s.Constant{V: 0.01},
		"SchedLin":      s.Linear{From: 0.01, To: 1e-5, Over: 1},
		"SchedCos":      s.Cosine{From: 0.01, To: 1e-5, Over: 1},
		"SchedExp":      s.ExpInterp{From: 0.01, To: 1e-5, Over: 1},
		"SchedPoly2":    s.Polynomial{From: 0.01, To: 1e-5, Over: 1, Power: 2, Elapsed: true},
		"fit_one_cycle": s.OneCycle{Initial: 0.01 / 25, Peak: 0.01, Final: 0.01 / 1e5, Up: 0.25, Total: 1},
		"fit_sgdr":      s.Stretch{S: s.Cyclic{First: 2, Mult: 2, Peak: 1, MaxCycles: 3}, By: 1. / 14},
	}
}
