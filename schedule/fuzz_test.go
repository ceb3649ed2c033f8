package schedule_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"

	s "github.com/espalier-ml/espalier/schedule"
)

// hostile are the times at which a valid schedule must have a number as its value.
var hostile = []float64{math.Inf(-1), -math.MaxFloat64, -1, math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 0.5,
	1, 2, 1000,
	1<<53 - 1, 1 << 53, 1e300, math.MaxFloat64, math.Inf(1), math.NaN()}

func checkValues(t *testing.T, sch s.Schedule, more ...float64) {
	for _, list := range [][]float64{hostile, more} {
		for _, at := range list {
			if v := sch.Value(at); v-v != 0 {
				t.Fatalf("%#v: Value(%v) = %v", sch, at, v)
			}
		}
	}
}

func checkSpec(t *testing.T, spec s.Spec) {
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatalf("%v: %v", spec, err)
	}
	var again s.Spec
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatalf("%s does not read back: %v", b, err)
	}
	if again != spec {
		t.Fatalf("%v reads back as %v", spec, again)
	}
	plan := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 10, SamplesPerStep: 32,
		TokensPerStep: 4096}
	sch, err := spec.Compile(plan, s.Steps)
	if err != nil {
		return
	}
	checkValues(t, sch)
	if _, err := s.Breakpoints(sch, -10, 10); err != nil {
		t.Logf("Breakpoints: %v", err)
	}
	for axis := s.Epochs; axis <= s.Fraction; axis++ {
		for _, composer := range []bool{false, true} {
			plan.Composer = composer
			if other, err := spec.Compile(plan, axis); err == nil {
				checkValues(t, other)
			}
		}
	}
	plan.Composer = false
	frozen, err := spec.Freeze(plan)
	if err != nil {
		t.Fatalf("%v compiles but does not freeze: %v", spec, err)
	}
	ice, err := frozen.Compile(plan, s.Steps)
	if err != nil {
		t.Fatalf("%v compiles but not frozen: %v", spec, err)
	}
	if !reflect.DeepEqual(ice, sch) {
		t.Fatalf("frozen %#v, not %#v", ice, sch)
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(unitsSpec))
	for _, family := range families() {
		spec, err := s.SpecOf(family.s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(spec.String()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if spec, err := s.ParseJSON(b); err == nil {
			checkSpec(t, spec)
		}
	})
}

func FuzzParseText(f *testing.F) {
	f.Add("0.3@0, 0.15@1dur linear")
	f.Add("1@0,.5@30ep,-2e-3@60ep")
	f.Add("0@-5, 0.5@20%, 0@500st cosine")
	f.Fuzz(func(t *testing.T, text string) {
		if spec, err := s.ParseText(text); err == nil {
			checkSpec(t, spec)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"10ep", "0.06dur", "6%", "2.5e9tok", "1500st", "100ba", "32sp", "0x1p-2ep", "infep",
		"-1st", "1e999st"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := s.ParseDuration(text)
		if err != nil {
			return
		}
		if err := d.Validate(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := s.ParseDuration(d.String())
		if err != nil || again != d {
			t.Fatalf("%q is %v, reads back as %v, %v", text, d, again, err)
		}
		plan := s.Plan{Total: s.Duration{Value: 1000, Unit: s.Steps}, StepsPerEpoch: 10, SamplesPerStep: 32,
			TokensPerStep: 4096}
		for unit := s.Steps; unit <= s.Fraction; unit++ {
			if v, err := plan.Convert(d, unit); err == nil && (v-v != 0 || v < 0) {
				t.Fatalf("%v to %v is %v", d, unit, v)
			}
		}
	})
}

// FuzzValue puts numbers into the fields of every family and of every pair of a combinator and a family. Value of what
// passes Validate is a number at all times. Most numbers come from a short list, or Validate would pass hardly any.
func FuzzValue(f *testing.F) {
	list := []float64{0, 1, 2, 0.5, 10, 100, 3, 7, -1, 1e-3, 1e17, 1e-17, 1e300, -1e300, 1e-300, math.MaxFloat64,
		-math.MaxFloat64,
		math.SmallestNonzeroFloat64, 1 << 53, math.Nextafter(1, 2), math.Nextafter(1, 0), math.Copysign(0, -1)}
	f.Add(uint8(0), uint8(1), []byte{1, 2, 3, 4, 5}, 4., 8.)
	f.Add(uint8(9), uint8(20), []byte{12, 13, 14, 0, 1, 15, 1, 12}, 0.1, 1e300)
	f.Add(uint8(5), uint8(6), []byte{4, 4, 2, 1, 3, 6}, 1.5, 35.)
	f.Fuzz(func(t *testing.T, outer, inner uint8, picks []byte, x, at float64) {
		n := &numbers{v: []float64{x}}
		for _, p := range picks {
			n.v = append(n.v, append(list, x)[int(p)%(len(list)+1)])
		}
		all := families()
		leaf := refill(all[int(inner)%len(all)].s, nil, n)
		sch := refill(all[int(outer)%len(all)].s, leaf, n)
		for _, s1 := range []s.Schedule{leaf, sch} {
			if s.Validate(s1) != nil {
				continue
			}
			checkValues(t, s1, append(list, x, at, -at, at+x, at*x, math.Nextafter(x, 0))...)
			breaks, err := s.Breakpoints(s1, -5, 50)
			if err == nil && !slices.IsSorted(breaks) {
				t.Fatalf("%#v: breakpoints %v", s1, breaks)
			}
		}
	})
}

type numbers struct {
	v []float64
	i int
}

func (n *numbers) next() float64 {
	n.i++
	return n.v[(n.i-1)%len(n.v)]
}

// refill is a copy of a schedule with other numbers, and with another child if child is not nil.
func refill(sch, child s.Schedule, n *numbers) s.Schedule {
	v := reflect.New(reflect.TypeOf(sch)).Elem()
	v.Set(reflect.ValueOf(sch))
	fill(v, child, n)
	return v.Interface().(s.Schedule)
}

func fill(v reflect.Value, child s.Schedule, n *numbers) {
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat(n.next())
	case reflect.Int:
		v.SetInt(int64(max(0, min(1e6, n.next()))))
	case reflect.Uint8:
		v.SetUint(uint64(max(0, min(2, n.next()))))
	case reflect.Bool:
		v.SetBool(n.next() > 1)
	case reflect.Interface:
		if child != nil {
			v.Set(reflect.ValueOf(child))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), child, n)
		}
	case reflect.Slice:
		old := v
		v.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		reflect.Copy(v, old)
		for i := range v.Len() {
			fill(v.Index(i), child, n)
		}
	}
}
