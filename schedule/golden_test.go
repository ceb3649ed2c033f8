package schedule_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	s "github.com/espalier-ml/espalier/schedule"
)

type goldenCase struct {
	Name       string
	Args       json.RawMessage
	Base       float64
	T          float64
	PI         float64 `json:"p_i"`
	PF         float64 `json:"p_f"`
	Pos        []float64
	Values     []float64
	Momentum   []float64
	ClosedForm []float64 `json:"closed_form"`
	Metrics    []float64
	SSR        float64
	Max        string `json:"max_duration"`
}

// cases reads a golden file and fails unless want names exactly its cases: none can be skipped.
func cases(t *testing.T, file string, want int) []goldenCase {
	t.Helper()
	var g struct{ Cases []goldenCase }
	golden.JSON(t, "testdata/"+file+".json.gz", &g)
	require.Len(t, g.Cases, want)
	return g.Cases
}

func compare(t *testing.T, name string, sch s.Schedule, want []float64) {
	t.Helper()
	require.NotNil(t, sch, "no schedule for %s", name)
	require.NoError(t, s.Validate(sch), name)
	golden.Close(t, name, steps(sch, len(want)), want, 1e-12, 1e-12)
}

func TestGoldenTorch(t *testing.T) {
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
	want := map[string]s.Schedule{
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
	momenta := map[string]s.Schedule{
		"CyclicLR_triangular": momentum(tri), "CyclicLR_triangular2": momentum(tri2), "CyclicLR_exp_range": momentum(exp),
		"OneCycleLR_cos_2phase": momentum1(two), "OneCycleLR_cos_3phase": momentum1(three),
		"OneCycleLR_linear_2phase": momentum1(linear(two)), "OneCycleLR_linear_3phase": momentum1(linear(three)),
	}
	for _, c := range cases(t, "torch_lr", 21) {
		if c.Metrics != nil {
			goldenPlateau(t, c)
			continue
		}
		compare(t, c.Name, want[c.Name], c.Values)
		if c.ClosedForm != nil {
			compare(t, c.Name+" closed form", want[c.Name], c.ClosedForm)
		}
		if c.Momentum != nil {
			compare(t, c.Name+" momentum", momenta[c.Name], c.Momentum)
		}
	}
}

func goldenPlateau(t *testing.T, c goldenCase) {
	opts := map[string][]s.PlateauOption{
		"ReduceLROnPlateau_min_rel": nil,
		"ReduceLROnPlateau_min_abs": {s.WithAbsoluteThreshold(0.01)},
		"ReduceLROnPlateau_max_rel": {s.WithMaximize()},
	}
	opt, ok := opts[c.Name]
	require.True(t, ok, c.Name)
	opt = append([]s.PlateauOption{s.WithFactor(0.5), s.WithPatience(3), s.WithCooldown(2), s.WithMinimum(0.001)}, opt...)
	if c.Name != "ReduceLROnPlateau_min_abs" {
		opt = append(opt, s.WithThreshold(0.01))
	}
	p, err := s.NewPlateau(c.Base, opt...)
	require.NoError(t, err)
	got := []float64{p.Value()}
	for _, m := range c.Metrics {
		_, err := p.Observe(m)
		require.NoError(t, err)
		got = append(got, p.Value())
		// Saving and loading between any two observations changes nothing.
		b, err := json.Marshal(p)
		require.NoError(t, err)
		p = new(s.Plateau)
		require.NoError(t, json.Unmarshal(b, p))
	}
	golden.Close(t, c.Name, got, c.Values, 1e-12, 1e-12)
	require.Less(t, got[len(got)-1], c.Base)
}

func TestGoldenOptax(t *testing.T) {
	warm := func(peak, over float64, then s.Schedule, until float64) s.Part {
		return s.Part{Until: until, S: s.Warmup{Over: over, Then: then}}
	}
	want := map[string]s.Schedule{
		"polynomial_schedule":         s.Shift{S: s.Polynomial{From: 1, To: 0.01, Power: 2, Over: 50}, By: 7},
		"linear_schedule":             s.Ramp{From: 0.3, To: 0.15, Start: 7, End: 57},
		"piecewise_constant_schedule": s.Piecewise{Knots: []s.Knot{{0, 1}, {10, 0.5}, {25, 0.05}}},
		"exponential_decay": s.Max{s.Constant{V: 0.5},
			s.Shift{S: s.Exponential{From: 1, Rate: 0.8, Period: 50}, By: 7}},
		"exponential_decay_stair":   s.Shift{S: s.Exponential{From: 1, Rate: 0.8, Period: 10, Staircase: true}, By: 7},
		"cosine_decay_schedule":     s.Cosine{From: 0.1, To: 0.005, Over: 50},
		"cosine_decay_schedule_exp": s.Cosine{From: 0.1, To: 0.005, Over: 50, Exponent: 1.5},
		"piecewise_interpolate_linear": s.Piecewise{Interp: s.LinearInterp,
			Knots: []s.Knot{{0, 1}, {4, 0.1}, {8, 0.2}, {20, 0.1}}},
		"piecewise_interpolate_cosine": s.Piecewise{Interp: s.CosineInterp,
			Knots: []s.Knot{{0, 1}, {4, 0.1}, {8, 0.2}, {20, 0.1}}},
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
	for _, c := range cases(t, "optax", 16) {
		compare(t, c.Name, want[c.Name], c.Values)
	}
}

func TestGoldenTimm(t *testing.T) {
	cos := s.Cosine{From: 0.1, To: 1e-4, Over: 50}
	kcos := cos
	kcos.K = 1.5
	prefix := func(then s.Schedule, over float64) s.Schedule { return s.Warmup{From: 1e-5, Over: over, Then: then} }
	want := map[string]s.Schedule{
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
	for _, c := range cases(t, "timm", 6) {
		compare(t, c.Name, want[c.Name], c.Values)
	}
}

func TestGoldenHuggingFace(t *testing.T) {
	wsd := func(shape s.Shape) s.WSD {
		return s.WSD{Initial: 0.1, Peak: 1, Floor: 0.1, Warmup: 10, Stable: 60, Decay: 25, Shape: shape}
	}
	half := s.Cosine{From: 1, Over: 30}
	back := s.Cosine{To: 1, Over: 30}
	poly := s.Polynomial{From: 1e-3, To: 1e-7, Over: 90, Power: 2}
	want := map[string]s.Schedule{
		"constant_with_warmup": s.Warmup{Over: 10, Then: s.Constant{V: 1}},
		"linear":               s.WSD{Peak: 1, Warmup: 10, Decay: 90, Shape: s.LinearShape},
		"cosine":               s.WSD{Peak: 1, Warmup: 10, Decay: 90},
		"cosine_1.5cycles":     s.Warmup{Over: 10, Then: s.Sequence{{30, half}, {60, back}, {S: half}}},
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
	for _, c := range cases(t, "hf_and_extra", 15) {
		compare(t, c.Name, want[c.Name], c.Values)
		if c.Name == "cosine_with_restarts" {
			compare(t, c.Name, s.CosineRestarts{Peak: 1, Warmup: 10, Total: 100, Cycles: 3}, c.Values)
		}
	}
}

func TestGoldenFastai(t *testing.T) {
	want := map[string]s.Schedule{
		"SchedNo":       s.Constant{V: 0.01},
		"SchedLin":      s.Linear{From: 0.01, To: 1e-5, Over: 1},
		"SchedCos":      s.Cosine{From: 0.01, To: 1e-5, Over: 1},
		"SchedExp":      s.ExpInterp{From: 0.01, To: 1e-5, Over: 1},
		"SchedPoly2":    s.Polynomial{From: 0.01, To: 1e-5, Over: 1, Power: 2, Elapsed: true},
		"fit_one_cycle": s.OneCycle{Initial: 0.01 / 25, Peak: 0.01, Final: 0.01 / 1e5, Up: 0.25, Total: 1},
		"fit_sgdr":      s.Stretch{S: s.Cyclic{First: 2, Mult: 2, Peak: 1, MaxCycles: 3}, By: 1. / 14},
	}
	for _, c := range cases(t, "fastai", 7) {
		sch := want[c.Name]
		require.NotNil(t, sch, c.Name)
		got := make([]float64, len(c.Pos))
		for i, pos := range c.Pos {
			got[i] = sch.Value(pos)
		}
		golden.Close(t, c.Name, got, c.Values, 1e-12, 1e-12)
	}
}

type backwards struct{ S s.Schedule }

func (b backwards) Value(t float64) float64 { return b.S.Value(-t) }

func TestGoldenMaskingRate(t *testing.T) {
	rate := func(name string, pi, pf, total float64) s.Schedule {
		switch name[:4] {
		case "line":
			return s.Linear{From: pi, To: pf, Over: total}
		case "cosi":
			return s.Cosine{From: pi, To: pf, Over: total}
		case "step":
			return s.Choice[float64]{Bounds: []float64{total / 2}, Values: []float64{pi, pf}}
		case "cons":
			return s.Constant{V: pi}
		}
		return nil
	}
	all := cases(t, "masking_rate", 20)
	for _, c := range all {
		compare(t, c.Name, rate(c.Name, c.PI, c.PF, c.T), c.Values)
	}
	var g struct {
		Authors []goldenCase `json:"authors_code"`
	}
	golden.JSON(t, "testdata/masking_rate.json.gz", &g)
	require.Len(t, g.Authors, 4)
	for i, c := range g.Authors {
		from := all[[]int{0, 1, 6, 7}[i]]
		require.Equal(t, from.Name, c.Name)
		total, err := s.ParseDuration(c.Max)
		require.NoError(t, err)
		compare(t, c.Name+" authors", rate(c.Name, from.PI, from.PF, total.Value), c.Values)
	}
}
