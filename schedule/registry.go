package schedule

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// builtins are the types that every specification may name.
var builtins = map[string]reflect.Type{
	"choice":         reflect.TypeFor[Choice[float64]](),
	"clamp":          reflect.TypeFor[Clamp](),
	"clock":          reflect.TypeFor[Clock](),
	"constant":       reflect.TypeFor[Constant](),
	"cosine":         reflect.TypeFor[Cosine](),
	"cosineRestarts": reflect.TypeFor[CosineRestarts](),
	"cyclic":         reflect.TypeFor[Cyclic](),
	"expInterp":      reflect.TypeFor[ExpInterp](),
	"exponential":    reflect.TypeFor[Exponential](),
	"inverseSqrt":    reflect.TypeFor[InverseSqrt](),
	"linear":         reflect.TypeFor[Linear](),
	"max":            reflect.TypeFor[Max](),
	"min":            reflect.TypeFor[Min](),
	"multiStep":      reflect.TypeFor[MultiStep](),
	"noam":           reflect.TypeFor[Noam](),
	"offset":         reflect.TypeFor[Offset](),
	"oneCycle":       reflect.TypeFor[OneCycle](),
	"oneMinusSqrt":   reflect.TypeFor[OneMinusSqrt](),
	"piecewise":      reflect.TypeFor[Piecewise](),
	"polynomial":     reflect.TypeFor[Polynomial](),
	"product":        reflect.TypeFor[Product](),
	"quantize":       reflect.TypeFor[Quantize](),
	"ramp":           reflect.TypeFor[Ramp](),
	"repeat":         reflect.TypeFor[Repeat](),
	"rex":            reflect.TypeFor[REX](),
	"scale":          reflect.TypeFor[Scale](),
	"sequence":       reflect.TypeFor[Sequence](),
	"shift":          reflect.TypeFor[Shift](),
	"step":           reflect.TypeFor[Step](),
	"stretch":        reflect.TypeFor[Stretch](),
	"sum":            reflect.TypeFor[Sum](),
	"tanh":           reflect.TypeFor[Tanh](),
	"triangular":     reflect.TypeFor[Triangular](),
	"warmup":         reflect.TypeFor[Warmup](),
	"wsd":            reflect.TypeFor[WSD](),
}

// Registry is a set of the user's own schedule types that specifications may name beside the built-in ones. The zero
// value is an empty one. It is a variable of its user and not global, so that two libraries in one program cannot get
// in each other's way. Once filled it is safe for concurrent use.
type Registry struct {
	types map[string]reflect.Type
}

// Register adds the type of the prototype under a name. The type is a struct, or a slice, whose exported fields are
// float64, int, bool, string, Schedule, types that read and write themselves as text, structs and slices of these.
// Fields are called and left out as their json tags say; the tag `unit:"time"` marks the float64 and []float64 that
// may be written as durations. A name or a type that is already there and a type that could not be written and read
// back are errors wrapping [ErrSpec].
func (r *Registry) Register(name string, prototype Schedule) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("schedule: Register(%q, %T): %w: %w", name, prototype, fmt.Errorf(format, args...), ErrSpec)
	}
	if name == "" || prototype == nil {
		return fail("the name or the prototype is empty")
	}
	if _, ok := r.lookup(name); ok {
		return fail("the name is taken")
	}
	t := reflect.TypeOf(prototype)
	if other, ok := r.nameOf(t); ok {
		return fail("the type is already called %q", other)
	}
	if k := t.Kind(); k != reflect.Struct && k != reflect.Slice {
		return fail("a %v, want a struct or a slice", k)
	}
	if err := writable(t, 8); err != nil {
		return fail("%w", err)
	}
	for _, f := range fieldsOf(t) {
		if f.name == "type" || f.name == "version" {
			return fail("a field cannot be called %q", f.name)
		}
	}
	if r.types == nil {
		r.types = make(map[string]reflect.Type)
	}
	r.types[name] = t
	return nil
}

func (r *Registry) lookup(name string) (reflect.Type, bool) {
	t, ok := builtins[name]
	if !ok && r != nil {
		t, ok = r.types[name]
	}
	return t, ok
}

func (r *Registry) nameOf(t reflect.Type) (string, bool) {
	for _, types := range r.tables() {
		for name, other := range types {
			if other == t {
				return name, true
			}
		}
	}
	return "", false
}

func (r *Registry) names() []string {
	var names []string
	for _, types := range r.tables() {
		names = slices.AppendSeq(names, maps.Keys(types))
	}
	slices.Sort(names)
	return names
}

func (r *Registry) tables() []map[string]reflect.Type {
	if r == nil {
		return []map[string]reflect.Type{builtins}
	}
	return []map[string]reflect.Type{builtins, r.types}
}

var (
	scheduleType = reflect.TypeFor[Schedule]()
	clockType    = reflect.TypeFor[Clock]()
	partType     = reflect.TypeFor[Part]()
	textWriter   = reflect.TypeFor[encoding.TextMarshaler]()
	textReader   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isText tells whether values of the type are written as the text they make of themselves.
func isText(t reflect.Type) bool {
	return t.Implements(textWriter) && reflect.PointerTo(t).Implements(textReader)
}

// field is one member of the JSON object that a type is written as.
type field struct {
	index    int // of the struct field; -1 is a list itself
	name     string
	optional bool // left out when zero
	time     bool
}

// in is the value that f stands for in v.
func (f field) in(v reflect.Value) reflect.Value {
	if f.index < 0 {
		return v
	}
	return v.Field(f.index)
}

func fieldsOf(t reflect.Type) []field {
	if t.Kind() == reflect.Slice {
		if t.Elem() == partType {
			return []field{{index: -1, name: "parts"}}
		}
		return []field{{index: -1, name: "of"}}
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{i, name, strings.Contains(options, "omit"), f.Tag.Get("unit") == "time"})
	}
	return fields
}

// writable tells why values of a type cannot be written and read back, or nil.
func writable(t reflect.Type, depth int) error {
	switch {
	case t == scheduleType || isText(t):
		return nil
	case t.Kind() == reflect.Slice && depth > 0:
		return under("[]", writable(t.Elem(), depth-1))
	case t.Kind() == reflect.Struct && depth > 0:
		names := map[string]bool{}
		for _, f := range fieldsOf(t) {
			sf := t.Field(f.index)
			if !sf.IsExported() || sf.Anonymous {
				return fmt.Errorf("field %s is unexported or embedded", sf.Name)
			}
			if f.time && sf.Type != reflect.TypeFor[float64]() && sf.Type != reflect.TypeFor[[]float64]() {
				return fmt.Errorf("field %s is a time but no float64", sf.Name)
			}
			if names[f.name] {
				return fmt.Errorf("two fields are called %q", f.name)
			}
			names[f.name] = true
			if err := writable(sf.Type, depth-1); err != nil {
				return under("."+sf.Name, err)
			}
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Float64, reflect.Int, reflect.Bool, reflect.String:
		return nil
	}
	return fmt.Errorf("fields of type %v cannot be written", t)
}
