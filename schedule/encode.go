package schedule

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
)

// encoder makes a tree of a schedule, the inverse of [decoder].
type encoder struct{ reg *Registry }

func (e encoder) schedule(s Schedule) (object, error) {
	v := reflect.ValueOf(s)
	name, ok := e.reg.nameOf(v.Type())
	if !ok {
		return nil, fmt.Errorf("type %T: %w", s, ErrNotSerializable)
	}
	fields, err := e.object(v, false)
	if err != nil {
		return nil, err
	}
	return append(object{{"type", name}}, fields...), nil
}

// object leaves out what may be left out and is zero, or with all nothing.
func (e encoder) object(v reflect.Value, all bool) (object, error) {
	var obj object
	for _, f := range fieldsOf(v.Type()) {
		x := f.in(v)
		if f.optional && !all && x.IsZero() && !(x.CanFloat() && math.Signbit(x.Float())) { // -0 is not lost
			continue
		}
		value, err := e.value(x)
		if err != nil {
			return nil, under("."+f.name, err)
		}
		obj = append(obj, member{f.name, value})
	}
	return obj, nil
}

func (e encoder) value(v reflect.Value) (any, error) {
	switch t := v.Type(); {
	case t == scheduleType:
		if v.IsNil() {
			return nil, fmt.Errorf("schedule is nil: %w", tensor.ErrEmpty)
		}
		return e.schedule(v.Interface().(Schedule))
	case isText(t):
		b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		return string(b), err
	}
	switch v.Kind() {
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			var err error
			if v.Type().Elem() == partType {
				list[i], err = e.object(v.Index(i), i < len(list)-1)
			} else {
				list[i], err = e.value(v.Index(i))
			}
			if err != nil {
				return nil, under(index(i), err)
			}
		}
		return list, nil
	case reflect.Struct:
		return e.object(v, false)
	case reflect.Float64:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%v: %w", x, tensor.ErrNotFinite)
		}
		return json.Number(strconv.FormatFloat(v.Float(), 'g', -1, 64)), nil
	case reflect.Int:
		return json.Number(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Bool:
		return v.Bool(), nil
	}
	return v.String(), nil
}
