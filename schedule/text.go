package schedule

import (
	"encoding/json"
	"errors"
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
	text = strings.TrimSpace(strings.TrimPrefix(text, byteOrderMark))
	root := object{{"version", specVersion}}
	v, numberErr := plainNumber(text)
	if numberErr == nil {
		return (*Registry)(nil).spec(append(root, member{"type", "constant"}, member{"v", v}))
	}
	if errors.Is(numberErr, strconv.ErrRange) {
		return fail(text, "%w", numberErr)
	}
	pairs, interp := text, Hold
	if before, last := cutLastWord(text); isName(last) {
		if err := interp.UnmarshalText([]byte(last)); err != nil {
			return fail(last, "%w", bare(err))
		}
		pairs = before
	}
	var knots []any
	for pair := range strings.SplitSeq(pairs, ",") {
		value, at, ok := strings.Cut(strings.TrimSpace(pair), "@")
		if !ok {
			return fail(pair, "want value@time")
		}
		value, at = strings.TrimSpace(value), strings.TrimSpace(at)
		v, err := plainNumber(value)
		if err != nil {
			return fail(pair, "value %.40q: %w", value, err)
		}
		var t any = at
		if number, err := plainNumber(at); err == nil {
			t = number
		} else if errors.Is(err, strconv.ErrRange) {
			return fail(pair, "time %.40q: %w", at, err)
		}
		knots = append(knots, object{{"t", t}, {"v", v}})
	}
	return (*Registry)(nil).spec(append(root, member{"type", "piecewise"}, member{"knots", knots}, member{"interp",
		interp.String()}))
}

// cutLastWord is the text before the last word, and that word if it is not the only one.
func cutLastWord(text string) (before, last string) {
	i := strings.LastIndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i+1:]
}

// isName tells the name of an interpolation, right or wrong, from the end of a pair: it has only letters and is no
// unit.
func isName(word string) bool {
	for _, u := range suffixes {
		if word == u.text {
			return false
		}
	}
	return word != "" && strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz") == ""
}

// plainNumber is a decimal number, in the form that JSON wants.
func plainNumber(text string) (json.Number, error) {
	v, err := parseDecimal(text)
	switch {
	case errors.Is(err, strconv.ErrRange):
		err = fmt.Errorf("too large for a float64: %w", strconv.ErrRange)
	case err != nil:
		err = errors.New("want a number")
	}
	return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), err
}
