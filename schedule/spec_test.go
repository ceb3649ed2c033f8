package schedule_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/scheduletest"
	"github.com/espalier-ml/espalier/tensor"
)

func TestSpecRoundTrip(t *testing.T) {
	for _, f := range families() {
		spec, err := s.SpecOf(f.s)
		require.NoError(t, err, f.name)
		b, err := json.Marshal(map[string]s.Spec{"lr": spec})
		require.NoError(t, err)
		var config struct {
			LR    s.Spec `json:"lr"`
			Unset s.Spec `json:"unset"`
		}
		require.NoError(t, json.Unmarshal(b, &config))
		require.Equal(t, spec, config.LR)
		again, err := config.LR.Compile(s.Plan{}, s.Steps)
		require.NoError(t, err)
		require.Equal(t, f.s, again, f.name)
	}

	// Every bit of every number, -0 in a field that may be left out included.
	r := rand.New(rand.NewPCG(1, 2))
	odd := []float64{math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64, 1. / 3, 5e-4, 1e21, 1e-7}
	for range 1000 {
		if x := math.Float64frombits(r.Uint64()); x-x == 0 {
			odd = append(odd, x)
		}
	}
	for _, x := range odd {
		spec, err := s.SpecOf(s.Sum{s.Constant{V: x}, s.Warmup{From: x, Then: s.Constant{}}})
		require.NoError(t, err)
		again, err := spec.Compile(s.Plan{}, s.Steps)
		require.NoError(t, err)
		sum := again.(s.Sum)
		require.Equal(t, math.Float64bits(x), math.Float64bits(sum[0].(s.Constant).V))
		require.Equal(t, math.Float64bits(x), math.Float64bits(sum[1].(s.Warmup).From))
	}
}

func TestSpecOfErrors(t *testing.T) {
	_, err := s.SpecOf(s.Product{s.Constant{V: 1}, s.Warmup{Then: s.Func(math.Abs)}})
	require.ErrorIs(t, err, s.ErrNotSerializable)
	require.ErrorContains(t, err, "schedule.Product: of[1].then: type schedule.Func")
	_, err = s.SpecOf(s.Linear{Over: -1})
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = s.SpecOf(nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = s.SpecOf(&s.Linear{Over: 1}) // it would come back as another type
	require.ErrorIs(t, err, s.ErrNotSerializable)

	var deep s.Schedule = s.Constant{}
	for range 200 {
		deep = s.Scale{S: deep, By: 1}
	}
	_, err = s.SpecOf(deep)
	require.ErrorIs(t, err, s.ErrSpec)
	require.ErrorContains(t, err, "more than 128 levels deep")
	knots := make([]s.Knot, 1<<17)
	for i := range knots {
		knots[i].T = float64(i)
	}
	_, err = s.SpecOf(s.Piecewise{Knots: knots})
	require.ErrorIs(t, err, s.ErrSpec)
	require.ErrorContains(t, err, "want at most 1048576")
}

const unitsSpec = `{"version": 1, "type": "sequence", "parts": [
	{"until": "10ep", "s": {"type": "linear", "from": 0, "to": 5e-4, "over": "6%"}},
	{"s": {"type": "shift", "by": "-100ba", "s": {"type": "multiStep", "from": 1, "gamma": 0.5, "at": [7, "2.5e9tok"]}}}]}`

func TestCompile(t *testing.T) {
	spec, err := s.ParseJSON([]byte(unitsSpec))
	require.NoError(t, err)
	plan := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 12.5, TokensPerStep: 1 << 20}
	sch, err := spec.Compile(plan, s.Steps)
	require.NoError(t, err)
	want := func(over float64) s.Schedule {
		return s.Sequence{{Until: 125, S: s.Linear{To: 5e-4, Over: over}},
			{S: s.Shift{By: -100, S: s.MultiStep{From: 1, Gamma: 0.5, At: []float64{7, 2.5e9 / (1 << 20)}}}}}
	}
	require.Equal(t, want(60), sch)

	// A run that is extended on resuming: fractions move, unless they were frozen.
	frozen, err := spec.Freeze(plan)
	require.NoError(t, err)
	require.Contains(t, frozen.String(), `"over":"60st"`)
	require.Contains(t, frozen.String(), `"until":"10ep"`)
	require.Contains(t, frozen.String(), `"by":"-100st"`)
	plan.Total.Value = 2000
	sch, err = spec.Compile(plan, s.Steps)
	require.NoError(t, err)
	require.Equal(t, want(120), sch)
	sch, err = frozen.Compile(plan, s.Steps)
	require.NoError(t, err)
	require.Equal(t, want(60), sch)

	// What the plan lacks is named, with the place that needs it.
	plan.StepsPerEpoch = 0
	_, err = spec.Compile(plan, s.Tokens)
	require.ErrorIs(t, err, s.ErrMissingRate)
	require.ErrorContains(t, err, "sequence.parts[0].until: 10ep to tok: the Plan's StepsPerEpoch is not set")
	plan.StepsPerEpoch, plan.TokensPerStep = 10, 0
	_, err = spec.Compile(plan, s.Steps)
	require.ErrorContains(t, err, "sequence.parts[1].s.s.at[1]: 2.5e+09tok to st: the Plan's TokensPerStep is not set")
	_, err = spec.Freeze(s.Plan{})
	require.ErrorIs(t, err, s.ErrMissingRate)
	require.ErrorContains(t, err, "sequence.parts[0].s.over: 0.06dur to st: Plan.Total is not set")

	// Values that only the plan makes wrong.
	early, err := s.ParseJSON([]byte(`{"version":1,"type":"ramp","from":0,"to":1,"start":"10ep","end":"100st"}`))
	require.NoError(t, err)
	_, err = early.Compile(s.Plan{StepsPerEpoch: 20}, s.Steps)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "schedule: ramp.end = 100: must be later than Start")
	_, err = early.Compile(s.Plan{StepsPerEpoch: math.MaxFloat64}, s.Steps)
	require.ErrorContains(t, err, "ramp.start: 10ep to st overflows")
	_, err = early.Compile(s.Plan{StepsPerEpoch: -1}, s.Steps)
	require.ErrorContains(t, err, "Plan.StepsPerEpoch = -1")
	_, err = early.Freeze(s.Plan{StepsPerEpoch: -1})
	require.ErrorContains(t, err, "Plan.StepsPerEpoch = -1")
	_, err = early.Compile(s.Plan{}, s.Unit(9))
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = s.Spec{}.Compile(s.Plan{}, s.Steps)
	require.ErrorIs(t, err, s.ErrSpec)
	_, err = s.Spec{}.Freeze(s.Plan{})
	require.ErrorIs(t, err, s.ErrSpec)

	b, err := json.Marshal(s.Spec{})
	require.NoError(t, err)
	require.Equal(t, "null", string(b))
}

func TestParseJSONErrors(t *testing.T) {
	linear := func(fields string) string { return `{"version":1,"type":"linear",` + fields + `}` }
	for _, c := range [][2]string{
		{``,
			"the text ends early"},
		{`{"version":1,"type":"linear"`,
			"schedule: linear: the text ends early"},
		{`{"version":1,"type":"sum","of":[{"type":"constant","v":`,
			"schedule: sum.of[0].v: the text ends early"},
		{`{"version":1,"type":"sum","of":[{"type":"constant","v":]}`,
			"schedule: sum.of[0].v: invalid character"},
		{`{"version":1,"type":"multiStep","from":1,"gamma":1,"at":[3,2]}`,
			"schedule: multiStep.at[1] = 2: must be no earlier than the one before"},
		{`{"version":1,"type":"sequence","parts":[{"until":9,"s":{"type":"sum","of":[{"type":"linear","from":0,"to":1,` +
			`"over":0}]}},{"s":{"type":"constant","v":1}}]}`,
			"schedule: sequence.parts[0].s.of[0].over = 0: must be > 0"},
		{`{"version":1,"type":"choice","bounds":[3,3],"values":[1,2,3]}`,
			"choice.bounds[1] = 3: must be later than the one"},
		{`{"version":2.5,"type":"constant","v":1}`,
			"constant.version: 2.5, want 1"},
		{`null`,
			"null, want an object"},
		{`[1]`,
			"a list, want an object"},
		{`{"type":"constant","v":1}`,
			"version: is missing"},
		{`{"version":2,"type":"constant","v":1}`,
			"version: 2, want 1"},
		{`{"version":"1","type":"constant","v":1}`,
			`version: "1", want 1`},
		{`{"version":1,"v":1}`,
			"type: is missing"},
		{`{"version":1,"type":7}`,
			"type: 7, want one of choice, clamp,"},
		{`{"version":1,"type":"lin"}`,
			`lin.type: "lin", want one of`},
		{`{"version":1,"type":"constant","v":1} 2`,
			"data after the end"},
		{`{"version":1,"type":"constant","v":1}}`,
			"data after the end"},
		{`{"version":1,"type":"constant","v":1e999}`,
			"constant.v: 1e999 is too large"},
		{linear(`"from":1,"to":2`),
			"linear.over: is missing"},
		{linear(`"from":1,"to":2,"over":3,"overr":4`),
			"linear.overr: unknown field, want from, to, over"},
		{linear(`"From":1,"to":2,"over":3`),
			"linear.From: unknown field"},
		{linear(`"from":1,"from":2,"to":2,"over":3`),
			"from: is there twice"},
		{linear(`"from":"1ep","to":2,"over":3`),
			`linear.from: "1ep", want a number: this is not a time`},
		{linear(`"from":null,"to":2,"over":3`),
			"linear.from: null, want a number"},
		{linear(`"from":1,"to":2,"over":true`),
			`linear.over: true, want a number or a duration like "10ep"`},
		{linear(`"from":1,"to":2,"over":"3 parsec"`),
			`schedule: linear.over: duration "3 parsec": no unit`},
		{linear(`"from":1,"to":2,"over":"x ep"`),
			`linear.over: duration "x ep": "x" is not a number`},
		{linear(`"from":1,"to":2,"over":"--1ep"`),
			`schedule: linear.over: Duration.Value = -1`},
		{linear(`"from":1,"to":2,"over":-3`),
			"schedule: linear.over = -3: must be > 0"},
		{`{"version":1,"type":"sum","of":[{"type":"constant"}]}`,
			"sum.of[0].v: is missing"},
		{`{"version":1,"type":"sum","of":[{"version":1,"type":"constant"}]}`,
			"sum.of[0].version: unknown field"},
		{`{"version":1,"type":"sum","of":[]}`,
			"schedule: sum.len = 0"},
		{`{"version":1,"type":"sum","of":3}`,
			"sum.of: 3, want a list"},
		{`{"version":1,"type":"scale","by":2,"s":3}`,
			"scale.s: 3, want a schedule: an object with a type"},
		{`{"version":1,"type":"wsd","peak":1,"shape":"round"}`,
			`wsd.shape: shape "round": want "cosine", "linear" or "1-sqrt"`},
		{`{"version":1,"type":"wsd","peak":1,"shape":1}`,
			"wsd.shape: 1, want a string"},
		{`{"version":1,"type":"cyclic","first":9,"mult":2,"peak":1,"maxCycles":1.5}`,
			"cyclic.maxCycles: 1.5, want a whole number"},
		{`{"version":1,"type":"cyclic","first":9,"mult":2,"peak":1,"includeFloor":1}`,
			"cyclic.includeFloor: 1, want a bool"},
		{`{"version":1,"type":"piecewise","knots":[4]}`,
			"piecewise.knots[0]: 4, want an object"},
		{`{"version":1,"type":"sequence","parts":[{"s":{"type":"constant","v":1}},{"s":{"type":"constant","v":1}}]}`,
			"sequence.parts[0].until: is missing"},
		{`{"version":1,"type":"sequence","parts":[7]}`,
			"sequence.parts[0]: 7, want an object"},
		{strings.Repeat(`[`, 1000),
			"more than 128 levels deep"},
		{strings.Repeat(`{"a":`, 1000),
			"more than 128 levels deep"},
		{`{"version":1,"type":"constant","v":1` + strings.Repeat(" ", 1<<20) + `}`,
			"want at most 1048576"},
		{`{"version":1,"type":"constant","` + strings.Repeat("v", 1000) + `":1}`,
			`..: unknown field, want v`},
	} {
		text, want := c[0], c[1]
		_, err := s.ParseJSON([]byte(text))
		require.ErrorIs(t, err, s.ErrSpec, text)
		require.ErrorContains(t, err, want, text)
		require.Less(t, len(err.Error()), 500)
	}
	// A million mistakes do not make a message of a million lines.
	_, err := s.ParseJSON([]byte(`{"version":1,"type":"multiStep","from":1,"gamma":1,"at":[1` +
		strings.Repeat(",0,1", 1<<17) + `]}`))
	require.ErrorIs(t, err, tensor.ErrRange)
	require.Less(t, len(err.Error()), 5000)

	var spec s.Spec
	require.ErrorIs(t, json.Unmarshal([]byte(`{"version":3}`), &spec), s.ErrSpec)
	require.NoError(t, json.Unmarshal([]byte(`null`), &spec))
}

func TestParseText(t *testing.T) {
	plan := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 10}
	for text, want := range map[string]s.Schedule{
		"0.1": s.Constant{V: 0.1},
		"0.3@0, 0.15@1dur linear": s.Piecewise{Knots: []s.Knot{{T: 0, V: 0.3}, {T: 1000, V: 0.15}},
			Interp: s.LinearInterp},
		" 1@0,.5@30ep,-2e-3@60ep ":  s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 300, V: 0.5}, {T: 600, V: -2e-3}}},
		"\ufeff0.3 @ 0 , 0.1 @ 300": s.Piecewise{Knots: []s.Knot{{T: 0, V: 0.3}, {T: 300, V: 0.1}}},
		"0.3 @ 0":                   s.Piecewise{Knots: []s.Knot{{T: 0, V: 0.3}}},
		"1 @ 0, 2 @ 10 epochs":      s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 100, V: 2}}},
		"1 @ 0, 2 @ 10 ep linear":   s.Piecewise{Knots: []s.Knot{{T: 0, V: 1}, {T: 100, V: 2}}, Interp: s.LinearInterp},
		"0@-5, 0.5@20%, 0@500st cosine": s.Piecewise{Knots: []s.Knot{{T: -5, V: 0}, {T: 200, V: 0.5}, {T: 500, V: 0}},
			Interp: s.CosineInterp},
	} {
		spec, err := s.ParseText(text)
		require.NoError(t, err, text)
		got, err := spec.Compile(plan, s.Steps)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"1e400":                    `"1e400": too large for a float64`,
		"1e400@3":                  `value "1e400": too large for a float64`,
		"1@1e400":                  `time "1e400": too large for a float64`,
		"1@1e400ep":                `schedule: piecewise.knots[0].t: duration "1e400ep": "1e400" is too large`,
		"1@3 ep lineal":            `interpolation "lineal"`,
		"":                         `"": want value@time`,
		"0.1@0,":                   `"": want value@time`,
		"0.1,0.2":                  `"0.1": want value@time`,
		"inf":                      `"inf": want value@time`,
		"x@3":                      `value "x": want a number`,
		"0x1p3@3":                  `value "0x1p3": want a number`,
		"1@3parsec":                `schedule: piecewise.knots[0].t: duration "3parsec": no unit`,
		"1@":                       `piecewise.knots[0].t`,
		"1@3, 2@3":                 "piecewise.knots[1].t = 3: must be later than the knot before",
		"1@3, 2@4 quadratic":       `interpolation "quadratic": want "hold", "linear" or "cosine"`,
		strings.Repeat("1", 1<<21): "want at most 1048576",
	} {
		_, err := s.ParseText(text)
		require.ErrorIs(t, err, s.ErrSpec, text)
		require.ErrorContains(t, err, want, text)
	}
}

// sawtooth is a schedule as a user might write one.
type sawtooth struct {
	Peak   float64    `json:"peak"`
	Period float64    `json:"period" unit:"time"`
	Skip   []float64  `json:"skip,omitempty" unit:"time"`
	Note   string     `json:"note,omitempty"`
	Turns  int        `json:"turns,omitempty"`
	Down   bool       `json:"down,omitempty"`
	Base   s.Schedule `json:"base"`
	Cached chan bool  `json:"-"`
}

func (w sawtooth) Value(t float64) float64 {
	if !(t > 0) {
		t = 0
	}
	return w.Base.Value(t) + w.Peak*math.Mod(min(t, 1<<53), w.Period)/w.Period
}

func (w sawtooth) Breakpoints(from, to float64) []float64 {
	var at []float64
	for t := math.Ceil(from/w.Period) * w.Period; t <= to; t += w.Period {
		at = append(at, t)
	}
	return at
}

func TestRegistry(t *testing.T) {
	var r s.Registry
	require.NoError(t, r.Register("sawtooth", sawtooth{}))
	saw := sawtooth{Peak: 1, Period: 100, Skip: []float64{3, 4}, Note: `"<é>"`, Turns: -3, Down: true,
		Base: s.Linear{To: 1, Over: 500}}
	scheduletest.Check(t, saw, scheduletest.WithRegistry(&r), scheduletest.WithRange(0, 2))

	spec, err := r.ParseJSON([]byte(`{"version":1,"type":"sum","of":[{"type":"sawtooth","peak":1,"period":"2ep",` +
		`"skip":["1ep"],"base":{"type":"constant","v":0.5}}]}`))
	require.NoError(t, err)
	got, err := spec.Compile(s.Plan{StepsPerEpoch: 20}, s.Steps)
	require.NoError(t, err)
	require.Equal(t, s.Sum{sawtooth{Peak: 1, Period: 40, Skip: []float64{20}, Base: s.Constant{V: 0.5}}}, got)

	// Nobody else knows the type.
	_, err = s.SpecOf(saw)
	require.ErrorIs(t, err, s.ErrNotSerializable)
	_, err = s.ParseJSON([]byte(spec.String()))
	require.ErrorIs(t, err, s.ErrSpec)

	_, err = r.SpecOf(sawtooth{Peak: math.NaN(), Base: s.Constant{}})
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	require.ErrorContains(t, err, "peak: NaN")
	_, err = r.SpecOf(sawtooth{})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorContains(t, err, "base: schedule is nil")
}

type constantLike struct{ s.Constant }
type badTime struct {
	s.Constant `json:"-"`
	N          int `unit:"time"`
}
type badField struct {
	s.Constant `json:"-"`
	M          struct{ F map[string]int }
}
type badName struct {
	s.Constant `json:"-"`
	T          float64 `json:"type"`
}
type twins struct {
	s.Constant `json:"-"`
	A          float64 `json:"B"`
	B          float64
}
type endless struct {
	s.Constant `json:"-"`
	L          []endless
}

func TestRegisterErrors(t *testing.T) {
	var r s.Registry
	require.NoError(t, r.Register("sawtooth", sawtooth{}))
	for _, c := range []struct {
		name string
		s    s.Schedule
		want string
	}{
		{"", sawtooth{}, "empty"},
		{"x", nil, "empty"},
		{"linear", backwards{}, "the name is taken"},
		{"sawtooth", backwards{}, "the name is taken"},
		{"saw", sawtooth{}, `the type is already called "sawtooth"`},
		{"mine", s.Linear{}, `the type is already called "linear"`},
		{"f", s.Func(math.Abs), "a func, want a struct or a slice"},
		{"p", &s.Linear{}, "a ptr, want a struct or a slice"},
		{"embedded", constantLike{}, "field Constant is unexported or embedded"},
		{"time", badTime{}, "field N is a time but no float64"},
		{"map", badField{}, "M.F: fields of type map[string]int cannot be written"},
		{"type", badName{}, `a field cannot be called "type"`},
		{"twins", twins{}, `two fields are called "B"`},
		{"endless", endless{}, "cannot be written"},
	} {
		err := r.Register(c.name, c.s)
		require.ErrorIs(t, err, s.ErrSpec, c.name)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, `Register("`+c.name+`"`)
	}
}
