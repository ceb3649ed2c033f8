package schedule

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const specVersion = json.Number("1")

// decoder makes a schedule of a tree. It writes the converted durations into the tree as well.
type decoder struct {
	reg       *Registry
	times     times
	durations int // met so far
}

// times is what becomes of the times of a schedule.
type times struct {
	duration func(Duration) (Duration, error)
	plain    func(float64) (float64, error) // nil leaves plain numbers as they are
	inClock  *times                         // for what a Clock runs; nil is the same
	noSteps  error                          // why a schedule that counts steps cannot be made, or nil
}

func (d *decoder) root(v any) (Schedule, error) {
	obj, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("%s, want an object", describe(v))
	}
	s, err := d.versioned(obj)
	if name := typeOf(obj); name != "" && err != nil {
		return nil, under(key2path(name), err)
	}
	return s, err
}

func (d *decoder) versioned(obj object) (Schedule, error) {
	switch version, ok := obj.get("version"); {
	case !ok:
		return nil, under(".version", errMissing)
	case !isVersion(version):
		return nil, under(".version", fmt.Errorf("%s, want %s", describe(version), specVersion))
	}
	return d.schedule(obj, "version")
}

// typeOf is the name of the type that a node has, or nothing.
func typeOf(v any) string {
	obj, _ := v.(object)
	name, _ := obj.get("type")
	text, _ := name.(string)
	return text
}

func isVersion(v any) bool {
	n, err := wholeNumber(v)
	return err == nil && strconv.Itoa(n) == string(specVersion)
}

// wholeNumber takes 1.0 and 1e2 as well, as JSON makes no difference.
func wholeNumber(v any) (int, error) {
	number, _ := v.(json.Number)
	if n, err := strconv.Atoi(string(number)); err == nil {
		return n, nil
	}
	x, err := strconv.ParseFloat(string(number), 64)
	if n := int(x); err == nil && math.Abs(x) < 1<<53 && float64(n) == x {
		return n, nil
	}
	return 0, fmt.Errorf("%s, want a whole number", describe(v))
}

var errMissing = errors.New("is missing")

func (d *decoder) schedule(v any, also string) (Schedule, error) {
	obj, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("%s, want a schedule: an object with a type", describe(v))
	}
	name, ok := obj.get("type")
	if !ok {
		return nil, under(".type", errMissing)
	}
	text, _ := name.(string)
	t, ok := d.reg.lookup(text)
	if !ok {
		return nil, under(".type", fmt.Errorf("%s, want one of %s", describe(name), strings.Join(d.reg.names(), ", ")))
	}
	dst := reflect.New(t).Elem()
	if err := d.object(obj, dst, false, "type", also); err != nil {
		return nil, err
	}
	sch := dst.Interface().(Schedule)
	if counts, ok := sch.(onSteps); ok && d.times.noSteps != nil && counts.countsSteps() {
		return nil, fmt.Errorf("counts steps: %w", d.times.noSteps)
	}
	return sch, nil
}

// object sets the fields of dst. With all, none may be left out.
func (d *decoder) object(obj object, dst reflect.Value, all bool, skip ...string) error {
	fields := fieldsOf(dst.Type())
	found := map[string]bool{}
	for i := range obj {
		m := &obj[i]
		if slices.Contains(skip, m.key) {
			continue
		}
		f, ok := find(fields, m.key)
		if !ok {
			return under(key2path(m.key), fmt.Errorf("unknown field, want %s", strings.Join(names(fields), ", ")))
		}
		found[m.key] = true
		if err := d.member(&m.value, f, dst); err != nil {
			return under("."+f.name, err)
		}
	}
	for _, f := range fields {
		if !found[f.name] && (all || !f.optional) {
			return under("."+f.name, errMissing)
		}
	}
	return nil
}

func (d *decoder) member(v *any, f field, dst reflect.Value) error {
	if d.times.inClock != nil && dst.Type() == clockType && !f.time {
		outside := d.times
		d.times = *outside.inClock
		defer func() { d.times = outside }()
	}
	return d.value(v, f.in(dst), f.time)
}

func (d *decoder) value(v *any, dst reflect.Value, time bool) error {
	t := dst.Type()
	switch {
	case t == scheduleType:
		s, err := d.schedule(*v, "")
		if err == nil {
			dst.Set(reflect.ValueOf(s))
		}
		return err
	case isText(t):
		text, ok := (*v).(string)
		if !ok {
			return fmt.Errorf("%s, want a string", describe(*v))
		}
		return dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	switch t.Kind() {
	case reflect.Slice:
		return d.list(*v, dst, time)
	case reflect.Struct:
		obj, ok := (*v).(object)
		if !ok {
			return fmt.Errorf("%s, want an object", describe(*v))
		}
		return d.object(obj, dst, false)
	case reflect.Float64:
		return d.float(v, dst, time)
	case reflect.Int:
		n, err := wholeNumber(*v)
		if err != nil {
			return err
		}
		dst.SetInt(int64(n))
		return nil
	}
	leaf := reflect.ValueOf(*v) // a bool or a string
	if !leaf.IsValid() || leaf.Kind() != t.Kind() || leaf.Type() == reflect.TypeFor[json.Number]() {
		return fmt.Errorf("%s, want a %v", describe(*v), t.Kind())
	}
	dst.Set(leaf.Convert(t))
	return nil
}

func (d *decoder) list(v any, dst reflect.Value, time bool) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s, want a list", describe(v))
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
	for i := range list {
		var err error
		if part, ok := list[i].(object); ok && dst.Type().Elem() == partType {
			err = d.object(part, dst.Index(i), i < len(list)-1) // only the last part needs no end
		} else {
			err = d.value(&list[i], dst.Index(i), time)
		}
		if err != nil {
			return under(index(i), err)
		}
	}
	return nil
}

func (d *decoder) float(v *any, dst reflect.Value, time bool) error {
	switch leaf := (*v).(type) {
	case json.Number:
		x, err := strconv.ParseFloat(string(leaf), 64)
		if err != nil {
			return fmt.Errorf("%s is too large for a float64", describe(leaf))
		}
		if time && d.times.plain != nil {
			if x, err = d.times.plain(x); err != nil {
				return err
			}
		}
		dst.SetFloat(x)
		return nil
	case string:
		if !time {
			return fmt.Errorf("%s, want a number: this is not a time", describe(leaf))
		}
		d.durations++
		text, negative := strings.CutPrefix(leaf, "-")
		from, err := ParseDuration(text)
		if err != nil {
			return err
		}
		to, err := d.times.duration(from)
		if err != nil {
			return err
		}
		if negative {
			*v = "-" + to.String()
			dst.SetFloat(-to.Value)
		} else {
			*v = to.String()
			dst.SetFloat(to.Value)
		}
		return nil
	}
	if time {
		return fmt.Errorf(`%s, want a number or a duration like "10ep"`, describe(*v))
	}
	return fmt.Errorf("%s, want a number", describe(*v))
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func names(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}
