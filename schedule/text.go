package schedule

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ParseText reads the short form of a specification, for command lines: "0.1" is a [Constant], and value@time pairs
// with the name of an interpolation behind them, or none for hold, are a [Piecewise]:
//
//	0.3@0, 0.15@1dur linear
//	0.1@0, 0.01@30ep, 0.001@60ep
//
// A time is a number or a duration, as in [Spec]. Errors wrap [ErrSpec] and quote the part at fault.
func ParseText(text string) (Spec, error) {
	fail := func(part, format string, args ...any) (Spec, error) {
		return Spec{}, fmt.Errorf("schedule: %.40q: %w: %w", part, fmt.Errorf(format, args...), ErrSpec)
	}
	if len(text) > maxSpecSize {
		return fail(text, "%d bytes, want at most %d", len(text), maxSpecSize)
	}
	text = strings.TrimSpace(text)
	root := object{{"version", specVersion}}
	if v, err := plainNumber(text); err == nil {
		return (*Registry)(nil).spec(append(root, member{"type", "constant"}, member{"v", v}))
	}
	pairs, interp := text, Hold
	if i := strings.LastIndexAny(text, " \t"); i >= 0 && !strings.Contains(text[i:], "@") {
		if err := interp.UnmarshalText([]byte(text[i+1:])); err != nil {
			return fail(text[i+1:], "%w", err)
		}
		pairs = text[:i]
	}
	var knots []any
	for pair := range strings.SplitSeq(pairs, ",") {
		value, at, ok := strings.Cut(strings.TrimSpace(pair), "@")
		if !ok {
			return fail(pair, "want value@time")
		}
		v, err := plainNumber(value)
		if err != nil {
			return fail(pair, "value %.40q: want a number", value)
		}
		var t any = at
		if number, err := plainNumber(at); err == nil {
			t = number
		}
		knots = append(knots, object{{"t", t}, {"v", v}})
	}
	return (*Registry)(nil).spec(append(root, member{"type", "piecewise"}, member{"knots", knots}, member{"interp",
		interp.String()}))
}

// plainNumber is a decimal number, in the form that JSON wants.
func plainNumber(text string) (json.Number, error) {
	v, err := parseDecimal(text)
	return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), err
}
